"""How a deploy is decided on: the table [gate]."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, WithJsonSchema

from ..core.ladders import severity_of
from ..core.units import parse_duration
from .problems import Problems, nearest
from .validation import note_validation

_PATH = ("gate",)


def _severity(value: Any, info: ValidationInfo) -> str:
    return severity_of(value, (info.context or {}).get("words", {}))


Severity = Annotated[str, BeforeValidator(_severity), WithJsonSchema({"type": "string", "minLength": 2})]
Duration = Annotated[float, BeforeValidator(parse_duration), WithJsonSchema({"type": ["string", "number"]})]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Version(_Table):
    """Where the version that runs is read: of an http target's JSON document."""

    target: str = Field(pattern=r"^http\..+", description="the http target that says its version, as http.api")
    json_: str = Field(alias="json", min_length=1, description="where it stands in its document, as JMESPath: version")
    instances: int = Field(default=20, ge=1, le=1000, description="how many new connections have to see it")


class Gate(_Table):
    """How a deploy is decided on."""

    suite: str | None = Field(default=None, description="the suite that decides; by default deploy_gate")
    roll_back_at: Severity = Field(default="P1", description="new breaches of this severity or worse roll back")
    undecided_at: Severity = Field(default="P1", description="an unknown of this severity or worse leaves it undecided")
    already_broken: Literal["ignore", "count"] = Field(
        default="ignore", description="what a breach is worth that was there before: nothing, or as much as a new one"
    )
    max_age: Duration = Field(default=6 * 3600.0, description="how old a baseline may be", validate_default=False)
    warm_up: int = Field(default=30, ge=0, le=1000, description="requests that are not measured, once it is ready")
    version: Version | None = Field(default=None, description="where the version that runs is read")
    rollback: str | None = Field(default=None, min_length=1, description="the runbook's page on rolling back")
    record: str | None = Field(default=None, min_length=1, description="a file that gets a line for each decision")


def read_gate(
    value: object, words: Mapping[str, str], suites: Collection[str], targets: Collection[str], problems: Problems
) -> Gate:
    """Return what the table says; the defaults where it says nothing, or nothing that can be meant."""
    if not isinstance(value, Mapping):
        problems.add(_PATH, "it must be a table: [gate]")
        return Gate()
    try:
        gate = Gate.model_validate(value, context={"words": words})
    except ValidationError as error:
        note_validation(error, problems, _PATH, value, Gate.model_fields)
        return Gate()
    if gate.suite is not None and gate.suite not in suites:
        problems.add((*_PATH, "suite"), f"unknown suite {gate.suite!r}; {nearest(gate.suite, suites)}")
    if gate.version is not None and gate.version.target not in targets:
        problems.add((*_PATH, "version", "target"), f"there is no target {gate.version.target!r}")
    return gate
