"""Operational checks as pytest: an inventory of targets, what is expected of them, and a verdict to trust."""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # that of typing, whose import would come before a signal could be taken
if TYPE_CHECKING:
    from typing import Any

    from ._check import check
    from .probes import (
        availability,
        backup,
        celery,
        dns,
        docker,
        host,
        http,
        logs,
        metrics,
        postgres,
        prometheus,
        redis,
        tcp,
        tls,
    )

__all__ = [
    "availability",
    "backup",
    "celery",
    "check",
    "dns",
    "docker",
    "host",
    "http",
    "logs",
    "metrics",
    "postgres",
    "prometheus",
    "redis",
    "tcp",
    "tls",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that a pytest without an inventory pays for none of it."""
    if name == "check":
        return importlib.import_module("._check", __name__).check
    if name in __all__:
        return importlib.import_module(f".probes.{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
