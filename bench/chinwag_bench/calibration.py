"""What the load generator itself can do, measured once: only then can a rate be told that came near
to it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec

from chinwag_bench.errors import GeneratorError, HostError, ServerError
from chinwag_bench.load_profile import LoadProfile
from chinwag_bench.metrics.cell import Place, Site
from chinwag_bench.metrics.hold_seconds import HoldSeconds
from chinwag_bench.metrics.throughput import Search, Settings, search_on
from chinwag_bench.records import Calibration, Ceiling
from chinwag_bench.servers.catalog import Catalog, Target

ECHO = "echo"
"""Each message comes back to its sender: one delivery a message."""
FAN_OUT = "article"
"""What throughput is measured by: one message is many deliveries."""
LOADS = (ECHO, FAN_OUT)
_SEARCHES = {
    ECHO: {"connections": 100, "start_deliveries_per_s": 25_000.0, "setup_s": 0.5},
    FAN_OUT: {"connections": 1_000, "start_deliveries_per_s": 100_000.0, "setup_s": 1.5},
}
_SECONDS = 6.0
"""Of each search, so that a ``quick`` run can afford both: at most 15 s in all."""


def settings(load: str) -> Settings:
    """The search for one ceiling: short, because the generator warms up in no time."""
    return msgspec.convert(
        {
            "load": load,
            "seconds": _SECONDS,
            "cap_deliveries_per_s": 1e8,
            "approach_factor": 2.0,
            "approach": HoldSeconds(warmup_s=0.1, hold_s=0.4, drain_s=0.2),
            "ascend": HoldSeconds(warmup_s=0.1, hold_s=0.4, drain_s=0.2),
            "confirm": HoldSeconds(warmup_s=0.2, hold_s=0.8, drain_s=0.3),
        }
        | _SEARCHES[load],
        type=Settings,
    )


def echoing(catalog: Catalog) -> tuple[Target, Target]:
    """The server that calibrates: as it echoes, and as it is. Raises ``HostError`` where no
    manifest has an ``[echo]``.
    """
    for server in catalog.servers.values():
        manifest = server.manifest
        if manifest.echo is not None:
            run = msgspec.structs.replace(manifest.run, env=manifest.run.env | manifest.echo.env)
            echo = msgspec.structs.replace(manifest, transport=ECHO, run=run)
            return Target(msgspec.structs.replace(server, manifest=echo)), Target(server)
    raise HostError(
        "no server here echoes messages, so the load generator can't be calibrated",
        hint="a manifest says by its [echo] table that its server does",
    )


def calibrate(site: Site, loads: Mapping[str, LoadProfile], catalog: Catalog) -> Calibration:
    """Both ceilings. Raises ``HostError`` where no server echoes; a search that fails is a ceiling
    with a reason.
    """
    started_at, started = time.time(), time.monotonic()
    echo, plain = echoing(catalog)
    ceilings = [
        _ceiling(Place(site=site, target=target, round=0, metric=f"calibrate-{name}"), loads[name])
        for name, target in ((ECHO, echo), (FAN_OUT, plain))
    ]
    return Calibration(
        server=plain.id,
        started_at=started_at,
        seconds=time.monotonic() - started,
        ceilings=ceilings,
    )


def _ceiling(place: Place, load: LoadProfile) -> Ceiling:
    wanted = settings(load.name)
    ceiling = Ceiling(load=load.name, connections=wanted.connections)
    search = search_on(place, load, wanted)
    try:
        search.run(wanted.start_deliveries_per_s)
    except (ServerError, GeneratorError) as error:
        ceiling.reason = error.text()
        return ceiling
    if search.best is None:
        ceiling.reason = "no rate was sustained"
        return ceiling
    hold = search.best.hold
    ceiling.messages_per_s = hold.messages_per_s
    ceiling.deliveries_per_s = hold.deliveries_per_s
    ceiling.generator_cpu = hold.generator_cpu
    ceiling.cpu_us_per_message = hold.generator_cpu * 1e6 / hold.messages_per_s
    ceiling.cpu_us_per_delivery = hold.generator_cpu * 1e6 / hold.deliveries_per_s
    ceiling.send_lag_ms = hold.send_lag_ms
    ceiling.receive_lag_ms = hold.receive_lag_ms
    ceiling.limited_by, ceiling.lower_bound = limit(search)
    return ceiling


def limit(search: Search) -> tuple[str, bool]:
    """What ended a search, and whether the generator might have done more."""
    failed = search.lowest_failure()
    if any(search.is_generator_limited(step) for step in (search.best, failed) if step is not None):
        return "generator", False
    return ("server", True) if search.outcome.ended == "failed" else ("time", True)


def describe(calibration: Calibration) -> Sequence[str]:
    """A line a ceiling, with units."""
    return [_line(ceiling, calibration.server) for ceiling in calibration.ceilings]


def _line(ceiling: Ceiling, server: str) -> str:
    if ceiling.messages_per_s is None or ceiling.deliveries_per_s is None:
        return f"{ceiling.load}: not known: {ceiling.reason}"
    sign = ">= " if ceiling.lower_bound else ""
    cpu = f"{ceiling.cpu_us_per_message:.2f} us of CPU a message"
    if ceiling.load != ECHO:
        cpu += f", {ceiling.cpu_us_per_delivery:.2f} us a delivery"
    return (
        f"{ceiling.load}, {ceiling.connections:,} connections to {server}: "
        f"{sign}{ceiling.messages_per_s:,.0f} messages/s, "
        f"{sign}{ceiling.deliveries_per_s:,.0f} deliveries/s; {cpu}; generator at "
        f"{ceiling.generator_cpu:.0%} of a core, p99 of its send lag "
        f"{ceiling.send_lag_ms['p99']:.2f} ms, of its receive lag "
        f"{ceiling.receive_lag_ms['p99']:.2f} ms (ended by: {ceiling.limited_by})"
    )
