"""Carries a message through a channel: by apprise, to a webhook, into a file of JSON lines, or as a package does."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from ..core.extensions import DeliveryError, Message
from ..core.results import Run
from ..core.visible import as_json
from ..files import private
from ..inventory.channels import Channel, Way
from .alerts import Alert, Event
from .messages import body, document, title

_CONNECT_S, _READ_S = 5, 10
_DIGEST = "opscheck.alerts/1"


def send(channel: Channel, alerts: Sequence[Alert], run: Run, home: Path) -> None:
    """Send alerts as one message. `home` is the folder from which a file's path starts. Raises DeliveryError."""
    match channel.way:
        case Way.URL:
            _by_apprise(channel.address, alerts, run)
        case Way.WEBHOOK:
            _to_webhook(channel.address, alerts, run)
        case Way.FILE:
            _into_file(home / Path(channel.address).expanduser(), alerts, run)
        case Way.CHANNEL:
            assert channel.added is not None  # noqa: S101 - for the type checker
            documents = tuple(document(alert, run) for alert in alerts)
            channel.added.type.send(channel.added.keys, Message(title(alerts, run), body(alerts, run), documents))


def _to_webhook(url: str, alerts: Sequence[Alert], run: Run) -> None:
    import requests

    documents = [document(alert, run) for alert in alerts]
    data = documents[0] if len(documents) == 1 else {"schema": _DIGEST, "alerts": documents}
    try:
        with requests.post(
            url, json=data, timeout=(_CONNECT_S, _READ_S), allow_redirects=False, stream=True
        ) as response:
            status = response.status_code
    except requests.Timeout:
        raise DeliveryError(f"no answer within {_READ_S} s; check that its server is up") from None
    except (requests.RequestException, OSError, ValueError) as error:
        raise DeliveryError(f"it can't be reached ({_cause(error)}); check its address, and that it is up") from None
    if not 200 <= status < 300:  # noqa: PLR2004 - the class of answers that say yes
        raise DeliveryError(f"it answered {status}; check its address and its server's log")


def _cause(error: Exception) -> str:
    """Return what lies behind an error of requests, without the address that it repeats."""
    cause: BaseException = error
    while (behind := getattr(cause, "reason", None) or cause.__cause__ or next(iter(cause.args), None)) is not None:
        if not isinstance(behind, BaseException):
            break
        cause = behind
    text = str(getattr(cause, "strerror", None) or cause).rpartition(": ")[2]
    return " ".join(text.split()) or type(error).__name__


def _into_file(file: Path, alerts: Sequence[Alert], run: Run) -> None:
    """Add a line for each alert, in one go and down to the disk."""
    lines = [as_json(document(alert, run)) for alert in alerts]
    content = "".join(f"{line}\n" for line in lines).encode()
    try:
        private.make_folder(file.parent)
        private.create(file)
        with file.open("ab", buffering=0) as opened:
            opened.write(content)
            os.fsync(opened.fileno())
    except OSError as error:
        raise DeliveryError(f"{file} can't be written: {error.strerror}") from None


def _by_apprise(url: str, alerts: Sequence[Alert], run: Run) -> None:
    try:
        import apprise
    except ImportError:
        raise DeliveryError("apprise is not installed; run: pip install 'pytest-opscheck[notify]'") from None
    kinds = apprise.NotifyType
    if all(alert.event is Event.RECOVERED for alert in alerts):
        kind = kinds.SUCCESS
    else:
        worst = min(alert.result.severity or "P0" for alert in alerts if alert.event is not Event.RECOVERED)
        kind = kinds.FAILURE if worst in ("P0", "P1") else kinds.WARNING
    # Its own time limit would take threads that a run's end waits for; ours are left behind.
    asset = apprise.AppriseAsset(app_id="opscheck", app_desc="pytest-opscheck", async_mode=False, service_timeout=0)
    asset.http_redirects = False  # which would take tokens along to whatever server
    bell = apprise.Apprise(asset=asset)
    with _Heard() as heard:
        taken = bell.add(url) and bell.notify(
            title=title(alerts, run),
            body=body(alerts, run),
            notify_type=kind,
            body_format=apprise.NotifyFormat.TEXT,
        )
    if not taken:
        raise DeliveryError(f"apprise could not deliver it{heard.last()}; try its address with `apprise -vv`")


class _Heard(logging.Handler):
    """Keeps what apprise logs in this thread: it returns no reason."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self._said: list[str] = []

    def __enter__(self) -> Self:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        if record.thread == self._thread:
            self._said.append(" ".join(record.getMessage().split()).rstrip("."))

    def last(self) -> str:
        """Return the last thing said, in brackets."""
        return f" ({self._said[-1]})" if self._said else ""
