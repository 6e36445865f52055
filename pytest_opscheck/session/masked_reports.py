"""Masks secrets in what pytest itself tells: reports, node ids, the terminal, the JUnit file, traces, its own errors.

Reports are masked where they are made and once more where they arrive, so that whoever writes them has them so. What is
written without a report goes through the terminal's writer, the JUnit document or the handler of a log file. A test
that prints under `-s` writes past all of them, as it was told to.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from _pytest._code.code import TerminalRepr

from ..core.lengths import LONGEST_MESSAGE, beginning, both_ends
from ..core.secrets import Redactor
from ..core.visible import inert, visible
from ..reports import github

_NUMBERS = (float, int, bool, type(None))
"""What holds no text: most of a report of a test that has passed, and there are six for each test."""
Wrapper = Generator[None, Any, Any]
_OURS = frozenset(
    {"when", "outcome", "nodeid", "_id", "location", "keywords", "result", "opscheck", "worker_id", "testrun_uid"}
)
"""What a report is known by; our own result in it has been masked already."""


class Masked:
    """A plugin of every process of a run."""

    def __init__(self, config: pytest.Config, redactor: Redactor) -> None:
        self._config = config
        self._text = redactor.text
        root = config.trace.root
        if (writer := root._writer) is not None:  # noqa: SLF001 - of --debug; there is no public way
            root.setwriter(self._traced(writer))

    def _traced(self, write: Callable[[str], object]) -> Callable[[str], None]:
        """Return a writer of traces for all threads: pytest traces imports, and contacts import in theirs."""
        lock = threading.RLock()

        def masked(text: str) -> None:
            with lock:
                write(self._text(text))

        return masked

    # Reports

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Wrapper:
        """Mask a test's report before other plugins have it."""
        return self._report((yield))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Wrapper:
        """Mask what is said of a module that can't be collected."""
        return self._report((yield))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Wrapper:
        """Mask a report that another plugin has made."""
        self._report(report)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> Wrapper:
        """Likewise."""
        self._report(report)
        return (yield)

    def _report(self, report: Any) -> Any:
        if getattr(report, "user_properties", None):
            properties = [(name, str(value)) for name, value in report.user_properties]
            report.user_properties = [
                (name, beginning(value, self._text, LONGEST_MESSAGE)) for name, value in properties
            ]
        for name, value in vars(report).items() if report is not None else ():
            if name not in _OURS and type(value) not in _NUMBERS:
                vars(report)[name] = self._clean(value)
        if getattr(report, "longrepr", None) is not None and not isinstance(report.longrepr, tuple):
            text = str(report.longrepr)
            if (
                clean := self._text(both_ends(text, self._text))
            ) != text:  # too long, or each line shows a part of a secret
                report.longrepr = visible(clean)
        return report

    def _beginning(self, value: Any) -> str:
        return beginning(str(value), self._text, LONGEST_MESSAGE)

    def _clean(self, value: Any) -> Any:
        """Return data without secrets, and without what steers a terminal; pytest's own objects change themselves."""
        if isinstance(value, str):
            return visible(self._text(both_ends(value, self._text)))
        if isinstance(value, list) and value:
            return [self._clean(each) for each in value]
        if type(value) is tuple:
            return tuple(self._clean(each) for each in value)
        if isinstance(value, dict):
            return {key: self._clean(each) for key, each in value.items()}
        if isinstance(value, TerminalRepr):
            vars(value).update({name: self._clean(each) for name, each in vars(value).items()})
        return value

    # Node ids

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> Wrapper:
        """Mask the parameters' ids, and keep them different from each other."""
        outcome = yield
        calls = metafunc._calls  # noqa: SLF001 - ids are said in many ways, and stand there in the end
        taken = {call.id for call in calls}
        for number, call in enumerate(calls):
            if (clean := self._clean(call.id)) != call.id:
                fresh = _fresh(clean, taken)
                taken.add(fresh)
                calls[number] = dataclasses.replace(call, _idlist=[fresh])
        return outcome

    # What ends a run early

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> Wrapper:
        """Mask what is said of a fault of pytest or of a plugin."""
        self._clean(excrepr)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Wrapper:
        """Mask the reason of pytest.exit."""
        self.mask(excinfo.value)
        return (yield)

    def mask(self, error: BaseException) -> None:
        """Mask what an exception says."""
        error.args = tuple(self._clean(each) for each in error.args)
        for name in ("msg", "__notes__"):
            if name in vars(error):
                setattr(error, name, self._clean(getattr(error, name)))

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Mask what the block raises."""
        try:
            yield
        except BaseException as error:
            self.mask(error)
            raise

    # What is written without a report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self) -> Wrapper:
        """Stand in front of the terminal and of the log's file."""
        manager = self._config.pluginmanager
        if (reporter := manager.get_plugin("terminalreporter")) is not None:
            self._stand_before(reporter._tw)  # noqa: SLF001 - as pytest's own --pastebin does
        if (handler := getattr(manager.get_plugin("logging-plugin"), "log_file_handler", None)) is not None:
            made = handler.format
            handler.format = lambda record: self._text(made(record))
        with self.errors():
            return (yield)

    def _stand_before(self, writer: Any) -> None:
        write, clean = writer.write, inert if github.is_here() else str

        def masked(text: str, **how: Any) -> None:
            write(clean(self._text(text)), **how)

        writer.write = masked

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Wrapper:
        """Mask the JUnit document before it is written: tests put properties and attributes into it by themselves."""
        from _pytest.junitxml import xml_key

        if (document := self._config.stash.get(xml_key, None)) is not None:
            self._junit(document)
        with self.errors():
            return (yield)

    def _junit(self, document: Any) -> None:
        document.global_properties = self._clean(document.global_properties)
        for reporter in document.node_reporters_ordered:
            case = reporter.to_xml()
            for each in case.iter():
                each.text = self._clean(each.text)
                for name, value in each.attrib.items():
                    each.attrib[name] = self._clean(value)
            reporter.to_xml = lambda case=case: case


def _fresh(name: str, taken: set[str]) -> str:
    number, fresh = 0, name
    while fresh in taken:
        number += 1
        fresh = f"{name}-{number}"
    return fresh
