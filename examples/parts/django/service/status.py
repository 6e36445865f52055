"""Whether what the service stands on is well."""

import redis
from django.conf import settings
from django.db import connection
from django.db.utils import Error as DatabaseError
from kombu.exceptions import OperationalError

from .queue import app


def database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def cache() -> bool:
    try:
        return redis.from_url(settings.CACHE_URL, socket_timeout=2).ping()
    except (redis.RedisError, OSError):
        return False


def workers() -> bool:
    """Whether a worker answers a ping; the first answer is enough."""
    try:
        return bool(app.control.ping(timeout=1, limit=1))
    except (OperationalError, redis.RedisError, OSError):
        return False


def services() -> dict[str, str]:
    """Return the state of each service that this one was given, by its name."""
    asked = {"database": database}
    if settings.CACHE_URL:
        asked["redis"] = cache
    if settings.BROKER_URL:
        asked["celery"] = workers
    return {name: "healthy" if ask() else "unhealthy" for name, ask in asked.items()}
