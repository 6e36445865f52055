"""Expectations: short and long forms, ladders, parts of the day, user-defined questions; what is wrong with them."""

from __future__ import annotations

import zoneinfo
from pathlib import Path

import pytest

from pytest_opscheck import catalogue
from pytest_opscheck.inventory import InventoryError, load

from .conftest import Errors, Read


def limits_of(read: Read, said: str) -> str:
    """Return the limits of the expectation that a line says, of a host called a."""
    name = said.partition("=")[0].strip()
    inventory = read(f"[opscheck]\nseverities = {{ bad = 'P1' }}\n[host.a.expect]\n{said}\n")
    [expectation] = inventory.of_check(f"host.{name}")
    return f"{expectation.severity}: {expectation.limits}"


@pytest.mark.parametrize(
    ("said", "limits"),
    [
        ("disk = true", "P2: P3 < 70%, P1 < 90%"),
        ("disk = '< 80%'", "P2: P2 < 80%"),
        ("disk = { P3 = '< 60%' }", "P2: P3 < 60%"),
        ("disk = { bad = '< 60%' }", "P2: P1 < 60%"),
        ("disk = { limit = '< 60%' }", "P2: P2 < 60%"),
        ("disk = { limit = '< 60%', severity = 'bad' }", "P1: P1 < 60%"),
        ("disk = { limit = { P3 = '< 60%', P0 = '< 70%' } }", "P2: P3 < 60%, P0 < 70%"),
        ("disk = { suites = ['weekly'] }", "P2: P3 < 70%, P1 < 90%"),
        ("disk = { P1 = '< 60%', severity = 'P1' }", "P1: P1 < 60%"),
        ("disk = [{ during = '22:00-06:00', P3 = '< 90%' }, '< 80%']", "P2: 22:00-06:00: P3 < 90%; P2 < 80%"),
        (
            "disk = [{ during = '22:00-06:00', limit = '< 90%' }, { P1 = '< 80%' }]",
            "P2: 22:00-06:00: P2 < 90%; P1 < 80%",
        ),
        (
            "disk = { limit = [{ during = '22:00-06:00', P3 = '< 90%' }, '< 80%'], severity = 'P3' }",
            "P3: 22:00-06:00: P3 < 90%; P3 < 80%",
        ),
        ("memory = '< 8GB'", "P2: P2 < 8GB"),
        ("load = 1", "P2: P2 == 1"),
        ("load = '1'", "P2: P2 == 1"),
        ("cpu = { severity = 'bad' }", "P1: P1 < 90%"),
        ("services = ['nginx']", "P1: P1 == active"),
        ("services = { names = ['nginx'], severity = 'P3' }", "P3: P3 == active"),
        ("services = { names = ['nginx'], P0 = '!= failed' }", "P1: P0 != failed"),
    ],
)
def test_forms(read: Read, said: str, limits: str) -> None:
    assert limits_of(read, said) == limits


def test_a_long_form_says_all_the_rest(read: Read) -> None:
    inventory = read(
        """
        [host.a.expect.disk]
        P1 = "< 95%"
        ignore = ["/boot"]
        suites = ["smoke"]
        runbook = "#disk"
        action = "Tidy up"
        timeout = "5s"
        """
    )
    [disk] = inventory.of_check("host.disk")
    assert disk.params == {"ignore": ("/boot",)}
    assert (disk.suites, disk.runbook, disk.action, disk.timeout_s) == (("smoke",), "#disk", "Tidy up", 5)
    assert (disk.id, disk.param_id, repr(disk)) == ("host.disk@a", "a", "<host.disk@a>")


def test_defaults_stand_where_nothing_is_said(read: Read) -> None:
    inventory = read("[host.a]")
    [disk] = inventory.of_check("host.disk")
    assert (disk.suites, disk.timeout_s, disk.runbook) == (("smoke", "daily"), 20, None)
    assert disk.action == "Find what grew: du -xh --max-depth=1 {subject} | sort -h"
    assert not list(inventory.of_check("host.services"))


LATE = "would never be reported: P1 (< 70%) is broken no later; the worse severity needs the wider limit"
KEYS = "P0, P1, P2, P3, action, for, id, ignore, of, runbook, runbook_says, severity, suites, timeout"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("diks = '< 70%'", "diks: unknown expectation; did you mean 'disk'?"),
        ("zzz = 1", "zzz: unknown expectation; it can be: "),
        ("command = { x = 1 }", "command: a command needs its own name: [host.a.command.NAME]"),
        ("disk = '< 70ms'", "disk: '< 70ms' is for a duration, and host.disk is a percentage; use for example '< 70%'"),
        ("disk = '== full'", "disk: '== full' is for a text, and host.disk is a percentage; use for example '< 70%'"),
        ("memory = 5", "memory: '== 5' is for a count, and host.memory is a percentage or a size; "),
        ("disk = '70%'", "disk: '70%' has no operator; use for example '< 70%'"),
        ("disk = '< 70 percent'", "disk: unknown unit 'percent'; host.disk is a percentage: use %"),
        ("disk = nan", "disk: '== nan' compares with 'nan', which no measured value can be held against"),
        ("disk = 1979-05-27", "disk: a limit is a text such as '< 70%', not a date"),
        ("disk = []", "disk: this list is empty: nothing would be checked"),
        ("disk = [[]]", "disk[0]: a limit is a text such as '< 70%', not a list"),
        ("disk = {}", "disk: this table expects nothing; use for example '< 70%', or false for off"),
        ("disk = { P1 = '< 70%', P3 = '< 90%' }", f"disk: P3 (< 90%) {LATE}"),
        ("disk = { P1 = '< 70%', P3 = '< 70.0%' }", f"disk: P3 (< 70.0%) {LATE}"),
        ("disk = { P4 = '< 70%' }", f"disk.P4: unknown key; it can be: {KEYS}"),
        ("disk = { P3 = {} }", "disk.P3: a limit is a text such as '< 70%', not a table"),
        ("disk = { sevrity = 'P1' }", "disk.sevrity: unknown key; did you mean 'severity'?"),
        ("disk = { zzz = 'P1' }", f"disk.zzz: unknown key; it can be: {KEYS}"),
        ("disk = { severity = 'P7' }", "disk.severity: 'P7' is not a severity; use one of P0, P1, P2, P3"),
        (
            "disk = { severity = 'P1' }",
            "disk.severity: its limits have their own severities (P3 < 70%, P1 < 90%); leave this out",
        ),
        (
            "disk = { P3 = '< 70%', severity = 'P1' }",
            "disk.severity: its limits have their own severities (P3 < 70%); leave this out",
        ),
        (
            "disk = { limit = '< 70%', P3 = '< 60%' }",
            "disk.limit: use either `limit` or limits by severity",
        ),
        (
            "disk = { during = '00:00-08:00', P3 = '< 60%' }",
            "disk: nothing is expected at 08:00; end with an entry without `during`, for the rest",
        ),
        (
            "disk = [{ P3 = '< 60%' }, { P2 = '< 60%' }]",
            "disk: entry 2 would never apply: those before it are first at all of its times",
        ),
        (
            "disk = [{ during = 'night', P3 = '< 60%' }, '< 7%']",
            "disk[0].during: 'night' is not a part of the day; use for",
        ),
        ("disk = [{ during = '00:00-08:00' }, '< 7%']", "disk[0]: there is no limit; use for example '< 70%'"),
        (
            "disk = [{ P3 = '< 60%', suites = ['daily'] }]",
            "disk[0].suites: unknown key; it can be: P0, P1, P2, P3, during, limit",
        ),
        ("disk = { ignore = [] }", "disk.ignore: it is empty; give a value, or leave it out"),
        ("disk = { ignore = '/boot' }", 'disk.ignore: a list is needed: ["/boot"]'),
        ("disk = { ignore = ['/boot', 5] }", "disk.ignore[1]: a text in quotes is needed"),
        ("disk = { suites = 'daily' }", 'disk.suites: it must be a list of at least one suite, for example ["daily"]'),
        ("disk = { suites = [] }", 'disk.suites: it must be a list of at least one suite, for example ["daily"]'),
        ("disk = { suites = [5] }", 'disk.suites: it must be a list of at least one suite, for example ["daily"]'),
        ("disk = { suites = ['dialy'] }", "disk.suites: unknown suite 'dialy'; did you mean 'daily'?"),
        (
            "disk = { suites = ['*'] }",
            "disk.suites: unknown suite '*'; it can be: daily, deploy_gate, monthly, smoke, weekly",
        ),
        ("disk = { timeout = 'soon' }", "disk.timeout: 'soon' is not a length of time; use for example '30s'"),
        ("disk = { timeout = '2h' }", "disk.timeout: '2h' is more than an hour; use for example '30s'"),
        ("disk = { timeout = 0 }", "disk.timeout: 0 is not a length of time; use for example '30s'"),
        ("disk = { timeout = true }", "disk.timeout: True is not a length of time; use for example '30s'"),
        ("disk = { runbook = 5 }", "disk.runbook: it must be a non-empty text"),
        ("disk = { runbook = [] }", "disk.runbook: it must be a non-empty text, or a list of such"),
        ("disk = { runbook = ['#a', ' '] }", "disk.runbook: it must be a non-empty text, or a list of such"),
        ("disk = { runbook_says = ['< 70%', '<'] }", "disk.runbook_says: '<' names no value; use for example '< 70%'"),
        ("disk = { action = ' ' }", "disk.action: it must be a non-empty text"),
        ("services = true", "services: true is not enough: names is needed"),
        ("services = []", "services: it is empty; give a value, or leave it out"),
        ("services = ['nginx', '']", "services: it is empty; give a value, or leave it out"),
        ("services = { suites = ['daily'] }", "services: the key 'names' is needed"),
        ("services = ['nginx', 5]", "services[1]: a text in quotes is needed"),
        ("services = 'nginx'", 'services: a list is needed: ["nginx"]'),
        ("services = 'nginx and redis'", 'services: a list is needed: ["one", "another"]'),
        ("ports = 443", "ports: a list is needed: [443]"),
        ("ports = [443, 'https']", "ports[1]: 'https' is not a port; write 443, or 'udp/53'"),
        ("ports = [5.5]", "ports[0]: '5.5' is not a port; write 443, or 'udp/53'"),
    ],
)
def test_what_is_no_expectation(errors: Errors, said: str, error: str) -> None:
    [found] = errors(f"[host.a.expect]\n{said}\n")
    assert found.startswith(f"2: host.a.expect.{error}")


def test_a_check_without_a_default_says_what_is_expected(read: Read, errors: Errors) -> None:
    redis = "[redis.a]\nurl = 'redis://x'\n[redis.a.expect]\n"
    none = "it has no limit; add for example P2 ="
    assert errors(f"{redis}hit_rate = true\n") == [f"4: redis.a.expect.hit_rate: {none} '< 70%'"]
    assert errors(f"{redis}keys = {{ suites = ['daily'] }}\n") == [f"4: redis.a.expect.keys: {none} '< 10'"]
    [keys] = read(f"{redis}keys = '> 0'\n").of_check("redis.keys")
    assert str(keys.limits) == "P2 > 0"


def test_lists_show_the_line_of_the_entry(errors: Errors) -> None:
    assert errors(
        """
        [host.a.expect]
        disk = [
            { during = "00:00-08:00", P3 = "< 80%" },
            # the rest of the day
            { P3 = "< 70x" },
        ]
        """
    ) == ["5: host.a.expect.disk[1].P3: unknown unit 'x'; host.disk is a percentage: use %"]


# user-defined Questions


def test_a_question_of_ones_own(read: Read) -> None:
    inventory = read(
        """
        [host.a.command.nginx]
        run = "nginx -t"
        value = { P3 = "< 5" }
        suites = ["smoke"]
        action = "Look"
        """
    )
    [command] = inventory.of_check("host.command")
    assert (command.id, command.param_id) == ("host.command.nginx@a", "a-nginx")
    assert command.params["run"] == "nginx -t"
    assert (command.suites, command.action) == (("smoke",), "Look")


NAME = "a command needs its own name: [host.a.command.NAME]"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("[host.a]\ncommand = 'x'", f"2: host.a.command: {NAME}"),
        ("[host.a.command]\nrun = 'x'", f"1: host.a.command: {NAME}"),
        (
            "[host.a]\ncommand = {}",
            "2: host.a.command: this table is empty; leave it out, or add one: [host.a.comm",
        ),
        ("[host.a.command.x]", "1: host.a.command.x: the key 'run' is needed"),
        ("[host.a.command.x]\nrunn = 'true'", "2: host.a.command.x.runn: unknown key; did you mean 'run'?"),
        ("[host.a.command.x]\nrun = ''", "2: host.a.command.x.run: it is empty; give a value, or leave it out"),
        ("[host.a.command.x]\nrun = 'x'\nvalue = '< '", "3: host.a.command.x.value: '< ' names no value; use for exam"),
        (
            "[host.a.command.x]\nrun = 'x'\nvalue = '< 60%'",
            "3: host.a.command.x.value: '< 60%' of value has a unit, and the number that a command prints has none",
        ),
        (
            "[host.a.command.x]\nrun = 'x'\nvalue = { P3 = '< 60%', P1 = '< 90%' }",
            "3: host.a.command.x.value: '< 90%' of value has a unit",
        ),
        ("[host.a.command.x]\nrun = 'x'\nexit = '< 5s'", "3: host.a.command.x.exit: '< 5s' of exit has a unit, and an"),
        ("[host.a.command.x]\nrun = 'x'\nstdout = '< 60%'", "3: host.a.command.x.stdout: '< 60%' of stdout has a unit"),
        (
            "[host.a.command.x]\nrun = 'x'\nvalue = { P8 = '< 5' }",
            "3: host.a.command.x.value: 'P8' is not a severity; use ",
        ),
        (
            "[host.a.command.x]\nrun = 'x'\nexpect = '== 3'",
            "3: host.a.command.x.expect: a command takes its expectations as separate keys: exit, stdout, value",
        ),
        ("[host.a.command.x]\nrun = 'x'\nrnu = 'x'", "3: host.a.command.x.rnu: unknown key; did you mean 'run'?"),
        (
            '[host.a.command."x y"]\nrun = "x"',
            "1: host.a.command.\"x y\": 'x y' can't be a name; use letters, digits, '_'",
        ),
    ],
)
def test_what_is_no_question(errors: Errors, said: str, error: str) -> None:
    [found] = errors(said.encode())
    assert found.startswith(error)


def test_the_ids_of_the_runbooks_lines(read: Read) -> None:
    inventory = read("[host.a.expect]\ndisk = { id = 'IF-09' }\nmemory = { id = ['IF-24', 'FS-04'], P1 = '< 90%' }\n")
    found = {expectation.id: expectation.covers for expectation in inventory.expectations}
    assert found["host.disk@a"] == ("IF-09",)
    assert found["host.memory@a"] == ("IF-24", "FS-04")
    assert found["host.load@a"] == ()


def test_a_next_step_that_depends_on_another_check(read: Read) -> None:
    steps = "[{ when = 'host.load@a', action = 'Wait' }, { when = 'host.cpu@a', action = 'Scale' }, 'Look']"
    inventory = read(f"[host.a.expect]\ndisk = {{ action = {steps} }}\n")
    (disk,) = [expectation for expectation in inventory.expectations if expectation.id == "host.disk@a"]
    assert disk.action == "Look"
    assert [(step.when, step.action) for step in disk.steps] == [("host.load@a", "Wait"), ("host.cpu@a", "Scale")]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("id = ''", "disk.id: '' is not the id of a line in a runbook; write for example"),
        ("id = '== 3'", "a value of that name is judged as paths = { id = ... }"),
        ("id = 3", "disk.id: 3 is not the id"),
        ("action = []", "disk.action: it must be a non-empty text, or a list of steps, for example {"),
        ("action = ['a', 'b']", "disk.action[0]: a step is a table of `when` and `action`"),
        ("action = [{ when = 'host.load@a' }]", "a step is a table of `when` and `action`"),
        ("action = [{ when = 'host.laod@a', action = 'b' }]", "'host.laod@a'; did you mean 'host.load@a'?"),
    ],
)
def test_ids_and_steps_that_cannot_be_meant(errors: Errors, said: str, message: str) -> None:
    (found,) = errors(f"[host.a.expect]\ndisk = {{ {said} }}\n")
    assert message in found


POSTGRES = "[postgres.a]\ndsn = 'host=a'\n[postgres.a.expect]\n"


@pytest.mark.parametrize(
    ("said", "limits"),
    [
        ("version = 15", "P1 == 15"),
        ("version = '>= 15.10'", "P1 >= 15.10"),
        ("version = { P3 = '>= 15.10', P1 = '>= 15.9' }", "P3 >= 15.10, P1 >= 15.9"),
        ("version = { P3 = '< 17', P1 = '< 18' }", "P3 < 17, P1 < 18"),
    ],
)
def test_limits_of_a_version(read: Read, said: str, limits: str) -> None:
    [expectation] = read(POSTGRES + said).of_check("postgres.version")
    expected = expectation.params["expected"]
    assert ", ".join(f"{severity} {limit}" for severity, limit in expected.texts().items()) == limits


@pytest.mark.parametrize(
    "said", ["api = { cpus = 2 }", "api = { cpus = 2 }, id = 'SD-18'", "services = { api = { cpus = 2 } }"]
)
def test_limits_of_named_things_are_all_that_is_needed(read: Read, said: str) -> None:
    [expectation] = read(f"[docker.stack]\nproject = 'shop'\nexpect = {{ limits = {{ {said} }} }}").of_check(
        "docker.limits"
    )
    assert [*expectation.params["services"]] == ["api"]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("version = 15.10", "15.1 is not a limit for a version; a number loses its last zero"),
        ("version = { P3 = '>= 15.9', P1 = '>= 15.10' }", "P3 (>= 15.9) would never be reported"),
        ("table_size = true", "it has no limit; add for example P2 = '< 100MB'"),
        ("table_size = { suites = ['daily'] }", "it has no limit"),
        ("table_size = { logs = '< 10' }", "the limit of logs is < 10, and a size is in bytes"),
        ("rows = { 'a.b.c' = '> 0' }", "'a.b.c' is not a name"),
        ("rows = { logs = '> 0%' }", "the limit of logs is > 0%, and rows are a count"),
    ],
)
def test_limits_among_the_keys_that_cannot_be_meant(errors: Errors, said: str, error: str) -> None:
    assert error in "\n".join(errors(POSTGRES + said))


def test_the_time_zone_is_given_to_what_asks_for_it_and_is_no_key(tmp_path: Path) -> None:
    text = '[opscheck]\ntimezone = "Asia/Tokyo"\n[backup.db]\npath = "/x"\n[backup.db.expect]\ncomplete = {said}\n'
    (tmp_path / "good.toml").write_text(text.replace("{said}", "7"))
    inventory = load(tmp_path / "good.toml", catalogue.checks(), {})
    (complete,) = inventory.of_check("backup.complete")
    assert complete.params == {"days": 7, "zone": zoneinfo.ZoneInfo("Asia/Tokyo")}
    (tmp_path / "bad.toml").write_text(text.replace("{said}", '{ days = 7, zone = "UTC" }'))
    with pytest.raises(InventoryError, match="zone: unknown key"):
        load(tmp_path / "bad.toml", catalogue.checks(), {})


def test_checks_that_differ_in_what_should_be_alone_share_a_reading(read: Read) -> None:
    """Limits are the check's own: its probe is asked without them."""
    more = "[{}]\nurl = 'redis://h/0'\nexpect.version = '{}'\nexpect.clients = {{ P2 = '< 80%', blocked = '< {}' }}\n"
    inventory = read(more.format("redis.a", ">= 6", 5) + more.format("redis.b", ">= 7", 9))
    for check, options in {"redis.version": ("expected",), "redis.clients": ("blocked",)}.items():
        expectations = list(inventory.of_check(check))
        assert [tuple(each.options) for each in expectations] == [options, options]
        assert [each.asked for each in expectations] == [{}, {}]


def test_a_key_that_was_called_otherwise_is_taken_with_a_note(read: Read) -> None:
    table = "[docker.engine]\nproject = 'shop'\nexpect.version = { NAME = '>= 20.10' }\n"
    before, now = read(table.replace("NAME", "wanted")), read(table.replace("NAME", "expected"))
    assert before.notes == ("docker.version@engine: wanted is now called expected; rename it",)
    assert now.notes == ()
    assert [str(e.options) for e in before.of_check("docker.version")] == [
        str(e.options) for e in now.of_check("docker.version")
    ]


def test_an_old_key_beside_the_present_one_is_an_error(errors: Errors) -> None:
    """Neither of the two limits may be lost."""
    said = errors("[docker.e]\nproject = 'shop'\nexpect.version = { wanted = '>= 20', expected = '>= 24' }\n")
    assert "docker.e.expect.version.wanted: unknown key" in str(said)
