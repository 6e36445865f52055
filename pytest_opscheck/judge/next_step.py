"""What to do about a breach: the action of its check, with the words that a shell takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection

from ..core.results import Measurement
from .subject import Subject

_PLACEHOLDER = re.compile(r"(?P<before>:? ?)\{(?P<name>target|subject|by_hand|asked)\}")
"""With what goes with it where there is no such command."""


def next_step(subject: Subject, action: str | None, measurements: Collection[Measurement]) -> str | None:
    """Return what to do about a breach. What could not be told says itself what to do about that.

    `{target}` in it becomes the target's address, or its name; `{subject}` what is worst, or else the target;
    `{by_hand}` the command by which people try the target themselves, `{asked}` the command or query of the check.
    """
    if action is None:
        return None
    target = subject.where or subject.target
    worst_first = breached(measurements)
    worst = worst_first[0].subject if worst_first else None
    words = {"target": target, "subject": worst or target}
    # In quotes of its own a quote is written in pieces, in which a secret would not be known.
    fit = {key: word if "'" not in word else subject.target for key, word in words.items()}
    commands = {"by_hand": subject.by_hand, "asked": subject.asked}

    def filled(found: re.Match[str]) -> str:
        if (name := found["name"]) in fit:
            return found["before"] + _typed(fit[name], action[: found.start("name") - 1])
        command = commands[name]
        return found["before"] + command if command is not None else ""

    return _PLACEHOLDER.sub(filled, action)


def _typed(word: str, before: str) -> str:
    """Return a word as a shell takes it, behind what stands before it: inside of quotes it is another shell's word.

    There the quotes end before it, and begin again behind it. An apostrophe within a word of prose is not a quote.
    """
    typed = shlex.quote(word)
    if typed == word:
        return word
    quotes = _open_quotes(re.sub(r"(?<=[a-z])'(?=[a-z])", "", before))
    if quotes and before.endswith(quotes[-1]):  # they are around the word alone
        typed = f"{quotes[-1]}{typed}{quotes.pop()}"
    for quote in reversed(quotes):
        typed = f"{quote}{shlex.quote(typed)}{quote}"
    return typed


def _open_quotes(text: str) -> list[str]:
    """Return the quotes that text leaves open, the outermost first."""
    opened: list[str] = []
    for quote in re.findall("['\"]", text):
        opened[:] = opened[: opened.index(quote)] if quote in opened else [*opened, quote]
    return opened


def breached(measurements: Collection[Measurement]) -> list[Measurement]:
    """Return what broke a limit and is not waived, the worst first."""
    return sorted((m for m in measurements if m.counts), key=lambda m: m.breached or "")
