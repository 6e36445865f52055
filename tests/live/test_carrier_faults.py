"""What goes wrong with workers and brokers in the middle of a run: never green, always named, always ended."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .carriers import Checks, Redis, Started, broker, children, kill, stopped, worker
from .processes import free_port, wait_until

HELD = """
[opscheck]
name = "held"
[suites.daily]
deadline = "{deadline}"
[vantage.dmz]
[vantage.office]
[defaults.host]
connect = "local://"
expect = {{ disk = false, memory = false, load = false, cpu = false }}
[host.here]
[host.dmz]
from = "dmz"
command.held = {{ run = "{run}", timeout = "60s" }}
[host.office]
from = "office"
command.held = {{ run = "{run}", timeout = "60s" }}
"""


def held(folder: Path, deadline: str) -> tuple[str, Path]:
    """Return an inventory with checks that take as long as a file is there, and that file."""
    folder.mkdir(parents=True)
    hold = folder / "hold"
    hold.touch()
    run = f"echo x >> {folder}/times; while test -e {hold}; do sleep 0.1; done"
    return HELD.format(deadline=deadline, run=run), hold


def begun(folder: Path, count: int) -> None:
    """Wait until so many commands have begun."""
    file = folder / "times"
    wait_until(lambda: file.exists() and len(file.read_text().split()) == count, f"{count} commands")


def killed_workers(folder: Path, server: Redis) -> None:
    """Of two killed workers another one takes the place of one; and from a third place nobody looks at all."""
    inventory, hold = held(folder, "60s")
    checks = Checks.of(folder / "checks", server.url(), inventory)
    (there := folder / "tmp").mkdir()
    env = {"TMPDIR": str(there)}
    dmz, office = (worker(folder, server.url(), name, env=env) for name in ("dmz", "office"))
    with dmz as first, office as second, checks.started() as run:
        begun(folder, 2)
        left = [*children(first.process.pid), *children(second.process.pid)]
        assert len(left) == 2
        its_folder = Path(f"/proc/{left[0]}/cwd").readlink()
        with contextlib.ExitStack() as others:
            with stopped(left[0]):
                kill(first)
                kill(second)
                others.enter_context(worker(folder, server.url(), "dmz", env=env))
                assert (its_folder / "alive").exists(), "what has not ended yet keeps its folder"
            wait_until(lambda: not any(map(is_running, left)), "the end of what killed workers have begun", 10)
            hold.unlink()
            assert run.ended() == 1, run.said
    results = checks.results()
    assert results["host.command.held@dmz"]["verdict"] == "ok", run.said
    assert results["vantage.reports@dmz"]["verdict"] == "ok"
    assert "has not been heard for 15 s; it is sent again, 2 of 3" in run.said
    gone = results["vantage.reports@office"]
    assert (gone["verdict"], gone["severity"]) == ("breach", "P0")
    assert "has not been heard for 15 s; no worker has taken it; start one there: opscheck worker" in gone["message"]
    assert results["host.command.held@office"]["verdict"] == "unknown"
    assert "has not been heard for 15 s" in results["host.command.held@office"]["message"]
    nobody = results["vantage.reports@default"]
    assert nobody["verdict"] == "breach"
    assert nobody["message"] == (
        "vantage default brought no results: no worker has taken it; start one there: opscheck worker --from default"
    )
    assert not server.client.keys("opscheck.*"), "what nobody has taken is taken back"
    with worker(folder, server.url(), "dmz", env=env):
        assert not list(there.iterdir()), "and what killed workers have left goes with the next one"


def is_running(pid: int) -> bool:
    """Tell whether a process has not ended, whoever is to take note of that."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


REFUSED = """
[opscheck]
name = "refused"
[suites.daily]
deadline = "25s"
[vantage.version]
[vantage.value]
[vantage.default_of_one]
[vantage.lacking]
[vantage.stranger]
[http.a]
url = "${URL_A}"
from = "version"
[http.b]
url = "${URL_B}"
from = "value"
[http.c]
url = "http://127.0.0.1:9/${PATH_C:-c}"
from = "default_of_one"
[http.d]
url = "${URL_D}"
from = "lacking"
[http.e]
url = "http://127.0.0.1:9/"
from = "stranger"
"""


def refusing_workers(folder: Path, server: Redis) -> None:
    """Each in its own words: another version, another value, none, and another key."""
    known = {"URL_B": "http://127.0.0.1:9/canary-b"}
    checks = Checks.of(folder / "checks", server.url(), REFUSED, **known)
    info = folder / "older" / "pytest_opscheck-0.0.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pytest-opscheck\nVersion: 0.0.9\n", encoding="utf-8")
    others = {
        "version": {"PYTHONPATH": str(folder / "older"), "URL_A": "http://127.0.0.1:9/"},
        "value": {"URL_B": "http://127.0.0.1:9/canary-c"},
        "default_of_one": {"PATH_C": "canary-d"},
        "lacking": {},
        "stranger": {"OPSCHECK_KEY": "another key that has forty characters..."},
    }
    workers = [worker(folder, server.url(), vantage, env=env) for vantage, env in others.items()]
    with workers[0], workers[1], workers[2], workers[3], workers[4] as stranger:
        ended = checks.run()
        assert ended.process.returncode == 1, ended.said
    found = {name: result["message"] for name, result in checks.results().items()}
    assert "this worker has pytest-opscheck 0.0.9, and the run 0." in found["vantage.reports@version"]
    assert "URL_B has another value on this worker" in found["vantage.reports@value"]
    assert "PATH_C is set on this worker, and it is not where" in found["vantage.reports@default_of_one"]
    assert "http.d.url: ${URL_D} is not there" in found["vantage.reports@lacking"]
    assert "this run's OPSCHECK_KEY has not signed" in found["vantage.reports@stranger"]
    assert "is not signed with this OPSCHECK_KEY" in stranger.said
    assert {result["verdict"] for result in checks.results().values()} == {"breach", "unknown"}
    assert "canary" not in ended.said + (checks.folder / "reports/daily/latest.json").read_text()


def no_broker(folder: Path, _server: Redis) -> None:
    """A broker that is killed in the middle, and does not come back."""
    inventory, hold = held(folder, "25s")
    with broker(folder / "broker") as own:
        checks = Checks.of(folder / "checks", own.url(), inventory)
        with worker(folder, own.url(), "dmz") as working, checks.started() as run:
            begun(folder, 1)
            own.kill()
            run.wait_for("it is tried again until the deadline")
            assert run.ended() == 1, run.said
            working.process.terminate()
            assert working.ended(8) == 0, working.said
        hold.unlink()
    results = checks.results()
    assert {results[f"vantage.reports@{name}"]["verdict"] for name in ("default", "dmz", "office")} == {"breach"}
    assert f"the broker {own.url()} does not do its work" in results["vantage.reports@dmz"]["message"]


def broker_that_comes_back(folder: Path, _server: Redis) -> None:
    """With nothing in it: what a worker has begun is not lost, and what none had taken is sent again."""
    inventory, hold = held(folder, "90s")
    with broker(folder / "broker") as own:
        checks = Checks.of(folder / "checks", own.url(), inventory)
        dmz, office = worker(folder, own.url(), "dmz"), worker(folder, own.url(), "office")
        with dmz, office as second, checks.started() as run:
            begun(folder, 2)
            run.wait_for("vantage default: no worker has taken it yet")
            own.kill()
            run.wait_for("it is tried again until the deadline")
            own.start()
            run.wait_for("the broker answers again")
            with worker(folder, own.url(), "default"):
                hold.unlink()
                assert run.ended() == 0, run.said + second.said
    assert "vantage default: the broker has it no more" in run.said
    assert (folder / "times").read_text() == "x\nx\n", "nothing ran twice"


SCENES = (killed_workers, refusing_workers, no_broker, broker_that_comes_back)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BaseException | None]:
    """Have all of it go wrong at once, for each mostly waits; returns what each has raised."""
    folder = tmp_path_factory.mktemp("scenes")
    with broker(folder / "broker") as one, broker(folder / "other") as other, ThreadPoolExecutor() as pool:
        begun = {
            each.__name__: pool.submit(each, folder / each.__name__, server)
            for each, server in zip(SCENES, (one, other, one, one), strict=True)
        }
        return {name: scene.exception() for name, scene in begun.items()}


@pytest.mark.parametrize("scene", [each.__name__ for each in SCENES])
def test_it_is_never_green_always_named_and_always_ended(scenes: dict[str, BaseException | None], scene: str) -> None:
    if (error := scenes[scene]) is not None:
        raise error


def test_a_broker_that_never_answers_is_named_and_shows_no_password(tmp_path: Path) -> None:
    inventory, _ = held(tmp_path / "held", "5s")
    checks = Checks.of(tmp_path / "checks", f"redis://:canary-7@127.0.0.1:{free_port()}/0", inventory)
    ended: Started = checks.run()
    assert ended.process.returncode == 1, ended.said
    assert "does not do its work" in checks.results()["vantage.reports@dmz"]["message"]
    assert "canary" not in ended.said
