"""The JSON Schema of opscheck.toml, made of the kinds and their checks, so that editors complete and check the file."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from .._check import GIVEN, Check
from ..catalogue import added_checks, every_kind
from ..core.dayparts import Limits
from ..core.limits import SEVERITIES
from ..core.relative import BASELINE
from ..core.suites import SUITES
from ..core.units import UNITS, dimension
from ..probes import Kind
from .duties import schema as duties
from .exempt import ExemptTable
from .expectations import inner_parameter
from .gate import Gate
from .maintenance import schema as quiet
from .metrics import metrics_schema
from .model import FAIL_AT, NAME
from .notify import schema as notify
from .report import ALWAYS, CHANGE, SECURITIES
from .schedules import timing_schema
from .schema_forms import every, formed, lasting, with_variables, zone
from .schema_groups import SOURCE, common_fields, group_tables, needed_alone, source_table, vantages

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:opscheck:inventory:1"
_VARIABLE = r"\$\{[^}]+\}"
_UNSIGNED = r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_NUMBER = rf"-?{_UNSIGNED}"
_LIMIT = "of the check's own severity"
_SUITE = "[A-Za-z][A-Za-z0-9_]*"

Schema = dict[str, Any]


class _Generator(GenerateJsonSchema):
    """Leaves a default that JSON has no words for out, without a warning."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - as pydantic declares it


def schema(checks: Iterable[Check], words: Iterable[str] = ()) -> Schema:
    """Return the JSON Schema of an inventory, with the kinds of all packages; `words` are its own names of P0 to P3.

    Raises PackageError.
    """
    severities, kinds = [*SEVERITIES, *words], every_kind()
    made = _Maker((*checks, *added_checks(kinds)), severities)
    targets = {name: made.kind(kind) for name, kind in kinds.items() if name != SOURCE}
    return {
        "$schema": _DIALECT,
        "$id": ID,
        "$comment": f"made by pytest-opscheck {importlib.metadata.version('pytest-opscheck')}",
        "title": "opscheck.toml",
        "description": "The inventory of pytest-opscheck: targets, and what is expected of them",
        "type": "object",
        "properties": {
            "opscheck": _general(severities),
            "suites": _suites(),
            "history": _history(),
            "notify": notify(severities),
            **quiet(),
            "report": _report(severities),
            "gate": made.gate(),
            "severity": duties(severities),
            "vantage": vantages(),
            "runbook": made.exempt(),
            **targets,
            **group_tables(made.keys),
            SOURCE: source_table(made.keys, *made.keys_of(kinds[SOURCE])),
        },
        "additionalProperties": False,
        **needed_alone(made.needed),
        "$defs": {**_definitions(severities), **dict(sorted(made.definitions.items()))},
    }


class _Maker:
    """Makes the schemas of targets and expectations, and gathers the definitions that they refer to."""

    def __init__(self, checks: tuple[Check, ...], severities: list[str]) -> None:
        self._checks = checks
        self._severities = severities
        self.definitions: Schema = {}
        self.keys: dict[str, dict[str, Schema]] = {}
        """The keys of each kind's targets."""
        self.needed: dict[str, Schema] = {}
        """What each kind's targets need where there are no groups, out of which they may have it."""

    def gate(self) -> Schema:
        """Return the schema of the table [gate]."""
        fields, required = self._fields(Gate, "gate")
        for name in ("roll_back_at", "undecided_at"):
            fields[name] = {"description": fields[name]["description"], "$ref": "#/$defs/severity"}
        fields["max_age"] = {"description": fields["max_age"]["description"], "$ref": "#/$defs/time"}
        return _table(fields, required, description="how `opscheck gate` decides on a deploy")

    def exempt(self) -> Schema:
        """Return the schema of the table [runbook]."""
        fields, required = self._fields(ExemptTable, "runbook.exempt")
        entry = _table(fields, required, description="a statement of the runbook, or a section, and why")
        exempt = {"description": "what of the runbook need not be checked", "type": "array", "items": entry}
        return _table({"exempt": exempt}, description="the runbook, compared with this by `opscheck runbook verify`")

    def keys_of(self, kind: Kind) -> tuple[dict[str, Schema], list[str]]:
        """Return the keys of a kind's targets, and those that are needed."""
        return self._fields(kind.target, kind.name)

    def kind(self, kind: Kind) -> Schema:
        """Return the schema of a kind's table: targets by name."""
        fields, required = self._fields(kind.target, kind.name)
        fields = formed(kind.name, fields)
        checks = [check for check in self._checks if check.kind == kind.name]
        families = {}
        for check in (check for check in checks if check.family):
            self.definitions[check.id], needed = self._question(check)
            fields[check.name] = _named({"anyOf": [{"$ref": f"#/$defs/{check.id}"}, {"const": False}]}, check.title)
            families[check.name] = {"additionalProperties": {"type": "object", "required": needed}}
        plain = {check.name: self._expectation(check) for check in checks if not check.family}
        expected = _table(plain, description="expectations, in addition to the checks that run by default")
        self.definitions[f"{kind.name}.expect"] = expected
        self.keys[kind.name] = fields | common_fields(kind.name)
        self.needed[kind.name] = {"additionalProperties": {"required": required, "properties": families}}
        self.definitions[kind.name] = _table(self.keys[kind.name], description=kind.summary)
        return _named({"$ref": f"#/$defs/{kind.name}"}, kind.summary)

    def _expectation(self, check: Check) -> Schema:
        """Return the schema of one expectation: its short and its long form."""
        limit, limits = self._limits(check)
        fields, required = self._fields(check.params, check.id, without=set(GIVEN))
        forms: list[Schema] = [{"const": False}]
        if check.limits is not None and not check.needs:
            forms.append({"const": True})
        if check.takes is not None:
            forms.append(fields[check.takes])
        if check.takes is None or check.limits is None:
            forms.append(limits)
        inner = inner_parameter(check)
        rest: Schema | bool = False
        if inner is not None:
            required = [name for name in required if name != inner]
            rest = fields[inner].get("additionalProperties", True)
        long = {**_common(), **fields, **_rungs(self._severities, limit), "limit": {"description": _LIMIT, **limits}}
        forms.append(_table(long, required, rest=rest))
        return {"title": check.title, "description": _describe(check), "anyOf": forms}

    def _question(self, check: Check) -> tuple[Schema, list[str]]:
        """Return the schema of one question of a family, and what it needs."""
        fields, required = self._fields(check.params, check.id, without=set(GIVEN))
        if not check.carries_limits:
            fields["expect"] = self._limits(check)[1]
            required = [*required, *(["expect"] if check.limits is None else [])]
        made = _table({**_common(), **fields}, title=check.title, description=_describe(check))
        return made, required

    def _limits(self, check: Check) -> tuple[Schema, Schema]:
        """Return references to one limit in the units of a check, and to all the forms in which several may stand."""
        measured = _word(check.well) or "-".join(sorted(check.dimensions)) or "anything"
        measured += "-signed" if _signed(check) else ""
        limit, limits = (f"limit.{measured}", f"limits.{measured}")
        refer = {"$ref": f"#/$defs/{limit}"}
        ladder = {"during": {"$ref": "#/$defs/during"}, "limit": refer, **_rungs(self._severities, refer)}
        entry = _table(ladder) | {"minProperties": 1}
        several = {"type": "array", "items": {"anyOf": [refer, entry]}, "minItems": 1}
        self.definitions[limit] = _limit(check)
        self.definitions[limits] = {"anyOf": [refer, entry, several]}
        return refer, {"$ref": f"#/$defs/{limits}"}

    def _fields(
        self, model: type[BaseModel], owner: str, without: Iterable[str] = ()
    ) -> tuple[dict[str, Schema], list[str]]:
        """Return a model's fields and which of them are required; its definitions move to the document's own."""
        made = model.model_json_schema(schema_generator=_Generator, ref_template=f"#/$defs/{owner}.{{model}}")
        for name, definition in made.get("$defs", {}).items():
            self.definitions[f"{owner}.{name}"] = with_variables(definition)
        fields = {
            name: with_variables(field) for name, field in made.get("properties", {}).items() if name not in without
        }
        return fields, [name for name in made.get("required", []) if name not in without]


def _definitions(severities: list[str]) -> Schema:
    return {
        "variable": {"type": "string", "pattern": _VARIABLE, "description": "filled in from the environment"},
        "severity": {"anyOf": [{"enum": severities}, {"$ref": "#/$defs/variable"}]},
        "during": {
            "type": "string",
            "description": "a part of the day in the inventory's time zone, for example 00:00-08:00",
            "pattern": rf"^\s*([01][0-9]|2[0-4]):[0-5][0-9]\s*-\s*([01][0-9]|2[0-4]):[0-5][0-9]\s*$|{_VARIABLE}",
        },
        "duration": {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"$ref": "#/$defs/time"},
            ]
        },
        "time": {"type": "string", "pattern": rf"^\s*{_UNSIGNED}\s*(ms|s|m|h|d)\s*$|{_VARIABLE}"},
        "suites": {
            "type": "array",
            "minItems": 1,
            "items": {
                "anyOf": [
                    {"enum": list(SUITES)},
                    {"type": "string", "pattern": f"^{_SUITE}$"},
                    {"$ref": "#/$defs/variable"},
                ]
            },
        },
        "text": {"type": "string", "pattern": r"\S"},
    }


def _general(severities: list[str]) -> Schema:
    text = {"$ref": "#/$defs/text"}
    fields = {
        "name": {"description": "what reports call this inventory; by default its folder", **text},
        "timezone": {"description": "defines `today` and times of day: Europe/Berlin", **zone()},
        "runbook": {"description": "where links to the runbook lead", **text},
        "severities": {
            "description": "other words for P0 (worst) to P3",
            "type": "object",
            "properties": {word: {"$ref": "#/$defs/severity"} for word in severities if word not in SEVERITIES},
            "additionalProperties": {"enum": list(SEVERITIES)},
        },
    }
    return _table(fields, description="settings of the whole inventory")


def _suites() -> Schema:
    fail_at = {"description": "breaches less severe than this warn, and do not fail the run", "default": FAIL_AT}
    timing = timing_schema()
    timing["every"] = every(timing["every"])
    suite = _table({"fail_at": {**fail_at, "$ref": "#/$defs/severity"}, **timing})
    own = {
        "type": "object",
        "description": "suites, what makes their runs fail, and their schedules",
        "propertyNames": {"pattern": f"^{_SUITE}$"},
    }
    return {**own, "properties": dict.fromkeys(SUITES, suite), "additionalProperties": suite}


def _history() -> Schema:
    variable = {"$ref": "#/$defs/variable"}
    url = {"type": "string", "pattern": "^postgres(ql)?://"}
    fields = {
        "url": {"description": "a PostgreSQL database; by default a file beside the reports", "anyOf": [url, variable]},
        "keep": {"description": "how long runs are kept", "default": "400d", "$ref": "#/$defs/time"},
    }
    return _table(fields, description="where past runs are kept")


def _report(severities: list[str]) -> Schema:
    text, variable = {"$ref": "#/$defs/text"}, {"$ref": "#/$defs/variable"}
    occasion = {"anyOf": [{"enum": [ALWAYS, CHANGE, *severities]}, variable]}
    fields = {
        "to": {"description": "the recipients", "anyOf": [text, {"type": "array", "minItems": 1, "items": text}]},
        "from": {"description": "the sender: ops@example.com, or Ops <ops@example.com>", **text},
        "server": {"description": "the SMTP server: smtp.example.com:587", **text},
        "security": {
            "description": "by default starttls, and tls on port 465",
            "anyOf": [{"enum": list(SECURITIES)}, variable],
        },
        "user": {"description": "the user to log in as", **text},
        "password": {"description": "the password: ${SMTP_PASSWORD}", **text},
        "ca": {
            "description": "a file of CA certificates to trust instead of the system's, from the inventory's folder",
            **text,
        },
        "when": {
            "description": "always, on change, or from a severity on; or a table of these by suite",
            "default": ALWAYS,
            "anyOf": [occasion, {"type": "object", "minProperties": 1, "additionalProperties": occasion}],
        },
    }
    mail = _table(fields, ["to", "from", "server"], description="who gets the report by mail")
    formats = {
        "description": "formats of packages, beside ours",
        "type": "array",
        "items": text,
    }
    keep = {"description": "how long dated reports are kept", "default": "90d"}
    return _table(
        {"keep": {**keep, "$ref": "#/$defs/time"}, "mail": mail, "metrics": metrics_schema(), "formats": formats},
        description="how long reports are kept, and where else they are sent",
    )


def _common() -> Schema:
    return {
        "suites": {"description": "the suites that it runs in", "$ref": "#/$defs/suites"},
        "severity": {"description": "of breaking a single limit", "$ref": "#/$defs/severity"},
        "id": {
            "description": "the id of the runbook's line that this covers, or several",
            "anyOf": [{"$ref": "#/$defs/text"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/text"}}],
        },
        "runbook": {
            "description": "a page, or an #anchor of the inventory's runbook, or several",
            "anyOf": [{"$ref": "#/$defs/text"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/text"}}],
        },
        "runbook_says": {
            "description": "the limit that the runbook says, where another one is meant: < 70%",
            "anyOf": [{"$ref": "#/$defs/text"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/text"}}],
        },
        "action": {
            "description": "the next step, shown with a breach; of several, the first whose condition holds; "
            "{subject} in it is what is worst, {target} is where, {by_hand} the command by which people try it, "
            "{asked} the check's own command or query",
            "anyOf": [{"$ref": "#/$defs/text"}, {"type": "array", "minItems": 1, "items": _step()}],
        },
        **lasting(),
        "timeout": {"description": "how long the probe may take, for example 30s", "$ref": "#/$defs/duration"},
    }


def _step() -> Schema:
    text = {"$ref": "#/$defs/text"}
    when = {"description": "the id of a check that is not ok: redis.hit_rate@cache", **text}
    return {"anyOf": [text, _table({"when": when, "action": text}, ["when", "action"])]}


def _limit(check: Check) -> Schema:
    """Return the schema of one limit in the units of a check."""
    dimensions = check.dimensions
    if check.well is not None:
        return {"type": "string", "pattern": rf"^\s*((==\s*)?{check.well}\s*$|(!=|~)\s*\S)|{_VARIABLE}"}
    if not dimensions or "text" in dimensions:
        return {"type": ["string", "number", "boolean"], "minLength": 1}
    if dimensions == {"set"}:
        return {"type": "string", "pattern": rf"^\s*((==|!=|contains|within)\s*)?\{{.*\}}\s*$|{_VARIABLE}"}
    units = [unit for unit in UNITS if dimension(unit) in dimensions]
    alternatives = "|".join(re.escape(unit) for unit in units if unit)
    unit = f"({alternatives}){'?' if '' in units else ''}" if alternatives else ""
    number = _NUMBER if _signed(check) else _UNSIGNED
    margin = rf"[+-]\s*{_UNSIGNED}\s*({'|'.join(['%', 'pp', *filter(None, map(re.escape, units))])})?"
    relative = rf"(<=?|>=?|==)\s*{BASELINE}\s*({margin})?"
    pattern = rf"^\s*((<=?|>=?|==|!=)\s*{number}\s*{unit}|{relative})\s*$|{_VARIABLE}"
    text = {"type": "string", "pattern": pattern}
    if "" not in units:
        return text
    bare = {"type": "number"} if _signed(check) else {"type": "number", "minimum": 0}
    return {"anyOf": [text, {"type": "string", "pattern": rf"^\s*{number}\s*$"}, bare]}


def _signed(check: Check) -> bool:
    """Tell whether a check's value may be below 0, so that a limit may be."""
    domains = [check.domain(measures) for measures in check.dimensions]
    return any(domain is not None and (domain.least is None or domain.least < 0) for domain in domains)


def _word(text: str | None) -> str:
    """Return a text as a part of a definition's name."""
    return re.sub(r"[^a-z0-9]+", "-", (text or "").lower())


def _rungs(severities: list[str], limit: Schema) -> Schema:
    return {name: {"description": f"broken, it is {name}", **limit} for name in severities}


def _named(schema: Schema, description: str) -> Schema:
    names = {"propertyNames": {"pattern": f"^{NAME}$"}, "minProperties": 1}
    return {"type": "object", "description": description, **names, "additionalProperties": schema}


def _table(
    fields: Mapping[str, Any], required: Iterable[str] = (), *, rest: Schema | bool = False, **words: str
) -> Schema:
    needed = {"required": names} if (names := list(required)) else {}
    return {"type": "object", **words, "properties": dict(fields), **needed, "additionalProperties": rest}


def _describe(check: Check) -> str:
    limits: Limits | None = check.limits
    default = (
        "off by default" if limits is None else f"by default {limits}" if check.on_by_default else f"expects {limits}"
    )
    suites = "every suite" if "*" in check.suites else ", ".join(check.suites)
    return f"{check.title}: {default}; in {suites}"
