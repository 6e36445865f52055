"""Reads the tables that few inventories have. What reads each is imported where there is one: all take 15 ms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .model import Expectation
from .problems import Problems

if TYPE_CHECKING:
    from ..core.duty import Duty
    from ..core.extensions import ReportFormat
    from .asked import Asked
    from .channels import Channel
    from .exempt import Exempt
    from .gate import Gate
    from .report import Mail
    from .sources import Listed
    from .waivers import Waiver
    from .windows import Window


def mail_of(
    report: Mapping[str, Any], folder: Path, words: Mapping[str, str], suites: Collection[str], problems: Problems
) -> tuple[Mail | None, tuple[ReportFormat, ...]]:
    """Return who gets reports by mail, and in which formats of packages they are written."""
    if "mail" not in report and "formats" not in report:
        return None, ()
    from .report import read_formats, read_mail

    formats = report.get("formats", [])
    return read_mail(report.get("mail"), folder, words, suites, problems), read_formats(formats, problems)


def excuses_of(
    document: Mapping[str, Any], expectations: Collection[Expectation], *, zoned: bool, problems: Problems
) -> tuple[tuple[Window, ...], tuple[Waiver, ...]]:
    """Return the maintenance windows and the waivers."""
    if "maintenance" not in document and "waiver" not in document:
        return (), ()
    from .maintenance import read_waivers, read_windows

    windows = read_windows(document.get("maintenance", {}), expectations, zoned=zoned, problems=problems)
    return windows, read_waivers(document.get("waiver", []), expectations, problems)


def lists_of(
    document: Mapping[str, Any], places: tuple[Path, Path], asked: Asked, words: Mapping[str, str], problems: Problems
) -> tuple[Listed, ...]:
    """Return the lists of which items are targets; the places are the folders of the inventory and of the reports."""
    if "source" not in document:
        return ()
    from .sources import Places, read_sources

    return read_sources(document["source"], Places(*places), asked, words, problems)


def gate_of(
    document: Mapping[str, Any],
    words: Mapping[str, str],
    suites: Collection[str],
    targets: Collection[str],
    problems: Problems,
) -> Gate | None:
    """Return how a deploy is decided on; None where the inventory leaves that to the defaults."""
    if "gate" not in document:
        return None
    from .gate import read_gate

    return read_gate(document["gate"], words, suites, targets, problems)


def exempt_of(document: Mapping[str, Any], problems: Problems) -> tuple[Exempt, ...]:
    """Return what of the runbook need not be checked."""
    if "runbook" not in document:
        return ()
    from .exempt import read_exempt

    return read_exempt(document["runbook"], problems)


def duties_of(document: Mapping[str, Any], words: Mapping[str, str], problems: Problems) -> Mapping[str, Duty]:
    """Return who answers for breaches, by severity."""
    if "severity" not in document:
        return {}
    from .duties import read_duties

    return read_duties(document["severity"], words, problems)


def channels_of(
    document: Mapping[str, Any],
    words: Mapping[str, str],
    suites: Collection[str],
    expectations: Collection[Expectation],
    problems: Problems,
) -> tuple[Channel, ...]:
    """Return who is alerted."""
    if "notify" not in document:
        return ()
    from .notify import read_channels

    return read_channels(document["notify"], words, suites, expectations, problems)
