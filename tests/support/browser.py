"""Headless Chromium, spoken to in the DevTools protocol over a pipe: sees pages as a reader's browser shows them."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--hide-scrollbars", "--remote-debugging-pipe"),
)
_PATIENCE = 60.0  # seconds for one answer; starting takes long on a busy machine

# Elements that reach beyond the right edge, and whether the page can be scrolled there.
_WIDE = """[...document.querySelectorAll('body *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.tagName + '.' + one.className + ': ' + one.textContent.slice(0, 60))
    .concat(document.documentElement.scrollWidth > innerWidth ? ['the page can be scrolled'] : [])"""
# Texts whose contrast with what is behind them is below 4.5, as WCAG 2 computes it.
_FAINT = """(() => {
    const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
    const light = colour => {
        const [r, g, b] = numbers(colour).slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = one => {
        for (; one; one = one.parentElement) {
            const colour = getComputedStyle(one).backgroundColor;
            if ((numbers(colour)[3] ?? 1) > 0) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    return [...document.querySelectorAll('body *')]
        .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
        .map(one => {
            const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
            return [(a + 0.05) / (b + 0.05), one.tagName + '.' + one.className];
        })
        .filter(([ratio]) => ratio < 4.5).map(([ratio, name]) => name + ' ' + ratio.toFixed(2));
})()"""


class Page:
    """What a browser saw of one page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def value(self, expression: str) -> Any:
        answer = self._browser.ask("Runtime.evaluate", self._session, expression=expression, returnByValue=True)
        return answer["result"].get("value")

    @property
    def beyond_the_edge(self) -> list[str]:
        found: list[str] = self.value(_WIDE)
        return found

    @property
    def faint_texts(self) -> list[str]:
        found: list[str] = self.value(_FAINT)
        return found

    @property
    def requests(self) -> list[str]:
        """The URLs that were asked for, the page's own aside."""
        sent = [event["request"]["url"] for event in self._events("Network.requestWillBeSent")]
        return [url for url in sent[1:] if not url.startswith("data:")]

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings on the console."""
        logged = [str(event["entry"]["text"]) for event in self._events("Log.entryAdded")]
        return logged + [str(event) for event in self._events("Runtime.exceptionThrown")]

    def _events(self, name: str) -> list[dict[str, Any]]:
        self.value("1")  # what happened before the answer has been read by then
        return [
            event["params"]
            for event in self._browser.events
            if event["method"] == name and event.get("sessionId") == self._session
        ]

    def screenshot(self, path: Path) -> None:
        """The whole page as a PNG."""
        answer = self._browser.ask("Page.captureScreenshot", self._session, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))


class Browser:
    """One browser; `open` gives a page at a width, in light or dark. Close it at the end."""

    def __init__(self) -> None:
        assert CHROMIUM is not None
        self.events: list[dict[str, Any]] = []
        self._number = 0
        self._unread = b""
        self._profile = tempfile.mkdtemp(prefix="browser-")
        ends = os.pipe() + os.pipe()
        to_browser, self._write, self._read, from_browser = (
            fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends
        )
        for end in ends:
            os.close(end)
        # The browser reads commands from descriptor 3 and writes answers to 4.
        command = f'exec 3<&{to_browser} 4>&{from_browser} {to_browser}<&- {from_browser}>&- && exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", command, "bash", CHROMIUM, *_FLAGS, f"--user-data-dir={self._profile}"],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        os.set_blocking(self._read, False)

    def open(self, path: Path, width: int, scheme: str) -> Page:
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable", session)
        self.ask(
            "Emulation.setDeviceMetricsOverride", session, width=width, height=800, deviceScaleFactor=1, mobile=False
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", session, features=features)
        self.ask("Page.navigate", session, url=path.as_uri())
        self._wait_for("Page.loadEventFired", session)
        return Page(self, session)

    def ask(self, method: str, session: str | None = None, **params: object) -> dict[str, Any]:
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _wait_for(self, method: str, session: str) -> None:
        while not any(one["method"] == method and one.get("sessionId") == session for one in self.events):
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while b"\0" not in self._unread:
            assert time.monotonic() < deadline, "the browser does not answer"
            assert self._process.poll() is None, "the browser has ended"
            try:
                self._unread += os.read(self._read, 1 << 20)
            except BlockingIOError:
                time.sleep(0.005)
        message, _, self._unread = self._unread.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        os.close(self._write)
        os.close(self._read)
        shutil.rmtree(self._profile, ignore_errors=True)
