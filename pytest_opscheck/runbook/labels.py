"""What stands around a text: the roles of the headings above it, and of the label in front of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .blocks import Block, Section
from .words import INACTIVE, Role, Vocabulary, is_alarm, is_normal, role_of, severity_in, suite_in

_WHOLE = re.compile(r"^\s*(\*{1,2}(?!\*)|_{1,2}(?!_))([^*\n]{1,120}?)\1\s*:?\s*$")
_COLON = re.compile(r"^\s*([^\n:`]{2,80}):\s*$")
_FRONT = re.compile(
    r"^\W{0,6}?(?<![*_])(?:\*{1,2}|_{1,2})(?![*_\s])([^*\n]{1,60}?)\s*:?\s*(?<!\s)(?:\*{1,2}|_{1,2})(?![*_\w])"
    r"\s*[:\u2013—-]?\s*(?=\S)|^\s*([A-ZÀ-Þ][^\n:`.]{1,40}?)\s?[:\uff1a]\s+(?=\S)"
)
_WHOLE_PAGE = re.compile(r"trouble|incident response|emergenc|roll ?back|disaster|störung|dépannage", re.IGNORECASE)
_WELL_WHEN = re.compile(
    r"\b(?:healthy|ok|fine|well|ready|good|successful|complete|done) (?:when|if|once)\b"
    r"|\bsuccess (?:criteria|indicators?)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a text: its role, the severity, the suite in which it is done."""

    role: Role = Role.NONE
    severity: str | None = None
    suite: str | None = None

    def within(self, other: Around) -> Around:
        """Return this as it is inside of another: what is inactive there is so here, and what is unsaid is as there."""
        role = other.role if other.role in INACTIVE and self.role not in INACTIVE else self.role
        if role is Role.NONE:
            role = other.role
        return Around(role, self.severity or other.severity, self.suite or other.suite)


def of_section(section: Section) -> Around:
    """Return what the headings above a block say."""
    found = Around()
    for place, each in enumerate(section.path):
        title = place == 0 and each.level == 1
        if title and not _WHOLE_PAGE.search(each.title):
            continue
        found = _of_title(each.title).within(found)
    return found


def _of_title(title: str) -> Around:
    role = role_of(title)
    if role is Role.NONE and is_alarm(title):
        role = Role.ALARM
    severity = severity_in(title) if role in (Role.ALARM, Role.ANSWER, Role.NONE) else None
    return Around(role, severity, suite_in(title))


def of_label(text: str, vocabulary: Vocabulary) -> Around:
    """Return what a label says: Expected, Warning, Symptoms, P1."""
    stripped = _QUOTED.sub("", text).strip()
    severity = severity_in(stripped)
    if vocabulary.is_expected(f"{stripped}:") or _WELL_WHEN.search(stripped):
        return Around(Role.NORMAL)
    role = role_of(stripped)
    if role is not Role.NONE and not (severity and role in (Role.TROUBLE, Role.ANSWER)):
        return Around(role, severity)
    if severity is not None or is_alarm(stripped):
        return Around(Role.ALARM, severity)
    return Around(Role.NORMAL if is_normal(stripped) else Role.NONE)


def whole_label(block: Block) -> str | None:
    """Return the text of a block that is a label by itself: bold, or short and with a colon at its end; else None."""
    if len(block.lines) > 1:
        return None
    text = block.lines[0][1]
    if found := _WHOLE.match(text):
        return found[2].strip(" :")
    found = _COLON.match(text) if len(text.split()) <= 8 else None  # noqa: PLR2004 - a label is short
    return found[1].strip(" :") if found else None


def front_label(text: str) -> tuple[str, str] | None:
    """Return the label that a text begins with, and the rest; None where it has none."""
    found = _FRONT.match(text)
    return ((found[1] or found[2]).strip(" :"), text[found.end() :]) if found else None
