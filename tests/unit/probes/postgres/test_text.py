"""What the probes of PostgreSQL read and write as text: names, addresses, statements."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes.postgres._activity import _network
from pytest_opscheck.probes.postgres._plan import _query
from pytest_opscheck.probes.postgres._server import quoted
from pytest_opscheck.probes.postgres._statistics import _shown
from pytest_opscheck.probes.postgres._tables import _name, _parts


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("users", (None, "users")),
        ("Users", (None, "Users")),
        ("billing.users", ("billing", "users")),
        ('"a.b".users', ("a.b", "users")),
        ('"say ""hi""".users', ('say "hi"', "users")),
        ("users; drop table users", (None, "users; drop table users")),
    ],
)
def test_a_name_is_taken_literally(said: str, parts: tuple[str | None, str]) -> None:
    assert _parts(_name(said)) == parts


@pytest.mark.parametrize("said", ["", "a.b.c", ".a", "a.", 'a"b', '"a', "a\0b"])
def test_what_is_no_name_says_so(said: str) -> None:
    with pytest.raises(ValueError, match=r"is not a name; use 'accounts'"):
        _name(said)


def test_a_quoted_name_holds_any_character() -> None:
    assert quoted("a", 'b"; drop table c; --') == '"a"."b""; drop table c; --"'


@pytest.mark.parametrize("said", ["10.0.0.1/8", "office", "10.0.0.300"])
def test_what_is_no_address_says_so(said: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address .* use for example"):
        _network(said)


@pytest.mark.parametrize(
    "sql", ["select 1", "  (SELECT 1)", "-- why\nwith a as (select 1) table a", "/* x */ values (1)"]
)
def test_a_query_is_explained(sql: str) -> None:
    assert _query(sql) == sql


@pytest.mark.parametrize(
    "sql", ["delete from a", "explain select 1", "selected", "vacuum", "create table a as select 1"]
)
def test_what_is_no_query_is_not_explained(sql: str) -> None:
    with pytest.raises(ValueError, match="start with SELECT or WITH"):
        _query(sql)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT *\n  FROM a -- his id: 7\n WHERE id = $1 /* user: x */", "SELECT * FROM a WHERE id = $1"),
        ("select 'it''s a secret', $1", "select '...', $1"),
        ("ALTER ROLE app PASSWORD 'secret'", "ALTER ..."),
        ("COPY (select 'secret') TO STDOUT", "COPY ..."),
        ("select 'an end that is cut", "select '...'"),
        ("select " + "x" * 80, "select " + "x" * 53 + "..."),
        ("<insufficient privilege>", "one whose text only a member of pg_monitor may see"),
    ],
)
def test_a_statement_is_shown_without_its_values(query: str, shown: str) -> None:
    assert _shown(query) == shown
