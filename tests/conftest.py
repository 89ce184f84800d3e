"""What many tests share. Everything real: PostgreSQL and Temporal come as wheels."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from models.journey import SEARCH_ATTRIBUTES
from models.program import Program
from starter.local.ports import free_port
from starter.local.postgres import EmbeddedPostgres
from starter.local.temporal import TemporalServer
from store.database import connect
from store.migrate import migrate
from workflows.converter import data_converter

os.environ.setdefault("TZ", "UTC")

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One server for the whole run, with a migrated database `template`."""
    folder = Path(tempfile.mkdtemp(prefix="ovation-"))
    folder.chmod(0o755)  # as root the server runs as somebody else, who has to get there
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    try:
        asyncio.run(_migrated(server.ensure_database("template")))
        yield server
    finally:
        server.destroy()


async def _migrated(url: str) -> None:
    engine = connect(url)
    await migrate(engine)
    await engine.dispose()


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database of its own for a test, with today's schema and nothing in it."""
    name = f"test_{next(_numbers)}"
    yield postgres.create_database(name, template="template")
    postgres.drop_database(name)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = connect(database_url)
    yield made
    await made.dispose()


@pytest.fixture
def program() -> Program:
    """The smallest program."""
    return Program.model_validate(
        {
            "company": "Acme",
            "platforms": {},
            "alerts": "#advocates",
            "hub": {"note": "Thank you.", "signed": "Grace"},
        }
    )


@pytest.fixture(scope="session")
async def temporal() -> AsyncIterator[Client]:
    """A Temporal dev server for the whole run, without its UI."""
    with tempfile.TemporaryDirectory(prefix="ovation-temporal-") as folder:
        server = TemporalServer(Path(folder), free_port(), None, SEARCH_ATTRIBUTES)
        await server.start()
        try:
            yield await Client.connect(server.address, data_converter=data_converter)
        finally:
            server.stop()
