"""Counting in a Docker engine's log streams: however they are cut, and where they break off."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pytest_opscheck.core.errors import UnknownError
from pytest_opscheck.probes.docker._engine import connected
from pytest_opscheck.probes.docker._logs import LONGEST_LINE, LineCount, count_lines, frames, opened
from pytest_opscheck.probes.docker._shell import portable

from .processes import wait_until
from .test_docker import Project, engine, project  # noqa: F401 - a fixture


@contextmanager
def cut_off(path: Path, after: int) -> Iterator[str]:
    """Stand before the engine, and end every connection once it has said so much."""
    ends: list[socket.socket] = []
    left = [after]

    def pass_on(source: socket.socket, to: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 14):
                to.sendall(data)
                left[0] -= len(data) * counts
                if left[0] < 0:
                    break
        for end in ends if left[0] < 0 else (source, to):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, far = door.accept()[0], socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                ends.extend((near, far))
                for pair in ((near, far, False), (far, near, True)):
                    threading.Thread(target=pass_on, args=pair, daemon=True).start()

    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        threading.Thread(target=serve, daemon=True).start()
        yield f"unix://{path}"
        door.shutdown(socket.SHUT_RDWR)
    for end in ends:
        end.close()


@pytest.mark.parametrize("after", [10_000_000, 300_000])
def test_a_log_that_breaks_off_is_unknown_not_shorter(project: Project, tmp_path: Path, after: int) -> None:  # noqa: F811
    container = project.start("api", "seq -f 'line %.0f' 1 50000; sleep 600")
    wait_until(lambda: engine("logs", "--tail", "1", container) == "line 50000", "the log's end")
    with cut_off(tmp_path / "engine.sock", after) as url, connected(url, 5) as client:

        def count() -> int:
            with opened(client, container, since=0, until=time.time() + 5, timeout_s=5) as read:
                return count_lines(read, tty=False, pattern=re.compile("line"), ignore=None)

        if after > 5_000_000:
            assert count() == 50_000
        else:
            with pytest.raises(UnknownError, match=r"stopped|broke off"):
                count()


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 22])
def test_lines_are_counted_however_the_stream_is_cut(size: int) -> None:
    """Frames of two streams, lines torn between frames, a line longer than is kept, and one without an end."""
    long = b"x" * (LONGEST_LINE + 5) + b"ERROR" + b"y" * LONGEST_LINE + b"ERROR ERROR\n"
    third = long if size > 7 else b"ERROR 3\n"
    out = b"ERROR 1\nfine\n" + "ERROR für 2\r\n".encode() + b"ERROR ignored\n" + third + b"\nERROR 4"
    err = b"fine\nERROR 5\n" * 300
    pieces = [(1, out[i : i + 999]) for i in range(0, len(out), 999)] + [
        (2, err[i : i + 266]) for i in range(0, len(err), 266)
    ]
    stream = b"".join(bytes([kind, 0, 0, 0]) + len(data).to_bytes(4, "big") + data for kind, data in _in_order(pieces))
    blocks = iter([stream[i : i + size] for i in range(0, len(stream), size)])
    patterns = {"pattern": re.compile("ERROR"), "ignore": re.compile("ignored$")}
    assert count_lines(lambda _: next(blocks, b""), tty=False, **patterns) == 304


def _in_order(pieces: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Mix two streams, each of whose pieces stay in their order."""
    first, second = ([piece for piece in pieces if piece[0] == kind] for kind in (1, 2))
    while first or second:
        if first:
            yield first.pop(0)
        if second:
            yield second.pop(0)


def test_a_line_without_an_end_takes_no_memory() -> None:
    count = LineCount(re.compile("ERROR").search)
    for _ in range(100):
        count.feed(b"x" * (1 << 18))
        assert len(count._rest) <= LONGEST_LINE + (1 << 18)
    count.feed(b"ERROR\n")
    count.close()
    assert count.count == 1


def in_frames(line: bytes, size: int) -> Iterator[bytes]:
    """Yield a stream that holds a line in frames of a size."""
    for start in range(0, len(line), size):
        piece = line[start : start + size]
        yield b"\x01\0\0\0" + len(piece).to_bytes(4, "big") + piece


def counted(line: bytes, pattern: str, ignore: str | None = None, size: int = 16384) -> int:
    blocks = in_frames(line, size)
    drop = re.compile(ignore) if ignore else None
    return count_lines(lambda _: next(blocks, b""), tty=False, pattern=re.compile(pattern), ignore=drop)


MIB = b"x" * LONGEST_LINE
LONG = b"first " + MIB + b" ERROR last" + MIB + b"last\nERROR first\n"


@pytest.mark.parametrize(
    ("pattern", "ignore", "count"),
    [
        ("ERROR", None, 2), ("^ERROR", None, 1), ("ERROR$", None, 0), ("^first", None, 1), ("last$", None, 1),
        ("ERROR", "^last", 2), ("ERROR", "last$", 1), (r"\bERROR\b", None, 2), ("(?i)error|fault", None, 2),
        ("E.*R", None, 2), ("ERROR", "first.?", 0),
    ],
)  # fmt: skip
def test_a_line_of_any_length_is_counted_as_what_it_is(pattern: str, ignore: str | None, count: int) -> None:
    assert counted(LONG, pattern, ignore) == count


@pytest.mark.parametrize(
    ("pattern", "ignore"), [("ERROR.*first", None), ("ERROR", "none.*such"), ("^(?!.*last).*ERROR", None)]
)
def test_where_pieces_of_a_long_line_do_not_tell_its_count_is_unknown(pattern: str, ignore: str | None) -> None:
    with pytest.raises(UnknownError, match="line longer than 1 MiB"):
        counted(LONG, pattern, ignore)
    assert counted(b"ERROR first\n" * 9, pattern, ignore) == 9


@pytest.mark.parametrize("size", [100, 1 << 16, 3 << 20])
def test_a_frame_of_any_length_is_cut_where_it_ends(size: int) -> None:
    assert counted(b"ERROR 1\nfine\n" * 300_000, "ERROR", size=size) == 300_000


def test_a_frame_that_claims_more_than_there_is_takes_no_memory() -> None:
    head, blocks = b"\x01\0\0\0", iter([b"\x01\0\0\0\x03\0\0\0", *[b"x" * 65536] * 50])
    assert max(len(data) for _, data in frames_until(blocks)) <= 1 << 17
    with pytest.raises(UnknownError, match="garbled"):
        list(frames(lambda _: head + b"\xff\xff\xff\xff"))


def frames_until(blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    with pytest.raises(UnknownError, match="broke off"):
        yield from frames(lambda _: next(blocks, b""))


@pytest.mark.parametrize(
    ("pattern", "is_portable"),
    [
        ("ERROR", True), ("^a.*(b|c)+$", True), (r"\[error\]", True), ("x{2,3}", True), ("[^0-9]", True),
        (r"\d", False), ("(?i)x", False), ("a+?", False), (r"[\]]", False), ("[[:alpha:]]", False), ("{", False),
    ],
)  # fmt: skip
def test_which_patterns_every_grep_understands(pattern: str, is_portable: bool) -> None:
    assert portable(pattern) is is_portable
