"""The work that is queued: tidying in `default`, scoring in `scoring`."""

import json
import logging
from datetime import timedelta
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from . import scoring
from .models import Job

logger = logging.getLogger(__name__)


@shared_task
def tidy() -> None:
    """Give up on jobs that nobody works on any more."""
    left = Job.objects.filter(status="processing", created_at__lt=timezone.now() - timedelta(days=7))
    logger.info("tidied %d jobs", left.update(status="failed"))


@shared_task
def score(symbol: str) -> None:
    """Score a symbol by its features and its latest quote, and keep the score in the cache."""
    scoring.keep(symbol, scoring.score(symbol) * quote(symbol))


def quote(symbol: str) -> float:
    """Ask the outside for a quote; 1.0 where no such API is set up, or it says that it was asked too often."""
    if not settings.QUOTES_URL:
        return 1.0
    asked = Request(f"{settings.QUOTES_URL}/{symbol}", headers={"X-Api-Key": settings.QUOTES_KEY})
    try:
        with urlopen(asked, timeout=5) as answer:
            return float(json.load(answer)["quote"])
    except HTTPError as error:
        if error.code != HTTPStatus.TOO_MANY_REQUESTS:
            raise scoring.AgentInputError(f"no quote of {symbol}: {error}") from None
        logger.warning("quotes: rate limit exceeded, %s is scored without one", symbol)
        return 1.0
