"""A text of 20 MB is judged as a whole; kept and shown of it is its beginning, everywhere, and without secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.memory import peak_mb

from .conftest import LOCAL, results

MANY = 20 * 2**20
TESTS = """
    import logging
    import pytest

    pytestmark = pytest.mark.daily
    N = 20 * 2**20
    SECRET = "Canary-Zx81-Qq"

    def test_equal(expect):
        expect("a" * N, limit="== " + "a" * N)
    def test_unequal(expect):
        expect("a" * N + "b", limit="== " + "a" * 5, subject="s" * N, note="n" * N)
    def test_contains(expect):
        expect("a" * N + "needle" + "a" * N, limit="~ needle")
    def test_ends(expect):
        expect("a" * N, limit="~ b$")
    def test_number(expect):
        expect("a" * N, limit="< 5")
    def test_list(expect):
        expect(list(range(10**6)), limit="== b")
    def test_bytes(expect):
        expect(b"a" * N, limit="== b")
    def test_reason(expect):
        expect(None, why="w" * N, limit="== b")
    def test_secret(expect):
        expect("a" * 490 + SECRET + "a" * N, limit="== b")
    def test_many(expect):
        for number in range(25_000):
            expect(number, limit={"P3": "< 3", "P1": "< 20_004".replace("_", "")})
    def test_raises(expect):
        raise RuntimeError("a" * N)
    def test_asserts(expect):
        assert not "a" * N, "a" * N
    def test_prints(expect):
        print("x" * 49_990 + SECRET + "a" * N + SECRET + "y" * 49_990)
        logging.getLogger().warning("b" * N)
        raise ValueError
    def test_skips(expect):
        pytest.skip("a" * N)
    @pytest.mark.xfail(reason="x" * N)
    def test_xfails(expect):
        assert False
    def test_property(expect, record_property):
        record_property("long", "a" * N)
        expect(1, limit="== 1")
"""


def test_what_is_too_long_is_cut_in_all_that_is_kept_and_shown(
    project: Callable[[str], pytest.Pytester], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_TOKEN", "Canary-Zx81-Qq")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    pytester = project(LOCAL + '[host.local.command.secret]\nrun = "echo ${CANARY_TOKEN}"\n')
    pytester.makepyfile(test_own=TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "daily"]
    done, _ = peak_mb(command, Path(pytester.path), os.environ)
    found = results(pytester)
    verdicts = {name.removeprefix("own.").removesuffix("@-"): each["verdict"] for name, each in found.items()}
    assert {verdicts[name] for name in ("equal", "contains")} == {"ok"}
    assert {verdicts[name] for name in ("unequal", "ends", "secret", "many", "asserts")} == {"breach"}
    assert {verdicts[name] for name in ("number", "list", "bytes", "reason", "raises", "skips")} == {"unknown"}
    assert found["own.equal@-"]["measurements"][0]["value"] == "a" * 500 + f"… ({MANY:,} characters)"
    assert found["own.bytes@-"]["measurements"][0]["value"] == f"{MANY:,} bytes"
    assert found["own.list@-"]["measurements"][0]["value"] == "1,000,000 values"
    assert len(found["own.many@-"]["measurements"]) < 20_100
    assert found["own.many@-"]["severity"] == "P1"
    assert found["own.many@-"]["message"].endswith("and 24992 more")
    reports = [file for file in Path(pytester.path, "reports").rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in reports) < 10_000_000
    texts = [file.read_text(errors="replace") for file in reports] + [done.stdout, done.stderr]
    assert not [text for text in texts if "Canar" in text or "1-Qq" in text]
    assert not [text for text in texts if "a" * 60_000 in text]
    assert len(done.stdout) < 1_000_000
