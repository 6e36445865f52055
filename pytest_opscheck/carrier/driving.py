"""Has workers run the parts of a run, until all have brought their results, or its deadline is over."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..core.shards import Part
from ..inventory import Inventory
from ..inventory.carried import NotCarriedError, mentioned, texts_of
from ..inventory.kept import without_secrets
from .broker import Broker, BrokerError, Line
from .messages import Of, Order, version
from .parts import Parts, Sent
from .signing import CarrierError, Key, Purpose, UnsignedError

_LOOK_S = 0.5
_RETRY_S = 1.0


@dataclass
class Driver:
    """Drives one run. `deadline` is in seconds since 1970."""

    broker: Broker
    key: Key
    parts: Parts
    orders: Orders
    deadline: float
    app: Any = field(init=False)

    def __post_init__(self) -> None:
        self.app = self.broker.app()

    def drive(self) -> None:
        """Send the parts, and hear of them."""
        while not self.parts.are_over and self._left_s > 0:
            try:
                with self.broker.connected() as line:
                    self._drive(line)
            except BrokerError as error:
                self.parts.disconnected(str(error))
                time.sleep(min(_RETRY_S, max(self._left_s, 0)))

    def take_back(self) -> None:
        """Leave nothing with the broker that nobody has taken; one that does not answer has an end for all of it."""
        if self.parts.fault is not None:
            return
        with contextlib.suppress(BrokerError), self.broker.connected() as line:
            line.end(self.parts.run, {part.vantage for part in self.parts.sent})

    def _drive(self, line: Line) -> None:
        line.listen(self.parts.run)
        self.parts.connected(time.monotonic())
        while not self.parts.are_over and self._left_s > 0:
            for each in self.parts.due(time.monotonic(), line.waiting):
                self._send(each, line)
            for message in line.heard(min(_LOOK_S, max(self._left_s, 0.01))):
                self.parts.hear(self._read(message), time.monotonic())

    def _send(self, each: Sent, line: Line) -> None:
        of = Of(run=self.parts.run, vantage=each.part.vantage, shard=str(each.part.shard), attempt=each.attempt + 1)
        line.order(self.app, of, self.orders.signed(of, self.key, self.deadline), self._left_s)
        each.begin(time.monotonic())

    def _read(self, message: str) -> dict[str, Any] | None:
        try:
            return self.key.read(Purpose.REPLY, message)
        except UnsignedError:
            return None

    @property
    def _left_s(self) -> float:
        return self.deadline - time.time()


@dataclass(frozen=True)
class Orders:
    """What all orders of a run have in common."""

    suite: str
    main: str
    texts: Mapping[str, str]
    values: Mapping[str, str | None]
    defaulted: tuple[str, ...]
    lists: Mapping[str, Any]

    @classmethod
    def of(cls, inventory: Inventory, suite: str, key: Key, run: str) -> Orders:
        """Return the orders of a suite's run. Raises CarrierError for what can't be carried."""
        try:
            texts, found = texts_of(inventory), list(mentioned(inventory))
        except NotCarriedError as error:
            raise CarrierError(str(error)) from None
        for each in inventory.lists:
            for fields in (item.fields for item in each.members.values()):
                if lost := fields.keys() - without_secrets(fields).keys():
                    raise CarrierError(
                        f"the items of source.{each.name} have {', '.join(sorted(lost))}, which is secret and is not "
                        "carried; leave it out of the list, and name a variable instead"
                    )
        values = {each.name: None if each.value is None else key.of_value(run, each.name, each.value) for each in found}
        defaulted = tuple(sorted({each.name for each in found if each.has_default}))
        lists = {each.name: each.told for each in inventory.lists}
        return cls(suite, next(iter(texts)), texts, values, defaulted, lists)

    @cached_property
    def digest(self) -> str:
        """What tells these orders from those of another inventory, list or variable."""
        said = json.dumps([self.main, self.texts, self.values, self.defaulted, self.lists], sort_keys=True)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()

    def signed(self, of: Of, key: Key, deadline: float) -> str:
        """Return the signed order for a part. Raises CarrierError where it is too long."""
        order = Order(
            of=of,
            version=version(),
            sent=time.time(),
            deadline=deadline,
            suite=self.suite,
            digest=self.digest,
            main=self.main,
            texts=dict(self.texts),
            values=dict(self.values),
            defaulted=list(self.defaulted),
            lists=dict(self.lists),
        )
        return key.signed(Purpose.ORDER, order.model_dump())


def driver_of(
    inventory: Inventory,
    suite: str,
    parts: Mapping[Part, Sent],
    deadline: float,
    *,
    say: Callable[[str], object],
    environment: Mapping[str, str],
) -> Driver:
    """Return what drives a suite's run. Raises CarrierError where it can't begin."""
    key, broker, run = Key.of(environment), Broker.of(environment), uuid.uuid4().hex
    orders = Orders.of(inventory, suite, key, run)
    for part in parts:
        orders.signed(Of(run=run, vantage=part.vantage, shard=str(part.shard), attempt=1), key, deadline)
    name = inventory.redactor.text(inventory.name)
    return Driver(broker, key, Parts(run, suite, name, version(), orders.digest, parts, say), orders, deadline)
