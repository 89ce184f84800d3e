"""Everything on one machine: PostgreSQL, Temporal with its UI, worker, gateway and, to try it out, the sandbox.

The failure prevented: a newcomer who has to install five servers before the first thank-you. What is set in the
environment is used instead: `OVATION_DATABASE_URL`, `TEMPORAL_ADDRESS`, any platform's own settings.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from models.journey import SEARCH_ATTRIBUTES
from models.settings import Settings
from starter.local.ports import HOST, free_port
from starter.local.postgres import EmbeddedPostgres
from starter.local.processes import Child
from starter.local.temporal import TemporalServer
from store.database import connect
from store.migrate import migrate

DATABASE = "ovation"
Say = Callable[[str], None]


@dataclass
class Stack:
    """The embedded stack in a state folder. `environment` is what its processes were given beyond ours."""

    state: Path
    settings: Settings
    sandbox: bool = False
    durable: bool = True
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Variables that win over everything found here."""
    environment: dict[str, str] = field(default_factory=dict, init=False)
    children: dict[str, Child] = field(default_factory=dict, init=False)
    temporal: TemporalServer | None = field(default=None, init=False)
    postgres: EmbeddedPostgres | None = field(default=None, init=False)
    gateway_url: str = field(default="", init=False)
    sandbox_url: str = field(default="", init=False)
    temporal_ui: str = field(default="", init=False)

    async def start(self, say: Say = lambda _: None) -> None:
        """Starts everything and waits until it can be used; `say` hears of each part.

        Raises StartFailed naming the log of what did not start; nothing is left running then."""
        self.state.mkdir(parents=True, exist_ok=True)
        try:
            port = self._port("gateway", self.settings.port, say)
            self.gateway_url = f"http://{HOST}:{port}"
            self.environment = {
                "OVATION_PORT": str(port),
                "OVATION_PUBLIC_URL": os.environ.get("OVATION_PUBLIC_URL", self.gateway_url),
                **self._own_secrets(),
            }
            await asyncio.gather(self._start_database(say), self._start_temporal(say), self._start_sandbox(say))
            self.environment |= self.overrides
            await self._migrate()
            self._add("worker", ("-m", "worker"))
            self._add("gateway", ("-m", "starter.cli.main", "serve"), ready=f"{self.gateway_url}/healthz")
            await asyncio.gather(
                *(self._start_child(name, say) for name in ("worker", "gateway")), asyncio.to_thread(self._set_up)
            )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops what was started, the gateway first, so that nothing new comes in. State stays."""
        for name in ("gateway", "worker", "sandbox"):
            if name in self.children:
                self.children[name].stop()
        if self.temporal is not None:
            self.temporal.stop()
        if self.postgres is not None:
            self.postgres.stop()

    async def revive(self, say: Say = lambda _: None) -> None:
        """Starts again whatever has died."""
        if self.temporal is not None and not self.temporal.alive:
            say("Temporal ended; it is started again")
            await self.temporal.start()
        for name, child in self.children.items():
            if not child.alive:
                say(f"{name} ended; it is started again (its log: {child.log})")
                await asyncio.to_thread(child.start)

    def addresses(self) -> dict[str, str]:
        """Where to look, by name."""
        found = {"gateway": self.gateway_url, "temporal_ui": self.temporal_ui, "sandbox": self.sandbox_url}
        return {name: url for name, url in found.items() if url}

    async def _start_database(self, say: Say) -> None:
        if self.settings.database_url:
            self.environment["OVATION_DATABASE_URL"] = self.settings.database_url
            return
        self.postgres = EmbeddedPostgres(self.state / "postgres", durable=self.durable)
        await asyncio.to_thread(self.postgres.start)
        url = await asyncio.to_thread(self.postgres.ensure_database, DATABASE)
        self.environment["OVATION_DATABASE_URL"] = url
        say("PostgreSQL is ready")

    async def _start_temporal(self, say: Say) -> None:
        if os.environ.get("TEMPORAL_ADDRESS"):
            return
        port = self._port("Temporal", self.settings.temporal_port, say)
        ui_port = self._port("Temporal UI", self.settings.temporal_ui_port, say)
        self.temporal = TemporalServer(self.state / "temporal", port, ui_port, SEARCH_ATTRIBUTES)
        self.temporal.state.mkdir(exist_ok=True)
        await self.temporal.start()
        self.temporal_ui = f"{self.temporal.ui_url}/namespaces/default/workflows"
        self.environment["TEMPORAL_ADDRESS"] = self.temporal.address
        self.environment["TEMPORAL_NAMESPACE"] = "default"
        self.environment["OVATION_TEMPORAL_UI_URL"] = self.temporal_ui
        say("Temporal is ready")

    async def _start_sandbox(self, say: Say) -> None:
        if not self.sandbox:
            return
        port = self._port("sandbox", self.settings.sandbox_port, say)
        self.sandbox_url = f"http://{HOST}:{port}"
        arguments = ("-m", "sandbox", "--port", str(port), "--gateway", self.gateway_url)
        self._add("sandbox", arguments, ready=f"{self.sandbox_url}/environment")
        await self._start_child("sandbox", say)
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self.sandbox_url}/environment")
        self.environment |= {name: value for name, value in answer.json().items() if not os.environ.get(name)}

    async def _start_child(self, name: str, say: Say) -> None:
        await asyncio.to_thread(self.children[name].start)
        say(f"the {name} is ready")

    def _add(self, name: str, arguments: tuple[str, ...], ready: str | None = None) -> None:
        self.children[name] = Child(
            name, arguments, self.state, environment=self.environment, ready_url=ready, folder=Path.cwd()
        )

    async def _migrate(self) -> None:
        engine = connect(self.environment["OVATION_DATABASE_URL"])
        try:
            await migrate(engine)
        finally:
            await engine.dispose()

    def _set_up(self) -> None:
        """The schedules of the platforms, as `ovation migrate` makes them."""
        Child("migrate", ("-m", "starter.cli.main", "migrate"), self.state, environment=self.environment).run()

    def _own_secrets(self) -> dict[str, str]:
        """Keys of this state folder, made once; what the environment sets wins."""
        path = self.state / "secrets.json"
        if not path.exists():
            made = {"OVATION_SECRET_KEYS": secrets.token_urlsafe(32), "OVATION_API_KEYS": secrets.token_urlsafe(32)}
            path.touch(mode=0o600)
            path.write_text(json.dumps(made))
        known: dict[str, str] = json.loads(path.read_text())
        return {name: os.environ.get(name) or value for name, value in known.items()}

    @staticmethod
    def _port(what: str, wanted: int, say: Say) -> int:
        port = free_port(wanted)
        if port != wanted and wanted:
            say(f"port {wanted} is taken: the {what} uses {port}")
        return port
