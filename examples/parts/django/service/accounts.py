"""Who is signed in: by a session's cookie, a token or an API key; and what somebody who is can do."""

import json
import logging
import secrets
from collections.abc import Callable
from functools import wraps
from hashlib import sha256

from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.signals import user_login_failed
from django.core import signing
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from .models import Account, ApiKey, Subscription

security = logging.getLogger("security")
TOKEN_LIFE_S = 3600
PLANS = ("free", "team", "business")


def Tokens(answer: Callable) -> Callable:  # noqa: N802 - stands among classes in Django's settings
    """Take a bearer token or an API key for a sign-in; who brings one needs no CSRF token."""

    def with_token(request: HttpRequest) -> HttpResponse:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer" or "X-Api-Key" in request.headers:
            found = by_token(token) if kind == "Bearer" else by_key(request.headers["X-Api-Key"])
            if found is None:
                return JsonResponse({"error": "no such token"}, status=401)
            request.user, request._dont_enforce_csrf_checks = found, True
        return answer(request)

    return with_token


def by_token(token: str) -> Account | None:
    try:
        return Account.objects.filter(pk=signing.loads(token, max_age=TOKEN_LIFE_S)).first()
    except signing.BadSignature:
        return None


def by_key(key: str) -> Account | None:
    found = ApiKey.objects.filter(digest=sha256(key.encode()).hexdigest()).select_related("account").first()
    return found and found.account


def signed_in(view: Callable) -> Callable:
    @wraps(view)
    def asked(request: HttpRequest, **path: object) -> HttpResponse:
        if not request.user.is_authenticated:
            return JsonResponse({"error": "sign in first"}, status=401)
        return view(request, **path)

    return asked


def who(request: HttpRequest) -> Account | None:
    """Return whose email and password the request says."""
    said = json.loads(request.body)
    return authenticate(request, username=said["email"], password=said["password"])


@receiver(user_login_failed)
def login_failed(credentials: dict, request: HttpRequest, **_said: object) -> None:
    security.warning("login failed for %s from %s", credentials["username"], request.META["REMOTE_ADDR"])


@require_GET
def csrf(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"csrf_token": get_token(request)})


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    account = who(request)
    if account is None:
        return JsonResponse({"error": "wrong email or password"}, status=401)
    login(request, account)
    return JsonResponse({"email": account.email, "csrf_token": get_token(request)})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return JsonResponse({})


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    account = who(request)
    if account is None:
        return JsonResponse({"error": "wrong email or password"}, status=401)
    return JsonResponse({"access_token": signing.dumps(account.pk), "expires_in": TOKEN_LIFE_S})


@require_GET
@signed_in
def me(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"email": request.user.email, "organization": request.user.organization.name})


@require_POST
@signed_in
def checkout(request: HttpRequest) -> HttpResponse:
    plan = json.loads(request.body).get("plan")
    if plan not in PLANS:
        return JsonResponse({"error": f"no such plan; there are {', '.join(PLANS)}"}, status=400)
    found, _ = Subscription.objects.update_or_create(
        organization=request.user.organization, defaults={"plan": plan, "status": "active"}
    )
    return JsonResponse({"subscription": found.pk, "plan": found.plan, "status": found.status})


@require_POST
@signed_in
def new_key(request: HttpRequest) -> HttpResponse:
    """Make an API key; only its digest is kept."""
    key = secrets.token_urlsafe(24)
    made = ApiKey.objects.create(account=request.user, digest=sha256(key.encode()).hexdigest())
    return JsonResponse({"id": made.pk, "key": key}, status=201)


@require_http_methods(["DELETE"])
@signed_in
def old_key(request: HttpRequest, pk: int) -> HttpResponse:
    gone, _ = ApiKey.objects.filter(account=request.user, pk=pk).delete()
    return HttpResponse(status=204 if gone else 404)
