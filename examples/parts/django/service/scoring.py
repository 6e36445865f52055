"""What stands for the model: the mean of a symbol's features."""

import redis
from django.conf import settings
from django.db.models import Avg
from prometheus_client import Histogram

from .models import Feature

DURATION = Histogram("scoring_duration_seconds", "Time to score a symbol")


class AgentInputError(Exception):
    """A symbol that can't be scored."""


@DURATION.time()
def score(symbol: str) -> float:
    """Return the score of a symbol. Raises AgentInputError where it has no features."""
    mean = Feature.objects.filter(symbol=symbol).aggregate(mean=Avg("value"))["mean"]
    if mean is None:
        raise AgentInputError(f"no features of {symbol}")
    return mean


def keep(symbol: str, value: float) -> None:
    """Put a score into the cache, for an hour."""
    cache().set(key(symbol), value, ex=3600)


def kept(symbol: str) -> float:
    """Return a symbol's score out of the cache; one that isn't there is made, and put there."""
    found = cache().get(key(symbol))
    if found is None:
        keep(symbol, found := score(symbol))
    return float(found)


def cache() -> redis.Redis:
    return redis.from_url(settings.CACHE_URL, socket_timeout=2)


def key(symbol: str) -> str:
    return f"{settings.NAME}:score:{symbol}"
