"""Where keys stand in a TOML document, whatever its form."""

from __future__ import annotations

import json
import textwrap
import tomllib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_opscheck.inventory.positions import Key, locate, shown
from pytest_opscheck.inventory.problems import nearest

DOCUMENT = textwrap.dedent(
    '''
    # a comment with [brackets] = and "quotes
    top = 1
    [host.prod] # trailing
    connect = "ssh://[::1]" # a = b
    text = """
    [not.a.table]
    key = 1
    """
    after = \'\'\'
    [neither]\'\'\'
    "quoted.key" = { inner = 1, "other" = [1, { deep = "]" }] }
    'literal # key' = 5
    dotted.path . to = true
    list = [
        1, # one
        "two ] }",
        [
            3,
        ],
        { four = 4 },
    ]
    [ "sp aced" . "a]b#c" ]
    unicode-"""k"""
    '''
).replace('unicode-"""k"""', '"\\u00e9" = 1979-05-27T07:32:00Z')


def test_every_form() -> None:
    tomllib.loads(DOCUMENT)
    lines = DOCUMENT.split("\n")

    def text_of(*path: str | int) -> str:
        return lines[locate(DOCUMENT).known[path] - 1].strip()

    assert text_of("top") == "top = 1"
    assert text_of("host") == text_of("host", "prod") == "[host.prod] # trailing"
    assert text_of("host", "prod", "connect").startswith("connect =")
    assert text_of("host", "prod", "after") == "after = '''"
    assert text_of("host", "prod", "quoted.key", "other", 1, "deep").startswith('"quoted.key"')
    assert text_of("host", "prod", "literal # key") == "'literal # key' = 5"
    assert text_of("host", "prod", "dotted", "path", "to") == "dotted.path . to = true"
    assert text_of("host", "prod", "list", 1) == '"two ] }",'
    assert text_of("host", "prod", "list", 2, 0) == "3,"
    assert text_of("host", "prod", "list", 3, "four") == "{ four = 4 },"
    assert text_of("sp aced", "a]b#c") == '[ "sp aced" . "a]b#c" ]'
    assert text_of("sp aced", "a]b#c", "é").startswith('"\\u00e9"')
    assert ("not",) not in locate(DOCUMENT).known


def test_arrays_of_tables() -> None:
    text = "[[a.b]]\nx = 1\n[[a.b]]\nx = 2\n[a.b.c]\ny = 3\n[[a.b.d]]\n[[a.b.d]]\nz = 4\n"
    known = locate(text).known
    assert [known["a", "b", index, "x"] for index in (0, 1)] == [2, 4]
    assert known["a", "b", 1, "c", "y"] == 6
    assert known["a", "b", 1, "d", 1, "z"] == 9


def test_a_key_that_is_not_there_has_the_line_of_its_table() -> None:
    lines = locate("\n[host.prod]\nconnect = 1\n")
    assert lines.of(("host", "prod", "expect", "disk")) == 2
    assert lines.of(("host", "prod", "connect", "deep", 3)) == 3
    assert lines.of(("redis",)) == 1
    assert lines.of(()) == 1


@given(st.text())
def test_no_text_hangs_or_breaks_it(text: str) -> None:
    locate(text)


@given(st.text(alphabet="ab[]{}=.,\"'\\#\n \r$", max_size=60))
@example('a = ["b')
@settings(max_examples=300)
def test_no_near_toml_hangs_or_breaks_it(text: str) -> None:
    locate(text)


text = st.text(st.characters(codec="utf-8"), max_size=8)
keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=4)
scalars = st.one_of(st.integers(), st.booleans(), text, st.floats(allow_nan=False, allow_infinity=False))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)


def written(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{quoted(key)} = {written(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list):
        return "[\n  " + "".join(f"{written(entry)}, # ]\n" for entry in value) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def paths(value: object, here: Key = ()) -> set[Key]:
    found = {here} if here else set()
    for step, entry in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        found |= paths(entry, (*here, step))
    return found


@given(st.dictionaries(keys, st.dictionaries(keys, values, max_size=3), max_size=3))
def test_every_key_and_entry_is_found(document: dict[str, dict[str, object]]) -> None:
    """Against the standard parser: the same keys, each on the line that starts with it."""
    text = "".join(
        f"[{quoted(name)}]\n" + "".join(f"{quoted(key)} = {written(value)}\n" for key, value in table.items())
        for name, table in document.items()
    )
    parsed = tomllib.loads(text)
    known = locate(text).known
    assert known.keys() == paths(parsed)
    lines = text.split("\n")
    for name, table in parsed.items():
        assert lines[known[name,] - 1].startswith("[")
        for key in table:
            assert tomllib.loads(lines[known[name, key] - 1].partition(" = ")[0] + "=1") == {key: 1}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("host", "prod"), "host.prod"),
        (("a", "services.*", "x"), 'a."services.*".x'),
        (("list", 2, "key"), "list[2].key"),
        (("line\nbreak",), '"line\\nbreak"'),
        ((), ""),
    ],
)
def test_keys_are_shown_as_toml_writes_them(path: Key, text: str) -> None:
    assert shown(path) == text


def test_the_nearest_key() -> None:
    assert nearest("memroy", ["memory", "disk"]) == "did you mean 'memory'?"
    assert nearest("zzz", ["memory", "disk"]) == "it can be: disk, memory"
    assert nearest("zzz", []) == "no key is allowed here"
