"""pytest-html's page with our columns, the verdicts on top, and the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..core.results import Measurement, Result, Run, Verdict, summary
from ..core.secrets import Redactor
from ..core.visible import plain
from ..inventory import Inventory
from .links import Links
from .markup import safe, safe_lines
from .phrases import by_severity, change, covers, headline, line, lines, quiet, recovered, short, tone, when, word

STYLE = Path(__file__).with_name("report.css")
_HEADINGS = (
    ("result", "Result"),
    ("severity", "Severity"),
    ("testId", "Check"),
    ("target", "Target"),
    ("observed", "Observed"),
    ("expected", "Expected"),
    ("next", "Next step"),
)
_SORTABLE = ("result", "severity", "testId", "target")
"""pytest-html keeps the cells of a sortable column twice, so only the short ones can be sorted by."""
_NO_SEVERITY = "none"
"""What is without a severity sorts after P3."""
_ENVIRONMENT_LEFT_OUT = ("Packages", "Plugins")
_MOST_MEASUREMENTS = 20
_LONGEST_DETAIL = 2000
_MOST_WITHOUT_SCRIPTS = 100
_LABELS = {
    "failed": ("breach", "unknown"),
    "passed": ("ok", "warning", "pending"),
    "skipped": ("blocked", "maintenance"),
    "xfailed": ("waived",),
}


class Page:
    """One page in the making; pytest-html hands its data over when it names the page."""

    def __init__(self) -> None:
        self._report: Any = None
        self._results: dict[str, Result] = {}
        self._redactor = Redactor()
        self._links = Links(Path(), Path())

    def open(self, report: Any, inventory: Inventory, suites: Sequence[str], file: Path) -> None:
        """Name the page, and keep its data. `file` is where the page will stand: links start from there."""
        self._report, self._redactor = report, inventory.redactor
        self._links = Links(inventory.file.absolute().parent, file.absolute().parent)
        report.title = plain(f"{inventory.redactor.text(inventory.name)}: {'+'.join(suites) or 'checks'}")
        environment = {k: v for k, v in report.data["environment"].items() if k not in _ENVIRONMENT_LEFT_OUT}
        report.set_data("environment", _escaped(inventory.redactor.data(environment)))
        report.set_data("initialSort", "original")
        if report.data["renderCollapsed"] == ["passed"]:  # pytest-html's default
            report.set_data("renderCollapsed", ["all"])

    @staticmethod
    def header(cells: list[str]) -> None:
        """Put our columns in the place of pytest-html's."""
        cells[:] = [
            f'<th{" class=sortable" if name in _SORTABLE else ""} data-column-type="{name}">{heading}</th>'
            for name, heading in _HEADINGS
        ]

    def row(self, report: Any, result: Result | None, cells: list[str]) -> None:
        """Fill our columns of a result, or those of a test that is none of ours."""
        if result is None and report.when != "call" and report.outcome == "passed":
            return  # pytest-html asks for every phase of a test, and shows only those that tell
        if result is None:
            phase = "" if report.when == "call" else f"::{report.when}"
            message = getattr(getattr(report.longrepr, "reprcrash", None), "message", "")
            cells[1:] = [
                _cell("severity", ""),
                _cell("testId", safe(report.nodeid) + phase),
                _cell("target", ""),
                f"<td class=col-observed colspan=2>{safe(short(plain(self._redactor.text(message))))}</td>",
                _cell("next", ""),
            ]
            return
        target = plain(result.target) if result.target != "-" else ""
        self._results[report.nodeid] = result
        cells[1:] = [
            _cell("severity", result.severity or ""),
            _cell("testId", safe(result.id)),
            _cell("target", safe(target)),
            _observed_cell(result),
            _cell("next", self._next_step(result)),
        ]

    @staticmethod
    def details(report: Any, result: Result, logs: list[str]) -> None:
        """Say in the details what was measured, in the place of pytest's words for it.

        An error in a test's own code keeps its traceback, and captured output stays.
        """
        if not getattr(report, "opscheck_raised", False):
            captured = logs[bool(report.longreprtext) :] if report.sections else []
            logs[:] = [*(safe_lines(part) for part in _told(result)), *captured]

    def finish(self, run: Run) -> None:
        """Give the rows our verdicts in the place of pytest's outcomes, and sort them, the worst first."""
        if self._report is None:
            return
        tests = self._report.data["tests"]
        ended = {result.id: result for result in run.results}
        for nodeid, result in self._results.items():
            for entry in tests.get(nodeid, ()):
                _in_our_words(entry, result)
                # Which next step applies may depend on checks that ended after this row was made.
                final = ended.get(result.id, result)
                entry["resultsTableRow"][5] = _cell("next", self._next_step(final))
                if final.change is not None:  # which is known now
                    entry["resultsTableRow"][4] = _observed_cell(final, run)
        for entry in (entry for entries in tests.values() for entry in entries):
            entry["severity"] = entry.get("severity") or _NO_SEVERITY
        for nodeid in sorted(tests, key=lambda nodeid: self._rank(nodeid, tests[nodeid])):
            tests[nodeid] = tests.pop(nodeid)
        _relabel(self._report.outcomes, run.results, len(tests))

    def _rank(self, nodeid: str, entries: Sequence[Mapping[str, Any]]) -> tuple[int, str, str]:
        """Sort errors of tests that have no result first, their successes last."""
        if nodeid in self._results:
            return self._results[nodeid].rank
        return (-1 if any(entry["result"] in ("Error", "Failed") for entry in entries) else 99, "", nodeid)

    def top(self, run: Run, uncovered: Sequence[str]) -> str:
        """Return what stands above the rows: whether all is well, the counts, and when and from where it was seen."""
        return "".join(
            [
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                f"<div class=opscheck><p class=headline data-tone={tone(run)}>{safe(headline(run))}</p>",
                f"<p class=verdicts>{_tiles(run)}</p>",
                f"<p class=when>{safe(when(run))}</p>",
                f"<p class=uncovered>Targets without a result: {safe(', '.join(uncovered))}</p>" if uncovered else "",
                "</div>",
                f"<p class=again>{safe(again)}</p>" if (again := recovered(run)) else "",
                *(f"<p class=quiet>{safe(text)}</p>" for text in quiet(run)),
                self._without_scripts(run),
            ]
        )

    def _without_scripts(self, run: Run) -> str:
        """Return what is not ok as plain blocks: pytest-html's rows need scripts, which mail programs lack."""
        wrong = [result for result in run.results if result.verdict in (Verdict.BREACH, Verdict.UNKNOWN)]
        blocks = [
            f"<div class=wrong>{_badge(result)} "
            f"<b>{safe(result.severity or '')} {safe(result.id + covers(result))}</b>"
            f"{_since(result, run)}{_observed(result)}{_paragraph(self._next_step(result))}</div>"
            for result in wrong[:_MOST_WITHOUT_SCRIPTS]
        ]
        if (more := len(wrong) - _MOST_WITHOUT_SCRIPTS) > 0:
            blocks.append(f"<p>and {more} more in the results file</p>")
        return f"<noscript>{''.join(blocks)}</noscript>" if blocks else ""

    def _next_step(self, result: Result) -> str:
        """Return the next step, where there is one to take, and the link to the runbook."""
        if result.verdict in (Verdict.BLOCKED, Verdict.OK):
            return ""
        action = safe(result.action or "")
        if not result.runbook:
            return action
        shown, link = safe(result.runbook), self._links.to(result.runbook)
        told = f'<a href="{safe(link)}">{shown}</a>' if link else f"<span>{shown}</span>"
        return f"{action}<br>{told}" if action else told


def _cell(name: str, content: str) -> str:
    return f"<td class=col-{name}>{content}</td>"


def _observed_cell(result: Result, run: Run | None = None) -> str:
    """Return what was observed; with the run, which is there at its end, also how that stands to what was before."""
    calm = " data-ok" if result.verdict is Verdict.OK else ""
    return f"<td class=col-observed colspan=2{calm}>{_since(result, run)}{_observed(result)}</td>"


def _since(result: Result, run: Run | None) -> str:
    since = change(result, run.started) if run is not None else ""
    pending = f"<small>{safe(result.pending)}</small>" if result.pending else ""
    return (f"<small class=change>{since}</small>" if since else "") + pending


def _paragraph(content: str) -> str:
    return f"<p class=next>{content}" if content else ""


def _escaped(data: Any) -> Any:
    """Escape plain data: pytest-html puts its environment on the page as it is."""
    if isinstance(data, Mapping):
        return {safe(str(key)): _escaped(value) for key, value in data.items()}
    return safe(str(data))


def _badge(result: Result) -> str:
    shown = word(result)
    return f"<b class=verdict data-verdict={shown.lower()}>{shown}</b>"


def _in_our_words(entry: dict[str, Any], result: Result) -> None:
    """Rewrite a row that pytest-html has read already: its filters go by the outcome that it found there.

    The row's id on the page becomes the result's, so that `latest.html#host.disk@prod` leads to it.
    """
    cells = entry["resultsTableRow"]
    if entry["result"] != "Error" or result.verdict is Verdict.UNKNOWN:
        cells[0] = _cell("result", _badge(result))
    entry["testId"] = plain(result.id)
    small = plain(result.title + covers(result))
    cells[2] = _cell("testId", safe(result.check) + (f"<small>{safe(small)}</small>" if small else ""))


def _observed(result: Result) -> str:
    """Return what was observed and expected, a paragraph for each measurement that is not as expected.

    The tags are few and not closed where HTML closes them itself: a page holds thousands.
    """
    if result.verdict is Verdict.BLOCKED and result.blocked_by:
        blocker = safe(result.blocked_by)
        return f'<p><span>blocked by <a href="#{blocker}">{blocker}</a></span>'
    if result.verdict is Verdict.OK and len(result.measurements) == 1:
        shown = [line(result.measurements[0])]
    else:
        shown = lines(result)
    several = len({part.severity for part in shown if part.severity}) > 1
    tried = f"<small>at attempt {result.attempts}</small>" if result.attempts > 1 else ""
    return tried + "".join(
        f"<p>{f'{safe(part.severity)} ' if several and part.severity else ''}{safe(part.observed)}"
        f"{f'<i>{safe(part.expected)}</i>' if part.expected else ''}"
        for part in shown
    )


def _told(result: Result) -> Iterable[str]:
    """Yield the details of a result: its message, and what was measured where that is more than the row shows."""
    if len(result.measurements) > 1:
        yield from (_measured(measurement) for measurement in result.measurements[:_MOST_MEASUREMENTS])
    else:
        yield "\n".join(plain(text) for text in short(result.message, _LONGEST_DETAIL).splitlines())
    if (more := len(result.measurements) - _MOST_MEASUREMENTS) > 0:
        yield f"and {more} more in the results file"


def _measured(measurement: Measurement) -> str:
    seen = line(measurement)
    verdict = "?" if seen.unsure else measurement.breached or "ok"
    return f"{verdict:2} {seen.observed}, expected {seen.expected}"


def _tiles(run: Run) -> str:
    """Return a tile for each verdict that there is, the worst first."""
    numbers = summary(run.results)
    return " ".join(
        f"<b class=verdict data-verdict={verdict}>{numbers[verdict]} {verdict}"
        f"{by_severity(numbers) if verdict is Verdict.BREACH else ''}</b>"
        for verdict in Verdict
        if numbers[verdict]
    )


def _relabel(outcomes: Mapping[str, dict[str, Any]], results: Sequence[Result], tests: int) -> None:
    """Name pytest-html's filters by our verdicts, where it has no other tests to filter, and hide its commas."""
    from markupsafe import Markup  # which Jinja2, by which pytest-html writes the page, brings along

    for outcome, words in _LABELS.items() if tests == len(results) else ():
        found = [label for label in words if any(word(result).lower() == label for result in results)]
        if found:
            outcomes[outcome]["label"] = " and ".join(found)
    for values in outcomes.values():
        # pytest-html writes a comma behind each label, also behind the last; the label's span ends this element too.
        values["label"] = Markup("{}<data hidden>").format(values["label"])
