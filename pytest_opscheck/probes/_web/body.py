"""The body of an HTTP answer, read up to a bound, and unpacked where the server has packed it unasked."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

LONGEST_BODY = 10_000_000
"""Bytes of a body that is held whole: more than any health document that a check should fetch."""
_CHUNK = 65536
_GZIP, _ZLIB, _RAW = 31, 15, -15
_GZIP_START = b"\x1f\x8b"
_DEFLATED = 8
"""What the first byte of zlib's own head says in its lower half."""


class BodyError(Exception):
    """A body that is not there as a whole; the message says why."""


class TooLongError(BodyError):
    """A body that is longer than what is read of it."""


class Taker(Protocol):
    """What takes a body as it comes, `longest` bytes at most."""

    longest: int

    def start(self, headers: Mapping[str, str]) -> None:
        """Take the headers of the answer, which are looked up by names in lower case."""

    def feed(self, piece: bytes) -> bool:
        """Take the next bytes, unpacked, and return whether any more are wanted."""


class Whole:
    """Takes a body as a whole."""

    def __init__(self, longest: int = LONGEST_BODY) -> None:
        self.longest = longest
        self.body = bytearray()

    def start(self, headers: Mapping[str, str]) -> None:
        """Take any headers."""

    def feed(self, piece: bytes) -> bool:
        """Keep the bytes."""
        self.body += piece
        return True


def read(raw: BaseHTTPResponse, taker: Taker) -> None:
    """Have the body of an answer taken, and its connection ended where no more is wanted. Raises BodyError."""
    taker.start(raw.headers)
    left = taker.longest
    for piece in _unpacked(_received(raw, taker.longest), raw.headers.get("content-encoding", "").strip().lower()):
        left -= len(piece)
        if left < 0:
            raise _too_long(taker.longest)
        if not taker.feed(piece):
            raw.close()
            return


def _too_long(most: int) -> TooLongError:
    return TooLongError(f"the body is longer than the {most / 1_000_000:g} MB that are read")


def _received(raw: BaseHTTPResponse, most: int) -> Iterator[bytes]:
    """Yield the body as it comes."""
    from urllib3.exceptions import HTTPError, InvalidChunkLength

    size = 0
    try:
        for chunk in raw.stream(_CHUNK, decode_content=False):
            size += len(chunk)
            if size > most:
                raise _too_long(most)
            yield chunk
    except (HTTPError, OSError) as error:
        if any(isinstance(each, InvalidChunkLength) and each.length for each in (error, *error.args)):
            raise BodyError("the body's chunks are not as HTTP has them") from None
        raise BodyError("the connection ended in the middle of the body") from None


def discard(raw: BaseHTTPResponse) -> None:
    """Read a small rest of an answer, so that its connection can be used again; end the connection of any other."""
    left = raw.length_remaining
    if left is not None and left <= _CHUNK:
        raw.drain_conn()
    else:
        raw.close()


def _unpacked(chunks: Iterable[bytes], packing: str) -> Iterator[bytes]:
    if packing not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise BodyError("the body is packed in a way that was not asked for (Content-Encoding)")
    try:
        match packing:
            case "gzip" | "x-gzip":
                yield from _inflated(chunks, _GZIP)
            case "deflate":
                yield from _inflated(chunks, _ZLIB)
            case _:
                yield from chunks
    except zlib.error:
        raise BodyError(f"the body is damaged: it can't be unpacked as {packing}") from None


def _inflated(chunks: Iterable[bytes], bits: int) -> Iterator[bytes]:
    """Yield what is packed: several members of gzip too, and deflate with or without zlib's own head."""
    unpacking: zlib._Decompress | None = None
    for rest in chunks:
        while rest:
            if unpacking is None:
                headless = bits == _ZLIB and rest[0] & 15 != _DEFLATED
                unpacking = zlib.decompressobj(_RAW if headless else bits)
            elif unpacking.eof:
                if bits != _GZIP or not _GZIP_START.startswith(rest[:2]):
                    return
                unpacking = zlib.decompressobj(bits)
            yield (piece := unpacking.decompress(rest, _CHUNK))
            while len(piece) == _CHUNK and not unpacking.unconsumed_tail and not unpacking.eof:
                yield (piece := unpacking.decompress(b"", _CHUNK))
            rest = unpacking.unconsumed_tail or unpacking.unused_data  # noqa: PLW2901 - what is left of it
    if unpacking is not None and not unpacking.eof:
        raise BodyError("the body is cut off: the end of what is packed is missing")
