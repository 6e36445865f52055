"""A text that is too long keeps its beginning and says its length, and no half of a secret stays in it."""

from __future__ import annotations

import pytest

from pytest_opscheck.core.lengths import LONGEST, LONGEST_TRACE, as_shown, beginning, both_ends
from pytest_opscheck.core.secrets import Redactor

SECRET = "Canary-Zx81-Qq-and-more-of-it"
CLEAN = Redactor.of([SECRET]).text


def test_what_fits_stays_as_it_is() -> None:
    assert beginning("a" * LONGEST, CLEAN) == "a" * LONGEST
    assert both_ends("a" * LONGEST_TRACE, CLEAN) == "a" * LONGEST_TRACE


def test_what_is_too_long_says_how_long_it_was() -> None:
    assert beginning("a" * 20_971_520, CLEAN) == "a" * LONGEST + "… (20,971,520 characters)"
    found = both_ends("a" * 10_000_000 + "the end", CLEAN)
    assert found.startswith("aaa")
    assert found.endswith("aaathe end")
    assert "(10,000,007 characters, of which these are the first and the last)" in found
    assert len(found) < LONGEST_TRACE + 200


@pytest.mark.parametrize("behind", [0, 1, 100_000, 131_050, 131_072, 10_000_000])
@pytest.mark.parametrize("at", [-5, 0, 5, 100_000, 131_050])
def test_no_half_of_a_secret_stays_where_a_text_is_cut(at: int, behind: int) -> None:
    before = "b" * (LONGEST - len(SECRET) + at)
    said = CLEAN(beginning(before + SECRET + "c" * behind, CLEAN))
    assert "Can" not in said
    half = LONGEST_TRACE // 2
    for text in (
        "b" * (half + at) + SECRET + "c" * (half + behind),
        "b" * (half + behind) + SECRET + "c" * (half + at),
    ):
        said = CLEAN(both_ends(text, CLEAN))
        assert "Can" not in said
        assert "it" not in said


def test_many_secrets_whose_masks_are_shorter_hide_each_other_too() -> None:
    said = beginning((SECRET + " ") * 100_000, CLEAN)
    assert "Can" not in said
    assert "Can" not in both_ends((SECRET + " ") * 100_000, CLEAN)


def test_what_is_large_and_no_text_is_counted() -> None:
    assert as_shown(b"a" * 5000) == "5,000 bytes"
    assert as_shown(list(range(1_000_000))) == "1,000,000 values"
    assert as_shown([1, 2]) == "[1, 2]"
