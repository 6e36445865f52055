"""Operational checks as pytest: an inventory of targets, what is expected of them, and a verdict to trust.

All that others may use is here, and imported where it is asked for; see docs/extending.md.
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of typing, whose import would come before a signal could be taken
if TYPE_CHECKING:
    from ._check import Check, check
    from .core.api import API_VERSION
    from .core.errors import AnsweredError, BlockedError, UnknownError, UnreachableError
    from .core.extensions import ChannelType, DeliveryError, Message, ReportFormat
    from .core.results import Measurement, Result, Run, Verdict
    from .inventory import Expectation
    from .judge.expect import Expect
    from .packages import PackageError
    from .probes import (
        NEEDED,
        Kind,
        Output,
        Probe,
        Reach,
        Target,
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
        source,
        tcp,
        tls,
    )
    from .probes._types import LadderParam, LimitParam

__all__ = [
    "API_VERSION",
    "NEEDED",
    "AnsweredError",
    "BlockedError",
    "ChannelType",
    "Check",
    "DeliveryError",
    "Expect",
    "Expectation",
    "Kind",
    "LadderParam",
    "LimitParam",
    "Measurement",
    "Message",
    "Output",
    "PackageError",
    "Probe",
    "Reach",
    "ReportFormat",
    "Result",
    "Run",
    "Target",
    "UnknownError",
    "UnreachableError",
    "Verdict",
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
    "source",
    "tcp",
    "tls",
]

if not TYPE_CHECKING:  # to a type checker a misspelt name is an error, as it is when it is asked for
    _PLACES = {
        "_check": ("Check", "check"),
        "core.api": ("API_VERSION",),
        "core.errors": ("AnsweredError", "BlockedError", "UnknownError", "UnreachableError"),
        "core.extensions": ("ChannelType", "DeliveryError", "Message", "ReportFormat"),
        "core.results": ("Measurement", "Result", "Run", "Verdict"),
        "inventory": ("Expectation",),
        "judge.expect": ("Expect",),
        "packages": ("PackageError",),
        "probes._types": ("LadderParam", "LimitParam"),
        "probes": ("NEEDED", "Kind", "Output", "Probe", "Reach", "Target"),
    }
    """Where each name is, but for the kinds, which are modules."""

    def __getattr__(name: str) -> object:
        """Import what is asked for, so that a pytest without an inventory pays for none of it."""
        import importlib

        for module, names in _PLACES.items():
            if name in names:
                return getattr(importlib.import_module(f".{module}", __name__), name)
        if name in __all__:
            return importlib.import_module(f".probes.{name}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
