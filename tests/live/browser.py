"""A headless Chromium, spoken to over a pipe in its own protocol (Chrome DevTools): what a reader sees, measured."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .processes import program

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",
)
_LONGEST_S = 30.0


class Browser:
    """One page of a running browser. `said` is what its console showed, `asked` the addresses that it asked for."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._number, self._text = 0, b""
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []
        self.said: list[str] = []
        self.asked: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the browser to do something, and return its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _LONGEST_S
        while True:
            answer = self._next(end)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                found: dict[str, Any] = answer["result"]
                return found
            self._take(answer)

    def open(self, file: Path) -> float:
        """Open a file, and return how many seconds that took until everything was loaded and drawn."""
        self._events.clear()
        started = time.monotonic()
        self.call("Page.navigate", url=file.absolute().as_uri())
        end = started + _LONGEST_S
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._take(self._next(end))
        self.call("Page.captureScreenshot", format="jpeg")  # which waits for what is drawn
        return time.monotonic() - started

    def evaluate(self, expression: str) -> Any:
        """Return what an expression is on the page, also where its own scripts are off."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def settled(self, expression: str, holds: str) -> str:
        """Return a text of the page once something is in it: what leads elsewhere takes its time."""
        end = time.monotonic() + _LONGEST_S
        while holds not in (found := str(self.evaluate(expression))) and time.monotonic() < end:
            time.sleep(0.05)
        return found

    def faults(self, axe: Path) -> list[str]:
        """Return what keeps people from reading the page, as axe-core finds it: what is serious or worse."""
        self.evaluate(f"{axe.read_text(encoding='utf-8')}; 0")
        told = "each.id + ': ' + each.nodes[0].html"
        found = f"found => found.violations.filter(each => /serious|critical/.test(each.impact)).map(each => {told})"
        expression = f"axe.run().then({found})"
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        told_by_axe: list[str] = answer["result"]["value"]
        return told_by_axe

    def size(self, width: int, height: int = 844) -> None:
        """Give the window a size, as a phone has below 500 px."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    def dark(self, *, dark: bool) -> None:
        """Prefer the dark mode, or the light one."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def scripts(self, *, on: bool) -> None:
        """Switch the scripts of pages on or off."""
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def press(self, key: str) -> None:
        """Press a key."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def click(self, x: float, y: float) -> None:
        """Click on a place of the window."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """Write what is seen as PNG; the whole page, or the window."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        file.write_bytes(base64.b64decode(data))

    def pdf(self) -> bytes:
        """Return the page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def _take(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        said = event.get("params", {})
        match event.get("method"):
            case "Runtime.consoleAPICalled":
                self.said.append(str(said["args"]))
            case "Runtime.exceptionThrown":
                self.said.append(str(said["exceptionDetails"]))
            case "Log.entryAdded":
                self.said.append(said["entry"]["text"])
            case "Network.requestWillBeSent":
                self.asked.append(said["request"]["url"])

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._text:
            readable, _, _ = select.select([self._read], [], [], max(0, end - time.monotonic()))
            assert readable, "the browser does not answer"
            chunk = os.read(self._read, 1 << 20)
            assert chunk, "the browser ended"
            self._text += chunk
        message, _, self._text = self._text.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a browser whose profile is in a folder, and end it."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()

    def pipes() -> None:
        # The browser reads from 3 and writes to 4, which may well be ends of these pipes: so by way of high numbers.
        os.dup2(to_read, 103)
        os.dup2(from_write, 104)
        os.dup2(103, 3)
        os.dup2(104, 4)

    command = [program("chromium"), *_FLAGS, f"--user-data-dir={folder}"]
    process = subprocess.Popen(
        command,
        preexec_fn=pipes,  # noqa: PLW1509 - nothing else runs in threads here
        pass_fds=(3, 4),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(to_read)
    os.close(from_write)
    try:
        yield Browser(to_write, from_read)
    finally:
        os.close(to_write)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(from_read)
