"""Whatever a file says, reading it ends with an inventory or with its errors, and with nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_opscheck import catalogue
from pytest_opscheck._check import Check
from pytest_opscheck.catalogue import kinds
from pytest_opscheck.inventory import InventoryError, load

pytestmark = pytest.mark.slow

ALL_CHECKS = catalogue.checks()
words = st.sampled_from(
    sorted(
        {
            *("opscheck", "suites", "name", "timezone", "runbook", "severities", "fail_at", "daily", "a", "x y", ""),
            *("kind", "template", "names", "tags", "host", "docker"),
            *("expect", "limit", "during", "severity", "action", "timeout", "P0", "P1", "P3", "bad", "window_s"),
            *(field for kind in kinds().values() for field in kind.target.model_fields),
            *(key for check in ALL_CHECKS for key in (check.name, *check.probe.params.model_fields)),
        }
    )
)
texts = st.one_of(
    words,
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.sampled_from(
        [
            *(
                "< 70%",
                "== 5",
                "> 0",
                "< 10/day",
                "~ [",
                "!= x",
                "30s",
                "00:00-08:00",
                "08:00-24:00",
                "https://u:p@x/y",
            ),
            *("a[1:3]", "b[1:", "x{name}", "{nmae}", "\\d{3}", "tag:a"),
            *("redis://x", "postgres://h/d", "ssh://x", "/tmp/*", "${A}", "${B}", "${A", "a.b:443", "https://[", "UTC"),
        ]
    ),
)
scalars = st.one_of(
    texts,
    st.integers(-2, 10**20),
    st.booleans(),
    st.floats().map(lambda number: f"raw:{number}"),
    st.sampled_from(["raw:1979-05-27", "raw:07:32:00", "raw:1979-05-27T07:32:00Z", "raw:1e400", "raw:0x" + "f" * 5000]),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4), max_leaves=8
)
tables = st.dictionaries(words, values, max_size=4)
targets = st.fixed_dictionaries({}, optional={"expect": tables})
documents = st.dictionaries(
    st.sampled_from([*kinds(), "opscheck", "suites", "zzz", "include", "defaults", "template", "group", "source"]),
    st.dictionaries(words, st.tuples(tables, targets).map(lambda pair: pair[0] | pair[1]) | values, max_size=3)
    | values,
    max_size=4,
)


def written(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {written(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(entry) for entry in value) + "]"
    if isinstance(value, str) and value.startswith("raw:"):
        return value.removeprefix("raw:")
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inventory") / "opscheck.toml"


def read(file: Path, text: str, checks: tuple[Check, ...] = ALL_CHECKS) -> None:
    file.write_bytes(text.encode())
    try:
        inventory = load(file, checks, {"A": "hunter2-canary", "B": ""})
    except InventoryError as error:
        message = str(error)
    else:
        message = "none"
        assert inventory.expectations
        assert {target.id for target in inventory.targets} == {e.target.id for e in inventory.expectations}
        for expectation in inventory.expectations:
            assert expectation.limits is not None or expectation.check.carries_limits
            assert expectation.suites
    assert message
    assert "canary" not in message


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents)
def test_any_document(file: Path, document: dict[str, object]) -> None:
    read(file, "".join(f"{key} = {written(value)}\n" for key, value in document.items()))


groups = st.fixed_dictionaries(
    {"kind": st.sampled_from(["host", "docker"]), "names": st.lists(st.sampled_from(["a", "b[1:3]", "c[", "a"]))},
    optional={"template": words, "tags": values, "expect": tables, "command": tables, "labels": values},
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    group=groups,
    template=groups,
    defaults=tables,
    own=st.dictionaries(st.sampled_from(["a", "b1", "z"]), tables | targets),
)
def test_any_group(file: Path, group: object, template: object, defaults: object, own: object) -> None:
    """Tables that are put together of others, which may say anything in the others' places."""
    said = {"group": {"a": group}, "template": {"a": template}, "defaults": {"host": defaults}, "host": own}
    read(file, "".join(f"{key} = {written(value)}\n" for key, value in said.items()))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from(sorted(kinds())), keys=tables, said=values, data=st.data())
def test_any_expectation(file: Path, kind: str, keys: dict[str, object], said: object, data: st.DataObject) -> None:
    """A target with the keys that it needs, so that its expectations are what is wrong, or right."""
    checks = [check for check in ALL_CHECKS if check.kind == kind]
    check = data.draw(st.sampled_from(checks))
    needed = {name: "https://x/y" for name, info in kinds()[kind].target.model_fields.items() if info.is_required()}
    if check.family:
        target: dict[str, object] = {check.name: {"q": dict.fromkeys(check.needs, said) | keys}}
    else:
        target = {"expect": {check.name: said if not isinstance(said, dict) else said | keys}}
    read(file, f"{kind} = {{ a = {written(needed | target)} }}\n")


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=40))
def test_any_bytes(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(InventoryError):
        load(file, ALL_CHECKS, {})
