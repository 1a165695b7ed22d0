"""Start and stop a web service on this machine, the way a deploy does: gunicorn with two workers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORKERS = 2


class Service:
    """A running gunicorn. `url` has no trailing slash; `log` is the file with everything that it printed."""

    def __init__(
        self,
        app: str,
        *,
        cwd: Path,
        log: Path,
        environ: Mapping[str, str],
        options: tuple[str, ...] = (),
        launcher: tuple[str, ...] = (),
        python: str = sys.executable,
    ) -> None:
        """Serve `app` (as `module:name`) from `cwd`, with this folder on the import path.

        `options` are gunicorn's, `launcher` is a command that starts the command after it, `python` the
        interpreter.
        """
        self.app = app
        self.log = log
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)  # the kernel picks a free port
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        descriptor = listener.fileno()
        command = [*launcher, python, "-m", "gunicorn", "--workers", str(WORKERS), "--bind", f"fd://{descriptor}"]
        with listener, log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--no-control-socket", "--graceful-timeout", "10", *options, app],
                cwd=cwd,
                env={**os.environ, "PYTHONPATH": _import_path(), **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[descriptor],
            )

    def wait_until_ready(self, seconds: float = 30.0) -> None:
        """Return at the first answer. Raises RuntimeError with the end of the log when none comes."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"{self.app} did not answer; the end of {self.log}:\n{self.log.read_text()[-2000:]}")

    def stop(self, seconds: float = 20.0) -> int:
        """End it gracefully, as a deploy does; return gunicorn's exit code, negative when it had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(5)

    def is_reachable(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/health", timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


def _import_path() -> str:
    inherited = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(HERE), inherited] if inherited else [str(HERE)])
