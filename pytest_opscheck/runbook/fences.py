"""Blocks of code cut into pieces: commands, SQL, comments, what a command printed. No other language is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from . import guard, programs, shell
from .blocks import Block

SHELLS = frozenset(
    (
        "",
        "bash",
        "sh",
        "shell",
        "zsh",
        "console",
        "shell-session",
        "shellsession",
        "terminal",
        "text",
        "txt",
        "plain",
        "plaintext",
        "cmd",
        "ini-session",
        "bash-session",
        "fish",
        "ksh",
        "none",
        "nohighlight",
    )
)
SQL = frozenset(("sql", "postgresql", "pgsql", "psql", "postgres", "plpgsql"))
REDIS = frozenset(("redis", "redis-cli"))
COMPOSE = frozenset(("yaml", "yml", "docker-compose", "compose"))
LONGEST = 60
"""So many lines may one command or statement have."""
_STATEMENT = re.compile(
    r"\s*(?:select|with\s+\w+\s+as|explain|show\s+\w+|insert\s+into|update\s+\w+\s+set|delete\s+from|drop\s+\w+|alter\s+\w+|create\s+\w+|truncate|vacuum|analyze|reindex|grant|revoke|begin|commit|rollback|call|copy|refresh|cluster|set)\b[^|&]*",
    re.IGNORECASE,
)
_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?")
_REDIS_WORD = re.compile(
    r"(?:info|dbsize|ping|keys|ttl|llen|lrange|get|set|del|flushall|flushdb|config|client|slowlog|memory|scan|bgsave|lastsave|monitor|exists|type|role|expire|unlink|hgetall|smembers)\b",
    re.IGNORECASE,
)
_OUTPUT = re.compile(r"\s*[{\[]|.*\S {3,}\S+ {3,}\S|^\s*(?:\+-|\|)|^[A-Z_]+ {2,}[A-Z]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a block of code: a command, sql, redis, comment, output or other, with its lines."""

    kind: str
    text: str
    first: int
    last: int


def pieces(block: Block) -> Iterator[Piece]:
    """Yield the pieces of a block, in their order."""
    language = block.language
    if language in SQL or (
        language in ("", "text") and _STATEMENT.match(_first(block)) and not shell.without_prompt(_first(block))[1]
    ):
        yield from _sql(block.lines)
    elif language in REDIS:
        yield from (_redis_piece(number, line) for number, line in block.lines if line.strip())
    elif language in SHELLS and not _is_output(block):
        yield from _Shell(block).read()
    else:
        yield from (Piece("other", line, number, number) for number, line in block.lines if line.strip())


def _first(block: Block) -> str:
    return next((line for _, line in block.lines if line.strip() and not line.strip().startswith(("--", "#"))), "")


def _is_output(block: Block) -> bool:
    """Tell whether a block without a language is what a command prints, or a document, and not commands."""
    if block.language in SHELLS - {"", "text", "txt", "plain", "plaintext", "none", "nohighlight"}:
        return False
    lines = [line for _, line in block.lines if line.strip()]
    return bool(lines) and not any(_is_known(line) or line.strip().startswith(("#", "$")) for line in lines)


def _is_known(line: str) -> bool:
    text, prompted = shell.without_prompt(line.strip())
    read = shell.read(text)
    program = read.first.program
    known = (
        program in programs.ALWAYS
        or program in programs.SUBCOMMANDS
        or program in guard.PROGRAMS
        or bool(shell.compose(read.first))
    )
    if re.match(r"(?:export\s+)?[A-Z_][A-Z0-9_]*=", text):
        return True
    return prompted or (known and not _OUTPUT.match(line)) or _STATEMENT.fullmatch(text) is not None


def _redis_piece(number: int, line: str) -> Piece:
    text, _ = shell.without_prompt(re.sub(r"^\s*[\d.]+:\d+(?:\[\d+\])?>\s*", "", line))
    return Piece("comment" if text.startswith("#") else "redis", text.strip(), number, number)


def _sql(lines: tuple[tuple[int, str], ...]) -> Iterator[Piece]:
    """Yield the statements of SQL, each up to its semicolon, and the comments between them."""
    held: list[tuple[int, str]] = []
    for number, line in lines:
        text = line.strip()
        if not held and text.startswith("--"):
            yield Piece("comment", text[2:].strip(), number, number)
            continue
        if not text and not held:
            continue
        held.append((number, line))
        ends = re.search(r";\s*(?:--.*)?$", text) is not None
        if ends or text.startswith("\\") or len(held) >= LONGEST:
            yield _joined("sql", held)
            held = []
    if any(line.strip() for _, line in held):
        yield _joined("sql", held)


def _joined(kind: str, held: list[tuple[int, str]]) -> Piece:
    text = "\n".join(line for _, line in held)
    return Piece(kind, text.strip(), held[0][0], held[-1][0])


class _Shell:
    """Reads a block of a shell line by line: continuations, here-documents, and sessions of psql and redis-cli."""

    def __init__(self, block: Block) -> None:
        self._lines = block.lines
        self._at = 0
        self._session = ""
        texts = [line.strip() for _, line in block.lines if line.strip()]
        self._prompted = any(shell.without_prompt(line)[1] for line in texts)
        self._rooted = bool(texts) and all(line.startswith(("#", "$")) for line in texts)

    def read(self) -> Iterator[Piece]:
        """Yield the pieces."""
        while self._at < len(self._lines):
            number, line = self._lines[self._at]
            self._at += 1
            if line.strip():
                yield self._piece(number, line)

    def _piece(self, number: int, line: str) -> Piece:
        stripped = line.strip()
        if self._rooted and stripped.startswith("# ") and _is_command_of_root(stripped[2:]):
            return self._command(number, stripped[2:])
        if stripped.startswith("#"):
            return Piece("comment", stripped.lstrip("#!").strip(), number, number)
        text, prompted = shell.without_prompt(line)
        if self._prompted and not prompted and not stripped.startswith(("\\", "|")):
            return Piece("output", stripped, number, number)
        return self._asked(number, text)

    def _asked(self, number: int, text: str) -> Piece:
        """Read a line that is asked: a command, SQL, or what is typed in a session of psql or redis-cli."""
        stripped = text.strip()
        if self._session == "redis" and _REDIS_WORD.match(text.strip()):
            return Piece("redis", text.strip(), number, number)
        if _STATEMENT.match(text) and ("update" not in stripped.lower()[:6] or " set " in stripped.lower()):
            return self._statement(number, text)
        if stripped.startswith("--") and self._session == "sql":
            return Piece("comment", stripped.lstrip("- "), number, number)
        return self._command(number, text)

    def _statement(self, number: int, text: str) -> Piece:
        held = [(number, text)]
        while not held[-1][1].rstrip().endswith(";") and self._at < len(self._lines) and len(held) < LONGEST:
            following = self._lines[self._at]
            if not following[1].strip() or following[1].strip().startswith("#"):
                break
            held.append(following)
            self._at += 1
        return _joined("sql", held)

    def _command(self, number: int, text: str) -> Piece:
        held = [(number, text)]
        while self._at < len(self._lines) and len(held) < LONGEST and _goes_on(held):
            held.append(self._lines[self._at])
            self._at += 1
        if heredoc := _HEREDOC.search(held[-1][1]):
            while self._at < len(self._lines):
                held.append(self._lines[self._at])
                self._at += 1
                if held[-1][1].strip() == heredoc[1]:
                    break
        piece = Piece("command", _one(held), held[0][0], held[-1][0])
        self._note_session(piece.text)
        return piece

    def _note_session(self, text: str) -> None:
        why = guard.verdict(text).why
        if why.startswith("a session of"):
            self._session = "redis" if "redis" in why else "sql"


def _is_command_of_root(text: str) -> bool:
    read = shell.read(text)
    program = read.first.program
    known = program in programs.ALWAYS or program in programs.SUBCOMMANDS or program in guard.PROGRAMS
    return (
        known
        and not read.broken
        and text[:1].islower()
        and (
            len(read.first.args) == 0
            or read.first.args[0][:1] in "-/~."
            or program in programs.SUBCOMMANDS
            or program in ("docker", "rm", "apt")
        )
    )


def _goes_on(held: list[tuple[int, str]]) -> bool:
    last = held[-1][1].rstrip()
    if last.endswith(("\\", "|", "&&", "||")):
        return True
    text = "\n".join(line for _, line in held)
    return _is_open_quote(text)


def _is_open_quote(text: str) -> bool:
    quote = ""
    escaped = False
    for letter in text[:20000]:
        if escaped:
            escaped = False
        elif letter == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and not quote:
            return False
    return bool(quote)


def _one(held: list[tuple[int, str]]) -> str:
    """Return the lines of a command as one: what a backslash ends goes on behind it."""
    text = "\n".join(line for _, line in held)
    return re.sub(r"\\\n\s*", " ", text).strip()
