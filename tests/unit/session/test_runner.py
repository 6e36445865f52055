"""What the runner makes of a test, whatever its function does: one run of pytest, on this machine's shell alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

INVENTORY = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.fine]
run = "true"
[host.local.command.broken]
run = "exit 3"
[host.local.command.slow]
run = "sleep 60"
timeout = "1s"
"""
CHECKS = '''
import pytest
from pytest_opscheck import check, host

pytestmark = pytest.mark.daily

def test_holds(expect):
    expect(1, limit="< 5")

def test_breaks_and_goes_on(expect):
    expect(7, limit={"P3": "< 5", "P1": "< 100"}, subject="a")
    expect(700, limit={"P3": "< 5", "P1": "< 100"}, subject="b")

def test_measures_nothing(expect):
    pass

def test_measures_what_is_no_number(expect):
    expect(float("nan"), limit="< 5")

def test_asserts(expect):
    assert 1 == 2, "one is not two"

def test_raises(expect):
    raise ValueError("a library's")

def test_skips_what_it_has_seen(expect):
    expect(7, limit="< 5")
    pytest.skip("never mind")

@check(host.uptime, limit={"P2": "< 0.001s"}, suites=("daily",))
def test_up(uptime, expect):
    """It was started just now."""
    expect(uptime, "s")
'''


@pytest.mark.slow
def test_a_verdict_for_whatever_a_function_does(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", opscheck=INVENTORY)
    pytester.makepyfile(test_own=CHECKS)
    done = pytester.runpytest_subprocess("-m", "daily", "-p", "no:cacheprovider", "--opscheck-json", "out.json")
    assert done.ret == 1
    results = json.loads(Path(pytester.path, "out.json").read_text(encoding="utf-8"))["results"]
    assert {each["id"]: (each["verdict"], each["severity"]) for each in results} == {
        "host.reachable@local": ("ok", None),
        "host.command.fine@local": ("ok", None),
        "host.command.broken@local": ("breach", "P2"),
        "host.command.slow@local": ("unknown", "P2"),
        "host.up@local": ("breach", "P2"),
        "own.holds@-": ("ok", None),
        "own.breaks_and_goes_on@-": ("breach", "P1"),
        "own.measures_nothing@-": ("unknown", "P2"),
        "own.measures_what_is_no_number@-": ("unknown", "P2"),
        "own.asserts@-": ("breach", "P2"),
        "own.raises@-": ("unknown", "P2"),
        "own.skips_what_it_has_seen@-": ("breach", "P2"),
    }
