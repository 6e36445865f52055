"""Backups made by the real programs: each check red by its real fault, and green again."""

from __future__ import annotations

import gzip
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_opscheck.probes import Output, Probe, UnknownError
from pytest_opscheck.probes.backup import Backup, fresh, intact

from .conftest import Run
from .databases import PASSWORD, Postgres, postgres, postgres_program
from .processes import program

HOUR = 3600


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        server.execute(
            "CREATE TABLE jobs AS SELECT n, md5(n::text) || md5((n + 1)::text) AS name FROM generate_series(1, 20000) n"
        )
        yield server


def dump(server: Postgres, file: Path, *options: str) -> Path:
    """Write a dump as a nightly job does."""
    env = {**os.environ, "PGPASSWORD": PASSWORD}
    subprocess.run([postgres_program("pg_dump"), *options, "-d", server.dsn(), "-f", str(file)], check=True, env=env)
    return aged(file)


def compressed(file: Path, tool: str) -> Path:
    suffix = {"gzip": ".gz", "xz": ".xz", "zstd": ".zst", "bzip2": ".bz2", "lz4": ".lz4"}[tool]
    made = file.with_name(file.name + suffix)
    with file.open("rb") as source, made.open("wb") as target:
        subprocess.run([program(tool), "-c"], stdin=source, stdout=target, check=True)
    return aged(made)


def aged(file: Path, hours: float = 1) -> Path:
    moment = time.time() - hours * HOUR
    os.utime(file, (moment, moment))
    return file


def cut(file: Path, part: float) -> Path:
    """Leave the first part of a file, as an interrupted job does."""
    os.truncate(file, int(file.stat().st_size * part))
    return aged(file)


def inventory(**paths: Path | str) -> str:
    return "".join(f'[backup.{name}]\npath = "{path}"\n' for name, path in paths.items())


def test_an_old_missing_empty_or_future_backup_is_not_fresh(run: Run, tmp_path: Path) -> None:
    for name in ("new", "old", "none", "empty", "future", "with space"):
        (tmp_path / name).mkdir()
    for name in ("new", "old", "future", "with space"):
        for day in (1, 2):
            (tmp_path / name / f"db_{day}.sql.gz").write_bytes(gzip.compress(b"--"))
            aged(tmp_path / name / f"db_{day}.sql.gz", 24 * (4 - day))
    aged(tmp_path / "new" / "db_1.sql.gz", 2)
    aged(tmp_path / "with space" / "db_1.sql.gz", 25)
    aged(tmp_path / "future" / "db_2.sql.gz", -3)
    aged_empty = tmp_path / "empty" / "db.sql.gz"
    aged_empty.touch()
    aged(aged_empty)
    text = inventory(
        new=tmp_path / "new" / "*.sql.gz",
        old=tmp_path / "old" / "*.sql.gz",
        none=tmp_path / "none" / "*.sql.gz",
        nowhere=tmp_path / "unmounted" / "here" / "*.gz",
        empty=aged_empty,
        future=tmp_path / "future" / "*",
        space=tmp_path / "with space" / "db*",
        folder=tmp_path / "ne*",
    )
    outcome = run(text, "-k", "fresh or size")
    said = {
        name: outcome.verdict(f"backup.fresh@{name}")
        for name in ("new", "old", "none", "nowhere", "future", "space", "folder")
    }
    assert said == {
        "new": "ok",
        "old": "breach P2",
        "none": "breach P2",
        "nowhere": "breach P2",
        "future": "unknown P2",
        "space": "ok",
        "folder": "unknown P2",
    }
    assert outcome.message("backup.fresh@old") == f"age of {tmp_path}/old/db_2.sql.gz is 48 h, expected < 26 h"
    assert outcome.message("backup.fresh@none").startswith(f"newest file of {tmp_path}/none/*.sql.gz is missing")
    assert outcome.verdict("backup.size@none") == "blocked"
    assert outcome["backup.size@none"]["blocked_by"] == "backup.fresh@none"
    assert outcome.verdict("backup.size@new") == "ok"
    assert outcome.verdict("backup.size@empty") == "breach P2"
    assert outcome.message("backup.size@empty") == f"size of {aged_empty} is 0 B, expected > 0 B"
    aged(tmp_path / "old" / "db_2.sql.gz", 1)
    assert run(text, "-k", "fresh").verdict("backup.fresh@old") == "ok"


def test_a_backup_still_being_written_is_not_the_newest(run: Run, tmp_path: Path) -> None:
    finished = aged(Path(tmp_path / "db_1.sql"), 30) if (tmp_path / "db_1.sql").write_text("x") else None
    text = inventory(database=tmp_path / "*.sql", alone=tmp_path / "db_2*") + (
        '[backup.database.expect]\nintact = false\n[backup.alone.expect]\nsize = "> 1MB"\n'
    )
    with (tmp_path / "db_2.sql").open("w") as being_written:
        being_written.write("y")
        being_written.flush()
        outcome = run(text)
    assert outcome.message("backup.fresh@database") == f"age of {finished} is 30 h, expected < 26 h"
    assert outcome.verdict("backup.fresh@alone") == "unknown P2"
    assert "still being written" in outcome.message("backup.fresh@alone")
    assert outcome.verdict("backup.intact@alone") == "blocked"
    outcome = run(text)
    assert outcome.verdict("backup.fresh@database") == "ok"
    assert outcome.verdict("backup.fresh@alone") == "ok"


def test_dumps_are_intact_or_damaged_whatever_their_format(run: Run, server: Postgres, tmp_path: Path) -> None:
    sql = dump(server, tmp_path / "plain.sql")
    whole: dict[str, Path] = {
        "plain": sql,
        "custom": dump(server, tmp_path / "custom.dump", "-Fc"),
        "stored": dump(server, tmp_path / "stored.dump", "-Fc", "-Z0"),
        "tar": dump(server, tmp_path / "dump.tar", "-Ft"),
    }
    for tool in ("gzip", "xz", "zstd", "bzip2", "lz4"):
        whole[tool] = compressed(sql, tool)
    whole["customgz"] = compressed(whole["stored"], "gzip")
    whole["targz"] = compressed(whole["tar"], "gzip")
    text = inventory(**whole)
    outcome = run(text, "-k", "intact")
    assert {outcome.verdict(f"backup.intact@{name}") for name in whole} == {"ok"}, outcome.output
    for path in whole.values():
        cut(path, 0.7)
    outcome = run(text, "-k", "intact")
    assert {name: outcome.verdict(f"backup.intact@{name}") for name in whole} == dict.fromkeys(whole, "breach P1")
    assert outcome.message("backup.intact@gzip") == (
        f"{whole['gzip']} is damaged (gzip: stdin: unexpected end of file), expected intact"
    )
    assert "it has a beginning and no end" in outcome.message("backup.intact@plain")
    assert "end of file" in outcome.message("backup.intact@custom")


def test_a_dump_that_failed_inside_its_pipe_is_damaged_although_gzip_is_content(
    run: Run, server: Postgres, tmp_path: Path
) -> None:
    half = cut(dump(server, tmp_path / "half.sql"), 0.5)
    (tmp_path / "nothing").touch()
    failed, foreign, text_file, other = (
        tmp_path / name for name in ("failed.sql", "foreign.sql", "notes.txt", "data.csv")
    )
    failed.write_text("pg_dump: error: connection to server failed\n")
    foreign.write_text("INSERT INTO jobs VALUES (1);\n")
    text_file.write_text("a note\n")
    other.write_text("a,b\n")
    corrupt = dump(server, tmp_path / "corrupt.dump", "-Fc")
    with corrupt.open("r+b") as file:
        file.seek(corrupt.stat().st_size // 2)
        file.write(b"\0" * 64)
    text = inventory(
        half=compressed(half, "gzip"),
        nothing=compressed(tmp_path / "nothing", "gzip"),
        failed=compressed(failed, "gzip"),
        corrupt=aged(corrupt),
        foreign=compressed(foreign, "gzip"),
        notes=aged(text_file),
        csv=compressed(other, "gzip"),
    )
    outcome = run(text, "-k", "intact")
    said = {
        name: outcome.verdict(f"backup.intact@{name}")
        for name in ("half", "nothing", "failed", "corrupt", "foreign", "notes", "csv")
    }
    assert said == {
        "half": "breach P1",
        "nothing": "breach P1",
        "failed": "breach P1",
        "corrupt": "breach P1",
        "foreign": "unknown P1",
        "notes": "unknown P1",
        "csv": "unknown P1",
    }
    assert "can't be verified" in outcome.message("backup.intact@foreign")


def test_a_cluster_dump_cut_between_its_databases_is_damaged(run: Run, server: Postgres, tmp_path: Path) -> None:
    file = tmp_path / "all.sql"
    env = {**os.environ, "PGPASSWORD": PASSWORD}
    subprocess.run([postgres_program("pg_dumpall"), "-d", server.dsn(), "-f", str(file)], check=True, env=env)
    text = inventory(cluster=aged(file))
    assert run(text).verdict("backup.intact@cluster") == "ok"
    content = file.read_text(encoding="utf-8")
    file.write_text(content[: content.index("-- PostgreSQL database dump complete") + 37], encoding="utf-8")
    aged(file)
    assert run(text).verdict("backup.intact@cluster") == "breach P1"


def as_nobody(probe: Probe, path: Path, before: str = "") -> Output:
    """Run a probe's script as a user who may not look everywhere."""
    assert probe.shell is not None
    part = probe.shell.part(Backup(path=str(path)), 10.0, {})
    user = "nobody" if os.geteuid() == 0 else None
    done = subprocess.run(
        ["sh", "-c", before + part.script, "opscheck", *part.args],
        capture_output=True,
        text=True,
        user=user,
        cwd="/",
        check=False,
    )
    return Output(done.stdout, done.stderr, done.returncode)


def test_what_is_out_of_sight_or_has_no_program_is_unknown(server: Postgres) -> None:
    assert fresh.shell is not None
    assert intact.shell is not None
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        file = dump(server, folder / "custom.dump", "-Fc")
        tools = folder / "tools"
        tools.mkdir()
        for name in ("stat", "sed", "sort", "head", "tail", "date", "od", "tr", "cat", "awk", "grep"):
            (tools / name).symlink_to(program(name))
        output = as_nobody(intact, file, before=f"PATH={tools}; ")
        with pytest.raises(UnknownError, match=r"without pg_restore; .* apt-get install postgresql-client"):
            intact.shell.parse(output)
        assert intact.shell.parse(as_nobody(intact, file)).state == "intact"  # type: ignore[attr-defined]
        file.chmod(0o000)
        with pytest.raises(UnknownError, match=f"no permission to read {file}; .*setfacl"):
            intact.shell.parse(as_nobody(intact, file))
        folder.chmod(0o000)
        for hidden in (file, folder / "*.dump"):
            with pytest.raises(UnknownError, match=f"no permission to read {folder}; "):
                fresh.shell.parse(as_nobody(fresh, hidden))
        folder.chmod(0o755)


def test_a_custom_dump_of_last_year_under_a_new_name_is_old(run: Run, server: Postgres, tmp_path: Path) -> None:
    file = dump(server, tmp_path / "db.dump", "-Fc")
    text = inventory(database=file)
    assert run(text, "-k", "fresh").verdict("backup.fresh@database") == "ok"
    content = bytearray(file.read_bytes())
    year = time.localtime().tm_year
    place = content.index(bytes([year - 1900, 0, 0, 0]))
    content[place] -= 1
    file.write_bytes(content)
    aged(file)
    listed = subprocess.run(
        [postgres_program("pg_restore"), "-l", str(file)], check=True, capture_output=True, text=True
    )
    assert f"Archive created at {year - 1}" in listed.stdout
    outcome = run(text, "-k", "fresh")
    assert outcome.verdict("backup.fresh@database") == "breach P2"
    assert f"age of {file}, by the time stamp in it, " in outcome.message("backup.fresh@database")
