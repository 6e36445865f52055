"""The addresses: health, metrics, version, scores and accounts."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from . import accounts, observe, scoring, status


def health(_request: HttpRequest) -> HttpResponse:
    """Say 200 where the database answers, else 503."""
    well = status.database()
    return JsonResponse({"status": "healthy" if well else "unhealthy"}, status=200 if well else 503)


def detailed(_request: HttpRequest) -> HttpResponse:
    services = status.services()
    well = all(state == "healthy" for state in services.values())
    said = {"status": "healthy" if well else "unhealthy", "services": services}
    return JsonResponse(said, status=200 if well else 503)


def version(_request: HttpRequest) -> HttpResponse:
    return JsonResponse(
        {"name": settings.NAME, "version": settings.VERSION, "maintenance": settings.MAINTENANCE.exists()}
    )


def metrics(_request: HttpRequest) -> HttpResponse:
    observe.gauges()
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def score(_request: HttpRequest, symbol: str) -> HttpResponse:
    try:
        return JsonResponse({"symbol": symbol, "score": scoring.score(symbol)})
    except scoring.AgentInputError as error:
        return JsonResponse({"error": str(error)}, status=404)


def latest(_request: HttpRequest, symbol: str) -> HttpResponse:
    return JsonResponse({"symbol": symbol, "score": scoring.kept(symbol)})


urlpatterns = [
    path("health", health),
    path("health/detailed", detailed),
    path("metrics", metrics),
    path("api/v1/health/", health),
    path("api/v1/version", version),
    path("api/v1/score/<str:symbol>", score),
    path("api/v1/latest/<str:symbol>", latest),
    path("api/v1/csrf", accounts.csrf),
    path("api/v1/login", accounts.sign_in),
    path("api/v1/logout", accounts.sign_out),
    path("api/v1/token", accounts.token),
    path("api/v1/me", accounts.me),
    path("api/v1/checkout", accounts.checkout),
    path("api/v1/keys", accounts.new_key),
    path("api/v1/keys/<int:pk>", accounts.old_key),
]
