"""A worker: takes orders for what is looked at from where it stands, runs them, and says what came of each."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..core.suites import suite_problem
from ..core.vantage import DEFAULT
from ..inventory.environment import FILE
from ..inventory.secret_files import SecretFileError, secret_of
from .broker import Broker, BrokerError
from .messages import SKEW_S, Of, Order, Reply, addressed, shortened, version
from .running import RefusedError, results
from .signing import CarrierError, Key, Purpose, UnsignedError

SIGN_S = 2.0
"""How often a worker says that it is at a part."""
_RETRY_S = 1.0
_MOST_KNOWN = 10_000
"""So many orders are remembered, the newest ones: one that comes again is left alone."""
Say = Callable[[str], object]


@dataclass
class Worker:
    """A worker at a vantage point; `stop` is set where it is asked to end, and `say` tells people."""

    broker: Broker
    key: Key
    vantage: str
    stop: threading.Event
    say: Say
    _known: OrderedDict[Of, None] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, message: object) -> None:
        """Run the part that an order is for, and say what came of it. An order that has come before is none."""
        try:
            data = self.key.read(Purpose.ORDER, message)
            of = addressed(data)
        except (UnsignedError, ValueError):
            self.say(
                "an order was left alone that is not signed with this OPSCHECK_KEY; set it to the same one where runs "
                "are started and on each worker, or see who else can write to the broker"
            )
            self._say_unsigned(message)
            return
        if self._is_known(of):
            self.say(f"{of.part} of {of.run}: its order came again, and was left alone")
            return
        self.say(f"{of.part} of {of.run}: begins")
        with self._speaking(of, data) as speaker:
            try:
                found = self._results(data)
                speaker.end("results", results=found, digest=str(data.get("digest")))
                self.say(f"{of.part} of {of.run}: its results are sent")
            except (RefusedError, CarrierError, OSError) as error:  # the last of a full disk
                self.say(f"{of.part} of {of.run}: {error}")
                speaker.end("refused", reason=shortened(str(error)))

    def _is_known(self, of: Of) -> bool:
        with self._lock:
            is_known = of in self._known
            self._known[of] = None
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return is_known

    def _results(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the results of an order's part. Raises RefusedError."""
        if data.get("version") != version():
            raise RefusedError(
                f"this worker has pytest-opscheck {version()}, and the run {data.get('version')}; install the same one"
            )
        try:
            order = Order.model_validate(data)
        except ValidationError as error:
            raise RefusedError(f"its order is not understood: {error.errors(include_input=False)[0]['msg']}") from None
        self._require_mine(order)
        left_s = order.deadline - time.time()
        if left_s < -SKEW_S:
            raise RefusedError("its deadline was over when this worker took it")
        require_values(order, self.key)
        return results(order, min(left_s + SKEW_S, order.deadline - order.sent), self.stop)

    def _require_mine(self, order: Order) -> None:
        if (order.of.vantage or DEFAULT) != self.vantage:
            raise RefusedError(f"this worker looks from {self.vantage}")
        if problem := suite_problem(order.suite):
            raise RefusedError(problem)

    @contextlib.contextmanager
    def _speaking(self, of: Of, data: dict[str, Any]) -> Iterator[Speaker]:
        deadline = data.get("deadline")
        until = float(deadline) if isinstance(deadline, int | float) else time.time()
        speaker = Speaker(self, of, until)
        thread = threading.Thread(target=speaker.show_life, name="opscheck-signs", daemon=True)
        thread.start()
        try:
            yield speaker
        finally:
            speaker.is_over.set()
            thread.join(SIGN_S)

    def _say_unsigned(self, message: object) -> None:
        """Say to who waits that an order was not taken; what is said is signed with another key, as theirs is."""
        with contextlib.suppress(BrokerError, TypeError, ValueError, KeyError, RecursionError):
            of = addressed(json.loads(json.loads(str(message))["body"]))
            reply = Reply(kind="refused", of=of, worker=name(), number=0, reason="another key")
            with self.broker.connected() as line:
                line.reply(of.run, self.key.signed(Purpose.REPLY, reply.model_dump()), SKEW_S)


class Speaker:
    """Says what becomes of one part, to who has started its run."""

    def __init__(self, worker: Worker, of: Of, until: float) -> None:
        self.is_over = threading.Event()
        self._worker = worker
        self._of = of
        self._until = until
        self._number = 0
        self._lock = threading.Lock()

    def show_life(self) -> None:
        """Give a sign of life every other second; where the broker does not take one, it takes a later one."""
        while not self.is_over.is_set():
            with contextlib.suppress(BrokerError), self._worker.broker.connected() as line:
                while True:
                    line.reply(self._of.run, self._said("alive"), self._left_s)
                    if self.is_over.wait(SIGN_S):
                        return
            self.is_over.wait(_RETRY_S)

    def end(self, kind: str, **what: Any) -> None:
        """Say how it ended, until the broker takes it or nobody waits for it any more."""
        self.is_over.set()
        message = self._said(kind, **what)
        while True:
            try:
                with self._worker.broker.connected() as line:
                    line.reply(self._of.run, message, self._left_s)
            except BrokerError as error:
                self._worker.say(f"{self._of.part} of {self._of.run}: {error}")
                if self._left_s < -SKEW_S or self._worker.stop.wait(_RETRY_S):
                    return
            else:
                return

    @property
    def _left_s(self) -> float:
        return self._until - time.time()

    def _said(self, kind: str, **what: Any) -> str:
        with self._lock:
            self._number += 1
            number = self._number
        reply = Reply.model_validate({"kind": kind, "of": self._of, "worker": name(), "number": number, **what})
        return self._worker.key.signed(Purpose.REPLY, reply.model_dump())


def require_values(order: Order, key: Key) -> None:
    """Refuse an order of which a variable has another value here, by its name. Raises RefusedError.

    One that is not there where the run was started is a secret of this machine's, unless a default stands for it there.
    """
    for variable, known in order.values.items():
        here = _value(variable)
        if here is None:
            if known is not None and variable in order.defaulted:
                raise RefusedError(f"{variable} is not set on this worker, and it is where the run was started")
        elif known is None and variable in order.defaulted:
            raise RefusedError(f"{variable} is set on this worker, and it is not where the run was started")
        elif known is not None and known != key.of_value(order.of.run, variable, here):
            raise RefusedError(f"{variable} has another value on this worker than where the run was started")


def _value(variable: str) -> str | None:
    word, _, path = variable.partition(":")
    if word != FILE or not path:
        return os.environ.get(variable) or None
    try:
        return secret_of(Path(path))
    except SecretFileError as error:
        raise RefusedError(str(error)) from None


def name() -> str:
    """Return what this worker is called."""
    return f"{platform.node()} ({os.getpid()})"[:200]
