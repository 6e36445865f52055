"""Whether a server on another machine is known to be the one that is meant, and what to write where it is not."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import parse_qs, urlsplit

_LOOPBACK = ("", "localhost")


def is_elsewhere(host: str) -> bool:
    """Tell whether a host is another machine: not this one by its loopback, nor a socket's path."""
    host = host.strip("[]").rstrip(".").lower()
    if host in _LOOPBACK or host.endswith(".localhost") or host.startswith(("/", "@")):
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def of_postgres(dsn: str) -> str | None:
    """Say what is not verified of a PostgreSQL server; None where all is, and where the connection string is wrong."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        options = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value is not None}
    except ProgrammingError:
        return None
    hosts = (options.get("hostaddr") or options.get("host") or os.environ.get("PGHOST", "")).split(",")
    mode = options.get("sslmode") or os.environ.get("PGSSLMODE") or ""
    if options.get("sslrootcert") == "system" or mode == "verify-full" or not any(map(is_elsewhere, hosts)):
        return None
    given = f"sslmode is {mode}" if mode else "no sslmode is set"
    return (
        f"{given}, so any server that answers is trusted, and gets the password; write sslmode=verify-full, with "
        "sslrootcert=system, or the file of your own CA"
    )


def of_redis(url: str) -> str | None:
    """Say what is not verified of a Redis server."""
    try:
        parts = urlsplit(url)
        host, asked = parts.hostname or "", parse_qs(parts.query)
    except ValueError:
        return None
    if parts.scheme == "redis" and is_elsewhere(host):
        return "redis:// is unencrypted, the password included, and any server that answers is trusted; use rediss://"
    checked = asked.get("ssl_cert_reqs", ["required"])[-1].lower().removeprefix("cert_")
    named = asked.get("ssl_check_hostname", ["true"])[-1].lower()
    if parts.scheme == "rediss" and is_elsewhere(host) and (checked != "required" or named in ("false", "0", "no")):
        return "its certificate is not verified; leave ssl_cert_reqs out, and set your own CA in ssl_ca_certs"
    return None


def of_amqp(url: str) -> str | None:
    """Say what is not verified of a RabbitMQ server."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme in ("amqp", "pyamqp") and is_elsewhere(host):
        return "amqp:// is unencrypted, the password included, and any server that answers is trusted; use amqps://"
    return None


def of_docker(url: str | None) -> str | None:
    """Say what is not verified of a Docker engine."""
    url = url or os.environ.get("DOCKER_HOST") or ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme not in ("tcp", "http", "https") or not is_elsewhere(host):
        return None
    if parts.scheme == "https" or os.environ.get("DOCKER_TLS_VERIFY"):
        return None
    return (
        "the certificate is not verified, so any engine that answers is trusted; set DOCKER_TLS_VERIFY=1 "
        "and DOCKER_CERT_PATH, or go by ssh: on = 'NAME' of a [host.NAME]"
    )
