"""What other plugins have to say in a run: each hook is called when, where and as often as its docstring says."""

from __future__ import annotations

import pytest

from .conftest import Ntp, Project

INVENTORY = """
[ntp.here]
address = "{address}"
[ntp.there]
address = "{address}"
"""
CONFTEST = """
import os

def pytest_opscheck_planned(expectations):
    assert any(each.id == "ntp.offset@there" for each in expectations)
    return {"ntp.offset@there": "its clock is being changed, secret-of-mine"}

def pytest_opscheck_result(config, result):
    with open("heard", "a") as file:
        print(result.id, result.verdict, result.action, hasattr(config, "workerinput"), file=file)

def pytest_opscheck_next_step(result):
    return f"Call the keeper of {result.target}, secret-of-mine" if result.check == "ntp.offset" else None

def pytest_opscheck_finished(run):
    with open("heard", "a") as file:
        print("finished", run.exit_status, len(run.results), os.path.exists("reports/smoke/latest.json"), file=file)
"""
STEP = "Call the keeper of here, ***"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_each_hook_is_called_on_the_controller_and_shows(project: Project, ntp: Ntp, workers: str) -> None:
    ntp.ahead_s = 0.5
    project.environment["TOKEN"] = "secret-of-mine"
    header = '[http.unused]\nurl = "http://127.0.0.1:1/"\nheaders = { token = "${TOKEN}" }\nexpect = { p95 = "< 1s" }\n'
    project.write(INVENTORY.format(address=ntp.address) + header, conftest=CONFTEST)
    done = project.pytest("-m", "smoke", "-n", workers, "--junitxml=junit.xml", "-k", "ntp")
    assert done.returncode == 1, done.stdout + done.stderr
    heard = (project.folder / "heard").read_text().splitlines()
    assert sorted(heard[:-1]) == [
        f"ntp.offset@here breach {STEP} False",
        "ntp.reachable@here ok None False",
        "ntp.reachable@there ok None False",
    ]
    assert heard[-1].startswith("finished 1 3 ")
    left_out = "left out by a plugin: ntp.offset@there: its clock is being changed, ***"
    reports = [next((project.folder / "reports/smoke").glob(f"2*.{kind}")).read_text() for kind in ("json", "html")]
    assert all(left_out in text for text in (done.stdout, *reports))
    for text in (done.stdout, *reports, (project.folder / "junit.xml").read_text()):
        assert STEP in text
        assert "secret-of-mine" not in text


def test_where_all_is_left_out_nothing_was_judged(project: Project, ntp: Ntp) -> None:
    everything = "def pytest_opscheck_planned(expectations):\n    return {each.id: 'no' for each in expectations}\n"
    project.write(INVENTORY.format(address=ntp.address), conftest=everything)
    assert project.pytest("-m", "smoke").returncode == 5
    assert not ntp.asked


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    return {'ntp.ofset@here': 'why'}", "leaves 'ntp.ofset@here' out, which is not expected; did you mean"),
        ("    raise ValueError('a fault of mine')", "ValueError: a fault of mine (project/conftest.py:2)"),
    ],
)
def test_what_is_wrong_with_what_is_left_out(project: Project, body: str, said: str) -> None:
    project.write(
        INVENTORY.format(address="127.0.0.1:1"), conftest=f"def pytest_opscheck_planned(expectations):\n{body}\n"
    )
    done = project.pytest("-m", "smoke")
    assert done.returncode == 4
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "INTERNALERROR" not in done.stdout


def test_what_fails_of_the_others_is_the_checkers_own_fault(project: Project, ntp: Ntp) -> None:
    names = ("result", "finished")
    failing = "".join(f"def pytest_opscheck_{name}():\n    raise ValueError('of {name}')\n" for name in names)
    project.write(INVENTORY.format(address=ntp.address), conftest=failing)
    done = project.pytest("-m", "smoke")
    assert done.returncode == 3, done.stdout + done.stderr
    for name in names:
        assert f"pytest_opscheck_{name} of a plugin failed" in done.stdout
    assert "INTERNALERROR" not in done.stdout
    assert project.document("smoke")["run"]["exit_status"] == 3
