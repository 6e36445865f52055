"""Regular expressions: every search ends and stops nobody else meanwhile, and says what Python's own says."""

from __future__ import annotations

import re
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.core import patterns
from pytest_opscheck.core.judgeable import UnjudgeableError
from pytest_opscheck.core.limits import parse_limit
from pytest_opscheck.core.patterns import PatternError, searcher
from pytest_opscheck.probes.docker._logs import count_lines

ENDLESS = "(a|aa)+$"
TEXT = "a" * 80 + "!"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.5)


@pytest.mark.parametrize(("pattern", "text"), [(ENDLESS, TEXT), ("a.*b.*c.*d", "abc" * 50_000)])
def test_a_search_ends_and_lets_others_run(pattern: str, text: str) -> None:
    turns: list[float] = []
    over = threading.Event()

    def turn() -> None:
        while not over.wait(0.01):
            turns.append(time.monotonic())

    other = threading.Thread(target=turn)
    other.start()
    started = time.monotonic()
    try:
        with pytest.raises(PatternError, match="without a repeat inside of a repeat"):
            searcher(re.compile(pattern))(text)
    finally:
        over.set()
        other.join()
    assert time.monotonic() - started < 5
    assert len(turns) > 10


def test_a_limit_that_takes_too_long_can_not_tell() -> None:
    with pytest.raises(
        UnjudgeableError, match=re.escape("searching 81 characters for '(a|aa)+$' took more than 0.5 s")
    ):
        parse_limit(f"~ {ENDLESS}").holds(TEXT)


def test_counting_in_a_log_ends_too() -> None:
    blocks = iter([b"aaa\n", TEXT.encode() + b"\n", b""])
    with pytest.raises(PatternError):
        count_lines(lambda _: next(blocks), tty=True, pattern=re.compile(ENDLESS), ignore=None)


@pytest.mark.parametrize("plain", ["ERROR", "ERROR|FATAL", r"^\[error\] \d\d$", "[*+]"])
def test_what_can_not_take_long_is_pythons_own_search(plain: str) -> None:
    pattern = re.compile(plain)
    assert (searcher(pattern) == pattern.search) is (plain != "[*+]")


@pytest.mark.parametrize("text", ["x", "x{e}", "{", "x{d"])
@pytest.mark.parametrize(
    "said", ["(x{e})+", r"(\{)+", r"(\N{LEFT CURLY BRACKET}d)+", "([{e}]d)+", "(x{d)+", "(x{,2}$)+"]
)
def test_a_brace_means_to_both_the_same(said: str, text: str) -> None:
    pattern = re.compile(said)
    found, expected = searcher(pattern)(text), pattern.search(text)
    assert (found is None) is (expected is None)


pieces = st.sampled_from(
    ["a", "b", "é", ".", "^", "$", r"\b", r"\d", r"\s", r"\w", "[ab]", "[^a]", "[a-c]", "(a|b)", "(?:b)", "(?=a)", "|"]
)
repeats = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "*?"])
flags = st.sampled_from([re.NOFLAG, re.IGNORECASE])


@given(st.lists(st.tuples(pieces, repeats), max_size=5), st.text("abcABé1 _-É\n", max_size=9), flags)
def test_both_find_the_same(said: list[tuple[str, str]], text: str, flag: re.RegexFlag) -> None:
    """Where regex searches in re's place, nobody can tell."""
    bare = ("^", "$", r"\b", "(?=a)", "|")
    joined = "".join(piece + ("" if piece in bare else repeat) for piece, repeat in said)
    pattern = re.compile(f"({joined})+", flag)
    expected = pattern.search(text)
    found = searcher(pattern)(text)
    assert (found is None) is (expected is None)
