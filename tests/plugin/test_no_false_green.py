"""Rule 1: unknown is not ok, and a run in which nothing was judged does not exit 0."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import results, verdicts

Project = Callable[..., pytest.Pytester]


def test_a_breach_fails_the_run(project: Project) -> None:
    pytester = project()
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1
    assert verdicts(pytester) == {
        "host.reachable@local": "ok",
        "host.command.fine@local": "ok",
        "host.command.broken@local": "breach",
    }


@pytest.mark.parametrize(("expression", "near"), [("dialy", "daily"), ("daily or smokee", "smoke")])
def test_a_misspelt_suite_is_an_error(project: Project, expression: str, near: str) -> None:
    result = project().runpytest_subprocess("-m", expression)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*did you mean '{near}'?*"])


def test_a_suite_of_which_nothing_ran(project: Project) -> None:
    assert project().runpytest_subprocess("-m", "monthly").ret == 5


def test_a_selection_that_leaves_nothing(project: Project) -> None:
    assert project().runpytest_subprocess("-m", "daily", "-k", "nothing_of_that_name").ret == 5


def test_a_check_that_measures_nothing(project: Project) -> None:
    pytester = project()
    pytester.makepyfile(
        """
        from pytest_opscheck import check, host

        @check(host.memory, limit="< 100%")
        def test_forgot(memory, expect):
            pass
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily", "-k", "forgot").ret == 1
    assert results(pytester)["host.forgot@local"]["verdict"] == "unknown"


@pytest.mark.parametrize("value", ["float('nan')", "None", "''", "'n/a'", "[]"])
def test_a_value_that_cannot_be_judged(project: Project, value: str) -> None:
    pytester = project()
    pytester.makepyfile(
        f"""
        from pytest_opscheck import check, host

        @check(host.memory, limit="< 100")
        def test_odd(memory, expect):
            expect({value}, subject="odd")
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily", "-k", "odd").ret == 1
    assert results(pytester)["host.odd@local"]["verdict"] == "unknown"


def test_a_reading_with_the_wrong_unit(project: Project) -> None:
    pytester = project()
    pytester.makepyfile(
        """
        from pytest_opscheck import check, host

        @check(host.memory, limit="< 100%")
        def test_odd(memory, expect):
            expect(3, "s")
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily", "-k", "odd").ret == 1
    assert results(pytester)["host.odd@local"]["verdict"] == "unknown"


def test_an_error_in_a_check_is_unknown_and_shows_its_traceback(project: Project) -> None:
    pytester = project()
    pytester.makepyfile(
        """
        from pytest_opscheck import check, host

        @check(host.memory, limit="< 100%")
        def test_bug(memory, expect):
            expect(memory.used_percent, "%")
            memory.nothing_of_that_name
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily", "-k", "bug")
    assert result.ret == 1
    assert results(pytester)["host.bug@local"]["verdict"] == "unknown"
    result.stdout.fnmatch_lines(["*AttributeError*"])


def test_an_import_error_in_ones_own_checks(project: Project) -> None:
    pytester = project(
        """
        [host.local]
        """
    )
    pytester.makepyfile(test_mine="import nothing_of_that_name")
    assert pytester.runpytest_subprocess("-m", "daily").ret not in (0, 5)


def test_a_test_that_skips_itself_is_not_enough(project: Project) -> None:
    pytester = project()
    pytester.makepyfile(
        test_mine="""
        import pytest

        @pytest.mark.daily
        def test_skips(host, expect):
            pytest.skip("not today")
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily", "test_mine.py").ret == 1


def test_a_host_that_is_gone_fails_once(project: Project) -> None:
    """One cause, one failure: `reachable` fails, the others are blocked by it."""
    pytester = project(
        """
        [host.gone]
        connect = "docker://no-such-container"
        [backup.db]
        on = "gone"
        path = "/srv/*.gz"
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret == 1
    found = verdicts(pytester)
    assert found.pop("host.reachable@gone") == "breach"
    assert set(found.values()) == {"blocked"}
    assert results(pytester)["backup.fresh@db"]["blocked_by"] == "host.reachable@gone"


@pytest.mark.parametrize("selection", ["disk", "fresh"])
def test_blocked_by_a_check_that_is_not_part_of_the_run_is_unknown(project: Project, selection: str) -> None:
    pytester = project(
        """
        [host.gone]
        connect = "docker://no-such-container"
        [backup.db]
        on = "gone"
        path = "/srv/*.gz"
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily", "-k", selection).ret == 1
    assert set(verdicts(pytester).values()) == {"unknown"}


def test_a_target_of_which_nothing_is_judged_is_an_error(project: Project) -> None:
    pytester = project(
        """
        [host.local]
        [redis.cache]
        url = "redis://127.0.0.1:1"
        expect = { reachable = false, memory = false }
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*redis.cache: *nothing would be judged*"])


def test_a_target_outside_of_the_suite_is_named(project: Project) -> None:
    pytester = project(
        """
        [host.local]
        [host.other.expect]
        reachable = false
        disk = false
        memory = { P2 = "< 100%", suites = ["weekly"] }
        load = false
        cpu = false
        """
    )
    result = pytester.runpytest_subprocess("-m", "smoke")
    result.stdout.fnmatch_lines(["*targets without a result: host.other*"])


GREEN = "[host.local]\nexpect = { disk = false, load = false, cpu = false }\n"


@pytest.mark.parametrize("setting", ["python_files = *_test.py", "python_functions = check_*"])
def test_settings_that_hide_the_shipped_checks(project: Project, setting: str) -> None:
    pytester = project(GREEN)
    pytester.makeini(f"[pytest]\n{setting}\n")
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret not in (0, 5) or "2 ok" in result.stdout.str()


def test_a_conftest_that_skips_the_checks(project: Project) -> None:
    pytester = project(GREEN)
    pytester.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items[1:]:
                item.add_marker(pytest.mark.skip(reason="not today"))
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1
    assert results(pytester)["host.memory@local"]["verdict"] == "unknown"
    assert "not today" in results(pytester)["host.memory@local"]["message"]


def test_a_run_that_is_ended_early(project: Project) -> None:
    pytester = project(GREEN)
    pytester.makepyfile(
        test_a="""
        import pytest

        @pytest.mark.daily
        def test_ends(host):
            pytest.exit("done", returncode=0)
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily").ret != 0


def test_two_checks_of_one_name(project: Project) -> None:
    pytester = project(GREEN)
    for name, limit in (("a", "< 100%"), ("b", "< 0.01%")):
        pytester.makepyfile(
            **{
                f"test_{name}": f"""
                from pytest_opscheck import check, host

                @check(host.memory, limit="{limit}")
                def test_mine(memory, expect):
                    expect(memory.used_percent, "%")
                """
            }
        )
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret not in (0, 5)


@pytest.mark.parametrize(
    "body",
    [
        "expect(100, limit='< 1'); pytest.skip('meh')",
        "pytest.skip('meh')",
        "request.addfinalizer(lambda: expect(100, limit='< 1')); expect(0, limit='< 1')",
    ],
)
def test_a_breach_is_not_skipped_over(project: Project, body: str) -> None:
    pytester = project(GREEN)
    pytester.makepyfile(
        test_mine=f"""
        import pytest

        @pytest.mark.daily
        def test_mine(expect, request):
            {body}
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1


@pytest.mark.parametrize("fixture", ["postgres", "host"])
def test_a_test_without_a_target_is_not_ok(project: Project, fixture: str) -> None:
    pytester = project('[redis.cache]\nurl = "redis://127.0.0.1:1"\n')
    pytester.makepyfile(
        test_mine=f"""
        import pytest

        @pytest.mark.daily
        def test_mine({fixture}, expect):
            expect(0, limit="< 1")
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily", "test_mine.py").ret == 1


def test_a_misspelt_suite_in_a_check_of_ones_own(project: Project) -> None:
    pytester = project(GREEN)
    pytester.makepyfile(
        test_mine="""
        from pytest_opscheck import check, host

        @check(host.memory, limit="< 100%", suites=("dialy",))
        def test_mine(memory, expect):
            expect(memory.used_percent, "%")
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret not in (0, 5)
    result.stdout.fnmatch_lines(["*no suite 'dialy'*daily*"])


@pytest.mark.parametrize("output", ["1,234", "0xFFFF", "0/8 bad of 900", "2 900"])
def test_a_commands_value_is_one_number(project: Project, output: str) -> None:
    pytester = project(GREEN + f'[host.local.command.odd]\nrun = "echo {output}"\nvalue = "< 5"\n')
    assert pytester.runpytest_subprocess("-m", "daily", "-k", "odd").ret == 1
    assert results(pytester)["host.command.odd@local"]["verdict"] == "unknown"


def test_a_link_to_an_inventory_that_is_gone(project: Project) -> None:
    pytester = project(GREEN)
    (pytester.path / "opscheck.toml").unlink()
    (pytester.path / "opscheck.toml").symlink_to("nowhere.toml")
    assert pytester.runpytest_subprocess("-m", "daily").ret == 4


def test_a_dead_worker_is_not_waited_for(project: Project) -> None:
    pytester = project(GREEN + "[host.other]\nexpect = { disk = false, load = false, cpu = false }\n")
    pytester.makeconftest(
        """
        import os

        def pytest_collection_finish(session):
            if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
                os._exit(9)
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily", "-n", "2")
    assert result.duration < 45
    found = results(pytester)
    assert len(found) == 4, "each check has a result"
    assert not any("no answer in time" in each["message"] for each in found.values()), "another worker has its share"
    assert result.ret == (0 if all(each["verdict"] == "ok" for each in found.values()) else 1)


def test_a_check_of_ones_own_without_a_target(project: Project) -> None:
    pytester = project()
    pytester.makepyfile(
        test_mine="""
        from pytest_opscheck import check, redis

        @check(redis.keys, limit="> 3")
        def test_sessions(keys, expect):
            expect(keys)
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily", "-k", "sessions").ret == 1
    (result,) = results(pytester).values()
    assert result["verdict"] == "unknown"
    assert "the inventory has no target of the kind redis" in result["message"]


@pytest.mark.parametrize("says_so", [False, True])
def test_a_conftest_that_takes_checks_out(project: Project, says_so: bool) -> None:
    pytester = project()
    deselect = "config.hook.pytest_deselected(items=gone)" if says_so else "pass"
    pytester.makeconftest(
        f"""
        def pytest_collection_modifyitems(config, items):
            gone = [item for item in items if "broken" in item.name]
            items[:] = [item for item in items if item not in gone]
            {deselect}
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily")
    if says_so:
        assert result.ret == 0
        assert set(verdicts(pytester)) == {"host.reachable@local", "host.command.fine@local"}
    else:
        assert result.ret == 4
        result.stderr.fnmatch_lines(["*test_host.py::test_command?local-broken? removed by a conftest.py*"])


def test_a_test_that_kills_its_worker_is_unknown(project: Project) -> None:
    pytester = project()
    pytester.makepyfile(
        test_mine="""
        import os
        import pytest

        @pytest.mark.daily
        def test_dies(host):
            os._exit(3)
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily", "-n", "2", "-k", "dies")
    assert result.ret == 1
    assert verdicts(pytester) == {"mine.dies@local": "unknown"}  # the id that it has where it does not die
    result.stdout.fnmatch_lines(["*worker*crashed*"])
