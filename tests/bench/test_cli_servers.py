"""Commands about servers, from outside: list, build, serve, verify."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from chinwag_bench.servers.health import ask_health
from chinwag_bench.servers.ports import pick_port


def test_the_list_shows_servers_and_a_broken_manifest(checkout):
    checkout.add_server()
    checkout.add_broken("bad", "name = 3")
    done = checkout.chinwag("list")
    assert done.returncode == 2
    assert "toy" in done.stdout
    assert "default, tuned" in done.stdout
    assert "bad/server.toml: `name`: Expected `str`" in done.stderr


def test_the_list_as_json(checkout):
    checkout.add_server()
    facts = json.loads(checkout.chinwag("list", "--json").stdout)
    assert (facts["name"], facts["missing"], facts["built"]) == ("toy", None, False)


def test_peers_are_listed_on_demand_and_can_always_be_named(main_here, checkout):
    checkout.add_server("toy-peer", replace=("language = ", "peer = true\nlanguage = "))
    assert "toy-peer" not in main_here("list")[1]
    assert "toy-peer" in main_here("list", "--peers")[1]
    built = checkout.root / "build/servers/toy-peer/server.py"
    assert main_here("build")[0] == 0
    assert not built.exists()
    assert main_here("build", "--peers")[0] == 0
    assert built.exists()
    for arguments in (["--all", "--peers"], ["toy", "--peers"], ["toy-peer"]):
        outcomes = main_here("verify", "--json", *arguments)[1]
        assert '"toy-peer"' in outcomes
    assert '"toy-peer"' not in main_here("verify", "--json", "--all")[1]


def test_titles_and_reasons_with_brackets_are_shown_whole(main_here, checkout):
    """As markup they would be swallowed, or end the command."""
    title = 'title = "Python · toy'
    checkout.add_server("odd", replace=(title, f"{title} [x] [/Python]"))
    checkout.add_server("bare", replace=('requires = ["sh"]', 'requires = ["fro[/b]nicate"]'))
    code, out, err = main_here("list")
    assert (code, err) == (0, "")
    assert "Python · toy [x] [/Python]" in out
    assert "fro[/b]nicate not found" in out


def test_the_list_fits_80_columns_with_whole_names(checkout):
    for name in ("a-server-with-a-long-name", "toy"):
        checkout.add_server(name)
    shown = checkout.chinwag("list", COLUMNS="80").stdout
    assert "a-server-with-a-long-name" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown


def test_make_setup_is_no_advice_where_it_has_been_followed(main_here, checkout):
    words = "run `make setup`, or install frobnicate"
    checkout.add_server("bare", replace=("there is no shell", words))
    manifest = checkout.root / "reference-impls/bare/server.toml"
    manifest.write_text(manifest.read_text().replace('["sh"]', '["frobnicate"]'))
    assert "run `make setup`, or" in main_here("list", "--json")[1]
    checkout._write(".toolchain/stamps/python", "1\n")
    shown = main_here("list", "--json")[1]
    assert "`make setup` could not install it: install frobnicate" in shown


def test_what_make_setup_has_installed_is_found_without_make(checkout):
    checkout.add_server("bare", replace=('requires = ["sh"]', 'requires = ["frobnicate"]'))
    assert json.loads(checkout.chinwag("list", "--json").stdout)["missing"]
    program = checkout._write(".toolchain/bin/frobnicate", "#!/bin/sh\n")
    program.chmod(0o755)
    assert json.loads(checkout.chinwag("list", "--json").stdout)["missing"] is None
    assert checkout.chinwag("build").returncode == 0


def test_build_answers_by_its_code(checkout):
    checkout.add_server("toy")
    assert checkout.chinwag("build").returncode == 0
    checkout.add_server("bare", replace=('requires = ["sh"]', 'requires = ["frobnicate"]'))
    missing = checkout.chinwag("build")
    assert missing.returncode == 3
    assert "frobnicate not found. there is no shell" in missing.stderr
    checkout.add_server("bad", replace=("echo building", "exit 1"))
    assert checkout.chinwag("build").returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_one_line_and_leaves_on_a_signal(checkout, toy, number):
    port = pick_port()
    kit = subprocess.Popen(
        checkout.command("serve", "toy", "--port", str(port)),
        env=checkout.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = kit.stdout.readline()
    kit.send_signal(number)
    rest, _ = kit.communicate(timeout=20)
    assert first == f"toy listens on ws://127.0.0.1:{port}/ws; stop it with Ctrl-C\n"
    assert (rest, kit.returncode) == ("", 0)


def test_serve_shows_an_ipv6_address_as_a_url_has_it(checkout, toy):
    port = pick_port()
    if not Path("/proc/net/if_inet6").exists() or not Path("/proc/net/if_inet6").read_text():
        pytest.skip("this machine has no IPv6")
    with subprocess.Popen(
        checkout.command("serve", "toy", "--port", str(port), "--host", "::1"),
        env=checkout.env(),
        stdout=subprocess.PIPE,
        text=True,
    ) as kit:
        assert kit.stdout.readline().startswith(f"toy listens on ws://[::1]:{port}/ws;")
        kit.send_signal(signal.SIGINT)


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_standard_streams_may_be_closed(checkout, closed):
    """What is opened first would be taken for them, as by daemons' parents."""
    checkout.add_server()
    port = pick_port()

    def command(*arguments):
        return ["sh", "-c", f'exec "$@" {closed}', "sh", *checkout.command(*arguments)]

    assert subprocess.run(command("build"), env=checkout.env(), check=False).returncode == 0
    with subprocess.Popen(command("serve", "toy", "--port", str(port)), env=checkout.env()) as kit:
        deadline = time.monotonic() + 120
        while ask_health(port) is None:
            assert kit.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        kit.send_signal(signal.SIGTERM)
    # The kit may not have heard yet that the server listens: then its start is interrupted.
    assert kit.returncode in (0, 130)


def test_serve_reports_a_port_in_use_and_a_server_that_dies(checkout, start):
    taken = checkout.chinwag("serve", "toy", "--port", str(start().port))
    assert taken.returncode == 3
    assert "already in use" in taken.stderr
    dead = checkout.chinwag("serve", "toy", "--port", str(pick_port()), TOY_FAULT="die")
    assert dead.returncode == 1
    assert "toy ended by itself (code 1)" in dead.stderr


def test_verify_shows_a_table_and_fails_for_a_failing_server(checkout):
    checkout.add_server("toy")
    passed = checkout.chinwag("verify", "toy")
    assert passed.returncode == 0
    assert re.search(r"toy +│ +2 +│ +0 +│ +1 ", passed.stdout)
    checkout.add_server("wrong")
    suite = checkout.root / "tests/conformance/test_toy.py"
    # The ids of cases and the words of a server may look like markup.
    suite.write_text(
        "import pytest\n"
        '@pytest.mark.parametrize("path", ["/wss"])\n'
        "def test_path(path, pytestconfig):\n"
        '    assert pytestconfig.getoption("--server") != "wrong", "welcome names [/b], not [x]"\n'
    )
    drawn = checkout.chinwag("verify", "toy", "wrong")
    assert drawn.returncode == 1, drawn.stderr
    assert re.search(r"toy +│ +1 +│ +0 +│", drawn.stdout)
    assert re.search(r"wrong +│ +0 +│ +1 +│", drawn.stdout)
    assert "test_path[/wss]: AssertionError: welcome names [/b], not [x]" in drawn.stdout


def test_verify_draws_what_was_not_built_with_the_compiler_s_words(checkout):
    checkout.add_server("bad", replace=("echo building", "echo cannot find [/opt/x]; exit 1"))
    drawn = checkout.chinwag("verify", "bad")
    assert drawn.returncode == 1, drawn.stderr
    assert "cannot find [/opt/x]" in drawn.stdout


def test_verify_tells_a_toolchain_that_is_not_here_from_a_failure(checkout):
    lacks = ('requires = ["sh"]', 'requires = ["no-such-tool"]')
    checkout.add_server("far", replace=lacks)
    drawn = checkout.chinwag("verify", "far")
    assert drawn.returncode == 3, drawn.stderr
    assert "no-such-tool not found" in drawn.stderr
    assert "toolchain is not here" in drawn.stdout
    checkout.add_server("bad", replace=("echo building", "exit 1"))
    assert checkout.chinwag("verify", "far", "bad").returncode == 1


def test_list_says_how_many_peers_there_are_and_how_a_variant_is_named(checkout):
    checkout.add_server("toy")
    checkout.add_server("spare", replace=('name = "spare"', 'name = "spare"\npeer = true'))
    shown = checkout.chinwag("list").stdout
    assert "NAME:VARIANT" in shown and "1 more with --peers" in shown and "spare" not in shown
    assert "more with" not in checkout.chinwag("list", "--peers").stdout


def test_a_failing_server_is_counted_in_json(checkout):
    checkout.add_server("toy")
    checkout.add_server("wrong")
    done = checkout.chinwag("verify", "--json")
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    counts = {one["column"]: one["failed"] for one in outcomes if "passed" in one}
    assert counts == {"toy": 0, "wrong": 2}
    assert done.returncode == 1
