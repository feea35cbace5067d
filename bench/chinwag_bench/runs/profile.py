"""Run profiles, ``run_profiles/*.toml``: how much of everything a run does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, cast

import msgspec

from chinwag_bench.errors import UsageError
from chinwag_bench.machine.disturbance import Limits
from chinwag_bench.metrics import floor
from chinwag_bench.metrics.metric import Metric, MetricSettings
from chinwag_bench.metrics.registry import BY_NAME, METRICS
from chinwag_bench.runs.rawlog import metric_of

PROFILES = Path(__file__).resolve().parent.parent / "run_profiles"


class RunProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all metrics share. A profile as read has a field for each metric's table besides;
    ``None`` leaves that metric out.
    """

    name: str
    description: str
    budget_s: float
    """Of measuring alone: building and verifying come before it."""
    rounds: int
    variants: list[str]
    again: str
    """The server that appears under a second name; the first of a run's columns when it is not
    among them.
    """
    verify_smoke: bool = False
    """Verify by the short subset of the conformance suite."""
    calibrate: bool = False
    """Measure what the load generator itself can do, before everything else: about 15 s."""
    repeats_max: int | Literal["budget"]
    """How often disturbed cells are measured again, in the whole run; "budget": until every cell
    was quiet once, or the budget is spent.
    """
    warm_memory_gib: float = 0.0
    """How much memory is touched before anything is measured, so that a host that has not backed it
    does so then and not in a hold. Less where less is available.
    """
    limits: Limits = Limits()
    floor: floor.Settings | None = None
    """Once a run, before all cells; ``None`` leaves it out."""

    def metrics(self) -> Iterator[tuple[Metric, MetricSettings]]:
        """The metrics that have a table here, in the order of measuring."""
        for metric in METRICS:
            settings = self.of(metric)
            if settings is not None:
                yield metric, settings

    def of(self, metric: Metric) -> MetricSettings | None:
        """The metric's table."""
        return cast("MetricSettings | None", getattr(self, metric.name, None))

    def capped(self, connections: int | None) -> RunProfile:
        """Ends the search for max connections there; ``None`` leaves the profile's own cap."""
        if connections is None:
            return self
        tables = {metric.name: settings.capped(connections) for metric, settings in self.metrics()}
        return msgspec.structs.replace(self, **tables)

    def connections_at_once(self) -> int:
        """The most that a cell opens at once, but for the search for max connections."""
        asked = (getattr(settings, "connections", 0) for _, settings in self.metrics())
        return max(asked, default=0)

    def loads(self) -> list[str]:
        """Names of all load profiles that the run needs, in alphabetical order."""
        of_floor = {self.floor.load} if self.floor else set()
        return sorted(of_floor.union(*(settings.loads() for _, settings in self.metrics())))


_WITH_TABLES: type[RunProfile] = msgspec.defstruct(  # type: ignore[assignment]
    "RunProfile",
    [(metric.name, metric.settings | None, None) for metric in METRICS],
    bases=(RunProfile,),
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
)


def load_run_profile(name: str, folder: Path = PROFILES) -> RunProfile:
    """Reads a profile by name, or by the path of a TOML file. Raises ``UsageError`` naming file and
    key.
    """
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    try:
        profile = msgspec.toml.decode(path.read_bytes(), type=_WITH_TABLES)
    except OSError as error:
        known = ", ".join(sorted(found.stem for found in folder.glob("*.toml")))
        raise UsageError(
            f"there is no run profile {name!r}", hint=f"known: {known}, or a path to a .toml"
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
    _check_once(profile, path)
    return profile


def _check_once(profile: RunProfile, path: Path) -> None:
    """A metric has cells of its own or shares those of another one, or its records would clash."""
    for metric, settings in profile.metrics():
        for name in map(metric_of, settings.also()):
            if profile.of(BY_NAME[name]) is not None:
                raise UsageError(
                    f"{path}: {name} is measured by [{name}] and by [{metric.name}]",
                    hint=f"remove [{name}], or the key of [{metric.name}] that measures it, too",
                )


def profile_of_run(settings: object) -> RunProfile:
    """The profile that an earlier run wrote into its run.json."""
    return msgspec.convert(settings, type=_WITH_TABLES)
