"""Prometheus's two text formats: the samples of a page, read as Prometheus itself reads them.

What its parser takes (model/textparse of Prometheus 2 and 3) is taken: metadata behind the samples or twice, one name
in two families, blanks and tabs between all words, missing and trailing commas, line feeds within the value of a label,
names in quotes, `a-1`. What can't be in doubt is taken beyond that: CRLF, a blank before a name, any word behind
# TYPE, and OpenMetrics with the blanks and comments of the older text. One line that is not a sample spoils the page,
as it does for Prometheus.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LONGEST_LINE = 1_000_000
"""Characters of a line: more than any sample has, and what is kept of a page that is none before that is said."""

_NAME = r"[A-Za-z_:][A-Za-z0-9_:]*+"
_QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_LABEL = rf"(?:[A-Za-z_][A-Za-z0-9_]*+|{_QUOTED})[ \t]*+=[ \t]*+{_QUOTED}"
_LABELS = rf"\{{[ \t]*+(?:{_LABEL}[ \t]*+,?+[ \t]*+)*+\}}"
_NAMED_WITHIN = rf"\{{[ \t]*+(?:(?:{_LABEL}|{_QUOTED})[ \t]*+,?+[ \t]*+)*+\}}"
_NUMBER = (
    r"(?:[+-]?+(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+"
    r"|[+-]?+[iI][nN][fF](?:[iI][nN][iI][tT][yY])?+|[nN][aA][nN])"
)
_STAMP = r"(?:[ \t]++([0-9]++))?+"
_EXEMPLAR = rf"(?:[ \t]++#[ \t]*+{_LABELS}[ \t]++{_NUMBER}(?:[ \t]++{_NUMBER})?+)?+"
_OPEN_STAMP = rf"(?:[ \t]++({_NUMBER}))?+"
_SAMPLE = rf"(?:({_NAME})(?:[ \t]*+({_LABELS})[ \t]*+|[ \t]++|(?=[+.-]))|({_NAMED_WITHIN})[ \t]*+)({_NUMBER})"
_END = r"[ \t]*+\r?+\n"
_COMMENT = r"(#[^\n]*+)\n|\r?+\n"

_LINE = re.compile(rf"[ \t]*+(?:{_SAMPLE}{_STAMP}{_END}|{_COMMENT})")
_OPEN_LINE = re.compile(rf"[ \t]*+(?:{_SAMPLE}{_OPEN_STAMP}{_EXEMPLAR}{_END}|{_COMMENT})")
_ITEM = re.compile(rf"([A-Za-z_][A-Za-z0-9_]*+|{_QUOTED})[ \t]*+(?:=[ \t]*+({_QUOTED}))?+")
_PLAIN = re.compile(r'([A-Za-z_][A-Za-z0-9_]*+)[ \t]*+=[ \t]*+"([^"\\]*+)"')
_META = re.compile(rf"#[ \t]++(?:HELP|(TYPE))[ \t]++({_QUOTED}|{_NAME})(?:[ \t]++([a-z]*))?")
_EOF = re.compile(r"# EOF[ \t\r]*+")
_ESCAPED = re.compile(r'\\(["\\n])')


class NoSampleError(ValueError):
    """A line that is not a sample; the message says which, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with a sample: labels and number as they are written, and its time stamp, in seconds since 1970."""

    name: str
    labels: str | None
    number: str
    stamp: float | None

    def value(self) -> float:
        """Return its value. Raises NoSampleError for a number that is too large to be one."""
        value = float(self.number)
        if math.isinf(value) and "n" not in self.number.lower():
            raise NoSampleError(f"{self.number[:40]} of {self.name} is too large for a number")
        return value

    def parsed(self) -> dict[str, str]:
        """Return its labels; an empty one is none, as for Prometheus. Raises NoSampleError for one said twice."""
        found = _items(self.labels)
        made = dict(found)
        if len(made) < len(found):
            raise NoSampleError(f"a series of {self.name} has a label twice: {self.labels!r:.80}")
        return {key: value for key, value in made.items() if value}


@dataclass(frozen=True, slots=True)
class Family:
    """What is said of a metric beside its samples: its name, and its type, None where that is not said."""

    name: str
    type: str | None


@dataclass(frozen=True, slots=True)
class End:
    """The line that ends a page of OpenMetrics."""


def lines(text: str, at: int, *, openmetrics: bool) -> Iterator[tuple[Line | Family | End | None, int]]:
    """Yield what each line of a text says, None for one that says nothing, and where the next one starts.

    It ends where a line says something else, or is not whole: then the last place is not the text's end.

    Raises NoSampleError for a sample that has a label twice or two names.
    """
    match = (_OPEN_LINE if openmetrics else _LINE).match
    unit = 1.0 if openmetrics else 1000.0
    while found := match(text, at):
        name, labels, bare, number, stamp, comment = found.groups()
        at = found.end()
        if number is not None:
            name = name or _quoted_name(bare)
            yield Line(name, labels or bare, number, None if stamp is None else float(stamp) / unit), at
        elif comment is not None:
            yield _meta(comment, openmetrics=openmetrics), at
        else:
            yield None, at


def _meta(comment: str, *, openmetrics: bool) -> Family | End | None:
    if openmetrics and _EOF.fullmatch(comment):
        return End()
    found = _META.match(comment)
    return Family(_unquoted(found[2]), found[3] if found[1] else None) if found else None


def ends_whole(rest: str) -> bool:
    """Tell whether what follows the last line feed of a page is nothing that may have been cut off."""
    return not rest.strip() or _EOF.fullmatch(rest) is not None


def wrong(line: str, *, openmetrics: bool) -> str:
    """Say what is wrong with a line that is not a sample, as far as that can be told."""
    first = line.partition("\n")[0].strip()
    sample = re.compile(rf"[ \t]*+{_SAMPLE}")
    if not openmetrics and (found := sample.match(first)) and first[found.end() :].lstrip().startswith("#"):
        return "an exemplar, which only OpenMetrics has: the server has to send that with its own content type"
    shown = "".join(letter if letter.isprintable() else "?" for letter in first[:60])
    return f"{shown!r}" + ("..." if len(first) > len(shown) else "")


def _items(labels: str | None) -> list[tuple[str, str]]:
    """Return the labels of braces; a name of the metric that stands among them is left out."""
    if not labels:
        return []
    plain: list[tuple[str, str]] = _PLAIN.findall(labels)
    if labels.count('"') == 2 * len(plain):  # no name in quotes, nothing escaped
        return plain
    return [(_unquoted(name), _unquoted(value[1:-1], quoted=False)) for name, value in _ITEM.findall(labels) if value]


def _quoted_name(labels: str) -> str:
    names = [name for name, value in _ITEM.findall(labels) if not value]
    if len(names) != 1:
        raise NoSampleError(f"braces with {'two names' if names else 'no name'} of a metric")
    return _unquoted(names[0])


def _unquoted(raw: str, *, quoted: bool = True) -> str:
    text = raw[1:-1] if quoted and raw.startswith('"') else raw
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], text) if "\\" in text else text


def written(name: str, labels: Mapping[str, str]) -> str:
    """Return a series as people write it."""
    inner = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return f"{name}{{{inner}}}" if inner else name
