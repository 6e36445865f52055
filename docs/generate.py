"""Writes docs/checks.md from the shipped checks and the kinds of targets: `python docs/generate.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_opscheck.cli.manual import Chapter, Entry, chapters

PAGE = Path(__file__).with_name("checks.md")
HEAD = """# The shipped checks

This page is written by `docs/generate.py` from the checks themselves. `opscheck checks` has the same text.

Each kind of target has keys, and checks that run by default or where the inventory says them. A check's default limits,
severity and suites can be said otherwise, see [inventory.md](inventory.md). `any suite` means every suite in which
another check of the target runs. In a next step `{subject}` stands for what is worst, `{target}` for where.
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for chapter in chapters():
        parts.append("\n".join(_kind(chapter)))
        parts += ["\n".join(_check(entry)) for entry in chapter.entries]
    return "\n".join(parts)


def _kind(chapter: Chapter) -> Iterator[str]:
    yield f"\n## {chapter.kind}\n\n{chapter.summary[0].upper()}{chapter.summary[1:]}.\n"
    if chapter.keys:
        yield "| key | | meaning |\n| --- | --- | --- |"
        for key in chapter.keys:
            yield f"| `{key.name}` | {key.note} | {key.meaning} |"
        yield ""


def _check(entry: Entry) -> Iterator[str]:
    yield f"### {entry.id}\n\n{entry.title}.\n"
    if entry.definition:
        yield entry.definition + "\n"
    yield f"- runs {entry.runs}\n- default limit: {entry.limits}"
    if entry.units:
        yield f"- limited in: {entry.units}"
    for key in entry.keys:
        yield f"- `{key.name}`: {key}"
    if entry.needs:
        yield f"- needs: {entry.needs}"
    if entry.action:
        yield f"- next step: {entry.action}"
    yield f"\n```toml\n{entry.example}\n```\n" if entry.example else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
