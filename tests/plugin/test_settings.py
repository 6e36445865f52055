"""An option or setting that is empty, as that of a variable without a value, is an error, never the default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_opscheck.cli.command import main

Project = Callable[..., pytest.Pytester]
NAMES = ("inventory", "json", "reports", "fail-at")


@pytest.mark.parametrize("arguments", [("-m", "daily"), ()])
def test_what_is_empty_is_an_error(project: Project, arguments: tuple[str, ...]) -> None:
    pytester = project()
    pytester.makepyfile("def test_app(): pass")
    for name in NAMES:
        ini = f"opscheck_{name.replace('-', '_')}"
        for given, where in (
            ((f"--opscheck-{name}=",), f"--opscheck-{name} is empty; use --opscheck-{name}="),
            ((f"--opscheck-{name}", " "), f"--opscheck-{name} is empty; use --opscheck-{name}="),
            (("-o", f"{ini}="), f"{ini} in pytest's settings is empty; use --opscheck-{name}="),
        ):
            result = pytester.runpytest(*given, *arguments)
            assert result.ret == pytest.ExitCode.USAGE_ERROR, given
            assert where in result.stderr.str()
    assert not (Path(pytester.path) / "reports").exists()


def test_a_folder_is_not_an_inventory(project: Project) -> None:
    pytester = project()
    result = pytester.runpytest("-m", "daily", f"--opscheck-inventory={pytester.path}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "Is a directory; name the inventory with --opscheck-inventory" in result.stderr.str()


@pytest.mark.parametrize(
    "arguments",
    [
        ("history", "--opscheck-inventory="),
        ("history", "--opscheck-reports="),
        ("run", "daily", "--opscheck-inventory="),
        ("run", "daily", "--opscheck-inventory", ""),
        ("validate", ""),
        ("plan", ""),
    ],
)
def test_the_command_takes_nothing_empty_either(project: Project, arguments: tuple[str, ...]) -> None:
    project()
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 4
    assert " is empty; " in done.output
