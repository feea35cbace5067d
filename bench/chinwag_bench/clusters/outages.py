"""What is done to a cluster of nodes: each outage has a begin and an end."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from chinwag_bench.servers.backplane import Redis
from chinwag_bench.servers.cluster import Cluster
from chinwag_bench.servers.network import Network

STRUCK = 1
"""The node that an outage of one befalls, counted from 0."""


class Outage:
    """One outage of one cluster: ``begin``, then ``end``, each once. Both return quickly, or when
    what they did is done.
    """

    name: str
    down_s: float
    """From the begin to the end."""
    joins_go_on = True
    """Nobody loses a connection by the outage itself."""

    def __init__(self, cluster: Cluster, network: Network | None) -> None:
        self.cluster = cluster
        self.network = network

    def begin(self) -> None:
        raise NotImplementedError

    def end(self) -> None:
        raise NotImplementedError


class RedisKilled(Outage):
    name = "redis_killed"
    down_s = 1.0

    def begin(self) -> None:
        _redis_of(self.cluster).stop()

    def end(self) -> None:
        _redis_of(self.cluster).start()


class RedisPaused(Outage):
    name = "redis_paused"
    down_s = 5.0

    def begin(self) -> None:
        os.kill(_redis_of(self.cluster).pid, signal.SIGSTOP)

    def end(self) -> None:
        os.kill(_redis_of(self.cluster).pid, signal.SIGCONT)


class LinkCut(Outage):
    """Of one node, to the others and to what joins them; its clients' links stay."""

    name = "link_cut"
    down_s = 3.0

    def begin(self) -> None:
        assert self.network is not None
        self.network.cut(STRUCK)

    def end(self) -> None:
        assert self.network is not None
        self.network.heal(STRUCK)


class NodeKilled(Outage):
    name = "node_killed"
    down_s = 0.0
    joins_go_on = False

    def begin(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.cluster.nodes[STRUCK].pid, signal.SIGKILL)

    def end(self) -> None:
        self.cluster.start_again(STRUCK)


OUTAGES: tuple[type[Outage], ...] = (RedisKilled, RedisPaused, LinkCut, NodeKilled)
_OF_REDIS = (RedisKilled, RedisPaused)


def outages_of(backplane: str | None) -> list[type[Outage]]:
    """Those that a cluster can have which is joined so."""
    return [one for one in OUTAGES if backplane == "redis" or one not in _OF_REDIS]


def _redis_of(cluster: Cluster) -> Redis:
    assert isinstance(cluster.backplane, Redis), "nodes that are joined by no Redis"
    return cluster.backplane
