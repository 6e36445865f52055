"""What a fault is: how it is made for real and mended, which check it turns red, how badly, and in which words."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from examples.stack import Stack

Make = Callable[[Stack], Iterator[None]]
PATIENCE_S = 30


@dataclass(frozen=True)
class Fault:
    """A fault of one check. `make` makes it where its block begins, and mends it where that ends.

    `action` is what the next step has to hold then, and `beside` are other checks that run with it: one of them may
    decide what the next step is. `inventory` is the one that has the check. `patience_s` is how long it may take until
    the fault shows: an alert is evaluated, a health check fails often enough.
    """

    check: str
    severity: str
    says: tuple[str, ...]
    verdict: str
    make: Callable[[Stack], AbstractContextManager[None]]
    name: str
    action: str = ""
    beside: tuple[str, ...] = ()
    inventory: str = "opscheck.toml"
    patience_s: float = PATIENCE_S


@dataclass
class Catalogue:
    """The faults of one stack, in the order in which they are written down."""

    stack: str
    faults: list[Fault] = field(default_factory=list)

    def __call__(
        self, check: str, severity: str, *says: str, verdict: str = "breach", **more: Any
    ) -> Callable[[Make], Make]:
        """Add a fault that turns `check`, the id of a result, red with a severity and a message that holds `says`.

        `more` are other fields of Fault. One fault may stand for several checks: the decorator is then repeated.
        """

        def added(make: Make) -> Make:
            @contextlib.contextmanager
            def made(stack: Stack) -> Iterator[None]:
                steps = make(stack)
                next(steps)
                try:
                    yield
                finally:  # what is not mended would fail all that follow
                    next(steps, None)

            self.faults.append(Fault(check, severity, says, verdict, made, make.__name__, **more))
            return make

        return added
