"""What reads S3's answers for the kind backup: aiobotocore's own session, up to a bound and with one end for all."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiobotocore.httpsession import AIOHTTPSession

LONGEST_LISTING = 10_000_000
"""Bytes of XML that one look takes in all: some 25,000 objects."""
_CHUNK = 65536


class ListingError(Exception):
    """A listing that is not read to its end; the message says why, and what to do."""


def bounded(timeout_s: float) -> type[AIOHTTPSession]:
    """Return a session that ends after a time, and after N bytes, whatever it is asked for."""
    until, left = time.monotonic() + timeout_s, LONGEST_LISTING

    class Bounded(AIOHTTPSession):  # type: ignore[misc]
        async def send(self, request: Any) -> Any:
            """Send a request, and read its answer."""
            request.stream_output = True  # which leaves the answer to be read below
            try:
                return await asyncio.wait_for(self._whole(request), max(0.01, until - time.monotonic()))
            except TimeoutError:
                raise ListingError(f"no answer within {timeout_s:g} s") from None

        async def _whole(self, request: Any) -> Any:
            nonlocal left
            response, body = await super().send(request), bytearray()
            async for piece in response.raw.content.iter_chunked(_CHUNK):
                body += piece
                left -= len(piece)
                if left < 0:
                    response.raw.close()
                    most = f"the {LONGEST_LISTING // 1_000_000} MB that are read, some 25,000 objects"
                    raise ListingError(f"its listing is longer than {most}; name a folder with less in the url")
            response._content = bytes(body)  # noqa: SLF001 - where its own way of reading leaves it
            return response

    return Bounded
