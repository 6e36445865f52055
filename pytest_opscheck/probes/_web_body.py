"""The body of an HTTP answer, read up to a bound, and unpacked where the server has packed it unasked."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

LONGEST_BODY = 10_000_000
"""Bytes of a body that are read: more than any health document or metrics page that a check should fetch."""
_CHUNK = 65536
_GZIP, _ZLIB, _RAW = 31, 15, -15
_GZIP_START = b"\x1f\x8b"
TOO_LONG = f"the body is longer than the {LONGEST_BODY // 1_000_000} MB that are read"


class BodyError(Exception):
    """A body that is not there as a whole; the message says why."""


def read(raw: BaseHTTPResponse) -> bytes:
    """Return the body of an answer. Raises BodyError."""
    from urllib3.exceptions import HTTPError, InvalidChunkLength

    body = bytearray()
    try:
        for chunk in raw.stream(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > LONGEST_BODY:
                raise BodyError(TOO_LONG)
    except (HTTPError, OSError) as error:
        if any(isinstance(each, InvalidChunkLength) and each.length for each in (error, *error.args)):
            raise BodyError("the body's chunks are not as HTTP has them") from None
        raise BodyError("the connection ended in the middle of the body") from None
    return _unpacked(bytes(body), raw.headers.get("content-encoding", "").strip().lower())


def discard(raw: BaseHTTPResponse) -> None:
    """Read a small rest of an answer, so that its connection can be used again; end the connection of any other."""
    left = raw.length_remaining
    if left is not None and left <= _CHUNK:
        raw.drain_conn()
    else:
        raw.close()


def _unpacked(body: bytes, packing: str) -> bytes:
    if packing in ("", "identity") or not body:
        return body
    try:
        if packing in ("gzip", "x-gzip"):
            return _gunzipped(body)
        if packing == "deflate":
            return _inflated(body)
    except zlib.error:
        raise BodyError(f"the body is damaged: it can't be unpacked as {packing}") from None
    raise BodyError("the body is packed in a way that was not asked for (Content-Encoding)")


def _gunzipped(body: bytes) -> bytes:
    found, rest = b"", body
    while rest.startswith(_GZIP_START) or rest is body:
        more, rest = _whole(zlib.decompressobj(_GZIP), rest, LONGEST_BODY - len(found))
        found += more
    return found


def _inflated(body: bytes) -> bytes:
    try:
        return _whole(zlib.decompressobj(_ZLIB), body, LONGEST_BODY)[0]
    except zlib.error:  # some servers leave zlib's own head out
        return _whole(zlib.decompressobj(_RAW), body, LONGEST_BODY)[0]


def _whole(unpacking: zlib._Decompress, packed: bytes, most: int) -> tuple[bytes, bytes]:
    """Return what one packed stream holds, and what follows it."""
    found = unpacking.decompress(packed, most + 1)
    if len(found) > most:
        raise BodyError(TOO_LONG)
    if not unpacking.eof:
        raise BodyError("the body is cut off: the end of what is packed is missing")
    return found, unpacking.unused_data
