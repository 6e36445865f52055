"""Patterns of an inventory as a host's grep -E takes them: they mean there what they say here, or are refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

_CLASSES = {"w": "[[:alnum:]_]", "W": "[^[:alnum:]_]", "s": "[[:space:]]", "S": "[^[:space:]]"}
_ANCHORS = "bB<>"
_INSTEAD = {
    "d": "[0-9]", "D": "[^0-9]", "t": "[[:blank:]]", "h": "[[:blank:]]", "A": "^",
    "n": "$, as a pattern is looked for in one line", "Z": "$", "z": "$", "r": "$, as line ends are left out",
}  # fmt: skip
_IN_SETS = {"d": "0-9", "w": "[:alnum:]_", "s": "[:space:]", "t": "[:blank:]"}
_HINT = "none of an extended regular expression, which is what grep -E takes"
_MOST = 512
"""How many letters a range beyond ASCII may have: each becomes an alternative."""
_HIGH = "[^[:print:][:cntrl:]]"
"""A byte that is none of ASCII. A letter beyond ASCII has two to four of them in UTF-8."""
_BEYOND = f"{_HIGH}{_HIGH}{_HIGH}?{_HIGH}?"


def extended(pattern: str, *, ignore_case: bool = False) -> str:
    """Return a pattern as grep -E takes it in the C locale, where a letter beyond ASCII is two to four bytes.

    Without that locale, text that is not UTF-8 would be passed over. Raises ValueError for what grep takes for
    something else than other searches do, and so would never match.
    """
    if "\n" in pattern:
        raise ValueError("a pattern is one line")
    made, at, atom = [], 0, False
    while at < len(pattern):
        letter, rest = pattern[at], pattern[at + 1 :]
        if letter == "\\":
            word, repeated = _escaped(rest[:1]), _repeats(pattern, at + 2)
            made.append(_single(word, repeated) if word.startswith("[^") else word)
            at, atom = at + 2, True
        elif letter == "[":
            end = _set_end(pattern, at)
            made.append(_set(pattern[at:end], ignore_case, repeated=_repeats(pattern, end)))
            at, atom = end, True
        else:
            if letter in "*+?" or (letter == "{" and _interval(rest)):
                _require_repeatable(pattern, at, atom)
            if letter == "|" or (letter == ")" and pattern[at - 1 : at] == "|"):
                _require_alternative(pattern, at)
            if letter == "(" and rest.startswith("?"):
                raise ValueError(f"(? is {_HINT}; {_group_hint(rest)}")
            if letter == "{" and _interval(rest):
                interval = rest[: rest.index("}") + 1]
                made.append("{" + interval)
                at += 1 + len(interval)
                continue
            made.append(_plain(letter, ignore_case, repeated=_repeats(pattern, at + 1)))
            atom = letter not in "(|^" if letter not in "*+?" else atom
            at += 1
    return "".join(made)


def _escaped(letter: str) -> str:
    if not letter:
        raise ValueError("a pattern does not end with a backslash; for the backslash itself write two")
    if letter in _CLASSES:
        return _CLASSES[letter]
    if letter in _ANCHORS:
        return f"\\{letter}"
    if letter.isascii() and letter.isdigit():
        raise ValueError(f"\\{letter}, what a group has matched once more, is {_HINT} everywhere; write it out")
    if letter.isascii() and letter.isalpha():
        instead = _INSTEAD.get(letter, "[0-9] for \\d, (a|b) for (?:a|b), a letter as it is")
        raise ValueError(f"\\{letter} is {_HINT}; write {instead}" + (f" for \\{letter}" if letter in _INSTEAD else ""))
    return f"\\{letter}" if letter in r"\.[]()*+?{}|^$" else letter


def _plain(letter: str, ignore_case: bool, *, repeated: bool) -> str:
    if letter == ".":
        return _single(letter, repeated)
    if letter == "{":
        return "[{]"
    if letter.isascii():
        return letter
    letters = _cases(letter) if ignore_case else [letter]
    return f"({'|'.join(letters)})"


def _cases(letter: str) -> list[str]:
    same = {letter, letter.lower(), letter.upper(), letter.title(), letter.casefold()}
    return sorted(each for each in same if len(each) == 1 and not each.isascii())


def _single(word: str, repeated: bool) -> str:
    """Return what stands for one letter of any kind, whole: where it is repeated without end, bytes do as well."""
    return word if repeated else f"({word}|{_BEYOND})"


def _repeats(pattern: str, at: int) -> bool:
    return pattern[at : at + 1] in ("*", "+")


def _interval(rest: str) -> bool:
    inner, closed, _ = rest.partition("}")
    low, comma, high = inner.partition(",")
    return bool(closed) and low.isdecimal() and (not comma or not high or high.isdecimal())


def _require_repeatable(pattern: str, at: int, atom: bool) -> None:
    if not atom:
        raise ValueError(f"there is nothing before the {pattern[at]} in {pattern[: at + 1]!r} that could be repeated; "
                         f"for the {pattern[at]} itself write [{pattern[at]}]")  # fmt: skip
    if pattern[at] in "?+" and at and pattern[at - 1] in "*+?}" and not _is_escaped(pattern, at - 1):
        lazy = pattern[at - 1 : at + 1]
        raise ValueError(
            f"{lazy} is {_HINT}; a line is counted however much of it matches, so leave the {pattern[at]} out"
        )


def _is_escaped(pattern: str, at: int) -> bool:
    before = pattern[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _require_alternative(pattern: str, at: int) -> None:
    """Refuse an alternative that is empty: every line matches it."""
    empty = at == 0 or (pattern[at - 1] in "(|" and not _is_escaped(pattern, at - 1))
    if empty or (pattern[at] == "|" and at == len(pattern) - 1):
        raise ValueError(f"an alternative is empty before or behind a | in {pattern!r}, and so every line matches")


def _group_hint(rest: str) -> str:
    if rest.startswith("?:"):
        return "write (a|b) for (?:a|b)"
    if rest[1:2] in ("=", "!", "<"):
        return "what must not stand in a line goes into `ignore`"
    return "use ignore_case = true for (?i), and write (a|b) for (?:a|b)"


def _set_end(pattern: str, at: int) -> int:
    """Return where a set in brackets that begins here has ended; the pattern's end where it has not."""
    here = at + 1 + pattern[at + 1 :].startswith("^")
    here += pattern[here : here + 1] == "]"
    while here < len(pattern) and pattern[here] != "]":
        kind = pattern[here + 1 : here + 2]
        if pattern[here] == "[" and kind and kind in ":.=":
            end = pattern.find(f"{kind}]", here + 2)
            here = end + 2 if end > 0 else len(pattern)
        else:
            here += 1
    return min(here + 1, len(pattern))


def _set(text: str, ignore_case: bool, *, repeated: bool) -> str:
    """Return a set: letters beyond ASCII, of which only single bytes could be members, become alternatives."""
    if not text.endswith("]") or len(text) < 3:  # noqa: PLR2004 - not closed, of which grep says more
        return text
    negated = text[1] == "^"
    inner = text[2:-1] if negated else text[1:-1]
    _require_plain(inner, text)
    if inner.isascii():
        return _single(text, repeated) if negated else text
    members, ascii_ = _members(inner, ignore_case)
    if negated:
        raise ValueError(
            f"{text} leaves out letters beyond ASCII, whose set is unknown here; list what may match there"
        )
    kept = [f"[{ascii_}]"] if ascii_ else []
    return f"({'|'.join([*kept, *sorted(members)])})"


def _require_plain(inner: str, text: str) -> None:
    """Refuse a backslash that is meant to escape: in brackets it is a letter as any other."""
    at = 0
    while (at := inner.find("\\", at)) >= 0:
        after = inner[at + 1 : at + 2]
        if after == "\\":
            at += 2
            continue
        if after.isalnum() or after in ("", "-", "^") or (after == "]"):
            instead = f"write [{_IN_SETS[after]}]" if after in _IN_SETS else (
                "] comes first in brackets, - last, ^ anywhere but first: []^-]")  # fmt: skip
            raise ValueError(f"in brackets a backslash stands for itself, so {text} is not what it seems; {instead}")
        at += 1


def _members(inner: str, ignore_case: bool) -> tuple[set[str], str]:
    """Return the members of a set that are beyond ASCII, and the rest of it."""
    found: set[str] = set()
    kept = ""
    at = 0
    while at < len(inner):
        low = inner[at]
        if inner[at + 1 : at + 2] == "-" and at + 2 < len(inner):
            high = inner[at + 2]
            if low.isascii() and high.isascii():
                kept += inner[at : at + 3]
            elif low.isascii() or not 0 <= ord(high) - ord(low) < _MOST:
                raise ValueError(f"[{low}-{high}] has too many letters; write the range of one alphabet, or none")
            else:
                found.update(map(chr, range(ord(low), ord(high) + 1)))
            at += 3
        else:
            kept, at = (kept + low, at + 1) if low.isascii() else (kept, at + 1)
            if not low.isascii():
                found.add(low)
    return ({each for low in found for each in _cases(low)} if ignore_case else found), kept


def _valid(pattern: str) -> str:
    extended(pattern)
    return pattern


Pattern = Annotated[str, AfterValidator(_valid)]
"""An extended regular expression (POSIX, as grep -E takes it)."""
