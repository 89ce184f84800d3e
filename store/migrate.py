"""Brings the database to the newest schema. Safe to run at every start, by several processes at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

_LOCK = 6_829_466_483  # "OVATION" on a telephone: nobody else's advisory lock


async def migrate(engine: AsyncEngine) -> str:
    """Creates or upgrades the tables, in one transaction. Returns the revision reached."""
    async with engine.begin() as conn:
        await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        await conn.run_sync(_upgrade)
        return await conn.run_sync(_current) or ""


async def is_current(engine: AsyncEngine) -> bool:
    """Whether the database has the schema this code was written for."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    async with engine.connect() as conn:
        return await conn.run_sync(_current) == newest


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config
