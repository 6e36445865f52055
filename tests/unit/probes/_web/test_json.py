"""A JSON document is read where it is not too large, and where it says each key once."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes._web.json import MOST_VALUES, DocumentError, LargeError, document


def test_a_document_of_many_values_is_not_read() -> None:
    found = document(b"[" + b",".join([b"{}"] * (MOST_VALUES // 3)) + b"]", "text/plain")
    assert len(found) == MOST_VALUES // 3
    with pytest.raises(LargeError, match="a document of more than 250,000 values, which is not read; ask for less"):
        document(b"[" + b",".join([b"{}"] * MOST_VALUES) + b"]", "text/plain")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b" ", "an empty body"),
        (b"<html>", "text/html that is not JSON"),
        pytest.param(b"[" * 100_000, "text/html that is not JSON", id="deep"),
        (b'{"a{}": 1, "a{}": 2}', "has the key 'a{}' twice"),
    ],
)
def test_what_is_not_a_document_says_what_it_is(body: bytes, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        document(body, "text/html")
