"""What is shown of what ssh and a server say, and what is kept of what a host prints."""

from __future__ import annotations

import subprocess
import time

import pytest

from pytest_opscheck.answers.processes import kill
from pytest_opscheck.gather.host_causes import causes
from pytest_opscheck.gather.host_script import LINE_BYTES, NOISE_BYTES, Received
from pytest_opscheck.gather.loggers import steady_loggers
from pytest_opscheck.probes import Part

# Lines that begin with > are the ones that name a cause.
SAID = """
>Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures
>Disconnected from 10.0.0.1 port 22
--
Warning: Permanently added 'a' (ED25519) to the list of known hosts.
>Hello
--
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Someone could be eavesdropping on you right now (man-in-the-middle attack)!
It is also possible that a host key has just been changed.
The fingerprint for the ED25519 key sent by the remote host is
SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU.
Please contact your system administrator.
Add correct host key in /root/.ssh/known_hosts to get rid of this message.
>Offending ED25519 key in /root/.ssh/known_hosts:7
>Host key for prod has changed and you have requested strict checking.
>Host key verification failed.
--
**********************
* Property of Example *
**********************
>Your account has expired; please contact your system administrator.
>Connection closed by 10.0.0.1 port 22
--
Authenticated to a ([::1]:22) using "publickey".
>sudo: a terminal is required to read the password
>sudo: a password is required
Transferred: sent 1, received 2 bytes, in 0.1 seconds
Bytes per second: sent 1.0, received 2.0
--
>ssh: Could not resolve hostname jump: Name or service not known
>kex_exchange_identification: Connection closed by remote host
>Connection closed by UNKNOWN port 65535
--
>Unable to negotiate with 10.0.0.1 port 22: no matching key exchange method found. Their offer: x
--
** WARNING: connection is not using a post-quantum key exchange algorithm.
>WARNING: Your password has expired.
>Password change required but no TTY available.
--
>channel 0: open failed: connect failed: Connection refused
>stdio forwarding failed
--
>ssh: connect to host prod port 22: No route to host
--
>Error response from daemon: No such container: web
"""


@pytest.mark.parametrize("said", SAID.strip().split("\n--\n"))
def test_lines_that_name_a_cause(said: str) -> None:
    lines = said.splitlines()
    shown = "; ".join(line[1:] for line in lines if line.startswith(">"))
    assert causes("\r\n".join(line.removeprefix(">") for line in lines)) == shown


def test_how_much_is_shown() -> None:
    assert causes("") == ""
    assert len(causes("x" * 10**6)) == 120
    assert causes("\n".join(f"line {number} failed" for number in range(1000))).count("failed") == 6


def test_how_much_is_kept_of_a_flood() -> None:
    """Before the first word, without a line break, and in lines that look like a part's."""
    received = Received("word", [Part("", bytes=1000)])
    for _ in range(100):
        received.feed(b"x" * 65536)
    assert len(received.noise) == NOISE_BYTES
    assert len(received._rest) <= LINE_BYTES
    received.feed(b"\nword begin 5.5\n")
    assert received.begun == (5.5, 5.5)
    for _ in range(1000):
        received.feed(b"word 0 out +" + b"y" * 2000 + b"\nword 0 err =" + b"z" * 2000 + b"\n")
    assert received.done(0)
    output = received.output(0)
    assert output.truncated
    assert len(output.stdout) + len(output.stderr) < 50_000


def test_lines_in_any_pieces() -> None:
    text = (
        b"motd word\nword begin 7\nword 0 began\nword 0 out =a\nword 0 status 0 1 2\nword 0 err end\nword 0 out end\n"
    )
    received = Received("word", [Part("")])
    for byte in text:
        received.feed(bytes([byte]))
    assert received.begun == (7.0, 8.0)
    assert received.done(0)
    assert (received.output(0).stdout, received.output(0).exit_status) == ("a\n", 0)


def test_loggers_can_be_made_while_others_are_walked_over() -> None:
    import logging

    steady_loggers()
    steady_loggers()
    manager = logging.Logger.manager
    logging.getLogger("opscheck.walked.before")
    for number, _ in enumerate(manager.loggerDict.values()):
        logging.getLogger(f"opscheck.walked.{number}")
        if number > 3:
            break
    assert type(manager.loggerDict).__mro__[1] is dict


@pytest.mark.parametrize("line", ["0 out =/dev/sda1 90%", "0 status 0 1.0 2.0", "0 err end", "end"])
def test_what_is_printed_into_a_line_of_ours_is_known(line: str) -> None:
    """A line that is lost so might be the one that says that a disk is full."""
    received = Received("word", [Part("")])
    received.feed(b"\nword begin 1.0\nsomething else\n")
    assert not received.is_garbled
    received.feed(b"\0\0" + f"word {line}\n".encode())
    assert received.is_garbled


def test_a_flood_may_be_cut_where_a_line_of_ours_begins() -> None:
    received = Received("word", [Part("")])
    received.feed(b"\nword begin 1.0\n")
    received.feed(b"\0" * 1_000_000 + b"wo")
    received.feed(b"rd 0 out =/dev/sda1 90%\n")
    assert received.is_garbled


@pytest.mark.slow
def test_what_is_started_while_it_is_ended_is_ended_too() -> None:
    """A shell that is still starting its parts: each is a child of a child that has ended itself by then."""
    seconds = f"37{time.monotonic_ns() % 10**6:06}"
    chain = f'[ $1 -gt 0 ] || exec sleep {seconds}; sh -c "$0" "$0" $(($1 - 1)) & exit'
    children = []
    try:
        for number in range(12):
            children.append(subprocess.Popen(["sh", "-c", chain, chain, "20"], start_new_session=True))
            time.sleep(number / 500)
            kill(children[-1])
        left = subprocess.run(["pgrep", "-f", f"sleep {seconds}"], check=False, capture_output=True, text=True)
        assert left.stdout.split() == []
    finally:
        for child in children:
            subprocess.run(["pkill", "-9", "-s", str(child.pid)], check=False)
            child.wait()
