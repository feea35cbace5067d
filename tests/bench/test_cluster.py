"""Nodes and what joins them, as the kit starts them: real Redis, real servers."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest
from chinwag_bench.errors import HostError, ManifestError, ServerError
from chinwag_bench.machine.doctor.tools import redis as redis_finding
from chinwag_bench.paths import find_workspace
from chinwag_bench.servers.backplane import Distribution, Redis, start_backplane
from chinwag_bench.servers.catalog import Target, discover
from chinwag_bench.servers.cluster import Cluster
from chinwag_bench.servers.health import ask_health
from chinwag_bench.servers.manifest import load_manifest
from chinwag_bench.servers.ports import ephemeral_range, is_free
from chinwag_bench.servers.process import Launch, start_server


def ask(port: int, *commands: str) -> str:
    with socket.create_connection(("127.0.0.1", port), 5.0) as connection:
        connection.sendall("".join(f"{one}\r\n" for one in (*commands, "QUIT")).encode())
        answer = b""
        while more := connection.recv(4096):
            answer += more
    return answer.decode()


def test_redis_keeps_nothing_and_listens_here_alone(tmp_path: Path) -> None:
    with Redis(2, tmp_path / "redis.log") as redis:
        assert redis.port < ephemeral_range()[0]
        said = ask(redis.port, *(f"CONFIG GET {name}" for name in ("save", "appendonly", "bind")))
        assert "save\r\n$0" in said
        assert "appendonly\r\n$2\r\nno" in said
        assert "bind\r\n$9\r\n127.0.0.1" in said
        assert [node.env for node in redis.nodes] == [{"CHAT_BACKPLANE": redis.url}] * 2
        pid = redis.pid
    assert not Path(f"/proc/{pid}").exists()
    assert is_free(redis.port)
    redis.end()


def test_redis_comes_back_on_its_port_even_from_a_stop(tmp_path: Path) -> None:
    with Redis(1, tmp_path / "redis.log") as redis:
        port, first = redis.port, redis.pid
        os.kill(first, signal.SIGSTOP)
        redis.stop()
        assert is_free(port)
        redis.start()
        assert (redis.port, redis.pid == first) == (port, False)
        assert "PONG" in ask(port, "PING")


def test_a_machine_without_redis_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="redis-server is not installed") as raised:
        start_backplane("redis", 2, tmp_path / "redis.log")
    assert "make setup" in (raised.value.hint or "")
    found = redis_finding()
    assert (found.level, found.found) == ("warning", "not found")
    assert "redis-server" in found.todo


def test_nodes_of_a_distribution_know_each_other_and_have_one_secret() -> None:
    with Distribution(3) as distribution:
        envs = [node.env for node in distribution.nodes]
    names = [env["CHAT_NODE"] for env in envs]
    assert len(set(names)) == 3
    for env in envs:
        assert {env["CHAT_NODE"], *env["CHAT_PEERS"].split(",")} == set(names)
    assert len({env["CHAT_COOKIE"] for env in envs}) == 1
    assert len({env["CHAT_NODE_PORT"] for env in envs}) == 1
    assert Distribution(1).nodes[0].env["CHAT_COOKIE"] != envs[0]["CHAT_COOKIE"]


def node_ws() -> Target:
    return discover(find_workspace()).target("node-ws:cluster")


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    target = node_ws()
    if not (target.server.folder / "cluster" / "node_modules").is_dir():
        pytest.skip("node-ws:cluster is not built here: run `chinwag build node-ws:cluster`")
    return Launch(target=target, log=tmp_path / "server.log")


def test_a_node_by_itself_has_a_backplane_that_ends_with_it(launch: Launch) -> None:
    with start_server(launch) as server:
        assert (ask_health(server.port) or {})["backplane"] == "up"
        assert server.launch.node is not None
        port = int(server.launch.node.env["CHAT_BACKPLANE"].rpartition(":")[2])
        assert not is_free(port)
    assert is_free(port)


def test_a_cluster_is_whole_when_it_is_there_and_gone_when_it_is_left(launch: Launch) -> None:
    with Cluster(launch) as cluster:
        ports = [node.port for node in cluster.nodes]
        assert len(set(ports)) == 2
        for port in ports:
            assert (ask_health(port) or {})["backplane"] == "up"
        os.kill(cluster.nodes[1].pid, signal.SIGKILL)
        with pytest.raises(ServerError, match="ended by itself"):
            cluster.wait_joined()
        cluster.start_again(1)
        cluster.wait_joined()
        assert [node.port for node in cluster.nodes] == ports
    assert all(is_free(port) for port in ports)


def test_a_backplane_that_the_kit_does_not_know_is_refused(tmp_path: Path) -> None:
    text = (node_ws().server.folder / "server.toml").read_text("utf-8")
    path = tmp_path / "server.toml"
    path.write_text(text.replace('backplane = "redis"', 'backplane = "carrier-pigeon"'), "utf-8")
    with pytest.raises(ManifestError, match="backplane"):
        load_manifest(path)
