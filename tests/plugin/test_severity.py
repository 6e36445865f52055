"""A severity that does not exist fails no run by itself, so it is an error wherever a severity is taken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import results

Project = Callable[..., pytest.Pytester]

INVENTORY = """
[opscheck]
severities = { grave = "P0" }
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
"""
WRONG = {
    "an_unknown_word": ('expect(5, limit="< 2", severity="critical")', "'critical' is not a severity; use one of P0, "),
    "another_case": ('expect(5, limit="< 2", severity="p1")', "'p1' is not a severity"),
    "beyond_the_last": ('expect(5, limit="< 2", severity="P4")', "'P4' is not a severity"),
    "an_empty_one": ('expect(5, limit="< 2", severity="")', "'' is not a severity"),
    "a_number": ('expect(5, limit="< 2", severity=1)', "1 is not a severity"),
    "of_a_value_that_is_well": ('expect(1, limit="< 2", severity="critical")', "'critical' is not a severity"),
    "of_a_limit_made_by_hand": ('expect(5, limit=parse_limit("< 2"), severity="minor")', "'minor' is not a severity"),
    "in_a_ladder": (
        'expect(5, limit={"critical": "< 2"})',
        "'critical' is not a severity; use one of P0, P1, P2, P3, gr",
    ),
    "beside_a_ladder": ('expect(5, limit={"P1": "< 2"}, severity="P3")', "is for a single limit"),
    "beside_nothing": ('expect(5, severity="P3")', "is for a single limit"),
    "a_rung_made_by_hand": (
        'expect(5, limit=Ladder((Rung("critical", parse_limit("< 2")),)))',
        "'critical' is not a severity",
    ),
    "a_ladder_without_rungs": ("expect(5, limit=Ladder(()))", "there is no limit"),
    "a_ladder_upside_down": (
        'expect(9, limit=Ladder((Rung("P3", parse_limit("< 2")), Rung("P0", parse_limit("< 5")))))',
        "the worst severity of a ladder stands first",
    ),
    "an_operator_made_by_hand": ('expect(5, limit=Limit("≤", "2", "", 2.0))', "is not an operator of a limit"),
    "a_number_made_by_hand": ('expect(5, limit=Limit(">", "nan", "", float("nan")))', "which no measured value"),
    "a_list": ('expect(5, limit=["< 2"])', "is not a limit; use for example limit='< 6h'"),
}


def test_what_names_no_severity_is_never_ok(project: Project) -> None:
    """The run fails for P0 alone, so that a breach of any other severity would pass."""
    pytester = project(INVENTORY)
    functions = "".join(
        f"\n@pytest.mark.daily\ndef test_{name}(expect):\n    {said}\n" for name, (said, _) in WRONG.items()
    )
    wrong = 'expect(5, limit="< 2", severity="critical")'
    swallowed = f"    with pytest.raises(Exception):\n        {wrong}\n    expect(1, limit='< 2')\n"
    functions += f"\n@pytest.mark.daily\ndef test_swallowed(expect):\n{swallowed}"
    good = '\n@pytest.mark.daily\ndef test_good(expect):\n    expect(5, limit="< 2", severity="grave")\n'
    pytester.makepyfile(
        "import pytest\nfrom pytest_opscheck.core.ladders import Ladder, Rung\n"
        f"from pytest_opscheck.core.limits import Limit, parse_limit\n{functions}{good}"
    )
    done = pytester.runpytest_subprocess("-m", "daily", "--opscheck-fail-at=P0")
    assert done.ret == 1
    found = {each["check"].rpartition(".")[2]: each for each in results(pytester).values()}
    assert (found["good"]["verdict"], found["good"]["severity"]) == ("breach", "P0")
    assert found["swallowed"]["verdict"] == "unknown", "what was not judged stays so, whoever catches the error"
    for name, (_, message) in WRONG.items():
        assert found[name]["verdict"] == "unknown", found[name]
        assert message in found[name]["message"]


@pytest.mark.parametrize("word", ["critical", "p1", "P4", "GRAVE"])
def test_the_option_names_one_that_there_is(project: Project, word: str) -> None:
    pytester = project(INVENTORY)
    for given in (f"--opscheck-fail-at={word}", f"-oopscheck_fail_at={word}"):
        done = pytester.runpytest("-m", "daily", given)
        assert done.ret == pytest.ExitCode.USAGE_ERROR
        done.stderr.fnmatch_lines([f"*{word}*no such severity; use one of P0, P1, P2, P3, grave*"])
