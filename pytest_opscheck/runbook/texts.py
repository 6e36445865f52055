"""Paragraphs and entries of lists: labels, commands in a sentence, what is measured in words or said to be well."""

from __future__ import annotations

import re
from dataclasses import replace

from . import labels, metric_asks, metrics, numbers, quantities, schedules, sentences, shell
from .asks import Ask, ExpectedText
from .blocks import Block, Section
from .families import http
from .labels import Around
from .notes import Notes, Place
from .sentences import Sentence
from .statements import Fate, Statement
from .steps import OpenStep, Steps
from .words import INACTIVE, Role, is_normal, severity_in

LONGEST_LABEL = 3
"""A label that says how bad something is has no more words."""
_START = 40
_NEAR = 6
"""So many lines behind a step, a text of the same entry may still be about it."""
_ARROW = re.compile(r"^\s*(?:->|→|=>|⇒|#>|returns?|prints?|shows?|gives?|should|must|ok if)\s*", re.IGNORECASE)
_RULE = re.compile(r"`([A-Z][A-Za-z0-9]{3,79})`")
_HUMPS = re.compile(r"[A-Z][^A-Z]*[a-z][^A-Z]*[A-Z]|[A-Z]{2}")
_ALERTS = re.compile(r"alert|prometheus|rule|alarm", re.IGNORECASE)
_LISTS = re.compile(r"check ?list|\bchecks\b|health ?check|verification", re.IGNORECASE)
"""The titles of sections whose entries say what is to be looked at."""
_REQUIRES = re.compile(
    r"\b(?:should|must|only|has to|have to|there (?:is|are) to be|soll(?:te)?|muss|darf"
    r"|doit|doivent|nothing|nobody|no query|look for|expect)\b",
    re.IGNORECASE,
)
_MUST = re.compile(
    r"^\W*(?:it |this |that |they |these )?(?:must|should|has to|have to|muss|soll|doit)\b(?! not| never)",
    re.IGNORECASE,
)
_IN_NUMBERS = frozenset(("value", "count", "size", "rows", "plan_time", "errors", "process_memory"))
"""What commands measure of which a text need not say the name."""


class Texts:
    """Reads texts, one block after the other."""

    def __init__(self, notes: Notes, place: Place, steps: Steps) -> None:
        self._notes = notes
        self._place = place
        self._steps = steps

    def read(self, block: Block) -> None:
        """Read a block: a label, or sentences."""
        place = self._place
        if (label := labels.whole_label(block)) is not None and not self._says_expected(label):
            self._label(label, block)
            return
        place.expects_output = False
        around, place.topic = place.around(block), place.standing
        for sentence in sentences.of(block.lines):
            if sentence.is_entry:
                place.topic = place.standing
            self._sentence(sentence, block, around)

    def _says_expected(self, label: str) -> bool:
        """Tell whether a label alone says what is expected: `**Expected: at most 3**`."""
        return bool(quantities.read(label)) and ":" in label and self._place.vocabulary.is_expected(label)

    def _label(self, label: str, block: Block) -> None:
        place, found = self._place, labels.of_label(label, self._place.vocabulary)
        if not block.begins_item or block.depth == 0:
            place.label, place.label_at, place.label_text = found, (block.section.line, block.depth), label
        if found.role is not Role.NORMAL:
            self._steps.close()
        place.expects_output = found.role is Role.NORMAL and bool(self._steps)
        place.begin(label)
        self._notes.block(block, Fate.PROSE)
        self._notes.urls(label)

    def _sentence(self, sentence: Sentence, block: Block, around: Around) -> None:
        self._notes.urls(sentence.plain)
        here, text = self._labelled(sentence.plain, around, block), _without_severity(sentence.plain)
        alone = sentences.as_command(sentence.text) if not sentence.codes and sentence.first == sentence.last else None
        codes = [alone] if alone else [code for code in sentence.codes if sentences.is_command(code)]
        if codes:
            self._step(codes, sentence, block, here)
            if alone:
                return
        elif not self._measured(text, sentence, block, here):
            self._unmeasured(text, sentence, block, here)
        self._place.intro = text
        self._place.note_topic(text)

    def _labelled(self, text: str, around: Around, block: Block) -> Around:
        """Return what stands around a text, its own label included."""
        found = labels.front_label(text)
        if found is not None:
            return labels.of_label(found[0], self._place.vocabulary).within(around)
        expected = self._place.vocabulary.is_expected(text) or block.task
        return replace(around, role=Role.NORMAL) if expected and around.role not in INACTIVE else around

    def _step(self, codes: list[str], sentence: Sentence, block: Block, around: Around) -> None:
        """Open a step for each command of a sentence; what else the sentence says is of the last one."""
        self._steps.close()
        words = sentence.around if sentence.codes else re.sub(r"^[^(]*", "", sentence.text)
        title = labels.front_label(words)
        for code in codes:
            line = shell.read(shell.without_prompt(code)[0])
            first, last, text = sentence.first, sentence.last, sentence.plain
            opened = OpenStep(line, first, last, title[0] if title else "", around, block.section, text)
            opened.words = f"{words} {self._place.intro}"
            if line.comment:
                opened.expected_texts.append(ExpectedText(first, line.comment, Role.NORMAL, labelled=True))
            self._steps.open(opened)
        if words.strip():
            role = Role.NORMAL if block.task and around.role not in INACTIVE else around.role
            self._steps.last.expected_texts.append(
                ExpectedText(sentence.first, words.strip(" :()"), role, around.severity)
            )

    def _measured(self, text: str, sentence: Sentence, block: Block, around: Around) -> bool:
        """Read a sentence that names what it measures; tell whether it does."""
        if self._is_of_step(text) and self._attach(text, sentence, block, around):
            return True
        found = numbers.read(text, self._place.context(sentence.first, around))
        if not found.measured:
            return False
        statement = self._notes.statement(text, sentence.first, block.section, around.role)
        self._notes.measured(found, f"{text} {self._place.intro}", statement, around)
        for ask in self._rules(text, block.section):
            self._notes.found(ask, statement, around)
        self._timed(text, statement, around)
        self._notes.fates(sentence.first, sentence.last, Fate.PROPOSAL, block.section)
        return True

    def _is_of_step(self, text: str) -> bool:
        """Tell whether a text says what is expected of the step that was just read."""
        if not self._steps:
            return False
        asks = self._steps.fitting(text).asks
        own = {found.metric.key for found in metrics.find(text)}
        if not own and self._place.topic is not None and self._place.topic is not self._place.standing:
            own = {self._place.topic.key}  # it goes on about what the sentence before it measures
        keys = {ask.metric for ask in asks if ask.metric}
        keys |= {"containers" for ask in asks if ask.check in ("docker.up", "docker.healthy")}
        keys |= {"value" for ask in asks if ask.check == "metrics.present"}
        keys |= {"p95"} if "latency" in keys else set()
        if own and not own & keys:
            return bool(keys & _IN_NUMBERS) and self._place.vocabulary.is_expected(text)
        return bool(keys) and bool(quantities.read(text))

    def _unmeasured(self, text: str, sentence: Sentence, block: Block, around: Around) -> None:
        found = numbers.read(text, self._place.context(sentence.first, around))
        if self._attach(text, sentence, block, around):
            return
        statement = self._notes.statement(text, sentence.first, block.section, around.role)
        fate, reason = Fate.PROSE, ""
        if self._named(text, statement, block, around) or self._timed(text, statement, around):
            fate = Fate.PROPOSAL
        elif found.unread and found.compares and around.role is not Role.CONTACT:
            fate, reason = Fate.NOT_READ, found.unread[0]
        self._notes.fates(sentence.first, sentence.last, fate, block.section, reason)

    def _attach(self, text: str, sentence: Sentence, block: Block, around: Around) -> bool:
        """Have a text say what is expected of the step that was just read; tell whether it may."""
        if not self._steps or self._steps.last.section.line != block.section.line:
            return False
        expected = self._place.vocabulary.is_expected(sentence.plain)
        labelled = expected or text != sentence.plain or _is_severe(text)
        near = block.item == 0 or sentence.first - self._steps.last.last <= _NEAR
        own = not block.task or self._is_of_step(text)  # an item of a checklist is mostly a step of its own
        if not (labelled or (near and own and _says(text))):
            return False
        must = around.role is Role.NONE and _MUST.search(text) is not None
        role = Role.NORMAL if must or (expected and around.role not in INACTIVE) else around.role
        statement = ExpectedText(sentence.first, text, role, around.severity, labelled=labelled, shown=sentence.plain)
        self._steps.fitting(text).expected_texts.append(statement)
        return True

    def _named(self, text: str, statement: Statement, block: Block, around: Around) -> bool:
        """Read what is said to be well without a number: in a checklist, or where it is labelled as expected."""
        found = self._rules(text, block.section)
        listed = block.depth > 0 and (around.suite is not None or _LISTS.search(block.section.title) is not None)
        is_check = block.task or listed or around.role is Role.NORMAL or self._place.vocabulary.is_expected(text)
        if is_check or "`" in text or "replica" in text.lower() or "container" in text.lower():
            found += list(metric_asks.for_replicas(text))
        found += list(http.of_endpoint(text))
        if is_check and not found:
            found += list(metric_asks.for_phrase(text))
        for ask in found:
            self._notes.found(ask, statement, around, merges_only=ask.needs_limit)
        return bool(found)

    def _rules(self, text: str, section: Section) -> list[Ask]:
        """Return a check of the alerting rules that a text names, where it stands among alerts."""
        names = [name for name in _RULE.findall(text) if _HUMPS.search(name)]
        near = " ".join([self._place.label_text, *(each.title for each in section.path)])
        if not names or not _ALERTS.search(near):
            return []
        return [Ask("prometheus.rules", http.prometheus(None), keys={"names": names}, sure=0.75)]

    def _timed(self, text: str, statement: Statement, around: Around) -> bool:
        """Read times at which something is done; tell whether there is one."""
        title = next((each.title for each in reversed(statement.section.path)), "")
        found = list(schedules.asks(text, title))
        for ask in found:
            self._notes.found(ask, statement, around)
        return bool(found)


def _without_severity(text: str) -> str:
    """Return a text without a label that says how bad it is: `High Load: more than 150` measures no load."""
    found = labels.front_label(text)
    if found is None or not quantities.read(found[1]) or len(found[0].split()) > LONGEST_LABEL:
        return text
    measures = any(each.metric.key != "load" for each in metrics.find(found[0]))
    severe = severity_in(found[0]) is not None or is_normal(found[0])
    return found[1] if severe and not measures else text


def _is_severe(text: str) -> bool:
    """Tell whether a text begins with a label that says how bad it is, or that it is normal."""
    start = text[:_START]
    return labels.front_label(text) is not None and (severity_in(start) is not None or is_normal(start))


def _says(text: str) -> bool:
    """Tell whether a text says what should be: it compares, requires, or points at what comes out."""
    compares = any(each.use == "limit" and each.operator for each in quantities.read(text))
    return compares or _REQUIRES.search(text) is not None or _ARROW.match(text) is not None
