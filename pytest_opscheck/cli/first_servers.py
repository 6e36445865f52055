"""What a first inventory says of the servers that answer here: what holds now, and all else as a suggestion."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ..core.visible import plain
from . import machine
from .first_words import key_of, quoted
from .listening import Listener
from .servers import POSTGRES_PORT, UP, Certificate, Postgres, Redis, Server, Web, socket_dsn

_HTTPS = 443
_SIGNED_IN = """\
# PostgreSQL answers by its socket in {folder}, without a password. A role in pg_monitor sees enough.
[postgres.{name}]
dsn = {dsn}
{query}"""
_POSTGRES = """\
# PostgreSQL answers {where}. Set the environment variable
#   {variable}={dsn}
# (a role in pg_monitor sees enough), then:
# [postgres.{name}]
# dsn = "${{{variable}}}"
{query}"""
_QUERY = """\
# [postgres.{name}.query.stuck_jobs]  # your own query
# sql = "select count(*) from jobs where status = 'processing' and created_at < now() - interval '1 hour'"
# expect = {{ P3 = "== 0" }}
"""
_REDIS = """\
# Redis answers on port {port} without a password.
[redis.{name}]
url = "redis://{address}/0"
# [redis.{name}.expect]
# hit_rate = "> 70%"
"""
_LOCKED_REDIS = """\
# Redis answers on port {port} and requires a password. Set the environment variable
#   {variable}=redis://:PASSWORD@{address}/0
# then:
# [redis.{name}]
# url = "${{{variable}}}"
"""
_WEB = """\
# {who} answers on port {port}.{why}
{off}[http.{name}]
{off}url = {url}
"""
_METRICS = """\
# {who} has metrics on port {port}.{why}
{off}[metrics.{name}]
{off}url = {url}
"""
_VALUE = """\
{off}[metrics.{name}.value.up]  # it reaches {measured}
{off}metric = "{metric}"
{off}expect = "== 1"
"""
_TLS = """\
# The certificate of {host}.{why}
{off}[tls.{name}]
{off}address = {address}
"""
_EXPORTERS = {9100: "node-exporter", 9121: "redis-exporter", 9187: "postgres-exporter"}
_PROXY = "docker-proxy"


def tables(found: Collection[Server], own_names: Iterable[str]) -> Iterator[str]:
    """Yield the tables of servers. `own_names` are those for which this machine has certificates, shown or not."""
    for number, database in enumerate(each for each in found if isinstance(each, Postgres)):
        yield _postgres(database, number)
    for number, redis in enumerate(each for each in found if isinstance(each, Redis)):
        yield _redis(redis, number)
    webs = [each for each in found if isinstance(each, Web)]
    yield from _webs([each for each in webs if lasts(each.listener)])
    if passing := [each.listener for each in webs if not lasts(each.listener)]:
        shown = ", ".join(f"{each.port} ({plain(_who(each))})" for each in passing)
        yield f"# Left out, as ports of these numbers are given to whoever asks for any: {shown}\n"
    shown_names = {each.name for web in webs for each in web.certificates}
    for name in own_names:
        if name not in shown_names:
            why = " Nothing shows it here at the moment."
            address = quoted(f"{name}:{_HTTPS}")
            yield _TLS.format(host=plain(name), why=why, name=key_of(name), address=address, off="# ")


def lasts(listener: Listener) -> bool:
    """Tell whether a port will be the same one tomorrow."""
    return not listener.passing or machine.is_service(listener.program or "")


def _postgres(server: Postgres, number: int) -> str:
    name, variable = (f"port_{server.port}", f"DATABASE_URL_{server.port}") if number else ("main", "DATABASE_URL")
    query = _QUERY.format(name=name)
    if server.dsn is not None and server.socket is not None:
        return _SIGNED_IN.format(folder=plain(server.socket.folder), name=name, dsn=quoted(server.dsn), query=query)
    if server.listener is not None or server.socket is None:
        address = server.listener.address if server.listener else f"127.0.0.1:{POSTGRES_PORT}"
        where, dsn = f"on port {server.port}", f"postgresql://USER:PASSWORD@{address}/DATABASE"
    else:
        where = f"by its socket in {plain(server.socket.folder)}, and not to this user"
        dsn = plain(socket_dsn(server.socket, "DATABASE")) + "&user=USER"
    return _POSTGRES.format(where=where, variable=variable, dsn=dsn, name=name, query=query)


def _redis(server: Redis, number: int) -> str:
    port = server.port
    name, variable = (f"port_{port}", f"REDIS_URL_{port}") if number else ("cache", "REDIS_URL")
    template = _REDIS if server.open else _LOCKED_REDIS
    return template.format(port=port, address=server.listener.address, name=name, variable=variable)


def _webs(found: Iterable[Web]) -> Iterator[str]:
    names: set[str] = set()
    for web in found:
        name = _name(web.listener, names)
        names.add(name)
        if not web.metrics or (web.path != "/" or not _is_exporter(web)):
            yield _web(web, name)
        if web.metrics:
            yield _metrics(web, name)
        yield from (_certificate(each) for each in web.certificates)


def _web(web: Web, name: str) -> str:
    why = _distrusted(web)
    if not why and web.path is None:
        why = f"\n# It answers {web.status} at {web.base}/; enter a page that answers 200."
    return _WEB.format(
        who=_who(web.listener),
        port=web.port,
        why=why,
        off="# " if why else "",
        name=name,
        url=quoted(f"{web.base}{web.path or '/'}"),
    )


def _metrics(web: Web, name: str) -> str:
    why = _distrusted(web)
    off = "# " if why else ""
    url = quoted(f"{web.base}/metrics")
    table = _METRICS.format(who=_who(web.listener), port=web.port, why=why, off=off, name=name, url=url)
    if web.up is None:
        return table
    return table + _VALUE.format(off=off, name=name, measured=UP[web.up], metric=web.up)


def _distrusted(web: Web) -> str:
    if web.trusted:
        return ""
    why = next((each.why for each in web.certificates if each.why), "no name of its certificate leads here")
    return f"\n# Nobody would trust its certificate from here: {plain(why)}. Enter a name that it bears."


def _certificate(shown: Certificate) -> str:
    name = key_of(shown.name if shown.port == _HTTPS else f"{shown.name}-{shown.port}")
    why = f"\n# It would not pass now: {plain(shown.why)}." if shown.why else ""
    off = "# " if why else ""
    text = _TLS.format(host=plain(shown.name), why=why, off=off, name=name, address=quoted(shown.address))
    return text if shown.server_name is None else f"{text}{off}server_name = {quoted(shown.server_name)}\n"


def _is_exporter(web: Web) -> bool:
    """Tell whether what it serves beside its metrics is nothing but a page that leads to them."""
    return web.up is not None or "exporter" in (web.listener.program or "") or web.port in _EXPORTERS


def _name(listener: Listener, taken: Collection[str]) -> str:
    said = listener.program if listener.program not in (None, _PROXY) else _EXPORTERS.get(listener.port)
    name = key_of(said) if said else f"port-{listener.port}"
    return name if name not in taken else f"{name}-{listener.port}"


def _who(listener: Listener) -> str:
    if listener.program == _PROXY:
        return "A container"
    return plain(listener.program) if listener.program else "Something"
