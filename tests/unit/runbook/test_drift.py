"""`verify` tells what a runbook and its inventory do not have in common, and keeps what was accepted."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.inventory import InventoryError, load
from pytest_opscheck.runbook import lock
from pytest_opscheck.runbook.compared import compared
from pytest_opscheck.runbook.drift import Verified, known_of, verified
from pytest_opscheck.runbook.page import UnreadableError

TODAY = dt.date(2026, 11, 20)
PAGE = "# Shop\n\n## Disk\n\nDisk usage < 70%\n\n## Speed\n\nResponse time (p95) < 500 ms\n"


class Folder:
    """A runbook beside its inventory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def verified(self, page: str | None, expect: str, *, more: str = "", name: str = "runbook.md") -> Verified:
        """Return what verifying says of a page and of what host.main is expected to be."""
        off = "\n".join(f"{name} = false" for name in ("disk", "memory", "load", "cpu") if f"{name} =" not in expect)
        text = f'[opscheck]\nrunbook = "{name}"\n[host.main.expect]\n{off}\n{expect}\n{more}'
        (self._path / "opscheck.toml").write_text(text, encoding="utf-8")
        if page is not None:
            (self._path / "runbook.md").write_text(page, encoding="utf-8")
        inventory = load(self._path / "opscheck.toml", checks(), {})
        return verified(compared(inventory, (), TODAY), self.lock())

    def said(self, page: str | None, expect: str, *, more: str = "", name: str = "runbook.md") -> list[str]:
        """Return each difference without the folder's name."""
        found = self.verified(page, expect, more=more, name=name)
        return [str(each).replace(f"{self._path}/", "") for each in found.drifts]

    def lock(self) -> list[lock.Accepted]:
        return lock.read(lock.place(self._path / "opscheck.toml"))

    def accept(self, found: Verified, name: str) -> None:
        new = [each.because("meant so") for known, each in known_of(found) if known == name]
        assert new, f"{name} is none of {[known for known, _ in known_of(found)]}"
        lock.write(lock.place(self._path / "opscheck.toml"), lock.merged(self.lock(), new))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


DISK = "# Shop\n\n## Disk\n\nDisk usage < 70%\n"


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ("Disk usage < 70%", "< 70%"),
        ("Disk usage at most 70 percent", "< 70%"),
        ("Memory of Redis < 0.5 GB", "< 500MB"),
        ("Response time (p95) < 0.5 s", "<= 500ms"),
    ],
)
def test_limits_are_the_same_in_whatever_unit(folder: Folder, said: str, limit: str) -> None:
    more = '[http.a]\nurl = "http://127.0.0.1"\n[redis.a]\nurl = "redis://127.0.0.1"\n'
    more += f'[http.a.expect]\np95 = "{limit}"\n' if "time" in said else ""
    more += f'[redis.a.expect]\nmemory = "{limit}"\n' if "Redis" in said else ""
    disk = f'disk = {{ P2 = "{limit}", runbook = "#limits" }}' if "Disk" in said else ""
    assert folder.said(f"# Shop\n\n## Limits\n\n{said}\n", disk, more=more) == []


def test_a_limit_that_differs_names_both_values_and_both_lines(folder: Folder) -> None:
    (said,) = folder.said(DISK, 'disk = { P2 = "< 60%", runbook = "#disk" }')
    assert said == (
        'runbook.md:5 "Disk usage < 70%" / opscheck.toml:7: host.disk@main: the runbook says < 70%, the inventory '
        'P2 < 60%; if that is on purpose, add runbook_says = "< 70%" [disk/host.disk]'
    )


def test_a_limit_that_is_stricter_on_purpose_says_what_the_runbook_says(folder: Folder) -> None:
    expect = 'disk = { P2 = "< 60%", runbook = "#disk", runbook_says = "< 70%" }'
    assert folder.said(DISK, expect) == []
    changed, gone = folder.said(DISK.replace("70", "80"), expect)
    assert "runbook_says is < 70%, and the runbook does not say that any more" in changed
    assert "the runbook says < 80%, the inventory P2 < 60%" in gone


def test_the_severities_of_a_ladder_are_compared_each(folder: Folder) -> None:
    table = "# A\n\n## Disk\n\n| Metric | Warning | Critical |\n|---|---|---|\n| Disk usage | > 70% | > {}% |\n"
    expect = 'disk = { P2 = "< 70%", P1 = "< 90%", runbook = "#disk" }'
    assert folder.said(table.format(90), expect) == []
    assert "the runbook says P1 <= 95%, the inventory P1 < 90%" in folder.said(table.format(95), expect)[0]


def test_a_heading_that_was_renamed_is_proposed_by_its_statements(folder: Folder) -> None:
    expect = 'disk = { P2 = "< 70%", runbook = "#disk" }\nmemory = { P2 = "< 80%", runbook = "#disk" }'
    (said,) = folder.said("# Shop\n\n## Space\n\nDisk usage < 70%\n\n## Disc\n\nNothing.\n", expect)
    assert "there is no heading with the anchor #disk any more; its statements stand under #space now" in said
    assert said.endswith("(host.disk@main and 1 other check) [disk/link]")


def test_the_same_heading_inserted_above_takes_the_anchor(folder: Folder) -> None:
    expect = 'disk = { P2 = "< 70%", runbook = "#disk" }'
    page = "# Shop\n\n## Disk\n\nThe old one.\n\n## Disk\n\nDisk usage < 70%\n"
    (said,) = folder.said(page, expect)
    assert said.startswith(
        'runbook.md:3 "Disk" / opscheck.toml:7: #disk names the section on line 3 now; meant was #disk-1'
    )
    assert folder.said(page, expect.replace("#disk", "#disk-1")) == []


def test_an_anchor_may_have_the_invisible_selector_of_a_sign_or_not(folder: Folder) -> None:
    for anchor in ("#\ufe0f-disk", "#-disk"):
        assert (
            folder.said(
                "# S\n\n## \u26a0\ufe0f Disk\n\nDisk usage < 70%\n", f'disk = {{ P2 = "< 70%", runbook = "{anchor}" }}'
            )
            == []
        )


def test_what_nothing_checks_is_new_until_it_is_checked_or_exempt(folder: Folder) -> None:
    expect = 'disk = { P2 = "< 70%", runbook = "#disk" }'
    (said,) = folder.said(PAGE, expect)
    assert said.startswith(
        'runbook.md:9 "Response time (p95) < 500 ms": nothing checks this; import proposes http.p95@'
    )
    exempt = '[[runbook.exempt]]\nanchor = "speed"\nwhy = "the provider measures it"\n'
    assert folder.said(PAGE, expect, more=exempt) == []
    mark = PAGE.replace("## Speed", '<!-- opscheck: none "the provider does" until=2026-11-20 -->\n## Speed')
    assert folder.said(mark, expect) == []


def test_what_the_comments_of_a_draft_quote_and_the_runbook_says_no_more_is_gone(folder: Folder) -> None:
    expect = '# runbook.md:5 "Disk usage < 70%"\n# runbook.md:6 "`df -h`"\ndisk = { P2 = "< 70%", runbook = "#disk" }'
    page = "# Shop\n\n## Disk\n\n- Disk usage < 70%\n- Look: `df -h`\n"
    assert folder.said(page.replace("Look: ", ""), expect) == []
    (said,) = folder.said("# Shop\n\n## Disk\n\n- Disk usage < 70%\n", expect)
    assert 'the runbook does not say "`df -h`" any more; if the check is still wanted, remove its comment' in said


def test_a_runbook_that_is_not_there(folder: Folder) -> None:
    (said,) = folder.said(None, "", name="gone.md")
    assert said.startswith("gone.md / opscheck.toml:2: there is no such file")


def test_a_section_of_which_only_the_heading_is_left(folder: Folder) -> None:
    expect = 'disk = { P2 = "< 70%", runbook = "#disk" }'
    (said,) = folder.said("# Shop\n\n## Disk\n\n## Other\n\nText.\n", expect)
    assert "there is nothing below the heading of #disk any more" in said


def test_an_expectation_may_link_to_several_sections(folder: Folder) -> None:
    expect = 'disk = { P2 = "< 70%", runbook = ["#disk", "#more"] }'
    assert folder.said(f"{DISK}\n## More\n\nSee `df`.\n", expect) == []
    (said,) = folder.said(DISK, expect)
    assert "no heading with the anchor #more" in said


def test_exemptions_that_are_over_or_of_nothing(folder: Folder) -> None:
    expect = 'disk = { P2 = "< 70%", runbook = "#disk" }'
    over = '[[runbook.exempt]]\nanchor = "speed"\nwhy = "later"\nuntil = 2026-11-19\n'
    ended, new = folder.said(PAGE, expect, more=over)
    assert "the exemption of #speed ended on 2026-11-19 (later)" in ended
    assert "nothing checks this" in new
    quote = '[[runbook.exempt]]\nquote = "Response time (p99)"\nwhy = "later"\n'
    assert any(
        '"Response time (p99)" is exempt, and the runbook does not say it' in each
        for each in folder.said(PAGE, expect, more=quote)
    )
    marked = PAGE.replace("## Speed", '<!-- opscheck: none "later" until=2026-11-19 -->\n## Speed')
    assert any("the exemption ended on 2026-11-19 (later)" in each for each in folder.said(marked, expect))


@pytest.mark.parametrize("mark", ["<!-- opscheck: none -->", '<!-- opscheck: none "later" until=soon -->'])
def test_an_exemption_without_a_reason_or_a_day_is_an_error(folder: Folder, mark: str) -> None:
    with pytest.raises(UnreadableError, match=r"runbook\.md:3: .*write for example <!-- opscheck: none"):
        folder.verified(PAGE.replace("## Disk", f"{mark}\n## Disk"), "")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('anchor = "disk"', "why"),
        ('why = "x"', "neither where nor what"),
        ('anchor = "disk"\nwhy = "x"\nuntil = "soon"', "is not a day"),
        ('anchor = "disk"\nwhy = "x"\nwho = "me"', "unknown key"),
    ],
)
def test_an_exemption_of_the_inventory_says_what_where_and_why(folder: Folder, table: str, says: str) -> None:
    with pytest.raises(InventoryError, match=says):
        folder.verified(PAGE, "", more=f"[[runbook.exempt]]\n{table}\n")


def test_what_was_accepted_is_quiet_as_long_as_both_say_the_same(folder: Folder) -> None:
    expect = 'disk = { P2 = "< 60%", runbook = "#disk" }'
    folder.accept(folder.verified(DISK, expect), "disk/host.disk")
    found = folder.verified(DISK, expect)
    assert (found.drifts, [each.id for each in found.accepted]) == ([], ["disk/host.disk"])
    assert folder.said(f"{DISK}\nMore prose.\n".replace("Disk usage", "**Disk** usage"), expect) == []
    assert "the runbook says < 75%" in folder.said(DISK.replace("70", "75"), expect)[0]
    assert "the inventory P2 < 50%" in folder.said(DISK, expect.replace("60", "50"))[0]
    assert [each.id for each in folder.verified(DISK, expect.replace("60", "70")).unneeded] == ["disk/host.disk"]


def test_a_statement_that_was_accepted_as_it_is_is_missed_when_it_goes(folder: Folder) -> None:
    """So an inventory that was written by hand remembers what its runbook said."""
    expect = 'disk = { P2 = "< 70%", runbook = "#disk" }'
    folder.accept(folder.verified(DISK, expect), "disk/host.disk")
    assert folder.said(DISK, expect) == []
    (said,) = folder.said("# Shop\n\n## Disk\n\nLook at it.\n", expect)
    assert said.startswith('opscheck.lock: the runbook does not say "Disk usage < 70%" any more, which was accepted')


def test_a_lock_is_the_same_in_whatever_order_it_was_made(folder: Folder, tmp_path: Path) -> None:
    found = folder.verified(PAGE, 'disk = { P2 = "< 60%", runbook = "#disk" }')
    names = [name for name, _ in known_of(found)]
    texts = set()
    for order in (names, names[::-1]):
        for name in order:
            folder.accept(found, name)
        texts.add((tmp_path / "opscheck.lock").read_text(encoding="utf-8"))
        (tmp_path / "opscheck.lock").unlink()
    assert len(texts) == 1


@pytest.mark.parametrize("text", ["accepted = 1", "[[accepted]]\nanchor = 1", "[[accepted]]\nanchor = 'a'", "x", "[a]"])
def test_a_lock_that_can_not_be_read_is_an_error_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "opscheck.lock").write_text(text, encoding="utf-8")
    with pytest.raises(lock.LockError, match=r"opscheck\.lock.*(remove|accept again)"):
        lock.read(tmp_path / "opscheck.lock")
