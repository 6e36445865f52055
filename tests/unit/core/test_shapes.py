"""Shapes: what has the name or the shape of a secret, and what is ordinary."""

from __future__ import annotations

import base64
import random

import pytest

from pytest_opscheck.core.shapes import is_secret_key, shaped

NAMES = """
password DB_PASSWD PGPASSWORD DB_PASS DBPASS SSHPW DB_PASSWORD_PROD api-key apikey apiKey API_KEY X-Api-Key STRIPE_KEY
Ocp-Apim-Subscription-Key AWS_SECRET_ACCESS_KEY access_token SLACK_TOKEN credentials Authorization X-Auth Cookie
DOOR_PIN
"""
OTHER_NAMES = """
url connect key keys name path author PASSWORD_FILE TOKEN_URL SECRET_NAME PUBLIC_KEY PWD DATABASE_URL HOST BYPASS MONKEY
KEYWORD hit_rate pinned shipping
"""
ORDINARY = """
localhost error /srv production 127.0.0.1 5432 true postgres admin main GET https api ok 2024-01-31 2024-01-31T10:15:00Z
https://api.example.com/health/detailed?page=2 income-fortress web01 us-east-1a hunter2 Winter2024 < 70% == 200 0.75
ip-10-0-3-7.eu-west-1.compute.internal /srv/app/logs/django.log *.gz ^ERROR.*[0-9]+$ deploy@prod Kim.Smith2@example.com
1h30m 512MiB v1.2.3 1.2.3-rc1 python3.11 x86_64 fe80::a00:27ff:fe4e:66a1 de:ad:be:ef:00:01 Europe/Berlin nvme0n1p1
getElementById PostgreSQL db-main.internal:5432 registry.example.com/team/app:v1.2.3 redis://cache:6379/0 enp0s31f6
s3://bucket/backups/2024 postgresql://ops@db.example.com/ops ssh://deploy@10.0.0.1:2222 canary-header-token e2e k8s
i18n sha256sum oauth2client Content-Type application/json UTF-8 en_US.UTF-8 20240131T101500Z 1706695200 services.*
app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef /var/lib/docker/overlay2 C:\\Users\\ops
"""
SECRET = """
wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY AKIAIOSFODNN7EXAMPLE ghp_abcdefghijklmnopqrstuvwxyz0123456789 Tr0ub4dor&3
winter2024! 550e8400-e29b-41d4-a716-446655440000 9f86d081884c7d659a2feaa0c55ad015 JBSWY3DPEHPK3PXP x9Kd83jfU2Lq
eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc123 P@ssw0rd1! s3cr3tp4ssw0rd Zm9vYmFyYmF6cXV4
"""


@pytest.mark.parametrize("key", NAMES.split())
def test_names_of_secrets(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize("key", OTHER_NAMES.split())
def test_other_names(key: str) -> None:
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    "value", [*ORDINARY.split(), "select count(*) from jobs where status = 'new'", "nginx -t && true"]
)
def test_ordinary_values_are_no_secrets(value: str) -> None:
    assert list(shaped(value)) == []


@pytest.mark.parametrize("value", SECRET.split())
def test_what_has_the_shape_of_a_secret(value: str) -> None:
    assert value in list(shaped(value))
    if value.isalnum():
        assert value in list(shaped(f"login --as ops {value} --quiet"))


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("https://hooks.example.com/services/T024BE7LD/AbCdEf123456", ["T024BE7LD", "AbCdEf123456"]),
        ("https://hc-ping.com/6a5f9e21-0c3b-4d8e-9f11-2b3c4d5e6f70", ["6a5f9e21-0c3b-4d8e-9f11-2b3c4d5e6f70"]),
        ("/srv/x9Kd83jfU2Lq/file", ["x9Kd83jfU2Lq"]),
    ],
)
def test_of_an_address_only_the_part(address: str, parts: list[str]) -> None:
    assert list(shaped(address)) == parts


def test_tokens_that_are_drawn_by_lot_are_seen() -> None:
    """All of them but one in some ten thousand, which by chance looks like words: each run draws the same."""
    lot = random.Random(20261128)
    drawn = [lot.randbytes(32) for _ in range(20_000)]
    assert [token for token in (raw.hex() for raw in drawn) if not list(shaped(token))] == []
    urlsafe = [base64.urlsafe_b64encode(raw).rstrip(b"=").decode() for raw in drawn]
    assert len([token for token in urlsafe if not list(shaped(token))]) <= len(drawn) / 10_000


@pytest.mark.parametrize(
    "name", ["AbstractSingletonProxyFactoryBean", "getElementsByTagNameNS", "XMLHttpRequestUpload"]
)
def test_long_names_are_words(name: str) -> None:
    assert list(shaped(name)) == []
