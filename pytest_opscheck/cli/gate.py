"""`opscheck gate`: decides on a deploy."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..core.results import FAULT
from ..core.vantage import vantage_here
from ..gate import keeping
from ..gate.baseline import Baseline, GateError, read, write
from ..gate.interleaving import Interleaved, pair_of
from ..gate.looking import looking
from ..gate.recording import record as recorded
from ..gate.remembering import Known, remember, remember_baseline, remember_decision
from ..gate.remembering import known as known_of
from ..gate.terms import terms_of
from ..gate.watching import Watch
from ..history import HistoryError
from ..inventory import Inventory
from ..inventory.asked import AS_A_RUN
from ..inventory.gate import Gate
from .gate_ending import SHOWN, Gates, end, faults, lines, printed, status_of
from .gate_outlets import Outlets, outlet_options, pipeline_options
from .options import Time, Usage, inventory_option, loaded, say
from .progress import Progress

_BASELINE = Path("reports/gate/baseline.json")
_DEPLOY_IDS = ("GITHUB_RUN_ID", "CI_PIPELINE_ID", "BUILD_TAG")
"""Where GitHub, GitLab and Jenkins say which run of the pipeline this is."""
_HISTORY = Path("history")
"""What stands in place of a baseline's file for what the last go saw."""


_file = click.Path(path_type=Path, dir_okay=False)


@click.group(cls=Gates)
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
@click.option("--every", default=5.0, type=Time(), help="How long to wait between two looks.  [default: 5s]")
@click.option("--to", "to", default=_BASELINE, show_default=True, type=_file, help="The file of the baseline.")
@click.option("--again", is_flag=True, help="Replace a baseline of the same run of the pipeline.")
def before(file: Path, windows: int, every: float, to: Path, *, again: bool) -> None:
    """Record a baseline, before the deploy begins."""
    inventory = loaded(file, asked=AS_A_RUN)
    _require_one_place(inventory)
    deploy = next((os.environ[name] for name in _DEPLOY_IDS if os.environ.get(name)), None)
    _refuse_second(to, deploy, again=again)
    with faults(), Progress() as tell, looking(inventory, inventory.gate_suite) as looker:
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
    also = f"; already broken: {', '.join(broken[:SHOWN])}" if broken else ""
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
@click.option("--wait", default=60.0, type=Time(), help="How long it may take to come up.  [default: 60s]")
@click.option("--watch", default=0.0, type=Time(), help="How long to watch.  [default: until it is decided]")
@click.option("--every", default=30.0, type=Time(), help="How long to wait between two looks.  [default: 30s]")
@outlet_options
def after(  # noqa: PLR0917 - one for each option
    file: Path, baseline: Path, version: str | None, wait: float, watch: float, every: float, outlets: Outlets
) -> None:
    """Watch what was deployed, and decide."""
    inventory = loaded(file, asked=AS_A_RUN, refused=lambda error: outlets.tell_fault(str(error)))
    _require_one_place(inventory)
    settings = inventory.gate or Gate()
    if version is not None and settings.version is None:
        wanted = 'version = { target = "http.api", json = "version" }'
        raise Usage(f"--version: nothing says where the version is read; add to [gate]: {wanted}")
    outlets = outlets.recorded_in(inventory)
    with faults(outlets), Progress() as tell, looking(inventory, inventory.gate_suite) as looker:
        past = _past(inventory)
        known = _known(baseline, past)
        earlier = [*past.lines, *(keeping.noted(outlets.record) if outlets.record is not None else ())]
        terms = terms_of(inventory, settings, known)
        terms = replace(terms, levels=past.levels, cannot_roll_back=keeping.why_not_back(earlier, version, known))
        watched = Watch(looker, known, terms, tell)
        decision = watched.run(settings, wait_s=wait, watch_s=watch, every_s=every, version=version)
    remember_it = partial(remember, inventory, watched, decision)
    end(outlets, watched, decision, remember_it, version=version, version_before=known.version if known else None)


@gate.command()
@inventory_option
@click.argument("a")
@click.argument("b")
@click.option("--wait", default=60.0, type=Time(), help="How long B may take to come up.  [default: 60s]")
@outlet_options
def compare(file: Path, a: str, b: str, wait: float, outlets: Outlets) -> None:
    """Compare two sides that run at once, and decide on B: a canary, or blue and green.

    A and B are targets of one kind, as http.blue and http.green, or the names of several: blue and green. Both are
    measured in turn, so that no drift is taken for a slowdown.
    """
    inventory = loaded(file, asked=AS_A_RUN, refused=lambda error: outlets.tell_fault(str(error)))
    _require_one_place(inventory)
    settings, outlets = inventory.gate or Gate(), outlets.recorded_in(inventory)
    with faults(outlets), Progress() as tell, looking(inventory, inventory.gate_suite) as looker:
        pair = pair_of(inventory, a, b)
        terms = replace(terms_of(inventory, settings, None), incomparable=pair.incomparable, is_interleaved=True)
        compared = Interleaved(looker, pair, terms, tell)
        decision = compared.run(settings, wait)
    end(outlets, compared, decision, partial(remember_decision, inventory, looker.suite), version=b, version_before=a)


def _require_one_place(inventory: Inventory) -> None:
    """Refuse a suite of which a part is looked at from elsewhere: nobody could decide on that."""
    try:
        here = vantage_here(inventory.vantages)
    except ValueError as error:
        raise Usage(str(error)) from None
    of_suite = (each for each in inventory.expectations if inventory.gate_suite in each.suites)
    away = next((each for each in of_suite if here not in (None, each.target.vantage)), None)
    if away is not None:
        raise Usage(
            f"{away.id} is looked at from {away.target.vantage}, and this is {here}: a gate looks from one place; name "
            "a suite of what is seen from here: [gate] suite"
        )


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


@gate.command()
@click.argument("file", type=_file)
@pipeline_options
def verdict(file: Path, junit: Path | None, dotenv: Path | None) -> None:
    """Decide again, from what `opscheck gate after --json FILE` has kept."""
    outlets = Outlets(junit, dotenv)
    outlets.clear()
    kept = _opened(file)
    try:
        decision = keeping.decided_again(kept)
    except ValueError as error:
        raise Usage(
            f"{file} is not what a gate has kept: {error}; name a file of: opscheck gate after --json"
        ) from None
    is_said = printed(lines(decision))
    status = status_of(decision, is_partial=bool(kept.get("partial")))
    is_told = replace(outlets, report=file).tell({**kept, **decision.to_json()})
    sys.exit(status if is_said and is_told else status or FAULT)


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
