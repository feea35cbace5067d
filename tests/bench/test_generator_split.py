"""How connections are spread over generator processes: whole rooms, and nobody ever moves."""

import pytest
from chinwag_bench.errors import HostError
from chinwag_bench.generator.split import OWN_FILES, capacity, shares


def test_one_process_may_hold_all_that_it_can_open():
    assert capacity(1_000, 20_000, 10) == 19_980
    assert capacity(19_980, 20_000, 10) == 19_980


@pytest.mark.parametrize(
    ("connections", "files", "room", "expected"),
    [
        (1_000, 400, 10, [340, 340, 320]),
        (1_000, 516, 100, [500, 500]),
        (25, 26, 10, [10, 10, 5]),
        (20_000, 10_016, 10, [10_000, 10_000]),
    ],
)
def test_several_get_even_parts_in_whole_rooms(connections, files, room, expected):
    of_each = capacity(connections, files, room)
    assert of_each % room == 0
    assert of_each + OWN_FILES <= files
    assert shares(connections, of_each) == expected


def test_a_share_never_shrinks_when_connections_are_added():
    before = [0] * 4
    for connections in range(1, 1_201, 7):
        now = shares(connections, 300)
        assert sum(now) == connections
        assert all(new >= old for new, old in zip(now, before, strict=False))
        before = now


def test_a_room_that_fits_into_no_process_is_told():
    with pytest.raises(HostError, match="a room of 1,000 needs 1,016 open files") as caught:
        capacity(2_000, 1_015, 1_000)
    assert "ulimit -Hn 1016" in caught.value.hint
