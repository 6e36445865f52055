"""Lists of failed units as systemd's versions and settings print them."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes import UnknownError
from pytest_opscheck.probes._kind import Output
from pytest_opscheck.probes.host import FailedUnits, failed_units


def read(text: str) -> FailedUnits:
    assert failed_units.shell is not None
    found = failed_units.shell.parse(Output(text, "", 0))
    assert isinstance(found, FailedUnits)
    return found


@pytest.mark.parametrize("bullet", ["", "● ", "* ", "\u00d7 ", "  ", "\x1b[0;1;31m●\x1b[0m "])
def test_whatever_stands_before_a_name(bullet: str) -> None:
    line = f"{bullet}app-a\\x2db@c.service loaded failed failed The application\n"
    assert read(line).names == (r"app-a\x2db@c.service",)


def test_a_legend_is_no_unit() -> None:
    assert read("  UNIT LOAD ACTIVE SUB DESCRIPTION\n\n0 loaded units listed.\n").names == ()
    assert read("\n").names == ()


def test_units_of_every_type_and_missing_ones() -> None:
    text = "mnt-x.mount loaded failed failed /mnt/x\n● old.service not-found failed failed old.service\n"
    assert read(text).names == ("mnt-x.mount", "old.service")


def test_the_units_that_run_the_checks_do_not_count() -> None:
    text = (
        "opscheck-shop-0a1b2c-daily.service loaded failed failed Operational checks\n"
        "nightly.service loaded failed failed Checks\n"
        "opscheck-exporter.service loaded failed failed another's\n"
        "own nightly.service\n"
    )
    assert read(text).names == ("opscheck-exporter.service",)


def test_what_is_not_understood_is_not_passed_over() -> None:
    with pytest.raises(UnknownError, match="says of no unit"):
        read("Failed to list units: Transport endpoint is not connected\n")
