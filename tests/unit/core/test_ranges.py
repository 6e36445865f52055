"""Ranges of names mean what Ansible's do, and one that can't be meant says why."""

from __future__ import annotations

import pytest

from pytest_opscheck.core.ranges import MOST, RangeError, names_of


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("web", "web"),
        ("web[1:3]", "web1 web2 web3"),
        ("web[08:11].a", "web08.a web09.a web10.a web11.a"),
        ("[a:c]", "a b c"),
        ("db-[X:Z]", "db-X db-Y db-Z"),
        ("r[1:9:4]", "r1 r5 r9"),
        ("r[a:f:2]", "ra rc re"),
        ("r[1:2]h[01:02]", "r1h01 r1h02 r2h01 r2h02"),
        ("w[0:0]", "w0"),
        ("w[00:01]", "w00 w01"),
        ("w[9:11]", "w9 w10 w11"),
        ("w[", "w["),  # what can't be a name is said by who reads names
    ],
)
def test_what_a_range_stands_for(said: str, names: str) -> None:
    assert names_of(said) == names.split()


EXAMPLES = "is not a range; use for example 'web[001:400]', 'db-[a:f]' or, for each second one, 'r[1:9:2]'"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("w[]", f"[] {EXAMPLES}"),
        ("w[1:]", f"[1:] {EXAMPLES}"),
        ("w[1,2]", f"[1,2] {EXAMPLES}"),
        ("w[a:C]", f"[a:C] {EXAMPLES}"),
        ("w[-1:3]", f"[-1:3] {EXAMPLES}"),
        ("w[\u0663:\u0665]", f"[\u0663:\u0665] {EXAMPLES}"),
        ("w[3:1]", "a range counts up; write the smaller end first"),
        ("w[b:a]", "a range counts up; write the smaller end first"),
        ("w[001:40]", "write the first and the last with as many digits, for example 'web[001:400]'"),
        ("w[8:012]", "write the first and the last with as many digits, for example 'web[001:400]'"),
        ("w[1:9:0]", "its step is 0; use 1 or more, or leave it out"),
    ],
)
def test_what_is_no_range(said: str, why: str) -> None:
    with pytest.raises(RangeError) as caught:
        names_of(said)
    assert str(caught.value) == f"{said!r}: {why}"


@pytest.mark.parametrize(
    "said", ["w[0:999999999]", "w[1:400][1:400]", "w[1:9][1:9][1:9][1:9][1:9][1:9][1:9][1:9][1:9][1:9]"]
)
def test_more_names_than_anybody_means_are_not_made(said: str) -> None:
    with pytest.raises(RangeError, match=f"stands for [0-9]+ names; one range can stand for at most {MOST}"):
        names_of(said)
