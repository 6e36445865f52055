"""The result that stands for an inventory with errors, in what is told of a run that did not begin."""

from __future__ import annotations

from collections.abc import Iterable

from ..core.results import Result, Run, Verdict

STATUS = 4


CHECK = "opscheck.inventory"


_TITLE = "The inventory can be read"


_STEP = "fix it, then check it with: opscheck validate"


def result_of(suite: str, verdict: Verdict, message: str) -> Result:
    """Return it for a suite."""
    wrong = verdict is not Verdict.OK
    return Result(
        id=f"{CHECK}@{suite}",
        check=CHECK,
        target=suite,
        title=_TITLE,
        suites=(suite,),
        verdict=verdict,
        severity="P0",
        message=message,
        action=_STEP if wrong else None,
        fails=wrong,
    )


def over(run: Run, told: Iterable[str]) -> list[Result]:
    """Return the results that say that an inventory is right again, of those by whose ids it was told to be wrong."""
    if run.exit_status == STATUS:
        return []
    known = set(told)
    found = [result_of(suite, Verdict.OK, "the inventory is valid again") for suite in (run.suite or "").split("+")]
    return [result for result in found if result.id in known]
