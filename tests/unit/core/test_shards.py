"""A shard is a part of a run: each contact is in exactly one, and stays there."""

from __future__ import annotations

import pytest

from pytest_opscheck.core.shards import Shard, parse_shard


def test_each_contact_is_in_exactly_one_part() -> None:
    parts = [Shard(number, 8) for number in range(1, 9)]
    contacts = [f"host.web{number:03}" for number in range(400)]
    held = [[part.number for part in parts if part.holds(contact)] for contact in contacts]
    assert all(len(each) == 1 for each in held)
    sizes = [sum(part.holds(contact) for contact in contacts) for part in parts]
    assert min(sizes) > 25, "and the parts are alike"
    assert max(sizes) < 80


def test_where_a_contact_is_never_changes() -> None:
    """A machine of another version of Python, or of this package, has to agree."""
    assert [Shard(n, 4).holds("host.web007") for n in (1, 2, 3, 4)].index(True) == 3


@pytest.mark.parametrize("said", ["", "3", "0/8", "9/8", "3/0", "a/b", "1/1001", "-1/2", "3/8/9"])
def test_what_is_not_a_shard(said: str) -> None:
    with pytest.raises(ValueError, match=r"is not a shard; the third of eight is 3/8"):
        parse_shard(said)


def test_a_shard_is_read_as_it_is_written() -> None:
    assert parse_shard(" 3/8 ") == Shard(3, 8)
    assert str(Shard(3, 8)) == "3/8"
