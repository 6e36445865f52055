"""A baseline: what several looks saw before a deploy, as a file that can be carried to where the deploy is judged."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..core.results import Counted, Result, Run
from ..files import private
from ..inventory import Inventory
from ..probes import Target
from .blind import machines

SCHEMA = "opscheck.baseline/1"


class GateError(Exception):
    """What keeps a gate from judging; the message says what to do."""


@dataclass(frozen=True)
class Baseline:
    """What was seen before a deploy: the first look is of the whole suite, the others of what is compared.

    expected: of each result what was expected and how it was measured, as one text: where it differs, so would values.
    deploy: the deploy that it was recorded for, as the pipeline calls it. version: what ran then, where that is known.
    """

    inventory: str
    suite: str
    vantage: str
    recorded: dt.datetime
    looks: tuple[Run, ...]
    expected: Mapping[str, str] = field(default_factory=dict)
    deploy: str | None = None
    version: str | None = None

    @cached_property
    def results(self) -> Mapping[str, Result]:
        """Return what the look of the whole suite saw, by result id."""
        return {result.id: result for result in self.looks[0].results}

    @property
    def counters(self) -> Mapping[str, tuple[Counted, ...]]:
        """Return what counters said in the look of the whole suite, by result id."""
        return {name: result.counters for name, result in self.results.items() if result.counters}

    def to_json(self) -> dict[str, Any]:
        """Return it as its file has it, with its own hash."""
        data = {
            "schema": SCHEMA,
            "inventory": self.inventory,
            "suite": self.suite,
            "vantage": self.vantage,
            "recorded": self.recorded.isoformat(timespec="milliseconds"),
            "deploy": self.deploy,
            "version": self.version,
            "expected": dict(self.expected),
            "looks": [look.to_json() for look in self.looks],
        }
        return data | {"hash": _hash(data)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Baseline:
        """Make it of its plain data. Raises ValueError where that was changed, or is something else."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"its schema is {data.get('schema')!r}, and that of a baseline is {SCHEMA!r}")
        if data.get("hash") != _hash({key: value for key, value in data.items() if key != "hash"}):
            raise ValueError("it was changed since it was recorded: its hash is another one")
        return cls(
            inventory=data["inventory"],
            suite=data["suite"],
            vantage=data["vantage"],
            recorded=dt.datetime.fromisoformat(data["recorded"]),
            looks=tuple(map(Run.from_json, data["looks"])),
            expected=data["expected"],
            deploy=data["deploy"],
            version=data["version"],
        )


def expected_of(inventory: Inventory, suite: str) -> dict[str, str]:
    """Return of each check of a suite what is expected, and where and how it is measured."""
    return {
        each.id: f"{each.limits}; {_where(each.target.keys)}; {sorted(each.params.items())}"
        for each in inventory.expectations
        if suite in each.suites
    }


def _where(keys: Target) -> str:
    """Return where a target is, without its secrets."""
    return keys.where() or ", ".join(filter(None, machines(keys)))


def write(baseline: Baseline, file: Path) -> None:
    """Write a baseline, at once and whole. Raises OSError."""
    private.make_folder(file.resolve().parent)
    private.write(json.dumps(baseline.to_json()).encode("utf-8", "backslashreplace"), file)


def read(file: Path) -> Baseline:
    """Read a baseline. Raises GateError where there is none."""
    try:
        return Baseline.from_json(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise GateError(f"there is no baseline {file}; before the deploy record one: opscheck gate before") from None
    except OSError as error:
        raise GateError(f"the baseline {file} can't be read: {error.strerror or error}") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise GateError(f"{file} is not a baseline: {error}; record one: opscheck gate before") from None


def _hash(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
