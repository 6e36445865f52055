"""What a Redis server's refusals mean, and what else may answer in its place."""

from __future__ import annotations

import pytest
import redis

from pytest_opscheck.probes.redis._words import NOT_REDIS, failure, refusal, unknown_command


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("NOAUTH Authentication required.", "it wants a password"),
        ("WRONGPASS invalid username-password pair or user is disabled.", "it refuses the url's user and password"),
        ("LOADING Redis is loading the dataset in memory", "it is still loading its data"),
        ("BUSY Redis is busy running a script.", "a script holds it up"),
        (
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "it is a replica that has",
        ),
        ("DENIED Redis is running in protected mode", "it is in protected mode"),
        ("ERR DB index is out of range", "it has no database of the url's number"),
        ("ERR invalid password", "it refuses the url's password"),
        ("ERR max number of clients reached", "it takes no more clients"),
        ("MOVED 3999 10.0.0.2:6381", "it is a node of a cluster, and that key is on another one, 10.0.0.2:6381"),
        ("ERR something new. With advice.", "something new"),
    ],
)
def test_a_refusal(said: str, meaning: str) -> None:
    assert refusal(said).startswith(meaning)


def test_a_refusal_whose_first_word_the_library_cut_off() -> None:
    assert refusal("Redis is loading the dataset in memory", "LOADING").startswith("it is still loading")
    assert len(refusal("ERR " + "x" * 10_000)) <= 200


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        (rb"HTTP/1.1 400 Bad Request", "an HTTP server answers there, not Redis"),
        (rb"SSH-2.0-OpenSSH_9.2p1", "an SSH server answers there, not Redis"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "what answers there speaks TLS; write rediss:// in the url"),
        (rb"220 mail.example.com ESMTP", "a mail or FTP server answers there, not Redis"),
        (rb"ERROR", "memcached or the like answers there, not Redis"),
        (b"\x00\x01", NOT_REDIS),
    ],
)
def test_another_server(raw: bytes, meaning: str) -> None:
    assert failure(redis.InvalidResponse(f"Protocol Error: {raw!r}"), 5) == meaning


def test_no_answer() -> None:
    assert failure(redis.TimeoutError("Timeout reading from socket"), 5) == "no answer within 5 s"
    refused = redis.ConnectionError("Error 111 connecting")
    refused.__cause__ = ConnectionRefusedError(111, "Connection refused")
    assert failure(refused, 5) == "connection refused"
    assert failure(IndexError("list index out of range"), 5) == NOT_REDIS


@pytest.mark.parametrize(
    "said", ["unknown command `CONFIG`", "Unknown subcommand", "command not allowed", "unsupported"]
)
def test_a_command_that_a_server_lacks(said: str) -> None:
    assert unknown_command(said)
    assert not unknown_command("NOPERM this user has no permissions to run the 'config' command")
