"""Alerting rules, as Prometheus's API tells them: their alerts, their labels, and whether they are evaluated."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ...core.errors import UnknownError
from .._ages import server_now
from .._web import Web
from ._api import ask, instant, outdated, seconds, unlike

_FIRING = ("firing", "alerting")
"""The state of an alert that fires, in Prometheus's words and in Grafana's."""
_TEMPLATE = "{{"
_NO_ALERTS = "ALERTS|ALERTS_FOR_STATE"


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """An alerting rule: its name and fixed labels, whether it fires, and the labels and start of each of its alerts.

    `doubt` says why it tells nothing of now, `unevaluated` whether that is because it was not evaluated yet; `error`
    is why its last evaluation failed.
    """

    name: str
    labels: Mapping[str, str]
    firing: bool
    alerts: tuple[tuple[Mapping[str, str], bool, str], ...]
    error: str | None
    doubt: str | None

    @property
    def tells(self) -> str | None:
        """Say why it tells nothing; None where it does."""
        return self.error or self.doubt


def alerting_rules(web: Web) -> list[AlertingRule]:
    """Return every alerting rule that is loaded. Raises UnknownError where not all of them can be told."""
    found, answer = ask(web, "rules", {"type": "alert"})
    if found.get("groupNextToken"):
        raise UnknownError("the answer has only the first of the rule groups; ask Prometheus without a limit")
    now = server_now(answer)
    try:
        return [
            _rule(rule, group, now)
            for group in found.get("groups") or []
            for rule in group.get("rules") or []
            if rule.get("type") == "alerting"
        ]
    except (KeyError, TypeError, AttributeError, ValueError):
        raise unlike("a rule") from None


def _rule(data: Mapping[str, Any], group: Mapping[str, Any], now: float) -> AlertingRule:
    health = str(data.get("health") or "ok").lower()
    age = outdated(data.get("lastEvaluation") or group.get("lastEvaluation"), now, seconds(group.get("interval")))
    error = doubt = None
    if health == "unknown" or age == "never":
        doubt = "it has not been evaluated yet; ask again in a minute"
    elif health != "ok":
        error = str(data.get("lastError") or f"its health is {health}").partition("\n")[0]
    elif age:
        doubt = f"its last evaluation is {age}; check whether its rule group hangs, or the clock there"
    alerts = tuple(
        (dict(alert["labels"]), str(alert.get("state")).lower() in _FIRING, str(alert.get("activeAt") or ""))
        for alert in data.get("alerts") or []
    )
    fires = str(data.get("state")).lower() in _FIRING
    return AlertingRule(str(data["name"]), dict(data.get("labels") or {}), fires, alerts, error, doubt)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule, or one alert of it that fires. `state` is `firing` or `not firing`; pending is not."""

    subject: str
    state: str | None
    why: str | None = None


def alerts_of(rule: AlertingRule, labels: Mapping[str, str]) -> Iterator[Alert]:
    """Yield the alerts of a rule that fire and have the labels; the rule where none does, or where it tells nothing."""
    firing = [(have, since) for have, fires, since in rule.alerts if fires]
    chosen = [(have, since) for have, since in firing if labels.items() <= have.items()]
    for have, since in chosen:
        yield Alert(_described(rule.name, have, since), "firing")
    unlisted = rule.firing and not firing
    if rule.tells:
        yield Alert(rule.name, None, f"the rule tells nothing: {rule.tells}")
    if unlisted and (open_ := _left_open(rule, labels)) is not None:
        if open_:
            asked = ", ".join(f"{name} = {labels[name]}" for name in sorted(open_))
            yield Alert(rule.name, None, f"it fires, but its alerts are not listed, so whether with {asked} is unknown")
        else:
            yield Alert(f"{rule.name} (its alerts are not listed)", "firing")
    elif not chosen and not rule.tells:
        yield Alert(rule.name, "not firing")


def _described(name: str, labels: Mapping[str, str], since: str) -> str:
    """Say which alert it is: its name, the labels by which people know a thing, and since when."""
    first = [key for key in ("job", "instance") if key in labels]
    rest = sorted(key for key in labels if key not in (*first, "alertname", "severity"))
    about = [f"{key}={labels[key]}" for key in [*first, *rest]]
    with suppress(ValueError):
        about.append(f"since {dt.datetime.fromisoformat(since).astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC")
    return f"{name} ({', '.join(about)})" if about else name


def _left_open(rule: AlertingRule, labels: Mapping[str, str]) -> frozenset[str] | None:
    """Return which of the labels an alert of this rule may get from its series; None where it can't have them all."""
    fixed = {**rule.labels, "alertname": rule.name}
    if any(fixed.get(name, value) != value and _TEMPLATE not in fixed[name] for name, value in labels.items()):
        return None
    return frozenset(name for name, value in labels.items() if fixed.get(name) != value)


def require_possible(web: Web, rules: Iterable[AlertingRule], labels: Mapping[str, str]) -> None:
    """Raise UnknownError where no alert of any rule can have the labels: then none could ever fire.

    A label that no rule fixes comes from the series, so there has to be one that has it.
    """
    rules = list(rules)
    if any(labels.items() <= have.items() for rule in rules for have, _, _ in rule.alerts):
        return
    open_labels = {open_ for rule in rules if (open_ := _left_open(rule, labels)) is not None}
    if frozenset() in open_labels:
        return
    templates = {name for rule in rules for name, value in rule.labels.items() if _TEMPLATE in value}
    for names in sorted(open_labels, key=lambda each: (len(each), sorted(each))):
        if names <= templates or _has_series(web, {name: labels[name] for name in names}):
            return
    raise UnknownError(_impossible(rules, labels))


def _has_series(web: Web, labels: Mapping[str, str]) -> bool:
    if not all(re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) and value for name, value in labels.items()):
        return False
    wanted = ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
    found, _ = instant(web, f'count({{{wanted},__name__!~"{_NO_ALERTS}"}})')
    return bool(found.get("result"))


def _impossible(rules: list[AlertingRule], labels: Mapping[str, str]) -> str:
    """Say which label no rule has, and which ones there are."""
    for name, value in labels.items():
        known = {rule.name if name == "alertname" else rule.labels.get(name) for rule in rules} - {None}
        if value not in known:
            there = ", ".join(sorted(map(str, known))[:10])
            having = f"there are: {there}" if known else f"no rule has a label {name!r}, and no series has that value"
            return f"no alerting rule has {name} = {value}, so no alert with it can fire; {having}"
    asked = ", ".join(f"{name} = {value}" for name, value in labels.items())
    return f"no alerting rule has all of {asked}, so no alert with them can fire; see the Rules page"
