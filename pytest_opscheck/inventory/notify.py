"""Reads who is told what: the tables [notify.NAME]."""

from __future__ import annotations

import importlib.util
import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from .. import packages
from ..core.extensions import AddedWay, ChannelType
from ..core.ladders import severity_of
from ..core.limits import SEVERITIES
from ..core.secrets import address_parts
from ..core.units import LimitError, parse_time
from .channels import Channel, Way
from .model import Expectation, name_problem
from .positions import Key
from .problems import Problems, nearest
from .tagged import Places, places_of
from .validation import note_validation, secrets_of

MISSING = "it needs apprise, which is not installed: pip install 'pytest-opscheck[notify]'"
_NO_ADDRESS = "it is not an address that apprise knows, for example slack://TOKEN_A/TOKEN_B/TOKEN_C; see appriseit.com"
_WAYS = "url (through apprise), webhook, file, or channel (of a package)"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


_Text = Annotated[str, BeforeValidator(_stripped), Field(min_length=1)]


class _Channel(BaseModel):
    """A table [notify.NAME]."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)
    url: _Text | None = None
    webhook: _Text | None = None
    file: _Text | None = None
    channel: _Text | None = None
    severities: list[str] | None = Field(default=None, min_length=1)
    suites: list[str] | None = Field(default=None, min_length=1)
    targets: list[str] | None = Field(default=None, min_length=1)
    again: Any = None
    digest: Any = None


def read_channels(
    value: object,
    words: Mapping[str, str],
    suites: Collection[str],
    expectations: Collection[Expectation],
    problems: Problems,
) -> tuple[Channel, ...]:
    """Return what [notify.NAME] says; `words` are the inventory's own names of severities."""
    if not isinstance(value, Mapping):
        problems.add(("notify",), "a channel needs a name: [notify.NAME]")
        return ()
    found = (_channel(name, table, words, suites, problems) for name, table in value.items())
    channels = tuple(channel for channel in found if channel is not None)
    if not any(channel.targets for channel in channels):
        return channels
    places = places_of(expectations)
    return tuple(_routed(channel, places, expectations, problems) for channel in channels)


def _routed(channel: Channel, places: Places, expectations: Collection[Expectation], problems: Problems) -> Channel:
    """Return a channel that knows which results are of other targets than those that it is told of."""
    if not channel.targets:
        return channel
    for place, word in enumerate(channel.targets):
        if problem := places.problem(word):
            problems.add(("notify", channel.name, "targets", place), problem)
    meant = places.of(channel.targets)
    own = {each.target for each in expectations if each.target.id in meant}
    hosts = {target.keys.host() for target in own}  # that one of these can't be reached is news of its targets
    others = [each for each in expectations if each.target.id not in meant and not _is_reach(each, hosts)]
    names = {each.target.name for each in others}.difference({target.name for target in own}, hosts)
    return replace(channel, elsewhere=frozenset([*(each.id for each in others), *(f"@{name}" for name in names)]))


def _is_reach(expectation: Expectation, hosts: Collection[str | None]) -> bool:
    return expectation.check.id == "host.reachable" and expectation.target.name in hosts


def _channel(
    name: str, value: object, words: Mapping[str, str], suites: Collection[str], problems: Problems
) -> Channel | None:
    path: Key = ("notify", name)
    if problem := name_problem(name):
        problems.add(path, problem)
    if not isinstance(value, Mapping):
        problems.add(path, "a channel needs a name: [notify.NAME]")
        return None
    for way in (Way.URL, Way.WEBHOOK):
        if isinstance(address := value.get(way), str):
            problems.keep_secret((*path, str(way)), *address_parts(address))
    value, added = _added(value, path, problems)
    if value is None or (model := _common(value, path, problems)) is None:
        return None
    ways = [(way, address) for way in Way if (address := getattr(model, way)) is not None]
    if len(ways) != 1:
        problems.add(path, f"set exactly one destination: {_WAYS}")
        return None
    way, address = ways[0]
    if problem := _address_problem(way, address):
        problems.add((*path, str(way)), problem)
    for place, suite in enumerate(model.suites or ()):
        if suite not in suites:
            problems.add((*path, "suites", place), f"there is no suite {suite!r}; {nearest(suite, suites)}")
    again, digest = _time(value, "again", path, problems), _digest(value, path, problems)
    severities = _severities(model.severities, words, path, problems)
    only = frozenset(model.suites) if model.suites else None
    return Channel(name, way, address, severities, only, again, digest, added, tuple(model.targets or ()))


def _common(table: Mapping[str, Any], path: Key, problems: Problems) -> _Channel | None:
    """Return what all channels have in common; None where there is an error in it, which is noted."""
    try:
        return _Channel.model_validate(table)
    except ValidationError as error:
        note_validation(error, problems, path, table, _Channel.model_fields)
        return None


def _added(table: Mapping[str, Any], path: Key, problems: Problems) -> tuple[Mapping[str, Any] | None, AddedWay | None]:
    """Return a table without the keys of a package's channel, and these; None for one that can't be used."""
    if not isinstance(name := table.get("channel"), str):
        return table, None
    try:
        made = packages.added(packages.CHANNELS, name.strip(), ChannelType)
    except packages.PackageError as error:
        problems.add((*path, "channel"), str(error))
        return None, None
    if made is None:
        hint = nearest(name, packages.installed(packages.CHANNELS))
        problems.add((*path, "channel"), f"no package that is installed adds a channel {name!r}; {hint}")
        return None, None
    own = {key: value for key, value in table.items() if key not in _Channel.model_fields}
    try:
        keys = made.keys.model_validate(own)
    except ValidationError as error:
        note_validation(error, problems, path, own, [*made.keys.model_fields, *_Channel.model_fields])
        return None, None
    problems.keep_secret(path, *secrets_of(keys))
    return {key: value for key, value in table.items() if key not in own}, AddedWay(made, keys)


def _severities(names: list[str] | None, words: Mapping[str, str], path: Key, problems: Problems) -> frozenset[str]:
    found = set()
    for place, each in enumerate(names if names is not None else SEVERITIES):
        try:
            found.add(severity_of(each, words))
        except LimitError as error:
            problems.add((*path, "severities", place), str(error))
    return frozenset(found)


def _time(table: Mapping[str, Any], key: str, path: Key, problems: Problems) -> float | None:
    if key not in table:
        return None
    try:
        return parse_time(table[key])
    except LimitError as error:
        problems.add((*path, key), str(error).replace("'30s'", "'4h'"))
        return None


def _digest(table: Mapping[str, Any], path: Key, problems: Problems) -> float | None:
    """Return how long a digest gathers: `true` for a run, or a time."""
    if isinstance(table.get("digest"), bool):
        return 0.0 if table["digest"] else None
    return _time(table, "digest", path, problems)


def _address_problem(way: Way, address: str) -> str | None:
    """Return why an address can't be meant, without saying it."""
    if way is Way.WEBHOOK:
        try:
            parts = urlsplit(address)
            fits = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
        except ValueError:
            fits = False
        return None if fits else "it is not the address of a webhook; write https://HOST/PATH"
    if way in (Way.FILE, Way.CHANNEL):
        return None
    if importlib.util.find_spec("apprise") is None:
        return MISSING
    return None if _URL.fullmatch(address) and _is_known(address) else _NO_ADDRESS


def _is_known(address: str) -> bool:
    """Tell whether apprise takes an address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its modules warn of is nothing that an inventory could fix
        import apprise

        return apprise.Apprise.instantiate(address, suppress_exceptions=True) is not None


def schema(severities: list[str]) -> dict[str, Any]:
    """Return the JSON Schema of the tables; `severities` are all their words."""
    text = {"$ref": "#/$defs/text"}
    time = {"$ref": "#/$defs/time"}
    fields = {
        "url": {"description": "an apprise URL: slack://..., pagerduty://..., mailto://...", **text},
        "webhook": {
            "description": "takes each alert as JSON by POST",
            **text,
            "pattern": "^[hH][tT]{2}[pP][sS]?://|[{]",
        },
        "file": {"description": "gets one line of JSON per alert", **text},
        "severities": {
            "description": "the severities that are sent here; by default all",
            "type": "array",
            "minItems": 1,
            "items": {"enum": severities},
        },
        "suites": {"description": "only alerts from runs of these suites", "$ref": "#/$defs/suites"},
        "targets": {
            "description": "only alerts of these targets, and of those reached through them: tag:dc1, host.prod",
            "type": "array",
            "minItems": 1,
            "items": text,
        },
        "again": {"description": "send a breach again if it lasts this long: 4h", **time},
        "digest": {
            "description": "one message for all alerts: true for one per run, or the time between two: 24h",
            "anyOf": [{"type": "boolean"}, time],
        },
    }
    ways = [{"required": [str(way)]} for way in Way if way is not Way.CHANNEL]
    table = {"type": "object", "properties": fields, "additionalProperties": False, "oneOf": ways}
    channel = {"description": "the name of a package's channel, which has keys of its own", **text}
    common = {key: field for key, field in fields.items() if key not in list(Way)}
    added = {"type": "object", "properties": {**common, "channel": channel}, "required": ["channel"]}
    tables = {"anyOf": [table, added]}
    return {"type": "object", "description": "who is alerted", "additionalProperties": tables}
