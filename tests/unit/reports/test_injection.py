"""Whatever text comes from an inventory or a target, every output of a run stays what its format says, and shows it."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import markdown as pages
import pytest
from hypothesis import HealthCheck, example, given, settings
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from pytest_opscheck.compliance import render as compliance
from pytest_opscheck.compliance.audit import Compliance, Line, Reason, SuiteLine
from pytest_opscheck.core.results import Run, Verdict
from pytest_opscheck.core.visible import as_json, plain
from pytest_opscheck.delivery.alerts import Alert, Event
from pytest_opscheck.delivery.mail import message
from pytest_opscheck.delivery.messages import body, document, title
from pytest_opscheck.delivery.transports import send
from pytest_opscheck.inventory.channels import Channel, Way
from pytest_opscheck.inventory.report import Address, Mail
from pytest_opscheck.reports import json as results_file
from pytest_opscheck.reports.links import Links
from pytest_opscheck.reports.markdown import markdown
from pytest_opscheck.reports.openmetrics import text as metrics
from pytest_opscheck.reports.page import page
from pytest_opscheck.reports.terminal import table
from pytest_opscheck.reports.text import text

from ..nasty import PIECES, harmless_run, maker, nasty_run, read, several, steers
from .values import STARTED

MAIL = Mail((Address("a@x", "Ops"),), Address("b@x"), "mail", 25, "none", {"": "always"})
LINKS = Links(Path("/nowhere"), Path("/nowhere"))
quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Form(HTMLParser):
    """A page as its tags and their attributes, without the values that are text, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[Any] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(tag)

    def handle_comment(self, data: str) -> None:  # noqa: ARG002 - the parser's name
        self.tags.append("comment")

    def handle_data(self, data: str) -> None:
        self.text += data


def nasty(test: Any) -> Any:
    """Try a test with every piece once, and with some more texts."""
    return quick(given(said=several)(example(said=PIECES)(test)))


def strings(run: Run) -> list[str]:
    """Return what people have to see of each result that is not ok."""
    wrong = [result for result in run.results if result.verdict in (Verdict.BREACH, Verdict.UNKNOWN)]
    return [read(plain(said)) for result in wrong for said in (result.id, result.runbook or "", *result.covers)]


@nasty
def test_the_page(said: list[str]) -> None:
    run, beside = nasty_run(maker(said))
    usual, words = harmless_run()
    found, form = Form(page(run, LINKS, beside)), Form(page(usual, LINKS, words))
    assert found.tags == form.tags
    shown = read(found.text)
    assert [each for each in strings(run) if each not in shown] == []
    assert steers(found.text.replace("\t", " ")) == []  # code may be indented by them


@nasty
def test_the_mail(said: list[str]) -> None:
    """No header is added, the subject is one line, and both parts have the form that harmless words give them."""
    run, beside = nasty_run(maker(said))
    made, usual = (
        email.message_from_bytes(bytes(message(MAIL, *told, "<p>")), policy=email.policy.default)
        for told in ((run, beside), harmless_run())
    )
    assert made.keys() == usual.keys()
    assert made["To"].addresses[0].addr_spec == "a@x"
    assert steers(made["Subject"]) == []
    (told, html), (usual_told, usual_html) = parts(made), parts(usual)
    assert [bool(line) for line in told.split("\n")] == [bool(line) for line in usual_told.split("\n")]
    assert html.tags == usual_html.tags
    assert steers(told + html.text) == []
    assert [each.id for each in run.results[:4] if read(plain(each.id)) not in read(html.text)] == []


def parts(made: Any) -> tuple[str, Form]:
    """Return the text of a mail, and its page; the third part is the report."""
    text_part, html_part, report = [part for part in made.walk() if not part.is_multipart()]
    assert report.get_filename() == "daily-2026-11-20T080000.html"
    told, html = (part.get_content().replace("\r\n", "\n") for part in (text_part, html_part))
    return told, Form(html)


@nasty
def test_lines_of_text(said: list[str]) -> None:
    """A line for each result on a terminal and in a chat, however wide: nobody can add one that says all is well."""
    run, _ = nasty_run(maker(said))
    usual, _ = harmless_run()
    for made, form in ((text(run), text(usual)), (markdown(run), markdown(usual))):
        assert made.splitlines() == made.removesuffix("\n").split("\n")
        assert [bool(line) for line in made.split("\n")] == [bool(line) for line in form.split("\n")]
        assert steers(made) == []
    for width in (80, 200):
        told = [line for _, line in table(run.results, width, run.started)]
        assert [line for line in told if steers(line) or "\n" in line] == []


@nasty
def test_markdown(said: list[str]) -> None:
    run, _ = nasty_run(maker(said))
    usual, _ = harmless_run()
    found, form = (Form(pages.markdown(markdown(each))) for each in (run, usual))
    styles = ("code",)  # text with marks is code
    assert [t for t in found.tags if t[0] not in styles and t not in styles] == [
        t for t in form.tags if t[0] not in styles and t not in styles
    ]


@nasty
def test_metrics(said: list[str]) -> None:
    run, _ = nasty_run(maker(said))
    made = metrics(run)
    for parse in (openmetrics, prometheus):
        samples = [sample for family in parse(made) for sample in family.samples]
        assert {sample.name.startswith("opscheck_") for sample in samples} == {True}
        assert {sample.labels["inventory"] for sample in samples} == {plain(run.inventory)}
        named = {sample.labels.get("target") for sample in samples} - {None}
        assert named == {plain(result.target) for result in run.results}
    assert made.splitlines() == made.removesuffix("\n").split("\n")
    assert steers(made) == []


@nasty
def test_files_of_json(said: list[str], tmp_path: Path) -> None:
    """A line is a line to every reader, also to one who takes U+2028 or NEL for its end; and nothing is lost."""
    run, _ = nasty_run(maker(said))
    alerts = [Alert(Event.NEW, result) for result in run.results]
    file = tmp_path / "alerts.jsonl"
    file.unlink(missing_ok=True)
    send(Channel("file", Way.FILE, file.name, frozenset({"P1"})), alerts, run, tmp_path)
    lines = file.read_text(encoding="utf-8")
    assert [json.loads(line) for line in lines.splitlines()] == [document(alert, run) for alert in alerts]
    results_file.write(run, tmp_path / "results.json")
    made = (tmp_path / "results.json").read_text(encoding="utf-8")
    assert json.loads(made) == run.to_json()
    assert steers(lines + made + as_json(run.to_json())) == []


@nasty
def test_alerts(said: list[str]) -> None:
    run, _ = nasty_run(maker(said))
    usual, _ = harmless_run()
    for number in (1, len(run.results)):
        alerts, others = ([Alert(Event.NEW, each) for each in one.results[:number]] for one in (run, usual))
        assert steers(title(alerts, run)) == []
        assert "\n" not in title(alerts, run)
        made = body(alerts, run)
        assert steers(made) == []
        assert len(made.splitlines()) == len(body(others, usual).splitlines())


def audited(give: Any) -> Compliance:
    reasons = (Reason(Verdict.WAIVED, give(), 2),)
    lines = tuple(
        Line(give(), (give(),), 3, 1, {Verdict.OK: 2}, reasons, STARTED, STARTED, is_expected=True) for _ in range(9)
    )
    suites = (SuiteLine(give(), give(), 3, 1, 2, 0),)
    return Compliance(give(), STARTED, STARTED, STARTED, suites, lines, ())


@nasty
def test_what_auditors_get(said: list[str]) -> None:
    """No cell of the table is a formula, and none ends its row; the page has no more than its own tags."""
    found = audited(maker(said))
    rows = list(csv.reader(io.StringIO(compliance.table(found), newline="")))
    assert {len(row) for row in rows} == {15}
    for row, line in zip(rows[1:], found.lines, strict=True):
        assert row[0] in (plain(line.id), f"'{plain(line.id)}")
    cells = [cell for row in rows for cell in row]
    assert [cell for cell in cells if re.match(r"\s*[=+@\t\r\uff1d\uff0b\uff0d\uff20-]", cell) or steers(cell)] == []
    made = Form(compliance.page(found, maker(said)(), STARTED))
    assert made.tags == Form(compliance.page(audited(maker(["word"])), "word", STARTED)).tags
    assert steers(made.text) == []


@pytest.mark.parametrize("piece", PIECES)
def test_a_runbook_is_a_link_only_where_it_shows_where_it_leads(piece: str) -> None:
    for link in (piece, f"https://runbook.example/{piece}"):
        shown = LINKS.to(link)
        assert shown is None or (shown == link == plain(link) and link.startswith(("http://", "https://")))
    run, beside = harmless_run()
    linked = [replace(run.results[0], runbook=f"https://runbook.example/{each}") for each in (piece, "page")]
    nasty, usual = (Form(page(replace(run, results=(each,)), LINKS, beside)).tags for each in linked)
    assert not set(nasty) - set(usual)
