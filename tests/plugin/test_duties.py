"""Who answers for a breach: in the results file, on the page, in the mail and in alerts; and what is overdue."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from pytest_opscheck.core.results import Run
from pytest_opscheck.reports.context import ReportContext
from pytest_opscheck.reports.json import schema
from pytest_opscheck.reports.mail import bodies

from .conftest import LOCAL, results

Project = Callable[..., pytest.Pytester]
DUTIES = """
[severity.P2]
owner = "<ops> on call"
answer_within = "100ms"
[severity.P0]
owner = "nobody"
[notify.lines]
file = "alerts.jsonl"
severities = ["P2"]
again = "1ms"
"""


def test_who_answers_is_told_everywhere_and_what_is_overdue(project: Project) -> None:
    pytester = project(LOCAL + DUTIES)
    for number in range(2):
        pytester.runpytest_subprocess("-m", "daily")
        found = results(pytester)
        assert [name for name, result in found.items() if "duty" in result] == ["host.command.broken@local"]
        duty = found["host.command.broken@local"]["duty"]
        assert (duty["owner"], duty["answer_within_s"]) == ("<ops> on call", 0.1)
        assert ("overdue_since" in duty) is (number == 1)
    data = json.loads((pytester.path / "reports/daily/latest.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, schema())
    run = Run.from_json(data)
    assert run.to_json()["results"] == data["results"]
    over = f"{run.results[0].duty.overdue_since:%Y-%m-%d %H:%M}"  # type: ignore[union-attr]
    page = (pytester.path / "reports/daily/latest.html").read_text(encoding="utf-8")
    assert f"<b>Owner</b> &lt;ops&gt; on call, within 0 s: overdue since {over}" in page
    text, html = bodies(run, ReportContext())
    assert f"owner: <ops> on call, within 0 s: overdue since {over}" in text
    assert f"&lt;ops&gt; on call, within 0 s: overdue since {over}" in html
    alerts = [json.loads(line) for line in (pytester.path / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [alert["result"]["duty"].get("overdue_since") for alert in alerts] == [None, duty["overdue_since"]]
    assert pytester.run(Path(sys.executable).with_name("opscheck"), "history", "verify").ret == 0
