"""A run as text: a line for each check, the worst first, and one status at the end."""

from __future__ import annotations

from ..core.results import Result, Run, Verdict
from ..core.visible import in_line, plain
from .phrases import change, counts, covers, headline, short, when, word

_WIDEST_ID = 48


def text(run: Run) -> str:
    """Return a run as text."""
    ids = [plain(result.id + covers(result)) for result in run.results]
    width = min(_WIDEST_ID, max(map(len, ids), default=0))
    verdicts = max((len(_verdict(result)) for result in run.results), default=0)
    lines = [f"{plain(run.inventory)} {run.suite or 'checks'}, {when(run)}", ""]
    for name, result in zip(ids, run.results, strict=True):
        since = change(result, run.started)
        text = short(plain(result.message)) + (f" ({since})" if since else "")
        lines.append(f"{_verdict(result):{verdicts}}  {name:{width}}  {text}".rstrip())
        if step := next_step(result):
            lines.append(f"{'':{verdicts}}  next: {step}")
    told = [*lines, "", counts(run), f"Status: {headline(run)}"]
    return "\n".join(map(in_line, told)) + "\n"


def next_step(result: Result) -> str:
    """Return what to do about a result that is not ok, and where the runbook says more; nothing for any other."""
    if result.verdict not in (Verdict.BREACH, Verdict.UNKNOWN):
        return ""
    return plain(" · ".join(part for part in (result.action, result.runbook) if part))


def _verdict(result: Result) -> str:
    severity = f" {result.severity}" if result.severity and result.verdict is not Verdict.OK else ""
    return word(result).lower() + severity
