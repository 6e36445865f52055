"""Inventories from text, with the shipped checks of some kinds."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytest_opscheck import catalogue
from pytest_opscheck._check import Check
from pytest_opscheck.inventory import Inventory, InventoryError, load

Read = Callable[..., Inventory]
Errors = Callable[..., list[str]]


@pytest.fixture(scope="session")
def checks() -> tuple[Check, ...]:
    kinds = ("availability", "docker", "host", "postgres", "redis")
    return tuple(check for check in catalogue.checks() if check.kind in kinds)


@pytest.fixture
def read(tmp_path: Path, checks: tuple[Check, ...], monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read an inventory: read(toml, environment)."""
    monkeypatch.chdir(tmp_path)

    def made(toml: str | bytes, environment: Mapping[str, str] | None = None) -> Inventory:
        file = tmp_path / "opscheck.toml"
        file.write_bytes(toml if isinstance(toml, bytes) else textwrap.dedent(toml).lstrip("\n").encode())
        return load(file, checks, environment or {})

    return made


@pytest.fixture
def errors(read: Read) -> Errors:
    """Return the errors of an inventory, without the file's name: `line: key: message`."""

    def made(toml: str | bytes, environment: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(InventoryError) as caught:
            read(toml, environment)
        lines = str(caught.value).splitlines()
        assert all(line.startswith("opscheck.toml:") for line in lines)
        return [line.removeprefix("opscheck.toml:") for line in lines]

    return made
