"""A kind of another package is a full citizen: all that is true of ours is true of it, with no line changed here."""

from __future__ import annotations

import json
import sys
import tomllib

import pytest

from .conftest import Ntp, Project

INVENTORY = """
[ntp.here]
address = "{address}"
"""


def test_a_run_judges_it_and_reports_of_it(project: Project, ntp: Ntp) -> None:
    ntp.ahead_s = 0.5
    project.write(INVENTORY.format(address=ntp.address))
    done = project.pytest("-m", "daily", "--junitxml=junit.xml", "--html=page.html")
    assert done.returncode == 1, done.stdout + done.stderr
    assert project.verdicts() == {"ntp.reachable@here": "ok", "ntp.offset@here": "breach"}
    result = next(result for result in project.document()["results"] if result["id"] == "ntp.offset@here")
    assert result["severity"] == "P3"
    assert result["measurements"][0]["value"] == pytest.approx(0.5, abs=0.05)
    assert "chronyc tracking" in result["action"]
    for file in ("junit.xml", "page.html", "reports/daily/latest.html", "reports/daily/latest.xml"):
        assert "offset" in (project.folder / file).read_text(encoding="utf-8"), file
    assert ntp.asked == 1  # one contact for all that is owed of it


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_cannot_be_reached_blocks_the_rest(project: Project, ntp: Ntp, workers: str) -> None:
    ntp.silent = True
    project.write(
        INVENTORY.format(address=ntp.address) + '[ntp.here.expect]\noffset = { P2 = "< 1s", timeout = "1s" }\n'
    )
    done = project.pytest("-m", "smoke", "-n", workers)
    assert done.returncode == 1
    assert project.verdicts("smoke") == {"ntp.reachable@here": "breach", "ntp.offset@here": "blocked"}


def test_its_node_ids_its_files_and_its_fixture(project: Project, ntp: Ntp) -> None:
    own = "import pytest\n\n@pytest.mark.weekly\ndef test_mine(ntp, expect):\n    expect(ntp.stratum, limit='== 2')\n"
    project.write(INVENTORY.format(address=ntp.address), test_own=own)
    done = project.pytest("test_ntp.py::test_offset[here]", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert project.pytest("test_ntp.py::test_ofset").returncode == 4
    place = project.run(
        sys.executable, "-c", "import pytest_opscheck_ntp.test_ntp as it; print(it.__file__)"
    ).stdout.strip()
    done = project.pytest(f"{place}::test_offset", "-m", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    done = project.pytest("-m", "weekly", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.verdicts("weekly")["own.mine@here"] == "ok"
    asked = ntp.asked
    done = project.pytest()
    assert done.returncode == 5, done.stdout + done.stderr  # nobody asked for a suite
    assert ntp.asked == asked


def test_a_part_of_a_hosts_script(project: Project, ntp: Ntp) -> None:
    drift = project.folder / "drift"
    drift.write_text("-17.250 0.03\n")
    expect = f'on = "local"\n[ntp.here.expect]\ndrift = {{ P2 = "< 10", file = "{drift}" }}\n'
    project.write("[host.local]\n" + INVENTORY.format(address=ntp.address) + expect)
    assert project.pytest("-m", "daily", "-k", "ntp").returncode == 1
    document = json.loads(max((project.folder / "reports" / "daily").glob("2*.json")).read_text())
    result = next(result for result in document["results"] if result["id"] == "ntp.drift@here")
    assert (result["verdict"], result["measurements"][0]["value"]) == ("breach", 17.25)


def test_its_secrets_are_masked(project: Project, ntp: Ntp) -> None:
    ntp.key = "correct-horse-battery"
    project.environment["NTP_KEY"] = ntp.key
    own = (
        "import pytest\n\n@pytest.mark.smoke\ndef test_mine(ntp, expect):\n"
        "    raise ValueError('correct-horse-battery is shown')\n"
    )
    project.write(INVENTORY.format(address=ntp.address) + 'key = "${NTP_KEY}"\n', test_own=own)
    done = project.pytest("-m", "smoke")
    assert project.verdicts("smoke")["ntp.offset@here"] == "ok"
    files = [file for file in (project.folder / "reports").rglob("*") if file.is_file()]
    for text in (done.stdout, done.stderr, *(file.read_bytes().decode(errors="replace") for file in files)):
        assert "battery" not in text
    assert "*** is shown" in done.stdout


def test_validate_plan_schema_and_init_know_it(project: Project) -> None:
    project.write(INVENTORY.format(address="127.0.0.1:1"))
    done = project.opscheck("validate")
    assert done.returncode == 0, done.stderr
    done = project.opscheck("plan")
    assert "ntp.offset@here" in done.stdout
    assert "P3 < 100ms, P1 < 1s" in done.stdout
    schema = json.loads(project.opscheck("schema").stdout)
    assert schema["$defs"]["ntp"]["properties"]["address"]["description"].startswith("the server")
    assert "offset" in schema["$defs"]["ntp.expect"]["properties"]
    shown = project.opscheck("checks", "ntp.offset").stdout
    assert "ntp.offset: This machine's clock and the server's agree" in shown
    assert "UDP to its port, 123" in shown
    assert "ntp: an NTP server" in project.opscheck("checks").stdout
    (project.folder / "opscheck.toml").unlink()
    assert project.opscheck("init").returncode == 0
    text = (project.folder / "opscheck.toml").read_text(encoding="utf-8")
    assert '# address = "pool.ntp.org"' in text
    suggested = text[text.index("# [ntp.pool]") :].replace("# ", "")
    assert tomllib.loads(suggested)["ntp"]["pool"]["address"] == "pool.ntp.org"


def test_errors_of_its_keys_are_those_of_an_inventory(project: Project) -> None:
    project.write('[ntp.here]\nadress = "x"\n[ntp.here.expect]\nofset = "< 1s"\n')
    done = project.opscheck("validate")
    assert done.returncode == 4
    assert "opscheck.toml:2: ntp.here.adress: unknown key; did you mean 'address'?" in done.stderr
    assert "did you mean 'offset'?" in done.stderr


def test_its_past_is_known(project: Project, ntp: Ntp) -> None:
    project.write(INVENTORY.format(address=ntp.address))
    assert project.pytest("-m", "smoke").returncode == 0
    ntp.ahead_s = 2
    assert project.pytest("-m", "smoke").returncode == 1
    shown = project.opscheck("history")
    assert "ntp.offset@here  breach P1 (new)" in shown.stdout, shown.stderr


def test_a_group_of_it(project: Project, ntp: Ntp) -> None:
    """Its checks are found where an included file alone names it, and an error is said as of ours."""
    group = '[template.clock]\nkind = "ntp"\n[group.clocks]\ntemplate = "clock"\nnames = ["here"]\n'
    group += f'address = "{ntp.address}"\n'
    (project.folder / "teams").mkdir()
    (project.folder / "teams" / "clocks.toml").write_text(group, encoding="utf-8")
    project.write("include = ['teams/*.toml']\n")
    done = project.pytest("-m", "daily")
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.verdicts() == {"ntp.reachable@here": "ok", "ntp.offset@here": "ok"}
    (project.folder / "teams" / "clocks.toml").write_text(group.replace("address", "adress"), encoding="utf-8")
    done = project.pytest("-m", "daily")
    assert done.returncode == 4
    assert "teams/clocks.toml:6: group.clocks.adress: unknown key; did you mean 'address'? (in ntp.here)" in done.stderr
