"""Where the inventory and the reports are: by the command line and pytest's settings, or by what those files say alone.

Every pytest with this plugin imports it, and every command that does not start pytest: so it imports little itself.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pytest

FILE = "opscheck.toml"
_OTHERS = ("opscheck.yaml", "opscheck.yml", "opscheck.json")
"""What other tools would take, and people may try."""
LONGEST = 10_000_000
"""Bytes of an inventory that is read: of twenty thousand targets."""
REPORTS = "reports"
"""Where runs leave their reports unless told otherwise: a folder beside the inventory."""
OPTIONS = (
    ("inventory", "FILE", "inventory file (default: opscheck.toml in the root directory)"),
    ("json", "FILE", "also write the results as JSON to FILE"),
    (
        "fail_at",
        "SEVERITY",
        "fail the run for breaches of this severity or worse, overriding the suite's fail_at; P3 is the least severe",
    ),
    (
        "only",
        "TARGETS",
        "run only the checks of these targets, and of those reached through them: tag:dc1, or host.prod,host.db",
    ),
    ("shard", "I/N", "run only this part of the targets, for example 3/8; `opscheck merge` makes one run of all parts"),
    ("reports", "DIR", "folder for the reports of suites (default: reports/ in the root directory)"),
)
"""Each has a setting in pytest's files, `opscheck_` before its name."""
_FILES = (
    ("pytest.toml", "pytest"),
    (".pytest.toml", "pytest"),
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("pyproject.toml", "tool.pytest.ini_options"),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)
"""Where pytest looks, in this order, and the section that is its own."""


def setting(config: pytest.Config, name: str) -> str | None:
    """Return an option, or else its ini setting. Raises UsageError for one that is empty: an unset variable's."""
    flag = f"--opscheck-{name.replace('_', '-')}"
    option, ini = config.getoption(f"opscheck_{name}"), config.getini(f"opscheck_{name}")
    for value, where in ((option, flag), (ini, f"opscheck_{name} in pytest's settings")):
        if value is not None:
            if not value.strip():
                example = next(metavar for known, metavar, _ in OPTIONS if known == name)
                from pytest import UsageError  # noqa: PT013 - late, as above

                raise UsageError(f"{where} is empty; use {flag}={example}, or leave it out")
            return str(value)
    return None


def inventory_file(config: pytest.Config) -> Path | None:
    """Return the inventory's file, None where there is none in sight."""
    if named := setting(config, "inventory"):
        base = config.invocation_params.dir if config.getoption("opscheck_inventory") else config.rootpath
        return base / named
    file = home(config) / FILE
    return file if _is_there(file) else None


def home(config: pytest.Config) -> Path:
    """Return the folder of the inventory and the reports: the root directory, or where pytest was started, or above.

    pytest takes the value of an option that it does not know yet for a path to tests, and may take its root directory
    from there; and where a project has no pytest.ini or the like, each of its folders is a root directory.
    """
    started = config.invocation_params.dir
    return next(
        (path for path in (config.rootpath, started, *started.parents) if _is_there(path / FILE)), config.rootpath
    )


def nearest_inventory() -> Path:
    """Return the inventory that a command means when none is named: of this folder or above it, where pytest looks."""
    here = Path.cwd()
    above = next((path for path in (here, *here.parents) if _is_there(path / FILE)), here)
    return Path(FILE) if above == here else above / FILE


def no_inventory(folder: Path) -> str:
    """Return why there is no inventory in sight of a folder, as the beginning of a sentence."""
    other = next((name for name in _OTHERS if _is_there(folder / name)), None)
    beside = f" ({other} is there, but an inventory is TOML)" if other is not None else ""
    return f"there is no {FILE} in this folder or above it{beside}"


def reports_folder(config: pytest.Config) -> Path:
    """Return the folder in which runs of suites leave their reports, and the history."""
    if (given := getattr(config, "workerinput", {}).get("opscheck_reports")) is not None:
        return Path(given)
    base = config.invocation_params.dir if config.getoption("opscheck_reports") else home(config)
    return base / (setting(config, "reports") or REPORTS)


def workers_folder(config: pytest.Config) -> Path | None:
    """Return the folder that an xdist worker shares with its run, None where this process is not a worker."""
    given = getattr(config, "workerinput", {}).get("opscheck_folder")
    return Path(given) if given is not None else None


def _is_there(file: Path) -> bool:
    """Tell whether a file is there, be it a link that leads nowhere: that is an error to show, not to pass over."""
    return file.exists() or file.is_symlink()


def only_looks(config: pytest.Config) -> bool:
    """Tell whether pytest was asked to show what it would do, and to do nothing."""
    options = ("collectonly", "setupplan", "setuponly", "showfixtures", "show_fixtures_per_test")
    return any(getattr(config.option, name, False) for name in options)


def suite_names(file: Path) -> tuple[str, ...]:
    """Return the suites that a file names and those that there always are; of a broken file only the latter."""
    return glance(file).suites


class Glance(NamedTuple):
    """The suites of a file, its tables, and the kinds of its targets; the texts and documents that were read of it."""

    suites: tuple[str, ...]
    tables: tuple[str, ...]
    read: dict[Path, tuple[str, dict[str, Any]]]


def glance(file: Path) -> Glance:
    """Look at a file and at those that it includes; in a broken one are only the suites that there always are."""
    from .core.suites import SUITES, suite_problem

    read: dict[Path, tuple[str, dict[str, Any]]] = {}
    document = _looked_at(file, read)
    own = document.get("suites", {})
    names = [name for name in own if suite_problem(name) is None] if isinstance(own, dict) else []
    tables = [table for each in (document, *_included(file, document, read)) for table in (*each, *kinds_in(each))]
    return Glance(tuple(dict.fromkeys([*SUITES, *names])), tuple(dict.fromkeys(tables)), read)


def _looked_at(file: Path, read: dict[Path, tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Return a file's document, an empty one where it is broken; what could be read is remembered."""
    from .files.reading import content

    try:
        text = content(file, LONGEST).decode("utf-8-sig").replace("\r\n", "\n")
        document = tomllib.loads(text)
    except (OSError, ValueError, RecursionError):
        return {}
    read[file] = text, document
    return document


def _included(
    file: Path, document: dict[str, Any], read: dict[Path, tuple[str, dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return the documents of the files that a document includes."""
    patterns = document.get("include", ())
    if not patterns or not isinstance(patterns, list):
        return []
    from .files.matching import matched

    found: dict[Path, None] = {}
    for pattern in (pattern for pattern in patterns if isinstance(pattern, str)):
        try:
            found |= dict.fromkeys(matched(file.absolute().parent, pattern))
        except (OSError, ValueError):
            continue  # the inventory's reader says why
    return [_looked_at(path, read) for path in found if path not in read]


def kinds_in(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words that a document has in the places of kinds: its own tables, and those of its groups."""
    from .core.suites import TABLES

    found = [key for key in document if key not in TABLES]
    for word in ("template", "group", "source"):
        tables = document.get(word)
        named = (
            [each.get("kind") for each in tables.values() if isinstance(each, dict)] if isinstance(tables, dict) else []
        )
        found += [kind for kind in named if isinstance(kind, str)]
    defaults = document.get("defaults")
    return tuple(dict.fromkeys([*found, *(defaults if isinstance(defaults, dict) else ())]))


def reports_setting(folder: Path) -> Path:
    """Return the folder of the reports as the project in a folder sets it, or the usual one."""
    for name, section in _FILES:
        found = _section(folder / name, section)
        if found is not None:
            return folder / (found.get("opscheck_reports") or REPORTS)
    return folder / REPORTS


def _section(file: Path, section: str) -> dict[str, str] | None:
    """Return a section of a settings file; None where it has none, or can't be read: pytest says what is wrong."""
    import configparser

    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".toml":
            data = tomllib.loads(text)
            for step in section.split("."):
                data = data[step]
            return {key: value for key, value in data.items() if isinstance(value, str)}
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
        return dict(parser[section])
    except (OSError, ValueError, KeyError, TypeError, configparser.Error):
        return None
