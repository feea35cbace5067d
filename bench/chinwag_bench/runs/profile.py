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
from chinwag_bench.runs import extension
from chinwag_bench.runs.profile_numbers import wrong_number
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
    one_variant: list[str] = []
    """Metrics that are measured of one variant a server, the last of ``variants`` that it has, and
    of no second name.
    """
    servers: list[str] = []
    """The columns that are meant where none is named; empty: every server in ``variants``."""
    columns: dict[str, list[str]] = {}
    """Metrics that are measured of these columns only, by the columns' names."""
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
    experiments: bool = False
    """Afterwards `chinwag matrix` measures what puts single statements of the articles to the test,
    as `chinwag claims --run` does."""
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

    def only(self, names: list[str]) -> RunProfile:
        """These metrics alone. What is measured of the machine for the rates goes where no rate is
        searched. Raises ``UsageError`` for a metric that this profile has no table of.
        """
        own = [metric.name for metric, _ in self.metrics()]
        for name in names:
            if name not in own:
                raise UsageError(
                    f"profile {self.name} does not measure {name!r} in cells of its own",
                    hint=f"its metrics are {', '.join(own)}",
                )
        left_out = dict.fromkeys(name for name in own if name not in names)
        searched = {"throughput", "load_throughput"}.intersection(names)
        alone = {} if searched else {"floor": None, "calibrate": False}
        return msgspec.structs.replace(self, **left_out, **alone)

    def connections_at_once(self) -> int:
        """The most that a cell opens at once, but for the search for max connections."""
        asked = (getattr(settings, "connections", 0) for _, settings in self.metrics())
        return max(asked, default=0)

    def connections_in_a_storm(self) -> int:
        """The most that come at once; 0 without a storm."""
        return max((settings.storms() for _, settings in self.metrics()), default=0)

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
    return extension.read(name, folder, _profile)


def _profile(tables: object, path: Path) -> RunProfile:
    """Of a file's tables and those that it extends. Raises ``UsageError``."""
    # First, for a number of a wrong type is named by its path, but for the keys of its choice.
    wrong = wrong_number(tables)
    if wrong is not None:
        raise UsageError(f"{path}: {wrong}")
    try:
        profile = msgspec.convert(tables, type=_WITH_TABLES)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {error}") from error
    _check_once(profile, path)
    _check_metric_names(profile, path)
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


def _check_metric_names(profile: RunProfile, path: Path) -> None:
    for key, names in (("one_variant", profile.one_variant), ("columns", profile.columns)):
        for name in names:
            if name not in BY_NAME:
                raise UsageError(
                    f"{path}: {key} names {name!r}, which is no metric",
                    hint=f"the metrics are {', '.join(BY_NAME)}",
                )


def profile_of_run(settings: object) -> RunProfile:
    """The profile that an earlier run wrote into its run.json."""
    return msgspec.convert(settings, type=_WITH_TABLES)
