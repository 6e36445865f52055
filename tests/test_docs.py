"""The documents say what is so: TOML blocks are inventories, Python blocks run, generated pages are up to date."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import pytest_opscheck
from pytest_opscheck.catalogue import checks
from pytest_opscheck.cli.command import main
from pytest_opscheck.cli.manual import Entry, chapters
from pytest_opscheck.core.schedule import Schedule
from pytest_opscheck.inventory import load
from pytest_opscheck.reports import openmetrics
from pytest_opscheck.runbook.importing import of_pages
from pytest_opscheck.runbook.page import Page
from tests.live.processes import program
from tests.unit.reports import values

ROOT = Path(__file__).parent.parent
TUTORIAL = "docs/tutorial.md"
"""It is gone through as a whole, by tests/plugin/test_tutorial.py: of its inventory each block is but a part."""
PAGES = [
    "README.md",
    "docs/inventory.md",
    "docs/how-it-works.md",
    "CONTRIBUTING.md",
    "docs/history.md",
    "docs/reports.md",
    "docs/schedule.md",
    "docs/metrics.md",
    "docs/compliance.md",
    "docs/maintenance.md",
    "docs/notify.md",
    "docs/trust.md",
    "docs/extending.md",
    "docs/gate.md",
    "docs/fleets.md",
    "docs/ci.md",
    "docs/runbook.md",
    "docs/api.md",
    "docs/migrating.md",
    TUTORIAL,
    "docs/ssh.md",
    "docs/secrets.md",
    "docs/kubernetes.md",
    "docs/results.md",
    "docs/exit-statuses.md",
    "SECURITY.md",
    *(page.relative_to(ROOT).as_posix() for page in sorted((ROOT / "docs/checks").glob("*.md"))),
]
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://127.0.0.1/db",
    "REDIS_URL": "redis://127.0.0.1",
    "SMTP_PASSWORD": "secret",
    "HISTORY_URL": "postgresql://127.0.0.1/db",
    "HEARTBEAT_URL": "http://127.0.0.1/ping",
    "PAGER_URL": "json://127.0.0.1/pager",
    "SLACK_URL": "json://127.0.0.1/slack",
}


def blocks(language: str) -> Iterator[pytest.param]:  # type: ignore[valid-type]
    for page in PAGES:
        if page == TUTORIAL:
            continue
        text = (ROOT / page).read_text(encoding="utf-8")
        for number, found in enumerate(
            re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL), start=1
        ):
            yield pytest.param(found, id=f"{page}-{number}")


def write_list(folder: Path) -> None:
    """Write the list that examples name."""
    (folder / "sd").mkdir()
    labels = {"env": "prod", "instance": "web1"}
    listed = json.dumps([{"targets": ["web1.example.com:9100"], "labels": labels}])
    (folder / "sd" / "web.json").write_text(listed, encoding="utf-8")


@pytest.mark.parametrize("block", list(blocks("toml")))
def test_toml_is_an_inventory(block: str, tmp_path: Path) -> None:
    file = tmp_path / "opscheck.toml"
    targets = "" if re.search(r"^\[host\.prod\]", block, re.MULTILINE) or "on = " not in block else "[host.prod]\n"
    file.write_text(block + "\n" + targets, encoding="utf-8")
    (tmp_path / "teams").mkdir()
    (tmp_path / "teams" / "shop.toml").write_text("[host.included]\n", encoding="utf-8")
    write_list(tmp_path)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "dsn").write_text(ENVIRONMENT["DATABASE_URL"], encoding="utf-8")
    assert load(file, checks(), ENVIRONMENT).expectations


@pytest.mark.server
@pytest.mark.parametrize("block", list(blocks("yaml")))
def test_yaml_is_rules_of_prometheus(block: str, tmp_path: Path) -> None:
    """Whose metrics are ones that a run has."""
    file = tmp_path / "rules.yml"
    file.write_text(block, encoding="utf-8")
    subprocess.run([program("promtool"), "check", "rules", file], check=True, capture_output=True)
    made = openmetrics.text(values.run(values.result()), Schedule())
    for name in re.findall(r"opscheck_\w+", block):
        assert f"\n{name}{{" in made


def test_the_page_of_metrics_names_those_that_there_are() -> None:
    made = openmetrics.text(values.run(values.result()), Schedule())
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    names = set(re.findall(r"^# TYPE (\w+) ", made, re.MULTILINE))
    assert {name.removesuffix("_ratio") for name in names} == set(re.findall(r"`(opscheck_\w+)", page))


@pytest.mark.parametrize("block", list(blocks("python")))
def test_python_is_collected(block: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", ENVIRONMENT["DATABASE_URL"])
    pytester.makefile(".toml", opscheck='[host.local]\n[postgres.main]\ndsn = "${DATABASE_URL}"\n')
    pytester.makepyfile(test_block=block)
    result = pytester.runpytest_subprocess("-m", "daily or smoke", "--collect-only", "-q", "test_block.py")
    assert result.ret == 0
    tests = len(re.findall(r"^def test_", block, re.MULTILINE))
    assert len([line for line in result.outlines if line.startswith("test_block.py::")]) >= tests


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if "://" not in link:
            assert (ROOT / page).parent.joinpath(link).exists(), link


def generator() -> Any:
    """Return docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


GENERATOR = generator()
ENTRIES = [pytest.param(entry, id=entry.id) for chapter in chapters() for entry in chapter.entries]


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_check_says_what_it_needs_and_has_an_example(entry: Entry) -> None:
    assert entry.needs
    assert entry.example


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_example_says_its_check(entry: Entry, tmp_path: Path) -> None:
    """The inventory that is shown names the check, and is without an error."""
    file = tmp_path / "opscheck.toml"
    file.write_text(entry.example, encoding="utf-8")
    write_list(tmp_path)
    name = entry.id.removesuffix(".NAME").partition(".")[2]
    assert entry.runs.startswith("by default") or re.search(rf"\b{name}\b", entry.example)
    found = load(file, checks(), ENVIRONMENT).expectations
    assert any(entry.has(expectation.check.id) for expectation in found)


def test_the_draft_of_the_page_is_what_import_makes_of_its_runbook() -> None:
    page = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    (runbook,) = re.findall(r"^````markdown\n(.*?)^````", page, re.MULTILINE | re.DOTALL)
    draft, *_ = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    made = of_pages([Page("runbook.md", runbook)], Path("opscheck.toml")).draft
    assert made[made.index("[opscheck]") :] == draft


def test_the_page_of_the_runbook_is_gone_through_from_import_to_a_green_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    (runbook,) = re.findall(r"^````markdown\n(.*?)^````", page, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "runbook.md").write_text(runbook, encoding="utf-8")
    typed(["runbook", "import", "runbook.md"])
    for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for command, said in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            program, *args = shlex.split(command)
            shown = typed(args) if program == "opscheck" else subprocess.check_output([program, *args], text=True)
            assert shown == said, command
    (accept,) = re.findall(r"^    opscheck (runbook verify --accept .*)$", page, re.MULTILINE)
    (tmp_path / "runbook.md").write_text(runbook.replace("< 70%", "< 75%"), encoding="utf-8")
    assert "no difference, 1 accepted" in typed(shlex.split(accept))
    (entry,) = re.findall(r"^    # opscheck.lock\n((?:    .*\n)*)", page, re.MULTILINE)
    assert (tmp_path / "opscheck.lock").read_text(encoding="utf-8").endswith(textwrap.dedent(entry))


def typed(args: list[str]) -> str:
    return CliRunner().invoke(main, args).output


def test_the_page_of_the_api_has_every_class_and_function_that_others_may_use() -> None:
    public = {name: getattr(pytest_opscheck, name) for name in pytest_opscheck.__all__}
    documented = {name for name, value in public.items() if isinstance(value, type) or name == "check"}
    shown = re.findall(
        r"^::: pytest_opscheck\.(\w+)$", (ROOT / "docs/api.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(shown) == documented | {"newhooks"}


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[2]
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert set(re.findall(r": (\S+\.md)$", navigation, re.MULTILINE)) == pages | {"index.md"}


@pytest.mark.parametrize("link", ["gone.md", "other.md#gone"])
def test_the_site_is_not_built_with_a_link_that_leads_nowhere(link: str, tmp_path: Path) -> None:
    """With the options that `make docs` has, and what mkdocs.yml has validated."""
    (options,) = re.findall(r"/mkdocs (build .*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    (validation,) = re.findall(r"^validation: .*$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    (tmp_path / "mkdocs.yml").write_text(f"site_name: site\n{validation}\n", encoding="utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/other.md").write_text("# Other\n", encoding="utf-8")
    (tmp_path / "docs/index.md").write_text(f"# Start\n\n[words]({link})\n", encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", *shlex.split(options)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"'{link}'" in done.stderr


def test_each_page_is_one_click_away_from_the_readme() -> None:
    """But for those of the checks, which are behind the page that lists them."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")}
    assert pages <= set(re.findall(r"\]\(([^)#]+)", readme))


def test_the_page_of_exit_statuses_has_those_of_the_readme() -> None:
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/exit-statuses.md")]
    readme, page = (re.findall(r"^\| (\d) \|", text, re.MULTILINE) for text in texts)
    assert page == readme == list("0123456")


def test_the_page_of_the_results_file_is_up_to_date() -> None:
    assert GENERATOR.RESULTS.read_text(encoding="utf-8") == GENERATOR.results_page(), "run python docs/generate.py"


def test_the_page_of_the_results_file_has_each_field() -> None:
    """And says of each what it means."""
    page = GENERATOR.results_page()
    defined = GENERATOR.schema()["$defs"]
    names = {name for part in ("run", "summary", "result", "measurement") for name in defined[part]["properties"]}
    assert names <= set(re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", page, re.MULTILINE))
    assert not re.findall(r"^\| `\w+` \| .* \|  \|$", page, re.MULTILINE)


def test_the_pages_of_checks_are_up_to_date() -> None:
    """There is a page for each kind, one that lists them all, and none besides."""
    found = {page.name: page.read_text(encoding="utf-8") for page in GENERATOR.FOLDER.iterdir()}
    assert found == GENERATOR.pages(), "run python docs/generate.py"
