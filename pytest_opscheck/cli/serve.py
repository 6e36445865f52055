"""`opscheck serve`: the status page as it is now, for those who want a server."""

from __future__ import annotations

import ipaddress
import os
import signal
import threading
from http import HTTPStatus
from pathlib import Path

import click

from ..history import HistoryError, reading
from ..inventory import Inventory
from ..reports import status
from ..settings import reports_setting
from ..starting import SIGNALS
from .options import Usage, inventory_option, known, reports_option, say
from .server import Page, Server

TOKEN = "OPSCHECK_SERVE_TOKEN"  # noqa: S105 - the name of a variable
_SHORTEST = 16


@click.command()
@inventory_option
@reports_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8010, show_default=True, type=click.IntRange(0, 65535), help="0 for any that is free.")
def serve(file: Path, reports: Path | None, *, host: str, port: int) -> None:
    """Serve the status page as it is now, and the pages of runs, until Ctrl-C or SIGTERM. Nothing can be changed.

    Without a token it listens on this machine alone. For any other --host, put one of at least 16 characters into the
    environment, as OPSCHECK_SERVE_TOKEN: browsers ask for it as the password, whatever the user's name.
    """
    inventory = known(file, reports)
    token = _token(host)
    folder = (reports or reports_setting(file.absolute().parent)).absolute()
    try:
        server = Server((host, port), folder, lambda: live(inventory, folder), token)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Usage(f"can't listen on {host}, port {port}: {reason}; choose another --host or --port") from None
    _end_with_signals(server)
    shown = f"[{host}]" if ":" in host else host
    say(f"serving on http://{shown}:{server.server_address[1]}/ (end it with Ctrl-C)")
    with server:
        server.serve_forever(poll_interval=0.2)


def live(inventory: Inventory, reports: Path) -> Page:
    """Return the page of this moment; one that says so where the history does not answer."""
    overview = status.Overview(inventory, reports, inventory.now())
    try:
        with reading(inventory.history) as records:
            found, code = overview.status(records), HTTPStatus.OK
    except HistoryError as error:
        found, code = overview.unknown(inventory.redactor.text(str(error))), HTTPStatus.SERVICE_UNAVAILABLE
    return code, status.page(found, is_live=True).encode("utf-8", "backslashreplace")


def _token(host: str) -> str | None:
    token = os.environ.get(TOKEN)
    if token is None and not _is_loopback(host):
        raise Usage(
            f"--host {host} can be reached from other machines; put a token of at least {_SHORTEST} characters into "
            f"the environment, as {TOKEN}, or leave --host out"
        )
    if token is not None and len(token) < _SHORTEST:
        raise Usage(f"{TOKEN} is too short; use at least {_SHORTEST} characters, for example of: openssl rand -hex 16")
    return token


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _end_with_signals(server: Server) -> None:
    """End the server at a signal, in another thread: it can't be waited for where it runs."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
