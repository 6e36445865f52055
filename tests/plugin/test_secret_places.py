"""Rule 6, place by place: wherever pytest, its companions or the command say something, a secret is masked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

Project = Callable[..., pytest.Pytester]

SECRET = "Kq7zw9-canary-Lp3x"
OTHER = "canary-second-77Qx"
INVENTORY = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[redis.cache]
url = "redis://:${FIRST}@127.0.0.1:1/0"
[postgres.main]
dsn = "postgresql://ops:${SECOND}@127.0.0.1:1/db"
"""

OWN = """
import logging
import os
import warnings

import pytest

SECRET, OTHER = os.environ["FIRST"], os.environ["SECOND"]
logger = logging.getLogger("own")
pytestmark = pytest.mark.daily


@pytest.fixture
def broken():
    raise OSError("set-up with " + SECRET)


@pytest.fixture
def breaks_at_its_end():
    yield
    raise OSError("tear-down with " + SECRET)


def test_set_up(broken):
    pass


def test_tear_down(breaks_at_its_end):
    pass


def test_logs_an_exception():
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise RuntimeError("chained " + OTHER) from error
    except RuntimeError:
        logger.exception("it failed", stack_info=True)
        logger.error("extra", extra={"where": SECRET})
    assert False


@pytest.mark.xfail(reason="known since " + SECRET)
def test_xfail_marked():
    assert SECRET == OTHER


def test_xfail_called():
    pytest.xfail("called " + SECRET)


@pytest.mark.xfail(reason="passes with " + SECRET)
def test_xpass():
    pass


@pytest.mark.skip(reason="skipped for " + SECRET)
def test_skip_marked():
    pass


def test_skip_called():
    pytest.skip("called " + SECRET)


@pytest.mark.parametrize("value", [SECRET, OTHER, "plain"])
def test_of_values(value):
    assert value == "plain"


@pytest.mark.parametrize("value", [pytest.param(1, id=SECRET), pytest.param(2, id=f"x-{SECRET}"), 3], ids=str)
def test_of_ids(value):
    pass


@pytest.fixture(params=[SECRET])
def of_fixture(request):
    return request.param


def test_of_fixture(of_fixture):
    pass


def test_properties(record_property, record_testsuite_property, record_xml_attribute):
    record_property("property", SECRET)
    record_property("of " + OTHER, 1)
    record_testsuite_property("suite property", SECRET)
    record_xml_attribute("attribute", SECRET)


class Custom(UserWarning):
    def __str__(self):
        return "custom " + SECRET


def test_warns():
    warnings.warn("plain " + SECRET)
    warnings.warn(Custom())


def test_notes_and_locals():
    local_value = [SECRET, {"key": OTHER}]
    error = ValueError("noted")
    error.add_note("note " + SECRET)
    raise ExceptionGroup("of " + OTHER, [error])


def test_prints(capsys):
    print(SECRET)
    assert capsys.readouterr().out == ""
"""
COLLECTED = """
import os
raise RuntimeError("collected with " + os.environ["FIRST"])
"""
SKIPPED = """
import os
import pytest
pytest.skip("module skipped for " + os.environ["FIRST"], allow_module_level=True)
"""


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST", SECRET)
    monkeypatch.setenv("SECOND", OTHER)


def leaks(pytester: pytest.Pytester, result: pytest.RunResult, *files: str) -> list[str]:
    """Return the lines in which a secret, or a good part of one, is told."""
    seen = [("console", line) for line in (*result.outlines, *result.errlines)]
    for file in everything(Path(pytester.path), files):
        seen += [(file.name, line) for line in file.read_text("utf-8", "replace").splitlines()]
    return [f"{place}: {line.strip()[:160]}" for place, line in seen if "canary" in line.lower()]


def everything(folder: Path, files: Iterable[str]) -> list[Path]:
    found = [file for file in (folder / "reports").rglob("*") if file.is_file()]
    found += [file for file in (folder / ".pytest_cache").rglob("*") if file.is_file()]
    named = [folder / name for name in files]
    assert [file for file in named if not file.exists()] == []
    return found + named


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    "how",
    [
        ("--tb=long", "--showlocals", "-rA", "-vv", "--debug", "-o", "junit_logging=all", "-o", "junit_family=xunit1"),
        ("--tb=native", "-o", "log_cli=true", "-o", "log_cli_format=%(message)s %(where)s"),
        ("-n", "2", "--tb=short", "-rA", "-vv", "-o", "junit_logging=all"),
    ],
    ids=["long", "native", "workers"],
)
def test_a_run_in_which_everything_goes_wrong(project: Project, how: tuple[str, ...]) -> None:
    """Reports of all outcomes and phases, node ids, properties, log records, warnings, traces."""
    pytester = project(INVENTORY)
    pytester.makepyfile(test_own=OWN, test_collected=COLLECTED, test_skipped=SKIPPED)
    files = ["page.html", "own.xml", "own.json"]
    named = ["--html=page.html", "--junitxml=own.xml", "--opscheck-json=own.json"]
    if "-n" not in how:
        files += ["own.log"]
        named += ["--log-file=own.log", "--log-file-level=DEBUG"]
    result = pytester.runpytest_subprocess("-m", "daily", "--continue-on-collection-errors", *named, *how)
    assert result.ret == 1, result.stdout.str()
    if "--debug" in how:
        files += ["pytestdebug.log"]
    assert leaks(pytester, result, *files) == []
    told = "\n".join(file.read_text("utf-8", "replace") for file in (Path(pytester.path) / name for name in files))
    told += result.stdout.str()
    for place in ("collected with ***", "test_of_values[***]", "test_of_values[***-1]", "test_of_ids[x-***]"):
        assert place in told
    for place in ("set-up with ***", "tear-down with ***", "known since ***", "note ***"):
        assert place in told
    if "-n" not in how:
        assert 'name="suite property" value="***"' in told
        assert "chained ***" in (Path(pytester.path) / "own.log").read_text()
    assert "--debug" not in how or 'attribute="***"' in told


ENDS = {
    "exit": "def test_exits():\n    pytest.exit('leaving with ' + SECRET)",
    "usage": "@pytest.hookimpl\ndef pytest_collection(session):\n    raise pytest.UsageError('usage ' + SECRET)",
    "start": "def pytest_sessionstart(session):\n    pytest.exit('at start ' + SECRET)",
    "configure": "def pytest_configure(config):\n    raise pytest.UsageError('configured ' + SECRET)",
    "internal": "def pytest_runtest_setup(item):\n    pass\ndef pytest_runtest_logreport(report):\n"
    "    raise RuntimeError('internal ' + SECRET)",
    "finish": "def pytest_sessionfinish(session):\n    pytest.exit('at finish ' + SECRET)",
    "summary": "def pytest_terminal_summary(terminalreporter):\n    terminalreporter.write_line('summary ' + SECRET)",
    "interrupt": "def pytest_runtest_call(item):\n    raise KeyboardInterrupt('interrupted ' + SECRET)",
}


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("end", "workers"),
    [*((end, ()) for end in ENDS), *((end, ("-n", "1")) for end in ("exit", "internal", "interrupt"))],
)
def test_how_a_run_may_end(project: Project, end: str, workers: tuple[str, ...]) -> None:
    """Whatever pytest says of what has ended it, or what a plugin writes at its end."""
    pytester = project(INVENTORY)
    head = "import os\nimport pytest\nSECRET = os.environ['FIRST']\npytestmark = pytest.mark.daily\n"
    test = "def test_own():\n    pass\n"
    own, others = (ENDS[end], "") if end == "exit" else (test, ENDS[end])
    pytester.makepyfile(test_own=head + own, conftest=head + others)
    result = pytester.runpytest_subprocess("-m", "daily", "--full-trace", "--junitxml=own.xml", *workers)
    assert result.ret != 0
    assert leaks(pytester, result) == []
    if not workers:
        assert "***" in result.stdout.str() + result.stderr.str()
