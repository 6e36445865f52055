"""The tables and indexes of a PostgreSQL database: whether they are there, with how many rows, and how large."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from ...core.errors import UnknownError
from ...core.ladders import Ladder
from .._types import LadderParam, of_amounts
from ._server import Server, kind, quoted

_PART = r'(?:"(?:[^"]|"")+"|[^".]+)'
_NAME = re.compile(rf"(?:({_PART})\.)?({_PART})")
MOST_TABLES = 20
ALL_ROWS = 2**62
"""Tables that are told of where all have one limit: the largest."""


def _name(text: str) -> str:
    """Check the name of a table or index. Raises ValueError for what is none."""
    if _NAME.fullmatch(text) is None or "\0" in text:
        raise ValueError(
            f"""{text!r} is not a name; use 'accounts' or 'billing.accounts', and '"odd.name"' for a dot"""
        )
    return text


Name = Annotated[str, AfterValidator(_name)]
"""The name of a table or index as the catalog has it, with its schema where the search path does not lead there."""


def _parts(text: str) -> tuple[str | None, str]:
    """Return the schema of a name, if it is said, and the name itself, as the catalog has them."""
    match = _NAME.fullmatch(text)
    assert match is not None  # noqa: S101 - the inventory holds checked names only
    schema, name = (part[1:-1].replace('""', '"') if part and part[0] == '"' else part for part in match.groups())
    return schema, name


_KINDS = {
    "r": "present",
    "p": "present",
    "f": "present",
    "v": "a view",
    "m": "a materialized view",
    "i": "an index",
    "I": "an index",
    "S": "a sequence",
    "c": "a type",
}
_TABLES, _VIEWS, _INDEXES = ("r", "p", "f"), ("v", "m"), ("i", "I")
_MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, index or the like by the name that was asked for, and what it is: present, valid, missing, a view."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class _Found:
    """What the catalog says of a name."""

    schema: str
    name: str
    type: str
    visible: bool
    readable: bool
    hides_rows: bool
    valid: bool
    table: str
    user: str
    oid: int

    @property
    def quoted(self) -> str:
        return quoted(self.schema, self.name)

    @property
    def is_system(self) -> bool:
        return self.schema == "information_schema" or self.schema.startswith("pg_")


_LOOKED_UP = """
select n.nspname, c.relname, c.relkind::text, pg_catalog.pg_table_is_visible(c.oid),
  has_schema_privilege(n.oid, 'USAGE') and has_any_column_privilege(c.oid, 'SELECT'),
  pg_catalog.row_security_active(c.oid), coalesce(i.indisvalid and i.indisready, true), coalesce(t.relname, ''),
  current_user, c.oid::int8
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_index i on i.indexrelid = c.oid
left join pg_catalog.pg_class t on t.oid = i.indrelid
where c.relname::text = any(%s)
"""


def _look_up(server: Server, names: Iterable[str]) -> dict[str, _Found | str]:
    """Return what each name leads to; of one that leads nowhere, that it is missing and where there is one like it."""
    names = tuple(names)
    rows = [_Found(*row) for row in server.rows(_LOOKED_UP, ([_parts(name)[1] for name in names],))]
    return {name: _resolved(*_parts(name), rows) for name in names}


def _resolved(schema: str | None, name: str, rows: list[_Found]) -> _Found | str:
    same = [row for row in rows if row.name == name and (not row.is_system or row.schema == schema)]
    for row in same:
        if row.schema == schema or (schema is None and row.visible):
            return row
    elsewhere = ", ".join(sorted(f"{row.schema}.{row.name}" for row in same))
    return f"{_MISSING} (there is {elsewhere})" if elsewhere else _MISSING


@kind.probe()
def tables(server: Server, *, names: tuple[Name, ...]) -> tuple[Relation, ...]:
    """Whether tables are there; partitioned and foreign ones are tables, views are none."""
    found = _look_up(server, names)
    return tuple(
        Relation(name, it if isinstance(it, str) else _KINDS.get(it.type, it.type)) for name, it in found.items()
    )


@kind.probe()
def indexes(server: Server, *, names: tuple[Name, ...]) -> tuple[Relation, ...]:
    """Whether indexes are there, and valid: one whose concurrent building failed or still runs serves no query."""
    return tuple(_index(name, found) for name, found in _look_up(server, names).items())


def _index(text: str, found: _Found | str) -> Relation:
    if isinstance(found, str):
        return Relation(text, found)
    if found.type not in _INDEXES:
        return Relation(text, "a table" if found.type in _TABLES else _KINDS.get(found.type, found.type))
    return Relation(f"{text} of {found.table}", "valid" if found.valid else "invalid")


_PARTS = """
with recursive part as (
  select %s::oid as oid union select i.inhrelid from pg_catalog.pg_inherits i join part on i.inhparent = part.oid
)
select c.relname from part join pg_catalog.pg_class c on c.oid = part.oid
"""


def index_and_parts(server: Server, text: str) -> frozenset[str]:
    """Return the names that an index has in plans: its own, and of one on a partitioned table those of its parts."""
    found = _look_up(server, (text,))[text]
    if isinstance(found, str) or found.type not in _INDEXES:
        return frozenset()
    return frozenset(str(name) for (name,) in server.rows(_PARTS, (found.oid,)))


def _count_limits(limits: Mapping[str, Ladder]) -> Mapping[str, Ladder]:
    for name, ladder in limits.items():
        for rung in ladder.rungs:
            if rung.limit.number is None or rung.limit.unit:
                raise ValueError(f"the limit of {name} is {rung.limit}, and rows are a count; use for example '> 0'")
        of_amounts(ladder)
    return limits


RowLimits = Annotated[dict[Name, LadderParam], AfterValidator(_count_limits)]
"""How many rows tables should have, by their names."""


def enough(tables: Mapping[str, Ladder]) -> dict[str, int]:
    """Return of each table the number of rows at which all its limits are decided."""
    return {
        name: ALL_ROWS if ladder.relative else max(0, math.floor(ladder.largest)) + 1 for name, ladder in tables.items()
    }


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows a table has; where there are `more`, these are not counted.

    `rows` is None where they can't be counted, for which `why` gives the reason.
    """

    table: str
    rows: int | None
    more: bool = False
    why: str | None = None


@kind.probe(timeout_s=30)
def rows(server: Server, *, tables: Mapping[str, int], timeout_s: float) -> tuple[Rows, ...]:
    """How many rows tables have. None is counted further than its number: to know that it is not empty, 1 is enough."""
    until = time.monotonic() + timeout_s
    looked_up = _look_up(server, tables)
    return tuple(_rows(server, name, enough, looked_up[name], until) for name, enough in tables.items())


def _rows(server: Server, name: str, enough: int, found: _Found | str, until: float) -> Rows:
    if isinstance(found, str) or found.type not in _TABLES + _VIEWS:
        return Rows(name, None, why=f"it is {found if isinstance(found, str) else 'no table'}")
    if not found.readable:
        user = quoted(found.user)
        grant = f"GRANT USAGE ON SCHEMA {quoted(found.schema)} TO {user}; GRANT SELECT ON {found.quoted} TO {user}"
        return Rows(name, None, why=f"the user of the dsn may not read it; as its owner: {grant}")
    if found.hides_rows:
        bypass = f"as a superuser: ALTER ROLE {quoted(found.user)} BYPASSRLS"
        return Rows(name, None, why=f"its row security hides rows from the user of the dsn; {bypass}")
    sql = f"select count(*) from (select 1 from {found.quoted} limit {enough}) counted"  # noqa: S608 - quoted
    try:
        count = int(server.rows(sql, timeout_s=max(0.1, until - time.monotonic()))[0][0])
    except UnknownError as error:
        return Rows(name, None, why=str(error))
    return Rows(name, count, more=count == enough)


def _size_limits(limits: Mapping[str, Ladder]) -> Mapping[str, Ladder]:
    for name, ladder in limits.items():
        for rung in ladder.rungs:
            if rung.limit.dimension != "size":
                raise ValueError(f"the limit of {name} is {rung.limit}, and a size is in bytes; use '< 10GB'")
        of_amounts(ladder)
    return limits


SizeLimits = Annotated[dict[Name, LadderParam], AfterValidator(_size_limits)]
"""How large tables may be, by their names."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """How large a table is, with its indexes and what is stored beside it (TOAST), and of its partitions all together.

    `size_bytes` is None where there is no such table.
    """

    table: str
    size_bytes: int | None
    why: str | None = None


# Of a partitioned table its partitions together; a partition is part of that, and not listed beside it.
_SIZE = """coalesce(
  (select sum(pg_catalog.pg_total_relation_size(p.relid)) from pg_catalog.pg_partition_tree(c.oid) p),
  pg_catalog.pg_total_relation_size(c.oid))::int8"""
_LARGEST = f"""
select n.nspname, c.relname, pg_catalog.pg_table_is_visible(c.oid), {_SIZE} as size
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm') and not c.relispartition
  and n.nspname <> 'information_schema' and left(n.nspname, 3) <> 'pg_'
order by size desc nulls last, 1, 2 limit %s
"""  # noqa: S608 - a constant


@kind.probe(timeout_s=30)
def table_size(server: Server, *, named: tuple[str, ...] = (), timeout_s: float) -> tuple[TableSize, ...]:
    """How large tables are: those that are named, and of all others the largest."""
    looked_up = _look_up(server, named)
    sizes = [_size(server, each, looked_up[each], timeout_s) for each in named]
    own = {(found.schema, found.name) for found in looked_up.values() if isinstance(found, _Found)}
    rows = server.rows(_LARGEST, (MOST_TABLES + len(own),), timeout_s)
    others = [
        TableSize(name if visible else f"{schema}.{name}", size)
        for schema, name, visible, size in rows
        if (schema, name) not in own
    ]
    return (*sizes, *others)


def _size(server: Server, text: str, found: _Found | str, timeout_s: float) -> TableSize:
    if isinstance(found, str) or found.type not in (*_TABLES, "m"):
        return TableSize(text, None, f"it is {found if isinstance(found, str) else 'no table'}")
    sql = f"select {_SIZE} from (select %s::oid as oid) c"  # noqa: S608 - a constant
    return TableSize(text, int(server.rows(sql, (found.oid,), timeout_s)[0][0]))
