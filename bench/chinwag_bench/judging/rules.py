"""By what a run's holds are judged: each hold once, however many cells look at it."""

from __future__ import annotations

from dataclasses import dataclass, field

from chinwag_bench.judging.generator_limits import generator_limits
from chinwag_bench.judging.sustained import Failure, SustainedLimits, find_failure, limits_of
from chinwag_bench.records import Run, Step, Threads

BUSY_SHARE = 0.9
"""A server that uses this share of its cores has no CPU time left."""


@dataclass(frozen=True)
class Rules:
    """Of one run. Steps that were judged must not change."""

    limits: SustainedLimits
    generator_cores: int
    server_cores: int
    """Of those that the run gave to a server, as many as it can use."""
    _judged: dict[int, tuple[Step, Failure | None, bool]] = field(
        default_factory=dict, repr=False, compare=False
    )
    """By identity; that the step stands beside its verdict keeps the identity its own."""

    def failure(self, step: Step) -> Failure | None:
        """The first rule that the hold breaks; ``None`` when it was sustained."""
        return self._of(step)[1]

    def is_limited(self, step: Step) -> bool:
        """Whether the generator held the hold back."""
        return self._of(step)[2]

    def is_held_back(self, step: Step) -> bool:
        """Whether the hold says nothing of the server: the generator was the limit, or did not
        offer the rate.
        """
        failure = self.failure(step)
        return self.is_limited(step) or (failure is not None and failure.kind == "generator")

    def is_not_whole(self, step: Step) -> bool:
        """Whether a hold whose every delivery was read shows that the server lost some or mixed
        them up. A busy generator explains what is late or lost, and nothing that came twice, in
        another order or changed.
        """
        if step.hold.duplicated or step.hold.reordered or step.hold.corrupted:
            return True
        failure = self.failure(step)
        return failure is not None and failure.kind == "loss" and not self.is_limited(step)

    def met_by(self, step: Step) -> str | None:
        """What a server met at a rate that it failed at: "server" where it had no CPU time left,
        else the kind of its failure; ``None`` where the hold says nothing of the server.
        """
        failure = self.failure(step)
        if failure is None or self.is_held_back(step):
            return None
        return "server" if is_server_busy(step, self.server_cores) else failure.kind

    def _of(self, step: Step) -> tuple[Step, Failure | None, bool]:
        known = self._judged.get(id(step))
        if known is None:
            busy = is_server_busy(step, self.server_cores)
            limits = generator_limits(step.hold, self.generator_cores, server_is_busy=busy)
            known = step, find_failure(step.hold, self.limits), bool(limits)
            self._judged[id(step)] = known
        return known


def is_server_busy(step: Step, cores: int) -> bool:
    """``cores``: how many it can use."""
    return step.server_cpu_s >= BUSY_SHARE * cores * step.hold.hold_s


def cores_in_reach(threads: Threads | None, cores: int, nodes: int = 1) -> int:
    """How many of its ``cores`` a server can use, or several ``nodes`` of it: one each where it has
    one thread. That thread is out of CPU time a little after the server is called busy, as garbage
    collectors and compilers have threads of their own. Of a server that does not say, all: it is
    called busy later, and what it might have done is left open more often.
    """
    return max(1, min(nodes, cores) if threads == "one" else cores)


def rules_of(
    run: Run, threads: Threads | None = None, metric: str = "throughput", nodes: int = 1
) -> Rules:
    """For what a metric held on a server of such ``threads``, or on several nodes of it: by the
    run's plan, or the defaults.
    """
    generator, server = (run.plan.get(f"{of}_cores", []) for of in ("generator", "server"))
    in_reach = cores_in_reach(threads, len(server), nodes)
    return Rules(limits_of(run.plan, metric), max(1, len(generator)), in_reach)
