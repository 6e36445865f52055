"""Where an expectation stands, for what points at it."""

from __future__ import annotations

from pathlib import Path

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
    assert lines_of(inventory) == lines  # as it was read


def test_the_line_of_what_a_template_says(read: Read, tmp_path: Path) -> None:
    """What stands in another file has no line in this one."""
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams" / "a.toml").write_text("[redis.cache]\nurl = 'redis://cache'\n", encoding="utf-8")
    inventory = read(
        """
        include = ["teams/*.toml"]
        [template.web]
        kind = "host"
        expect = { services = ["nginx"] }
        [group.web]
        template = "web"
        names = ["web[1:2]"]
        command.x.run = "true"
        """
    )
    lines = lines_of(inventory)
    assert lines["host.services@web1"] == lines["host.services@web2"] == 4
    assert (lines["host.command.x@web2"], lines["host.disk@web2"]) == (8, 2)
    assert "redis.reachable@cache" not in lines
