"""Fixtures for a user's own checks: one a kind, parametrized over its targets, and `expect`.

They exist only in runs that ask for checks, and are registered after every installed plugin, so that they win over
another plugin's fixture of the same name. A fixture of the user's own conftest or module wins over them, as it does
over any plugin's. `host` stays pytest-testinfra's own, fed from the inventory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ..catalogue import fixture_names, kind_named, shipped_fixtures
from ..gather import host_ansible
from ..gather.host import CONNECT_SECONDS, HostConnection, host_spec
from ..gather.host_paramiko import careful
from ..probes import UnreachableError

if TYPE_CHECKING:
    from ..core.secrets import Redactor
    from ..inventory import Inventory
    from ..judge.expect import Expect
    from .runner import Runner

_NOT_OURS = ("expect", "host")
"""Fixtures that are not made here by the name of a kind."""
_TESTINFRA = "_testinfra_host"


def _fixture(kind: str) -> Any:
    def connected(self: Fixtures, request: pytest.FixtureRequest) -> Iterator[Any]:
        target = self.inventory.target(kind, request.param)
        assert target is not None  # noqa: S101 - parametrized from the inventory
        with contextlib.ExitStack() as stack:
            try:
                connection = stack.enter_context(kind_named(kind).connect(target.keys, CONNECT_SECONDS))
            except UnreachableError as error:
                self.runner.unreachable(request.node, target, error)
            yield connection

    connected.__name__ = kind
    connected.__doc__ = f"What the probes of a {kind} target read from, for each [{kind}.NAME] of the inventory."
    return pytest.fixture(name=kind)(connected)


class Fixtures:
    """A plugin of fixtures, made for one inventory."""

    def __init__(self, inventory: Inventory, runner: Runner) -> None:
        self.inventory = inventory
        self.runner = runner

    @pytest.fixture
    def expect(self) -> Expect:
        """Judge what a check measures: expect(value, unit, subject=..., limit=...)."""
        # It does not ask for `request`: pytest makes a new one for every test, which is most of what a check costs.
        return self.runner.expect()


for _kind in shipped_fixtures():
    if _kind not in _NOT_OURS:
        setattr(Fixtures, _kind, _fixture(_kind))


def fixtures(inventory: Inventory, runner: Runner) -> Fixtures:
    """Return the fixtures for an inventory, with those of the kinds that other packages add."""
    more = {name: _fixture(name) for name in fixture_names() if name not in shipped_fixtures()}
    made: Fixtures = type("Fixtures", (Fixtures,), more)(inventory, runner)
    return made


@contextmanager
def parametrized(metafunc: pytest.Metafunc, inventory: Inventory, skip: str | None) -> Iterator[None]:
    """Parametrize the kinds' fixtures that a test asks for over their targets.

    pytest-testinfra parametrizes its own `host` unless `--hosts` or `testinfra_hosts` say of which, so the inventory's
    hosts take that place, and its hook does not see the argument meanwhile.
    """
    for name in fixture_names():
        if name not in (*_NOT_OURS, skip) and name in metafunc.fixturenames and _is_ours(metafunc, name):
            targets = [target.name for target in inventory.of_kind(name)]
            metafunc.parametrize(name, targets, ids=targets, indirect=True)
    names = metafunc.fixturenames
    hosts = inventory.of_kind("host")
    is_theirs = metafunc.config.getoption("hosts", None) or hasattr(metafunc.module, "testinfra_hosts")
    if _TESTINFRA not in names or is_theirs:
        yield
        return
    made = [_testinfra_of(host.keys.connect, inventory.redactor) for host in hosts]  # type: ignore[attr-defined]
    metafunc.parametrize(_TESTINFRA, made, ids=[host.name for host in hosts], scope="module", indirect=True)
    place = names.index(_TESTINFRA)
    names.remove(_TESTINFRA)
    try:
        yield
    finally:
        names.insert(place, _TESTINFRA)


def _testinfra_of(connect: str, redactor: Redactor) -> Any:
    """Return testinfra's object of a host; a command that a test no longer waits for is ended."""
    import testinfra

    spec, options = host_spec(connect)
    host = testinfra.get_host(spec, **options)
    HostConnection(connect).carry(host.backend, lambda text: redactor.text(text) != text)
    if host.backend.NAME == "ansible":
        host_ansible.only_a_host(host.backend)
    if host.backend.NAME == "paramiko":
        careful(host.backend)
    return host


def _is_ours(metafunc: pytest.Metafunc, name: str) -> bool:
    found = metafunc._arg2fixturedefs.get(name)  # noqa: SLF001 - pytest has no public way to ask
    return bool(found) and found[-1].func.__module__ == __name__  # type: ignore[index]
