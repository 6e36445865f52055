"""pytest's hooks, thin: each one hands over to the session, which exists only where checks were asked for."""

from __future__ import annotations

import argparse
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .settings import FILE, OPTIONS, inventory_file, reports_folder, setting, workers_folder

if TYPE_CHECKING:
    from collections.abc import Generator

    from .session.session import Session

SESSION: pytest.StashKey[Session] = pytest.StashKey()
TABLES: pytest.StashKey[tuple[str, ...]] = pytest.StashKey()
"""The tables of the inventory."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hooks that other packages may implement."""
    _load_as_python_does(pluginmanager)
    from . import newhooks

    pluginmanager.add_hookspecs(newhooks)


def _load_as_python_does(pluginmanager: pytest.PytestPluginManager) -> None:
    """Have pytest leave this package's modules alone, whose assertions it would rewrite: that took 30 ms of a run.

    Files of checks are test files, so it still rewrites those. It has no public way to say so.
    """
    getattr(pluginmanager.rewrite_hook, "_must_rewrite", set()).discard(__package__)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each with an ini setting of the same name."""
    group = parser.getgroup("opscheck", "operational checks (pytest-opscheck)")
    for name, metavar, text in OPTIONS:
        flag = f"--opscheck-{name.replace('_', '-')}"
        group.addoption(flag, dest=f"opscheck_{name}", metavar=metavar, default=None, help=text)
        parser.addini(f"opscheck_{name}", text, default=None)
    for name in ("look", "carried"):  # for a gate, and for a worker
        group.addoption(f"--opscheck-{name}", dest=f"opscheck_{name}", default=None, help=argparse.SUPPRESS)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Mask what ends pytest before there is a session, or instead of one: it is shown as it was raised."""
    try:
        return (yield)
    except BaseException as error:
        if (session := config.stash.get(SESSION, None)) is not None:
            session.masked.mask(error)
        raise


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the suites as markers, and open a session where checks were asked for."""
    config.addinivalue_line("markers", "opscheck: internal mark of a check of the inventory")
    for name, *_ in OPTIONS:
        setting(config, name)  # what is empty is an error, whatever is asked for
    file = inventory_file(config)
    if file is None:
        return
    if (named := config.getoption("opscheck_inventory")) and not file.exists():
        raise pytest.UsageError(
            f"--opscheck-inventory {named}: no such file; name another one, or write one with `opscheck init`"
        )
    if not config.pluginmanager.hasplugin("timeout"):  # which has registered it itself
        config.addinivalue_line("markers", "timeout(seconds): how long an operational check may take, 60 by default")
    from .session.selection import is_asked
    from .settings import glance

    seen = glance(file)
    _refuse_suites_as_files(config, seen.suites)
    config.stash[TABLES] = seen.tables
    for suite in seen.suites:
        config.addinivalue_line("markers", f"{suite}: operational checks of the suite {suite} ({FILE})")
    if is_asked(config, seen.suites, seen.tables):
        from .session.ending import Ending

        ending = Ending(config)  # before all that takes its time
        config.pluginmanager.register(ending, "opscheck-ending")
        ending.begin()
        from .inventory import InventoryError
        from .session.session import Session
        from .session.workers import refuse_elsewhere

        refuse_elsewhere(config)
        try:
            session = config.stash[SESSION] = Session.open(config, file, seen, ending)
        except InventoryError as error:
            if not (hasattr(config, "workerinput") or config.getoption("opscheck_look")):
                from .delivery.github import refused

                refused(error)
            raise pytest.UsageError(f"the inventory has errors, so nothing was probed:\n{error}") from None
        if not hasattr(config, "workerinput"):  # workers judge, and the controller tells
            from .session.reporter import Reporter

            Reporter.register(session)


def _refuse_suites_as_files(config: pytest.Config, suites: tuple[str, ...]) -> None:
    """Tell who writes `pytest daily` how a suite is asked for. Raises UsageError."""
    for named in config.option.file_or_dir:
        if named in suites and not (config.invocation_params.dir / named).exists():
            raise pytest.UsageError(f"{named} is a suite, not a file or folder: run pytest -m {named}")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Keep Python's garbage collector from looking through all that is loaded by now: that took a tenth of a run."""
    if SESSION in session.config.stash:
        gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what still runs."""
    if (session := config.stash.get(SESSION, None)) is not None:
        session.runner.close()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what the run is about, in one line."""
    session = config.stash.get(SESSION, None)
    return [session.header()] if session is not None and config.get_verbosity() >= 0 else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Say what to do where a suite was asked for, nothing ran, and there is no inventory."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and config.option.markexpr and inventory_file(config) is None:
        from .session.selection import lacks_inventory

        if hint := lacks_inventory(config, terminalreporter.stats.get("deselected", ())):
            terminalreporter.write_line(hint, yellow=True)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Collect the shipped checks beside what pytest was told to collect."""
    report = yield
    session = collector.config.stash.get(SESSION, None)
    if session is not None and isinstance(collector, pytest.Session):
        report.result += session.collection.shipped_modules(collector)
    return report


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the files of shipped checks of whose kind the inventory has no target."""
    session = config.stash.get(SESSION, None)
    return True if session is not None and session.collection.ignores(collection_path) else None


def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> object:  # noqa: ARG001 - pytest's names
    """Leave out a check of which the inventory has no target."""
    session = collector.config.stash.get(SESSION, None)
    return [] if session is not None and session.collection.has_no_target(obj) else None


@pytest.hookimpl(wrapper=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, object, object]:
    """Parametrize checks over their targets, and the kinds' user-defined fixtures tests."""
    session = metafunc.config.stash.get(SESSION, None)
    if session is None:
        return (yield)
    with session.collection.parametrized(metafunc):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, object, object]:
    """See that every check is there before any is deselected, and leave out those that were not asked for."""
    session = config.stash.get(SESSION, None)
    if session is not None:
        session.collection.require_collected(items)
    before = list(items) if session is not None else []
    result = yield
    if session is not None:
        session.collection.keep_named(items)
        session.keep_chosen(items)
        session.collection.keep_asked(items, session.look.only if session.look is not None else None)
        session.collection.require_kept(before, items)
    elif inventory_file(config) is not None:
        from .session.selection import deselect_ours

        deselect_ours(config, items, config.stash.get(TABLES, ()))
    return result


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Note who deselects checks and says so."""
    if items and (session := items[0].config.stash.get(SESSION, None)) is not None:
        session.collection.note_deselected(items)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start every probe that the selected checks need; a worker tells what is selected before pytest-xdist says so."""
    if (ours := session.config.stash.get(SESSION, None)) is not None:
        ours.due.select(session.items)
        ours.due.tell(workers_folder(session.config))
        ours.runner.start(session)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember which test is being set up, unless the run's deadline is over."""
    if (session := item.config.stash.get(SESSION, None)) is not None:
        session.runner.begins(item)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Hand the reading over, and judge what the check measured."""
    session = pyfuncitem.config.stash.get(SESSION, None)
    if session is None:
        return (yield)
    from .session.items import case_of

    case = case_of(pyfuncitem)
    return (yield) if case is None else (yield from session.runner.call(case))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the result to pytest's report, and keep secrets out of that."""
    report = yield
    session = item.config.stash.get(SESSION, None)
    return report if session is None else session.runner.reported(item, call, report)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Where a worker died, tell the others: nobody waits for its readings."""
    if error and (session := node.config.stash.get(SESSION, None)) is not None:
        session.runner.workers.lost_one(node.workerinput["opscheck_share"])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Note what a worker has selected, before it runs anything."""
    if (session := node.config.stash.get(SESSION, None)) is not None:
        session.due.collected.update(ids)
        session.due.hear(Path(session.runner.workers.folder()))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker which checks were named, and where the processes of this run put their readings."""
    if (session := node.config.stash.get(SESSION, None)) is not None:
        from .inventory.asked import tell as tell_lists

        node.workerinput["opscheck_digest"] = session.inventory.digest
        node.workerinput["opscheck_folder"] = session.runner.workers.folder()
        tell_lists(session.inventory, Path(session.runner.workers.folder()))
        node.workerinput["opscheck_named"] = session.collection.named
        node.workerinput["opscheck_shipped"] = session.collection.with_shipped
        node.workerinput["opscheck_reports"] = str(reports_folder(node.config))
        node.workerinput["opscheck_share"] = session.runner.workers.next_share()
        node.workerinput["opscheck_left_s"] = session.runner.left_s
        session.runner.workers.nodes.append(node)
