"""What is shown of text that others write; tests/unit/reports/test_injection.py has what reports make of it."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_opscheck.core.visible import as_json, has_controls, is_plain, plain, typed, visible

from ..nasty import steers, texts

quick = settings(max_examples=50, deadline=None)


@quick
@given(texts)
def test_nothing_steers(text: str) -> None:
    assert steers(plain(text)) == []
    assert len(plain(text).splitlines()) <= 1
    assert steers(visible(text).replace("\t", "")) == []
    assert is_plain(plain(text))
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\n  b\tc\n", "a\n  b\tc\n"),
        ("10 %\r20 %", r"10 %\r20 %"),
        ("\x1b[31mred\x1b[0m\x9b2J", r"\x1b[31mred\x1b[0m\x9b2J"),
        ("one\u2028two\x85three\x0bfour", r"one\u2028two\x85three\x0bfour"),
        ("\u202eesrever \u3164blank", r"\u202eesrever \u3164blank"),
        ("größer · ✓ 日本 עברית", "größer · ✓ 日本 עברית"),
    ],
)
def test_lines_stay_lines(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "has"),
    [("a b", False), ("ä 日本\u3000\u200d", False), *((f"a{end}", True) for end in "\n\r\t\x1b\x85\u2028\udc80")],
)
def test_controls(text: str, has: bool) -> None:
    assert has_controls(text) is has


@quick
@given(texts)
@example("\udc80")
def test_json_is_lossless_and_in_one_line(text: str) -> None:
    made = as_json({"said": [text, 1.5, None]})
    assert json.loads(made) == {"said": [text, 1.5, None]}
    assert made.splitlines() == [made]
    assert steers(made) == []
    made.encode()


@settings(quick, max_examples=20)
@given(st.lists(texts.filter(lambda text: "\0" not in text), min_size=1, max_size=3))
@example(["/a b", "it's", "$(x)", "\n", "\x1b[2J", "é", "a  b", os.fsdecode(b"\xff")])
def test_a_typed_word_is_that_word_to_a_shell(words: list[str]) -> None:
    """And what is shown of it is what is typed."""
    line = " ".join(map(typed, words))
    assert plain(line) == line.strip()
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True)
    assert done.stdout.split(b"\0")[:-1] == list(map(os.fsencode, words))
