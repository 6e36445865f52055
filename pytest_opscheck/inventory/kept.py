"""The last known items of a list, in a file beside the reports: what vanishes from the list is known by it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..core.humanize import duration_text
from ..core.secrets import secret_parts
from ..core.shapes import is_secret_key, known_tokens
from ..files import private
from ..files.reading import content
from .lists import ListError

SCHEMA = "opscheck.source/1"
_MOST_BYTES = 100_000_000
_FORM = "%Y-%m-%d %H:%M UTC"
_MOST_ACCEPTED = 1000
"""So many acceptances are kept, the newest ones."""
Fields = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Kept:
    """The items of a list by the names of their targets, when it was read, and what has vanished from it, since when.

    `meant` is which items were meant: where that is another one, nothing is known. `accepted` is who has agreed that
    something is gone, and why.
    """

    meant: list[Any]
    read: str
    items: Fields
    gone: Mapping[str, str] = field(default_factory=dict)
    accepted: tuple[Mapping[str, str], ...] = ()
    schema: str = SCHEMA

    def read_again(self, items: Fields, now: str) -> Kept:
        """Return what is known when the list was read again."""
        gone = {name: self.gone.get(name, now) for name in (*self.gone, *self.items) if name not in items}
        return replace(self, items=items, read=now, gone=gone)

    def accepting(self, name: str, why: str, who: str, now: str) -> Kept:
        """Return what is known when somebody has agreed that something is gone."""
        gone = {each: since for each, since in self.gone.items() if each != name}
        accepted = {"name": name, "gone": self.gone[name], "why": why, "who": who, "at": now}
        return replace(self, gone=gone, accepted=(*self.accepted, accepted)[-_MOST_ACCEPTED:])


def file_of(reports: Path, source: str) -> Path:
    """Return where the last known items of a list are."""
    return reports / f"source-{source}.json"


def moment() -> str:
    """Return this moment."""
    return dt.datetime.now(dt.UTC).strftime(_FORM)


def age(moment: str) -> str:
    """Return how long ago a moment was."""
    then = dt.datetime.strptime(moment, _FORM).replace(tzinfo=dt.UTC)
    return f"{duration_text(max(dt.timedelta(), dt.datetime.now(dt.UTC) - then))} ago"


def without_secrets(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that may be kept: none with a secret's name, nor with a secret in it."""
    return {
        key: value
        for key, value in fields.items()
        if not (is_secret_key(key) or any(secret_parts(value)) or known_tokens(value))
    }


def recalled(file: Path, meant: list[Any] | None = None) -> Kept | None:
    """Return what is known of a list, where it is of the items that are meant now; None where nothing is.

    Raises ListError for a file that can't be read.
    """
    try:
        kept = _kept(json.loads(content(file, _MOST_BYTES)))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ListError(f"{file}: {error.strerror}; let whoever runs this read it") from None
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise ListError(
            f"{file} does not hold the last known items of the list; put it back, or remove it to begin again: "
            "what has vanished until then is not known"
        ) from None
    return kept if meant in (None, kept.meant) else None


def _kept(data: Any) -> Kept:
    """Return what a file says. Raises AttributeError, KeyError, TypeError or ValueError for one that is another's."""
    texts = [*data["gone"].values(), *(value for fields in data["items"].values() for value in fields.values())]
    if data["schema"] != SCHEMA or not all(isinstance(each, str) for each in (data["read"], *texts)):
        raise ValueError(data["schema"])
    dt.datetime.strptime(data["read"], _FORM).replace(tzinfo=dt.UTC)
    return Kept(**{**data, "accepted": tuple(map(dict, data["accepted"]))})


def keep(file: Path, kept: Kept) -> None:
    """Keep what is known of a list. Raises OSError."""
    private.make_folder(file.parent)
    private.write(json.dumps(asdict(kept)).encode(), file)
