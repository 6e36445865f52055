"""What answers in Redis's place, for Redis and for Celery: what is none is red, and what it can't tell is unknown."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from .conftest import Outcome, Run
from .processes import answers, free_port, program, running, wait_until
from .test_redis_expectations import started

Answer = Callable[[list[bytes]], bytes | None]
"""What is sent for a command; None ends the connection."""
INFO = {
    b"server": b"# Server\r\nredis_version:5.0.14\r\nredis_mode:standalone\r\nrun_id:a1\r\nuptime_in_seconds:9\r\n",
    b"memory": b"# Memory\r\nused_memory:1000\r\nmaxmemory:100000\r\nmaxmemory_policy:noeviction\r\n",
    b"keyspace": b"# Keyspace\r\n",
}


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


def like_redis(sections: Mapping[bytes, bytes] = INFO, /, **others: bytes | None) -> Answer:
    """Answer as a small server of the kind does: PING, INFO, and of other commands what is said here."""

    def answer(command: list[bytes]) -> bytes | None:
        name = command[0].decode().lower()
        if name in others:
            return others[name]
        if name == "ping":
            return b"+PONG\r\n"
        if name == "info":
            return bulk(sections.get(command[1], b""))
        return b"-ERR unknown command '%s'\r\n" % command[0]

    return answer


def always(text: bytes) -> Answer:
    return lambda _command: text


@contextlib.contextmanager
def answering(*ways: Answer) -> Iterator[list[int]]:
    """Serve a port for each way to answer; yields them."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in ways]
        for listener, way in zip(listeners, ways, strict=True):
            threading.Thread(target=_accept, args=(listener, way), daemon=True).start()
        yield [listener.getsockname()[1] for listener in listeners]


def _accept(listener: socket.socket, way: Answer) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_converse, args=(connection, way), daemon=True).start()


def _converse(connection: socket.socket, way: Answer) -> None:
    with contextlib.suppress(OSError, ValueError), connection, connection.makefile("rb") as said:
        while line := said.readline():
            if not line.startswith(b"*"):
                connection.sendall(way([line]) or b"")
                return
            answer = way([said.read(int(said.readline()[1:]) + 2)[:-2] for _ in range(int(line[1:]))])
            if answer is None:
                return
            connection.sendall(answer)


def looked_at(run: Run, ports: list[int], scheme: str = "redis") -> Outcome:
    """Look at servers as Redis, redis.s0 and so on, and as Celery's brokers, celery.s0 and so on."""
    soon, text = 'timeout = "2s"', ""
    for number, port in enumerate(ports):
        url = f"{scheme}://127.0.0.1:{port}/0"
        text += f'[redis.s{number}]\nurl = "{url}"\n[redis.s{number}.expect]\n'
        text += f'reachable = {{ {soon} }}\nmemory = {{ P1 = "< 95%", {soon} }}\n'
        text += f'[celery.s{number}]\nbroker = "{url}"\n[celery.s{number}.expect]\nworkers = false\n'
        text += f'reachable = {{ {soon} }}\nqueue_length = {{ P2 = "< 10", {soon} }}\n'
    return run(text)


def test_what_is_not_redis_is_red_and_blocks_the_rest(run: Run) -> None:
    """PING has to be answered with PONG, and INFO with INFO, if at all; the message says what is there instead."""
    ways = {
        "answers PING with 'hello', not with PONG": lambda c: b"$5\r\nhello\r\n" if c[0] == b"PING" else b"+OK\r\n",
        "answers PING with 'OK'": always(b"+OK\r\n"),
        "answers PING with 'PONG!'": always(b"+PONG!\r\n"),
        "answers PING with '1'": always(b":1\r\n"),
        "answers PING with a list of 1, not": always(b"*1\r\n$4\r\nPONG\r\n"),
        "answers INFO with 'OK', which is none": lambda c: b"+PONG\r\n" if c[0] == b"PING" else b"+OK\r\n",
        "answers INFO with 'PONG'": always(b"+PONG\r\n"),
        "is a Sentinel": like_redis({b"server": b"# Server\r\nredis_version:7.0.15\r\nredis_mode:sentinel\r\n"}),
        "an HTTP server answers there": always(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        "speaks TLS; write rediss://": always(b"\x15\x03\x01\x00\x02\x02\x46\r\n"),
        "memcached or the like answers there": always(b"ERROR\r\n"),
        "does not speak Redis's protocol": always(b"$what\r\n"),
        "it ended the connection": lambda _: None,
        "still loading its data": always(b"-LOADING Redis is loading the dataset in memory\r\n"),
        "wants a password": always(b"-NOAUTH Authentication required.\r\n"),
        "has lost its master": always(b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is no.\r\n"),
        "a script holds it up": always(b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL.\r\n"),
        "takes no more clients": always(b"-ERR max number of clients reached\r\n"),
        "in protected mode": always(b"-DENIED Redis is running in protected mode because of that. And so on.\r\n"),
    }
    with answering(*ways.values()) as ports:
        outcome = looked_at(run, ports)
    for number, (said, port) in enumerate(zip(ways, ports, strict=True)):
        for target in (f"redis.reachable@s{number}", f"celery.reachable@s{number}"):
            message = outcome.message(target)
            assert outcome.verdict(target) == "breach P0", (said, message)
            assert said in message
            assert message.count(f"127.0.0.1:{port}") == 1
            assert "Error" not in message.replace("ERROR", "")
            assert "b'" not in message
        assert outcome.verdict(f"redis.memory@s{number}") == "blocked"
        assert outcome.verdict(f"celery.queue_length@s{number}") == "blocked"


def test_servers_that_know_little_are_reachable_and_the_rest_is_told_or_unknown(run: Run) -> None:
    """Proxies know no INFO, no HELLO and no CLIENT, and some end the connection at what they don't know."""
    no_info = like_redis(info=None)  # twemproxy, by its manual
    ways: list[Answer] = [
        like_redis(),
        no_info,
        like_redis(client=None, hello=None, info=b"-ERR unknown command 'INFO'\r\n"),
        like_redis(info=b"-NOPERM this user has no permissions to run the 'info' command\r\n"),
        like_redis(ping=b"-NOPERM this user has no permissions to run the 'ping' command or its subcommand\r\n"),
        like_redis({b"server": INFO[b"server"], b"memory": b"# Memory\r\nused_memory:1000\r\n"}),
        lambda command: b"+PONG\r\n" if command[0] == b"PING" else b"$4000\r\n# Server\r\nredis_ver",
    ]
    with answering(*ways) as ports:
        outcome = looked_at(run, ports)
    told = {
        0: ("ok", "ok"),
        1: ("ok", "unknown P1"),
        2: ("ok", "unknown P1"),
        3: ("ok", "unknown P1"),
        4: ("unknown P0", "ok"),
        5: ("ok", "unknown P1"),
        6: ("ok", "unknown P1"),
    }
    for number, verdicts in told.items():
        of = f"redis.reachable@s{number}", f"redis.memory@s{number}"
        assert tuple(outcome.verdict(each) for each in of) == verdicts, outcome.output
    assert outcome.message("redis.memory@s0") == "1 %"
    assert "the server has no INFO" in outcome.message("redis.memory@s2")
    assert "grant it: ACL SETUSER NAME +info" in outcome.message("redis.memory@s3")
    assert "grant it: ACL SETUSER NAME +ping" in outcome.message("redis.reachable@s4")
    assert outcome.message("redis.memory@s6").startswith("unknown: INFO: no answer within 2 s; check whether it hangs")
    assert "does not say whether it has a maxmemory" in outcome.message("redis.memory@s5")


def test_redis_without_hello_and_a_percentage_without_maxmemory(run: Run, tmp_path: Path) -> None:
    """Redis before 6 has no HELLO; a server of which CLIENT and CONFIG were renamed too, as managed services do it."""
    renamed = [word for name in ("HELLO", "CLIENT", "CONFIG") for word in ("--rename-command", name, "")]
    with started(tmp_path / "old", "--save", "", *renamed) as client:
        port = client.connection_pool.connection_kwargs["port"]
        url = f"redis://127.0.0.1:{port}/1"
        memory = {"default": "true", "percent": '"< 80%"', "size": '"< 1GB"'}
        text = f'[celery.tasks]\nbroker = "{url}"\nexpect = {{ workers = false }}\n'
        for name, limit in memory.items():
            text += f'[redis.{name}]\nurl = "{url}"\nexpect = {{ memory = {limit}, last_save = "< 1d" }}\n'
        outcome = run(text, suite="daily or weekly")
    assert outcome.verdict("celery.reachable@tasks") == "ok"
    assert {outcome.verdict(f"redis.reachable@{name}") for name in memory} == {"ok"}
    assert [outcome.verdict(f"redis.memory@{name}") for name in memory] == ["ok", "unknown P2", "ok"]
    assert "there is no maxmemory to be a percentage of; set one" in outcome.message("redis.memory@percent")
    assert outcome.verdict("redis.last_save@size") == "ok"


def test_tls_where_none_is_and_none_where_it_is(run: Run, tmp_path: Path) -> None:
    """The message says what to write in the url."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=localhost"]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    port = free_port()
    options = ["--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    with started(
        tmp_path / "tls", *options, "--tls-auth-clients", "no", "--tls-ca-cert-file", str(certificate)
    ) as plain:
        wait_until(lambda: answers(port), "redis-server's TLS")
        outcome = looked_at(run, [port])
        assert "rediss://" in outcome.message("redis.reachable@s0"), outcome.message("redis.reachable@s0")
        outcome = looked_at(run, [plain.connection_pool.connection_kwargs["port"], port], "rediss")
    assert "redis://" in outcome.message("redis.reachable@s0")
    assert "certificate is not trusted" in outcome.message("redis.reachable@s1")


def test_a_real_sentinel_is_not_redis(run: Run, tmp_path: Path) -> None:
    """A Sentinel says PONG; what the application needs is the server that it watches."""
    port, file = free_port(), tmp_path / "sentinel.conf"
    file.write_text(f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\n", encoding="utf-8")
    with running([program("redis-server"), str(file), "--sentinel"], log=tmp_path / "sentinel.log"):
        wait_until(lambda: answers(port), "redis-sentinel")
        outcome = looked_at(run, [port])
    for kind in ("redis", "celery"):
        assert outcome.verdict(f"{kind}.reachable@s0") == "breach P0"
        assert "is a Sentinel, not the server that it watches" in outcome.message(f"{kind}.reachable@s0")
