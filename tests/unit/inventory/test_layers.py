"""What a target is made of: the last word of its tables, and where that is written."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.inventory.layers import Layer, Layers
from pytest_opscheck.inventory.positions import Key

FAMILIES = frozenset({"command"})
words = st.sampled_from(["expect", "command", "headers", "a", "b"])
values = st.recursive(
    st.sampled_from(["x", "y", 1, True, False]), lambda inner: st.dictionaries(words, inner, max_size=3), max_leaves=6
)
tables = st.dictionaries(words, values, max_size=4)


def at(data: Any, path: Key) -> Any:
    for step in path:
        data = data[step]
    return data


def leaves(data: Any, path: Key = ()) -> list[Key]:
    if not isinstance(data, dict) or not data:
        return [path]
    return [found for key, value in data.items() for found in leaves(value, (*path, key))]


@given(said=st.lists(tables, min_size=1, max_size=4))
def test_each_key_is_written_where_its_value_comes_from(said: list[dict[str, Any]]) -> None:
    layers = Layers(tuple(Layer((str(number),), table) for number, table in enumerate(said)), FAMILIES)
    made = layers.merged()
    for path in leaves(made):
        number, *rest = layers.written(path)
        if value := at(made, path):
            assert at(said[int(number)], tuple(rest)) == value
            assert layers.saying(path)[-1] == (number, *rest)


@given(said=st.lists(tables, min_size=2, max_size=4))
def test_an_expectation_is_of_one_table_alone(said: list[dict[str, Any]]) -> None:
    made = Layers(tuple(Layer((), table) for table in said), FAMILIES).merged().get("expect")
    for name, value in made.items() if isinstance(made, dict) else ():
        assert any(isinstance(each.get("expect"), dict) and each["expect"].get(name) == value for each in said)
