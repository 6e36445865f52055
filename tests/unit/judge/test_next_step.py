"""The next step of a result: which one has one, and what its placeholders become."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.catalogue import checks
from pytest_opscheck.core.results import Measurement, Result
from pytest_opscheck.gather.readings import Reading
from pytest_opscheck.inventory import load
from pytest_opscheck.judge.conclude import Judge
from pytest_opscheck.judge.subject import Subject
from pytest_opscheck.probes import UnknownError, UnreachableError
from pytest_opscheck.probes._kind import Kind, Target
from pytest_opscheck.probes.dns import kind as dns
from pytest_opscheck.probes.docker import kind as docker
from pytest_opscheck.probes.host import kind as host
from pytest_opscheck.probes.http import kind as http
from pytest_opscheck.probes.tls import kind as tls

JUDGE = Judge("P3")
DISK = Subject(
    "host.disk@prod", "host.disk", "prod", "", ("daily",), action="du -xh {subject} of {target} {{.State}} {other}"
)


def of(kind: Kind, **keys: object) -> Target:
    return kind.target.model_validate(keys)


def measured(subject: str | None, breached: str | None, problem: str | None = None) -> Measurement:
    return Measurement(subject, 95.0, "%", {"P3": "< 70%"}, breached, problem)


def judged(*measurements: Measurement, subject: Subject = DISK) -> Result:
    return JUDGE.conclude(subject, measurements)


def test_the_next_step_names_what_is_worst() -> None:
    said = judged(measured("/", None), measured("/a", "P3"), measured("/var", "P1"), measured("/nfs", None, "hangs"))
    assert said.action == "du -xh /var of prod {{.State}} {other}"


def test_without_a_subject_it_names_the_target_by_its_address_where_that_helps() -> None:
    assert judged(measured(None, "P3")).action == "du -xh prod of prod {{.State}} {other}"
    addressed = replace(DISK, where="https://example.com/a", action="curl -v {subject} {target}")
    said = judged(measured(None, "P3"), subject=addressed)
    assert said.action == "curl -v https://example.com/a https://example.com/a"


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        (
            of(host, connect="ssh://ops@web.example.com:2222?ssh_config=my config"),
            "ssh -v -p 2222 -F 'my config' ops@web.example.com",
        ),
        (of(host, connect="ssh://ops:canary@web"), "ssh -v ops@web"),
        (of(host, connect="paramiko://web?ssh_identity_file=key"), "ssh -v -i key web"),
        (of(host, connect="docker://root@web"), "docker exec -it web sh"),
        (
            of(host, connect="kubectl://web-0?namespace=shop&container=app"),
            "kubectl exec -it -n shop -c app web-0 -- sh",
        ),
        (of(host, connect="chroot:///srv/root"), "chroot /srv/root sh"),
        (of(host, connect="local://"), None),
        (of(host, connect="ansible://web"), None),
        (of(host, connect="ssh://web:port"), None),
        (
            of(dns, name="a.example", resolver=["127.0.0.1:5353"], transport="tcp"),
            "dig @127.0.0.1 -p 5353 +tcp a.example",
        ),
        (of(dns, name="a.example"), "dig a.example"),
        (
            of(tls, address="a:465", server_name="b.example"),
            "openssl s_client -connect a:465 -servername b.example -showcerts",
        ),
        (of(tls, file="/etc/a b.pem"), "openssl x509 -text -in '/etc/a b.pem'"),
        (
            of(docker, project="shop x"),
            "docker compose ls -a; docker ps -a --filter 'label=com.docker.compose.project=shop x'",
        ),
        (of(docker, names=["aa", "bb"]), "docker ps -a --filter name=aa --filter name=bb"),
        (of(docker, labels=["k=v"]), "docker ps -a --filter label=k=v"),
    ],
)
def test_a_command_by_which_people_try_it_themselves(keys: Target, command: str | None) -> None:
    """It works as it stands, and shows no password; where there is none, the step does without it."""
    assert keys.by_hand() == command
    subject = replace(DISK, by_hand=command, action="Try it: {by_hand}")
    assert judged(measured(None, "P3"), subject=subject).action == (f"Try it: {command}" if command else "Try it")


@pytest.mark.parametrize(
    ("table", "asked"),
    [
        ('[host.a.command.x]\nrun = "nginx -t"', "nginx -t"),
        ('[host.a.command.x]\nrun = "PGPASSWORD=hunter2xyz psql"', "PGPASSWORD=*** psql"),
        ('[host.a.command.x]\nrun = "curl -u admin:hunter2xyz http://a"', "curl -u admin:*** http://a"),
        ('[host.a.command.x]\nrun = "mysql -phunter2xyz"', "mysql -p***"),
        ('[host.a.command.x]\nrun = "sshpass -p hunter2xyz ssh b"', "sshpass -p *** ssh b"),
        ('[host.a.command.x]\nrun = "redis-cli -a hunter2xyz ping"', "redis-cli -a *** ping"),
        ('[host.a.command.x]\nrun = """cd /srv\n./check"""', None),
        (
            '[postgres.a]\ndsn = \'postgresql://a/b\'\n[postgres.a.query.x]\nsql = """\nselect 1\n  from jobs\n"""',
            "select 1 from jobs",
        ),
        (
            '[postgres.a]\ndsn = \'postgresql://a/b\'\n[postgres.a.query.x]\nsql = """\nselect 1 -- one\n"""',
            "select 1 -- one",
        ),
        ('[postgres.a]\ndsn = \'postgresql://a/b\'\n[postgres.a.query.x]\nsql = """\nselect 1 -- one\n, 2"""', None),
        ("[docker.a]\nproject = 'p'\n[docker.a.exec.x]\nservice = 'web'\nrun = ['ls', 'a b']", "ls 'a b'"),
    ],
)
def test_a_question_of_the_inventory_stands_in_its_next_step(tmp_path: Path, table: str, asked: str | None) -> None:
    """In one line; one that takes more is not shortened, for what is left would ask for something else."""
    file = tmp_path / "opscheck.toml"
    file.write_text(
        f"[host.a]\n{table}\nexpect = '< 5'\n" if "query" in table else f"[host.a]\n{table}\n", encoding="utf-8"
    )
    inventory = load(file, checks(), {})
    subject = Subject.of(next(each for each in inventory.expectations if each.id.endswith(".x@a")), inventory)
    assert subject.asked == asked
    step = judged(measured(None, "P3"), subject=subject).action
    assert step is not None
    assert "{" not in step
    assert asked is None or step.endswith(asked)


@given(st.text(min_size=1).filter(lambda text: "'" not in text))
def test_a_subject_is_one_word_of_the_shell(subject: str) -> None:
    action = judged(measured(subject, "P3"), subject=replace(DISK, action="du {subject}")).action
    assert action is not None
    assert shlex.split(action) == ["du", subject]
    assert subject in action


@pytest.mark.parametrize(
    "action",
    [
        "printf '%s\\n' {subject}",
        "echo \"it's\" >&2; printf '%s\\n' {subject}",
        """sh -c 'printf "%s\\n" {subject}'""",
        """sh -c 'printf "%s\\n" "{subject}"'""",
        '''sh -c "printf '%s\\n' '{subject}'"''',
        "Don't guess: printf '%s\\n' {subject}",
    ],
)
def test_also_where_the_command_has_quotes_of_its_own(action: str, tmp_path: Path) -> None:
    """Whoever pastes it runs nothing that a target has named: within quotes it is a word of the inner shell."""
    named = ['$(touch ran) `touch ran` ; touch ran & "$HOME" \\ %s *', "/var", "-rf", "a  b"]
    for subject in named:
        pasted = judged(measured(subject, "P3"), subject=replace(DISK, action=action)).action
        assert pasted is not None
        command = pasted.partition("guess: ")[2] or pasted
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout == f"{subject}\n"
    assert list(tmp_path.iterdir()) == []
    assert judged(measured("/var", "P3"), subject=replace(DISK, action=action)).action == action.replace(
        "{subject}", "/var"
    )


def test_a_subject_with_a_quote_in_it_is_left_out() -> None:
    """Quoted in pieces, a secret in it would not be recognized."""
    assert judged(measured("it's {target}", "P3")).action == "du -xh prod of prod {{.State}} {other}"


def test_a_placeholder_in_a_subject_stays_as_it_is() -> None:
    assert judged(measured("{target}", "P3"), subject=replace(DISK, action="du {subject}")).action == "du '{target}'"


def test_what_could_not_be_told_has_no_next_step_but_its_own() -> None:
    """A filesystem that hangs would hang du too."""
    hangs = judged(measured("/nfs", None, "the filesystem did not answer within 3 s"))
    missing = JUDGE.failed_reading(
        DISK,
        Reading(error=UnknownError("du is not installed")),
        target="host.prod",
        result_of=lambda _: judged(measured("/", "P1")),
    )
    for result in (hangs, missing, JUDGE.unknown(DISK, "no answer"), judged()):
        assert (result.verdict, result.action) == ("unknown", None)


def test_what_is_well_or_blocked_has_no_next_step() -> None:
    assert judged(measured("/", None)).action is None
    reading = Reading(error=UnreachableError("refused"), blocker="host.reachable@prod")
    blocked = JUDGE.failed_reading(DISK, reading, target="host.prod", result_of=lambda _: judged(measured("/", "P1")))
    assert (blocked.verdict, blocked.action) == ("blocked", None)


@pytest.mark.parametrize(
    ("kind", "keys", "where"),
    [
        (http, {"url": "https://bot:s3cret@example.com:8443/health?token=x"}, "https://example.com:8443/health"),
        (tls, {"address": "[::1]:443"}, "[::1]:443"),
    ],
)
def test_an_address_is_told_without_its_secrets(kind: object, keys: dict[str, str], where: str) -> None:
    assert kind.target(**keys).where() == where  # type: ignore[attr-defined]
