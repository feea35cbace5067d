"""The core inside a Python process, as a compared server. With CHAT_HANDLER=true a Python handler
sees every message before it is published."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time

import chinwag

VARIABLES = {
    "host": "CHAT_HOST",
    "port": "CHAT_PORT",
    "ping_interval_ms": "CHAT_PING_INTERVAL_MS",
    "idle_timeout_ms": "CHAT_IDLE_TIMEOUT_MS",
    "listen_backlog": "CHAT_BACKLOG",
    "echo": "CHINWAGD_ECHO",
}


def look_at(message: chinwag.Message) -> None:
    """What a filter does at least: it reads the text."""
    if "a word that nobody says" in message.content:
        message.refuse("mind your words")


def commit_fault(message: chinwag.Message) -> None:
    """What a defect in a handler would do. A kit asks for it and measures what follows."""
    kind, _, ms = message.content.partition(" ")
    if kind == "__build":
        message.answer(f"__build {os.environ.get('CHAT_BUILD', '1')}")
    if kind == "__crash":
        raise RuntimeError("__crash was asked for")
    if kind == "__spin":
        end_s = time.monotonic() + int(ms) / 1000
        while time.monotonic() < end_s:
            continue


def in_terms_of_variables(error: str) -> str:
    """The core names an option first, where it is about one: here it was set by a variable."""
    name, space, rest = error.partition(" ")
    return VARIABLES.get(name, name) + space + rest


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    given = {
        name: os.environ[variable] for name, variable in VARIABLES.items() if variable in os.environ
    }
    try:
        server = chinwag.Server(**{"port": 4000, **given})
        if os.environ.get("CHAT_FAULTS") == "1":
            server.on("message", commit_fault)
        elif os.environ.get("CHAT_HANDLER") == "true":
            server.on("message", look_at)
        asyncio.run(server.serve(drain_s=3))
    except chinwag.ChinwagError as error:
        sys.exit(f"python-hosted: {in_terms_of_variables(str(error))}")


if __name__ == "__main__":
    main()
