"""`opscheck checks`: what can be expected, as docs/checks/ says it too, so that it can be read in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_opscheck.catalogue import kinds
from pytest_opscheck.cli import checks
from pytest_opscheck.cli.command import main
from pytest_opscheck.cli.manual import Chapter, Entry, Key, chapters

WIDTH = 80
PAGES = Path(__file__).parents[3] / "docs/checks"
CHAPTERS = {each.kind: each for each in chapters()}


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["checks", *arguments])


def words(text: str) -> str:
    return " ".join(text.split())


def prose(entry: Entry) -> list[str]:
    """Return what is said of a check, each of it a text that may be wrapped."""
    keys = [str(key) for key in entry.keys]
    return [entry.title, entry.definition, entry.runs, entry.limits, entry.units, *keys, entry.needs, entry.action]


def test_each_check_has_a_line_below_its_kind() -> None:
    lines = asked().output.splitlines()
    for chapter in CHAPTERS.values():
        start = next(number for number, line in enumerate(lines) if line.startswith(f"{chapter.kind}: "))
        shown = [line.split()[0] for line in lines[start : lines.index("", start)] if line.startswith("  ")]
        assert {entry.id.removeprefix(f"{chapter.kind}.") for entry in chapter.entries} <= set(shown)
    assert all(len(line) <= WIDTH for line in lines)


@pytest.mark.parametrize("chapter", CHAPTERS.values(), ids=lambda chapter: chapter.kind)
def test_a_kind_says_what_its_page_says_and_fits_a_terminal(chapter: Chapter) -> None:
    """But for lines of an example, which can be copied as they are."""
    done = asked(chapter.kind)
    page = (PAGES / f"{chapter.kind}.md").read_text(encoding="utf-8")
    examples = "\n".join(entry.example for entry in chapter.entries)
    for key in chapter.keys:
        assert words(str(key)) in words(done.output)
        assert f"| `{key.name}` | {key.note} | {key.meaning} |" in page
    for entry in chapter.entries:
        for text in prose(entry):
            assert words(text) in words(done.output)
            assert words(text) in words(page)
    assert [line for line in done.output.splitlines() if len(line) > WIDTH and line[2:] not in examples] == []


def test_how_a_check_is_laid_out() -> None:
    entry = Entry(
        id="queue.length.NAME",
        title="A queue is short",
        definition="What waits\nin it.\n\nAnd why.",
        runs="where said, in daily",
        limits="`P2 < 10`; a single limit breaks with P2",
        units="",
        keys=(Key("name", "a text", "needed"), Key("each", "a table", "")),
        needs="a user who may read it, and whom the server lets in from where the check runs",
        action="",
        example='[queue.main.length.jobs]\nname = "jobs"',
    )
    assert "\n".join(checks.described(entry)).splitlines() == [
        "queue.length.NAME: A queue is short",
        "",
        "What waits in it.",
        "",
        "And why.",
        "",
        "  runs           where said, in daily",
        "  default limit  `P2 < 10`; a single limit breaks with P2",
        "  needs          a user who may read it, and whom the server lets in from where",
        "                 the check runs",
        "",
        "Keys:",
        "  name  a text (needed)",
        "  each  a table",
        "",
        "Example:",
        "  [queue.main.length.jobs]",
        '  name = "jobs"',
    ]


@pytest.mark.parametrize("name", ["host.command.NAME", "host.command", "host.command.nginx", "host.command.nginx@prod"])
def test_an_id_of_a_result_leads_to_its_check(name: str) -> None:
    assert asked(name).output.startswith("host.command.NAME: ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hots", "there is no kind 'hots'; did you mean host? It can be: availability, backup, "),
        ("disk", "there is no kind 'disk'; did you mean docker.disk or host.disk? It can be: "),
        ("host.dsk", "there is no check 'host.dsk'; did you mean host.disk? It can be: host.reachable, host.disk, "),
        ("host.disks.x", "there is no check 'host.disks.x'; did you mean host.disk? It can be: host.reachable, "),
        ("\x1b[2J", "there is no kind '\\x1b[2J'; it can be: availability, "),
    ],
)
def test_what_there_is_not_is_named_with_what_there_is(name: str, said: str) -> None:
    done = asked(name)
    assert (done.exit_code, said in done.output) == (4, True), done.output
    assert done.output.count(", ") > min(len(kinds()), 8)


def test_what_a_terminal_would_take_for_a_command_is_shown() -> None:
    """Celery's `sep` is two control characters by default."""
    assert "(default `\\x06\\x16`)" in words(asked("celery").output)
