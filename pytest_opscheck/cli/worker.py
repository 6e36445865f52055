"""`opscheck worker`: runs parts of runs that are started elsewhere, from where it stands."""

from __future__ import annotations

import os
import sys
import threading

import click

from ..carrier.broker import Broker
from ..carrier.signing import CarrierError, Key
from ..core.vantage import DEFAULT, VARIABLE
from ..inventory.model import name_problem
from .options import Usage, say


@click.command()
@click.option("--from", "vantage", metavar="NAME", help=f"From where it looks.  [default: {VARIABLE}, or {DEFAULT}]")
@click.option("--at-once", type=click.IntRange(1, 100), default=1, show_default=True, help="How many parts at a time.")
def worker(vantage: str | None, at_once: int) -> None:
    """Take parts of runs from the broker that OPSCHECK_BROKER names, and run them, until Ctrl-C or SIGTERM.

    It dials out alone. What it runs has to be signed with the same OPSCHECK_KEY; the variables that its targets need
    are those of its environment. `opscheck run SUITE --through celery` starts a run.
    """
    place = vantage or os.environ.get(VARIABLE) or DEFAULT
    if problem := name_problem(place):
        raise Usage(f"--from {place}: {problem}")
    from ..carrier.serving import serve
    from ..carrier.worker import Worker

    try:
        key, broker = Key.of(os.environ), Broker.of(os.environ)
        app = broker.app()
    except CarrierError as error:
        raise Usage(str(error)) from None
    said = threading.Lock()

    def tell(text: str) -> None:
        with said:
            say(text)

    sys.exit(serve(Worker(broker, key, place, threading.Event(), tell), app, at_once))
