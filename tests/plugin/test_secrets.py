"""Rule 6: what is secret by its place, its name or its shape appears nowhere; what is ordinary stays readable."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .. import leaks
from ..live.smtp import Post, server

Project = Callable[..., pytest.Pytester]

CANARIES = {
    "DATABASE_URL": "postgresql://ops:canary-pg-p%40ss@127.0.0.1:1/shop",
    "REDIS_URL": "redis://:canary-redis-pass@127.0.0.1:1/0",
    "BROKER_URL": "redis://:canary-broker-pass@127.0.0.1:1/1",
    "API_URL": "http://ops:canary-http-pass@127.0.0.1:1/path?token=canary-query",
    "API_TOKEN": "Bearer canary-header-token",
    "HOST_SPEC": "ssh://ops:canary-ssh-pass@127.0.0.1:1",
    "COMMAND_TOKEN": "canary-command-word",
    "PATTERN_SECRET": "canary-pattern",
    "NAME_SECRET": "canary-name",
    "BACKUPS_SECRET": "/canary-backups/*.gz",
    "EXPECTED_TOKEN": "canary-expected",
    "ACTION_SECRET": "canary-action",
    "SQL_PASSWORD": "canary-sql",
}

INVENTORY = """
[opscheck]
name = "${NAME_SECRET}"

[host.local.command.says]
run = "echo ${COMMAND_TOKEN}; echo ${COMMAND_TOKEN} >&2; exit 1"
stdout = "== ${EXPECTED_TOKEN}"
action = "${ACTION_SECRET}"
[host.remote]
connect = "${HOST_SPEC}"
[postgres.main]
dsn = "${DATABASE_URL}"
[postgres.main.query.own]
sql = "select '${SQL_PASSWORD}'"
expect = "== 1"
[postgres.literal]
dsn = "postgresql://someone:canary-literal-pass@127.0.0.1:1/db"
[postgres.keywords]
dsn = "host=127.0.0.1 port=1 user=someone password=canary-keyword-pass"
[redis.cache]
url = "${REDIS_URL}"
[celery.tasks]
broker = "${BROKER_URL}"
[http.api]
url = "${API_URL}"
headers = { Authorization = "${API_TOKEN}", X-Api-Key = "canary-literal-header" }
[http.api.expect]
json = { status = "== ${EXPECTED_TOKEN}" }
[metrics.api]
url = "${API_URL}"
[metrics.api.value.one]
metric = "some_total"
expect = "< 1"
[prometheus.main]
url = "${API_URL}"
[tls.api]
address = "127.0.0.1:1"
[logs.app]
path = "/nowhere/${NAME_SECRET}.log"
[logs.app.count.own]
pattern = "${PATTERN_SECRET}"
expect = "== 0"
[backup.database]
path = "${BACKUPS_SECRET}"
"""

OWN = """
import os
import pytest

@pytest.mark.daily
def test_fails_with_a_traceback(expect):
    dsn = os.environ["DATABASE_URL"]
    raise RuntimeError("no connection to " + dsn)

@pytest.mark.daily
def test_prints(expect):
    print(os.environ["API_TOKEN"])
    expect(1, subject=os.environ["API_TOKEN"], limit="== 2")

@pytest.mark.daily
def test_connects(postgres, expect):
    expect(postgres.scalar("select 1"), limit="== 1")
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_no_secret_is_seen(project: Project, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]) -> None:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    pytester = project(INVENTORY)
    pytester.makepyfile(test_own=OWN)
    result = pytester.runpytest_subprocess("-m", "daily", "-vv", "--tb=long", "-l", "-rA", *workers)
    assert result.ret == 1
    seen = result.stdout.str() + result.stderr.str()
    for file in Path(pytester.path).glob("reports/daily/*"):
        seen += f"\n{file.name}\n" + file.read_text(encoding="utf-8")
    assert "test_fails_with_a_traceback" in seen
    leaks = sorted({line.strip()[:200] for line in seen.splitlines() if "canary" in line.lower()})
    assert leaks == []


def test_an_error_in_the_inventory_shows_no_secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    pytester = project(
        """
        [redis.cache]
        url = "${REDIS_URL}"
        expect = { keys = "${EXPECTED_TOKEN}", memory = "< ${EXPECTED_TOKEN}" }
        [http.api]
        url = ["${API_URL}"]
        [host.a]
        connect = "${NAME_SECRET}"
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret == 4
    assert "canary" not in (result.stdout.str() + result.stderr.str()).lower()


SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "DB_PASSWORD": "p@ss'w\"or\\\\d-Zq7",
    "HTTP_PASSWORD": "s3cr3t/p@th:w0rd+x",
    "API_TOKEN": "tok_9fQ2xLm4Vb7NcR1sKd8Ty",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "GITHUB": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "SESSION_SECRET": "correct-horse battery&staple<42>",
    "SMTP_PASS": "Canary-5-Smtp",
    "WEBHOOK": "https://127.0.0.1:1/services/T024BE7LD/AbCdEf123456GhIjKl?sig=Zx81mKq0Wd",
    "REDIS_URL": "redis://:Gr%C3%BC%C3%9Fe-aus-K%C3%B6ln-77@127.0.0.1:1/0",
    "ODD": "9f86d081884c7d659a2feaa0c55ad015",
    "PING": "6a5f9e21-0c3b-4d8e-9f11-2b3c4d5e6f70",
    "SIGNING_KEY": "Kx#81!mQz$0Wd^7%Lp*5",
    "SSH_PASSPHRASE": "unter`dem$(baum)42",
    "COOKIE": "sess-7Yq2Lw9Zk4Bn",
    "OTP_SECRET": "JBSWY3DPEHPK3PXP",
    "MAIL_TOKEN": "SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf",
    "ADMIN_PWD": "Winter-Garten-2026!",
    "LICENCE_KEY": "AB12C-DE34F-GH56I-JK78L",
    "OTHER_CREDENTIALS": "zwölf Boxkämpfer jagen 12",
}
PARTS = [*SECRETS.values(), "T024BE7LD", "AbCdEf123456GhIjKl", "Zx81mKq0Wd", "Grüße-aus-Köln-77"]
PARTS = [part for part in PARTS if "://" not in part]
USES = "\n".join(f'[host.local.command.{name.lower()}]\nrun = "echo ${{{name}}} | md5sum; exit 1"' for name in SECRETS)
ECHO = """
[http.echo]
url = "http://probe:{password}@127.0.0.1:{port}/"
headers = {{ X-Api-Key = "${{API_TOKEN}}", Cookie = "session=${{COOKIE}}; theme=darkness" }}
[http.echo.expect]
json = {{ Authorization = "== x", Cookie = "== x", said = "== x" }}
"""
MAIL = """
[report.mail]
to = ["ops@example.com"]
from = "checks@example.com"
server = "127.0.0.1:{port}"
security = "none"
when = {{ daily = "always" }}
[notify.file]
file = "alerts.jsonl"
"""
FORMS = """
import logging
import os
import warnings
from urllib.parse import unquote

import pytest

from leaks import forms

SECRETS = [unquote(os.environ[name]) if name == "REDIS_URL" else os.environ[name] for name in {names}]
LONG = "x" * 60


@pytest.mark.daily
@pytest.mark.parametrize("number", range(len(SECRETS)))
def test_forms(number, expect, caplog):
    secret = SECRETS[number]
    for name, form in forms(secret).items():
        print(name, form, "and")
        logging.warning("%s %s", name, form)
        expect(form, subject=f"{{name}} {{form}}", limit=f"== {{form}}!", observed=f"saw {{form}}")
    warnings.warn(f"deprecated {{secret}}")


@pytest.mark.daily
@pytest.mark.parametrize("number", range(len(SECRETS)))
def test_shortened(number, expect):
    secret = SECRETS[number]
    request = {{"headers": {{"authorization": secret, "other": LONG}}, "octets": secret.encode()}}
    assert secret == "something else, which is as long as it is", request


@pytest.mark.daily
@pytest.mark.parametrize("number", range(len(SECRETS)))
def test_shortened_inside(number, expect):
    secret = SECRETS[number]
    assert [LONG, secret, LONG] == [LONG, secret[:-3] + "abc", LONG]


@pytest.mark.daily
@pytest.mark.parametrize("number", range(len(SECRETS)))
def test_raised(number, expect):
    secret = SECRETS[number]
    try:
        raise KeyError(secret)
    except KeyError as error:
        raise RuntimeError(f"no answer for {{error!r}}: {{secret.encode()!r}} " + secret[:20] + "...") from error
"""


@pytest.fixture
def echo() -> Iterator[int]:
    """Serve what tells each client what it has sent, as debug pages do."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = dict(self.headers.items())
            body = json.dumps({**sent, "said": leaks.forms(sent["X-Api-Key"])["json in html"]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield served.server_port
    served.shutdown()
    served.server_close()


def told(pytester: pytest.Pytester, result: pytest.RunResult, post: Post) -> dict[str, str]:
    """Return all that a run has told, by where it did."""
    files = [*Path(pytester.path).glob("reports/daily/*"), pytester.path / "alerts.jsonl", pytester.path / "own.html"]
    found = {file.name: file.read_text(encoding="utf-8") for file in files}
    with closing(sqlite3.connect(pytester.path / "reports/history.sqlite3")) as connection:
        found["history"] = "\n".join(connection.iterdump())
    mail = post.mail()
    for number, part in enumerate(each for each in mail.walk() if not each.is_multipart()):
        content = part.get_content()
        found[f"mail {number}"] = content if isinstance(content, str) else content.decode(errors="replace")
    found["console"] = result.stdout.str() + result.stderr.str()
    return found


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_no_form_of_twenty_secrets_and_no_part_of_them_is_in_any_output(
    project: Project, monkeypatch: pytest.MonkeyPatch, echo: int, workers: tuple[str, ...]
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    post = Post()
    with server(post, "none", None) as port:
        password = "s3cr3t%2Fp%40th%3Aw0rd%2Bx"
        pytester = project(USES + ECHO.format(port=echo, password=password) + MAIL.format(port=port))
        own = FORMS.format(names=[name for name in SECRETS if name != "WEBHOOK"])
        pytester.makepyfile(test_own=own, leaks=Path(leaks.__file__).read_text(encoding="utf-8"))
        options = ("-vv", "-l", "-rA", "--tb=long", "--html=own.html", "--log-cli-level=INFO", "--color=yes")
        result = pytester.runpytest_subprocess("-m", "daily", *options, *workers, "-W", "always")
    assert result.ret == 1
    found = told(pytester, result, post)
    assert len(found) >= 12
    assert "saw" in found["latest.json"]
    texts = {text: where for where, text in found.items()}  # latest.json is a copy of another
    assert {where: left for text, where in texts.items() if (left := leaks.left(text, PARTS))} == {}


ORDINARY = {
    "SITE": "production",
    "WORD": "error",
    "FOLDER": "/srv",
    "HOST": "localhost",
    "ADDRESS": "127.0.0.1",
    "PORT": "5432",
    "FLAG": "true",
    "USER": "postgres",
    "ROLE": "admin",
    "BRANCH": "main",
    "METHOD": "GET",
    "SCHEME": "https",
    "SERVICE": "api",
    "STATE": "ok",
    "PAGE": "https://api.example.com:8443/health/detailed?page=2",
    "DAY": "2026-01-31",
    "STAMP": "2026-01-31T10:15:00Z",
    "VERSION": "v1.12.3-rc1",
    "ZONE": "Europe/Berlin",
    "MACHINE": "web-01.eu-west-1.example.com",
    "LIMIT": "< 70%",
    "PATTERN": "^ERROR .*[0-9]+$",
    "MAILBOX": "Kim.Smith2@example.com",
    "PIN": "4711",
    "DB_PASSWORD": "postgres",
    "BUILD_TAG": "9f86d081884c7d659a2feaa0c55ad015",
}
PLAIN = """
[opscheck]
name = "${SITE}"
timezone = "${ZONE}"
[host.main]
[host.main.expect]
disk = "${LIMIT}"
[host.main.command.says]
run = "echo ${WORD} ${FOLDER} ${HOST} ${PORT} ${FLAG} ${USER} ${ROLE} ${BRANCH} ${METHOD} ${SCHEME} ${SERVICE} ${STATE}"
stdout = "== ${PAGE} ${DAY} ${STAMP} ${VERSION} ${MACHINE} ${MAILBOX} ${plain:BUILD_TAG}"
action = "Look at ${PAGE} on ${MACHINE}, at ${FOLDER}"
[postgres.main]
dsn = "postgresql://${USER}:${DB_PASSWORD}@${ADDRESS}:1/${BRANCH}"
[redis.cache]
url = "redis://:${PIN}@${ADDRESS}:1/0"
[http.api]
url = "http://${ADDRESS}:1/${SERVICE}?state=${STATE}"
method = "${METHOD}"
headers = { X-Site = "${SITE}", Accept = "application/json" }
[logs.app]
path = "${FOLDER}/nowhere/${SERVICE}.log"
[logs.app.count.own]
pattern = "${PATTERN}"
expect = "== 0"
"""
READS = """
import os
import pytest

@pytest.mark.daily
@pytest.mark.parametrize("name", {names})
def test_reads(name, expect):
    print(name, os.environ[name])
    expect(os.environ[name], subject=name, limit="== nothing")
    assert os.environ[name] == "something else", [os.environ[name], name]
"""


def test_ordinary_values_of_the_environment_are_masked_nowhere(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where one of them is a password too, or a number is one: that is masked in a password's place alone."""
    for name, value in ORDINARY.items():
        monkeypatch.setenv(name, value)
    post = Post()
    with server(post, "none", None) as port:
        pytester = project(PLAIN + MAIL.format(port=port))
        pytester.makepyfile(test_own=READS.format(names=list(ORDINARY)))
        options = ("-vv", "-l", "-rA", "--tb=long", "--html=own.html")
        result = pytester.runpytest_subprocess("-m", "daily", *options)
    assert result.ret == 1
    found = told(pytester, result, post)
    stars = re.compile(r"(?<![*])[*]{3}(?![*])")  # a style sheet's comments have more
    assert {where: line for where, text in found.items() for line in text.splitlines() if stars.search(line)} == {}
    for value in ORDINARY.values():
        assert value in found["console"]
        assert value in found["latest.json"]
