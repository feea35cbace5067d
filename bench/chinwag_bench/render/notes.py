"""The words for the judge's remarks on cells, which are codes with parameters."""

from __future__ import annotations

from collections.abc import Callable

from chinwag_bench.judging.matrix import QUEUE_OVERFLOWED, Note
from chinwag_bench.numbers import number
from chinwag_bench.records import Json

SAID_BELOW_THE_ROW = {"not_by_this_version", "never"}
"""Reasons that are the same for all columns."""


def _disturbed(args: Json) -> str:
    fate = "kept" if args["kept"] else "repeated"
    return f"round {args['round']} was disturbed ({', '.join(args['reasons'])}) and {fate}"


def _connections(args: Json) -> str:
    return f"with {', '.join(f'{count:,}' for count in args['counts'])} connections"


def _no_rate_within(args: Json) -> str:
    best = args["best"]
    seen = "" if best is None else f"; the lowest p99 of any hold was {number(best)} ms"
    return f"no rate was kept within {args['p99_ms']:g} ms{seen}"


def _queue(args: Json) -> str:
    length = "" if args["backlog"] is None else f" of {args['backlog']:,}"
    return f"the listen queue{length}"


def _queue_overflowed(args: Json) -> str:
    return (
        f"ranks nobody: in round {args['round']} {_queue(args)} overflowed "
        f"({max(args['overflows'], args['drops']):,} drops), and {args['syn_retransmissions']:,} "
        "connection requests were sent again 1 s or more later: this times the kernel's timer"
    )


def _column(args: Json) -> str:
    return str(args["reason"]) or f"the server is {args['status']}"


_WAYS = {
    "code": "its code was replaced in the running program",
    "handover": "a new process took over its connections",
    "workers": "its workers were replaced one after the other",
    "socket": "a new process got its listening socket, then it was told to stop",
    "port": "a new process listened on the same port (SO_REUSEPORT), then it was told to stop",
    "restart": "it was stopped, then the new build was started",
}


_KILLED = {
    "connection": "the process of one connection was killed",
    "worker": "one of its workers was killed",
    "all": "all of it was killed: nothing smaller of it ends by itself",
}
_JOINED = {"redis": "Redis", "distribution": "Erlang's distribution"}


def _upgraded_by(args: Json) -> str:
    because = f": {args['because']}" if args["because"] else ""
    return f"{_WAYS[args['way']]}{because}"


_WORDS: dict[str, Callable[[Json], str]] = {
    # Why there is no value.
    "never": lambda _: "not measurable",
    "not_by_this_version": lambda _: "not measured by this version",
    "not_counted": lambda _: "not counted in this run",
    "not_yet": lambda _: "not measured yet",
    "one_variant": lambda _: "this profile measures one variant a server here",
    "other_columns": lambda _: "this profile measures other columns here",
    "no_nodes": lambda _: "no variant of several nodes, or it is in the default's column",
    "not_in_run": lambda _: "not measured in this run",
    "column": _column,
    "without_value": lambda args: str(args["why"]),
    "too_fast": lambda args: f"can't keep this rate: {args['why']}",
    "generator_too_slow": lambda args: (
        f"says nothing of the server: the load generator was the limit: {args['why']}"
    ),
    "too_few_messages": lambda args: (
        f"{args['sent']:,} messages in all rounds; {args['needed']:,} are needed, so that ten lie "
        "beyond it"
    ),
    "no_rate_within": _no_rate_within,
    # What a reader must know of a value.
    "pooled": lambda _: "from the holds of all rounds together: no round looked on both sides",
    "not_confirmed": lambda args: (
        f"round {args['round']} confirmed none: its highest hold counts that no longer one refuted"
    ),
    "search_ended_early": lambda args: (
        f"round {args['round']} was ended by {ended_by(args['by'])}, not by the server"
    ),
    "connections": _connections,
    "killed": lambda args: _KILLED[args["unit"]],
    "upgraded_by": _upgraded_by,
    "nodes": lambda args: (
        f"by the variant {args['variant']}, joined by {_JOINED[args['backplane']]}"
    ),
    "one_round": lambda _: "from one round: less than 10 % is no difference",
    "load": lambda args: (
        f"with {args['connections']:,} connections, together {args['messages_per_s']:,.0f} "
        "messages/s"
    ),
    "cores": lambda args: (
        f"at {args['deliveries_per_s']:,.0f} deliveries/s"
        f"{', the generator on one of the cores' if args['shared'] else ''}"
    ),
    "broadcast": lambda args: (
        f"{args['messages_per_s']:g} messages/s, each to {args['members']:,} members"
    ),
    "kernel_memory": lambda args: f"kernel memory by {', '.join(args['methods'])}",
    "ended_by": lambda args: f"ended by: {args['stopped']}",
    "projection": lambda args: (
        f"a projection, not measured: {args['bytes']:,.0f} bytes a connection"
    ),
    "disturbed": _disturbed,
    "rounds_made": lambda args: f"{args['made']} rounds were made, {args['used']} are used",
    "rounds_without_value": lambda args: (
        f"{args['missing']} of {args['used']} rounds gave no value"
    ),
    "rounds_not_looked": lambda args: (
        f"{args['missing']} of {args['used']} rounds did not look on both sides of this p99"
    ),
    QUEUE_OVERFLOWED: _queue_overflowed,
    "queue_held": lambda args: f"{_queue(args)} was never full",
    "not_sustained": lambda args: f"round {args['round']} was not kept up: {args['why']}",
    "not_offered": lambda args: (
        f"round {args['round']} was not kept up, the load generator being the limit: {args['why']}"
    ),
}
ENDS = {
    "generator": "the load generator",
    "server": "the server",
    "cap": "the run's limits",
    "time": "the run's time",
    "latency": "its latency",
    "loss": "a loss",
    "refusal": "a refusal",
    "memory": "the memory",
    "unclear": "holds too short to tell",
}
"""What ends a search, by the word in the record."""


def sentence(note: Note | None) -> str:
    """The remark in words; empty for none. Raises KeyError for a code without words."""
    return "" if note is None else _WORDS[note.code](note.args)


def codes() -> set[str]:
    """All that have words."""
    return set(_WORDS)


def ended_by(limited_by: str) -> str:
    """``Limited.limited_by`` of one round or of several, as a part of a sentence."""
    return " or ".join(ENDS.get(word, word) for word in limited_by.split(", "))
