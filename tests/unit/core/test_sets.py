"""Limits over sets: what they take and refuse, what they say of a set, and that no empty one is well by itself."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.core.judgeable import UnjudgeableError
from pytest_opscheck.core.ladders import parse_ladder, single
from pytest_opscheck.core.limits import Limit, parse_limit
from pytest_opscheck.core.sets import members, written
from pytest_opscheck.core.units import LimitError
from pytest_opscheck.judge.expect import Expect
from pytest_opscheck.probes.http._json import values

few = st.frozensets(st.sampled_from("abcd"), max_size=4)


@given(st.frozensets(st.text(st.characters(exclude_characters="'"), min_size=1)))
def test_a_set_that_is_written_is_read_again(texts: frozenset[str]) -> None:
    assert members(written(texts)) == texts


@given(few, few)
def test_every_operator_is_pythons_own(expected: frozenset[str], found: frozenset[str]) -> None:
    said = written(expected)
    assert parse_limit(f"== {said}").holds(found) is (found == expected)
    assert parse_limit(f"!= {said}").holds(list(found)) is (found != expected)
    if expected:
        assert parse_limit(f"contains {said}").holds(sorted(found)) is (found >= expected)
    if expected and found:
        assert parse_limit(f"within {said}").holds(tuple(found)) is (found <= expected)


@pytest.mark.parametrize(
    ("limit", "value", "holds"),
    [
        ("== {a, b}", ["b", "a", "a"], True),
        ("{ 'x, y', \"{\" }", {"x, y", "{"}, True),
        ("== {}", [], True),
        ("!= {}", set(), False),
        ("contains {5, true}", [5, True, "x"], True),
        ("contains{a}", {"a": 1}.keys(), True),
        ("== {a}", "{a}", True),
        ('== {"status": "ok"}', '{"status": "ok"}', True),
        ("contains errors", "contains errors", True),
    ],
)
def test_sets_and_texts_with_braces(limit: str, value: object, holds: bool) -> None:
    """A text is compared as a text, whatever it looks like."""
    assert parse_limit(limit).holds(value) is holds


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("within {a}", [], "there was an empty list; say '== {}' where that is expected"),
        ("contains {a}", "a", "the value a is not a set, and the limit contains {a} is for sets"),
        ("within {a}", 5, "the value 5 is not a set, and the limit within {a} is for sets"),
        ("contains {a}", {"a": 1}, "there was 1 values where one value is compared"),
        ("== {a}", ["a", None], "one of the 2 values is None, which is not a text to compare"),
        ("within {a}", ["a", math.nan], "one of the 2 values is nan, which is not a text to compare"),
        ("within {a}", ["a", " "], "one of the 2 values is ' ', which is not a text to compare"),
        ("contains {a}", [["a"]], "one of the 1 values is ['a'], which is not a text to compare"),
        ("== a", ["a"], "there was 1 values where one value is compared"),
    ],
)
def test_what_cannot_be_told(limit: str, value: object, message: str) -> None:
    with pytest.raises(UnjudgeableError) as caught:
        parse_limit(limit).holds(value)
    assert str(caught.value) == message


@pytest.mark.parametrize("said", ["contains {a", "within {a}}", "contains {a b, {c}", "within {,}", 'contains {"a}'])
def test_what_is_not_a_set(said: str) -> None:
    with pytest.raises(LimitError, match=r"is not a set; for example '(contains|within) \{a, b\}', with quotes"):
        parse_limit(said)


@pytest.mark.parametrize("said", ["contains {}", "within { }"])
def test_an_empty_set_of_which_nothing_follows(said: str) -> None:
    with pytest.raises(LimitError, match=r"names nothing; say '\w+ \{a, b\}', or '== \{\}' for an empty set"):
        parse_limit(said)


@pytest.mark.parametrize(
    "rungs",
    [
        {"P1": "== {a, b}", "P3": "contains {a}"},
        {"P1": "contains {a, b}", "P3": "contains {a}"},
        {"P1": "within {a}", "P3": "within {a, b, c, d}"},
        {"P1": "contains {a}", "P2": "within {a}", "P3": "== {a}"},
        {"P1": "contains {c}", "P3": "within {a}"},
        {"P1": "contains {a}", "P3": "~ a"},
        {"P1": "contains {a}", "P3": "< 5"},
    ],
)
def test_a_ladder_that_cannot_be_meant_is_refused(rungs: dict[str, object]) -> None:
    with pytest.raises(LimitError, match=r"never be reported|no set keeps all of|compare the same thing"):
        parse_ladder(rungs)


@pytest.mark.parametrize(
    "rungs",
    [
        {"P3": "== {a, b}", "P1": "contains {a}"},
        {"P3": "within {a}", "P1": "within {a, b}"},
        {"P3": "== {a, b}", "P2": "within {a, b, c}", "P1": "contains {a}"},
        {"P3": "== {a, b, c, d, e, f, g, h, i, j, k, l, m}", "P1": "contains {a}", "P0": "!= {}"},
    ],
)
def test_ladders_that_can_be_meant(rungs: dict[str, object]) -> None:
    assert parse_ladder(rungs).texts().keys() == rungs.keys()


@given(st.lists(st.tuples(st.sampled_from(["==", "contains", "within"]), few.filter(bool)), min_size=2, max_size=3))
def test_every_rung_of_a_ladder_can_be_reported(rules: list[tuple[str, frozenset[str]]]) -> None:
    """Refused are exactly the ladders of which a rung is hidden by worse ones, or that no set keeps."""
    if all(operator == "==" for operator, _ in rules):
        return
    severities = dict(
        zip(("P0", "P1", "P2"), (f"{operator} {written(said)}" for operator, said in rules), strict=False)
    )
    sets = [frozenset(each for place, each in enumerate("abcdx") if bits >> place & 1) for bits in range(1, 32)]
    limits: dict[str, Limit] = {severity: parse_limit(text) for severity, text in severities.items()}
    reported = {next((s for s, limit in limits.items() if not limit.holds(value)), None) for value in sets}
    try:
        parse_ladder(severities)
    except LimitError:
        assert reported != {*severities, None}
    else:
        assert reported == {*severities, None}


@pytest.mark.parametrize(
    ("limit", "observed", "expected"),
    [
        ("== {a, b}", "{a, c} (missing b; unexpected c)", "{a, b}"),
        ("contains {b}", "{a, c} (missing b)", "to contain {b}"),
        ("within {a, b}", "{a, c} (unexpected c)", "only {a, b}"),
        ("contains {a}", "{a, c}", "to contain {a}"),
        ("== {}", "{a, c} (unexpected a, c)", "{}"),
    ],
)
def test_the_message_names_what_is_missing_and_what_is_unexpected(limit: str, observed: str, expected: str) -> None:
    expect = Expect(None, dt.datetime.now(dt.UTC), {})
    expect({"c", "a"}, subject="names", limit=limit)
    (measurement,) = expect.measurements
    assert (measurement.value, measurement.observed, measurement.expected) == ("{a, c}", observed, expected)


def test_a_list_of_a_json_document_is_a_set_and_no_other_limit_is_for_one() -> None:
    document = {"tags": ["b", "a"], "none": [], "nested": [{"a": 1}]}
    said = {"tags": "== {a, b}", "none": "== {}", "nested": "contains {a}"}
    paths = {name: single(parse_limit(text), "P2") for name, text in said.items()}
    tags, none, nested = (found.fitting(paths[found.path]) for found in values(document, paths))
    assert paths["tags"].breached(tags.value) is paths["none"].breached(none.value) is None
    with pytest.raises(UnjudgeableError, match="1 values is an object, which is not a text to compare"):
        paths["nested"].breached(nested.value)
    listed = tags.fitting(single(parse_limit("~ a"), "P2"))
    assert listed.value is None
    assert listed.why == "it is a list; name one of its values, or tags[*] for each"


def test_a_large_set_is_counted_and_its_difference_is_named_in_part() -> None:
    expect = Expect(None, dt.datetime.now(dt.UTC), {})
    expect([str(number) for number in range(1000, 1500)], limit="within {1000}")
    (measurement,) = expect.measurements
    assert measurement.observed == (
        "500 values (unexpected 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008 and 491 more)"
    )
