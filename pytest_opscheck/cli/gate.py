"""`opscheck gate`: decides on a deploy."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..core.results import FAULT, INTERRUPTED, NOTHING_JUDGED
from ..core.units import LimitError, parse_duration
from ..gate import keeping
from ..gate.baseline import Baseline, GateError, read, write
from ..gate.decision import Decision
from ..gate.finding import Finding
from ..gate.interleaving import Interleaved, pair_of
from ..gate.looking import StoppedError, looking
from ..gate.recording import record as recorded
from ..gate.remembering import Known, remember, remember_baseline, remember_decision
from ..gate.remembering import known as known_of
from ..gate.terms import terms_of
from ..gate.values import Answer
from ..gate.watching import Watch
from ..history import HistoryError
from ..inventory import Inventory
from ..inventory.gate import Gate
from .options import USAGE, Usage, inventory_option, loaded, say
from .progress import Progress

ROLL_BACK, UNDECIDED = 1, 6
_STATUSES = {Answer.GO: 0, Answer.ROLL_BACK: ROLL_BACK, Answer.UNDECIDED: UNDECIDED}
_BASELINE = Path("reports/gate/baseline.json")
_DEPLOY_IDS = ("GITHUB_RUN_ID", "CI_PIPELINE_ID", "BUILD_TAG")
"""Where GitHub, GitLab and Jenkins say which run of the pipeline this is."""
_SHOWN = 20
_HISTORY = Path("history")
"""What stands in place of a baseline's file for what the last go saw."""


class _Time(click.ParamType[float]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read `30s`."""
        if isinstance(value, float):
            return value
        try:
            return 0.0 if str(value) == "0" else parse_duration(value)
        except LimitError as error:
            self.fail(str(error), param, ctx)


_file = click.Path(path_type=Path, dir_okay=False)


@click.group()
def gate() -> None:
    """Decide on a deploy: go, roll back, or undecided.

    \b
    opscheck gate before   record how things are before the deploy
    opscheck gate after    watch them after it, and decide
    opscheck gate compare  compare two sides that run at once, and decide on the second
    opscheck gate verdict  decide again, from what a gate has kept
    opscheck gate show     print what a baseline or a gate has kept

    \b
    Exit status:
    0  go
    1  roll back
    6  undecided
    2  interrupted, and nothing broken so far
    3  go, but the decision could not be kept
    4  wrong call, inventory or baseline
    5  nothing was judged
    """  # noqa: D301 - click's mark for lines that stay as they are


@gate.command()
@inventory_option
@click.option("--windows", default=10, show_default=True, type=click.IntRange(1, 100), help="How often to look.")
@click.option("--every", default=5.0, type=_Time(), help="How long to wait between two looks.  [default: 5s]")
@click.option("--to", "to", default=_BASELINE, show_default=True, type=_file, help="The file of the baseline.")
@click.option("--again", is_flag=True, help="Replace a baseline of the same run of the pipeline.")
def before(file: Path, windows: int, every: float, to: Path, *, again: bool) -> None:
    """Record a baseline, before the deploy begins."""
    inventory = loaded(file)
    deploy = next((os.environ[name] for name in _DEPLOY_IDS if os.environ.get(name)), None)
    _refuse_second(to, deploy, again=again)
    with _faults(), Progress() as tell, looking(inventory, inventory.gate_suite) as looker:
        baseline = recorded(looker, windows, every, deploy, tell)
    try:
        write(baseline, to)
    except OSError as error:
        say(f"could not write the baseline: {error}", err=True)
        sys.exit(FAULT)
    try:
        remember_baseline(inventory, baseline)
    except HistoryError as error:
        say(f"later gates will not know of it: {inventory.redactor.text(str(error))}", err=True)
    broken = [result.id for result in baseline.results.values() if result.verdict == "breach"]
    also = f"; already broken: {', '.join(broken[:_SHOWN])}" if broken else ""
    say(f"wrote {to}: {len(baseline.looks)} looks at {len(baseline.results)} checks{also}")


def _refuse_second(to: Path, deploy: str | None, *, again: bool) -> None:
    """Refuse a second baseline for one deploy: it may see the new version already."""
    if again or deploy is None or not to.exists():
        return
    with contextlib.suppress(GateError):
        if read(to).deploy == deploy:
            raise Usage(f"{to} was recorded for this run of the pipeline ({deploy}) already; add --again to replace it")


@gate.command()
@inventory_option
@click.option(
    "--baseline", default=_BASELINE, show_default=True, type=_file, help="The baseline's file; history: the last go."
)
@click.option("--version", metavar="X", help="The version that was deployed, which every instance has to say.")
@click.option("--wait", default=60.0, type=_Time(), help="How long it may take to come up.  [default: 60s]")
@click.option("--watch", default=0.0, type=_Time(), help="How long to watch.  [default: until it is decided]")
@click.option("--every", default=30.0, type=_Time(), help="How long to wait between two looks.  [default: 30s]")
@click.option("--json", "to_json", type=_file, help="Keep the decision and all that was seen in a file.")
@click.option("--record", type=_file, help="Add a line on the decision to a file.")
@click.option("--dry-run", is_flag=True, help="Say the decision, but keep nothing, and end with 0.")
def after(  # noqa: PLR0917 - one for each option
    file: Path,
    baseline: Path,
    version: str | None,
    wait: float,
    watch: float,
    every: float,
    to_json: Path | None,
    record: Path | None,
    *,
    dry_run: bool,
) -> None:
    """Watch what was deployed, and decide."""
    inventory = loaded(file)
    settings = inventory.gate or Gate()
    if version is not None and settings.version is None:
        wanted = 'version = { target = "http.api", json = "version" }'
        raise Usage(f"--version: nothing says where the version is read; add to [gate]: {wanted}")
    record = record or _record(inventory, settings)
    started = time.monotonic()
    with _faults(), Progress() as tell, looking(inventory, inventory.gate_suite) as looker:
        past = _past(inventory)
        known = _known(baseline, past)
        earlier = [*past.lines, *(keeping.noted(record) if record is not None else ())]
        terms = terms_of(inventory, settings, known)
        terms = replace(terms, levels=past.levels, cannot_roll_back=keeping.why_not_back(earlier, version, known))
        watched = Watch(looker, known, terms, tell)
        decision = watched.run(settings, wait_s=wait, watch_s=watch, every_s=every, version=version)
    status = _status(decision, is_partial=watched.is_partial)
    _print(decision, inventory, settings, watched)
    if not dry_run:
        took_s = time.monotonic() - started
        kept = keeping.document(watched, decision, version=version, took_s=took_s, status=status)
        remember_it = partial(remember, inventory, watched, decision)
        status = _kept(kept, status, to_json, record, remember_it)
    sys.exit(0 if dry_run else status)


@gate.command()
@inventory_option
@click.argument("a")
@click.argument("b")
@click.option("--wait", default=60.0, type=_Time(), help="How long B may take to come up.  [default: 60s]")
@click.option("--json", "to_json", type=_file, help="Keep the decision and all that was seen in a file.")
@click.option("--record", type=_file, help="Add a line on the decision to a file.")
@click.option("--dry-run", is_flag=True, help="Say the decision, but keep nothing, and end with 0.")
def compare(  # noqa: PLR0917 - one for each option
    file: Path, a: str, b: str, wait: float, to_json: Path | None, record: Path | None, *, dry_run: bool
) -> None:
    """Compare two sides that run at once, and decide on B: a canary, or blue and green.

    A and B are targets of one kind, as http.blue and http.green, or the names of several: blue and green. Both are
    measured in turn, so that no drift is taken for a slowdown.
    """
    inventory = loaded(file)
    settings = inventory.gate or Gate()
    record = record or _record(inventory, settings)
    started = time.monotonic()
    with _faults(), Progress() as tell, looking(inventory, inventory.gate_suite) as looker:
        pair = pair_of(inventory, a, b)
        terms = replace(terms_of(inventory, settings, None), incomparable=pair.incomparable, is_interleaved=True)
        compared = Interleaved(looker, pair, terms, tell)
        decision = compared.run(settings, wait)
    status = _status(decision, is_partial=compared.is_partial)
    _print(decision, inventory, settings, compared)
    if not dry_run:
        took_s = time.monotonic() - started
        kept = keeping.document(compared, decision, version=b, took_s=took_s, status=status) | {"version_before": a}
        status = _kept(kept, status, to_json, record, partial(remember_decision, inventory, looker.suite))
    sys.exit(0 if dry_run else status)


def _record(inventory: Inventory, settings: Gate) -> Path | None:
    return inventory.file.absolute().parent / settings.record if settings.record else None


def _past(inventory: Inventory) -> Known:
    """Return what the history knows of earlier gates; where it can't be read, a gate is not held up by that."""
    try:
        return known_of(inventory)
    except (HistoryError, ValueError) as error:
        say(f"earlier gates are not known: {inventory.redactor.text(str(error))}", err=True)
        return Known()


def _known(baseline: Path, past: Known) -> Baseline | None:
    """Return what to compare with. Raises GateError."""
    if baseline != _HISTORY:
        return None if baseline == _BASELINE and not baseline.exists() else read(baseline)
    if past.baseline is None:
        raise GateError("no deploy in the history was a go yet; record a baseline before one: opscheck gate before")
    return past.baseline


def _status(decision: Decision, *, is_partial: bool) -> int:
    if is_partial and decision.answer is not Answer.ROLL_BACK:
        return INTERRUPTED
    if not decision.judged and decision.answer is Answer.UNDECIDED:
        return NOTHING_JUDGED
    return _STATUSES[decision.answer]


def _print(decision: Decision, inventory: Inventory, settings: Gate, watched: keeping.Watched) -> None:
    for line in _lines(decision):
        say(inventory.redactor.text(line))
    if watched.is_partial:
        say("it was ended early: this is of what was seen until then")
    if watched.before is None:
        say("there was no baseline to compare with; record one before the next deploy: opscheck gate before")
    if decision.answer is Answer.ROLL_BACK and settings.rollback:
        say(f"how to roll back: {settings.rollback}")


def _lines(decision: Decision) -> Iterator[str]:
    yield f"{decision.answer}: {decision.why}"
    for finding in decision.findings[:_SHOWN]:
        yield from _of(finding)
    if len(decision.findings) > _SHOWN:
        yield f"and {len(decision.findings) - _SHOWN} more"


def _of(finding: Finding) -> Iterator[str]:
    severity = f" {finding.severity}" if finding.severity else ""
    yield f"  {finding.id}: {finding.sort}{severity}: {finding.message}"
    yield from (f"      {line}" for line in finding.details)
    if finding.rolls_back and finding.runbook:
        yield f"      runbook: {finding.runbook}"


def _kept(
    kept: Mapping[str, Any],
    status: int,
    to_json: Path | None,
    record: Path | None,
    remember_it: Callable[[Mapping[str, Any]], None],
) -> int:
    """Keep what was decided, and of what; returns the exit status, which says where that failed."""
    line = keeping.line_of(kept)
    keepers: list[Callable[[], None]] = [lambda: remember_it(line)]
    if to_json is not None:
        keepers.append(lambda: keeping.keep(kept, to_json))
    if record is not None:
        keepers.append(lambda: keeping.note(line, record))
    for keeper in keepers:
        try:
            keeper()
        except (OSError, HistoryError) as error:
            say(f"could not keep the decision: {error}", err=True)
            status = status or FAULT
    return status


@gate.command()
@click.argument("file", type=_file)
def verdict(file: Path) -> None:
    """Decide again, from what `opscheck gate after --json FILE` has kept."""
    kept = _opened(file)
    try:
        decision = keeping.decided_again(kept)
    except ValueError as error:
        raise Usage(
            f"{file} is not what a gate has kept: {error}; name a file of: opscheck gate after --json"
        ) from None
    for line in _lines(decision):
        say(line)
    sys.exit(_status(decision, is_partial=bool(kept.get("partial"))))


@gate.command()
@click.argument("file", default=_BASELINE, type=_file)
def show(file: Path) -> None:
    """Print what a baseline, or a gate, has kept."""
    kept = _opened(file)
    if kept.get("schema") == keeping.SCHEMA:
        say(f"{kept['verdict']}: {kept['why']}")
        say(f"{kept['inventory']}, {kept['at']}, by {kept['who']}, took {kept['took_s']} s, {len(kept['after'])} looks")
        return
    try:
        found = Baseline.from_json(kept)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Usage(f"{file}: {error}") from None
    version = f", version {found.version}" if found.version else ""
    recorded_at = f"{found.recorded:%Y-%m-%d %H:%M:%S}, on {found.vantage}"
    say(f"baseline of {found.inventory}, suite {found.suite}{version}: {recorded_at}, {len(found.looks)} looks")
    for name, result in sorted(found.results.items()):
        say(f"  {name}: {result.verdict}{' ' + result.severity if result.severity else ''}: {result.message}")


def _opened(file: Path) -> Mapping[str, Any]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Usage(
            f"{file}: {(error.strerror or str(error)).lower()}; record a baseline: opscheck gate before"
        ) from None
    except ValueError:
        raise Usage(f"{file} is not JSON, as a baseline or a gate keeps it") from None
    if not isinstance(kept, Mapping):
        raise Usage(f"{file} does not hold what a baseline or a gate keeps")
    return kept


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """End with the status of what went wrong: a fault of the gate itself is neither a go nor a reason to roll back."""
    try:
        yield
    except GateError as error:
        say(str(error), err=True)
        sys.exit(USAGE)
    except StoppedError:
        say("ended before anything was recorded", err=True)
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - which would end with 1, and that is roll back
        said = " ".join(f"{type(error).__name__}: {error}".split())
        say(f"undecided: {said}; this is a fault of the gate itself", err=True)
        sys.exit(UNDECIDED)
