"""Which version answers: asked over new connections, since an old instance may still be behind the balancer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from ..catalogue import kind_named
from ..inventory import Inventory
from ..inventory.gate import Version
from ..probes import UnknownError, UnreachableError
from .baseline import GateError
from .looking import Looker, StoppedError

NO_VERSION = "no version"
_TRY_S = 5.0
_PAUSE_S = 1.0


def answering(inventory: Inventory, version: Version) -> Counter[str]:
    """Return which versions answer, and how often each, over as many new connections as are asked for.

    What does not answer, or says none, counts under what is wrong with it.
    """
    return Counter(_asked(inventory, version) for _ in range(version.instances))


def _asked(inventory: Inventory, version: Version) -> str:
    import jmespath

    name = version.target.partition(".")[2]
    target = inventory.target("http", name)
    if target is None:
        raise GateError(f"there is no target {version.target}, which [gate] names as the one that says its version")
    try:
        with kind_named("http").connect(target.keys, _TRY_S) as web:
            version_there = jmespath.search(version.json_, web.answer.of_asked().json())
    except (UnknownError, UnreachableError, ValueError) as error:
        return f"{NO_VERSION} ({str(error).splitlines()[0]})"
    return NO_VERSION if version_there is None else str(version_there)


def waited_for(
    looker: Looker, version: Version, wanted: str, until: float, tell: Callable[[str], None]
) -> Counter[str]:
    """Wait until every connection sees a version; returns what was seen instead, nothing where all is well.

    Raises StoppedError.
    """
    while True:
        seen = answering(looker.inventory, version)
        if set(seen) == {wanted}:
            return Counter()
        if looker.is_stopped:
            raise StoppedError
        if time.monotonic() > until:
            return seen
        tell(f"waiting for version {wanted}: {described(seen, wanted)}")
        time.sleep(_PAUSE_S)


def described(seen: Counter[str], wanted: str = "") -> str:
    """Return how many of the answers came from which version."""
    total = sum(seen.values())
    return ", ".join(f"{count} of {total} answers came from {name}" for name, count in seen.items() if name != wanted)
