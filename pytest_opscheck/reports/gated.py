"""A decision of a gate as pipelines are told it: what it says, what counts for it, and what each check came to."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.results import Result, Run, Verdict
from ..core.visible import plain
from ..gate.finding import Finding, Sort
from ..gate.values import Answer
from .github import Annotation, Level
from .markdown import code, escaped
from .phrases import short

_VERSIONS = ("version_before", "version")
_MOST_REASONS = 20
_LONGEST_REASONS = 2000
"""Of a dotenv file GitLab takes 5 KB."""
_NOT_IN_WORD = re.compile(r"[^A-Za-z0-9_.,:/@%+-]+")


@dataclass(frozen=True)
class Gated:
    """One decision: `answer` is what a pipeline may rely on, never a go of a gate that was ended early."""

    answer: Answer
    why: str
    findings: tuple[Finding, ...]
    results: Mapping[str, Result]
    kept: Mapping[str, Any]

    @classmethod
    def of(cls, kept: Mapping[str, Any], clean: Callable[[str], str] = str) -> Gated:
        """Make it of what a gate keeps; one that failed before it saw anything has kept a verdict and why alone.

        `clean` masks secrets in what the gate itself says; results have come without.
        """
        answer, why = Answer(kept["verdict"]), clean(kept["why"])
        if kept.get("partial"):
            why = f"ended early: {why}"
            answer = Answer.UNDECIDED if answer is Answer.GO else answer
        findings = tuple(_finding(each, clean) for each in kept.get("findings", ()))
        versions = {name: clean(str(kept[name])) for name in _VERSIONS if kept.get(name)}
        results = _results(kept.get("after", ()), {each.id for each in findings})
        return cls(answer, why, findings, results, {**kept, **versions})

    def of_check(self, result_id: str) -> Finding | None:
        """Return what is worst of a check, None where nothing is to be said of it."""
        return next((each for each in self.findings if each.id == result_id), None)

    @property
    def reasons(self) -> list[str]:
        """The decision in one line, and a line on each check that counts for it, where there is more to say."""
        counted = [each for each in self.findings if each.rolls_back or each.leaves_undecided]
        if [f"{each.id}: {each.message}" for each in counted] == [self.why]:
            counted = []
        lines = [f"{each.id}: {headed(each)}: {short(plain(each.message))}" for each in counted[:_MOST_REASONS]]
        more = [f"and {len(counted) - _MOST_REASONS} more"] if len(counted) > _MOST_REASONS else []
        return [short(plain(self.why)), *lines, *more]

    @property
    def versions(self) -> str:
        """From which version to which, as far as somebody has said it."""
        return " to ".join(plain(self.kept[name]) for name in _VERSIONS if self.kept.get(name))


def headed(finding: Finding) -> str:
    """Return what came of a check: `broke P1`."""
    return f"{finding.sort} {finding.severity}" if finding.severity else str(finding.sort)


def annotated(gated: Gated) -> list[Annotation]:
    """Return what GitHub shows: the decision where it is no go, and what was found, the worst first."""
    found = [_annotation(each, gated.kept) for each in gated.findings]
    if gated.answer is Answer.GO:
        return found
    level = _level(gated.answer is Answer.ROLL_BACK, counts=True)
    return [Annotation(level, f"opscheck gate: {gated.answer}", short(gated.why)), *found]


def _annotation(finding: Finding, kept: Mapping[str, Any]) -> Annotation:
    line = kept.get("lines", {}).get(finding.id)
    return Annotation(
        level=_level(finding.rolls_back, counts=finding.leaves_undecided),
        title=f"{finding.id}: {headed(finding)}",
        text=short(finding.message),
        details=finding.details,
        file=Path(kept["file"]) if line else None,
        line=line,
    )


def _level(is_broken: bool, *, counts: bool) -> Level:
    return "error" if is_broken else "warning" if counts else "notice"


def summary(gated: Gated) -> str:
    """Return a decision in Markdown."""
    kept, rolls_back = gated.kept, gated.answer is Answer.ROLL_BACK
    parts = [
        f"## {escaped(f'opscheck gate: {gated.answer}')}",
        escaped(short(gated.why)),
        ", ".join(map(escaped, _about(gated))),
        "\n".join(line for each in gated.findings for line in _listed(each)),
        f"How to roll back: {escaped(kept['rollback'])}" if rolls_back and kept.get("rollback") else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n\n"


def _about(gated: Gated) -> Iterator[str]:
    kept = gated.kept
    if "inventory" in kept:
        yield f"{kept['inventory']} {gated.versions}".strip()
        yield f"suite {kept['suite']}"
        yield f"{kept['judged']} checks judged"
        yield f"took {kept['took_s']} s"


def dotenv(gated: Gated) -> str:
    """Return a decision as a line for each variable. A value is one word, also to a shell that reads the file.

    GitLab takes no blanks in it, and what a target says must not run where somebody sources it.
    """
    values = {
        "VERDICT": _word(str(gated.answer)),
        "REASONS": ",".join(map(_word, gated.reasons))[:_LONGEST_REASONS],
        **{name.upper(): gated.kept.get(name) or "" for name in _VERSIONS},
    }
    kept = {name: value for name, value in values.items() if value and value == _word(value)}
    return "".join(f"OPSCHECK_{name}={value}\n" for name, value in kept.items())


def _word(text: str) -> str:
    return _NOT_IN_WORD.sub("_", text)


def _listed(finding: Finding) -> Iterator[str]:
    yield f"- **{headed(finding)}** {code(finding.id)}: {escaped(short(finding.message))}"
    yield from (f"  - {escaped(line)}" for line in finding.details)
    if finding.rolls_back:
        yield from (f"  - Next: {escaped(step)}" for step in (finding.action, finding.runbook) if step)


def _finding(data: Mapping[str, Any], clean: Callable[[str], str]) -> Finding:
    cleaned = {"message": clean(data["message"]), "details": tuple(map(clean, data["details"]))}
    return Finding(**{**data, "sort": Sort(data["sort"]), **cleaned})


def _results(looks: Iterable[Mapping[str, Any]], found: Collection[str]) -> dict[str, Result]:
    """Return the last result of each check; of one of which something was found the last that was broken, if any."""
    results: dict[str, Result] = {}
    for result in (each for look in looks for each in Run.from_json(look).results):
        was = results.get(result.id)
        is_shown = was is not None and was.verdict is Verdict.BREACH and result.id in found
        if not is_shown or result.verdict is Verdict.BREACH:
            results[result.id] = result
    return results
