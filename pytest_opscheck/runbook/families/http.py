"""Addresses on the web: what answers, with which status, how fast and with which document; Prometheus and metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from ...core.shapes import is_secret_key
from ..addresses import split
from ..asks import (
    Ask,
    Command,
    Step,
    TargetHint,
    Todo,
    grep_of,
    has_variables,
    in_container,
    is_open,
    literal,
    named,
    variables,
)

URL = re.compile(
    r"https?://[^\s`'\"<>|)\]}]+|\blocalhost:\d{2,5}(?:/[^\s`'\"<>|)\]]*)?|\b127\.0\.0\.1:\d{2,5}(?:/[^\s`'\"<>|)\]]*)?"
)
_STATUS = re.compile(
    r"(?<![\d.:])([1-5]\d\d)(?![\d.%]|\s*(?:ms|s|mb|gb|kb|errors?|connections?|keys?|rows?)\b)", re.IGNORECASE
)
_PAIR = re.compile(
    r"[\"']?([A-Za-z_][\w.-]*)[\"']?\s*[:=]\s*(?:[\"“]([^\"”{}]{1,80})[\"”]|(true|false|null|\d+(?:\.\d+)?)\b)"
)
_NESTED = re.compile(r"[\"']([A-Za-z_]\w*)[\"']\s*:\s*\{\s*(?:\.\.\.|…)\s*\}")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]{5,}")
_JQ = re.compile(r"\.([A-Za-z_][\w.]*)")
_LOOKED_UP = re.compile(
    r"github\.com|gitlab\.com|docs?\.|wiki|slack|statuspage|status\.|console\.|ssllabs|google\.|youtube|confluence|atlassian|pagerduty|sentry\.io|grafana|dashboard",
    re.IGNORECASE,
)
_UNLESS = re.compile(
    r"\b(?:as long as|while|if|when|until|unless|during|solange|während|falls|wenn|tant que|pendant|si)\b",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"\b(?:returns?|answers?|responds?|gives?|status|should|must|prints?|is|ok|http)\b|\b200 OK\b", re.IGNORECASE
)
_LONGEST_KEY = 40
_WELL = ("healthy", "ok", "up", "pass", "alive", "ready")


def is_place_to_look(url: str) -> bool:
    """Tell whether an address is one for people: a console, a wiki, a dashboard."""
    return _LOOKED_UP.search(url) is not None


def target_of(url: str, headers: Mapping[str, Any] | None = None, *, insecure: bool = False) -> TargetHint:
    """Return the target of an address: named by its path, or by its host's first label."""
    shown = url if "://" in url or url.startswith("$") else f"http://{url}"
    shown = variables(shown.rstrip(".,;"))
    parts = split(shown)
    path = [part for part in parts.path.split("/") if part and not re.fullmatch(r"api|v\d+", part)]
    host = re.sub(r"[^A-Za-z0-9-].*", "", parts.netloc.rpartition("@")[2]) or "web"
    label = "web" if host in ("www", "localhost") or host.isdigit() else host
    name = named("_".join(path) if path else label, "web")
    keys: dict[str, Any] = {"url": _kept(shown)}
    keys |= {"headers": dict(headers)} if headers else {}
    keys |= {"verify": False} if insecure else {}
    beside = f" with {' '.join(sorted(headers))}" if headers else ""
    return TargetHint("http", shown.rstrip("/") + beside, name[:30], keys)


def _kept(url: str) -> str | Todo:
    """Return an address as it stands, or what to put there where it has placeholders or a password."""
    parts = split(url)
    secret = parts.password or any(
        is_secret_key(pair.partition("=")[0]) and "${" not in pair for pair in parts.query.split("&")
    )
    if url.startswith("${") and not secret:
        return url
    if is_open(url) or not parts.netloc or secret:
        what = "the address, with its password as ${NAME}" if secret else f"the address in place of {url}"
        return Todo(what, "https://www.example.com/")
    return url


PATH = re.compile(
    r"`(?:(?:GET|HEAD)\s+)?(/[a-z][\w.-]*(?:/[\w.-]+)*/?)`|(?<![\w.`])(?:GET|HEAD)\s+(/[a-z][\w./-]*)", re.IGNORECASE
)
_LOOPBACK = re.compile(r"(?:^|//|[\s`(])(?:localhost|127\.0\.0\.1|\[::1\])")
_INSIDE = re.compile(
    r"container[ -]?internal|\binside (?:of )?(?:the |its |a )?(?:container|docker|pod)", re.IGNORECASE
)
_ENDPOINT = re.compile(r"health|ready|live|status|ping|\bup\b|version|metrics|api|smoke", re.IGNORECASE)


def of_path(text: str) -> tuple[str, TargetHint] | None:
    """Return the path of an endpoint that a text names without a host, and its target; None where it names none."""
    found = PATH.search(text)
    path = (found[1] or found[2]) if found else ""
    if (
        not path
        or not _ENDPOINT.search(path)
        or re.match(r"/(?:var|etc|srv|opt|usr|home|tmp|root|data|mnt|proc|dev)\b", path)
    ):
        return None
    what = f"the whole address of {path}, for example https://www.example.com{path}"
    keys = {"url": Todo(what, f"https://www.example.com{path}")}
    name = named("_".join(part for part in path.split("/") if part and not re.fullmatch(r"api|v\d+", part)), "api")
    kind = "metrics" if path.rstrip("/").endswith("/metrics") else "http"
    return path, TargetHint(kind, f"path {path}", "app" if kind == "metrics" else name[:30], keys)


def unnamed() -> TargetHint:
    """Return an address that the runbook does not name."""
    what = "the address to ask, for example https://www.example.com/health"
    return TargetHint("http", "?", "api", {"url": Todo(what, "https://www.example.com/")})


def url_of(command: Command) -> str | None:
    """Return the address that curl or wget asks."""
    for arg in command.args:
        if re.match(r"https?://|localhost\b|127\.0\.0\.1|\[::1\]", arg) or re.fullmatch(
            r"\$\{?(?:\w*(?:URL|HOST|ENDPOINT|API|BASE|SERVER)\w*\}?[^\s]*|\w+\}?/\S*)", arg
        ):
            return arg
    return next(
        (
            arg
            for arg in command.plain()
            if re.fullmatch(r"[\w-]+(?:\.[\w-]+)*(?::\d+)?/\S*|[\w-]+(?:\.[\w-]+)+(?::\d+)?", arg)
        ),
        None,
    )


def asks(step: Step) -> Iterator[Ask]:
    """Yield what a step asks of an address."""
    for command in step.line.commands:
        if command.program in ("curl", "wget", "http", "xh") and (url := url_of(command)) is not None:
            if not (in_container(command) and _LOOPBACK.search(url)):  # which is another one out here
                yield from of_url(step, url, command)
            return


def of_url(step: Step, url: str, command: Command) -> Iterator[Ask]:
    """Yield what is asked of one address."""
    if (found := list(_prometheus(step, url))) or (found := list(_metrics(step, url))):
        yield from found
        return
    target = target_of(url, _headers(command), insecure=command.has("-k", "--insecure"))
    timed = "time" in command.runners or "time_" in (command.option("-w", "--write-out") or "")
    document = list(_document(step, target))
    yield from document
    if timed:
        check = "http.p95" if re.search(r"\bp95\b|95th", step.words) else "http.latency"
        yield Ask(check, target, "latency", needs_limit=True, sure=0.85, subject=url)
    status = _status(step, command)
    if (
        status is not None
        or not (document or timed)
        or any(re.fullmatch(r"-\w*f\w*|--fail\S*", arg) for arg in command.args)
    ):
        limits = ((None, f"== {status}"),) if status and status != "200" else ()
        yield Ask("http.status", target, limits=limits, sure=0.9, subject=url)


def is_inside(text: str) -> bool:
    """Tell whether a text says that its address is one of a container, which nothing out here can ask."""
    return _LOOPBACK.search(text) is not None and _INSIDE.search(text) is not None


def of_endpoint(text: str) -> Iterator[Ask]:
    """Yield what a text says of an endpoint that it names by its path alone: `/health` returns 200."""
    if is_inside(text):
        return
    url = URL.search(text)
    known = url is not None and not is_place_to_look(url[0])
    found = (url[0], target_of(url[0])) if url and known else of_path(text)
    if found is None:
        return
    path, target = found
    if target.kind == "metrics":
        yield Ask("metrics.reachable", target, sure=0.6, subject=path)
        return
    rest = PATH.sub(" ", URL.sub(" ", text))
    status = None if _UNLESS.search(rest) else _STATUS.search(rest)
    answers = _ANSWERS.search(rest)
    if paths := pairs(rest):
        yield Ask("http.json", target, keys={"paths": paths}, sure=0.8, subject=path)
    if status and answers and not status[1].startswith("5"):
        limits = ((None, f"== {status[1]}"),) if status[1] != "200" else ()
        yield Ask("http.status", target, limits=limits, sure=0.8, subject=path)
    elif not known and re.search(r"health|ready|live", path, re.IGNORECASE):
        yield Ask("http.status", target, sure=0.6, subject=path)


def _headers(command: Command) -> dict[str, str | Todo]:
    """Return the headers that curl sends; a secret in one is left to the environment."""
    found: dict[str, str | Todo] = {}
    for place, arg in enumerate(command.args[:-1]):
        if arg in ("-H", "--header"):
            name, colon, value = command.args[place + 1].partition(":")
            if colon and not re.fullmatch(r"accept|content-type|user-agent", name.strip(), re.IGNORECASE):
                found[name.strip()] = _value(name.strip(), value.strip())
    return found


def _value(name: str, value: str) -> str:
    if has_variables(value):
        return variables(value)
    scheme = re.match(r"(?:Bearer|Basic|Token|ApiKey)\s+", value, re.IGNORECASE)
    if is_secret_key(name) or scheme or is_open(value):
        return f"{scheme[0] if scheme else ''}${{{named(name).upper()}}}"
    return literal(value)


def _status(step: Step, command: Command) -> str | None:
    """Return the status that is expected, None where nothing is said of it."""
    prints = "http_code" in (command.option("-w", "--write-out") or "")
    status = _STATUS.search(step.expected)
    if status and (
        prints
        or re.search(
            r"\b(?:http|status|return|answer|respond|code|print|ok|unauthori[sz]ed|should|gives?)|^\W*\d{3}\b|200",
            step.expected,
            re.IGNORECASE,
        )
    ):
        return status[1]
    if prints or re.search(r"\b2xx\b|\bHTTP OK\b", step.expected):
        return "200"
    return None


def _document(step: Step, target: TargetHint) -> Iterator[Ask]:
    """Yield what is expected of the document that an address answers with."""
    queried = next(
        (
            path
            for command in step.line.commands[1:]
            if command.program == "jq"
            for path in _JQ.findall(" ".join(command.plain()))
        ),
        None,
    )
    paths = {queried: _scalar(step)} if queried else pairs(step.expected)
    if queried and paths[queried] is None:
        ask = Ask(
            "http.json",
            target,
            keys={"paths": {queried: Todo(f"what {queried} has to be", "x")}},
            sure=0.45,
            subject=queried,
        )
        yield ask
        return
    if paths:
        yield Ask("http.json", target, keys={"paths": paths}, sure=0.85, subject=" ".join(str(path) for path in paths))
    elif re.search(r"\bversion\b", step.words, re.IGNORECASE) and split(
        target.identity.partition(" ")[0]
    ).path.endswith("version"):
        yield Ask(
            "http.json",
            target,
            keys={"paths": {"version": Todo("the version, for example == ${RELEASE}", "== 1")}},
            sure=0.45,
            subject="version",
        )


def pairs(text: str) -> dict[str, str]:
    """Return what a document in JSON is said to hold: its pairs of a key and a value."""
    if "{" not in text:
        return {}
    found = {
        key: f"== {literal(word or value)}"
        for key, word, value in _PAIR.findall(text[text.index("{") :])
        if len(key) < _LONGEST_KEY and (word or value).strip(". \u2026")  # three dots stand for any value
    }
    well = next((value for value in found.values() if value.removeprefix("== ") in _WELL), None)
    if well is not None:
        found |= {f"{key}.*": well for key in _NESTED.findall(text)}
    return found


def _scalar(step: Step) -> str | None:
    """Return the value that jq is expected to print."""
    text = step.expected.strip().strip("`").strip()
    try:
        value = json.loads(text)
    except ValueError:
        quoted = re.search(r"[\"“`]([\w.-]{1,40})[\"”`]", text) or re.fullmatch(r"([\w.-]{1,30})", text)
        return f"== {literal(quoted[1])}" if quoted else None
    if isinstance(value, bool):
        return f"== {str(value).lower()}"
    return f"== {literal(str(value))}" if isinstance(value, str | int | float) else None


def _base(url: str) -> str:
    parts = split(variables(url if "://" in url else f"http://{url}"))
    prefix = parts.path.partition("/api/v1/")[0].partition("/-/")[0].rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{prefix}"


def prometheus(url: str | None) -> TargetHint:
    """Return a Prometheus server by any address of it; None where the runbook names none."""
    shown: str | Todo = (
        _base(url)
        if url
        else Todo("the address of Prometheus, for example http://localhost:9090", "http://localhost:9090")
    )
    if isinstance(shown, str) and (is_open(shown) or split(shown).password):
        shown = Todo("the address of Prometheus, for example http://localhost:9090", "http://localhost:9090")
    return TargetHint("prometheus", "prometheus", "main", {"url": shown})


def _prometheus(step: Step, url: str) -> Iterator[Ask]:
    try:
        parts = split(url if "://" in url else f"http://{url}")
    except ValueError:
        return
    place = parts.path.partition("/api/v1/")[2].strip("/")
    likely = re.search(r"prom|:9090|:9091", parts.netloc) is not None
    if place == "alerts" and (likely or re.search(r"prometheus|firing", step.words, re.IGNORECASE)):
        yield Ask("prometheus.alerts", prometheus(url), sure=0.9, subject="alerts")
    elif place == "targets" and likely:
        yield Ask(
            "prometheus.targets_up", prometheus(url), keys={"jobs": [Todo("the names of the jobs", "node")]}, sure=0.45
        )
    elif place in ("query", "query_range") and (query := parse_qs(parts.query).get("query")):
        yield Ask(
            "prometheus.query",
            prometheus(url),
            "value",
            keys={"query": literal(query[0])},
            name=named(step.title or query[0], "query"),
            needs_limit=True,
            sure=0.7,
            subject=query[0],
        )


def _metrics(step: Step, url: str) -> Iterator[Ask]:
    if not split(url if "://" in url else f"http://{url}").path.rstrip("/").endswith(("/metrics", "metrics")):
        return
    target = replace(target_of(url), kind="metrics")
    host = named(
        re.sub(r"[^A-Za-z0-9-].*", "", split(target.identity.partition(" ")[0]).netloc.rpartition("@")[2]), "app"
    )
    target = replace(target, name="app" if host == "localhost" or host.isdigit() else host)
    grep = grep_of(step.line)
    names = [name for name in _METRIC.findall(grep.pattern) if "_" in name] if grep else []
    if len(names) == 1 and re.search(r"[<>≤≥]|than|below|above|under|over", step.expected):
        keys = {"metric": names[0], "each": True}
        yield Ask("metrics.value", target, "value", keys=keys, name=named(names[0]), needs_limit=True, subject=names[0])
    elif names:
        yield Ask("metrics.present", target, keys={"names": names}, sure=0.85, subject=" ".join(names))
    else:
        yield Ask("metrics.reachable", target, sure=0.8, subject=url)
