"""What the service keeps in its database."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import BaseUserManager
from django.db import models
from django.utils import timezone


class Tenant(models.Model):
    slug = models.SlugField(unique=True)

    class Meta:
        db_table = "tenants"


class Feature(models.Model):
    """A number about a symbol, which the model scores."""

    symbol = models.CharField(max_length=12)
    name = models.CharField(max_length=40)
    value = models.FloatField()
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "features"
        unique_together = ("symbol", "name")


class Organization(models.Model):
    name = models.CharField(max_length=80, unique=True)

    class Meta:
        db_table = "organizations"


class Subscription(models.Model):
    organization = models.OneToOneField(Organization, models.CASCADE)
    plan = models.CharField(max_length=20)
    status = models.CharField(max_length=20, default="active")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "subscriptions"


class Account(AbstractBaseUser):
    email = models.EmailField(unique=True)
    organization = models.ForeignKey(Organization, models.CASCADE)
    objects = BaseUserManager()
    USERNAME_FIELD = "email"

    class Meta:
        db_table = "accounts"


class ApiKey(models.Model):
    account = models.ForeignKey(Account, models.CASCADE)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "api_keys"


class Job(models.Model):
    kind = models.CharField(max_length=40)
    status = models.CharField(max_length=20, default="done", db_index=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "jobs"
