"""The Temporal dev server with its UI, as a child process: one file of state, which outlives it.

The failure prevented: journeys of a demo or of `ovation up` lost with the process. They are in `temporal.db` in the
state folder, and a server started on it again goes on with them, also after a kill.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client

from starter.local.lock import FolderLock
from starter.local.ports import HOST, free_port
from starter.local.tether import StartFailed, end, last_words, spawn

FAIRNESS = ("matching.enableFairness=true", "matching.useNewMatcher=true")
"""So that one program's backlog does not delay another's."""


@dataclass
class TemporalServer:
    """The dev server on 127.0.0.1. `search_attributes` are name → type (`Keyword`, `Bool`, `Datetime` …), registered
    before it answers. `ui_port=None` runs it without its UI. State and log lie in `state`."""

    state: Path
    port: int
    ui_port: int | None
    search_attributes: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _lock: FolderLock = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._lock = FolderLock(self.state / "temporal.lock")

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def ui_url(self) -> str | None:
        return None if self.ui_port is None else f"http://{HOST}:{self.ui_port}"

    @property
    def log(self) -> Path:
        return self.state / "temporal.log"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self, seconds: float = 30.0) -> None:
        """Starts it and waits until it answers. Raises StartFailed, and leaves nothing running, if it does not."""
        if self.alive:
            return
        self._lock.give()
        self._lock.take()
        try:
            self._check_ports()
            self._process = spawn(self._command(), self.log, environment=_environment(), folder=self.state)
            await self._wait(time.monotonic() + seconds)
        except BaseException:
            self.kill()
            raise

    def stop(self, grace: float = 10.0) -> None:
        """Asks it to end (SIGTERM), and kills it after `grace` seconds."""
        self._end([(signal.SIGTERM, grace)])

    def kill(self) -> None:
        """Kills it (SIGKILL), as a crash would."""
        self._end([(signal.SIGKILL, 10.0)])

    def _end(self, steps: list[tuple[signal.Signals, float]]) -> None:
        if self._process is not None:
            end(self._process, steps)
        self._lock.give()

    def _check_ports(self) -> None:
        """Somebody else's server there would answer in place of ours."""
        for port in (self.port, self.ui_port):
            if port is not None and free_port(port) != port:
                raise StartFailed(f"port {port}, wanted for Temporal, is in use")

    def _command(self) -> list[str]:
        command = [str(_program()), "server", "start-dev", "--db-filename", str(self.state.resolve() / "temporal.db")]
        command += ["--ip", HOST, "--port", str(self.port), "--log-level", "warn", "--ui-disable-news-fetch"]
        command += ["--headless"] if self.ui_port is None else ["--ui-port", str(self.ui_port)]
        for name, kind in self.search_attributes.items():
            command += ["--search-attribute", f"{name}={kind}"]
        for value in FAIRNESS:
            command += ["--dynamic-config-value", value]
        return command

    async def _wait(self, deadline: float) -> None:
        while not await self._answers():
            if not self.alive:
                raise StartFailed(f"Temporal ended at once. Its log, {self.log}, ends:\n{last_words(self.log)}")
            if time.monotonic() > deadline:
                raise StartFailed(f"Temporal does not answer at {self.address}. Its log: {self.log}")
            await asyncio.sleep(0.05)

    async def _answers(self) -> bool:
        try:
            await asyncio.wait_for(Client.connect(self.address), 2.0)
        except (RuntimeError, TimeoutError):  # the SDK's word for "cannot connect"
            return False
        return self.alive


def _environment() -> dict[str, str]:
    """Ours without Temporal's own settings, which speak of another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}


def _program() -> Path:
    program = Path(sys.executable).with_name("temporal")
    if not program.exists():
        raise StartFailed(f"no Temporal server at {program}: install with `make install`")
    return program
