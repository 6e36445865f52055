"""The JSON Schema of [defaults], [template], [group], [source], [vantage] and `include`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .model import NAME
from .placeholders import PLACES

Schema = dict[str, Any]
_NAMED = {"type": "object", "propertyNames": {"pattern": f"^{NAME}$"}, "minProperties": 1}
SOURCE = "source"
_ELSEWHERE = ("include", "defaults", "group", "source")
"""Where one of these is, a target may have what it needs out of another table."""


def group_tables(keys: Mapping[str, dict[str, Schema]]) -> Schema:
    """Return the schemas of the tables; `keys` are those of each kind's targets."""
    files = {"type": "array", "items": {"type": "string", "minLength": 1}}
    return {
        "include": {"description": "more files, with targets, templates and groups: teams/*.toml", **files},
        "defaults": {
            "description": "what targets of a kind have where nothing else says it",
            "type": "object",
            "properties": {kind: _table(fields) for kind, fields in keys.items()},
            "additionalProperties": False,
        },
        "template": {
            "description": "what the targets of several groups have in common",
            **_NAMED,
            "additionalProperties": {**_by_kind({kind: _template(kind, keys) for kind in keys}), "required": ["kind"]},
        },
        "group": {
            "description": "targets that are alike but for their names",
            **_NAMED,
            "additionalProperties": _group(keys),
        },
    }


def source_table(keys: Mapping[str, dict[str, Schema]], own: dict[str, Schema], needed: list[str]) -> Schema:
    """Return the schema of the lists that others own; `own` are their own keys."""
    made = {kind: _made_of(kind, keys, _beside(keys[kind], own)) for kind in keys}
    either = [{"required": ["kind"]}, {"required": ["template"]}]
    places = [{"required": [place]} for place in PLACES]
    table = {**_by_kind(made), "anyOf": either, "required": needed}
    table["allOf"] = [*table["allOf"], {"anyOf": places}]
    return {
        "description": "lists that others own: each of their items is a target",
        **_NAMED,
        "additionalProperties": table,
    }


def _beside(fields: Mapping[str, Schema], own: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return a source's own keys; where its list is may be said by a word that is a key of its targets as well."""
    both = {key: {"anyOf": [own[key], fields[key]]} for key in PLACES if key in fields}
    return {**own, **both}


def vantages() -> Schema:
    """Return the schema of the vantage points."""
    return {
        "description": "the places from where targets are looked at, beside the default one",
        **_NAMED,
        "additionalProperties": {"type": "object", "additionalProperties": False},
    }


def common_fields(kind: str) -> dict[str, Schema]:
    """Return the schemas of the keys that targets of every kind have."""
    tag = {"anyOf": [{"type": "string", "pattern": f"^{NAME}$"}, {"$ref": "#/$defs/variable"}]}
    tags = {"type": "array", "minItems": 1, "items": tag}
    name = {"type": "string", "minLength": 1}
    places = {"type": "array", "minItems": 1, "uniqueItems": True, "items": name}
    return {
        "expect": {"$ref": f"#/$defs/{kind}.expect"},
        "tags": {"description": "words by which targets are chosen: tag:dc1", **tags},
        "from": {"description": "from where it is looked at: dmz, or several", "anyOf": [name, places]},
    }


def needed_alone(needed: Mapping[str, Schema]) -> Schema:
    """Return what is needed of targets in a document without groups; `needed` says it of each kind."""
    elsewhere = {"anyOf": [{"required": [word]} for word in _ELSEWHERE]}
    return {"if": {"not": elsewhere}, "then": {"properties": dict(needed)}}


def _table(fields: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "minProperties": 1, "properties": dict(fields), "additionalProperties": False}


def _template(kind: str, keys: Mapping[str, dict[str, Schema]]) -> Schema:
    return _table({**keys[kind], "kind": {"description": "the kind of its targets", "const": kind}})


def _group(keys: Mapping[str, dict[str, Schema]]) -> Schema:
    names = {
        "description": "the names of its targets: web[001:400]",
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "minLength": 1},
    }
    made = {kind: _made_of(kind, keys, {"names": names}) for kind in keys}
    either = [{"required": ["kind"]}, {"required": ["template"]}]
    return {**_by_kind(made), "anyOf": either, "required": ["names"]}


def _made_of(kind: str, keys: Mapping[str, dict[str, Schema]], own: Mapping[str, Schema]) -> Schema:
    """Return the schema of a table of targets of a kind, with the keys of its own."""
    template = {"description": "the template that they are made of", "type": "string", "pattern": f"^{NAME}$"}
    made = _template(kind, keys)
    made["properties"] |= {**own, "template": template}
    return made


def _by_kind(made: Mapping[str, Schema]) -> Schema:
    """Return a schema that is that of the kind which is said; where none is, that of any."""
    chosen = [
        {"if": {"required": ["kind"], "properties": {"kind": {"const": kind}}}, "then": schemas}
        for kind, schemas in made.items()
    ]
    unsaid = {"if": {"not": {"required": ["kind"]}}, "then": {"anyOf": list(made.values())}}
    return {"type": "object", "properties": {"kind": {"enum": list(made)}}, "allOf": [*chosen, unsaid]}
