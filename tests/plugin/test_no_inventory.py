"""A suite without an inventory: people are told what to do, and those with markers of their own are not disturbed."""

from __future__ import annotations

import sys

import pytest

HINT = "*-m daily: there is no opscheck.toml in this folder or above it*`opscheck init`*"
ANY_HINT = "*opscheck init*"


@pytest.mark.parametrize("expression", ["daily", "daily and not smoke", "daily or slow"])
def test_a_suite_needs_an_inventory(pytester: pytest.Pytester, expression: str) -> None:
    pytester.makepyfile("def test_app(): pass")
    for workers in ((), ("-n", "2")):
        result = pytester.runpytest_subprocess("-m", expression, *workers)
        assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
        result.stdout.fnmatch_lines([HINT])
        assert result.stdout.str().count("opscheck init") == 1


@pytest.mark.parametrize("arguments", [(), ("-k", "nothing"), ("-m", "slow"), ("-m", "not daily", "-k", "nothing")])
def test_no_suite_no_word(pytester: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    pytester.makepyfile(test_app="")
    result = pytester.runpytest_subprocess(*arguments)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.no_fnmatch_line(ANY_HINT)


SMOKE = """
import pytest

@pytest.mark.smoke
def test_app(): pass
"""


@pytest.mark.parametrize(
    ("arguments", "registered", "status"),
    [
        ((), False, pytest.ExitCode.OK),
        ((), True, pytest.ExitCode.OK),
        (("-k", "nothing"), False, pytest.ExitCode.NO_TESTS_COLLECTED),
        (("-k", "nothing"), True, pytest.ExitCode.NO_TESTS_COLLECTED),
    ],
)
def test_a_marker_of_ones_own(
    pytester: pytest.Pytester, arguments: tuple[str, ...], registered: bool, status: int
) -> None:
    pytester.makepyfile(SMOKE)
    pytester.makeini("[pytest]\n" + ("markers = smoke: mine\n" if registered else ""))
    result = pytester.runpytest_subprocess("-m", "smoke", *arguments)
    assert result.ret == status
    result.stdout.no_fnmatch_line(ANY_HINT)


def test_plain_pytest_reads_nothing_of_it(pytester: pytest.Pytester) -> None:
    """Not even those modules that are light."""
    pytester.makepyfile(
        """
        import sys

        def test_app():
            ours = {name for name in sys.modules if name.startswith("pytest_opscheck")}
            hooks = {f"pytest_opscheck.{name}" for name in ("newhooks", "plugin", "settings")}
            assert not ours - hooks - {"pytest_opscheck"}
        """
    )
    pytester.run(sys.executable, "-m", "pytest", "-m", "not daily").assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", [(), ("-m", "daily"), ("-m", "not daily")])
def test_a_named_inventory_has_to_be_there(pytester: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    pytester.makepyfile("def test_app(): pass")
    for option in (("--opscheck-inventory", "nothere.toml"), ("--opscheck-inventory=nothere.toml",)):
        result = pytester.runpytest_subprocess(*option, *arguments)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "--opscheck-inventory nothere.toml: no such file; name another one, or" in result.stderr.str()


def test_an_inventory_that_the_settings_name_may_be_elsewhere(pytester: pytest.Pytester) -> None:
    """The application's own tests run also where the inventory is not."""
    pytester.makepyfile("def test_app(): pass")
    pytester.makeini("[pytest]\nopscheck_inventory = nothere.toml\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    assert pytester.runpytest_subprocess("-m", "daily").ret == pytest.ExitCode.USAGE_ERROR


def test_another_format_beside_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_app(): pass")
    pytester.makefile(".yaml", opscheck="host: {}")
    result = pytester.runpytest_subprocess("-m", "daily")
    result.stdout.fnmatch_lines(["*above it (opscheck.yaml is there, but an inventory is TOML), so there is nothing*"])


def test_a_suite_that_is_asked_for_as_a_file(pytester: pytest.Pytester) -> None:
    """It is a file where there is one of that name."""
    (pytester.path / "opscheck.toml").write_text("[host.local]\n[suites.nightly]\n")
    result = pytester.runpytest_subprocess("nightly")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: nightly is a suite, not a file or folder: run pytest -m nightly"])
    pytester.mkdir("nightly").joinpath("test_app.py").write_text("def test_app(): pass")
    pytester.runpytest_subprocess("nightly").assert_outcomes(passed=1)
