"""`opscheck init`: writes a first inventory for this machine, of what is seen on it."""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import packages
from ..catalogue import kind_named
from ..core.humanize import counted
from ..core.visible import plain
from ..inventory import FILE
from . import first_servers, listening, machine, schema, servers
from .first_words import key_of, quoted
from .listening import Listener, PostgresSocket

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
{running}
{tables}"""
_SHOWN = 10
_AS_ROOT = 'sudo "$(command -v opscheck)" init "$(mktemp -d)"'
_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ANYTHING = re.compile(
    r"(python|pypy|perl|ruby|php|lua)[0-9.]*|node|nodejs|java|deno|bun|sh|bash|docker-proxy|beam[.]smp"
)
"""Programs whose name does not say what they run."""
_DOCKER = """\
# The Compose project {project}.{down}
[docker.{name}]
project = {quoted}
[docker.{name}.expect]
up = [{services}]
{healthy}
# errors = {{ P2 = "< 10/day", pattern = "ERROR" }}
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


@dataclass(frozen=True, slots=True)
class Draft:
    """An inventory of this machine, and what could not be seen of it: sentences, each with the command to see it."""

    text: str
    unseen: tuple[str, ...]


def write(folder: Path, text: str) -> Path:
    """Write `opscheck.toml` into a folder and return its path. Raises FileExistsError rather than overwrite one."""
    file = free(folder)
    with file.open("x", encoding="utf-8") as opened:
        opened.write(text)
    return file


def free(folder: Path) -> Path:
    """Return where a folder's inventory is to be. Raises FileExistsError where there is one."""
    file = folder / FILE
    if file.exists() or file.is_symlink():
        raise FileExistsError(errno.EEXIST, "it already exists and was left unchanged", str(file))
    return file


def draft() -> Draft:
    """Look at this machine and return an inventory of it. As text it is valid with nothing set in the environment.

    What stands in comments is in one line each, and in quotes it is what TOML reads as just that.
    """
    systemd, docker, blind = machine.systemd(), machine.docker(), None
    listeners: tuple[Listener, ...] = ()
    sockets: tuple[PostgresSocket, ...] = ()
    try:
        listeners, sockets = listening.listeners(), listening.postgres_sockets()
    except OSError as error:
        blind = plain(str(error))
    unseen = tuple(_unseen(systemd, docker, listeners, blind))
    own_names = machine.certificate_names()
    parts = [
        head(socket.gethostname() or "my-machine", machine.timezone()),
        *(f"# Not seen: {each}\n" for each in unseen),
        _host(machine.mounts(), systemd, listeners),
        *_docker(docker),
        *first_servers.tables(servers.found(listeners, sockets, own_names), own_names),
        _API,
        _BACKUP,
        *_added(),
    ]
    return Draft("\n".join(parts), unseen)


def _unseen(
    systemd: machine.Systemd, docker: machine.Docker, listeners: Iterable[Listener], blind: str | None
) -> Iterator[str]:
    """Yield what could not be seen, and how it is."""
    if blind is not None:
        yield f"which ports are listened on ({blind}); see them: sudo ss -ltnp"
    hidden = [str(each.port) for each in listeners if each.program is None]
    if hidden:
        ports = f"{'port' if len(hidden) == 1 else 'ports'} {', '.join(hidden[:_SHOWN])}"
        more = f" and {len(hidden) - _SHOWN} more" if len(hidden) > _SHOWN else ""
        whose = (
            f"; see them: {_AS_ROOT}"
            if os.geteuid()
            else " (root cannot see them either: they may run outside this container)"
        )
        yield f"the programs that listen on {ports}{more}{whose}"
    if docker.problem is not None:
        how = _AS_ROOT if docker.denied else "docker ps"
        yield f"Compose projects, as Docker's socket is there, but {plain(docker.problem)}; see them: {how}"
    if systemd.problem is not None:
        yield plain(systemd.problem)


def head(host: str, zone: str | None) -> str:
    """Return how an inventory begins, with its name and what is not about its targets."""
    timezone = f"timezone = {quoted(zone)}" if zone else '# timezone = "Europe/Berlin"'
    return _HEAD.format(schema=schema.LINE, host=plain(host), name=quoted(host), timezone=timezone)


def _host(mounts: Iterable[machine.Mount], systemd: machine.Systemd, listeners: Iterable[Listener]) -> str:
    full = ", ".join(f"{plain(mount.path)} {mount.used_percent:.0f} %" for mount in mounts)
    running, tables = _running(systemd, tuple(listeners))
    return _HOST.format(
        full=f" Used now: {full}." if full else "",
        expect="" if running else "# ",
        running=running or '# services = ["nginx"]  # must be active',
        tables="".join(f"{table}\n" for table in tables),
    )


def _running(systemd: machine.Systemd, listeners: tuple[Listener, ...]) -> tuple[str, list[str]]:
    """Return what is expected to run: systemd's units, or, where there is none, ports, and tables of processes."""
    if systemd.units:
        return f"services = [{', '.join(map(quoted, systemd.units))}]  # running now", []
    lasting = [each for each in listeners if first_servers.lasts(each)]
    if systemd.runs or not lasting:
        return "", []
    ports = ", ".join(str(each.port) for each in lasting)
    programs = {each.program: each for each in lasting if each.program and _PROGRAM.fullmatch(each.program)}
    patterns = {name: f"(^|/){name.replace('.', '[.]')}( |:|$)" for name in programs if not _ANYTHING.fullmatch(name)}
    found = [name for name, pattern in patterns.items() if re.search(pattern, programs[name].command)]
    return f"ports = [{ports}]  # listened on now", [
        f"[host.local.processes.{key_of(name)}]\npattern = {quoted(patterns[name])}" for name in sorted(found)
    ]


def _docker(seen: machine.Docker) -> Iterable[str]:
    for project in seen.projects:
        if not project.services:
            yield f"# The Compose project {plain(project.name)} has containers, and none of them runs.\n"
            continue
        count, lacking = len(project.services), len(project.services) - project.with_health_check
        healthy = f"healthy = {count}"
        if lacking:
            healthy = (
                f"# {lacking} of {counted(count, 'service')} without a health check; once all have one:\n# {healthy}"
            )
        down = f" These do not run now: {', '.join(map(plain, project.down))}." if project.down else ""
        yield _DOCKER.format(
            project=plain(project.name),
            name=key_of(project.name),
            quoted=quoted(project.name),
            services=", ".join(quoted(service) for service in project.services),
            healthy=healthy,
            down=down,
        )


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
