"""Why a host can't be reached: the lines that name a cause, of what the connection's program and the server said."""

from __future__ import annotations

import re

from ..probes import UnreachableError
from ..probes._excerpt import beginning, excerpt
from .host_paramiko import FOREIGN

SEE_SHELL = "check that user's login shell there, and its startup files"

_LINES, _LINE, _NAMELESS = 6, 300, 120
"""How many lines of what a program and a server said are shown, how much of each, and how much where none says why."""

# Patterns as texts: few runs see a host that can't be reached, and to compile them takes 1 ms.
_TRANSIENT = r"(?i)connection (reset|closed)|closed by remote host|broken pipe|kex_exchange_identification"
_IDLE = (
    r"\W*\Z|Authenticated to |Transferred: |Bytes per second: |debug\d: |Warning: Permanently added |\*\* "
    r"|Connection to \S+ closed\.\Z|Pseudo-terminal will not |@+\s|IT IS POSSIBLE|Someone could be eavesdropping"
    r"|It is also possible that a host key|Please contact your system administrator\.\Z|Add correct host key in "
    r"|Connecting to |The fingerprint for the |SHA256:|mux_client|Killed by signal|logout\Z|bash: (warning|cannot set)"
    r"|bash: no job control"
)
"""What ssh says beside the cause."""
_FOREIGN = r"kex_exchange_identification: banner line .*|banner exchange: .*: invalid format"
_CAUSE = (
    r"(?i)denied|refused|fail|expired|avail|no route|timed? ?out|unreachable|resolve|no matching|closed|reset"
    r"|disconnect|changed|offending|invalid|bad |error|cannot|can't|could not|not found|not known|no such|unknown"
    r"|unsupported|unable|required|must|too (open|many)|allowed|permitted|password|sudo|login|log in|account|locked"
    r"|disabled|no shell|does not speak|down|maintenance|please|terminat|not running|is not "
)


_STEPS = (
    (
        r"(?i)identification has changed|host key for .* has changed|offending",
        "if the host was set up again, forget its old key: ssh-keygen -R HOST",
    ),
    (
        r"(?i)host key verification failed|no .* host key is known",
        "compare the fingerprint of its key, then add the key to known_hosts: ssh-keyscan HOST",
    ),
    (
        r"(?i)permission denied \(.*publickey|too many authentication failures|authentication failed",
        "check the user in `connect`, and whether its authorized_keys there has this key",
    ),
)
"""What ssh says, and what fixes it."""


def unreachable(text: str, printed: str = "", why: str = "") -> UnreachableError:
    """Make the error of what a connection's program said and what the other side printed: the lines that name a cause.

    `why` says how it ended, for where nobody said anything.
    """
    told = [cause for cause in (causes(text), causes(printed)) if cause]
    lines = "; ".join(told).split("; ")
    transient = all(re.search(_TRANSIENT, line) for line in lines)
    shell = why.partition(", but no shell answers")
    step = f"; {SEE_SHELL}" if shell[1] and not any(re.search(_CAUSE, line) for line in lines) else _fix(lines)
    if not told:
        return UnreachableError((why or "not a word") + shown(printed) + step)
    begin = f"{shell[0]}{shell[1]}: " if shell[1] and printed.strip() else ""
    return UnreachableError(begin + "; ".join(told) + step, transient=transient)


def _fix(lines: list[str]) -> str:
    return next((f"; {step}" for sign, step in _STEPS if any(re.search(sign, line) for line in lines)), "")


def shown(printed: str) -> str:
    """Return what was printed as the end of a sentence; nothing where nothing was."""
    return f", and prints {excerpt(printed)}" if printed.strip() else ""


def causes(text: str) -> str:
    """Return the lines that name a cause, each once, the last ones where there are many; all lines where none does."""
    lines = [re.sub(_FOREIGN, FOREIGN, line.strip()) for line in re.split(r"[\r\n]+", text)]
    lines = list(dict.fromkeys(beginning(line, _LINE) for line in lines if line and not re.match(_IDLE, line)))
    named = [line for line in lines if re.search(_CAUSE, line)]
    return "; ".join(named[-_LINES:]) or beginning("; ".join(lines[-_LINES:]), _NAMELESS)
