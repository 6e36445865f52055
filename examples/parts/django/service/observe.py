"""Counts requests, logs slow queries, and says 503 in maintenance mode."""

import logging
import shutil
import time
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import Counter, Gauge, Histogram

from . import status

logger = logging.getLogger(__name__)
security = logging.getLogger("security")

REQUESTS = Counter("api_requests_total", "Requests by status", ["status"])
DURATION = Histogram("api_request_duration_seconds", "Time to answer a request")
UP = Gauge("service_up", "Whether what the service stands on is well", ["service"])
DISK = Gauge("disk_used_ratio", "Used part of the disk")
for known in ("200", "500"):
    REQUESTS.labels(known)

Answer = Callable[[HttpRequest], HttpResponse]


def gauges() -> None:
    """Look anew at what is measured only when somebody asks for it."""
    for name, state in status.services().items():
        UP.labels(name).set(state == "healthy")
    disk = shutil.disk_usage("/")
    DISK.set(disk.used / disk.total)


def Observed(answer: Answer) -> Answer:  # noqa: N802 - stands among classes in Django's settings
    """Count and time each request."""

    def observed(request: HttpRequest) -> HttpResponse:
        with DURATION.time(), connection.execute_wrapper(slow_queries):
            response = answer(request)
        REQUESTS.labels(str(response.status_code)).inc()
        if response.status_code in (401, 403):
            security.warning("%s %s answered %d", request.method, request.path, response.status_code)
        return response

    return observed


def slow_queries(execute: Callable, sql: str, *arguments: object) -> object:
    began = time.monotonic()
    try:
        return execute(sql, *arguments)
    finally:
        if (took := time.monotonic() - began) > settings.SLOW_QUERY_S:
            logger.warning("Slow query, %.1f s: %s", took, sql)


def Maintained(answer: Answer) -> Answer:  # noqa: N802 - stands among classes in Django's settings
    """Refuse all but health and version while maintenance mode is on."""

    def maintained(request: HttpRequest) -> HttpResponse:
        if settings.MAINTENANCE.exists() and not request.path.startswith(("/health", "/metrics", "/api/v1/version")):
            return JsonResponse({"error": "maintenance"}, status=503)
        return answer(request)

    return maintained
