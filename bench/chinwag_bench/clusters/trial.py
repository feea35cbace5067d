"""A cluster and its clients: a watch in peace, and one through each outage."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import msgspec

from chinwag_bench.clusters.outages import STRUCK, LinkCut, Outage
from chinwag_bench.clusters.outcome import Delays, OutageOutcome, crossed_meanwhile, delays, judge
from chinwag_bench.errors import GeneratorError, HostError, ServerError
from chinwag_bench.faults.watch import watch
from chinwag_bench.faults.watched import Watched
from chinwag_bench.generator import Generator, WatchRequest
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Place, attached_generator, launch_at, open_connections
from chinwag_bench.servers.cluster import Cluster
from chinwag_bench.servers.network import Network
from chinwag_bench.servers.process import start_server

NODES = 2
_STEADY_S = 0.5
"""From the begin of a watch to the earliest outage."""
_PHASE_S = 0.25
"""It comes at a random moment within so long."""
_UNJOINED_S = 2.0
"""Joins of plain servers side by side are announced to fewer than the generator waits for."""


class TrialSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a cluster is watched."""

    messages_per_s: float
    """Of all connections together."""
    peace_s: float
    """Watched without an outage, for delays."""
    recovery_s: float
    """Watched at most after an outage's end."""
    settle_s: float
    """Watched on after everybody hears everybody again."""


@contextmanager
def clients(
    place: Place, cluster: Cluster, load: LoadProfile, connections: int
) -> Iterator[Generator]:
    """All of them joined; neighbours are on different nodes."""
    first, *others = cluster.nodes
    with attached_generator(place, first, load, connections, also=others) as generator:
        open_connections(cluster, generator, connections, join=True)
        yield generator


def watch_in_peace(
    place: Place, cluster: Cluster, generator: Generator, load: LoadProfile, connections: int,
    settings: TrialSettings,
) -> tuple[Delays, Delays]:  # fmt: skip
    """Of what crosses, and of what does not."""
    request = _request(place, settings, settings.peace_s)
    watched, _ = watch(generator, request, load, connections, _for_seconds(settings.peace_s))
    cluster.check_alive()
    return delays(watched, NODES, across=True), delays(watched, NODES, across=False)


def crossing_unjoined(
    place: Place, load: LoadProfile, connections: int, settings: TrialSettings
) -> int:
    """Deliveries from node to node where nothing joins them: two plain servers side by side."""
    launch = launch_at(place)
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(
                start_server(
                    msgspec.structs.replace(
                        launch, log=launch.log and launch.log.with_suffix(f".{number}.log")
                    )
                )
            )
            for number in range(NODES)
        ]
        generator = stack.enter_context(
            attached_generator(
                place, nodes[0], load, connections, also=nodes[1:], answer_timeout_s=_UNJOINED_S
            )
        )
        open_connections(nodes[0], generator, connections, join=True)
        request = _request(place, settings, settings.settle_s)
        wait = _for_seconds(settings.settle_s)
        watched, _ = watch(generator, request, load, connections, wait)
        generator.close()
    return delays(watched, NODES, across=True).deliveries


def try_outage(
    kind: type[Outage], place: Place, load: LoadProfile, connections: int, settings: TrialSettings
) -> OutageOutcome:
    """Never raises for what a node or the generator does, or for what this machine does not let:
    the outcome's ``reason`` says it.
    """
    try:
        with ExitStack() as stack:
            network = stack.enter_context(Network(NODES)) if kind is LinkCut else None
            cluster = stack.enter_context(Cluster(launch_at(place), NODES, network))
            generator = stack.enter_context(clients(place, cluster, load, connections))
            outage = kind(cluster, network)
            outcome = _strike(outage, place, generator, load, connections, settings)
            generator.close()
            return outcome
    except (ServerError, GeneratorError, HostError) as error:
        return OutageOutcome(reason=error.text())


def _strike(
    outage: Outage, place: Place, generator: Generator, load: LoadProfile, connections: int,
    settings: TrialSettings,
) -> OutageOutcome:  # fmt: skip
    began_ns = struck_ns = ended_ns = 0
    phase = random.Random(place.seed).random() * _PHASE_S

    def strike(begin_s: float) -> None:
        nonlocal began_ns, struck_ns, ended_ns
        time.sleep(max(0.0, begin_s + _STEADY_S + phase - time.monotonic()))
        began_ns = time.monotonic_ns()
        outage.begin()
        struck_ns = time.monotonic_ns()
        time.sleep(max(0.0, outage.down_s - (struck_ns - began_ns) / 1e9))
        ended_ns = time.monotonic_ns()
        outage.end()

    seconds = _STEADY_S + _PHASE_S + outage.down_s + settings.recovery_s
    request = _request(place, settings, seconds)
    watched, _ = watch(generator, request, load, connections, strike)
    outage.cluster.check_alive()
    outcome = judge(watched, NODES, began_ns, ended_ns)
    outcome.happened = _proof(outage, watched, outcome, struck_ns, ended_ns)
    if outcome.happened is None:
        outcome.reason = "nothing shows that the outage was real"
    return outcome


def _proof(
    outage: Outage, watched: Watched, outcome: OutageOutcome, struck_ns: int, ended_ns: int
) -> str | None:
    """Where a node is killed, its clients' connections end; else nothing crosses that is sent after
    the blow was struck.
    """
    if not outage.joins_go_on:
        own = len(range(STRUCK, watched.connections, NODES))
        ended = outcome.lost_connections
        return f"{ended} connections of the node ended" if ended >= own else None
    crossed = crossed_meanwhile(watched, NODES, struck_ns, ended_ns)
    return None if crossed else f"nothing crossed for {(ended_ns - struck_ns) / 1e9:.2f} s"


def _request(place: Place, settings: TrialSettings, seconds: float) -> WatchRequest:
    return WatchRequest(
        rate=settings.messages_per_s,
        seconds=seconds,
        fault_s=0.0,
        log=place.site.folder / "logs" / f"{place.label}.watch",
        until_told=True,
        settle_s=settings.settle_s,
    )


def _for_seconds(seconds: float) -> Callable[[float], None]:
    def wait(begin_s: float) -> None:
        time.sleep(max(0.0, begin_s + seconds - time.monotonic()))

    return wait
