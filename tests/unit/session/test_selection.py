"""What a command line asks for: suites of `-m`, shipped checks by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_opscheck.catalogue import CHECKS, is_named, names_shipped, shipped_argument, shipped_files
from pytest_opscheck.session.selection import asked_suites, identifiers, misspelt, narrows

SUITES = ("smoke", "daily", "weekly")


@pytest.mark.parametrize(
    ("expression", "asked"),
    [
        ("", ()),
        ("daily", ("daily",)),
        ("(daily)", ("daily",)),
        ("not daily", ()),
        ("not (daily)", ()),
        ("not not daily", ("daily",)),
        ("daily and not smoke", ("daily",)),
        ("daily or weekly", ("daily", "weekly")),
        ("weekly or daily", ("weekly", "daily")),
        ("(smoke or daily) and not weekly", ("smoke", "daily")),
        ("slow", ()),
        ("not slow", ()),
        ("slow and daily", ("daily",)),
        ("slow or daily", ("daily",)),
        ("not slow and daily", ("daily",)),
        ("slow(reason='daily')", ()),
        ("slow(reason='(daily') and smoke", ("smoke",)),
        ("daily(level=1)", ("daily",)),
        ("my-mark and daily", ("daily",)),
        ("3d or daily", ("daily",)),
        ("class and daily", ("daily",)),
        ("daily and", ("daily",)),
        ("(daily", ("daily",)),
    ],
)
def test_suites_that_an_expression_asks_for(expression: str, asked: tuple[str, ...]) -> None:
    """A broken one asks for all that it names: pytest refuses it then, rather than running something else."""
    assert asked_suites(expression, SUITES) == asked


marks = st.sampled_from([*SUITES, "slow", "my-mark"])
expressions = st.recursive(
    marks,
    lambda inner: st.one_of(
        inner.map(lambda one: f"not {one}"),
        inner.map(lambda one: f"({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda three: f"({' '.join(three)})"),
    ),
    max_leaves=6,
)


@given(expressions)
@example("smoke or not daily")
def test_a_suite_is_asked_for_exactly_where_it_matters(expression: str) -> None:
    """Against pytest's own reading of the expression, with every set of marks that a test may have."""
    from _pytest.mark.expression import Expression

    compiled = Expression.compile(expression)

    def selects(marked: frozenset[str]) -> bool:
        return compiled.evaluate(lambda name, /, **_: name in marked)

    every = [
        frozenset(name for place, name in enumerate([*SUITES, "slow", "my-mark"]) if number >> place & 1)
        for number in range(32)
    ]
    asked = {
        suite
        for marked in every
        for suite in marked & set(SUITES)
        if selects(marked) and not selects(marked - {suite}) and not selects(marked - set(SUITES))
    }
    assert set(asked_suites(expression, SUITES)) == asked


def test_many_names_are_not_tried_one_by_one() -> None:
    names = [f"suite{number}" for number in range(40)]
    assert asked_suites(" or ".join(names), names) == tuple(names)


def test_names_of_an_expression() -> None:
    assert identifiers("daily and not (slow(name='two words', level=5) or a.b)") == ("daily", "slow", "a.b")
    assert identifiers("abc(name=1)") == ("abc",)


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("dialy", "there is no suite 'dialy'; did you mean 'daily'?"),
        ("not dialy", "there is no suite 'dialy'; did you mean 'daily'?"),
        ("daily and nightly", "there is no suite 'nightly'; it is not a registered marker either."),
    ],
)
def test_misspelt_suites(expression: str, hint: str) -> None:
    assert misspelt(expression, SUITES, ["slow"]) == f"-m {expression!r}: {hint} Suites: smoke, daily, weekly"


@pytest.mark.parametrize("expression", ["", "daily", "slow", "daily and slow", "database", "not unit"])
def test_other_projects_markers(expression: str) -> None:
    assert misspelt(expression, SUITES, ["slow"]) is None


def test_shipped_checks_by_their_node_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    host = CHECKS / "test_host.py"
    assert host in shipped_files()
    assert shipped_argument("test_host.py", tmp_path) == "test_host.py"
    assert shipped_argument("test_host.py::test_disk[prod]", tmp_path) == "test_host.py::test_disk[prod]"
    assert shipped_argument("test_nothing.py", tmp_path) is None
    assert shipped_argument("elsewhere/test_host.py", tmp_path) is None
    (tmp_path / "test_host.py").touch()
    assert shipped_argument("test_host.py", tmp_path) is None


def test_a_named_check_is_itself_or_in_what_is_named() -> None:
    assert is_named("test_host.py::test_disk[prod]", ["test_host.py"])
    assert is_named("test_host.py::test_disk[prod]", ["test_host.py::test_disk"])
    assert is_named("test_host.py::test_disk[prod]", ["test_redis.py", "test_host.py::test_disk[prod]"])
    assert not is_named("test_host.py::test_disk[prod]", ["test_host.py::test_disk[pro]", "test_host.py::test_di"])


def test_arguments_that_are_shipped_checks(tmp_path: Path) -> None:
    assert names_shipped([f"{CHECKS}/test_host.py::test_disk"])
    assert names_shipped(["other.py", str(CHECKS)])
    assert not names_shipped([str(tmp_path), f"{CHECKS}-of-mine/test_host.py"])
    assert not names_shipped([])


def test_arguments_that_narrow() -> None:
    assert narrows(["test_a.py", "tests/test_b.py::test_c"])
    assert not narrows(["tests", "test_a.py"])
    assert not narrows([])
