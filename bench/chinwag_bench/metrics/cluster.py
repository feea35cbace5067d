"""Cluster: one server as two nodes, and what outages do to what joins them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from chinwag_bench.clusters import outages
from chinwag_bench.clusters.outcome import Delays, OutageOutcome
from chinwag_bench.clusters.trial import (
    NODES,
    TrialSettings,
    clients,
    crossing_unjoined,
    try_outage,
    watch_in_peace,
)
from chinwag_bench.errors import HostError
from chinwag_bench.generator import Generator, HoldRequest
from chinwag_bench.judging.bounds import Bounds, exactly
from chinwag_bench.judging.matrix import Note
from chinwag_bench.judging.row import MEGABYTE, Better, Spec, row
from chinwag_bench.judging.rules import cores_in_reach
from chinwag_bench.judging.searches import of_search
from chinwag_bench.judging.sustained import Failure, SustainedLimits
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.machine.cputime import CpuTime, tree_cpu
from chinwag_bench.machine.user_memory import tree_user_bytes
from chinwag_bench.metrics.cell import Place, held, launch_at
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.metric import Metric, Visit
from chinwag_bench.metrics.search import Search, SearchSettings, describe, first_rate, report
from chinwag_bench.records import Searched, Step
from chinwag_bench.servers.backplane import Redis
from chinwag_bench.servers.catalog import Target
from chinwag_bench.servers.cluster import Cluster
from chinwag_bench.servers.lines_of_code import lines_of_code
from chinwag_bench.servers.supervisor import descendants


class Size(msgspec.Struct, kw_only=True):
    """What two nodes and their backplane are, with the clients of a watch."""

    processes: int
    user_bytes: int
    backplane_bytes: int
    """Of ``user_bytes``: Redis."""
    settings: int
    """Variables that tell one node of the others."""
    lines: int
    """Of code, beyond what one node needs."""


class ClusterRun(Searched, kw_only=True, tag="cluster", tag_field="metric"):
    """The search is on two nodes that share the cores of one server, their backplane too."""

    variant: str = ""
    """The one that was measured; the column is the default's."""
    backplane: str = ""
    across: Delays | None = None
    """Of deliveries from node to node, in peace."""
    home: Delays | None = None
    """Of those that stay on the sender's node."""
    paced: Step | None = None
    """At one rate for all."""
    size: Size | None = None
    unjoined: int | None = None
    """Deliveries from one plain server to the other's members, with nothing that joins them."""
    outcomes: dict[str, OutageOutcome] = msgspec.field(default_factory=dict)
    """By the outage's name."""


class Settings(SearchSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    load: str
    start_deliveries_per_s: float
    repeats: int
    paced: HoldSeconds
    paced_deliveries_per_s: float
    watch_load: str
    watch_connections: int
    trial: TrialSettings

    @property
    def planned_s(self) -> float:
        down_s = sum(one.down_s for one in outages.OUTAGES)
        watches_s = down_s + len(outages.OUTAGES) * (2 * self.trial.settle_s + self.setup_s)
        peace_s = self.trial.peace_s + self.paced.seconds + 3 * self.setup_s
        return self.setup_s + self.seconds + watches_s + peace_s

    def rounds(self, of_run: int) -> int:
        return self.repeats

    def loads(self) -> set[str]:
        return {self.load, self.watch_load}


class ClusterBout(msgspec.Struct):
    """A cluster and a generator that is connected to all of its nodes."""

    cluster: Cluster
    generator: Generator
    load: LoadProfile
    connections: int

    def hold(
        self,
        deliveries_per_s: float,
        seconds: HoldSeconds,
        label: str,
        *,
        limits: SustainedLimits,
        parse_every: int = 0,
    ) -> tuple[Step, Failure | None]:
        """As a ``Bout``'s; the CPU time is that of all nodes and of Redis."""
        request = HoldRequest(
            rate=deliveries_per_s / self.load.deliveries_per_message(self.connections),
            warmup_s=seconds.warmup_s,
            hold_s=seconds.hold_s,
            drain_s=seconds.drain_s,
            label=label,
            parse_every=parse_every,
        )
        return held(self.cluster, self.generator, request, limits, lambda: _cpu(self.cluster))


@contextmanager
def _bout(place: Place, load: LoadProfile, connections: int) -> Iterator[ClusterBout]:
    with (
        Cluster(launch_at(place), NODES) as cluster,
        clients(place, cluster, load, connections) as generator,
    ):
        yield ClusterBout(cluster, generator, load, connections)
        generator.close()


def _visit(visit: Visit) -> list[ClusterRun]:
    settings: Settings = visit.settings
    target = visit.place.target
    nodes = target.as_nodes
    assert nodes is not None, f"{target.id} has no variant of several nodes"
    record = ClusterRun(
        column=target.id,
        round=visit.place.round,
        started_at=time.time(),
        seconds=0.0,
        status="ok",
        variant=nodes.variant,
        backplane=nodes.settings.backplane or "",
        connections=settings.connections,
    )
    started = time.monotonic()
    column = next(one for one in visit.run.columns if one.id == target.id)
    reason = column.nodes_reason
    if reason is None:
        try:
            record = _measured(record, visit, msgspec.structs.replace(visit.place, target=nodes))
        except HostError as error:
            # A machine without Redis measures the rest.
            reason = error.text()
    if reason is not None:
        record = msgspec.structs.replace(record, status="failed", reason=reason)
    record.seconds = time.monotonic() - started
    return [record]


def _measured(record: ClusterRun, visit: Visit, place: Place) -> ClusterRun:
    settings: Settings = visit.settings
    load, watch_load = visit.load, visit.loads[settings.watch_load]
    trial, connections = settings.trial, settings.watch_connections
    plain = msgspec.structs.replace(place, target=visit.place.target)
    record.unjoined = crossing_unjoined(plain, watch_load, connections, trial)
    with _bout(place, watch_load, connections) as pair:
        record.size = _size(pair.cluster, place.target, visit.place.target)
        record.across, record.home = watch_in_peace(
            place, pair.cluster, pair.generator, watch_load, connections, trial
        )
    with _bout(place, load, settings.connections) as pair:
        rate, seconds = settings.paced_deliveries_per_s, settings.paced
        record.paced, _ = pair.hold(rate, seconds, "paced", limits=settings.sustained)
    for kind in outages.outages_of(place.target.settings.backplane):
        record.outcomes[kind.name] = try_outage(kind, place, watch_load, connections, trial)
    cores = place.site.cpus
    search = Search(
        settings,
        lambda: _bout(place, load, settings.connections),
        len(cores.generator),
        cores_in_reach(place.target.threads, len(cores.server), NODES),
    )
    search.run(first_rate(visit.place, settings.start_deliveries_per_s, None))
    record = report(search, record)
    failed = [f"{name}: {one.reason}" for name, one in record.outcomes.items() if one.reason]
    if failed:
        reasons = [*([record.reason] if record.reason else []), *failed]
        record = msgspec.structs.replace(record, reason="; ".join(reasons))
    return record


def _cpu(cluster: Cluster) -> CpuTime:
    total = CpuTime()
    for root in _roots(cluster):
        total = total + tree_cpu(root, include_root=False)
    return total


def _roots(cluster: Cluster) -> list[int]:
    redis = cluster.backplane
    return [*cluster.supervisor_pids, *([redis.supervisor_pid] if isinstance(redis, Redis) else [])]


def _size(cluster: Cluster, nodes: Target, single: Target) -> Size:
    roots = _roots(cluster)
    of_nodes = cluster.supervisor_pids
    node = cluster.nodes[0].launch.node
    of_each = [tree_user_bytes(root) for root in roots]
    return Size(
        processes=sum(len(descendants(root)) for root in roots),
        user_bytes=sum(of_each),
        backplane_bytes=sum(of_each[len(of_nodes) :]),
        settings=0 if node is None else len(node.env),
        lines=max(0, _lines(nodes) - _lines(single)),
    )


def _lines(target: Target) -> int:
    return sum(lines_of_code(target.server.folder, target.server.manifest.loc).values())


def _describe(record: ClusterRun) -> str:
    parts = []
    if record.across is not None and record.across.ms:
        parts.append(f"p99 from node to node {record.across.ms['p99']:.2f} ms")
    parts.append(describe(record))
    parts += [f"{name}: {_in_words(one)}" for name, one in record.outcomes.items()]
    return "; ".join(parts)


def _in_words(one: OutageOutcome) -> str:
    if one.happened is None:
        return f"not measured: {one.reason}"
    normal = one.normal_ms
    again = "never normal again" if normal is None else f"normal after {normal:,.0f} ms"
    untold = f", {one.untold} messages lost untold" if one.untold else ""
    return f"{again}, {one.lost} deliveries lost{untold}"


def _notes(record: ClusterRun) -> list[Note]:
    return [Note(code="nodes", args={"variant": record.variant, "backplane": record.backplane})]


def _of(value: Callable[[ClusterRun], float | None]) -> Callable[[ClusterRun], Bounds | None]:
    def bounds(record: ClusterRun) -> Bounds | None:
        found = value(record)
        return None if found is None else exactly(found)

    return bounds


def _delay(key: str, *, across: bool) -> Callable[[ClusterRun], float | None]:
    def value(record: ClusterRun) -> float | None:
        found = record.across if across else record.home
        return None if found is None else found.ms.get(key)

    return value


def _of_outage(
    name: str, value: Callable[[OutageOutcome], float | None]
) -> Callable[[ClusterRun], Bounds | None]:
    """Nothing is known of an outage that did not happen; one without an end is open."""

    def bounds(record: ClusterRun) -> Bounds | None:
        outcome = record.outcomes.get(name)
        return None if outcome is None or outcome.happened is None else exactly(value(outcome))

    return bounds


def _spec(
    key: str, title: str, unit: str, better: Better, definition: str,
    bounds: Callable[..., Bounds | None], absent: str = "it has none of that",
) -> Spec:  # fmt: skip
    made = row("Across machines", key, title, unit, better, definition)
    return Spec(made, "cluster", bounds, notes=_notes, absent=absent)


_TWO = "Two nodes of the server, the members of each room on both in turn"
_TITLES = {
    outages.RedisKilled.name: (
        "Redis killed", "Redis is killed under load, and started again after 1 s"
    ),
    outages.RedisPaused.name: ("Redis paused 5 s", "Redis stands still for 5 s under load"),
    outages.LinkCut.name: (
        "Link cut", "Under load, one node's link to the other one and to Redis is cut for 3 s"
    ),
    outages.NodeKilled.name: (
        "Node killed", "One node is killed under load, and started again at once"
    ),
}  # fmt: skip
_NO_REDIS = "no Redis joins its nodes, or it was not measured"


_COUNTS: tuple[tuple[str, str, str, Callable[[OutageOutcome], float]], ...] = (
    (
        "lost",
        "deliveries lost",
        "deliveries that are missing though their member was connected.",
        lambda one: float(one.lost),
    ),
    (
        "untold",
        "messages lost in silence",
        "messages that somebody on the other node never got and whose sender got no error "
        "{unavailable}.",
        lambda one: float(one.untold),
    ),
    (
        "twice",
        "deliveries that came twice",
        "copies of what a member had got already.",
        lambda one: float(one.duplicated),
    ),
)


def _outage_rows() -> Iterator[Spec]:
    for name, (title, what) in _TITLES.items():
        yield _spec(
            f"cluster_{name}_normal",
            f"{title}: until all hear all",
            "ms",
            "lower",
            f"{what}: from its end to the arrival of the first message from the other node that "
            "was sent after it, the slowest member counting.",
            _of_outage(name, lambda one: one.normal_ms),
            "somebody never heard the other node again; or no Redis joins its nodes, or it was "
            "not measured",
        )
        for key, counted, definition, value in _COUNTS:
            yield _spec(
                f"cluster_{name}_{key}",
                f"{title}: {counted}",
                "",
                "lower",
                f"{what}: {definition}",
                _of_outage(name, value),
                _NO_REDIS,
            )


def _size_of(value: Callable[[Size], float]) -> Callable[[ClusterRun], Bounds | None]:
    return _of(lambda record: None if record.size is None else value(record.size))


def _rows() -> list[Spec]:
    rate = row(
        "Across machines", "cluster_deliveries", "Two nodes: throughput", "deliveries/s", "higher",
        f"{_TWO}, all on the cores of one server, Redis too: the highest rate that is sustained.",
    )  # fmt: skip
    return [
        Spec(rate, "cluster", of_search, by_rules=True, notes=_notes),
        *(
            _spec(
                f"cluster_{where}_{key}", f"Two nodes: {key} {named}", "ms",
                "lower" if across else "none",
                f"{_TWO}, 16,000 deliveries/s: {what}.",
                _of(_delay(key, across=across)),
            )
            for where, across, named, what in (
                ("across", True, "from node to node", "latency of those that cross"),
                ("home", False, "on one node", "latency of those that stay on the sender's node"),
            )
            for key in ("p50", "p99")
        ),
        _spec(
            "cluster_cpu", "Two nodes: CPU per delivery", "us", "lower",
            f"{_TWO}, at 20,000 deliveries/s: CPU time of both nodes and of Redis per delivery.",
            _of(lambda record: record.paced.cpu_us_per_delivery if record.paced else None),
        ),
        _spec(
            "cluster_memory", "Two nodes: memory", "MB", "lower",
            f"{_TWO}, 80 clients: user memory of both nodes and of Redis.",
            _size_of(lambda size: size.user_bytes / MEGABYTE),
        ),
        _spec(
            "cluster_redis", "Two nodes: memory of Redis", "MB", "none",
            "User memory of the Redis that joins them; 0 where they need none.",
            _size_of(lambda size: size.backplane_bytes / MEGABYTE),
        ),
        _spec(
            "cluster_processes", "Two nodes: processes", "", "none",
            "Processes of both nodes and of what joins them.",
            _size_of(lambda size: float(size.processes)),
        ),
        _spec(
            "cluster_settings", "Two nodes: settings a node", "", "none",
            "Variables that a node is given to find the others.",
            _size_of(lambda size: float(size.settings)),
        ),
        _spec(
            "cluster_lines", "Several nodes: lines of code", "", "none",
            "Lines of the server's own code, beyond what one node runs.",
            _size_of(lambda size: float(size.lines)),
        ),
        _spec(
            "cluster_unjoined", "Two servers side by side: deliveries that cross", "", "none",
            "Two plain servers with nothing that joins them, the members of each room on both: "
            "deliveries from one to the other's members. Each that shares memory or sockets of "
            "one machine only has none here.",
            _of(lambda record: None if record.unjoined is None else float(record.unjoined)),
        ),
        *_outage_rows(),
    ]  # fmt: skip


METHOD = """
**Across machines.** A server's variant of several nodes, as two nodes: `cluster` in its manifest.
Members of a room are on both nodes in turn, so that half of a room's deliveries cross. Nodes are
processes that share the cores of one server, and so does the kit's own Redis, if that joins them:
the rate is what two nodes and their backplane do with the CPU that one server has. Delays are from
when a message was really sent, with 80 clients in rooms of 10 and 1,600 messages/s. Outages come
under that load, each on a fresh cluster: Redis is killed (SIGKILL) and started again after 1 s;
stands still for 5 s (SIGSTOP); one node's link to the other and to Redis is cut for 3 s, in network
namespaces of the kit's own, while its clients' links stay; one node is killed and started again at
once, and its clients come back to it by the same rule as with faults. An outage counts only if
nothing crossed while it lasted, or if the killed node's connections ended. Times run from its end
to the first message from the other node that was sent after it, the slowest member counting. A
message is lost in silence if somebody on the other node never got it and its sender was told
nothing: errors with code `unavailable` are taken off. Servers without such a variant have no cells.
"""
METRIC = Metric(
    record=ClusterRun,
    settings=Settings,
    measure=_visit,
    describe=_describe,
    rows=_rows(),
    method=METHOD,
    of_nodes=True,
)
"""One server as several nodes."""
