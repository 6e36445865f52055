"""Where an expectation stands, for what points at it."""

from __future__ import annotations

from pytest_opscheck.inventory.places import lines_of

from .conftest import Read


def test_the_line_of_what_is_expected_else_of_its_target(read: Read) -> None:
    inventory = read(
        """
        [host.prod]
        [host.prod.expect]
        memory = "< 80%"
        disk = { P3 = "< 70%", P1 = "< 90%" }

        [postgres.main]
        dsn = "postgresql://127.0.0.1/db"
        query.jobs = { sql = "select 1", expect = "== 1" }

        [postgres.main.query.users]
        sql = "select 1"
        expect = "== 1"

        [redis]
        cache = { url = "redis://127.0.0.1" }
        """
    )
    lines = lines_of(inventory)
    assert set(lines) == {each.id for each in inventory.expectations}
    assert (lines["host.memory@prod"], lines["host.disk@prod"], lines["host.reachable@prod"]) == (3, 4, 1)
    assert (lines["postgres.query.jobs@main"], lines["postgres.query.users@main"]) == (8, 10)
    assert (lines["postgres.reachable@main"], lines["redis.reachable@cache"]) == (6, 15)
    inventory.file.unlink()
    assert lines_of(inventory) == {}
