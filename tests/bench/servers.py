"""The servers both sides share, each a process of its own: PostgreSQL, Temporal, the vendors, the two workers, the
gateway. On free ports, in a folder of their own, and gone afterwards."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from authoring.shelf import Shelf, load
from models.settings import Settings
from platforms import all_platforms
from starter.local.ports import HOST, free_port
from starter.local.processes import Child
from starter.local.stack import Stack
from store.database import connect
from tests.bench.table import Say
from workflows.converter import data_converter

ROOT = Path(__file__).parents[2]
PLAYBOOK = Path(__file__).with_name("playbook.yaml")
IN_FLIGHT = 50
SETTINGS = {
    "OVATION_TIME_SCALE": "2",  # nobody waits for the morning: the bench runs at night too
    "OVATION_SENDSPARK__WEBHOOK_SECRET": "",  # so it is not asked to tell us
    **{f"OVATION_{name.upper()}__RATE_LIMIT": "100000" for name in all_platforms()},
}
"""Vendors' own limits would be all there is to measure: boxli, for one, takes five orders a second."""


@dataclass
class Servers:
    """Everything at work. `client` is the product's own, `bare_client` has Temporal's usual converter; `vendors` is the
    sandbox's URL."""

    stack: Stack
    bare_worker: Child
    shelf: Shelf
    engine: AsyncEngine
    client: Client
    bare_client: Client
    http: httpx.AsyncClient
    vendors: str

    async def end_workers(self) -> None:
        """What is started from now on stays where it is."""
        await asyncio.gather(*(asyncio.to_thread(w.stop) for w in (self.stack.children["worker"], self.bare_worker)))


@asynccontextmanager
async def servers(say: Say) -> AsyncIterator[Servers]:
    """Starts everything. Of the environment only the program and the messages are used."""
    written = Settings()
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("OVATION_", "TEMPORAL_"))}
    own = {**SETTINGS, "OVATION_PROGRAM": str(ROOT / written.program)}
    state = Path(tempfile.mkdtemp(prefix="ovation-bench-"))
    state.chmod(0o755)  # as root PostgreSQL runs as somebody else, who has to get there
    try:
        shutil.copytree(ROOT / written.playbooks / "messages", state / "playbooks/messages")
        shutil.copy(PLAYBOOK, state / "playbooks/bench.yaml")
        own["OVATION_PLAYBOOKS"] = str(state / "playbooks")
        with patch.dict(os.environ, outside, clear=True):
            async with _vendors(state) as (vendors, gateway, told):
                settings = Settings(port=gateway, temporal_port=0, temporal_ui_port=0)
                async with _product(Stack(state, settings, overrides={**told, **own}), vendors, say) as started:
                    yield started
    finally:
        shutil.rmtree(state, ignore_errors=True)


@asynccontextmanager
async def _vendors(state: Path) -> AsyncIterator[tuple[str, int, dict[str, str]]]:
    """Their URL, the port where they expect the gateway, and the settings that point the product at them."""
    port, gateway = free_port(), free_port()
    url = f"http://{HOST}:{port}"
    arguments = ("-m", "tests.bench.vendors", "--port", str(port), "--gateway", f"http://{HOST}:{gateway}")
    child = Child("vendors", arguments, state, ready_url=f"{url}/environment", folder=ROOT)
    await asyncio.to_thread(child.start)
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            told: dict[str, str] = (await http.get(f"{url}/environment")).json()
        yield url, gateway, told
    finally:
        child.stop()


@asynccontextmanager
async def _product(stack: Stack, vendors: str, say: Say) -> AsyncIterator[Servers]:
    bare_worker = None
    try:
        await stack.start(say)
        bare = ("-m", "tests.bench.bare_worker")
        bare_worker = Child("bare", bare, stack.state, environment=stack.environment, folder=ROOT)
        await asyncio.to_thread(bare_worker.start)
        with patch.dict(os.environ, stack.environment):
            shelf = load(Settings())
        engine = connect(stack.environment["OVATION_DATABASE_URL"], pool_size=IN_FLIGHT)
        address = stack.environment["TEMPORAL_ADDRESS"]
        client, bare_client = (
            await Client.connect(address, data_converter=data_converter),
            await Client.connect(address),
        )
        async with httpx.AsyncClient(timeout=60.0, trust_env=False) as http:
            yield Servers(stack, bare_worker, shelf, engine, client, bare_client, http, vendors)
        await engine.dispose()
    finally:
        if bare_worker is not None:
            bare_worker.stop()
        stack.stop()
        if stack.postgres is not None:
            stack.postgres.destroy()


async def at_once(jobs: Iterable[Callable[[], Awaitable[None]]]) -> float:
    """Does the jobs, so many in flight at a time; gives the seconds it took."""
    free = asyncio.Semaphore(IN_FLIGHT)

    async def one(job: Callable[[], Awaitable[None]]) -> None:
        async with free:
            await job()

    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for job in jobs:
            tasks.create_task(one(job))
    return loop.time() - began
