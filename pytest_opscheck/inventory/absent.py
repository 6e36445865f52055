"""What stands in the place of a variable that is not there, where an inventory is only read: `--no-env`.

A variable with which a value begins gets the form that its key has; a later part of one gets `1`, which is a word, a
number, a port and a host.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from .positions import Key

PART = "1"
_HOST = "no-env.invalid"
_BY_KEY = {
    "dsn": f"postgresql://{_HOST}/1",
    "url": f"https://{_HOST}",
    "heartbeat": f"https://{_HOST}",
    "address": f"{_HOST}:443",
    "connect": f"ssh://{_HOST}",
    "from": f"ops@{_HOST}",
    "to": f"ops@{_HOST}",
    "security": "tls",
}
_FORMS = (
    PART,
    f"https://{_HOST}",
    f"redis://{_HOST}",
    f"postgresql://{_HOST}/1",
    f"{_HOST}:443",
    "/1",
    "1d",
    "true",
    "== 1",
    "https",
    "redis",
    "postgresql",
)
M = TypeVar("M", bound=BaseModel)


class Absent(str):
    """A text of which the beginning stands for the value of a variable; `rest` is what is behind that."""

    __slots__ = ("rest",)
    rest: str


def stand_in(path: Key, rest: str) -> Absent:
    """Return what stands for the value of a key, of which the rest is known."""
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    made = Absent(_BY_KEY.get(key, PART) + rest)
    made.rest = rest
    return made


def fitted(model: type[M], keys: dict[str, object], error: ValidationError) -> M | None:
    """Return what a table says whose variables have other forms than they were given; None where it is wrong anyhow."""
    wrong = {str(each["loc"][0]) for each in error.errors(include_url=False, include_input=False) if each["loc"]}
    for key in wrong:
        if isinstance(absent := keys.get(key), Absent):
            keys = {**keys, key: next(_fitting(model, keys, key, absent.rest), absent)}
    try:
        return model.model_validate(keys)
    except ValidationError:
        return None


def _fitting(model: type[BaseModel], keys: dict[str, object], key: str, rest: str) -> Iterator[str]:
    for form in _FORMS:
        try:
            model.model_validate({**keys, key: form + rest})
        except ValidationError as error:
            if any(each["loc"][:1] == (key,) for each in error.errors(include_url=False, include_input=False)):
                continue
        yield form + rest
