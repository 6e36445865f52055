"""The cases of pytest's JUnit report that are shipped checks: called as results are, in an order that people read."""

from __future__ import annotations

from typing import Any

import pytest
from _pytest.junitxml import xml_key

from ..core.results import Result
from ..core.visible import plain
from ..reports import junit
from ..reports.files import ReportFiles

_OWN = (1, "", "")
"""How a user's own tests stand in the order: behind the shipped checks, as they ran."""


class JUnitCases:
    """Puts our fields into the report. A shipped check is the case `host.disk` of its target, the class."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._named: dict[int, tuple[int, str, str]] = {}

    def end(self, report: pytest.TestReport, result: Result, *, is_shipped: bool) -> None:
        """Give a case its fields and its name: pytest writes them at the test's end, from this report."""
        report.user_properties += junit.properties(result)
        if is_shipped and (document := self._document) is not None:
            case = document.node_reporter(report)
            target, check = plain(result.target), plain(result.check)
            case.attrs.update(classname=target, name=check)
            self._named[id(case)] = (0, target, check)

    def arrange(self, files: ReportFiles | None) -> None:
        """Put the cases in order, and claim the file of the report where it stands beside ours."""
        if (document := self._document) is not None:
            document.node_reporters_ordered.sort(key=lambda case: self._named.get(id(case), _OWN))
        if files is not None and getattr(self._config.option, "xmlpath", None) == str(files.xml):
            files.claim_xml()

    @property
    def _document(self) -> Any:
        return self._config.stash.get(xml_key, None)
