"""Fills variables in from the environment, and `${file:PATH}` from files, and tells which values are secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..core.secrets import secret_parts, secrets_at, secrets_in
from ..core.shapes import is_secret_key, known_tokens
from .absent import PART, stand_in
from .placeholders import FILLED, Blank, blank, fielded, is_word, takes_fields
from .positions import Key
from .problems import Problems
from .secret_files import SecretFileError, secret_of

FILE = "file"
"""The word in front of the path of a file that holds a secret."""
PLAIN = "plain"
"""The word in front of a variable's name that says that its value is not a secret."""
_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$\{)"
    r"|\{(?:(?:(?P<word>[^}:]*):(?!-))?(?P<name>[^}:]*)(?::-(?P<default>[^}]*))?\})?)"
)
_TODO = re.compile(
    r"(?:^\s*(?:(?:[<>=!]=?|~)\s*)?|[/@:,{\s]\s*)TODO(?=\s*(?:$|:|[/,}]))|^\s*(?:(?:[<>=!]=?|~)\s*)?TODO\b"
)
_WHAT = re.compile(r"\s*(?:(?:[<>=!]=?|~)\s*)?TODO:\s+(.*\S)", re.DOTALL)
"""The word that stands for what only a person knows: it begins a value, or a part of an address or a list."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMS = f"write ${{NAME}}, ${{NAME:-default}}, ${{{PLAIN}:NAME}} or ${{{FILE}:PATH}}, or $${{ for the text itself"


ENVIRONMENT = "opscheck.env"
"""The file beside the inventory in which scheduled runs find their variables: NAME=value, a line each."""
_READ_IT = f"it is in {ENVIRONMENT}, which scheduled runs read: set -a; . ./{ENVIRONMENT}; set +a"


class Outside(NamedTuple):
    """What an inventory reads beside its own files: variables, and files of secrets, as seen from its folder."""

    variables: Mapping[str, str]
    folder: Path


def expand(document: dict[str, Any], outside: Outside, problems: Problems) -> dict[str, Any]:
    """Return a document with its variables filled in, and the placeholders of its groups left blank.

    The problems learn which values are secret: by the key that they stand in or their place in an address, and of the
    variables also by their names and by their shape.
    """

    def text(written: str, path: Key) -> str | Blank:
        if _is_todo(written):
            problems.add_cause(path, _left(written))
            return ""

        def variables(written: str) -> str:
            return _VARIABLE.sub(lambda match: _resolved(match, outside, path, problems), written)

        absent = _absent(written, outside) if problems.assumes else None
        if absent is not None and (path[0] not in FILLED or "{" not in written[len(absent) :]):
            problems.written.assumed.setdefault(path, set()).add(absent)
            return stand_in(path, variables(written[len(absent) :]))
        if path[0] not in FILLED or is_word(path):
            filled: str | Blank = variables(written)
        else:
            filled = blank(written, variables, fields=takes_fields(path, templates))
        if isinstance(filled, str):
            if _is_todo(filled):
                problems.add_cause(path, "a variable in it is still to be written; set it to what is meant")
                return ""
            keep_secrets(path, filled, problems)
        return filled

    _refuse_open_names(document, (), problems)
    templates = fielded(document)
    made: dict[str, Any] = mapped(document, text, ())
    return made


def _absent(text: str, outside: Outside) -> str | None:
    """Return the variable with which a text begins, where that is not there."""
    match = _VARIABLE.match(text)
    if match is None or match["escaped"] or not _is_variable(match):
        return None
    try:
        return match[0] if _found(match, outside) is None else None
    except SecretFileError:
        return match[0]


def _resolved(match: re.Match[str], outside: Outside, path: Key, problems: Problems) -> str:
    """Return what stands in place of a variable, and have the problems learn what is secret of it."""
    if match["escaped"]:
        return match["escaped"]
    found = _value(match, outside, path, problems)
    if match["word"] == FILE:
        problems.keep_filled(path, found)
        problems.keep_secret(path, *secrets_at("secret", found))
    if match["word"] is None:
        problems.keep_filled(path, found)
        problems.keep_secret(path, *secrets_in(match["name"] or "", found))
    if is_secret_key(key := _key(path)):
        problems.keep_secret(path, *secrets_at(key, found))
    return found


def keep_secrets(path: Key, filled: str, problems: Problems) -> None:
    """Have the problems learn what is secret of the text of a key: by the key's name, its place, and its shape."""
    if is_secret_key(key := _key(path)):
        problems.keep_secret(path, *secrets_at(key, filled))
    problems.keep_secret(path, *secret_parts(filled), *known_tokens(filled))


def _key(path: Key) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _is_todo(text: str) -> bool:
    """Tell whether a value is still to be written: it says TODO, alone, with what is missing, or in an address."""
    return _TODO.search(text) is not None


def _left(text: str) -> str:
    """Return what to say of a value that is still to be written: what a person has to fill in."""
    what = _WHAT.match(text)
    return f"it is still to be written{f': {what[1]}' if what else ''}; replace the TODO with what is meant"


def _refuse_open_names(data: object, path: Key, problems: Problems) -> None:
    """Note each name that is still to be written."""
    if isinstance(data, dict):
        for key, value in data.items():
            if _is_todo(key):
                problems.add((*path, key), "this name is still to be written; replace the TODO with what is meant")
            _refuse_open_names(value, (*path, key), problems)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            _refuse_open_names(value, (*path, index), problems)


def _value(match: re.Match[str], outside: Outside, path: Key, problems: Problems) -> str:
    word = match["word"]
    if not _is_variable(match):
        problems.add_cause(path, f"{_mistake(word, match['name'])}; {_FORMS}")
        return ""
    try:
        found = _found(match, outside)
        problem = _missing(match, outside)
    except SecretFileError as error:
        found, problem = None, str(error)
    if found is not None:
        return found
    if problems.assumes:
        problems.written.assumed.setdefault(path, set()).add(match[0])
        return PART
    problems.add_cause(path, problem)
    return ""


def _mistake(word: str | None, name: str | None) -> str:
    """Return what is wrong with what stands in braces. The word is not shown: it may be a part of something secret."""
    is_word = word not in (None, PLAIN, FILE) and _NAME.fullmatch(word or "") and _NAME.fullmatch(name or "")
    if is_word:
        return f"before a variable's name and ':' only {PLAIN!r} can stand, and {FILE!r} before a path"
    return "'${' without a name and '}'"


def _is_variable(match: re.Match[str]) -> bool:
    """Tell whether what is in braces names a variable, or the path of a file."""
    word, name = match["word"], match["name"]
    if word == FILE:
        return bool(name and name.strip()) and "\0" not in name
    return word in (None, PLAIN) and name is not None and _NAME.fullmatch(name) is not None


def _found(match: re.Match[str], outside: Outside) -> str | None:
    """Return what stands in a variable or a file, or else its default. Raises SecretFileError."""
    word, name, default = match["word"], match["name"], match["default"]
    there = secret_of(outside.folder / name.strip()) if word == FILE else outside.variables.get(name) or None
    return default if there is None else there


def _missing(match: re.Match[str], outside: Outside) -> str:
    name = match["name"]
    prefix = f"{match['word']}:" if match["word"] else ""
    if match["word"] == FILE:
        file = outside.folder / name.strip()
        return f"there is no file {file}; write the secret into it, or write ${{{prefix}{name}:-default}}"
    state = "is empty" if name in outside.variables else "is not set"
    set_it = _READ_IT if _stands_beside(name, outside.folder) else "set it"
    return f"the environment variable {name} {state}; {set_it}, or write ${{{prefix}{name}:-default}}"


def _stands_beside(name: str, folder: Path) -> bool:
    """Tell whether a variable stands in the file of those of scheduled runs, which nobody else reads by itself."""
    try:
        text = (folder / ENVIRONMENT).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(rf"^\s*(?:export\s+)?{name}=", text, re.MULTILINE) is not None


def mapped(data: Any, text: Callable[[str, Key], str | Blank], path: Key) -> Any:
    """Return data with each of its texts as a function makes it, which is told where it stands."""
    if isinstance(data, str):
        return text(data, path)
    if isinstance(data, dict):
        return {key: mapped(value, text, (*path, key)) for key, value in data.items()}
    if isinstance(data, list):
        return [mapped(value, text, (*path, index)) for index, value in enumerate(data)]
    return data
