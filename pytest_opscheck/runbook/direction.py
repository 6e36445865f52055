"""Limits out of numbers: the direction comes from what is measured, and from the kind of words around the number."""

from __future__ import annotations

from dataclasses import dataclass

from .metrics import EITHER, LOW, Metric
from .quantities import Quantity
from .words import Role

_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_UPPER = ("<", "<=")
_WHOLE = 100
FREE_KEYS = ("disk", "memory", "cpu", "inodes", "connections", "redis_memory")
"""What is measured as used, and told as free as well."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A limit that a line of the runbook says, with the severity of breaking it where it names one."""

    severity: str | None
    limit: str
    line: int = 0
    sure: bool = True
    alarm: bool = False
    """Whether the words say what should not be."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A number that makes no limit, and why."""

    why: str


def rung(
    metric: Metric, quantity: Quantity, role: Role, severity: str | None, line: int, *, free: bool = False
) -> Rung | Unread:
    """Return the limit that a number says of a metric.

    role: NORMAL where the words say what should be, ALARM where they say what should not.
    """
    number, unit, operator = quantity.number, _unit(metric, quantity), quantity.operator
    if not metric.takes(unit):
        return Unread(f"the unit {quantity.unit or 'of a count'} does not fit {metric.check or metric.key}")
    if quantity.denied:
        operator, role = _NEGATED.get(operator, operator), Role.NORMAL
    if free and metric.key in FREE_KEYS:
        if unit != "%" or quantity.high:
            return Unread(f"{metric.check} measures what is used, and this is what is free")
        number, operator = f"{_WHOLE - float(number):g}", _MIRRORED.get(operator, operator)
    limit_read = _said(metric, quantity, operator, number, role)
    if limit_read is None:
        return Unread("a number that nothing compares")
    if limit_read == ("<=", "0") and unit == "":
        limit_read = ("==", "0")
    limit = f"{limit_read[0]} {limit_read[1]}{unit}"
    agrees = severity is not None or role is not Role.ALARM or _is_alarm(metric, operator)
    return Rung(
        severity, limit, line, agrees and unit == quantity.unit, role is Role.ALARM or _is_alarm(metric, operator)
    )


def _unit(metric: Metric, quantity: Quantity) -> str:
    """Return the unit of a number; a bare one of what is only told in percent is a percentage."""
    if quantity.unit == "" and metric.dimensions == ("percentage",) and float(quantity.number) <= _WHOLE:
        return "%"
    return quantity.unit


def _is_alarm(metric: Metric, operator: str) -> bool:
    return (
        bool(operator)
        and operator != "=="
        and metric.good != EITHER
        and (operator in _UPPER) is not (metric.good == LOW)
    )


def _said(metric: Metric, quantity: Quantity, operator: str, number: str, role: Role) -> tuple[str, str] | None:
    """Return the operator and the number of what should be."""
    if quantity.high is not None:
        return _of_range(metric, quantity, role)
    if not operator:
        return _of_bare(metric, number, role)
    if operator == "==":
        return _of_equal(metric, number, role)
    if operator == "!=":
        return (operator, number) if metric.good == EITHER else None
    if metric.good == EITHER:
        return (_NEGATED[operator] if role is Role.ALARM else operator), number
    return (_NEGATED[operator] if _is_alarm(metric, operator) else operator), number


def _of_range(metric: Metric, quantity: Quantity, role: Role) -> tuple[str, str] | None:
    low, high = quantity.number, quantity.high or quantity.number
    if metric.good == EITHER:
        return None
    if metric.good == LOW:
        return ("<", low) if role is Role.ALARM else ("<=", high)
    return (">", high) if role is Role.ALARM else (">=", low)


def _of_bare(metric: Metric, number: str, role: Role) -> tuple[str, str] | None:
    if metric.good == EITHER or role not in (Role.NORMAL, Role.ALARM):
        return ("==", number) if metric.good == EITHER and role is Role.NORMAL else None
    upper = metric.good == LOW
    if role is Role.ALARM:
        return ("<" if upper else ">"), number
    if float(number) == 0:
        return "==", number
    return ("<=" if upper else ">="), number


def _of_equal(metric: Metric, number: str, role: Role) -> tuple[str, str] | None:
    if role is Role.ALARM:
        return None
    if metric.good == EITHER or float(number) == 0:
        return "==", number
    return ("<=" if metric.good == LOW else ">="), number
