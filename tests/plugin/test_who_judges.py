"""Only our own `expect` judges a check, on what was really read, whatever stands in its place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import results, verdicts

Project = Callable[..., pytest.Pytester]

STAND_INS = """
import pytest

@pytest.fixture
def expect():
    return lambda *arguments, **others: True

"""
PLUGIN = """
def pytest_pyfunc_call(pyfuncitem):
    pyfuncitem.funcargs["command"] = "nothing that a probe reads"
"""


@pytest.mark.parametrize("arguments", [("-m", "daily"), ("-m", "daily", "-n", "2"), ("test_host.py",)])
def test_nothing_stands_in_for_what_judges_a_shipped_check(project: Project, arguments: tuple[str, ...]) -> None:
    pytester = project()
    pytester.makeconftest(STAND_INS)
    pytester.makepyfile(other=PLUGIN)
    outcome = pytester.runpytest_subprocess("-p", "other", *arguments)
    assert outcome.ret == 1
    outcome.stdout.fnmatch_lines(["opscheck *: 2 ok, 1 breach (1 P2)*"])


def test_a_check_whose_function_is_not_called_is_unknown(project: Project) -> None:
    pytester = project()
    pytester.makepyfile(other="import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(): return True\n")
    assert pytester.runpytest_subprocess("-p", "other", "-m", "daily").ret == 1
    assert set(verdicts(pytester).values()) == {"unknown"}
    assert "a conftest.py or plugin answered in its place" in results(pytester)["host.command.fine@local"]["message"]


OWN = """
import pytest
from pytest_opscheck import check, host

pytestmark = pytest.mark.daily

@pytest.fixture
def soft(request):
    yield
    request.node.user_properties.append(("soft", "failed"))

def test_returns_false(host):
    return host.run("true").rc == 1

def test_returns_false_beside_a_measurement(expect):
    expect(1, limit="< 2")
    return False

def test_returns_what_expect_said(expect):
    return expect(1, limit="< 2")

def test_subtests(host, subtests):
    for number in range(3):
        with subtests.test(number=number):
            assert number < 2

def test_subtests_that_hold(host, subtests, expect):
    with subtests.test("fine"):
        expect(1, limit="< 2")

@check(host.load, limit="< 100")
def test_measures_nothing(load, expect):
    assert load

@check(host.load, limit="< 100")
def test_asks_for_no_expect(load):
    assert load

def test_soft_assertion(host):
    host.soft_failure = True

class TestWithAnExpectOfItsOwn:
    @pytest.fixture
    def expect(self):
        return lambda *arguments, **others: True

    def test_stand_in(self, expect):
        expect(5, limit="< 2")

class TestWithAnExpectMadeOfOurs:
    @pytest.fixture
    def expect(self, expect):
        return lambda value: expect(value, limit="< 2")

    def test_holds(self, expect):
        expect(1)

    def test_breaks(self, expect):
        expect(5)
"""
SOFT = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call" and "soft_assertion" in item.name:
        report.outcome, report.longrepr = "failed", "two soft assertions failed"
    return report
"""


def test_a_users_own_check_that_fails_in_another_way_is_not_ok(project: Project) -> None:
    pytester = project("[host.local]\nexpect = { disk = false, memory = false, cpu = false }\n")
    pytester.makepyfile(test_mine=OWN)
    pytester.makeconftest(SOFT)
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1
    found = verdicts(pytester)
    found = {name.partition("@")[0]: verdict for name, verdict in found.items() if "mine" in name or "s_" in name}
    assert found == {
        "mine.returns_false": "unknown",
        "mine.returns_false_beside_a_measurement": "unknown",
        "mine.returns_what_expect_said": "ok",
        "mine.subtests": "breach",
        "mine.subtests_that_hold": "ok",
        "mine.soft_assertion": "breach",
        "host.measures_nothing": "unknown",
        "host.asks_for_no_expect": "unknown",
        "mine.TestWithAnExpectOfItsOwn.stand_in": "unknown",
        "mine.TestWithAnExpectMadeOfOurs.holds": "ok",
        "mine.TestWithAnExpectMadeOfOurs.breaks": "breach",
    }
    messages = {name.partition("@")[0]: result["message"] for name, result in results(pytester).items()}
    assert "returned False" in messages["mine.returns_false"]
    assert "assert 2 < 2" in messages["mine.subtests"]
    assert messages["mine.soft_assertion"] == "two soft assertions failed"
    assert "rename that fixture" in messages["mine.TestWithAnExpectOfItsOwn.stand_in"]
