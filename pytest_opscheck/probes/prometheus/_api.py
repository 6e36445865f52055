"""Prometheus's HTTP API, and that of what speaks it: whether an answer is whole, of now, and the server's own."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ...core.errors import AnsweredError, UnknownError
from .._ages import STALE_S, aged, cached_s, said_s
from .._kind import Kind
from .._web import Answer, TooLargeError, Web, WebTarget, connect

_OK, _NOT_FOUND, _STARTING = 200, 404, 503
_LET_IN = (401, 403)
_INFO = "PromQL info:"
"""How older versions start, among the warnings, what newer ones call an info: a hint at how a query is written."""
_OWN = "check whether the url is Prometheus's own"
_CREDENTIALS = "check the credentials in headers"
_HINTS = {
    "bad_data": "see what is asked for",
    "execution": "see what is asked for",
    "422": "see what is asked for",
    "timeout": "query less, or set a longer timeout",
    "unavailable": "check whether it is still starting",
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_INTERVALS = 3
"""How many times in turn a rule or target may have been passed over: a reload, or a server under load, takes one."""


class PrometheusServer(WebTarget):
    """A Prometheus server."""


@contextmanager
def _connect(target: PrometheusServer, timeout_s: float) -> Iterator[Web]:
    # A query, because proxies and servers of the same API have no /-/ready.
    with connect(target, timeout_s, path="api/v1/query", query={"query": "1"}) as web:
        try:
            found = data(web.answer, whole=False)
        except UnknownError as error:
            raise AnsweredError(str(error), transient=web.answer.status == _STARTING) from None
        if "result" not in found:
            raise AnsweredError(f"{web.answer.url} answered a query without a result; {_OWN}")
        yield web


kind = Kind(
    "prometheus", PrometheusServer, "a Prometheus server, or what speaks its API", _connect, libraries=("requests",)
)


def ask(web: Web, path: str, query: Mapping[str, str]) -> tuple[dict[str, Any], Answer]:
    """Return what the API says under a path, and the answer that it came with. Raises UnknownError as `data` does."""
    answer = web.get(web.under(f"api/v1/{path}", query))
    return data(answer), answer


def instant(web: Web, query: str) -> tuple[dict[str, Any], Answer]:
    """Return what a query gives at this moment; the server ends it a little before this machine would."""
    return ask(web, "query", {"query": query, "timeout": f"{max(1, round(900 * web.timeout_s))}ms"})


def data(answer: Answer, *, whole: bool = True) -> dict[str, Any]:
    """Return what an answer of the API holds. Raises UnknownError where it holds an error, is only a part, or is old.

    whole: whether it has to have what all storage nodes say, which tells nothing of whether the server is reached.
    Infos of PromQL are no doubt of the answer: they tell that a query could be written better. Warnings are: of a part
    that is missing, or of samples that could not be taken into account.
    """
    if answer.problem:
        raise UnknownError(f"{answer.url}: {answer.problem}; ask again, or narrow what is asked for")
    answer_data = _said(answer)
    if answer_data["status"] != "success" or answer.status != _OK:
        sort, why = (
            answer_data.get("errorType") or "an error",
            str(answer_data.get("error") or f"status {answer.status}"),
        )
        hint = _CREDENTIALS if answer.status in _LET_IN else _HINTS.get(sort, "see what its log says")
        raise UnknownError(f"{answer.url} answered {sort}: {why.strip().partition(chr(10))[0]}; {hint}")
    warnings = (
        [answer_data["warnings"]] if isinstance(answer_data.get("warnings"), str) else answer_data.get("warnings") or []
    )
    doubts = [str(each) for each in warnings if not str(each).startswith(_INFO)]
    if doubts:
        why = doubts[0].partition("\n")[0]
        raise UnknownError(f"the answer may be incomplete: {why}; {answer.url} gave it with this warning")
    if whole and answer_data.get("isPartial"):
        raise UnknownError(
            f"the answer of {answer.url} is only a part (isPartial): a storage node did not answer; see which is down"
        )
    if (kept := cached_s(answer)) > STALE_S:
        raise UnknownError(f"{answer.url} was kept by a cache for {said_s(kept)}; have it not keep the API's answers")
    held = answer_data.get("data")
    if not isinstance(held, dict):
        raise UnknownError(f"{answer.url} answered without any data; {_OWN}")
    return held


def _said(answer: Answer) -> dict[str, Any]:
    """Return the document of an answer. Raises UnknownError where it is not one of the API."""
    try:
        data = answer.json()
    except TooLargeError:
        raise
    except UnknownError:
        data = None
    if isinstance(data, dict) and isinstance(data.get("status"), str):
        return data
    if answer.status in _LET_IN:
        hint = _CREDENTIALS
    elif "/api/v1/" not in answer.url:
        hint = "the url redirects there, to a login perhaps; check the credentials in headers"
    elif answer.status == _NOT_FOUND:
        hint = "check whether the url has the path that it is served under, such as /prometheus"
    else:
        hint = _OWN
    raise UnknownError(f"{answer.url} answered {answer.status} and not as Prometheus does; {hint}")


def unlike(what: str) -> UnknownError:
    """Return the error for a document that is not of the API's form."""
    return UnknownError(f"{what} of the answer is not as Prometheus writes it; {_OWN}")


def seconds(value: object) -> float:
    """Return a duration of the API in seconds: a number, or a text such as `1m30s`; 0 where it says none."""
    if isinstance(value, int | float):
        return float(value)
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(str(value or "")))


def outdated(when: object, now: float, interval_s: float) -> str | None:
    """Say how old what is done at intervals is, where it is too old: `3 h old`; `never` where it was not done yet.

    None where it is of now, and where the server does not say when it was done.
    """
    if not when:
        return None
    try:
        moment = dt.datetime.fromisoformat(str(when))
    except ValueError:
        raise unlike(f"the time {str(when)[:40]!r}") from None
    if moment.year == 1:
        return "never"
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return aged(now - moment.timestamp(), max(STALE_S, _INTERVALS * interval_s))
