"""What pytest's own settings say of where reports are, for commands that do not start pytest."""

from __future__ import annotations

import configparser
import tomllib
from pathlib import Path

from .suites import REPORTS

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


def reports_setting(folder: Path) -> Path:
    """Return the folder of the reports as the project in a folder sets it, or the usual one."""
    for name, section in _FILES:
        found = _section(folder / name, section)
        if found is not None:
            return folder / (found.get("opscheck_reports") or REPORTS)
    return folder / REPORTS


def _section(file: Path, section: str) -> dict[str, str] | None:
    """Return a section of a settings file; None where it has none, or can't be read: pytest says what is wrong."""
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
