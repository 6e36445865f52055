"""`manage.py seed`: the few rows that every stack has, made where they are missing."""

from hashlib import sha256
from os import environ

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand

from service.models import Account, ApiKey, Feature, Job, Organization, Subscription, Tenant


class Command(BaseCommand):
    help = __doc__

    def handle(self, **_said: object) -> None:
        Tenant.objects.get_or_create(slug="default")
        for name, value in {"momentum": 0.4, "volatility": 0.2, "volume": 0.9}.items():
            Feature.objects.get_or_create(symbol="SPY", name=name, defaults={"value": value})
        organization, _ = Organization.objects.get_or_create(name="Probe")
        Subscription.objects.get_or_create(organization=organization, defaults={"plan": "team"})
        if not Job.objects.exists():
            Job.objects.create(kind="import")
        probe, made = Account.objects.get_or_create(email="probe@example.com", organization=organization)
        if made:
            probe.set_password(environ.get("PROBE_PASSWORD"))
            probe.save()
        if not Session.objects.exists():
            SessionStore().create()
        if "API_KEY" in environ:
            digest = sha256(environ["API_KEY"].encode()).hexdigest()
            ApiKey.objects.get_or_create(digest=digest, defaults={"account": probe})
