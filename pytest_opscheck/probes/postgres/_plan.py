"""How PostgreSQL answers a query of the inventory's own: by which plan, and in what time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

from ...answers.bounds import MOST_BYTES
from ...core.errors import UnknownError
from ._server import Server, kind
from ._tables import Name, index_and_parts


def _query(sql: str) -> str:
    """Check what is to be explained. Raises ValueError for what is not a query."""
    if not re.match(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(select|with|values|table)\b", sql, re.IGNORECASE | re.DOTALL):
        raise ValueError("it is executed to be timed, so it is a query; start with SELECT or WITH")
    return sql


@dataclass(frozen=True, slots=True)
class Plan:
    """How a query was answered: in how many milliseconds, planning it included, and by which scans.

    `index` is the one that was asked for, and `state` whether it is used, not used or missing.
    """

    ms: float
    scans: tuple[str, ...]
    index: str | None = None
    state: str = ""


@kind.probe(timeout_s=30, latency=True)
def plan(
    server: Server, *, sql: Annotated[str, AfterValidator(_query)], index: Name | None = None, timeout_s: float
) -> Plan:
    """Execute a query in a read-only transaction by EXPLAIN ANALYZE, and read its plan and its time.

    `index` is used where any part of the plan scans it, or one of its parts on a partition.
    """
    names = index_and_parts(server, index) if index is not None else frozenset()
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, SUMMARY ON, FORMAT JSON) {sql}"
    document = server.rows(explain, timeout_s=timeout_s, most_bytes=MOST_BYTES)[0][0]
    if not isinstance(document, list):
        raise UnknownError("the server's answer is not a plan")
    (explained,) = document
    nodes = list(_nodes(explained["Plan"]))
    scans = tuple(dict.fromkeys(scan for scan in map(_scan, nodes) if scan is not None))
    ms = float(explained["Planning Time"]) + float(explained["Execution Time"])
    if index is None:
        return Plan(ms, scans)
    used = any(node.get("Index Name") in names for node in nodes)
    return Plan(ms, scans, index, "used" if used else "not used" if names else "missing")


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _scan(node: dict[str, Any]) -> str | None:
    """Return how a node reads a table, as EXPLAIN itself says it; None of one that reads none."""
    if "Index Name" in node:
        return f"{node['Node Type']} using {node['Index Name']}"
    if "Relation Name" in node:
        return f"{node['Node Type']} on {node['Relation Name']}"
    return None
