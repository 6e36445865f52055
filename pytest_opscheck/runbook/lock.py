"""What of a drift was accepted, and why: a file beside the inventory, written by `verify --accept`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..files.reading import content
from . import toml

MOST_BYTES = 4_000_000
_HEAD = """\
# What differs between the runbook and {inventory}, and was accepted: written by `opscheck runbook verify --accept`.
# An entry holds as long as the runbook and the inventory say what they say here.
"""
_TEXTS = ("anchor", "check", "subject", "drift", "runbook", "inventory", "text", "why")


class LockError(Exception):
    """A lock file that can't be read or written; the message says what to do."""


def statement_id(anchor: str, check: str, subject: str, ordinal: int) -> str:
    """Return the id of a statement: what tells it from the others, as far as there is anything."""
    return "/".join(filter(None, (anchor, check, subject, str(ordinal) if ordinal > 1 else "")))


@dataclass(frozen=True, slots=True)
class Accepted:
    """A statement as it was known when it was accepted.

    Its key is anchor, check, subject and ordinal. drift: what of it was accepted, nothing where nothing differed.
    runbook, inventory: the limits, or else what each said. text: the statement's.
    """

    anchor: str
    check: str
    subject: str
    ordinal: int
    drift: str
    runbook: str
    inventory: str
    text: str
    why: str = ""

    @property
    def id(self) -> str:
        """The id of its statement."""
        return statement_id(self.anchor, self.check, self.subject, self.ordinal)

    def because(self, why: str) -> Accepted:
        """Return it with the reason."""
        return replace(self, why=why)

    @property
    def known(self) -> Accepted:
        """What is compared: all but the reason."""
        return replace(self, why="")


def place(inventory: Path) -> Path:
    """Return where the lock of an inventory is: opscheck.lock beside opscheck.toml."""
    return inventory.with_suffix(".lock")


def read(file: Path) -> list[Accepted]:
    """Return what was accepted. Raises LockError."""
    try:
        document = tomllib.loads(content(file, MOST_BYTES).decode("utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LockError(f"{file} can't be read: {reason}; take it out of version control again, or remove it") from None
    return [_accepted(entry, file, number) for number, entry in enumerate(_entries(document, file), start=1)]


def _entries(document: dict[str, object], file: Path) -> list[object]:
    entries = document.get("accepted", [])
    if not isinstance(entries, list) or set(document) - {"accepted"}:
        raise LockError(f"{file} is not a lock of a runbook: it is a list of tables [[accepted]]; remove it")
    return entries


def _accepted(entry: object, file: Path, number: int) -> Accepted:
    table = entry if isinstance(entry, dict) else {}
    ordinal = table.get("ordinal", 1)
    wrong = [key for key in _TEXTS if not isinstance(table.get(key, ""), str)] + sorted(
        set(table) - {*_TEXTS, "ordinal"}
    )
    if not isinstance(ordinal, int) or wrong or not table.get("why"):
        what = f"{wrong[0]!r} is wrong" if wrong else "it needs a number as ordinal, and why"
        raise LockError(f"{file}: entry {number}: {what}; remove the entry, and accept again")
    return Accepted(**{key: table.get(key, "") for key in _TEXTS}, ordinal=ordinal)


def write(file: Path, accepted: Iterable[Accepted]) -> None:
    """Write a lock, in the order of its keys. Raises LockError."""
    in_order = sorted(set(accepted), key=lambda each: (each.anchor, each.check, each.subject, each.ordinal, each.drift))
    text = "\n".join([_HEAD.format(inventory=file.with_suffix(".toml").name), *map(_table, in_order)])
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LockError(f"{file} can't be written: {error.strerror}; nothing was accepted") from None


def _table(each: Accepted) -> str:
    pairs = [(key, getattr(each, key)) for key in ("anchor", "check", "subject")]
    lines = [f"{key} = {toml.text(value)}" for key, value in pairs if value]
    lines += [f"ordinal = {each.ordinal}"] if each.ordinal > 1 else []
    rest = [(key, getattr(each, key)) for key in ("drift", "runbook", "inventory", "text", "why")]
    return "\n".join(["[[accepted]]", *lines, *(f"{key} = {toml.text(value)}" for key, value in rest if value), ""])


def merged(there: Sequence[Accepted], new: Sequence[Accepted]) -> list[Accepted]:
    """Return what was accepted with what is accepted now: of a statement the new entries alone."""
    ids = {each.id for each in new}
    return [*(each for each in there if each.id not in ids), *new]
