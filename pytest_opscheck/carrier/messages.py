"""What a run and its workers say to each other: orders for parts of it, and replies."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from ..core.shards import Part, parse_shard
from ..core.vantage import DEFAULT

SKEW_S = 60.0
"""By how much the clocks of two machines may differ."""
MOST_ATTEMPTS = 3
_LONGEST = 4000
_Name = Annotated[str, StringConstraints(max_length=200)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Of(_Message):
    """Of which run's which part a message is, and at which attempt."""

    run: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    vantage: _Name | None
    shard: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}/[0-9]{1,4}$")]
    attempt: Annotated[int, Field(ge=1, le=MOST_ATTEMPTS)]

    @property
    def part(self) -> Part:
        """The part."""
        return Part(self.vantage, parse_shard(self.shard))

    @field_validator("shard")
    @classmethod
    def _is_shard(cls, shard: str) -> str:
        parse_shard(shard)
        return shard


class Order(_Message):
    """A part that a worker is to run.

    sent and deadline: seconds since 1970, by the clock of who has sent it.
    texts: the inventory's files, before variables are filled in, by their paths; `main` is the first of them.
    values: by what a variable's value is known, None where it has none; `defaulted` are those with a default somewhere.
    lists: what was found in the lists that others own.
    """

    of: Of
    version: _Name
    sent: float
    deadline: float
    suite: _Name
    digest: _Name
    main: _Name
    texts: dict[str, str]
    values: dict[str, str | None]
    defaulted: list[str]
    lists: dict[str, Any]

    @field_validator("texts")
    @classmethod
    def _are_inside(cls, texts: dict[str, str]) -> dict[str, str]:
        for path in texts:
            if not is_inside(path):
                raise ValueError(f"{path!r} is not the path of a TOML file in the inventory's folder")
        return texts

    @model_validator(mode="after")
    def _has_main(self) -> Self:
        if self.main not in self.texts or "/" in self.main:
            raise ValueError("its inventory is not among its texts")
        return self


class Reply(_Message):
    """What a worker says of a part: that it is at it (a sign of life), its results, or why there are none.

    number: counts what a worker says of an attempt; one that comes again is none.
    """

    kind: Literal["alive", "results", "refused"]
    of: Of
    worker: _Name
    number: Annotated[int, Field(ge=0)]
    digest: _Name = ""
    results: dict[str, Any] | None = None
    reason: Annotated[str, StringConstraints(max_length=_LONGEST)] = ""


def is_inside(path: str) -> bool:
    """Tell whether a path leads to a TOML file in its folder, or below, that is nobody's settings."""
    pure = PurePosixPath(path)
    names_settings = pure.name in ("pyproject.toml", "pytest.toml", ".pytest.toml")
    is_plain = str(pure) == path and path.isprintable() and not pure.is_absolute() and ".." not in pure.parts
    return is_plain and pure.suffix == ".toml" and not names_settings


def queue_of(vantage: str | None) -> str:
    """Return the queue in which the orders for a vantage point wait."""
    return f"opscheck.{vantage or DEFAULT}"


def reply_queue_of(run: str) -> str:
    """Return the queue into which workers put what they say of a run's parts."""
    return f"opscheck.reply.{run}"


def shortened(reason: str) -> str:
    """Return why there are no results, as long as a reply can have it: its end says it."""
    return reason if len(reason) <= _LONGEST else f"... {reason[4 - _LONGEST :]}"


def version() -> str:
    """Return the version of this package."""
    return importlib.metadata.version("pytest-opscheck")


def addressed(data: Mapping[str, Any]) -> Of:
    """Return of what a signed message is, whatever version has made the rest of it. Raises ValueError."""
    return Of.model_validate(data.get("of"))
