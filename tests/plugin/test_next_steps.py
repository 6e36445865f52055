"""The next step that a result shows may depend on what other checks of the run found."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest

from .conftest import results

Project = Callable[..., pytest.Pytester]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize(
    ("cache", "database", "step"), [(1, 1, "Warm the cache"), (0, 1, "Scale a"), (0, 0, "Look around")]
)
def test_the_first_step_whose_condition_holds(
    project: Project, cache: int, database: int, step: str, workers: tuple[str, ...]
) -> None:
    pytester = project(
        f"""
        [host.a]
        expect = {{ disk = false, memory = false, load = false, cpu = false }}
        [host.a.command.slow]
        run = "exit 1"
        id = "TB-23"
        action = [
          {{ when = "host.command.cache@a", action = "Warm the cache" }},
          {{ when = "host.command.database@a", action = "Scale {{target}}" }},
          "Look around",
        ]
        [host.a.command.cache]
        run = "exit {cache}"
        [host.a.command.database]
        run = "exit {database}"
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily", *workers, "--html=mine.html")
    slow = results(pytester)["host.command.slow@a"]
    assert (slow["action"], slow["covers"]) == (step, ["TB-23"])
    result.stdout.fnmatch_lines([f"*{step}*"])
    result.stdout.fnmatch_lines(["*host.command.slow* [[]TB-23]*"])
    page = (pytester.path / "reports" / "daily" / "latest.html").read_text(encoding="utf-8")
    assert f"<b>Next</b> {step}</p>" in page
    assert "[TB-23]</p>" in page
    theirs = (pytester.path / "mine.html").read_text(encoding="utf-8")
    assert f"<td class=col-next>{step}</td>" in html.unescape(theirs)
    assert "[TB-23]</small>" in html.unescape(html.unescape(theirs))
