"""What libpq says in paragraphs, in one line, each thing once."""

from __future__ import annotations

import pytest

from pytest_opscheck.answers.postgres_words import one_line

REFUSED = """\
connection failed: connection to server at "127.0.0.1", port 5432 failed: Connection refused
	Is the server running on that host and accepting TCP/IP connections?"""
TWICE = """\
connection failed: Multiple connection attempts failed. All failures were:
- host: 'db', port: '5432', hostaddr: '::1': connection failed: connection to server at "::1", port 5432 failed: FATAL:  no pg_hba.conf entry for host "::1", SSL encryption
connection to server at "::1", port 5432 failed: FATAL:  no pg_hba.conf entry for host "::1", no encryption
- host: 'db', port: '5432', hostaddr: '127.0.0.1': connection failed: connection to server at "127.0.0.1", port 5432 failed: Connection refused"""  # noqa: E501


def said(text: str) -> str:
    return one_line(Exception(text))


def test_nothing_of_libpqs_guesses() -> None:
    assert said(REFUSED) == 'connection to server at "127.0.0.1", port 5432 failed: Connection refused'


def test_each_address_of_a_name_has_its_reason() -> None:
    found = said(TWICE)
    assert found.count("Connection refused") == 1
    assert found.count("no pg_hba.conf entry") == 2
    assert "All failures were" not in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("server closed the connection unexpectedly", "it ended the connection"),
        (
            'connection to server at "h", port 1 failed: received invalid response to SSL negotiation: H',
            'connection to server at "h", port 1 failed: what answers there is not PostgreSQL',
        ),
        (
            'connection to server at "h", port 1 failed: \x16\x03\x01',
            'connection to server at "h", port 1 failed: what answers there is not PostgreSQL',
        ),
    ],
)
def test_what_a_server_that_hangs_up_or_is_another_is_called(text: str, found: str) -> None:
    assert said(text) == found


def test_pgbouncers_refusals_say_what_to_do() -> None:
    assert said("FATAL: unsupported startup parameter in options: x").endswith("each query sets its own time limit")
    assert len(said("x " * 5000)) < 310
