"""What the suite's own server can do wrong: a rule each, the test that notices, and its words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from . import (
    test_closes,
    test_come_and_go,
    test_direct,
    test_fanout,
    test_floods,
    test_fragments,
    test_frames,
    test_handshake,
    test_health,
    test_json,
    test_leaving,
    test_lengths,
    test_liveness,
    test_model,
    test_names,
    test_pending_limit,
    test_rooms,
    test_settings,
    test_shutdown,
    test_slow_consumer,
    test_unicode,
)

Test = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Check:
    """A test of the suite with its parameters, or a golden case by its id."""

    test: Test | str
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        name = self.test if isinstance(self.test, str) else self.test.__name__
        return "-".join([name, *(str(value)[:20] for value in self.parameters.values())])


@dataclass(frozen=True)
class Fault:
    """``name`` is what faulty/ asks for; ``says`` is a regular expression that the failure's text
    must match, so that no slow machine and no other fault passes for this one.
    """

    rule: str
    name: str
    check: Check
    says: str


def fault(rule: str, name: str, test: Test | str, says: str, **parameters: Any) -> Fault:
    return Fault(rule, name, Check(test, parameters), says)


NOTHING_CAME = r"^NothingCame: .*nothing came"
FLOOD = test_floods.FLOODS["one field of 100 KiB"]
UNMASKED = {"fault": "unmasked text"}

HANDSHAKE = [
    fault("H1", "accepts no key", test_handshake.test_welcome_is_the_first_message, "the key"),
    fault(
        "H1",
        "talks before welcome",
        test_handshake.test_welcome_is_the_first_message,
        "the first message is .*heartbeat",
    ),
    fault(
        "H2",
        "answers 404 without an upgrade",
        test_handshake.test_a_request_without_upgrade_is_refused,
        r"assert 404 in \(400, 426\)",
    ),
    fault(
        "H3",
        "upgrades on any path",
        test_handshake.test_other_paths_do_not_upgrade,
        "assert 101 == 404",
        path="/chat",
    ),
    fault(
        "H3",
        "answers 400 for other paths",
        test_health.test_other_paths_are_not_found,
        "assert 400 == 404",
        path="/healthz",
    ),
    fault("H3", "names no workers", test_health.test_health_says_who_serves, "somebody must serve"),
    fault(
        "H4",
        "decodes no percent",
        test_names.test_the_user_parameter_is_form_decoded,
        r"TAG%20x|%20x",
        query="user=TAG%20x",
    ),
    fault(
        "H4",
        "leaves a plus alone",
        test_names.test_the_user_parameter_is_form_decoded,
        r"\+x' ==",
        query="user=TAG+x",
    ),
    fault(
        "H4",
        "takes the last user",
        test_names.test_the_user_parameter_is_form_decoded,
        "'other' ==",
        query="user=TAG&user=other",
    ),
    fault(
        "H5",
        "calls the nameless guest",
        test_handshake.test_a_nameless_user_becomes_a_uuid,
        r"guest",
        target="/ws",
    ),
    fault(
        "H5",
        "calls the nameless alike",
        test_handshake.test_a_nameless_user_becomes_a_uuid,
        "assert '00000000.*' != '00000000",
        target="/ws?user=",
    ),
    fault(
        "H6",
        "lets any user name in",
        test_names.test_user_names_out_of_bounds_are_refused,
        "assert 101 == 400",
        value="x" * 65,
    ),
    fault(
        "H6",
        "repairs user names",
        test_names.test_a_user_name_that_is_not_utf8_is_refused,
        "assert 101 == 400",
        value="%FF",
    ),
    fault(
        "H7",
        "accepts extensions",
        test_handshake.test_extensions_are_declined,
        "sec-websocket-extensions was not declined",
        offer="permessage-deflate",
    ),
    fault(
        "H8",
        "takes the first subprotocol",
        test_handshake.test_subprotocols_and_origin_are_ignored,
        "sec-websocket-protocol was not declined",
    ),
    fault(
        "H8",
        "checks the origin",
        test_handshake.test_subprotocols_and_origin_are_ignored,
        "answered with 403",
    ),
    fault(
        "H9",
        "takes any version",
        test_handshake.test_other_versions_are_refused,
        r"assert 101 in \(400, 426\)",
        version="8",
    ),
    fault(
        "H9",
        "takes a missing key",
        test_handshake.test_a_missing_key_is_refused,
        r"assert 101 in \(400, 426\)",
    ),
    fault(
        "H9",
        "lets odd keys in and is silent",
        test_handshake.test_a_key_of_another_length_is_refused_or_taken,
        NOTHING_CAME,
        key="dGhlIHNhbXBsZQ==",
    ),
    fault(
        "H10",
        "drops what comes with the request",
        test_handshake.test_frames_sent_with_the_upgrade_are_served_or_refused,
        r"user_joined.* was due, but nothing came",
    ),
    fault(
        "H11",
        "takes any head",
        test_floods.test_a_flood_of_headers_is_refused,
        "answered with Response.status=101",
        headers=FLOOD,
    ),
    fault(
        "H11",
        "a flood holds everybody up",
        test_floods.test_a_flood_of_headers_is_refused,
        "a heartbeat's answer was due, but nothing came",
        headers=FLOOD,
    ),
    fault(
        "H12",
        "gives a request three seconds",
        test_floods.test_a_slow_handshake_is_served_and_holds_nobody_up,
        r"ended before [34]\.\d s were over",
    ),
    fault(
        "H12",
        "an open request holds everybody up",
        test_floods.test_half_open_handshakes_hold_nobody_up,
        "nothing came",
    ),
]

NAMES_AND_CHECKS = [
    fault(
        "N1",
        "counts characters of names",
        test_names.test_names_out_of_bounds_are_bad_requests,
        "'error'.* was due, not .*user_joined",
    ),
    fault(
        "N1",
        "takes control characters in names",
        test_names.test_names_out_of_bounds_are_bad_requests,
        "user_joined.* is not valid",
    ),
    fault(
        "N1",
        "takes names of 32 bytes at most",
        test_names.test_room_names_within_bounds,
        "own user_joined was due, not .*bad_request",
    ),
    fault("N2", "trims names", "room-names-are-not-trimmed", "room"),
    fault("N2", "folds case", "room-names-differ-in-case", "room"),
    fault("N2", "normalises names", "room-names-are-not-normalised", "room"),
    fault("C1", "forgives malformed messages", "malformed-only-a-brace", "nothing came"),
    fault("C1", "closes malformed messages with 1002", "malformed-only-a-brace", "close 1003"),
    fault(
        "C1",
        "gives no reason",
        test_json.test_malformed_json_costs_its_own_connection_only,
        r"reason=''",
    ),
    fault(
        "C1",
        "takes a byte order mark",
        test_json.test_what_holds_no_value_is_malformed,
        "the end was due, but a message came",
        text="\ufeff" + '{"type":"heartbeat"}',
    ),
    fault("C2", "closes what is no object", "not-an-object-null", "the connection ended"),
    fault("C3", "ignores requests without a type", "type-missing", "nothing came"),
    fault("C4", "answers unknown types", "unknown-type-is-ignored", "nothing was due|bad_request"),
    fault("C5", "closes for a bad field", "join-without-room", "the connection ended"),
    fault("C6", "closes for unknown fields", "further-fields-are-ignored", "connection ended"),
    fault("C7", "checks the state first", "form-is-checked-before-membership", "not_joined"),
    fault(
        "C8",
        "blocks for a key that comes twice",
        test_json.test_duplicate_keys_hurt_nobody,
        "a heartbeat's answer was due, but nothing came",
    ),
    fault("C9", "takes ten levels at most", "served-nesting-of-16-lists", "connection ended"),
    fault(
        "C10",
        "closes deep nesting with 1011",
        test_json.test_deep_nesting_is_served_or_malformed,
        "ended with .*1011",
        value=test_json.DEEP["10,000 lists"],
    ),
    fault(
        "C11",
        "loses what is beside a surrogate",
        test_json.test_a_lone_surrogate_in_content,
        "not '\ufffd'",
        escape=r"\ud800",
    ),
    fault(
        "C12",
        "closes large numbers with 1007",
        test_json.test_a_number_out_of_range_is_served_or_malformed,
        "ended with .*1007",
        number="1e400",
    ),
    fault("C13", "takes NaN", "malformed-nan", "the end was due, but a message came"),
]

ROOMS = [
    fault("R1", "membership belongs to the user", "two-connections-of-a-user-are-two-members", ""),
    fault(
        "R1",
        "membership belongs to the user",
        test_model.test_random_sessions_agree_with_the_model,
        "were due|was due",
    ),
    fault(
        "R2",
        "repeats the last message to a newcomer",
        test_rooms.test_nothing_of_a_room_comes_before_its_own_user_joined,
        "own user_joined was due, not .*talk",
    ),
    fault(
        "R3",
        "tells everyone of joining again",
        "join-again-is-told-to-the-asker-alone",
        "nothing was due, but this came: .*user_joined",
    ),
    fault(
        "R3",
        "joins twice",
        test_rooms.test_joining_again_does_not_double_deliveries,
        "nothing was due, but this came: .*once|own user_joined was due|user_joined",
    ),
    fault(
        "R4",
        "has no limit of rooms",
        test_rooms.test_the_65th_room_is_refused,
        "too_many_rooms.* was due, not .*user_joined",
    ),
    fault(
        "R4",
        "refuses to join again when full",
        test_rooms.test_the_65th_room_is_refused,
        "own user_joined was due, not .*too_many_rooms",
    ),
    fault(
        "R5", "leaves rooms it is not in", "leave-of-a-room-never-joined", "heartbeat|nothing came"
    ),
    fault("R6", "tells the leaver", "leave-is-told-to-those-left", "nothing was due.*user_left"),
    fault(
        "R6",
        "delivers to who has left",
        "leave-ends-delivery",
        "nothing was due, but this came",
    ),
    fault(
        "R6",
        "delivers when it has time",
        test_leaving.test_a_message_before_leave_and_heartbeat_comes_before_the_answer,
        "nothing was due, but this came: .*'message'",
    ),
    fault(
        "R7",
        "forgets user_left on disconnect",
        test_rooms.test_every_room_hears_of_a_disconnect_once,
        "user_left.* was due, but nothing came",
        way="abort",
    ),
    fault(
        "R7",
        "tells of a departure twice",
        test_rooms.test_every_room_hears_of_a_disconnect_once,
        "user_left|assert",
        way="hang_up",
    ),
    fault(
        "R7",
        "keeps members who are gone",
        test_come_and_go.test_resets_amid_traffic_disturb_nobody,
        "nothing came",
    ),
    fault(
        "R8", "lets strangers speak", "message-to-a-room-never-joined", "not_joined|nothing came"
    ),
    fault("R11", "delivers outside the room", "message-does-not-reach-others", "nothing was due"),
    fault("R9", "drops empty content", "content-empty", "nothing came"),
    fault(
        "R9",
        "ends content at NUL",
        test_json.test_escapes_are_undone_once,
        "was due, not",
        escaped=r"\u0000" * 9,
    ),
    fault(
        "R10",
        "swaps messages",
        test_frames.test_many_frames_in_one_segment_are_served_in_order,
        "'content': '0'.* was due, not .*'content': '1'",
    ),
    fault("R10", "swaps messages", "messages-keep-the-sender-s-order", "`content` is|nothing came"),
    fault(
        "R11",
        "drops every tenth delivery",
        test_fanout.test_20_members_who_all_talk,
        "nothing came|assert",
    ),
    fault(
        "R11",
        "delivers twice",
        "message-reaches-all-members-and-the-sender",
        "nothing was due, but this came|`type` is 'message'",
    ),
]

DIRECT = [
    fault(
        "D1",
        "direct reaches one connection",
        test_direct.test_each_connection_of_a_user_gets_it_once,
        "direct.* was due, but nothing came",
    ),
    fault(
        "D1",
        "direct reaches others alone",
        "direct-to-oneself",
        "nothing came",
    ),
    fault(
        "D2",
        "drops what is for nobody",
        test_direct.test_a_user_who_vanished_is_nobody,
        "no_such_user.* was due, but nothing came",
        way="abort",
    ),
    fault(
        "D3",
        "asks for any user",
        test_names.test_names_out_of_bounds_are_bad_requests,
        "bad_request.* was due, not .*no_such_user",
    ),
    fault(
        "D4",
        "swaps direct messages",
        test_direct.test_two_senders_each_keep_their_order,
        r"out of order.*(\[1, 0, 3|\[0, 2, 1)",
    ),
]

FRAMES = [
    fault(
        "F1",
        "pongs are empty",
        test_frames.test_a_ping_is_answered_with_its_payload,
        r"assert b'' == ",
        size=125,
    ),
    fault(
        "F1",
        "pings wait for the message's end",
        test_frames.test_a_ping_between_fragments_is_answered_at_once,
        NOTHING_CAME,
    ),
    fault(
        "F2",
        "refuses empty fragments",
        test_frames.test_fragments_are_one_message,
        "the connection ended: .*1002",
    ),
    fault(
        "F2",
        "takes a hundred fragments at most",
        test_frames.test_fragments_of_one_byte_are_one_message,
        "the connection ended: .*1008",
    ),
    fault(
        "F3",
        "checks each fragment's UTF-8 alone",
        test_frames.test_a_code_point_split_between_fragments_is_served,
        "the connection ended: .*1007",
        cut=2,
    ),
    fault(
        "F4",
        "replaces wrong UTF-8",
        test_unicode.test_wrong_utf8_closes_with_1007,
        "the end was due, but a message came",
        wrong="c0 af",
    ),
    fault(
        "F4",
        "closes wrong UTF-8 with 1003",
        test_frames.test_utf8_broken_across_fragments_closes_with_1007,
        "assert 1003 == 1007",
        last=b"",
    ),
    fault(
        "F5",
        "takes binary for text",
        test_frames.test_a_binary_message_closes_with_1003,
        "the end was due, but a message came",
        payload=test_frames.HEARTBEAT,
    ),
    fault(
        "F5",
        "closes binary with 1002",
        test_frames.test_a_binary_message_closes_with_1003,
        "code=1002",
        payload=b"",
    ),
    fault(
        "F6",
        "has a limit of 65,535 bytes",
        test_frames.test_sizes_up_to_the_limit_are_served,
        "the connection ended: .*1009",
        size=65_536,
    ),
    fault(
        "F7",
        "takes any size",
        test_frames.test_a_longer_message_closes_with_1009,
        "the end was due, but a message came",
        size=65_537,
    ),
    fault(
        "F7",
        "does not add fragments up",
        test_frames.test_fragments_over_the_limit_close_with_1009,
        "the end was due, but a message came",
        parts=2,
    ),
    fault(
        "F7",
        "closes long messages with 1008",
        test_fragments.test_fragments_of_one_byte_over_the_limit_close_with_1009,
        "assert 1008 == 1009",
    ),
    fault("F8", "does not answer closes", test_closes.test_a_close_is_answered, "None", code=1000),
    fault("F8", "ignores closes", test_closes.test_a_close_is_answered, NOTHING_CAME, code=None),
    fault("F8", "keeps TCP open", test_closes.test_a_close_is_answered, NOTHING_CAME, code=3000),
    fault(
        "F9",
        "takes unmasked frames",
        test_closes.test_a_framing_fault_ends_the_connection,
        "the end was due, but a message came",
        **UNMASKED,
    ),
    fault(
        "F9",
        "takes reserved bits",
        test_closes.test_a_framing_fault_byte_by_byte_ends_the_connection,
        "the end was due, but a message came",
        fault="RSV1",
    ),
    fault(
        "F9",
        "takes reserved opcodes",
        test_closes.test_a_framing_fault_ends_the_connection,
        "the end was due, but a message came",
        fault="opcode 3",
    ),
    fault(
        "F9",
        "takes long control frames",
        test_closes.test_a_framing_fault_ends_the_connection,
        "a control frame is longer than 125 bytes",
        fault="ping of 126 bytes",
    ),
    fault(
        "F9",
        "takes a continuation of nothing",
        test_closes.test_a_framing_fault_ends_the_connection,
        "the end was due, but a message came",
        fault="continuation of nothing",
    ),
    fault(
        "F9",
        "takes any close code",
        test_closes.test_a_framing_fault_ends_the_connection,
        "the end was due with one of .*, not .*1005",
        fault="close code 1005",
    ),
    fault(
        "F9",
        "ends framing faults late",
        test_closes.test_a_framing_fault_ends_the_connection,
        r"the end came 1\.\d s after the fault",
        **UNMASKED,
    ),
    fault(
        "F10",
        "takes any close reason",
        test_closes.test_a_close_reason_that_is_not_utf8_ends_the_connection,
        "the end was due with one of .*, not .*1000",
        reason=b"\xff",
    ),
    fault(
        "F11",
        "serves behind its own close",
        test_closes.test_nothing_is_served_after_the_server_s_close,
        "a frame came after the close|user_left.* was due, not .*too late",
    ),
    fault(
        "F12",
        "closes a close of one byte with 1003",
        test_closes.test_a_close_of_one_byte_ends_the_connection,
        r"assert 1003 in",
    ),
    fault(
        "F13",
        "closes longer forms with 1003",
        test_lengths.test_a_length_in_too_many_bytes_is_served_or_refused,
        "ended with .*1003",
        size=20,
        length_bytes=3,
    ),
    fault(
        "F13",
        "waits for absurd lengths",
        test_lengths.test_an_absurd_length_ends_the_connection,
        NOTHING_CAME,
        header=test_lengths.ABSURD["2^63"],
    ),
    fault(
        "F1",
        "writes lengths in too many bytes",
        test_frames.test_a_ping_is_answered_with_its_payload,
        "not in its shortest form",
        size=1,
    ),
    fault(
        "F1",
        "masks its frames",
        test_frames.test_a_ping_is_answered_with_its_payload,
        "must not mask",
        size=1,
    ),
    fault(
        "F1",
        "sets a reserved bit",
        test_frames.test_a_ping_is_answered_with_its_payload,
        "a reserved bit is set",
        size=1,
    ),
    fault("C6", "type comes last", "heartbeat-is-answered", "`type` is not the first key"),
    fault("C6", "timestamps in seconds", "heartbeat-is-answered", "timestamp|not valid"),
]

LIFE = [
    fault(
        "L1",
        "pings seldom",
        test_liveness.test_pings_come_and_a_pong_is_a_sign_of_life,
        "a ping was due, not .*CLOSE",
    ),
    fault(
        "L1",
        "pings too often",
        test_liveness.test_pings_come_and_a_pong_is_a_sign_of_life,
        r"assert \d\d+ <= ",
    ),
    fault(
        "L2",
        "is patient for ever",
        test_liveness.test_silence_is_closed_with_1001,
        "not closed within",
    ),
    fault(
        "L2",
        "gives up early",
        test_liveness.test_silence_is_closed_with_1001,
        "closed before the idle timeout",
    ),
    fault(
        "L2",
        "closes the silent with 1000",
        test_liveness.test_silence_is_closed_with_1001,
        "code=1000",
    ),
    fault(
        "L3",
        "waits for who does not read",
        test_slow_consumer.test_a_member_that_does_not_read_is_let_go,
        "nothing came",
    ),
    fault(
        "L3",
        "lets go at 64 KiB",
        test_pending_limit.test_who_lags_by_less_than_the_limit_is_kept,
        r"let go with \d",
    ),
    fault(
        "L3",
        "lets nobody go",
        test_pending_limit.test_no_more_than_the_limit_waits,
        r"[\d,]{9} bytes wait",
    ),
    fault(
        "L4",
        "has a limit of 4 MiB",
        test_pending_limit.test_no_more_than_the_limit_waits,
        r"[\d,]{9} bytes wait",
    ),
    fault(
        "L5",
        "closes with 1001 at SIGTERM",
        test_shutdown.test_sigterm_closes_everyone_with_1012,
        r"1012 was due for each, not \[1001",
    ),
    fault(
        "L5",
        "drops everyone at SIGTERM",
        test_shutdown.test_sigterm_amid_traffic_ends_within_5_s,
        r"1012 was due for each, not \[None",
    ),
    fault(
        "L5",
        "ends with 1",
        test_shutdown.test_sigterm_closes_everyone_with_1012,
        "it ended with 1",
    ),
    fault(
        "L5",
        "takes its time to end",
        test_shutdown.test_sigterm_does_not_wait_for_the_unresponsive,
        r"the end came [56789]\.\d s after SIGTERM",
    ),
    fault(
        "L5",
        "says nothing of a taken port",
        test_shutdown.test_a_port_in_use_is_said_in_one_line,
        r"one line was due, not \[\]",
    ),
    fault(
        "L5",
        "takes a wrong port for any",
        test_settings.test_a_setting_that_can_t_be_served_is_said_in_one_line,
        "the end of a server that can't listen: not within",
        env={"CHAT_PORT": "x"},
    ),
    fault(
        "H1",
        "listens everywhere",
        test_settings.test_it_listens_on_the_address_that_it_is_told,
        "DID NOT RAISE",
    ),
    fault(
        "L6",
        "dies of malformed JSON",
        test_json.test_malformed_json_costs_its_own_connection_only,
        r"assert End\(code=None",
    ),
]

FAULTS = [*HANDSHAKE, *NAMES_AND_CHECKS, *ROOMS, *DIRECT, *FRAMES, *LIFE]
