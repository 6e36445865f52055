"""What a host's script says of ports, processes, files and addresses; what it may not look at is never none."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes import UnknownError
from pytest_opscheck.probes.host import directory, file, ports, processes, reach

from ..said import read

PROCESSES = "looked\nprocess 10 2048\nprocess 11 1024\nprocess 12 0\npart 10 1000\n"
FILES = "now 1000000\nfile 999940 4096 640 0 33 root www-data /srv/a b.log\n"


def test_ports_are_those_of_sockets_and_of_rules_that_lead_on() -> None:
    text = "read tcp\nread udp\nlistens tcp 01BB\nlistens udp 0035\nleads tcp 8080\n"
    found = read(ports, text, numbers=("tcp/443", "udp/53", "tcp/8080", "tcp/53", "udp/443"))
    assert [(port.name, port.listens) for port in found] == [
        ("tcp/443", True),
        ("udp/53", True),
        ("tcp/8080", True),
        ("tcp/53", False),
        ("udp/443", False),
    ]


def test_a_table_of_sockets_that_is_not_there_says_nothing() -> None:
    assert [port.listens for port in read(ports, "leads tcp 80\n", numbers=("tcp/80", "tcp/81"))] == [True, None]


def test_memory_of_processes_is_their_part_where_that_can_be_read() -> None:
    """PSS where the kernel tells it, else RSS; how many count for all that they share is told too."""
    found = read(processes, PROCESSES, pattern="gunicorn", user="app")
    assert (found.count, found.memory_bytes, found.shared) == (3, (1000 + 1024 + 0) * 1024, 1)
    assert found.described == "processes with /gunicorn/ of app"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("nobody app", "there is no user app on the host"),
        ("hidden ops", "/proc hides others' processes from ops"),
        ("", "nobody said which processes run"),
    ],
)
def test_processes_out_of_sight_are_unknown(said: str, why: str) -> None:
    with pytest.raises(UnknownError, match=why):
        read(processes, f"{said}\n")


def test_no_process_is_a_number() -> None:
    assert read(processes, "looked\n").count == 0


def test_a_file_is_as_old_as_the_host_says() -> None:
    [found] = read(file, FILES, path="/srv/*.log").found
    assert (found.path, found.age_s, found.size_bytes) == ("/srv/a b.log", 60, 4096)
    assert (found.owner, found.group, found.mode, found.readable_by_others) == ("root", "www-data", 0o640, False)


def test_an_owner_without_a_name_goes_by_its_number() -> None:
    [found] = read(file, FILES.replace("root www-data", "UNKNOWN UNKNOWN"), path="/srv/*.log").found
    assert (found.owner, found.group) == ("0", "33")


def test_no_file_is_found_and_one_behind_rights_is_unknown() -> None:
    assert read(file, "now 1000000\n", path="/srv/x").found == ()
    with pytest.raises(UnknownError, match="there is no folder /srv/nowhere, in which the path would be"):
        read(file, "nowhere /srv/nowhere\n", path="/srv/nowhere/x")
    with pytest.raises(UnknownError, match="no permission to read /srv; its group may: usermod -aG adm ops"):
        read(file, "denied /srv\ngranted drwxr-x--- adm\nuser ops\n", path="/srv/x")
    with pytest.raises(UnknownError, match="setfacl -m u:ops:rX /srv"):
        read(file, "denied /srv\ngranted drwx------ adm\nuser ops\n", path="/srv/x")


def test_a_file_of_tomorrow_tells_of_a_wrong_clock() -> None:
    with pytest.raises(UnknownError, match="was written 86400 s from now"):
        read(file, FILES.replace("999940", "1086400"), path="/srv/*.log")


def test_a_directory_that_is_not_read_whole_is_unknown() -> None:
    assert read(directory, "size 40 /srv/a b\n", path="/srv/*")[0].size_bytes == 40 * 1024
    with pytest.raises(UnknownError, match="not all of it can be read: du: cannot read directory"):
        read(directory, "failed du: cannot read directory '/srv/a': Permission denied\nsize 4 /srv/a\n", path="/srv/*")
    with pytest.raises(UnknownError, match="no directory matches"):
        read(directory, "", path="/srv/*")


def test_what_a_host_reaches() -> None:
    text = "connects db 5432\nunresolved nohost 80\nsilent ::1 443\nrefused db 1\n"
    found = read(reach, text, addresses=("db:5432", "nohost:80", "[::1]:443", "db:1"))
    assert [place.state.split()[0] for place in found] == ["connects", "a", "without", "not"]
    with pytest.raises(UnknownError, match="did not say whether it reaches db:2"):
        read(reach, text, addresses=("db:2",))
    with pytest.raises(UnknownError, match="apt-get install netcat-openbsd"):
        read(reach, "tool\n", addresses=("db:2",))
