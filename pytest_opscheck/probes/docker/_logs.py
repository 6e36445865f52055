"""Counts lines in containers' logs while the engine streams them, in memory that does not grow with the log."""

from __future__ import annotations

import http.client
import json
import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from enum import IntEnum
from itertools import filterfalse
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from ...core.errors import UnknownError
from ...core.patterns import Search, searcher
from .._excerpt import beginning
from .._wire import Deadline
from ._answer import Answer
from ._why import failure, reason

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
_REPEAT, _AROUND = re.compile(r"[*+{]"), re.compile(r"\(\?(?!:|[aiLmsux]+\))|\\[1-9]")


class Wide(IntEnum):
    """What a pattern may miss in a line that is searched in pieces: nothing, a match, or what forbids one as well."""

    NOTHING = 0
    MATCHES = 1
    EITHER = 2

    @classmethod
    def of(cls, pattern: re.Pattern[str] | None) -> Wide:
        """Return what a pattern may miss."""
        source = pattern.pattern if pattern is not None else ""
        return cls.EITHER if _AROUND.search(source) else cls.MATCHES if _REPEAT.search(source) else cls.NOTHING


_NARROW = (Wide.NOTHING, Wide.NOTHING)


class LineCount:
    """Counts the lines of one stream that match `pattern` and not `ignore`. Carriage returns are not looked at.

    A line that is longer than LONGEST_LINE is looked at in pieces: UnknownError is raised where that does not tell.
    """

    def __init__(self, pattern: Search, ignore: Search | None = None, *, wide: tuple[Wide, Wide] = _NARROW) -> None:
        self.count = 0
        self._pattern = pattern
        self._ignore = ignore
        self._wide, self._ignore_wide = wide
        self._rest = b""
        self._long = False  # what is kept is the end of a line whose beginning has been looked at
        self._found = self._ignored = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream, wherever they are cut."""
        data = self._rest + data
        if self._long or len(data) > LONGEST_LINE:
            data = self._without_long_line(data)
        end = 0 if self._long else data.rfind(b"\n") + 1
        self._rest = data[end:]
        if end:
            self._take(_text(data[: end - 1]).split("\n"))

    def close(self) -> None:
        """Count the last line, where it has no end."""
        if self._rest or self._long:
            self.feed(b"\n")

    def _take(self, lines: list[str]) -> None:
        found: Iterator[str] = filter(self._pattern, lines)
        if self._ignore is not None:
            found = filterfalse(self._ignore, found)
        self.count += sum(1 for _ in found)

    def _without_long_line(self, data: bytes) -> bytes:
        """Look at the first line by itself where it is too long to be kept; return what is left."""
        line, separator, rest = data.partition(b"\n")
        if (not separator and len(data) < BLOCK) if self._long else separator:
            return data
        for start in range(0, max(len(line), 1), LONGEST_LINE - OVERLAP):
            end = start + LONGEST_LINE
            self._look(line[start:end], begins=not self._long and not start, ends=bool(separator) and end >= len(line))
        self._long = not separator
        if self._long:
            return line[-OVERLAP:]
        self.count += self._counts()
        self._found = self._ignored = False
        return rest

    def _look(self, piece: bytes, *, begins: bool, ends: bool) -> None:
        """Look at a piece of a long line; where it is cut, no pattern shall see a beginning or an end."""
        text = ("" if begins else "\0") + _text(piece) + ("" if ends else "\0")
        self._found = self._found or self._pattern(text) is not None
        self._ignored = self._ignored or (self._ignore is not None and self._ignore(text) is not None)

    def _counts(self) -> bool:
        """Tell whether the long line that has ended counts. Raises UnknownError where its pieces do not tell."""
        missed = self._ignore_wide and not self._ignored if self._found else self._wide
        if missed or Wide.EITHER in (self._wide, self._ignore_wide):
            raise UnknownError(
                f"it has a line longer than {LONGEST_LINE >> 20} MiB, in which a pattern with a repeat or a look ahead "
                "can't be searched; let the pattern be plain words, or the lines shorter"
            )
        return self._found and not self._ignored


def _text(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return text.replace("\r", "") if "\r" in text else text


def count_lines(read: Read, *, tty: bool, pattern: re.Pattern[str], ignore: re.Pattern[str] | None) -> int:
    """Count the lines of a log, of which `read(n)` gives the next n bytes.

    A container with a terminal has one plain stream; any other has two, whose pieces come in frames. A line of the one
    may be torn by lines of the other. Raises PatternError where a search takes too long.
    """
    search, drop = searcher(pattern), searcher(ignore) if ignore else None
    wide = (Wide.of(pattern), Wide.of(ignore))
    counts = {kind: LineCount(search, drop, wide=wide) for kind in (_STDOUT, _STDERR)}
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
    """Yield what stdout and stderr hold, block by block; a frame that is longer than a block, in pieces.

    A frame holds a line, mostly, so this loop is what counting costs: it does nothing but cut.
    """
    rest, left, last = b"", 0, _STDOUT
    while block := read(BLOCK):
        data = rest + block
        pieces: dict[int, list[bytes]] = {_STDOUT: [], _STDERR: []}
        start, end = min(left, len(data)), len(data)
        if left:
            pieces[last].append(data[:start])
            left -= start
        while start + _FRAME.size <= end:
            kind, size = _FRAME.unpack_from(data, start)
            stop = start + _FRAME.size + size
            if stop > end and size <= BLOCK:
                break
            if size > _LONGEST_FRAME:
                raise UnknownError("the engine's stream is garbled")
            try:
                pieces[kind].append(data[start + _FRAME.size : stop])
            except KeyError:
                raise UnknownError("the engine could not read it to its end") from None
            start, left, last = min(stop, end), max(0, stop - end), kind
        rest = data[start:]
        for kind, found in pieces.items():
            if found:
                yield kind, b"".join(found)
    if rest or left:
        raise UnknownError("the engine's stream broke off")


class _Http10Connection(http.client.HTTPConnection):
    """A connection that asks in HTTP/1.0, which has no chunks.

    In HTTP/1.1 the engine makes a chunk of every line of a log, and writing and reading those takes half as long again.
    """

    _http_vsn = 10
    _http_vsn_str = "HTTP/1.0"
    response_class = Answer


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
    deadline = Deadline()
    with _understood(client, timeout_s), deadline.within(timeout_s):
        plain = _plain_socket(client, timeout_s, deadline)
        if plain is None:  # over TLS, whose set-up is the library's
            with _over_tls(client, path, query, timeout_s) as read:
                yield _in_time(read, deadline)
            return
        with closing(plain), closing(_asked(plain, _FOREVER, timeout_s)):
            # In HTTP/1.0 the end of a log and the end of the engine look the same, so an answer without an end stays
            # open beside it. It was opened first, and so is the first to be closed with the engine.
            log = _plain_socket(client, timeout_s, deadline)
            assert log is not None  # noqa: S101 - for the type checker; the first one was there
            with closing(log), closing(_asked(log, f"{path}?{urlencode(query)}", timeout_s)) as connection:
                answer = connection.getresponse()
                if answer.status != http.client.OK:
                    raise UnknownError(refused(answer.read(BLOCK)))
                yield _in_time(answer.read, deadline)
            _require_open(plain)


@contextmanager
def _understood(client: APIClient, timeout_s: float) -> Iterator[None]:
    """Say in plain words why a connection of our own failed; that its time is over stays a TimeoutError."""
    try:
        yield
    except TimeoutError:
        raise
    except (http.client.HTTPException, OSError) as error:
        raise failure(error, client.base_url, timeout_s, over=False) from None


def _in_time(read: Read, deadline: Deadline) -> Read:
    """Return a way to read that ends in time: what a deadline has ended looks like the end of what was sent."""

    def block(count: int) -> bytes:
        data = read(count)
        if deadline.over:
            raise TimeoutError
        return data

    return block


@contextmanager
def _over_tls(client: APIClient, path: str, query: dict[str, str | int], timeout_s: float) -> Iterator[Read]:
    import docker.errors
    import urllib3

    try:
        with client.get(f"{client.base_url}{path}", params=query, stream=True, timeout=timeout_s) as answer:
            yield answer.raw.read1
    except docker.errors.APIError as error:
        raise UnknownError(refused(str(error.explanation).encode())) from None
    except urllib3.exceptions.HTTPError as error:
        raise failure(error, client.base_url, timeout_s, over=False) from None


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


def _plain_socket(client: APIClient, timeout_s: float, deadline: Deadline) -> socket.socket | None:
    """Return a socket of our own to where the client talks to; None where that is not a plain one."""
    path = getattr(client.get_adapter(client.base_url), "socket_path", None)
    url = urlsplit(client.base_url)
    if path is not None:
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(timeout_s)
        try:
            plain.connect(path)
        except OSError:
            plain.close()
            raise
    elif url.scheme == "http" and url.port:
        plain = socket.create_connection((url.hostname, url.port), timeout_s)
    else:
        return None
    deadline.watch(plain)
    return plain


def refused(body: bytes) -> str:
    """Return why the engine cannot read a log, by its answer."""
    return beginning(reason(body), 200) or "the engine does not say why"
