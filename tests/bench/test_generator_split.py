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


@pytest.mark.parametrize(
    ("connections", "cores", "room", "expected"),
    [
        (1_000, 1, 100, [1_000]),
        (1_000, 2, 100, [500, 500]),
        (1_000, 3, 100, [400, 400, 200]),
        (1_000, 8, 1_000, [1_000]),
        (20, 8, 10, [10, 10]),
        (1_050, 2, 100, [600, 450]),
    ],
)
def test_each_core_has_a_process_as_far_as_there_are_rooms(connections, cores, room, expected):
    assert shares(connections, capacity(connections, 20_016, room, cores)) == expected


def test_open_files_force_more_processes_than_cores():
    assert shares(1_000, capacity(1_000, 216, 10, cores=2)) == [200] * 5


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
