"""`opscheck init`: writes a first inventory for this machine, of what is seen on it."""

from __future__ import annotations

import errno
import json
import re
import socket
from collections.abc import Iterable
from pathlib import Path

from .. import packages
from ..catalogue import kind_named
from ..core.humanize import counted
from ..core.visible import plain
from ..inventory import FILE
from . import machine, schema

_HTTPS = 443
_HEAD = """\
{schema}
# The inventory: targets, and what is expected of each. Written by `opscheck init` from what it saw on {host}.
# Lines that begin with '#' are suggestions: remove the '#' and fill in your own values.
#
#   opscheck validate      reports the errors in this file, without probing anything
#   opscheck plan          shows what would be checked, and against which limits
#   pytest -m smoke        runs the quick checks; -m daily the daily ones
#
# A limit is an operator and a value: "< 70%", ">= 30d", "< 500ms", "== 0". A ladder is several limits, each with the
# severity of breaking it, P0 (worst) to P3: {{ P3 = "< 70%", P1 = "< 90%" }}. Whatever is left out has a default.

[opscheck]
name = {name}
{timezone}  # what "today" means, and when windows open
# runbook = "docs/runbook.md"  # where links to the runbook lead

# [suites.deploy_gate]
# fail_at = "P2"  # less severe breaches warn and do not fail the run
"""
_HOST = """\
# This machine. Disk, memory, load and processors have default limits.{full}
[host.local]
# connect = "ssh://deploy@prod"  # any testinfra host spec; without it, this machine
{expect}[host.local.expect]
# disk = {{ P3 = "< 70%", P1 = "< 90%" }}
# load = false  # off
{services}
"""
_DOCKER = """\
# The Compose project {project}.
[docker.{name}]
project = {quoted}
[docker.{name}.expect]
up = [{services}]
{healthy}
# errors = {{ P2 = "< 10/day", pattern = "ERROR" }}
"""
_POSTGRES = """\
# PostgreSQL answers on port {port}. Set the environment variable
#   {variable}=postgresql://USER:PASSWORD@127.0.0.1:{port}/DATABASE
# (a role in pg_monitor sees enough), then:
# [postgres.{name}]
# dsn = "${{{variable}}}"
# [postgres.{name}.query.stuck_jobs]  # your own query
# sql = "select count(*) from jobs where status = 'processing' and created_at < now() - interval '1 hour'"
# expect = {{ P3 = "== 0" }}
"""
_REDIS = """\
# Redis answers on port {port} without a password.
[redis.{name}]
url = "redis://127.0.0.1:{port}/0"
# [redis.{name}.expect]
# hit_rate = "> 70%"
"""
_LOCKED_REDIS = """\
# Redis answers on port {port} and requires a password. Set the environment variable
#   {variable}=redis://:PASSWORD@127.0.0.1:{port}/0
# then:
# [redis.{name}]
# url = "${{{variable}}}"
"""
_TLS = """\
# The certificate of {host}.{why}
{off}[tls.{name}]
{off}address = {address}
"""
_SOME_TLS = """\
# Something listens on port 443. Enter the name that people reach it by:
# [tls.web]
# address = "www.example.com:443"
"""
_API = """\
# Your own API. Enter its health page:
# [http.api]
# url = "https://api.example.com/health"
# [http.api.expect]
# status = "== 200"
# p95 = { P3 = "< 500ms", P1 = "< 1s" }
"""
_BACKUP = """\
# Your backup. Enter where it is stored:
# [backup.database]
# path = "/srv/backups/*.sql.gz"
# [backup.database.expect]
# fresh = "< 26h"
# intact = true
"""


def write(folder: Path) -> Path:
    """Write `opscheck.toml` into a folder and return its path. Raises FileExistsError rather than overwrite one."""
    file = folder / FILE
    if file.exists() or file.is_symlink():
        raise FileExistsError(errno.EEXIST, "it already exists and was left unchanged", str(file))
    text = render()
    with file.open("x", encoding="utf-8") as opened:
        opened.write(text)
    return file


def render() -> str:
    """Return an inventory of this machine. As text it is valid with nothing set in the environment.

    What stands in comments is in one line each, and in quotes it is what TOML reads as just that.
    """
    ports = machine.listening()
    return "\n".join(
        [
            _head(socket.gethostname() or "my-machine", machine.timezone()),
            _host(machine.mounts(), machine.services()),
            *_docker(machine.docker()),
            *_postgres(machine.postgres_ports(ports)),
            *_redis(machine.redis_ports(ports)),
            *_tls(machine.certificate_names(), ports),
            _API,
            _BACKUP,
            *_added(),
        ]
    )


def _head(host: str, zone: str | None) -> str:
    timezone = f"timezone = {_quoted(zone)}" if zone else '# timezone = "Europe/Berlin"'
    return _HEAD.format(schema=schema.LINE, host=plain(host), name=_quoted(host), timezone=timezone)


def _host(mounts: Iterable[machine.Mount], services: list[str]) -> str:
    full = ", ".join(f"{plain(mount.path)} {mount.used_percent:.0f} %" for mount in mounts)
    units = ", ".join(_quoted(unit) for unit in services)
    return _HOST.format(
        full=f" Used now: {full}." if full else "",
        expect="" if services else "# ",
        services=f"services = [{units}]  # running now" if services else '# services = ["nginx"]  # must be active',
    )


def _docker(seen: machine.Docker) -> Iterable[str]:
    if seen.problem:
        why = plain(seen.problem)
        yield f"# Docker's socket is there, but Compose projects could not be listed: {why}.\n"
    for project in seen.projects:
        count, lacking = len(project.services), len(project.services) - project.with_health_check
        healthy = f"healthy = {count}"
        if lacking:
            healthy = (
                f"# {lacking} of {counted(count, 'service')} without a health check; once all have one:\n# {healthy}"
            )
        yield _DOCKER.format(
            project=plain(project.name),
            name=_key(project.name),
            quoted=_quoted(project.name),
            services=", ".join(_quoted(service) for service in project.services),
            healthy=healthy,
        )


def _postgres(ports: Iterable[int]) -> Iterable[str]:
    for number, port in enumerate(ports):
        name = f"port_{port}" if number else "main"
        yield _POSTGRES.format(port=port, name=name, variable=f"DATABASE_URL_{port}" if number else "DATABASE_URL")


def _redis(ports: Iterable[machine.RedisPort]) -> Iterable[str]:
    for number, found in enumerate(ports):
        name, variable = (f"port_{found.port}", f"REDIS_URL_{found.port}") if number else ("cache", "REDIS_URL")
        template = _REDIS if found.open else _LOCKED_REDIS
        yield template.format(port=found.port, name=name, variable=variable)


def _tls(hosts: list[str], ports: set[int]) -> Iterable[str]:
    here = _HTTPS in ports
    for host in hosts:
        why = "" if here else " Nothing listens on port 443 here at the moment."
        yield _TLS.format(
            host=plain(host), address=_quoted(f"{host}:443"), name=_key(host), why=why, off="" if here else "# "
        )
    if here and not hosts:
        yield _SOME_TLS


def _added() -> Iterable[str]:
    """Yield what other packages suggest of their kinds."""
    for name in sorted(packages.installed(packages.KINDS)):
        package = packages.package_of(packages.KINDS, name)
        try:
            example = kind_named(name).example
        except packages.PackageError as error:
            yield f"# {plain(str(error))}\n"
        else:
            lines = [f"[{name}.NAME], of {package}:", *(example or "").splitlines()]
            yield "".join(f"# {plain(line)}\n" for line in lines)


def _key(name: str) -> str:
    """Return a name as a target's: letters, digits, `_` and `-`, beginning with a letter or digit."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name).strip("-_") or "stack"


def _quoted(text: str) -> str:
    return json.dumps(plain(text), ensure_ascii=False).replace("${", "$${")
