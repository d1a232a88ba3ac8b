"""Chromium over its own protocol, on a pair of pipes: a page as people see it, and what it did.

    with Browser() as browser:
        page = browser.open(path, width=390, height=844, dark=True)
        page.evaluate("document.title"), page.requests, page.complaints, page.screenshot()

Nothing is installed for it: the system's chromium, JSON with a zero byte behind each message
(https://chromedevtools.github.io/devtools-protocol/), a profile that is thrown away.
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_S = 60
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--hide-scrollbars",
)


def find_browser() -> str | None:
    """Return the browser's program, None when this machine has none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@dataclass
class Page:
    """One open page."""

    browser: "Browser"
    session: str
    requests: list[str] = field(default_factory=list)
    """The addresses that were asked for, the page's own first."""
    complaints: list[str] = field(default_factory=list)
    """What the console says of errors, of the policy and of scripts."""
    loaded: bool = False

    def evaluate(self, script: str) -> Any:
        """Return what an expression comes to in the page; promises are waited for."""
        found = self.browser.call(
            "Runtime.evaluate",
            self.session,
            expression=script,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key, such as Tab."""
        codes = {"Tab": 9, "Enter": 13}
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            more = text if kind == "keyDown" else {}
            code = codes[key]
            self.browser.call(
                "Input.dispatchKeyEvent",
                self.session,
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **more,
            )

    def screenshot(self, *, whole: bool = False) -> bytes:
        """Return the first screen as PNG, or the `whole` page."""
        found = self.browser.call(
            "Page.captureScreenshot", self.session, captureBeyondViewport=whole, **self._clip(whole)
        )
        return base64.b64decode(found["data"])

    def _clip(self, whole: bool) -> dict[str, object]:
        if not whole:
            return {}
        size = self.browser.call("Page.getLayoutMetrics", self.session)["cssContentSize"]
        return {"clip": {**size, "scale": 1}}

    def hear(self, event: str, given: dict[str, Any]) -> None:
        """Take in what the browser tells of this page."""
        match event:
            case "Network.requestWillBeSent":
                self.requests.append(given["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(given["entry"]["text"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(given))
            case "Page.loadEventFired":
                self.loaded = True


class Browser:
    """One browser without a window."""

    def __enter__(self) -> "Browser":
        program = find_browser()
        assert program is not None
        self._rest = contextlib.ExitStack()
        profile = self._rest.enter_context(
            tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        )
        (down_read, self._down), (self._up, up_write) = os.pipe(), os.pipe()
        root = ("--no-sandbox",) if os.geteuid() == 0 else ()
        shell = ("bash", "-c", f'exec "$0" "$@" 3<&{down_read} 4>&{up_write}')
        self._process = subprocess.Popen(
            [*shell, program, *FLAGS, *root, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(down_read, up_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(down_read)
        os.close(up_write)
        self._number, self._left = 0, b""
        self._pages: dict[str, Page] = {}
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=PATIENCE_S)
        os.close(self._down)
        os.close(self._up)
        self._rest.close()

    def open(self, path: Path, *, width: int, height: int, dark: bool) -> Page:
        """Open a file in a window of that size; return once it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable", session)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            session,
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", session, features=[scheme])
        self.call("Page.navigate", session, url=path.absolute().as_uri())
        while not page.loaded:
            self._hear()
        return page

    def call(self, method: str, session: str | None = None, **given: object) -> dict[str, Any]:
        """Ask the browser for something and return its answer."""
        self._number += 1
        number = self._number
        asked = {"id": number, "method": method, "params": given}
        whole = asked | ({"sessionId": session} if session else {})
        os.write(self._down, json.dumps(whole).encode() + b"\0")
        while True:
            heard = self._hear()
            if heard.get("id") == number:
                assert "error" not in heard, heard
                return dict(heard["result"])

    def _hear(self) -> dict[str, Any]:
        """Return the next message; an event is handed to its page."""
        heard: dict[str, Any] = json.loads(next(self._messages()))
        page = self._pages.get(heard.get("sessionId", ""))
        if page is not None and "method" in heard:
            page.hear(heard["method"], heard["params"])
        return heard

    def _messages(self) -> Iterator[bytes]:
        while b"\0" not in self._left:
            more = os.read(self._up, 1 << 16)
            assert more, "the browser has gone away"
            self._left += more
        first, _, self._left = self._left.partition(b"\0")
        yield first
