"""Groups, templates and defaults make targets; what is wrong with them is said once, as it is written."""

from __future__ import annotations

import pytest

from pytest_opscheck.inventory import Inventory

from .conftest import Errors, Read

FLEET = """
[defaults.host.expect]
disk = { P3 = "< 70%", P1 = "< 90%" }
[template.web]
kind = "host"
expect = { services = ["nginx"], load = false }
[group.web]
template = "web"
names = ["web[001:400]"]
connect = "ssh://ops@{name}.example.com"
tags = ["prod", "dc1"]
[host.web007]
expect = { disk = "< 95%" }
[host.alone]
"""


def said(inventory: Inventory, target: str) -> dict[str, str]:
    """Return what is expected of a target, by check."""
    return {
        each.check_id.partition(".")[2]: str(each.limits) for each in inventory.expectations if each.target.id == target
    }


def connects(inventory: Inventory) -> dict[str, str]:
    return inventory.hosts


def test_four_hundred_targets_in_twenty_lines(read: Read) -> None:
    inventory = read(FLEET)
    assert len(inventory.targets) == 401
    assert connects(inventory)["web001"] == "ssh://ops@web001.example.com"
    assert connects(inventory)["web400"] == "ssh://ops@web400.example.com"
    assert connects(inventory)["alone"] == "local://"
    services = next(each for each in inventory.expectations if each.id == "host.services@web399")
    assert services.params["names"] == ("nginx",)
    assert services.target is inventory.target("host", "web399")
    assert services.target.tags == ("prod", "dc1")


def test_defaults_then_template_then_group_then_target(read: Read) -> None:
    """The last word counts; `load = false` of the template is off, and what none says is as the check has it."""
    inventory = read(FLEET)
    assert said(inventory, "host.web006")["disk"] == "P3 < 70%, P1 < 90%"
    assert said(inventory, "host.web007") == said(inventory, "host.web006") | {"disk": "P2 < 95%"}
    assert said(inventory, "host.alone")["disk"] == "P3 < 70%, P1 < 90%"
    assert "load" not in said(inventory, "host.web007")
    assert "load" in said(inventory, "host.alone")
    again = read(FLEET.replace("tags = ", "expect = { disk = '< 50%', load = true }\ntags = "))
    assert said(again, "host.web006")["disk"] == "P2 < 50%"
    assert "load" in said(again, "host.web006")
    assert said(again, "host.web007")["disk"] == "P2 < 95%"


def test_without_groups_ids_are_as_they_were(read: Read) -> None:
    """A host that moves into a group keeps its history: an id holds kind and name alone."""
    alone = read(
        "[host.web007]\nconnect = 'ssh://ops@web007.example.com'\n[host.web007.expect]\nservices = ['nginx']\n"
    )
    ids = {each.id for each in read(FLEET).expectations}
    assert {each.id for each in alone.expectations} - ids == {"host.load@web007"}  # which the template switches off


def test_questions_merge_by_key_and_a_ladder_never(read: Read) -> None:
    inventory = read(
        """
        [defaults.postgres.query.version]
        sql = "select 1"
        expect = "== 1"
        [template.pg]
        kind = "postgres"
        dsn = "postgresql://ops@{name}/shop"
        [template.pg.query.stuck]
        sql = "select count(*) from jobs where node = '{name}'"
        expect = { P3 = "== 0", P1 = "< 9" }
        suites = ["weekly"]
        [group.dbs]
        template = "pg"
        names = ["db[1:2]", "db-x"]
        query.stuck.expect = { P2 = "< 5" }
        [postgres.db2]
        query.version = false
        query.stuck.suites = ["daily"]
        [postgres.db-x]
        query = false
        """
    )
    found = {each.id: each for each in inventory.expectations if each.name}
    assert found.keys() == {
        *("postgres.query.stuck@db1", "postgres.query.version@db1", "postgres.query.stuck@db2"),
    }
    first, second = found["postgres.query.stuck@db1"], found["postgres.query.stuck@db2"]
    assert (str(first.limits), first.suites) == ("P2 < 5", ("weekly",))
    assert (str(second.limits), second.suites) == ("P2 < 5", ("daily",))
    assert [each.params["sql"] for each in (first, second)] == [
        f"select count(*) from jobs where node = '{name}'" for name in ("db1", "db2")
    ]


def test_tables_of_keys_merge_and_false_takes_a_key_away(read: Read) -> None:
    inventory = read(
        """
        [template.stack]
        kind = "docker"
        names = ["api", "worker"]
        url = "tcp://{name}:2375"
        expect = { up = true }
        [group.stacks]
        template = "stack"
        names = ["one", "two", "three"]
        [docker.two]
        names = ["api"]
        [docker.three]
        url = false
        """
    )
    keys = {target.name: (target.keys.names, target.keys.url) for target in inventory.targets}  # type: ignore[attr-defined]
    assert keys == {
        "one": (("api", "worker"), "tcp://one:2375"),
        "two": (("api",), "tcp://two:2375"),
        "three": (("api", "worker"), None),
    }


def test_targets_of_a_group_are_reached_through_those_of_another(read: Read, errors: Errors) -> None:
    text = FLEET + "[group.stack]\nkind = 'docker'\nnames = ['web[398:{last}]']\non = '{name}'\nproject = 'shop'\n"
    assert len(read(text.replace("{last}", "400")).of_kind("docker")) == 3
    [error] = errors(text.replace("{last}", "402").lstrip("\n"))
    assert (
        error == "17: group.stack.on: there is no [host.web401]; did you mean 'web400'? (in docker.web401 and 1 more)"
    )


WRONG = """
[template.web]
kind = "host"
expect = { services = [], laod = false }
command.nginx = { run = "nginx -t", suites = ["dayly"] }
[group.web]
template = "web"
names = ["web[001:400]"]
conect = "ssh://{name}"
[host.web007]
command.other = false
command.nginx.run = ""
"""


OF = " (in host.web001 and 398 more)"


def test_an_error_is_said_once_with_who_has_it(errors: Errors) -> None:
    """By the key as it is written, not as it would be in each of four hundred targets."""
    assert errors(WRONG) == [
        "3: template.web.expect.laod: unknown expectation; did you mean 'load'? (in host.web001 and 399 more)",
        "3: template.web.expect.services: it is empty; give a value, or leave it out (in host.web001 and 399 more)",
        "4: template.web.command.nginx.suites: unknown suite 'dayly'; did you mean 'daily'?" + OF,
        "8: group.web.conect: unknown key; did you mean 'connect'? (in host.web001 and 399 more)",
        "10: host.web007.command.other: there is no command 'other' to switch off, in a template or a group",
    ]
    missing = "[group.api]\nkind = 'redis'\nnames = ['a', 'b']\n"
    assert errors(missing) == ["1: group.api: the key 'url' is needed (in redis.a and 1 more)"]
    variable = "[group.api]\nkind = 'redis'\nnames = ['a', 'b']\nurl = 'redis://:${NOT_SET}@{name}'\n"
    set_it = "the environment variable NOT_SET is not set; set it, or write ${NOT_SET:-default}"
    assert errors(variable) == [f"4: group.api.url: {set_it} (in redis.a and 1 more)"]
    each = "[group.api]\nkind = 'host'\nnames = ['a', 'b']\nconnect = '{name}'\n"
    way = "it names no way to connect; write for example ssh://deploy@a"
    assert errors(each) == [f"4: group.api.connect: {way} (in host.a and 1 more)"]


NAMES = 'for example names = ["web[001:400]", "db1"]'
A, B = "[group.a]\nkind = 'host'\n", "[group.b]\nkind = 'host'\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            f"{A}names = []",
            f"3: group.a.names: this list is empty: the group has no targets; add names, {NAMES}, or remove",
        ),
        (A, f"1: group.a: the key 'names' is needed, {NAMES}"),
        (f"{A}names = 'x'", f"3: group.a.names: it must be a list of names, {NAMES}"),
        (f"{A}names = [5]", f"3: group.a.names: it must be a list of names, {NAMES}"),
        (f"{A}names = ['x[2:1]']", "3: group.a.names[0]: 'x[2:1]': a range counts up; write the smaller end first"),
        (f"{A}names = ['x[1']", "3: group.a.names[0]: 'x[1' can't be a name; use letters, digits"),
        (f"{A}names = ['x[1:2]', 'x2']", "3: group.a.names[1]: x2 is in this group already; keep one"),
        (f"{A}names = ['x[1:11][1:11]']", "3: group.a.names[0]: x111 is in this group already; keep one"),
        (f"{A}names = ['x']\ntags = []", "4: group.a.tags: it must be a list of at least one tag, for example"),
        (f"{A}names = ['x']\ntags = 'prod'", "4: group.a.tags: it must be a list of at least one tag, for example"),
        (f"{A}names = ['x']\ntags = ['a b']", "4: group.a.tags[0]: 'a b' can't be a tag; use letters, digits"),
        (
            f"{A}names = ['x[1:9]']\n{B}names = ['y', 'x[3:5]']",
            "6: group.b.names[1]: host.x3 and 2 more are in [group.a] as well; keep one of the two",
        ),
        ("[group.a]\nnames = ['x']", '1: group.a: a template or a kind is needed: template = "NAME", or kind = '),
        (
            "[group.a]\nkind = 'hots'\nnames = ['x']",
            "2: group.a.kind: unknown kind of target 'hots'; did you mean 'host'?",
        ),
        (
            "[group.a]\ntemplate = 't'\nnames = ['x']",
            "2: group.a.template: there is no template 't'; add [template.NAME]",
        ),
        ("[group]", "1: group: a group needs a name: [group.NAME]"),
        ("[group]\nnames = ['x']", "2: group.names: a group needs a name: [group.NAME]"),
        ("group = 5", "1: group: a group needs a name: [group.NAME]"),
        (
            f"{A}names = ['x']\n[template.t]\nkind = 'host'\nload = 1",
            "4: template.t: no group uses it; say template = 't'",
        ),
        (
            "[host.a]\n[defaults.hots.expect]\ndisk = '< 9%'",
            "2: defaults.hots: unknown kind of target 'hots'; did you mean",
        ),
        (
            "[host.a]\n[defaults]\nhost = 5",
            "3: defaults.host: defaults need the kind that they are for: [defaults.KIND]",
        ),
        ("[host.a]\n[defaults.host]", "2: defaults.host: it says nothing; remove it"),
        ("[defaults.host.expect]\ndisk = '< 9%'", "1: there are no targets; add one, for example [host.local]"),
    ],
)
def test_what_is_no_group(errors: Errors, text: str, error: str) -> None:
    [found] = errors(text)
    assert found.startswith(error)


def test_a_group_has_one_template_of_its_kind_and_no_chain(errors: Errors) -> None:
    text = (
        "[template.a]\nkind = 'host'\n[template.b]\ntemplate = 'a'\n[template.c]\nconnect = 'local://'\n"
        "[group.x]\ntemplate = 'b'\nnames = ['x']\n[group.y]\ntemplate = 'a'\nkind = 'docker'\nnames = ['y']\n"
        "[group.z]\ntemplate = 'c'\nnames = ['z']\n"
    )
    assert errors(text) == [
        "4: template.b.template: a template can't use another one; write it all into one",
        "5: template.c: the key 'kind' is needed: kind = \"host\"",
        "12: group.y.kind: its template is of the kind 'host'; leave kind out, or use another",
    ]


def test_what_a_target_says_itself_is_as_it_always_was(errors: Errors) -> None:
    text = FLEET.lstrip("\n").replace('disk = "< 95%"', 'disk = "< 95"')
    [error] = errors(text)
    assert error.startswith("12: host.web007.expect.disk: '< 95' is for a count")
    assert "(in" not in error


def test_targets_that_are_the_same_one_are_noted(read: Read) -> None:
    """Four hundred greens of one machine would look like a fleet that is well."""
    note = (
        "group.a: {name} is nowhere in it, so 2 of its targets are the same one under other names; use it, for example"
    )
    assert read(f"{A}names = ['x[1:2]']\n").notes[0].startswith(note)
    assert read(f"{A}names = ['x']\n").notes == ()
    assert read(f"{A}names = ['x[1:2]']\ncommand.x.run = 'test {{name}}'\n").notes == ()
    assert read(f"{A}names = ['x[1:2]']\n[host.x2]\nconnect = 'ssh://other'\n").notes == ()
    assert read(f"[defaults.host]\nconnect = 'ssh://{{name}}'\n{A}names = ['x[1:2]']\n").notes == ()
