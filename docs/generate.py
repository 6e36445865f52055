"""Writes docs/checks.md from the shipped checks and the kinds of targets: `python docs/generate.py`."""

from __future__ import annotations

import importlib
import inspect
import textwrap
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from pytest_opscheck._check import EVERY_SUITE, GIVEN, Check, check_of
from pytest_opscheck.catalogue import kinds, shipped_files
from pytest_opscheck.core.limits import Ladder, Limit
from pytest_opscheck.probes import Kind

PAGE = Path(__file__).with_name("checks.md")
HEAD = """# The shipped checks

This page is written by `docs/generate.py` from the checks themselves.

Each kind of target has keys, and checks that run by default or where the inventory says them. A check's default limits,
severity and suites can be said otherwise, see [inventory.md](inventory.md). `any suite` means every suite in which
another check of the target runs. In a next step `{subject}` stands for what is worst, `{target}` for where.
"""


@dataclass(frozen=True)
class Said:
    """What a check's docstring says below its title: what exactly is judged, what that needs, and an example."""

    definition: str
    needs: str
    example: str

    @classmethod
    def of(cls, docstring: str) -> Said:
        """Read a docstring: a paragraph `Needs: ...`, and last `Example:` with a block of TOML, are set apart."""
        text, _, example = docstring.partition("\nExample:\n")
        text, _, needs = text.partition("\nNeeds: ")
        return cls(text.partition("\n")[2].strip(), needs.strip(), textwrap.dedent(example).strip())


def page() -> str:
    """Return the page."""
    functions = list(said())
    parts = [HEAD]
    for kind in kinds().values():
        parts.append("\n".join(_kind(kind)))
        parts += ["\n".join(_check(check, text)) for check, text in functions if check.kind == kind.name]
    return "\n".join(parts)


def said() -> Iterator[tuple[Check, Said]]:
    """Yield every shipped check, and what its docstring says."""
    for file in shipped_files():
        module = importlib.import_module(f"pytest_opscheck.checks.{file.stem}")
        for value in vars(module).values():
            if (check := check_of(value)) is not None:
                yield check, Said.of(inspect.getdoc(value) or "")


def _kind(kind: Kind) -> Iterator[str]:
    yield f"\n## {kind.name}\n\n{kind.summary[0].upper()}{kind.summary[1:]}.\n"
    fields = kind.target.model_fields
    if fields:
        yield "| key | | meaning |\n| --- | --- | --- |"
        for name, info in fields.items():
            yield f"| `{name}` | {_default(info)} | {info.description or ''} |"
        yield ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "needed"
    default = info.get_default(call_default_factory=True)
    return "" if default is None or default in ("", (), []) else f"default `{_shown(default)}`"


def _shown(value: Any) -> str:
    if isinstance(value, Ladder):
        return ", ".join(f"{severity} {limit}" for severity, limit in value.texts().items())
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _check(check: Check, text: Said) -> Iterator[str]:
    name = f"{check.name}.NAME" if check.family else check.name
    yield f"### {check.kind}.{name}\n\n{check.title}.\n"
    if text.definition:
        yield text.definition + "\n"
    suites = ", ".join("any suite" if suite == EVERY_SUITE else suite for suite in check.suites)
    when = "by default" if check.on_by_default else "where said"
    limits = f"`{check.limits}`" if check.limits is not None else "none; the inventory says what is expected"
    yield f"- runs {when}, in {suites}\n- default limit: {limits}; a single limit breaks with {check.severity}"
    units = [
        {"": "a count", "set": "a set of texts"}.get(unit, unit) for unit in check.units if unit not in ("*", "text")
    ]
    if units:
        yield f"- limited in: {', '.join(units)}"
    for parameter, info in check.probe.params.model_fields.items():
        if parameter in GIVEN:
            continue
        short = "; the short form sets it" if parameter == check.takes else ""
        yield f"- `{parameter}`: {_type(info.annotation)}{', ' if _default(info) else ''}{_default(info)}{short}"
    if text.needs:
        yield f"- needs: {' '.join(text.needs.split())}"
    if check.action:
        yield f"- next step: {check.action}"
    yield f"\n```toml\n{text.example}\n```\n" if text.example else ""


def _type(annotation: Any) -> str:
    names = {
        str: "a text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        Limit: "a limit",
        Ladder: "limits",
    }
    if annotation in names:
        return names[annotation]
    arguments = [each for each in typing.get_args(annotation) if each not in (type(None), Ellipsis)]
    origin = typing.get_origin(annotation)
    if origin in (tuple, list):
        return f"a list, each {_type(arguments[0])}"
    if origin is dict:
        return f"a table, each {_type(arguments[1])}"
    if origin is typing.Annotated:
        return _type(arguments[0])
    return (
        " or ".join(dict.fromkeys(_type(each) for each in arguments))
        if arguments
        else getattr(annotation, "__name__", "a value")
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
