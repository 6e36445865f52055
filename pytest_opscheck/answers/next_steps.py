"""What to do next where a server gives no answer, by what the system or a client says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

LISTENS = "see which server listens there"
_SYSTEM = (
    (r"connection refused", "check whether it is running, and listens at that address"),
    (r"not known|can't be resolved|resolution|no address", "check the spelling of its name, and DNS"),
    (r"no route|unreachable|host is down", "check the network, and the firewalls on the way"),
    (r"no answer within|time(?:d )?out", "check whether it hangs, or a firewall drops packets to it"),
    (r"reset by peer|broken pipe|ended the connection|was closed during", "check its log, and whether it speaks TLS"),
    (r"no such file", "check the path of its socket"),
    (r"permission denied", "give the user who runs the checks access to its socket"),
    (
        r"does not speak|answers there|unknown command|is not (?:PostgreSQL|Redis)|longer than|more than [\d,]+ values",
        LISTENS,
    ),
    (r"certificate", "check that certificate, and which CA the client is told to trust"),
)
"""What stands in a message, and the step. The first that fits counts."""


def with_step(text: str, own: Iterable[tuple[str, str]] = (), otherwise: str | None = None) -> str:
    """Return a message with its next step: one of a kind's `own`, of those that all kinds share, or `otherwise`."""
    for sign, step in (*own, *_SYSTEM):
        if re.search(sign, text, re.IGNORECASE):
            return f"{text}; {step}"
    return f"{text}; {otherwise}" if otherwise else text


def with_one_step(text: str, own: Iterable[tuple[str, str]] = ()) -> str:
    """Return a message of one sentence with its next step, unless it has one, behind a semicolon."""
    return text if "; " in text else with_step(text, own, otherwise="see its log")
