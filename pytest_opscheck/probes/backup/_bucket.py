"""Backups in object storage: what lies there, listed from here by fsspec, without reading any of it."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

from ...core.errors import UnknownError
from ...core.secrets import without_password
from .._files import CLOCK_SKEW_S
from .._types import Zone
from ._files import DAY_S, Backup, kind, named_date
from ._why import why

_MODIFIED = ("LastModified", "last_modified", "mtime", "updated", "modified")
"""What the filesystems of fsspec call the time of the last write."""
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "abfs": "azure", "abfss": "azure", "az": "azure"}


Option = str | int | bool


def _url(text: str) -> str:
    if "://" not in text:
        raise ValueError(f"{text!r} is not a URL; write for example s3://bucket/db/*.sql.gz")
    return text


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The newest object that matches `url`: its age in seconds, its size in bytes. None where there is none.

    `by` says what dates the object, where that is not its last write.
    """

    url: str
    object: str | None
    age_s: float | None
    size_bytes: int | None
    by: str = ""


@kind.probe(timeout_s=30)
def uploaded(
    _target: Backup,
    *,
    url: Annotated[str, AfterValidator(_url)],
    options: dict[str, Option | dict[str, Option]] | None = None,
    zone: Zone,
    timeout_s: float = 30,
) -> Uploaded:
    """The newest object in storage that matches, by its last write, or the date in its name if that is older by days.

    `options` are those of the storage's filesystem in fsspec. An upload that is not complete is not listed by S3.
    """
    shown = without_password(url)
    objects = [_object(name, info, zone) for name, info in _listed(url, options or {}, timeout_s).items()]
    if not objects:
        return Uploaded(shown, None, None, None)
    moment, by, name, length = max(objects)
    if (ahead := moment - time.time()) > CLOCK_SKEW_S:
        raise UnknownError(
            f"{name} was written {ahead:.0f} s from now, by the storage's clock; see which clock is wrong"
        )
    return Uploaded(shown, name, max(0.0, time.time() - moment), length, by)


def _listed(url: str, options: Mapping[str, Any], timeout_s: float) -> dict[str, dict[str, Any]]:
    """Return the objects that match, by name. Raises UnknownError where they can't be listed."""
    scheme = url.partition("://")[0]
    try:
        import fsspec

        filesystem, path = fsspec.core.url_to_fs(
            url, **_bounded(scheme, options, timeout_s), skip_instance_cache=True, use_listings_cache=False
        )
        found = filesystem.glob(path, detail=True)
        if not found:
            _refuse_unlisted(filesystem, path)
    except ImportError:
        extra = _EXTRAS.get(scheme, scheme)
        raise UnknownError(f"{scheme}:// needs more packages here: pip install 'pytest-opscheck[{extra}]'") from None
    except Exception as error:  # noqa: BLE001 - each filesystem raises whatever its library does
        raise UnknownError(f"{without_password(url)} can't be listed: {_at(options)}{why(error)}") from None
    return {name: info for name, info in found.items() if info.get("type") == "file"}


def _refuse_unlisted(filesystem: Any, path: str) -> None:
    """Raise the reason why a folder can't be listed: a search leaves out what it may not look into."""
    with contextlib.suppress(FileNotFoundError):
        filesystem.ls(re.split(r"[*?\[]", path)[0].rpartition("/")[0] or path, detail=False)


def _at(options: Mapping[str, Any]) -> str:
    """Return where the storage is, where the inventory says that."""
    own = options.get("client_kwargs")
    endpoint = options.get("endpoint_url") or (own.get("endpoint_url") if isinstance(own, dict) else None)
    return f"{without_password(str(endpoint))}: " if endpoint else ""


def _bounded(scheme: str, options: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
    """Return the options of a filesystem with bounds for what S3 answers; the gatherer's deadline bounds all others."""
    if _EXTRAS.get(scheme) != "s3":
        return dict(options)
    from ._s3 import bounded

    bounds = {
        "connect_timeout": timeout_s / 3,
        "read_timeout": timeout_s / 3,
        "retries": {"max_attempts": 1},
        "http_session_cls": bounded(0.9 * timeout_s),
    }
    return {**options, "config_kwargs": {**bounds, **options.get("config_kwargs", {})}}


def _object(name: str, info: Mapping[str, Any], zone: dt.tzinfo) -> tuple[float, str, str, int]:
    """Return from when an object is, what says so where that is not its last write, its name and size."""
    modified = next((info[key] for key in _MODIFIED if info.get(key) is not None), None)
    if modified is None:
        raise UnknownError(f"the storage does not say when {name} was written")
    written = _seconds(modified)
    date = named_date(name, dt.datetime.fromtimestamp(written, zone).date())
    named = dt.datetime.combine(date, dt.time(), zone).timestamp() + DAY_S if date is not None else written
    size = int(info.get("size") or 0)
    return (named, ", by the date in its name,", name, size) if named < written - DAY_S else (written, "", name, size)


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    if isinstance(value, dt.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).timestamp()
    return float(value)
