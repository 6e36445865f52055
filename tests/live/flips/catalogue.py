"""What a fault is: how it is made for real and mended, which check it turns red, how badly, and in which words."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from examples.stack import Stack

Make = Callable[[Stack], Iterator[None]]


@dataclass(frozen=True)
class Fault:
    """A fault of one check. `make` makes it where its block begins, and mends it where that ends."""

    check: str
    severity: str
    says: tuple[str, ...]
    verdict: str
    make: Callable[[Stack], AbstractContextManager[None]]
    name: str


@dataclass
class Catalogue:
    """The faults of one stack, in the order in which they are written down."""

    stack: str
    faults: list[Fault] = field(default_factory=list)

    def __call__(self, check: str, severity: str, *says: str, verdict: str = "breach") -> Callable[[Make], Make]:
        """Add a fault that turns `check`, the id of a result, red with a severity and a message that holds `says`.

        One fault may stand for several checks: the decorator is then repeated.
        """

        def added(make: Make) -> Make:
            manager = contextlib.contextmanager(make)
            self.faults.append(Fault(check, severity, says, verdict, manager, make.__name__))
            return make

        return added
