"""A runbook becomes a draft: nothing is lost, nothing is run, and the inventory takes it but for its TODOs."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.inventory import InventoryError, load
from pytest_opscheck.runbook import guard, sql
from pytest_opscheck.runbook.importing import Imported, imported, of_pages
from pytest_opscheck.runbook.links import refuse_dead_links
from pytest_opscheck.runbook.page import Page
from pytest_opscheck.runbook.statements import Fate, counted
from tests.unit.runbook.measure import CORPUS, Score, expectations, measured

RUNBOOKS = sorted(CORPUS.glob("*.md"))
EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*/runbook.md"))
SECRETS = ["hunter2secret", "Tr0ub4dor3", "Azerty-2024x", "sk_live_9aBcD3fGh1JkLmN0pQrS"]
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://127.0.0.1/x",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "CELERY_BROKER_URL": "redis://127.0.0.1:6379/1",
    "PAIE_DSN": "postgresql://127.0.0.1/x",
    "AUTHORIZATION": "x",
}
FILLED = {"project": "stack", "run": "true", "pattern": "x", "path": "/srv/x/*.log", "connect": "docker://x"}
"""What a person fills in where the TODO has no example."""


def read(*texts: str) -> Imported:
    return of_pages([Page(f"r{number}.md", text) for number, text in enumerate(texts)], Path("opscheck.toml"))


def filled(draft: str) -> str:
    """Return a draft with its TODOs filled in, as a person would who takes the first thing that fits."""

    def value(match: re.Match[str]) -> str:
        example = re.search(r"for example (\S.*?)$|which one\? (.*?) \(line", match["what"])
        fallback = FILLED.get(match["key"] or "", "x")
        return f'{match["key"] or ""}{match["sign"] or ""}"{(example[1] or example[2]) if example else fallback}"'

    return re.sub(r'(?:(?P<key>\w+)(?P<sign> = ))?"TODO: (?P<what>[^"]*)"', value, draft)


@pytest.mark.parametrize("runbook", [*RUNBOOKS, *EXAMPLES], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_line_has_one_fate(runbook: Path) -> None:
    """The sum of all fates is the number of lines that are not blank, and what was not read has a reason."""
    made = imported([runbook], Path("opscheck.toml"))
    lines = [line for line in runbook.read_text(encoding="utf-8").split("\n") if line.strip()]
    assert sum(counted(made.lines).values()) == len(made.lines) == len(lines)
    assert len({line.number for line in made.lines}) == len(lines)
    assert all(line.reason for line in made.lines if line.fate is Fate.NOT_READ)


@pytest.mark.parametrize("runbook", [*RUNBOOKS, *EXAMPLES], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_line_that_became_a_proposal_is_one_of_the_draft(runbook: Path) -> None:
    made = imported([runbook], Path("opscheck.toml"))
    known = [(each.line, each.text) for entry in made.entries for each in entry.statements]
    for line in made.lines:
        if line.fate is Fate.PROPOSAL:
            assert any(first - 3 <= line.number <= first + text.count(" ") + 3 for first, text in known), line


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_the_inventory_takes_a_draft_but_for_its_todos(runbook: Path, tmp_path: Path) -> None:
    shutil.copy(runbook, tmp_path)
    file = tmp_path / "opscheck.toml"
    made = imported([tmp_path / runbook.name], file)
    file.write_text(made.draft, encoding="utf-8")
    if "TODO: " in re.sub(r"(?m)^#.*$", "", made.draft):
        with pytest.raises(InventoryError) as error:
            load(file, checks(), ENVIRONMENT)
        assert all("still to be written" in line for line in str(error.value).splitlines())
    file.write_text(filled(made.draft), encoding="utf-8")
    refuse_dead_links(load(file, checks(), ENVIRONMENT))


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_a_draft_runs_only_what_reads(runbook: Path) -> None:
    """Also what is commented out: whoever removes the # must not run what changes something."""
    made = imported([runbook], Path("opscheck.toml"))
    for entry in made.entries:
        run, asked = entry.keys.get("run"), entry.keys.get("sql")
        if isinstance(run, list):
            run = " ".join(run)
        assert not isinstance(run, str) or guard.verdict(run).reads
        assert asked is None or sql.verdict(asked).reads


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)
def test_no_secret_of_a_runbook_is_in_its_draft(runbook: Path) -> None:
    draft = imported([runbook], Path("opscheck.toml")).draft
    assert not [secret for secret in SECRETS if secret in draft]


def test_the_same_runbook_makes_the_same_bytes() -> None:
    drafts = {imported(RUNBOOKS, Path("opscheck.toml")).draft for _ in range(2)}
    assert len(drafts) == 1


def test_most_of_what_a_person_reads_is_read_and_no_limit_is_turned() -> None:
    """A floor for the corpus: the rules were fitted to it, so it says nothing of other runbooks."""
    scores: list[Score] = []
    for runbook in RUNBOOKS:
        scores.append(measured(runbook, list(expectations(runbook.with_suffix(".expected")))))
        assert not scores[-1].turned
    right, missing = sum(len(each.right) for each in scores), sum(len(each.missing) for each in scores)
    expected = right + missing + sum(len(each.found) for each in scores)
    assert right / expected > 0.95
    assert sum(len(each.wrong) for each in scores) / sum(each.proposals for each in scores) < 0.08


TROUBLE = """\
# Shop

## Troubleshooting

### Slow

**Symptoms:** API latency > 2s

**Diagnosis:**

```bash
docker stats
curl https://shop.example.com/health
```

**Solution:** if still high: `docker compose up -d --scale api=4`

## Rollback

Health check `curl https://shop.example.com/health` returns 200
"""


def test_nothing_of_symptoms_remedies_and_rollback_is_active() -> None:
    made = read(TROUBLE)
    assert made.entries
    assert {entry.status for entry in made.entries} == {"off"}
    assert tomllib.loads(made.draft).keys() == {"opscheck"}


def test_a_remedy_is_one_wherever_it_stands() -> None:
    made = read(
        "# Shop\n\n## Daily checks\n\n- Queue growing? If still high: `docker compose up -d --scale worker=4`\n"
    )
    assert [(entry.check, entry.status) for entry in made.entries] == [("docker.replicas", "off")]


def test_a_command_that_sets_a_state_says_which_and_is_not_run() -> None:
    made = read("# Cache\n\n## Set-up\n\n```\nredis-cli CONFIG SET maxmemory-policy allkeys-lru\n```\n")
    assert [entry.check for entry in made.entries] == ["redis.maxmemory_policy"]
    assert [line.fate for line in made.lines if "CONFIG" in line.text] == [Fate.PROCEDURE]


def test_a_checklist_repeats_the_steps_that_it_stands_under() -> None:
    page = (
        "# Shop\n\n## Morning\n\n```bash\n# Errors of a day\ndocker compose logs --since 24h | grep ERROR | wc -l\n"
        "# Expected: <10 errors\n```\n\n**Checklist:**\n- [ ] Error count acceptable (<10/day)\n"
    )
    (entry,) = read(page).entries
    assert entry.check == "docker.errors"
    assert [each.line for each in entry.statements] == [7, 8, 12]


def test_an_item_of_a_checklist_gives_the_step_before_it_its_limit() -> None:
    """That a step measures the same is no reason to lose what is expected of it; one far below it counts too."""
    near = read("# R\n\n- [ ] CPU usage < 70% (`docker stats`)\n- [ ] Memory usage < 80%\n")
    far = read("# R\n\n- [ ] Look: `df -h`\n" + "- [ ] Something else\n" * 8 + "- [ ] Disk usage < 85%\n")
    assert 'memory = { P2 = "< 80%"' in near.draft
    assert 'disk = { P2 = "< 85%"' in far.draft


def test_what_is_still_to_be_written_has_an_example_the_right_way_round() -> None:
    made = read("# R\n\nSee the hit rate: `redis-cli INFO stats`\n\nSee the queue: `redis-cli LLEN celery`\n").draft
    assert 'hit_rate = { P2 = "TODO: the limit, for example > 80%"' in made


def test_two_runbooks_make_one_draft_whose_links_lead_to_each() -> None:
    made = read("# A\n\n## Disk\n\nDisk usage < 70%\n", "# B\n\n## Memory\n\nMemory usage < 80%\n")
    assert 'disk = { P2 = "< 70%", runbook = "#disk" }' in made.draft
    assert 'memory = { P2 = "< 80%", runbook = "r1.md#memory" }' in made.draft


def test_what_is_exempt_is_neither_proposed_nor_lost() -> None:
    page = (
        '# A\n\n<!-- opscheck: none "the provider does" -->\n## Disk\n\nDisk usage < 70%\n\n## Memory\n\n'
        '<!-- opscheck: none "later" -->\n- Memory usage < 80%\n- CPU usage < 50%\n'
    )
    made = read(page)
    assert [entry.check for entry in made.entries] == ["host.cpu"]
    assert [line.number for line in made.lines if line.fate is Fate.EXEMPT] == [3, 4, 6, 10, 11]


def test_an_exemption_without_a_reason_exempts_nothing() -> None:
    made = read("# A\n\n<!-- opscheck: none -->\n- Disk usage < 70%\n")
    assert [entry.check for entry in made.entries] == ["host.disk"]
    assert made.lines[1].reason == "an exemption without a reason in quotes"


def test_words_of_ones_own_for_what_is_expected() -> None:
    page = "# A\n\n## Täglich\n\n```\nredis-cli LLEN mails\n```\n\nRichtwert: 20\n"
    made = of_pages([Page("r.md", page)], Path("opscheck.toml"), ("Richtwert",))
    (entry,) = made.entries
    assert [rung.limit for rung in entry.limits.values()] == ["<= 20"]
    assert not read(page).entries[0].limits


def test_who_asks_for_all_containers_means_those_of_another_step_too() -> None:
    made = read("# Shop\n\n## Daily\n\n```bash\ndocker compose ps beat\n# Expected: running\ndocker compose ps\n```\n")
    (entry,) = made.entries
    assert (entry.check, entry.keys) == ("docker.up", {})


def test_an_address_in_a_container_is_asked_in_there() -> None:
    made = read(
        "# Shop\n\n## Daily\n\n| service | address | expected |\n| --- | --- | --- |\n"
        "| web | `localhost:8088/health` (container-internal) | 200 |\n\n"
        "```bash\ndocker compose exec web curl -f http://localhost:8088/health\n# Expected: 200\n```\n"
    )
    (entry,) = made.entries
    assert (entry.check, entry.keys["service"]) == ("docker.exec", "web")
    assert entry.keys["run"] == ["curl", "-f", "http://localhost:8088/health"]
