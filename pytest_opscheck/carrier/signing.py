"""Signs what is said by way of the broker: who can write to it, and has no key, can neither give orders nor results."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

VARIABLE = "OPSCHECK_KEY"
SHORTEST = 32
"""Characters of a key."""
MOST_BYTES = 64_000_000
"""Of one message: an inventory's texts, or a part's results."""
_MAKES_ONE = "openssl rand -hex 32"


class CarrierError(Exception):
    """What keeps a run, or a worker, from beginning; the message says what to do."""


class UnsignedError(Exception):
    """A message that was not signed with this key, or is none at all. It shows nothing of the message."""


class Purpose(StrEnum):
    """What a message is signed for, so that none can be sent back as another one."""

    ORDER = "order"
    REPLY = "reply"
    VALUE = "value"


class Key:
    """The key that a run and its workers share."""

    def __init__(self, text: str) -> None:
        self._keys = {each: _mac(text.encode("utf-8", "surrogateescape"), f"opscheck/1 {each}") for each in Purpose}

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Key:
        """Return the key of an environment. Raises CarrierError."""
        text = environment.get(VARIABLE, "").strip()
        if len(text) >= SHORTEST:
            return cls(text)
        state = f"has {len(text)} characters, and needs at least {SHORTEST}" if text else "is not set"
        raise CarrierError(
            f"the environment variable {VARIABLE} {state}; make a key with `{_MAKES_ONE}`, and set it to the same one "
            "on every worker and where runs are started"
        )

    def signed(self, purpose: Purpose, data: Mapping[str, Any]) -> str:
        """Return data as a signed message. Raises CarrierError for one that is too long."""
        body = json.dumps(data, sort_keys=True, separators=(",", ":"))  # ASCII, so it is as long as it has characters
        if len(body) > MOST_BYTES:
            raise CarrierError(f"it has {len(body) // 1_000_000} MB, and at most {MOST_BYTES // 1_000_000} are carried")
        return json.dumps({"body": body, "signature": self._signature(purpose, body)})

    def read(self, purpose: Purpose, message: object) -> dict[str, Any]:
        """Return the data of a message that was signed with this key, for this purpose. Raises UnsignedError."""
        try:
            body, signature = _parts(message)
            known = self._signature(purpose, body)
            if not hmac.compare_digest(known.encode(), signature.encode("utf-8", "surrogatepass")):
                raise UnsignedError
            data = json.loads(body)
        except (KeyError, RecursionError, TypeError, ValueError):
            raise UnsignedError from None
        if not isinstance(data, dict):
            raise UnsignedError
        return data

    def of_value(self, run: str, name: str, value: str) -> str:
        """Return by what two machines know, within one run, that a variable has the same value on both of them."""
        text = json.dumps([run, name, value])
        return _mac(self._keys[Purpose.VALUE], text).hex()

    def _signature(self, purpose: Purpose, body: str) -> str:
        return _mac(self._keys[purpose], body).hex()


def _parts(message: object) -> tuple[str, str]:
    if not isinstance(message, str) or len(message) > 2 * MOST_BYTES:  # what is quoted in it gets longer
        raise ValueError
    data = json.loads(message)
    body, signature = data["body"], data["signature"]
    if not isinstance(body, str) or not isinstance(signature, str) or len(data) > 2:  # noqa: PLR2004 - these two
        raise TypeError
    return body, signature


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
