"""Counts lines in containers' logs while the engine streams them, in memory that does not grow with the log."""

from __future__ import annotations

import http.client
import json
import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import filterfalse
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from ..patterns import Search, searcher
from ._kind import UnknownError

if TYPE_CHECKING:
    from docker import APIClient

BLOCK = 1 << 16
LONGEST_LINE = 1 << 20
"""A longer line is looked at in pieces of this size, so that a log without line ends takes no more memory either."""
OVERLAP = 4096
"""How much of such a piece the next one repeats: what a match at the seam may be long."""
_LONGEST_FRAME = 1 << 26
_FRAME = struct.Struct(">B3xL")
"""What stands before each piece of a container's output: 1 for stdout or 2 for stderr, and how many bytes follow."""
_STDOUT, _STDERR = 1, 2

_FOREVER = "/events?" + urlencode({"filters": json.dumps({"event": ["none that there is"]})})
Read = Callable[[int], bytes]


class LineCount:
    """Counts the lines of one stream that match `pattern` and not `ignore`. Carriage returns are not looked at."""

    def __init__(self, pattern: Search, ignore: Search | None = None) -> None:
        self.count = 0
        self._pattern = pattern
        self._ignore = ignore
        self._rest = b""
        self._found = self._ignored = False  # in the pieces of a line that is longer than LONGEST_LINE

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream, wherever they are cut."""
        data = self._rest + data
        if self._found or self._ignored or len(data) > LONGEST_LINE:
            data = self._without_long_line(data)
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        if end:
            self._take(_text(data[: end - 1]).split("\n"))

    def close(self) -> None:
        """Count the last line, where it has no end."""
        if self._rest or self._found or self._ignored:
            self.feed(b"\n")

    def _take(self, lines: list[str]) -> None:
        found: Iterator[str] = filter(self._pattern, lines)
        if self._ignore is not None:
            found = filterfalse(self._ignore, found)
        self.count += sum(1 for _ in found)

    def _without_long_line(self, data: bytes) -> bytes:
        """Look at the first line by itself: it is too long to be kept, or pieces of it have been looked at before."""
        line, separator, rest = data.partition(b"\n")
        for start in range(0, max(len(line), 1), LONGEST_LINE - OVERLAP):
            piece = _text(line[start : start + LONGEST_LINE])
            self._found = self._found or self._pattern(piece) is not None
            self._ignored = self._ignored or (self._ignore is not None and self._ignore(piece) is not None)
        if not separator:
            return line[-OVERLAP:]
        self.count += self._found and not self._ignored
        self._found = self._ignored = False
        return rest


def _text(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return text.replace("\r", "") if "\r" in text else text


def count_lines(read: Read, *, tty: bool, pattern: re.Pattern[str], ignore: re.Pattern[str] | None) -> int:
    """Count the lines of a log, of which `read(n)` gives the next n bytes.

    A container with a terminal has one plain stream; any other has two, whose pieces come in frames. A line of the one
    may be torn by lines of the other. Raises PatternError where a search takes too long.
    """
    search, drop = searcher(pattern), searcher(ignore) if ignore else None
    counts = {kind: LineCount(search, drop) for kind in (_STDOUT, _STDERR)}
    if tty:
        while block := read(BLOCK):
            counts[_STDOUT].feed(block)
    else:
        for kind, data in frames(read):
            counts[kind].feed(data)
    for each in counts.values():
        each.close()
    return sum(each.count for each in counts.values())


def frames(read: Read) -> Iterator[tuple[int, bytes]]:
    """Yield what stdout and stderr hold, block by block.

    A frame holds a line, mostly, so this loop is what counting costs: it does nothing but cut.
    """
    rest = b""
    while block := read(BLOCK):
        data = rest + block
        pieces: dict[int, list[bytes]] = {_STDOUT: [], _STDERR: []}
        start, end = 0, len(data)
        while start + _FRAME.size <= end:
            kind, size = _FRAME.unpack_from(data, start)
            stop = start + _FRAME.size + size
            if stop > end:
                if size > _LONGEST_FRAME:
                    raise UnknownError("the engine's stream is garbled")
                break
            try:
                pieces[kind].append(data[start + _FRAME.size : stop])
            except KeyError:
                raise UnknownError("the engine could not read it to its end") from None
            start = stop
        rest = data[start:]
        for kind, found in pieces.items():
            if found:
                yield kind, b"".join(found)
    if rest:
        raise UnknownError("the engine's stream broke off")


class _Http10Connection(http.client.HTTPConnection):
    """A connection that asks in HTTP/1.0, which has no chunks.

    In HTTP/1.1 the engine makes a chunk of every line of a log, and writing and reading those takes half as long again.
    """

    _http_vsn = 10
    _http_vsn_str = "HTTP/1.0"


@contextmanager
def opened(
    client: APIClient, container: str, *, since: float, until: float, timeout_s: float, last: int | None = None
) -> Iterator[Read]:
    """Open a container's log between two moments of the engine's clock, or what of its last lines is between them.

    Raises UnknownError where the engine cannot read it, with its reason.
    """
    query: dict[str, str | int] = {"stdout": 1, "stderr": 1, "since": f"{since:.6f}", "until": f"{until:.6f}"}
    query["tail"] = last or "all"
    path = f"/v{client.api_version}/containers/{container}/logs"
    plain = _plain_socket(client, timeout_s)
    if plain is None:  # over TLS, whose set-up is the library's
        with client.get(f"{client.base_url}{path}", params=query, stream=True, timeout=timeout_s) as response:
            if response.status_code != http.client.OK:
                raise _unreadable(response.content)
            yield response.raw.read
        return
    with closing(plain), closing(_asked(plain, _FOREVER, timeout_s)):
        # In HTTP/1.0 the end of a log and the end of the engine look the same, so an answer without an end stays open
        # beside it. It was opened first, and so is the first to be closed with the engine.
        log = _plain_socket(client, timeout_s)
        assert log is not None  # noqa: S101 - for the type checker; the first one was there
        with closing(log), closing(_asked(log, f"{path}?{urlencode(query)}", timeout_s)) as connection:
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise _unreadable(answer.read(BLOCK))
            yield answer.read
        _require_open(plain)


def _asked(plain: socket.socket, path: str, timeout_s: float) -> _Http10Connection:
    connection = _Http10Connection("docker", timeout=timeout_s)
    connection.sock = plain
    connection.request("GET", path)
    return connection


def _require_open(plain: socket.socket) -> None:
    plain.setblocking(False)
    try:
        while plain.recv(BLOCK):
            pass
    except BlockingIOError:
        return
    except OSError:
        pass
    raise UnknownError("the engine stopped while it sent the log")


def _plain_socket(client: APIClient, timeout_s: float) -> socket.socket | None:
    """Return a socket of our own to where the client talks to; None where that is not a plain one."""
    path = getattr(client.get_adapter(client.base_url), "socket_path", None)
    if path is not None:
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(timeout_s)
        try:
            plain.connect(path)
        except OSError:
            plain.close()
            raise
        return plain
    url = urlsplit(client.base_url)
    return socket.create_connection((url.hostname, url.port), timeout_s) if url.scheme == "http" and url.port else None


def _unreadable(body: bytes) -> UnknownError:
    try:
        said = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        said = _text(body)
    return UnknownError(str(said).strip() or "the engine does not say why")
