"""Pages as people save, export and paste them: read all the same, or refused; never a traceback or a hang."""

from __future__ import annotations

import random
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_opscheck.core.masks import masked
from pytest_opscheck.runbook import page
from pytest_opscheck.runbook.importing import Imported, imported, of_pages
from pytest_opscheck.runbook.page import Page, UnreadableError
from pytest_opscheck.runbook.statements import Fate
from tests.unit.runbook.measure import CORPUS

TEXTS = [file.read_text(encoding="utf-8") for file in sorted(CORPUS.glob("*.md"))]
ODD = "`*_~#>|-+=[](){}<>\"'\\$%&!?:;,./\t\n 0123456789abcXYZä\u2028\x07\ufeff\u202e"


def read(text: str) -> Imported:
    return of_pages([Page("r.md", text)], Path("opscheck.toml"))


def found(text: str) -> dict[str, list[str]]:
    return {entry.check: [rung.limit for rung in entry.limits.values()] for entry in read(text).entries}


@pytest.mark.parametrize(
    "text",
    [
        "# R\r\n\r\nDisk usage < 70%\r\n",
        "\ufeff# R\n\nDisk usage < 70%\n",
        "Disk usage < 70%",
        "R\n=\n\nDisk usage\n< 70%\n",
        "> **Note**: disk usage < 70%\n",
        "- a\n  - b\n    - disk usage < 70%\n",
        "<details>\n<summary>More</summary>\n\n* Disk usage &lt; 70&percnt;\n\n</details>\n",
        "<p>Disk usage &lt; 70%</p>\n",
        "| Metric | Limit |\n|---|---|\n| Disk usage | < 70% |\n",
        "# ðŸŽ¯ **Values**\n\n* **Disk usage**: < 70%\n",
        "---\ntitle: x\n---\n- [ ] Disk usage < 70%\n",
        "```\nDisk usage: < 70%\n```\n",
        "```bash\n$ df -h\n# Expected: < 70%\n```\n",
        "```console\nops@web1:~$ df -h   # < 70%\n```\n",
        "1. Look: `df -h`. It should be below 70%.\n",
        "df -h\n\nExpected: below 70%\n",
        "    $ df -h\n\nExpected output: < 70 %\n",
        "\t$ df -h\n\nNormal: under 70 percent\n",
        "~~~sh\ndf -h\n# -> less than 70%\n~~~\n",
        "| Check | Command | Expected |\n|---|---|---|\n| Disk | `df -h \\| tail -1` | < 70% |\n",
    ],
)
def test_one_limit_however_it_is_written(tmp_path: Path, text: str) -> None:
    file = tmp_path / "r.md"
    file.write_bytes(text.encode())
    made = imported([file], tmp_path / "opscheck.toml")
    assert {entry.check: [rung.limit for rung in entry.limits.values()] for entry in made.entries} == {
        "host.disk": ["< 70%"]
    }


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("Disk < 70%".encode("utf-16"), "is in UTF-16; save it in UTF-8"),
        (b"%PDF\x00\x01", "is not a text: it has bytes that are zero"),
        (b"# R\n\nCaf\xe9\n", "r.md:3: byte 0xe9 is not UTF-8; save it in UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "r.md"
    file.write_bytes(content)
    with pytest.raises(UnreadableError, match=why):
        page.read(file)


def test_a_block_that_is_not_closed_is_warned_of_and_read() -> None:
    made = read("# R\n\n```bash\ndf -h\n# Expected: < 70%\n\n## Next\n")
    assert made.warnings == ["r.md:3: this block of code is not closed; what follows was read as code"]
    assert [entry.check for entry in made.entries] == ["host.disk"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("```\nkubectl get pods\n```", "no check for `kubectl`"),
        ("```bash\nfrobnicate --all\n```", "unknown command: frobnicate"),
        ("```python\nprint(1)\n```", "a block that is no shell (python)"),
        ("Frobs < 7%", "a limit without a known metric"),
        ("| What | Limit |\n|---|---|\n| Frobs | > 7% |", "table row: a limit without a known metric"),
        ("p99 latency < 1s", "the check of latency takes the 95th percentile"),
        ("Swap usage < 10%", "there is no check of swap"),
        ("```\ndocker compose logs -f\n```", "nothing is expected of it"),
    ],
)
def test_what_was_not_read_has_a_reason(text: str, reason: str) -> None:
    made = read(f"# R\n\n## Values\n\n{text}\n")
    assert [line.reason for line in made.lines if line.fate is Fate.NOT_READ] == [reason]
    assert f"({reason})" in made.draft


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("psql postgresql://app:s3cretPw@db/shop", "s3cretPw"),
        ("redis-cli -a s3cretPw ping", "s3cretPw"),
        ("curl -u ops:s3cretPw https://shop.example.com/health", "s3cretPw"),
        ('curl -H "X-Api-Key: s3cretPw12" https://shop.example.com/health', "s3cretPw12"),
        ('curl -H "Authorization: Bearer s3cretPw12" https://shop.example.com/health', "s3cretPw12"),
        ("PGPASSWORD=s3cretPw psql -c 'select 1'", "s3cretPw"),
        ("curl https://shop.example.com/health?token=s3cretPw12", "s3cretPw12"),
        ("export API_KEY=s3cretPw12", "s3cretPw12"),
        ("mysql -us -ps3cretPw1 -e 'show processlist'", "s3cretPw1"),
    ],
)
def test_a_secret_is_masked_in_the_draft_and_in_what_was_not_read(text: str, secret: str) -> None:
    for form in ("```\n{}\n```", "Run `{}` now.", "- {}: fails > 3%"):
        assert secret not in read(f"# R\n\n## Values\n\n{form.format(text)}\n").draft
    assert secret not in masked(text)


@pytest.mark.parametrize(
    "text", ["docker compose exec w celery -A app status", "API_KEY=$API_KEY run", "token: <token>"]
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert masked(text) == text


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.text(alphabet=ODD, max_size=300),
    st.sampled_from(["{}", "- {}", "```\n{}\n```", "| {} |\n|---|\n| {} |", "# {}"]),
)
def test_any_text_makes_a_draft(text: str, form: str) -> None:
    made = read(form.replace("{}", text))
    tomllib.loads(made.draft)
    assert all(line.text for line in made.lines)


@pytest.mark.parametrize("seed", range(12))
def test_a_runbook_with_any_fault_makes_a_draft_and_loses_no_line(seed: int) -> None:
    chance = random.Random(seed)
    lines = chance.choice(TEXTS).split("\n")
    for _ in range(12):
        place = chance.randrange(len(lines))
        fault = chance.choice(
            ["", chance.choice(ODD) * 200, "```", "> ", "    ", "| ", "- [ ] ", "<details>", lines[place] * 30]
        )
        lines[place] = chance.choice([fault + lines[place], lines[place] + fault, fault])
    text = page.read_text("\n".join(lines))
    made = read(text)
    tomllib.loads(made.draft)
    assert len(made.lines) == len([line for line in text.split("\n") if line.strip()])


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "**a",
        "`a` ",
        "[a](",
        '"',
        "(",
        "1 ",
        "< 5% ",
        "no more than ",
        "disk < ",
        "/a",
        "http://",
        "a=",
        "$(",
        "bash -c ",
        "a:",
        "1,",
        "P1 < 5% disk, ",
        "**Expected**: ",
        "every night at ",
        "`AA",
        "A",
    ],
)
def test_no_line_takes_long(unit: str) -> None:
    """A bound on the machine's own time, twenty times what it takes: a pattern that runs away needs minutes."""
    line = (unit * 4000)[:3900]
    began = time.process_time()
    read(f"# R\n\n{line}\n\n`{line[:500]}\n\n```\n{line}\n```\n\n| {line} | x |\n|---|---|\n| Disk | {line} |\n")
    assert time.process_time() - began < 20
