"""Reading by length against a server that knows what it did wrong: chinwag-fan-out.

As a program: the proof at length, by default 10^8 deliveries in holds that are parsed whole and
holds that are counted, in turn, with each kind of fault. Any hold that does not agree ends it.

    python tests/load/counting.py --deliveries 1e8 --rate 20000
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chinwag_bench.servers.ports import pick_port

ROOT = Path(__file__).resolve().parents[2]
FAN_OUT = Path(
    os.environ.get("CHINWAG_FAN_OUT", ROOT / "build/release/bench/floor/chinwag-fan-out")
)
LOAD = Path(os.environ.get("CHINWAG_LOAD", ROOT / "build/release/bench/load/chinwag-load"))
FAULTS = ("dropped", "duplicated", "swapped", "corrupted", "truncated")
CLOSED = "closed"
"""Amid a delivery, which is the last that the connection gets."""
Json = dict[str, Any]
Place = tuple[int, str]
"""A connection, and "room" or "direct"."""
Faults = dict[str, Counter[Place]]


def in_panel(connection: int, every: int) -> bool:
    """Whether the generator parses a connection: its rule, written down a second time."""
    mixed = (connection // every + 1) * 0x9E3779B1 & 0xFFFFFFFF
    return connection % every == (mixed >> 16) % every


def map_of(hits: dict[str, int]) -> dict[Place, int]:
    """``load-7-u0000012/room`` and how often."""
    pairs = ((name.split("/"), count) for name, count in hits.items())
    return {(int(user[-7:]), kind): count for (user, kind), count in pairs}


class FanOut:
    """A running chinwag-fan-out."""

    def __init__(self, *options: object, cores: str = "") -> None:
        assert FAN_OUT.is_file(), f"{FAN_OUT} is missing: run `make native`"
        self.port = pick_port()
        words = [FAN_OUT, "--port", self.port, *options, *(["--cores", cores] if cores else [])]
        self.process = subprocess.Popen([str(word) for word in words])
        while self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.status()
                return
        raise AssertionError("chinwag-fan-out does not start: see above")

    def status(self) -> Json:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=30) as answer:
            found: Json = json.load(answer)
        return found

    def faults(self) -> Faults:
        found = self.status()["faults"]
        return {name: Counter(map_of(found[name])) for name in (*FAULTS, CLOSED)}

    def deliveries(self) -> int:
        """That it made or began, the dropped ones included."""
        count: int = self.status()["faults"]["deliveries"]
        return count

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Load:
    """A generator that obeys."""

    def __init__(self, port: int, profile: Path, *options: object, cores: str = "") -> None:
        words = [LOAD, "--port", port, "--profile", profile, "--check-every", 1, "--control"]
        pinned = ["taskset", "-c", cores] if cores else []
        self.process = subprocess.Popen(
            [*pinned, *(str(word) for word in (*words, *options))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.others: list[Json] = []
        """Events that were passed over."""

    def ask(self, answer: str, **command: Any) -> Json:
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(command), file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            event: Json = json.loads(line)
            if event["event"] == answer:
                return event
            assert event["event"] != "error", event
            self.others.append(event)
        raise AssertionError(f"the generator ended before `{answer}`")

    def connect(self) -> None:
        self.ask("connected", do="connect", join=True)

    def hold(
        self,
        rate: float,
        seconds: float,
        parse_every: int,
        *,
        warmup_s: float = 0.0,
        drain_s: float = 1.0,
    ) -> Json:
        command = {"rate": rate, "hold_s": seconds, "warmup_s": warmup_s, "drain_s": drain_s}
        event = self.ask("hold", do="hold", parse_every=parse_every, **command)
        hold: Json = event["hold"]
        return hold

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()


def new_faults(before: Faults, after: Faults) -> Faults:
    return {name: after[name] - before[name] for name in after}


def truth(done: Faults, parse_every: int) -> dict[str, int]:
    """What the generator has to find. Where frames are parsed it is everything. Where bytes are
    counted, another order and other characters can't be seen, a loss and a repetition of the same
    kind on one connection cancel out, and deliveries that were cut make one balance wrong, as if
    one were missing.
    """
    found: Counter[str] = Counter()
    for place in set().union(*(done[name] for name in FAULTS)):
        dropped, doubled, swapped, changed, cut = (done[name][place] for name in FAULTS)
        if in_panel(place[0], parse_every):
            found["lost"] += dropped + cut
            found["duplicated"] += doubled
            found["reordered"] += swapped
            found["corrupted"] += changed + cut
        else:
            found["lost"] += max(dropped - doubled, 0)
            found["duplicated"] += max(doubled - dropped, 0)
    cut_short = {user for user, _ in done["truncated"] if not in_panel(user, parse_every)}
    found["lost"] += len(cut_short)
    found["corrupted"] += len(cut_short)
    return {name: found[name] for name in ("lost", "duplicated", "reordered", "corrupted")}


def check(hold: Json, done: Faults, parse_every: int) -> None:
    """The generator's counts are those of the server."""
    expected = truth(done, parse_every)
    found = {name: hold[name] for name in expected}
    assert found == expected, f"found {found}, done {expected}"
    assert hold["delivered"] == hold["expected"] - expected["lost"]
    assert (hold["parsed"] == hold["delivered"]) == (parse_every == 1)
    assert hold["closes"] == {}


@contextlib.contextmanager
def pair(
    profile: Path, *fan_out: object, cores: tuple[str, str] = ("", "")
) -> Iterator[tuple[FanOut, Load]]:
    """A server and a generator whose connections have joined."""
    server = FanOut(*fan_out, cores=cores[0])
    try:
        load = Load(server.port, profile, cores=cores[1])
        try:
            load.connect()
            yield server, load
        finally:
            load.stop()
    finally:
        server.stop()


# Primes, so that each hits every connection and sender in turn.
FAULT_SETS: dict[str, tuple[object, ...]] = {
    "none": (),
    "losses": ("--drop-every", 10_007),
    "repetitions": ("--duplicate-every", 10_007),
    "another order": ("--swap-every", 10_007),
    "other characters": ("--corrupt-every", 10_007),
    "cut short": ("--truncate-every", 1_000_003),
    "several": (
        *("--drop-every", 10_007, "--duplicate-every", 20_011),
        *("--swap-every", 30_011, "--corrupt-every", 40_009),
    ),
}


def prove(
    sets: list[str], deliveries: float, rate: float, profile: Path, cores: tuple[str, str]
) -> None:
    """Holds of 10 s with each set of faults until so many deliveries were counted in all, and one
    each that is parsed whole. Each has a server and connections of its own: who was owed something
    once is parsed from then on.
    """
    sums = {1: 0, 8: 0}
    for name in sets:
        faults = FAULT_SETS[name]
        until = sums[8] + deliveries / len(sets)
        every = 1
        while sums[8] < until:
            hold, done = checked_hold(profile, rate, every, faults, cores)
            sums[every] += hold["delivered"]
            made = {kind: sum(places.values()) for kind, places in done.items() if places}
            print(
                f"{name}, 1 in {every} parsed: {hold['delivered']:,} delivered at "
                f"{hold['deliveries_per_s']:,.0f}/s, CPU {hold['generator_cpu']:.2f}; made "
                f"{made}, found {truth(done, every)}",
                flush=True,
            )
            every = 8
    print(f"all agree: {sums[8]:,} deliveries counted, {sums[1]:,} parsed whole")


def checked_hold(
    profile: Path, rate: float, every: int, faults: tuple[object, ...], cores: tuple[str, str]
) -> tuple[Json, Faults]:
    options = (*faults, "--faults-from", int(rate * 100), "--ping-s", 4)
    with pair(profile, *options, cores=cores) as (server, load):
        load.hold(rate / 4, 2.0, 8)  # learns
        before = server.faults()
        assert not any(before.values())
        hold = load.hold(rate, 10.0, every, warmup_s=0.5, drain_s=6.0)
        done = new_faults(before, server.faults())
    check(hold, done, every)
    return hold, done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=float, default=1e8)
    parser.add_argument("--rate", type=float, default=20_000)
    parser.add_argument("--profile", default="article")
    parser.add_argument("--cores", default=",", help="of the server and of the generator: 0,1")
    parser.add_argument("--faults", action="append", choices=FAULT_SETS, help="only this set")
    options = parser.parse_args()
    profile = ROOT / f"bench/load/profiles/{options.profile}.json"
    server_cores, _, load_cores = options.cores.partition(",")
    sets = options.faults or list(FAULT_SETS)
    prove(sets, options.deliveries, options.rate, profile, (server_cores, load_cores))


if __name__ == "__main__":
    main()
