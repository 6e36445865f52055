"""Whether a backup can be read to its end, by the script that a host runs: here with this machine's gzip and tar."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from pytest_opscheck.gather.host import HostConnection
from pytest_opscheck.probes import BlockedError, Probe, UnknownError
from pytest_opscheck.probes.backup import includes, intact, kind

DUMP = """\
--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
CREATE TABLE public.jobs (id integer);
COPY public.jobs (id) FROM stdin;
1
2
\\.

--
-- PostgreSQL database dump complete
--

"""


def read(probe: Probe, file: Path, content: bytes | None, **params: Any) -> Any:
    """Return what a probe reads of a file that was finished a minute ago; None makes none."""
    if content is not None:
        file.write_bytes(content)
        os.utime(file, (time.time() - 60,) * 2)
    assert probe.shell is not None
    part = probe.shell.part(kind.target(path=str(file)), 20, params)  # type: ignore[call-arg]
    [output] = HostConnection("local://").run([part])
    return probe.shell.parse(output, **params)


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 20_000
            tar.addfile(member, io.BytesIO(os.urandom(member.size)))
    return file.getvalue()


@pytest.mark.parametrize("packed", [False, True])
def test_a_whole_dump_is_intact(tmp_path: Path, *, packed: bool) -> None:
    content = gzip.compress(DUMP.encode()) if packed else DUMP.encode()
    found = read(intact, tmp_path / "a.sql", content)
    assert (found.state, found.formats[-1]) == ("intact", "PostgreSQL database dump")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gzip.compress(DUMP.encode(), mtime=0)[:-20], "damaged (gzip: "),
        (DUMP.partition("\\.")[0].encode(), "damaged (it has a beginning and no end: PostgreSQL database dump)"),
        (DUMP.replace("CREATE", "pg_dump: error: query failed\nCREATE").encode(), "damaged (an error stands in it"),
        (b"bash: pg_dump: command not found\n", "damaged (it is the text of an error: bash: pg_dump: command"),
        (b"<!DOCTYPE html>\n<p>Sign in", "damaged (it is a web page"),
    ],
)
def test_half_a_dump_is_damaged(tmp_path: Path, content: bytes, why: str) -> None:
    assert read(intact, tmp_path / "a.sql", content).state.startswith(why)


def test_what_nobody_can_tell_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownError, match="can't be verified: it is "):
        read(intact, tmp_path / "a.bin", zlib.compress(DUMP.encode()))


def test_no_file_is_a_matter_of_its_age(tmp_path: Path) -> None:
    with pytest.raises(BlockedError, match="no finished file matches") as caught:
        read(intact, tmp_path / "*.sql", None)
    assert caught.value.by == "fresh"


def test_what_an_archive_includes(tmp_path: Path) -> None:
    content = archive("./etc/nginx/nginx.conf", "./etc/empty", "data/a b.txt")
    wanted = ("etc/nginx", "/etc/nginx/nginx.conf", "data/a b.txt", "etc/ngin", "var")
    found = read(includes, tmp_path / "a.tgz", content, paths=wanted)
    assert found.found == wanted[:3]
    assert found.missing == wanted[3:]
    with pytest.raises(BlockedError, match="can't be read to its end"):
        read(includes, tmp_path / "b.tgz", content[:30_000], paths=wanted)
