"""What a command of a runbook does, as a value; and what judges of single programs share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from .shell import Command


class Kind(Enum):
    """What a command does."""

    READS = "reads"
    CHANGES = "changes"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a line does, and the word of it that tells."""

    kind: Kind
    why: str = ""

    @property
    def reads(self) -> bool:
        """Whether it is known to read, and nothing else."""
        return self.kind is Kind.READS


READS = Verdict(Kind.READS)
ACTING = re.compile(
    r"(?:^|[^a-z])(?:(?:creat|delet|remov|updat|migrat|import|flush|clear|clean|reset|restart|reload|deploy|purg|prun|upgrad|install|rebuild|restor"
    r"|rotat|enabl|disabl|renew|warm|switch|chang|send|revok|regist|truncat|invalidat)\w*"
    r"|(?:drop|set|backup|run|start|stop|kill|load|export|sync|apply|scale|extract|build|push|pull|rollback|destroy|drain|expire|archive|vacuum"
    r"|reindex|seed|fix|repair|failover|promote|replay|requeue|retry|resend|issue|provision|bootstrap|setup|init|add|edit|write|move|copy|rm|up|down"
    r"|compress|collectstatic|loaddata|changepassword)(?:$|[^a-z]))"
)
"""Words in the name of a program or its subcommand that say what it is for."""
_VALUED = frozenset(
    (
        "-n",
        "--namespace",
        "--context",
        "-H",
        "--host",
        "-f",
        "--file",
        "-p",
        "-A",
        "-c",
        "-l",
        "-o",
        "--profile",
        "--region",
        "-t",
        "--stanza",
    )
)


def worst(found: Iterable[Verdict]) -> Verdict:
    """Return what a line does of which several commands are known: as much as the worst of them."""
    order = (Kind.CHANGES, Kind.UNKNOWN, Kind.READS)
    return min(found, key=lambda each: order.index(each.kind))


def by_its_name(command: Command) -> Verdict:
    """Judge a program that nobody knows: its name may say that it changes something, never that it does not."""
    name = " ".join(word for word in command.words[:3] if not word.startswith("-"))
    acting = ACTING.search(re.sub(r"[_./-]", " ", name.lower()))
    return Verdict(Kind.CHANGES, acting[0].strip()) if acting else Verdict(Kind.UNKNOWN, command.program)


def without_options(args: tuple[str, ...]) -> list[str]:
    """Return arguments without options, and without the values of those in front."""
    kept: list[str] = []
    skipped = False
    for arg in args:
        if skipped:
            skipped = False
        elif arg.startswith("-"):
            skipped = arg in _VALUED and not kept
        else:
            kept.append(arg)
    return kept


def if_without(*options: str) -> Callable[[Command], Verdict]:
    """Return a judge of a program that reads without these options."""

    def judge(command: Command) -> Verdict:
        found = next((arg for arg in command.args if arg.startswith(options)), None)
        return Verdict(Kind.CHANGES, f"{command.program} {found}") if found else READS

    return judge


def only_with(*options: str) -> Callable[[Command], Verdict]:
    """Return a judge of a program that only reads with one of these options."""

    def judge(command: Command) -> Verdict:
        return READS if command.has(*options) else Verdict(Kind.CHANGES, command.program)

    return judge


def option_values(command: Command, names: tuple[str, ...]) -> list[str]:
    """Return the values of an option that may stand several times: of -c and -e, also packed as in -Atc."""
    found = []
    for place, arg in enumerate(command.args):
        packed = re.fullmatch(r"-[A-Za-z]*[ce]", arg) and not arg.startswith("--") and arg[-2:] != "-"
        if (arg in names or packed) and place + 1 < len(command.args):
            found.append(command.args[place + 1])
        elif arg.startswith(tuple(f"{name}=" for name in names if name.startswith("--"))):
            found.append(arg.partition("=")[2])
    return found
