"""What goes wrong with a Redis server, in plain words: the library's errors carry class names and raw bytes."""

from __future__ import annotations

import ast
import re
import ssl

from ...answers.next_steps import LISTENS
from .._wire import tls_failure

_REFUSALS = (
    ("NOAUTH", "it wants a password; put it into the url, as in redis://USER:PASSWORD@HOST:6379/0"),
    ("WRONGPASS", "it refuses the url's user and password, or that user is disabled (WRONGPASS); see its ACL LIST"),
    ("LOADING", "it is still loading its data, and answers nothing else (LOADING); see its log, if that lasts"),
    ("BUSY", "a script holds it up, and it answers nothing else (BUSY); to end that: redis-cli SCRIPT KILL"),
    (
        "MASTERDOWN",
        "it is a replica that has lost its master, and answers nothing (MASTERDOWN); see INFO replication",
    ),
    ("READONLY", "it is a replica, which takes no writes (READONLY); let the url name the master"),
    ("CLUSTERDOWN", "its cluster is down (CLUSTERDOWN); see redis-cli CLUSTER INFO"),
    ("DENIED", "it is in protected mode, and takes no one from another machine; set a password, or bind it elsewhere"),
    ("OOM", "its memory is full, so it takes no writes (OOM)"),
    (
        "MISCONF",
        "it can't save to disk, so it takes no writes (MISCONF); see its log, and whether the disk is full",
    ),
    ("SHUTDOWN", "it is shutting down; its log says who stopped it"),
    ("WRONGTYPE", "a key of that name holds something else (WRONGTYPE)"),
)
"""How the server's refusals begin, and what they mean."""
_PHRASES = (
    ("select is not allowed", "it is a node of a cluster, which has database 0 alone; leave the other out of the url"),
    ("db index is out of range", "it has no database of the url's number"),
    ("invalid db index", "it has no database of the url's number"),
    ("no password is set", "the url has a password, and the server has none; leave it out of the url"),
    ("without any password configured", "the url has a password, and the server has none; leave it out of the url"),
    ("invalid password", "it refuses the url's password"),
    ("max number of clients", "it takes no more clients: maxclients are connected; see redis-cli CLIENT LIST"),
    ("not ready", f"what answers there speaks first, which Redis does not; {LISTENS}"),
    ("has data", f"what answers there speaks first, which Redis does not; {LISTENS}"),
    ("closed", "it ended the connection before its answer was whole"),
)
"""What stands in other refusals, and in errors of the library, in small letters."""
_OTHERS = (
    (rb"HTTP/", "an HTTP server answers there, not Redis"),
    (rb"\x15\x03", "what answers there speaks TLS; write rediss:// in the url"),
    (rb"SSH-", "an SSH server answers there, not Redis"),
    (rb"AMQP", "RabbitMQ answers there, not Redis; its url is amqp://"),
    (rb"[245]\d\d[ -]", "a mail or FTP server answers there, not Redis"),
    (rb"(?:CLIENT_|SERVER_)?ERROR", "memcached or the like answers there, not Redis"),
)
"""How servers of other kinds begin what they say to a client of Redis."""
NOT_REDIS = "what answers there does not speak Redis's protocol"
ASK_LESS = (
    "ask for a length (STRLEN, LLEN, HLEN) or a part (GETRANGE, LRANGE, HSCAN), or see which server listens there"
)
_RAW = re.compile(r"Protocol Error: (b['\"].*['\"])\Z", re.DOTALL)
_MOVED = re.compile(r"\S+:\d+")
_LONGEST = 200
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError)
"""What the library raises for an answer that is none of Redis's."""


def refusal(text: str, code: str = "") -> str:
    """Return what an error that the server has sent means; `code` is its first word where the library cut that off."""
    code = code or text.partition(" ")[0]
    if code in ("MOVED", "ASK"):
        where = _MOVED.search(text)
        return "it is a node of a cluster, and that key is on another one" + (f", {where[0]}" if where else "")
    meaning = next((meaning for start, meaning in _REFUSALS if start == code), None)
    return meaning or _phrase(text) or text.removeprefix("ERR ").partition(". ")[0].rstrip(".")[:_LONGEST]


def _phrase(text: str) -> str | None:
    return next((meaning for phrase, meaning in _PHRASES if phrase in text.lower()), None)


_UNKNOWN = re.compile(r"unknown (?:sub)?command|command not (?:allowed|supported|found)|unsupported", re.IGNORECASE)


def unknown_command(text: str) -> bool:
    """Tell whether an error says that the server has no such command: it was renamed, or a proxy lacks it."""
    return _UNKNOWN.search(text) is not None


def failure(error: BaseException, seconds: float) -> str:
    """Return why a server gave no answer, or none that can be read; `seconds` is how long it was waited for."""
    import redis

    cause = _innermost(error)
    if isinstance(error, redis.ResponseError | redis.AuthenticationError | redis.BusyLoadingError):
        return refusal(str(error), str(getattr(error, "status_code", None) or ""))
    if isinstance(error, redis.TimeoutError) or isinstance(cause, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, redis.InvalidResponse):
        return _other(str(error))
    return NOT_REDIS if isinstance(error, UNREADABLE) else _system(cause) or _phrase(str(error)) or str(error)


def _system(cause: BaseException) -> str | None:
    """Return what the system or TLS says of a connection."""
    if isinstance(cause, ssl.SSLError):
        why = tls_failure(cause)
        return f"{why}; write redis:// in the url" if "does not speak TLS" in why else why
    return cause.strerror.lower() if isinstance(cause, OSError) and cause.strerror else None


def _innermost(error: BaseException) -> BaseException:
    """Return the system's own error, which is at the end of a chain of wrappers."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _other(text: str) -> str:
    """Return what answers in Redis's place, by the first bytes that it said."""
    found = _RAW.match(text)
    raw = ast.literal_eval(found[1]) if found else b""
    return next((meaning for start, meaning in _OTHERS if re.match(start, raw)), NOT_REDIS)
