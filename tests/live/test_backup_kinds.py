"""Backups of every kind, whole and damaged: one run judges them all."""

from __future__ import annotations

import gzip
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Run
from .databases import PASSWORD, Postgres, postgres, postgres_program
from .processes import program
from .test_backup import aged


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        server.execute("CREATE TABLE jobs AS SELECT n, md5(n::text) AS name FROM generate_series(1, 5000) n")
        yield server


def dumped(server: Postgres, tool: str, *options: str) -> bytes:
    env = {**os.environ, "PGPASSWORD": PASSWORD}
    command = [postgres_program(tool), *options, "-d", server.dsn()]
    return subprocess.run(command, check=True, env=env, stdout=subprocess.PIPE).stdout


def test_each_kind_is_whole_damaged_or_unverified(run: Run, server: Postgres, tmp_path: Path) -> None:
    plain, roles = dumped(server, "pg_dump"), dumped(server, "pg_dumpall", "--globals-only")
    custom, tar = dumped(server, "pg_dump", "-Fc"), dumped(server, "pg_dump", "-Ft")
    both = gzip.compress(roles + plain)
    folder = tmp_path / "directory"
    dumped(server, "pg_dump", "-Fd", "-f", str(folder))
    big = tmp_path / "big"
    big.write_bytes(os.urandom(300_000))
    archive = tmp_path / "archive"
    with tarfile.open(archive, "w") as packed:
        for number in range(4):
            packed.add(big, f"member{number}")
    members = archive.read_bytes()
    middle = len(members) // 2 // 512 * 512
    compressed = [program("zstd"), "-q", "--long=31", "-c"]
    long = subprocess.run(compressed, input=members, check=True, stdout=subprocess.PIPE).stdout
    page = b"<!DOCTYPE html><html>Sign in</html>"
    error = b"Error response from daemon: No such container: shop-db-1\n"
    contents = {
        "ok": {
            "both.sql.gz": both,
            "two.sql.gz": gzip.compress(roles) + gzip.compress(plain),
            "long.tar.zst": long,
            "archive.tar": members,
            "wrapped.sql": b"CREATE DATABASE shop;\n\\c shop\n" + plain + b"ANALYZE;\n",
            "split.sql.gz.aa": both[:20_000],
            "split.sql.gz.ab": both[20_000:],
        },
        "breach P1": {
            "half.sql": plain + plain[:20_000],
            "member.sql.gz": gzip.compress(roles) + gzip.compress(plain)[:500],
            "garbage.sql.gz": both + error,
            "behind.sql": plain + b"pg_dump: error: query failed\n",
            "lost.sql": plain + b"Connection to db closed by remote host.\n",
            "last.sql": b"-- PostgreSQL database dump complete\n",
            "zeros.sql": plain[:20_000] + bytes(4096) + plain[24_096:],
            "custom.dump": custom + custom[: len(custom) // 2],
            "behind.dump": custom + b"pg_dump: error: query failed\n",
            "tail.tar": members[:middle] + bytes(len(members) - middle),
            "hole.tar": members[:300_544] + bytes(10_240) + members[310_784:],
            "page.tar.gz": gzip.compress(page),
            "page.gz": page,
            "page.dump": page,
            "page.zip": page,
            "error.gz": gzip.compress(error),
            "error.sql.gz": gzip.compress(error),
        },
        "unknown P1": {
            "secret.sql.enc": b"Salted__" + os.urandom(1000),
            "text.csv.gz": gzip.compress(b"a,b\n1,2\n"),
            "unknown.bin.gz": gzip.compress(os.urandom(1000)),
        },
    }
    assert tar
    paths = {"ok": [folder / "toc.dat"]}
    for verdict, files in contents.items():
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
            paths.setdefault(verdict, []).append(aged(tmp_path / name))
    wanted = {str(path): verdict for verdict, found in paths.items() for path in found}
    text = "".join(
        f'[backup.b{number}]\npath = "{path}"\nexpect = {{ fresh = false, size = false }}\n'
        for number, path in enumerate(wanted)
    )
    outcome = run(text)
    said = {path: outcome.verdict(f"backup.intact@b{number}") for number, path in enumerate(wanted)}
    assert said == wanted, outcome.output
