"""`@check`: what it makes of a function, and that what does not fit is an error where it is written."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_opscheck import NEEDED, catalogue, check
from pytest_opscheck._check import Check, check_of
from pytest_opscheck.core.ladders import Ladder
from pytest_opscheck.core.suites import suite_problem
from pytest_opscheck.probes import Kind, Target
from pytest_opscheck.probes._types import LadderParam, LimitParam

kind = Kind("thing", Target, "a thing")


@kind.probe()
def speed(connection: object) -> float:
    return 1.0


@kind.probe()
def lines(connection: object, *, pattern: str, window_s: int | None, many: bool = False) -> int:
    return 1


@kind.probe()
def words(connection: object, *, each: dict[str, LimitParam] | None = None) -> int:
    return 1


@kind.probe()
def ladders(connection: object, *, most: LadderParam | None = None) -> Ladder | None:
    return None


def made(probe: Any, **said: Any) -> Check:
    def test_it(speed: object = None, lines: object = None, words: object = None, ladders: object = None) -> None:
        """The first line is the title.

        The rest is not.
        """

    found = check_of(check(probe, **said)(test_it))
    assert found is not None
    return found


def test_what_a_check_is() -> None:
    found = made(speed, limit={"P3": "< 70s", "P1": "< 90s"}, suites=("smoke", "*"), action="Look")
    assert (found.id, found.kind, found.name, found.title) == ("thing.it", "thing", "it", "The first line is the title")
    assert str(found.limits) == "P3 < 70s, P1 < 90s"
    assert found.dimensions == {"duration"}
    assert found.on_by_default
    assert check_of(made) is None


@pytest.mark.parametrize(
    ("limit", "units", "dimensions"),
    [
        ("< 70%", None, {"percentage"}),
        ("== 5", None, {"count"}),
        ("== ready", None, {"text"}),
        ("~ ^v", None, {"text"}),
        ("< 5/day", None, {"rate"}),
        (True, None, {"text"}),
        (None, None, set()),
        (None, ("%", "B"), {"percentage", "size"}),
        (None, ("text", "rate"), {"text", "rate"}),
        ("< 5", ("*",), set()),
        ("== 7", ("text",), {"text"}),
    ],
)
def test_what_its_limits_may_compare(limit: Any, units: Any, dimensions: set[str]) -> None:
    assert made(speed, limit=limit, units=units).dimensions == dimensions


def test_keys_of_the_inventory() -> None:
    """The window of a rate is none of them: it comes from the limit."""
    found = made(lines, limit="< 5/day")
    assert (found.keys, found.needs, found.on_by_default) == (("pattern", "many"), ("pattern",), False)


def test_on_by_default_is_what_has_all_it_needs() -> None:
    assert made(speed, limit="< 5").on_by_default
    assert not made(speed).on_by_default
    assert not made(speed, limit="< 5", family=True).on_by_default


def test_limits_among_the_keys() -> None:
    assert made(words).carries_limits
    assert made(ladders).carries_limits
    assert not made(lines).carries_limits


@pytest.mark.parametrize(
    ("probe", "said", "message"),
    [
        (speed, {"limit": "< "}, "limit='< ', units=None of test_it: '< ' names no value"),
        (speed, {"limit": {"P1": "< 5", "P3": "< 9"}}, "P3 (< 9) would never be reported"),
        (
            speed,
            {"limit": "< 5%", "units": ("s",)},
            "limit='< 5%', units=('s',) of test_it: < 5% is not one of duration",
        ),
        (speed, {"units": ("sec",)}, "unknown unit 'sec'; use one of %, ms, s"),
        (speed, {"severity": "bad"}, "severity='bad' is not one of P0, P1, P2, P3"),
        (speed, {"suites": "daily"}, "suites='daily' is not a tuple of at least one suite; write suites=(\"daily\",)"),
        (speed, {"suites": ()}, "suites=() is not a tuple of at least one suite"),
        (speed, {"suites": ("my-own",)}, "'my-own' cannot be a pytest marker; use letters, digits and _"),
        (speed, {"suites": ("skip",)}, "'skip' is a marker of pytest's own; use another word"),
        (lines, {"takes": "patern"}, "takes='patern' is not a parameter of thing.lines; it has pattern, many"),
        (lines, {"takes": "window_s"}, "takes='window_s' is not a parameter of thing.lines; it has pattern, many"),
    ],
)
def test_what_does_not_fit(probe: Any, said: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        made(probe, **said)
    assert message in str(caught.value)


def test_a_function_without_the_reading() -> None:
    with pytest.raises(
        TypeError, match=r"^test_x takes no argument 'speed', which would be the reading of thing.speed$"
    ):

        @check(speed, limit="< 5")
        def test_x(expect: Any) -> None:
            """Nothing."""


@pytest.mark.parametrize("name", ["daily", "deploy_gate", "x2"])
def test_names_of_suites(name: str) -> None:
    assert suite_problem(name) is None


@pytest.mark.parametrize("name", ["", "2x", "_x", "a-b", "a b", "and", "class", "é", "parametrize", "a\n"])
def test_what_cannot_name_a_suite(name: str) -> None:
    assert suite_problem(name) is not None


def test_shipped_checks_have_what_people_need() -> None:
    """A title, a next step, and one name each."""
    checks = catalogue.checks()
    assert len({found.id for found in checks}) == len(checks) > 10
    assert [found.id for found in checks if not found.action or found.title == f"test_{found.name}"] == []
    assert {found.kind for found in checks if found.name == "reachable" and found.suites == ("*",)} >= {"host", "redis"}


def test_its_own_parameters_are_keys_beside_those_of_its_probe() -> None:
    """What should be is the check's, and what is looked at the probe's."""

    @check(words, takes="most")
    def test_it(words: object, expect: object, *, most: LadderParam = NEEDED, least: LimitParam | None = None) -> None:
        """There are enough words."""

    found = check_of(test_it)
    assert found is not None
    assert (found.keys, found.options) == (("each", "most", "least"), ("most", "least"))
    assert (found.needs, found.limit_keys) == (("most",), ("each", "most", "least"))
    assert tuple(words.params.model_fields) == ("each",)


def test_one_name_is_not_both_its_own_parameter_and_its_probes() -> None:
    with pytest.raises(TypeError, match="both have the parameter 'many'; rename one"):

        @check(lines)
        def test_it(lines: object, expect: object, *, many: bool = False) -> None:
            """Lines."""


@kind.probe()
def named(connection: object, *, names: tuple[str, ...], depth: int = 1) -> int:
    return 1


def test_what_its_own_parameters_ask_of_the_probe() -> None:
    """A probe that looks at named things sees their names, and not their limits."""

    @check(named, asks={"names": lambda things: (*things,)})
    def test_it(named: object, expect: object, *, things: dict[str, LadderParam] = NEEDED) -> None:
        """Things are there."""

    found = check_of(test_it)
    assert found is not None
    assert (found.keys, found.needs, found.options) == (("depth", "things"), ("things",), ("things",))
    params = found.params.model_validate({"things": {"a": "< 1", "b": "> 2"}, "depth": 3})
    assert found.asked({name: getattr(params, name) for name in found.keys}) == {"names": ("a", "b"), "depth": 3}


def test_its_own_parameter_may_have_the_name_of_what_it_asks_for() -> None:
    @check(named, asks={"names": lambda names: (*names,)})
    def test_it(named: object, expect: object, *, names: dict[str, LadderParam] = NEEDED) -> None:
        """Things are there."""

    found = check_of(test_it)
    assert found is not None
    assert (found.options, found.limit_keys) == (("names",), ("names",))
    assert found.asked({"names": {"a": None}, "depth": 1}) == {"names": ("a",), "depth": 1}
    assert found.keys == ("names", "depth"), "where people look for it, and messages and docs name it"


@pytest.mark.parametrize(
    ("asks", "message"),
    [
        ({"name": lambda things: things}, "asks='name' of test_it is not a parameter of thing.named"),
        ({"names": lambda other: other}, "asks='names' of test_it takes 'other', which is not a parameter"),
    ],
)
def test_what_is_asked_of_a_probe_that_does_not_fit(asks: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):

        @check(named, asks=asks)
        def test_it(named: object, expect: object, *, things: dict[str, LadderParam] = NEEDED) -> None:
            """Things are there."""
