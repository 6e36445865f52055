"""Lines of a journal as its script counts them: where not all of it could be read, none is not zero."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes import UnknownError
from pytest_opscheck.probes.host import journal

from ..said import read


def test_lines_are_counted_on_the_host() -> None:
    found = read(journal, "count 3\n", unit="docker", pattern="error", window_s=3600)
    assert (found.lines, found.rate, found.described) == (3, "/h", "lines with /error/ in the journal of docker")
    assert read(journal, "count 0\n").described == "lines in the journal"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("user ops", "user ops may not read the whole journal"),
        ("none", "there is no journal"),
        ("nowhere app.service", "there is no unit app.service"),
        ("failed Journal file x corrupted, ignoring file.\ncount 0", "could not be read to its end: Journal file x"),
        ("", "the host did not say how many lines match"),
    ],
)
def test_a_journal_that_is_not_read_whole_is_unknown(said: str, why: str) -> None:
    with pytest.raises(UnknownError, match=why):
        read(journal, f"{said}\n")
