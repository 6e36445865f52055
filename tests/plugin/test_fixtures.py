"""A fixture a kind for your own checks, and what happens where another plugin has one of that name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import results

Project = Callable[..., pytest.Pytester]

HOSTS = """
[host.one]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.two]
expect = { disk = false, memory = false, load = false, cpu = false }
"""
ON_HOSTS = """
import pytest

@pytest.mark.daily
def test_passwd(host):
    assert host.file("/etc/passwd").contains("root")

@pytest.mark.daily
def test_measures(host, expect):
    expect(int(host.check_output("echo 41")), subject="answer", limit="== 42")
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_host_is_testinfras_own_for_each_host_of_the_inventory(project: Project, workers: tuple[str, ...]) -> None:
    pytester = project(HOSTS)
    pytester.makepyfile(test_mine=ON_HOSTS)
    pytester.runpytest_subprocess("-m", "daily", *workers)
    found = {result_id: result["verdict"] for result_id, result in results(pytester).items()}
    assert found["mine.passwd@one"] == found["mine.passwd@two"] == "ok"
    assert found["mine.measures@one"] == found["mine.measures@two"] == "breach"
    assert results(pytester)["mine.measures@one"]["message"] == "answer is 41, expected 42"


def test_testinfras_own_hosts_option_still_says_which(project: Project) -> None:
    pytester = project(HOSTS)
    pytester.makepyfile(test_mine=ON_HOSTS)
    result = pytester.runpytest_subprocess("-m", "daily", "-v", "--hosts", "local://", "test_mine.py")
    result.stdout.fnmatch_lines(["*test_passwd?local?*"])


def test_testinfra_is_left_alone_without_a_suite(project: Project) -> None:
    pytester = project(HOSTS)
    pytester.makepyfile("def test_passwd(host): assert host.file('/etc/passwd').exists")
    result = pytester.runpytest_subprocess("-v")
    result.stdout.fnmatch_lines(["*test_passwd?local?*PASSED*"])


def test_pytest_dockers_fixtures_still_work(project: Project) -> None:
    pytester = project(HOSTS)
    pytester.makepyfile(
        test_mine="""
        import pytest

        @pytest.mark.daily
        def test_project_name(docker_compose_project_name, expect):
            expect(docker_compose_project_name.startswith("pytest"), limit="== true")
        """
    )
    pytester.runpytest_subprocess("-m", "daily", "test_mine.py").stdout.fnmatch_lines(["*1 passed*"])


def test_ours_wins_over_another_plugins_fixture(project: Project) -> None:
    pytester = project(HOSTS + '[redis.cache]\nurl = "redis://127.0.0.1:1"\n')
    pytester.makepyfile(
        other_plugin="import pytest\n@pytest.fixture\ndef redis(): return 'the other one'\n",
        test_mine="""
        import pytest

        @pytest.mark.daily
        def test_which(redis, expect):
            expect(redis, limit="== the other one")
        """,
    )
    pytester.runpytest_subprocess("-p", "other_plugin", "-m", "daily", "test_mine.py")
    assert "127.0.0.1" in results(pytester)["mine.which@cache"]["message"]


def test_ones_own_fixture_wins_over_ours(project: Project) -> None:
    pytester = project(HOSTS)
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef redis(): return 'mine'\n")
    pytester.makepyfile(
        test_mine="""
        import pytest

        @pytest.mark.daily
        def test_which(redis, expect):
            expect(redis, limit="== mine")
        """
    )
    pytester.runpytest_subprocess("-m", "daily", "test_mine.py").stdout.fnmatch_lines(["*1 passed*"])


def test_the_redis_client_refuses_to_write(project: Project) -> None:
    from pytest_opscheck.probes import UnknownError
    from pytest_opscheck.probes.redis._server import _read_only_class

    client = _read_only_class()(host="127.0.0.1", port=1)
    for command in (("FLUSHALL",), ("SET", "a", "b"), ("CONFIG", "SET", "a", "b"), ("KEYS", "*"), ("EVAL", "", 0)):
        with pytest.raises(UnknownError, match="only read"):
            client.execute_command(*command)
        with pytest.raises(UnknownError, match="only read"):
            client.pipeline().execute_command(*command)


CANNOT_TELL = """
import pytest
from pytest_opscheck import check, host
from pytest_opscheck.probes import UnknownError

@pytest.fixture
def asked():
    raise UnknownError("the fixture cannot tell; ask later")

@pytest.mark.daily
def test_asks(expect):
    raise UnknownError("the function cannot tell; ask later")

@pytest.mark.daily
def test_set_up(asked, expect): ...

@check(host.load, limit="< 100")
def test_own_load(load, expect):
    raise UnknownError("the check cannot tell; ask later")

@pytest.mark.daily
def test_own_fault(expect):
    raise KeyError("a fault of the test")
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_ones_own_check_that_cannot_tell_says_so_in_a_line(project: Project, workers: tuple[str, ...]) -> None:
    """The traceback of an error of ours shows nothing that its message does not say; that of another one does."""
    pytester = project(HOSTS)
    pytester.makepyfile(test_mine=CANNOT_TELL)
    result = pytester.runpytest_subprocess("-m", "daily", *workers)
    found = results(pytester)
    for name, what in (("asks@-", "function"), ("set_up@-", "fixture")):
        assert found[f"mine.{name}"]["verdict"] == "unknown"
        assert found[f"mine.{name}"]["message"] == f"unknown: the {what} cannot tell; ask later"
    assert found["host.own_load@one"]["message"] == "unknown: the check cannot tell; ask later"
    output = result.stdout.str()
    assert "raise UnknownError" not in output
    assert "    unknown: the function cannot tell; ask later" in result.stdout.lines
    assert "    unknown: the fixture cannot tell; ask later" in result.stdout.lines
    assert 'raise KeyError("a fault of the test")' in output
    page = (pytester.path / "reports" / "daily" / "latest.html").read_text(encoding="utf-8")
    assert "raise UnknownError" not in page
    assert "raise KeyError" in page


OPTIONS = """
from pytest_opscheck import NEEDED, LadderParam, check, host

@check(host.filesystems)
def test_room(filesystems, expect, *, most: LadderParam = {"P3": "< 0%", "P1": "< 100.5%"}):
    \"\"\"There is room.\"\"\"
    for filesystem in filesystems:
        expect(filesystem.used_percent, "%", subject=filesystem.mount, limit=most)
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_check_of_your_own_has_its_own_parameters(project: Project, workers: tuple[str, ...]) -> None:
    """They are validated as the inventory's keys are, and handed over beside the reading."""
    pytester = project(HOSTS)
    pytester.makepyfile(test_mine=OPTIONS)
    pytester.runpytest_subprocess("-m", "daily", *workers)
    found = {result_id: (result["verdict"], result["severity"]) for result_id, result in results(pytester).items()}
    assert found["host.room@one"] == found["host.room@two"] == ("breach", "P3")


@pytest.mark.parametrize(
    ("default", "said"),
    [
        ("NEEDED", "test_room: nothing sets most; give each a default in your own check"),
        ('"< five"', "test_room: the default of most: *< five*"),
    ],
)
def test_a_check_of_your_own_that_nobody_can_set_is_an_error(project: Project, default: str, said: str) -> None:
    pytester = project(HOSTS)
    pytester.makepyfile(test_mine=OPTIONS.replace('{"P3": "< 0%", "P1": "< 100.5%"}', default))
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret != 0
    result.stdout.fnmatch_lines([f"*UsageError: {said}*"])
