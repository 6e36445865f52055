"""What expressions give of a JSON document: each value in its place, and what is missing is never left out."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from pytest_opscheck.core.ladders import single
from pytest_opscheck.core.limits import parse_limit
from pytest_opscheck.probes.http._json import compiled, values

DOCUMENT = {
    "status": "healthy",
    "count": 0,
    "services": {"db": {"status": "up"}, "cache": {}},
    "checks": [{"name": "a", "ok": True}, {"name": "b"}],
    "none": [],
}


def found(path: str, document: Any = DOCUMENT) -> list[tuple[str, Any, str]]:
    number = single(parse_limit(0), "P2")
    fitting = (each.fitting(number) for each in values(document, (path,)))
    return [(each.subject, each.value, each.why or "") for each in fitting]


@pytest.mark.parametrize(
    ("path", "value"), [("status", "healthy"), ("count", 0), ("checks[1].name", "b"), ("length(checks)", 2)]
)
def test_a_value(path: str, value: object) -> None:
    [(_, is_, why)] = found(path)
    assert (is_, why) == (value, "")


def test_every_element_of_a_projection_has_its_place() -> None:
    """JMESPath itself leaves out the one that lacks what is asked of it."""
    missing = "it is missing, null or empty in the document"
    assert found("services.*.status") == [("services.db.status", "up", ""), ("services.cache.status", None, missing)]
    assert found("checks[*].ok") == [("checks[0].ok", True, ""), ("checks[1].ok", None, missing)]
    assert found("none[*].ok") == [("none[*].ok", None, missing)]
    assert found("nothing.here") == [("nothing.here", None, missing)]


def test_what_is_not_one_value_says_how_to_name_one() -> None:
    assert found("services")[0][2] == "it is an object; name one of its values, or services.* for each"
    assert found("checks")[0][2] == "it is a list; name one of its values, or checks[*] for each"
    assert found("checks[?ok==`false`].name")[0][2].startswith("it matches nothing in the document; to expect none")


def test_what_a_list_holds_of_any_depth_passes_between_workers() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    (read,) = values({"deep": [deep, 1]}, ("deep",))
    assert repr(pickle.loads(pickle.dumps(read)).value) == "[a list, 1]"


def test_a_document_of_another_shape_fits_no_expression() -> None:
    assert found("length(count)")[0][2].startswith("the document does not fit the expression: ")
    assert found("status", ["a list"])[0][1] is None


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'a\[' is not a JMESPath: .*; see https://jmespath.org"):
        compiled("a[")
