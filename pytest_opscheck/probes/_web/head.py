"""The head of an HTTP answer, read as it comes and up to a bound.

http.client takes every interim answer but 100 for the answer itself, gives up on a head of 100 fields or on a field
of 64 KiB, and takes a head that was cut off for a short one. It still decides how the body is framed.
"""

from __future__ import annotations

import http.client
import io
import re
from typing import Any

LONGEST_HEAD = 1_000_000
"""Bytes of a head that are read, those of interim answers included."""
LONGEST_LINE = 65536
"""Bytes of a line between chunks that are read: what is longer is none that HTTP has."""
_START = b"HTTP/"
_FIRST_LINE = re.compile(rb"HTTP/[01]\.\d +([1-9]\d\d)(\s.*)?\Z", re.DOTALL)
_SWITCHING, _FINAL = 101, 200
_FRAMING = ("transfer-encoding", "content-length", "connection", "keep-alive", "proxy-connection")
_OTHERS = (
    (re.compile(rb"\x15\x03|\x16\x03"), "what answers there speaks TLS; write https:// in the address"),
    (re.compile(rb"\x00\x00.\x04.\x00\x00\x00\x00", re.DOTALL), "what answers there speaks HTTP/2 alone"),
    (re.compile(rb"SSH-"), "what answers there is an SSH server"),
    (re.compile(rb"220[ -]"), "what answers there is a mail or FTP server"),
    (re.compile(rb"-(ERR|NOAUTH|DENIED)"), "what answers there is a Redis server"),
)


class HeadError(http.client.HTTPException):
    """An answer of HTTP whose head is nothing to go by; the message says why."""


class NotHttpError(http.client.HTTPException):
    """What answers does not speak HTTP/1; the message says so, and what it may be instead."""


class Response(http.client.HTTPResponse):
    """An answer whose whole head has been read. Interim answers are left out, but 101, which ends HTTP."""

    longest = LONGEST_HEAD
    _left = 0

    def begin(self, **_: Any) -> None:
        """Read the head. Raises HeadError, NotHttpError, and RemoteDisconnected where nothing came at all."""
        if self.headers is not None:
            return
        self._left = self.longest
        first = self._first_line()
        while _interim(first):
            self._fields()
            try:
                first = self._first_line()
            except http.client.RemoteDisconnected:
                raise HeadError("the connection ended after an interim answer") from None
        fields = self._fields()
        stream, self.fp = self.fp, io.BytesIO(first + _framing(fields))
        try:
            super().begin()
        finally:
            self.fp = stream
        self.headers = self.msg = fields
        if self.chunked:
            self.fp = _Lines(self.fp)

    def _first_line(self) -> bytes:
        start = self.fp.read(len(_START))
        if not start:
            raise http.client.RemoteDisconnected("no answer")
        if start != _START:
            raise NotHttpError(_other(start + self.fp.peek()))
        line = start + self._line()
        if not _FIRST_LINE.match(line):
            raise HeadError("its first line is not one of HTTP/1.1 with a status from 100 to 999")
        return line

    def _fields(self) -> http.client.HTTPMessage:
        """Return the fields of a head. What is not one is left out, as browsers do."""
        found: list[tuple[str, str]] = []
        while line := self._line().decode("latin-1").rstrip("\r\n"):
            name, colon, value = line.partition(":")
            if line[0] in " \t" and found:
                found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}".strip())
            elif colon and name.strip():
                found.append((name.strip(), value.strip()))
        fields = http.client.HTTPMessage()
        for name, value in found:
            fields[name] = value
        return fields

    def _line(self) -> bytes:
        try:
            line = self.fp.readline(self._left)
        except OSError as error:
            raise HeadError("the connection broke in the middle of the answer's head") from error
        self._left -= len(line)
        if not line.endswith(b"\n"):
            whole = f"its head is longer than the {self.longest / 1_000_000:g} MB that is read"
            raise HeadError("the connection ended in the middle of the answer's head" if self._left else whole)
        return line


class _Lines:
    """A stream whose lines have an end: urllib3 reads the lines before chunks and behind the last one however long."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._stream.readline(LONGEST_LINE if limit < 0 else limit)
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _interim(first: bytes) -> bool:
    match = _FIRST_LINE.match(first)
    return match is not None and int(match[1]) != _SWITCHING and int(match[1]) < _FINAL


def _framing(fields: http.client.HTTPMessage) -> bytes:
    """Return the fields that say where the body ends, each once."""
    framing = {name: ", ".join(values) for name in _FRAMING if (values := fields.get_all(name))}
    lengths = {length.strip() for length in framing.get("content-length", "").split(",")}
    if len(lengths) > 1 and "chunked" not in framing.get("transfer-encoding", "").lower():
        raise HeadError("its head has several lengths of one body (Content-Length) that differ")
    if lengths:
        framing["content-length"] = lengths.pop()
    return "".join(f"{name}: {value}\r\n" for name, value in framing.items()).encode("latin-1") + b"\r\n"


def _other(start: bytes) -> str:
    return next((what for pattern, what in _OTHERS if pattern.match(start)), "what answers there does not speak HTTP")
