"""Patterns of log lines: they match on a host what they say, in any alphabet, or are refused with what to write."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from pytest_opscheck.probes._log_patterns import extended
from pytest_opscheck.probes.logs import Log
from pytest_opscheck.probes.logs._strptime import strptime

from .log_files import ago, told, write

REFUSED = {
    r"[\d]+ failed": "write [0-9]",
    r"[\w.]+": "write [[:alnum:]_]",
    r"[^\s]": "write [[:space:]]",
    r"[\t]": "write [[:blank:]]",
    r"[\]]": "] comes first in brackets",
    r"[a\-z]": "- last",
    r"status=5\d\d": r"\d is none of an extended regular expression",
    r"a\tb": "write [[:blank:]]",
    r"\x41": r"\x is none of",
    r"\u00e4": r"\u is none of",
    r"(a)\1": "write it out",
    r"\Afailed": "write ^",
    "(?i)error": "use ignore_case = true",
    "(?:a|b)": "write (a|b)",
    "error(?!s)": "goes into `ignore`",
    "(?<!no )error": "goes into `ignore`",
    "a.*?b": "leave the ? out",
    "a++": "leave the + out",
    "*ERROR*": "nothing before the *",
    "(*a)": "nothing before the *",
    "error|": "every line matches",
    "(|error)": "every line matches",
    "a||b": "every line matches",
    "[^ä]": "leaves out letters beyond ASCII",
    "[a-ä]": "has too many letters",
    "failed\\": "does not end with a backslash",
    "a\nb": "one line",
}
MEANT = {
    "läuft": (False, ["es läuft"], ["es LÄUFT"]),
    "LÄUFT|Straße": (True, ["es läuft", "STRASSE, Straße"], ["Strasse"]),
    "fehler": (True, ["FEHLER: Größe", "Fehler"], ["fehl er"]),
    "ошибка": (True, ["ОШИБКА 7", "Ошибка"], ["ошибк"]),
    "M[üö]ller": (False, ["Müller", "Möller"], ["Mäller", "Mller", "M\udcfcller"]),
    "^[ж-я]+$": (False, ["ошику"], ["fehler", "ОШИБКА"]),
    "^[ж-яa-z]+$": (True, ["ОШИКУ", "abcж"], ["a-b"]),
    "^M.ller$": (False, ["Müller", "Miller", "M€ller", "M\udcfcller"], ["Mller", "Miiller"]),
    "^M[^a]ller$": (False, ["Müller", "Miller"], ["Maller"]),
    "^ü+$": (False, ["üü"], ["ü\udcbc"]),
    "^.{3}$": (False, ["äöü", "abc"], ["ab"]),
    "user .* failed$": (False, ["user M\udcfcller failed", "user Ä failed"], ["user failed"]),
    '{"level":"error"': (False, ['{"level":"error","m":1}'], ['"level":"error"']),
    r"\{x\} [{]y[}] z{2}": (False, ["{x} {y} zz"], ["{x} {y} z"]),
    r"a\/b can\'t \"x\" 5\%": (False, ['a/b can\'t "x" 5%'], ["a b"]),
    r"\bfail\b": (False, ["a fail."], ["failed"]),
    r"^\w+\s\S+$": (False, ["ab_1 x-y"], ["a-b x"]),
    r"\[x\]\.\(1\+1\)\$ \\": (False, ["[x].(1+1)$ \\"], ["x"]),
    "[][]x[^]]": (False, ["]x[", "[xa"], ["ax[", "]x]"]),
    "[[:digit:]]+ of [0-9]": (False, ["12 of 3"], ["x of 3"]),
    r"[\\/]x": (False, ["\\x", "/x"], ["-x"]),
    "a{1,2}b$": (False, ["aab"], ["ac"]),
    "x$": (False, ["x"], ["x "]),
}


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_pattern_that_would_mean_something_else_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        extended(pattern)
    assert REFUSED[pattern] in str(caught.value)


@pytest.mark.parametrize("tools", ["", pytest.param("busybox ", marks=pytest.mark.server)])
def test_a_pattern_matches_what_it_says(tools: str) -> None:
    for pattern, (ignore_case, matching, others) in MEANT.items():
        for text, found in [*((text, 0) for text in matching), *((text, 1) for text in others)]:
            command = f'{tools}grep -aE {"-i" if ignore_case else ""} -e "$1"'
            words = ["sh", "-c", command, "sh", extended(pattern, ignore_case=ignore_case)]
            done = subprocess.run(
                words, input=f"{text}\n".encode(errors="surrogateescape"), env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
                capture_output=True, check=False,
            )  # fmt: skip
            assert (pattern, text, done.returncode, done.stderr) == (pattern, text, found, b"")


def test_lines_of_windows_end_where_a_pattern_says(tmp_path: Path) -> None:
    file = write(tmp_path / "x.log", f"{ago(0.1):%Y-%m-%d %H:%M:%S} status=failed", "x\x00", end="\r\n")
    assert told(file, pattern="status=failed$") == 1
    assert told(file, pattern="status=failed$", ignore="^x$", window_s=None) == 1
    assert told(file, pattern="^x$", window_s=None) == 1


@pytest.mark.parametrize(
    ("form", "why"),
    {
        "%d.%m. %Q": "%Q in '%d.%m. %Q' is not known; these are: %Y",
        "%-d.%m. %H:%M": "%- in",
        "%H:%M:%S": "does not say day, month and hour",
        "%d.%m.%Y": "does not say day, month and hour",
        "%d.%m. %I:%M": "without AM or PM",
        "%j %H:%M": "does not say day",
        "%d.%m. %H:%M%": "% in",
        "%d\n": "one line",
    }.items(),
)
def test_a_form_of_stamps_that_dates_nothing_is_refused(form: str, why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Log.model_validate({"path": "/x.log", "stamp": form})
    assert why in str(caught.value)


def test_a_form_of_stamps_is_not_short_for_another() -> None:
    assert strptime("%F %T") == "%Y-%m-%d %H:%M:%S"
    assert strptime("%d %b %H%% %%T") == "%d %b %H%% %%T"
    with pytest.raises(ValidationError, match="the journal knows when"):
        Log.model_validate({"journal": "app", "stamp": "%d.%m. %H:%M"})
