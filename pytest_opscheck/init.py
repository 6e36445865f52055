"""`opscheck init`: writes a first inventory for this machine, of what is seen on it."""

from __future__ import annotations

import errno
import json
import re
import socket
from collections.abc import Iterable
from pathlib import Path

from . import _machine
from .inventory import FILE

_HTTPS = 443
_HEAD = """\
# The inventory: targets, and what is expected of each. Written by `opscheck init` from what it saw on {host}.
# Lines that begin with '#' are suggestions: take the '#' away, and put your own words in.
#
#   opscheck validate      says what is wrong in this file, without probing anything
#   opscheck plan          says what would be checked, and with which limits
#   pytest -m smoke        runs the quick checks; -m daily the daily ones
#
# A limit is an operator and a value: "< 70%", ">= 30d", "< 500ms", "== 0". A ladder is several limits, each with the
# severity of breaking it, P0 (worst) to P3: {{ P3 = "< 70%", P1 = "< 90%" }}. What is not said here has a default.

[opscheck]
name = {name}
{timezone}                               # what "today" means, and when windows open
# runbook = "docs/runbook.md"            # where links to the runbook lead

# [suites.deploy_gate]
# fail_at = "P2"                         # milder breaches warn, and do not fail the run
"""
_API = """\
# An API of yours. Put its health page here:
# [http.api]
# url = "https://api.example.com/health"
# [http.api.expect]
# status = "== 200"
# p95 = { P3 = "< 500ms", P1 = "< 1s" }
"""
_BACKUP = """\
# Your backup. Say where it is put:
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
        raise FileExistsError(errno.EEXIST, "it is there already, and is left as it is", str(file))
    text = render()
    with file.open("x", encoding="utf-8") as opened:
        opened.write(text)
    return file


def render() -> str:
    """Return an inventory of this machine, as text that passes `opscheck validate` with nothing set in the environment."""
    ports = _machine.listening()
    parts = [
        _head(socket.gethostname() or "my-machine", _machine.timezone()),
        _host(_machine.mounts(), _machine.services()),
        *_docker(_machine.docker()),
        *(_postgres(port, first=not index) for index, port in enumerate(_machine.postgres_ports(ports))),
        *(_redis(found, first=not index) for index, found in enumerate(_machine.redis_ports(ports))),
        *_tls(_machine.certificate_names(), ports),
        _API,
        _BACKUP,
    ]
    return "\n".join(parts)


def _head(host: str, zone: str | None) -> str:
    timezone = f"timezone = {_quoted(zone)}" if zone else '# timezone = "Europe/Berlin"'
    return _HEAD.format(host=host, name=_quoted(host), timezone=timezone)


def _host(mounts: Iterable[_machine.Mount], services: list[str]) -> str:
    full = ", ".join(f"{mount.path} {mount.used_percent:.0f} %" for mount in mounts)
    lines = [
        "# This machine: disk, memory, load and processors have default limits.",
        "[host.local]",
        '# connect = "ssh://deploy@prod"         # any testinfra host spec; this machine without it',
        "# [host.local.expect]" if not services else "[host.local.expect]",
        f"# disk = {{ P3 = \"< 70%\", P1 = \"< 90%\" }}" + (f"  # the default; used now: {full}" if full else "  # the default"),
        '# memory = { P3 = "< 80%", P1 = "< 95%" }  # the default',
    ]
    if services:
        lines += [f"services = [{', '.join(_quoted(unit) for unit in services)}]  # these run now"]
    else:
        lines += ['# services = ["nginx", "postgresql"]    # systemd units that have to be active']
    return "\n".join(lines) + "\n"


def _docker(seen: _machine.Docker) -> Iterable[str]:
    if seen.problem:
        yield f"# Docker's socket is there, but its engine could not be asked for Compose projects: {seen.problem}.\n"
    for project in seen.projects:
        name, count = _key(project.name), len(project.services)
        checked = project.with_health_check
        lacking = "" if checked == count else f"# {count - checked} of {count} services have no health check yet; when all have:\n# "
        yield (
            f"# The Compose project {project.name}.\n"
            f"[docker.{name}]\n"
            f"project = {_quoted(project.name)}\n"
            f"[docker.{name}.expect]\n"
            f"up = [{', '.join(_quoted(service) for service in project.services)}]\n"
            f"{lacking}healthy = {count}\n"
            f'# errors = {{ P2 = "< 10/day", pattern = "ERROR" }}  # the default\n'
        )


def _postgres(port: int, *, first: bool) -> str:
    name, variable = ("main", "DATABASE_URL") if first else (f"port_{port}", f"DATABASE_URL_{port}")
    return (
        f"# PostgreSQL answers on port {port}. Set {variable}=postgresql://USER:PASSWORD@127.0.0.1:{port}/DATABASE\n"
        f"# (a role in pg_monitor is enough), then:\n"
        f"# [postgres.{name}]\n"
        f'# dsn = "${{{variable}}}"\n'
        f"# [postgres.{name}.query.stuck_jobs]    # a question of your own\n"
        f"# sql = \"select count(*) from jobs where status = 'processing' and created_at < now() - interval '1 hour'\"\n"
        f'# expect = {{ P3 = "== 0" }}\n'
    )


def _redis(found: _machine.RedisPort, *, first: bool) -> str:
    name = "cache" if first else f"port_{found.port}"
    variable = "REDIS_URL" if first else f"REDIS_URL_{found.port}"
    if found.open:
        return (
            f"# Redis answers on port {found.port}, and asks for no password.\n[redis.{name}]\n"
            f'url = "redis://127.0.0.1:{found.port}/0"\n'
            f"# [redis.{name}.expect]\n"
            f'# hit_rate = "> 70%"\n'
        )
    return (
        f"# Redis answers on port {found.port}, and asks for a password. Set {variable}=redis://:PASSWORD@127.0.0.1:{found.port}/0, then:\n"
        f"# [redis.{name}]\n"
        f'# url = "${{{variable}}}"\n'
    )


def _tls(names: list[str], ports: set[int]) -> Iterable[str]:
    for name in names:
        off = "" if _HTTPS in ports else "# "
        yield (
            f"# The certificate of {name}{'' if not off else ': nothing listens on port 443 here just now'}.\n"
            f"{off}[tls.{_key(name)}]\n"
            f'{off}address = "{name}:{_HTTPS}"\n'
        )
    if not names and _HTTPS in ports:
        yield '# Something listens on port 443. Say by which name people reach it:\n# [tls.web]\n# address = "www.example.com:443"\n'


def _key(name: str) -> str:
    """Return a name as a target's: letters, digits, `_` and `-`, beginning with a letter or digit."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name).strip("-_") or "stack"


def _quoted(text: str) -> str:
    return json.dumps(text)
