"""Our own processes as children: worker, gateway, sandbox. Started, waited for, ended, and killed in crash tests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from starter.local.tether import StartFailed, end, last_words, spawn


@dataclass
class Child:
    """A Python process of the project.

    `arguments` follow the interpreter: `("-m", "sandbox")` or `("worker.py",)`. `environment` is added to ours.
    `ready_url` answers 2xx once the process can be used; without one it counts as ready at once.
    Its output goes to `state/NAME.log`.
    """

    name: str
    arguments: Sequence[str]
    state: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_url: str | None = None
    folder: Path = field(default_factory=Path.cwd)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def log(self) -> Path:
        return self.state / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """The process id while it lives."""
        return self._process.pid if self._process is not None and self.alive else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, seconds: float = 30.0) -> None:
        """Starts it and waits until it is ready. Raises StartFailed, and leaves nothing running, if it does not get
        ready in time."""
        if self.alive:
            return
        if self.ready_url is not None and self._answers(self.ready_url):
            raise StartFailed(f"{self.name} cannot start: something else already answers at {self.ready_url}")
        self._process = spawn(
            [sys.executable, *self.arguments],
            self.log,
            environment={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
            folder=self.folder,
        )
        try:
            self._wait(time.monotonic() + seconds)
        except BaseException:
            self.kill()
            raise

    def run(self, seconds: float = 60.0) -> None:
        """Runs it to its end. Raises StartFailed with its last words if it does not end well in time."""
        self.start()
        assert self._process is not None
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            code = -1
        if code != 0:
            raise StartFailed(f"{self.name} did not end well. Its log, {self.log}, ends:\n{last_words(self.log)}")

    def stop(self, grace: float = 10.0) -> None:
        """Asks it to end (SIGTERM), and kills it after `grace` seconds."""
        if self._process is not None:
            end(self._process, [(signal.SIGTERM, grace)])

    def kill(self) -> None:
        """Kills it (SIGKILL), as a crash would."""
        if self._process is not None:
            end(self._process, [(signal.SIGKILL, 10.0)])

    def restart(self, seconds: float = 30.0) -> None:
        """Kills it and starts it again."""
        self.kill()
        self.start(seconds)

    def _wait(self, deadline: float) -> None:
        while self.ready_url is not None and not self._answers(self.ready_url):
            if not self.alive:
                raise StartFailed(f"{self.name} ended at once. Its log, {self.log}, ends:\n{last_words(self.log)}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{self.name} is not ready: no answer at {self.ready_url}. Its log: {self.log}")
            time.sleep(0.05)

    def _answers(self, url: str) -> bool:
        # Never through a proxy: the address is this machine's own.
        try:
            return httpx.get(url, timeout=2.0, trust_env=False).is_success
        except httpx.HTTPError:
            return False
