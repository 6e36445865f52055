"""What paramiko raises, in the words of ssh: a name of a class says nothing to people."""

from __future__ import annotations

import pytest

from pytest_opscheck.gather.host_paramiko import in_words


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EOFError(), "it closed the connection during the SSH handshake"),
        (ConnectionResetError(104, "Connection reset by peer"), "connection reset by peer"),
        (ValueError("something else"), "something else"),
    ],
)
def test_in_the_words_of_ssh(error: Exception, said: str) -> None:
    assert in_words(error, 10) == said
