"""Texts of a runbook cut into sentences, each with the line that it begins on, and the commands that stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from . import guard, programs, shell
from .bags import bag
from .families.http import URL

LONGEST = 1200
"""So much of a sentence is read."""
_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_END = re.compile(
    r"(?<=[.!?;])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bz\.B\.)(?<!\bapprox\.)\s+(?=[\"“(*_`>≥<≤]?[A-ZÄÖÜÀ-Ý0-9`>≥<≤])"
    r"|(?<=[.!?])\s+(?=\*\*)"
)
_BULLET = re.compile(r"\s*[☐☑☒✅✓✔✗❌□■•◦▪·\u2013—→➜⚠🔴🟡🟢]")
_GOES_ON = re.compile(r"\s*(?:[a-zß-ÿ(]|\d+ ?%)")
"""How the line behind a hard break begins where it goes on with the sentence before it."""
_LABEL = re.compile(r"\s*(?:[*_]{2}[^*_]{1,60}[*_]{2}|[*_][^*_\s][^*_]{0,60}(?::[*_]|[*_]\s*:)|[A-Z][\w ]{0,30}:)")
_STARS = re.compile(r"(\*{1,3})(?=\S)([^*\n]{1,300}?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<!\w)_{1,3}(?=\w)|(?<=\w)_{1,3}(?!\w)|~~|\*\*")
_LINK = re.compile(r"!?\[([^\]]{0,200})\]\([^)]{0,500}\)")
_OUTSIDE = bag(
    """
    docker docker-compose podman kubectl systemctl journalctl psql redis-cli curl df free nginx certbot celery
    pg_isready pg_restore pg_dump service ss netstat du dig nslookup nc ping openssl rabbitmqctl supervisorctl
    chronyc uptime aws gunzip gzip vacuumdb mysql mysqladmin sudo ssh apachectl helm git mailq postqueue lsof
    pgrep ps tail grep wget python python3 rm apt apt-get
    """
)
"""Programs that a line outside of code may begin with, where the rest looks like a command too."""
_SENTENCE = re.compile(
    r"[.!?:]$|,\s|\b(?:the|is|are|and then|should|must|der|die|das|ist|le|la|les|est)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, its first and its last line, and the code in it."""

    text: str
    first: int
    last: int
    codes: tuple[str, ...] = ()
    begins: bool = False
    """Whether its block begins with it."""

    @property
    def is_entry(self) -> bool:
        """Whether it is an entry of a list that is no list in Markdown."""
        return _BULLET.match(self.text) is not None

    @property
    def plain(self) -> str:
        """Its text without marks of emphasis, and without its code's quotes."""
        return without_marks(self.text)

    @property
    def around(self) -> str:
        """Its text without the commands in it."""
        return without_marks(_CODE.sub(lambda code: " " if is_command(code[2]) else code[0], self.text))


def without_marks(text: str) -> str:
    """Return a text without marks of emphasis and with the words of its links."""
    kept: list[str] = []
    last = 0
    for code in _CODE.finditer(text):
        kept += [_unmarked(text[last : code.start()]), code[0]]
        last = code.end()
    kept.append(_unmarked(text[last:]))
    return "".join(kept).strip()


def _unmarked(text: str) -> str:
    return _EMPHASIS.sub("", _STARS.sub(r"\2", _LINK.sub(r"\1", text)))


def of(lines: tuple[tuple[int, str], ...]) -> Iterator[Sentence]:
    """Yield the sentences of a block; a line with a label begins one, and so does one after a hard break."""
    begins = True
    for group in _groups(lines):
        for sentence in _split(group):
            yield Sentence(
                sentence[0], sentence[1], sentence[2], tuple(code[1] for code in _CODE.findall(sentence[0])), begins
            )
            begins = False


def _groups(lines: tuple[tuple[int, str], ...]) -> Iterator[list[tuple[int, str]]]:
    group: list[tuple[int, str]] = []
    for number, line in lines:
        if group and (
            _LABEL.match(line)
            or _BULLET.match(line)
            or as_command(line)
            or (len(group) == 1 and as_command(group[0][1]))
            or group[-1][1].endswith(":")
            or (group[-1][1].endswith(("  ", "\\")) and not _GOES_ON.match(line))
            or shell.without_prompt(line)[1]
        ):
            yield group
            group = []
        group.append((number, line))
    if group:
        yield group


def _split(group: list[tuple[int, str]]) -> Iterator[tuple[str, int, int]]:
    text = "\n".join(line.rstrip("\\") for _, line in group)[: LONGEST * 20]
    hidden = _CODE.sub(lambda code: "`" + re.sub(r"[^\n]", "x", code[0][1:-1]) + "`", text)
    start = 0
    for end in [*(match.span() for match in _END.finditer(hidden)), (len(text), len(text))]:
        part = text[start : end[0]]
        if part.strip():
            first = group[0][0] + text.count("\n", 0, start + len(part) - len(part.lstrip()))
            yield " ".join(part.split())[:LONGEST], first, first + part.strip().count("\n")
        start = end[1]


def is_command(code: str) -> bool:
    """Tell whether a piece of inline code is a command: a known program with what fits behind it."""
    text, prompted = shell.without_prompt(code)
    if prompted:
        return True
    if URL.match(text) or ("\n" in text and len(text) > shell.LONGEST):
        return False
    line = shell.read(text)
    if line.broken or not line.first.program:
        return False
    program = line.first.program
    known = (
        program in _OUTSIDE
        or program in programs.ALWAYS
        or program in programs.SUBCOMMANDS
        or program in guard.PROGRAMS
    )
    if program in (
        "test",
        "true",
        "false",
        "type",
        "last",
        "who",
        "w",
        "date",
        "host",
        "id",
        "file",
        "info",
        "top",
        "head",
        "sleep",
        "cut",
        "wall",
    ):
        return len(line.first.args) > 0 and line.first.args[0].startswith("-")
    return known and (
        bool(line.first.args)
        or len(line.commands) > 1
        or program in ("df", "free", "uptime", "htop", "mailq", "pg_isready")
    )


def as_command(line: str) -> str | None:
    """Return the command that a line outside of code is: behind a prompt, or what looks like one. None for prose."""
    text, prompted = shell.without_prompt(line.strip())
    if prompted and not line.lstrip().startswith(">"):
        return text
    first = text.split(" ", 1)[0]
    if (
        first not in _OUTSIDE or text.startswith("`") or text.count("`") % 2
    ):  # which is the end of code that began before
        return None
    read = shell.read(re.sub(r"\s*\([^)]*\)\s*$", "", text))
    if read.broken or _SENTENCE.search(text) or guard.of_line(read).kind is guard.Kind.UNKNOWN:
        return None
    return text if len(text.split()) > 1 or first in ("df", "free", "uptime") else None
