"""Faults of HTTP beyond the usual request: rules H13 to H20."""

from __future__ import annotations

from . import test_http
from .fault import NOTHING_CAME, fault
from .handshake import KEY

HTTP = [
    fault(
        "H13",
        "sees the first line of a list alone",
        test_http.test_a_list_may_have_several_lines_and_members,
        "assert 426 == 101",
        name="Connection",
    ),
    fault(
        "H13",
        "takes a line for one member",
        test_http.test_a_list_may_have_several_lines_and_members,
        "assert 426 == 101",
        name="Upgrade, one line",
    ),
    fault(
        "H13",
        "looks for a part of a member",
        test_http.test_only_a_whole_member_of_a_list_counts,
        r"assert 101 in \(400, 426\)",
        field=("Connection", "Upgrades"),
    ),
    fault(
        "H14",
        "takes the first of two values",
        test_http.test_a_single_value_that_repeats_is_refused,
        r"assert 101 in \(400, 426, None\)",
        name="Sec-WebSocket-Key",
        first=KEY,
        second="AAAAAAAAAAAAAAAAAAAAAA==",
    ),
    fault(
        "H14",
        "takes the first of two values",
        test_http.test_a_single_value_that_repeats_is_refused,
        r"assert 101 in \(400, 426, None\)",
        name="Sec-WebSocket-Version",
        first="13",
        second="8",
    ),
    fault(
        "H14",
        "asks for no host",
        test_http.test_any_request_has_one_host,
        r"assert 200 in \(400, None\)",
        hosts=(),
    ),
    fault(
        "H15",
        "serves no absolute target",
        test_http.test_an_absolute_target_is_served,
        "assert 404 == 101",
        scheme="http",
    ),
    fault(
        "H15",
        "knows small schemes alone",
        test_http.test_an_absolute_target_is_served,
        "assert 404 == 101",
        scheme="HTTP",
    ),
    fault(
        "H15",
        "drops an absolute target's query",
        test_http.test_an_absolute_target_names_the_user,
        r"assert '[0-9a-f-]+\.\.\.[0-9a-f-]+' == 'user-",
    ),
    fault(
        "H15",
        "looks for its path anywhere in a target",
        test_http.test_an_absolute_target_has_a_path,
        "assert 426 == 200",
        path="/health?x=/ws",
        status=200,
    ),
    fault(
        "H15",
        "answers 500 to another authority",
        test_http.test_an_absolute_target_for_another_host_is_served_or_refused,
        r"assert 500 in \(101, 400, None\)",
    ),
    fault(
        "H16",
        "waits behind empty lines",
        test_http.test_empty_lines_before_a_request_are_skipped_or_refused,
        NOTHING_CAME,
        empty=b"\r\n",
    ),
    fault(
        "H17",
        "answers HEAD with a body",
        test_http.test_an_answer_to_head_has_no_body,
        "after the head came ",
        path="/health",
    ),
    fault(
        "H17",
        "upgrades by any method",
        test_http.test_only_get_upgrades,
        "answered with 101",
        method="POST",
    ),
    fault(
        "H18",
        "takes a body for the next request",
        test_http.test_a_body_is_never_served_as_a_request,
        r"the body was served: \[200, 404, 200\]",
        kind="a length",
        path="/health",
    ),
    fault(
        "H18",
        "takes a body for the next request",
        test_http.test_a_body_is_never_served_as_a_request,
        r"the body was served: \[404, 400, 400, 200\]",
        kind="chunks",
        path="/nothing-else",
    ),
    fault(
        "H18",
        "takes the body of an upgrade for frames",
        test_http.test_the_body_of_an_upgrade_is_refused_or_consumed,
        "user_joined.* was due, not .*heartbeat",
        field="Content-Length",
    ),
    fault(
        "H19",
        "answers 500 to its own name",
        test_http.test_a_reserved_name_is_refused_with_403,
        r"assert 500 in \(101, 403\)",
    ),
    fault(
        "H19",
        "reserves what is like its name",
        test_http.test_a_reserved_name_is_refused_with_403,
        "assert 403 == 101",
    ),
    fault(
        "H20",
        "refuses offers of other protocols",
        test_http.test_an_offer_of_another_protocol_is_ignored_or_taken,
        "/health answers 404 to an offer of h2c",
        offer="h2c",
    ),
]
