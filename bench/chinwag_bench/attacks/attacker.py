"""Runs one attack until its standard input ends: ``python -m
chinwag_bench.attacks.attacker CLASS --port N --cpu N``."""

from __future__ import annotations

import argparse
import gc
import json
import os
import select
import sys
import time
from dataclasses import asdict

from .classes import Press, find
from .placement import pin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("attack")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cpu", type=int, required=True)
    parser.add_argument("--nice", type=int, default=0)
    asked = parser.parse_args()
    os.nice(asked.nice)
    pin(os.getpid(), asked.cpu)
    press = Press(find([asked.attack])[0], asked.port)
    press.prepare()
    gc.collect()
    gc.disable()
    print("ready", flush=True)
    if not sys.stdin.readline():
        return
    looked = [0.0, False]

    def told_to_end() -> bool:
        now = time.monotonic()
        if now - looked[0] > 0.05:
            looked[0] = now
            looked[1] = bool(select.select([sys.stdin], [], [], 0)[0])
        return bool(looked[1])

    begin = time.monotonic()
    counts = press.run(told_to_end)
    seconds = time.monotonic() - begin
    press.close()
    json.dump({**asdict(counts), "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
