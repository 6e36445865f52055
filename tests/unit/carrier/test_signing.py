"""Signed messages: what was not signed with the key, for this purpose, or was changed on its way, is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.carrier.signing import MOST_BYTES, CarrierError, Key, Purpose, UnsignedError

KEY = Key("k" * 32)
PLAIN = st.dictionaries(
    st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=20), max_size=4
)


@given(PLAIN, st.sampled_from(Purpose))
def test_what_was_signed_is_read_as_it_was(data: dict[str, Any], purpose: Purpose) -> None:
    assert KEY.read(purpose, KEY.signed(purpose, data)) == data


@given(PLAIN, st.data())
def test_a_message_in_which_one_character_differs_is_none_or_says_the_same(data: dict[str, Any], drawn: Any) -> None:
    """JSON has several forms of one text: what is read is what was signed, or nothing is."""
    message = KEY.signed(Purpose.REPLY, data)
    place = drawn.draw(st.integers(0, len(message) - 1))
    changed = message[:place] + drawn.draw(st.characters()) + message[place + drawn.draw(st.integers(0, 1)) :]
    try:
        read = KEY.read(Purpose.REPLY, changed)
    except UnsignedError:
        return
    assert read == data


@given(PLAIN, PLAIN)
def test_a_signature_is_of_its_own_body_alone(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = (json.loads(KEY.signed(Purpose.ORDER, each)) for each in (one, other))
    mixed = json.dumps({"body": first["body"], "signature": second["signature"]})
    if first["body"] == second["body"]:
        assert KEY.read(Purpose.ORDER, mixed) == one
        return
    with pytest.raises(UnsignedError):
        KEY.read(Purpose.ORDER, mixed)


@given(st.text() | st.integers() | st.none() | st.lists(st.text()) | PLAIN)
def test_what_is_no_message_is_none(message: object) -> None:
    for each in (message, json.dumps(message)):
        with pytest.raises(UnsignedError):
            KEY.read(Purpose.ORDER, each)


@pytest.mark.parametrize("signature", ["", "ä" * 64, "\udcff", None, 1, ["a"]])
def test_a_signature_of_another_form_is_none(signature: object) -> None:
    with pytest.raises(UnsignedError):
        KEY.read(Purpose.ORDER, json.dumps({"body": "{}", "signature": signature}))


def test_an_order_is_no_reply_and_another_key_has_signed_nothing() -> None:
    """Else who can write to the broker could send a worker's words back to it."""
    message = KEY.signed(Purpose.ORDER, {"a": 1})
    for key, purpose in ((KEY, Purpose.REPLY), (Key("l" * 32), Purpose.ORDER)):
        with pytest.raises(UnsignedError):
            key.read(purpose, message)


def test_deep_and_long_messages_are_none() -> None:
    deep = KEY._signature(Purpose.ORDER, body := "[" * 100_000)
    with pytest.raises(UnsignedError):
        KEY.read(Purpose.ORDER, json.dumps({"body": body, "signature": deep}))
    with pytest.raises(UnsignedError):
        KEY.read(Purpose.ORDER, " " * (2 * MOST_BYTES + 1))


def test_a_message_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(CarrierError, match="it has 64 MB, and at most 64 are carried"):
        KEY.signed(Purpose.ORDER, {"text": "x" * MOST_BYTES})


def test_values_are_known_within_one_run_and_by_their_name() -> None:
    known = KEY.of_value("run", "DSN", "secret")
    assert known == Key("k" * 32).of_value("run", "DSN", "secret")
    others = [("other", "DSN", "secret"), ("run", "DSM", "secret"), ("run", "DSN", "secreT"), ("run", "DSNs", "ecret")]
    assert known not in [KEY.of_value(*each) for each in others]


@pytest.mark.parametrize(
    ("environment", "state"),
    [
        ({}, "is not set"),
        ({"OPSCHECK_KEY": " "}, "is not set"),
        ({"OPSCHECK_KEY": "hunter2hunter2"}, "has 14 characters, and needs at least 32"),
    ],
)
def test_a_key_that_is_missing_or_short_says_how_one_is_made(environment: dict[str, str], state: str) -> None:
    with pytest.raises(CarrierError) as caught:
        Key.of(environment)
    assert f"OPSCHECK_KEY {state}; make a key with `openssl rand -hex 32`" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_key_of_an_environment() -> None:
    assert Key.of({"OPSCHECK_KEY": "k" * 32 + "\n"}).of_value("", "", "") == KEY.of_value("", "", "")
