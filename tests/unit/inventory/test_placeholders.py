r"""`{name}` is filled in, and no other brace is touched: not of `\d{3}`, `{{.Names}}` or JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_opscheck import catalogue
from pytest_opscheck.inventory import InventoryError, load

from .conftest import Errors, Read


def run(read: Read, text: str) -> str:
    """Return the command of a group's target `web-1`."""
    inventory = read(f"[group.x]\nkind = 'host'\nnames = ['web-1']\ncommand.x.run = '''{text}'''\n", {"V": "a{name}b"})
    return str(next(each.params["run"] for each in inventory.expectations if each.name == "x"))


@pytest.mark.parametrize(
    ("said", "filled"),
    [
        ("systemctl is-active app@{name}", "systemctl is-active app@web-1"),
        ("{name}{name}-{name}.x", "web-1web-1-web-1.x"),
        (r"grep -E '\d{3}x{2,}{name}' f", r"grep -E '\d{3}x{2,}web-1' f"),
        (r"grep -E '^\{name\}$'", r"grep -E '^\{name\}$'"),
        ("docker ps --format '{{.Names}} {{json .}}'", "docker ps --format '{{.Names}} {{json .}}'"),
        ("""curl -d '{"a": {"b": "{name}"}}' x""", """curl -d '{"a": {"b": "web-1"}}' x"""),
        ("awk '{print}' /srv/{name}", "awk '{print}' /srv/web-1"),
        ("echo ${V} {name}", "echo a{name}b web-1"),
        ("echo $${name} $${V}", "echo ${name} ${V}"),
        ("echo ${name:-x} {name}", "echo x web-1"),
        ("echo {{name}}", "echo {web-1}"),
        ("{hostname} {game} { name }", "{hostname} {game} { name }"),
    ],
)
def test_which_braces_are_filled(read: Read, said: str, filled: str) -> None:
    """What a variable brings in is a value: a password with `{name}` in it stays that password."""
    assert run(read, said) == filled


def test_what_others_fill_in_stays(read: Read, tmp_path: Path) -> None:
    """An action's subject and target, and what a flow captures; that can't be called as the placeholder is."""
    inventory = read(
        """
        [template.disks]
        kind = "host"
        expect = { disk = { P2 = "< 9%", action = "look at {subject} of {target} on {name}" } }
        [group.disks]
        template = "disks"
        names = ["a"]
        """
    )
    assert "look at {subject} of {target} on a" in {each.action for each in inventory.expectations}
    file = tmp_path / "shop.toml"
    text = (
        "[group.shop]\nkind = 'http'\nnames = ['a']\nurl = 'https://{name}'\n[group.shop.flow.buy]\nexpect = '< 9s'\n"
    )
    steps = "steps = [{ name = 'a', path = '/{name}', capture.token = 'x' }, { name = 'b', path = '/{token}' }]\n"
    file.write_text(text + steps, encoding="utf-8")
    flow = next(each for each in load(file, catalogue.checks(("http",))).expectations if each.name == "buy")
    assert [step.path for step in flow.params["steps"]] == ["/a", "/{token}"]
    file.write_text(text + steps.replace("token", "name"), encoding="utf-8")
    with pytest.raises(InventoryError, match=r"\{name\} is the target's name here; capture it under another word"):
        load(file, catalogue.checks(("http",)))


def test_only_where_targets_are_alike(read: Read) -> None:
    """A target of its own is as it was: its texts are not looked into."""
    inventory = read("[host.a]\ncommand.x.run = 'echo {name} {nmae}'\n[host.a.expect]\ndisk = '< 9%'\n")
    assert [each.params["run"] for each in inventory.expectations if each.name == "x"] == ["echo {name} {nmae}"]
    inventory = read(
        "[defaults.host]\nconnect = 'ssh://{name}.example.com'\n[host.a]\n[host.b]\nconnect = 'local://'\n"
    )
    assert inventory.hosts == {"a": "ssh://a.example.com", "b": "local://"}


GROUP = "[group.x]\nkind = 'host'\nnames = ['a', 'b']\n"
OF = " (in host.a and 1 more)"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("connect = 'ssh://{nmae}'", "connect: there is no placeholder {nmae}; use {name}"),
        ("connect = 'ssh://{inventory_hostname}'", "connect: there is no placeholder {inventory_hostname}; use {name}"),
        ("connect = 'ssh://{{name}}'", "connect: {{name}} has too many braces; write {name}"),
        ("connect = 'ssh://{ name }'", "connect: { name } has too many braces; write {name}"),
        ("command.x.run = 'cat {nmae}'", "command.x.run: there is no placeholder {nmae}; use {name}"),
        ("expect.services = ['app@{Name}']", "expect.services[0]: there is no placeholder {Name}; use {name}"),
        ("connect = 'ssh://${A:-{name}}'", "connect: '${' without a name and '}'; write ${NAME}, ${NAME:-default}"),
    ],
)
def test_what_is_meant_as_a_placeholder_and_is_none(errors: Errors, said: str, error: str) -> None:
    [found] = errors(f"{GROUP}{said}\n")
    assert found.startswith(f"4: group.x.{error}")
    assert found.endswith(OF)


def test_a_key_is_not_filled(errors: Errors) -> None:
    [found] = errors(f"{GROUP}command.x = {{ run = 'x', value = {{ '{{name}}' = '< 5' }} }}\n")[:1]
    assert "a placeholder is filled in a value, not in a key; write the name out" in found


def test_what_is_secret_of_each_is_masked(read: Read) -> None:
    text = "[group.x]\nkind = 'redis'\nnames = ['cache-1', 'cache-2']\nurl = 'redis://:${PW}-{name}@{name}'\n"
    redactor = read(text, {"PW": "Xy7{name}qL9w"}).redactor
    for password in ("Xy7{name}qL9w-cache-1", "Xy7{name}qL9w-cache-2"):
        assert password not in redactor.text(f"at redis://:{password}@h: no")
    assert redactor.text("redis on cache-1: no") == "redis on cache-1: no"
    word = "[redis.x]\nurl = 'redis://:shop0815@h'\n[group.x]\nkind = 'redis'\nnames = ['shop[0814:0816]']\nurl = 'redis://h'\n"
    assert read(word).redactor.text("no shop0815 there, password=shop0815") == "no shop0815 there, password=***"
    same = read("[group.x]\nkind = 'redis'\nnames = ['web00017']\nurl = 'redis://{name}.example.com'\n").redactor
    assert same.text("web00017.example.com refused") == "web00017.example.com refused"
