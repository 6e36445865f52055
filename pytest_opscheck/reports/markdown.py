"""A run in Markdown, for chats and pull requests: what is not ok, the worst first, with the next step."""

from __future__ import annotations

import re

from ..core.results import Result, Run, Verdict
from ..core.visible import plain
from .links import web
from .phrases import after, change, counts, headline, recovered_ones, short, when, word

_MOST = 50
_PLAIN = re.compile(r"[\w ,.;:%()/'\"=+?-]*")
"""Text that means nothing to Markdown, wherever it stands behind other words; the underscore is looked at apart."""


def markdown(run: Run) -> str:
    """Return a run in Markdown."""
    wrong = [result for result in run.results if result.verdict in (Verdict.BREACH, Verdict.UNKNOWN)]
    again = recovered_ones(run)
    blocked = sum(result.verdict is Verdict.BLOCKED for result in run.results)
    found = [_wrong(result, run) for result in wrong[:_MOST]]
    found += [f"- and {len(wrong) - _MOST} more"] if len(wrong) > _MOST else []
    found += [f"- recovered: {code(result.id)} ({after(result, run.started)})" for result in again[:_MOST]]
    found += [f"- and {len(again) - _MOST} more recovered"] if len(again) > _MOST else []
    found += [f"- {blocked} blocked by other checks"] if blocked else []
    head = f"**{escaped(run.inventory)} {escaped(run.suite or 'checks')}: {headline(run)}**"
    foot = f"{escaped(counts(run))}; {escaped(when(run))}"
    return "\n\n".join(part for part in (head, "\n".join(found), foot) if part) + "\n"


def escaped(text: str) -> str:
    """Return text as it is where it has no marks of Markdown, else as code, in which nothing is a mark."""
    text = plain(text)
    return text if _PLAIN.fullmatch(text) and "_" not in text and "://" not in text else code(text)


def code(text: str) -> str:
    """Return text as code: behind as many backticks as it takes."""
    text = plain(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{edge}{text}{edge}{fence}" if text else ""


def _wrong(result: Result, run: Run) -> str:
    since = change(result, run.started)
    head = f"- **{word(result)}{f' {result.severity}' if result.severity else ''}** {code(result.id)}"
    step = _next_step(result)
    head += f" ({since})" if since else ""
    return f"{head}: {escaped(short(result.message))}" + (f"  \n  Next: {step}" if step else "")


def _next_step(result: Result) -> str:
    parts = [escaped(result.action)] if result.action else []
    if result.runbook:
        parts.append(f"<{result.runbook}>" if _is_link(result.runbook) else escaped(result.runbook))
    return " · ".join(parts)


def _is_link(runbook: str) -> bool:
    return web(runbook) is not None and re.search(r"[\s<>`]", runbook) is None
