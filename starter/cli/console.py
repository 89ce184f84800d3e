"""How every command speaks: to people in a few lines that fit the terminal, to scripts in JSON."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from authoring.shelf import Shelf, load
from models.settings import Settings
from starter.cli.trouble import NO_DATABASE_URL, NOT_DONE, Trouble
from starter.local.whereabouts import remembered
from store.database import connect
from workflows.connection import temporal_client

# Without markup: what people and vendors wrote is shown as it is, brackets and all.
out = Console(highlight=False, emoji=False, markup=False)
err = Console(stderr=True, highlight=False, emoji=False, markup=False)

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]
T = TypeVar("T")


def answer(as_json: bool, value: object, text: str | Table | None = None) -> None:
    """The result: as JSON, or as text for people."""
    if as_json:
        typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))
    elif text is not None:
        out.print(text, soft_wrap=isinstance(text, str))


def plain(value: object) -> Any:
    """JSON from what we have."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value.isoformat() if isinstance(value, datetime) else value


class Stopped(Exception):
    """A command that ends without having done its work. The command line says why, in JSON where that was wanted."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.words)
        self.trouble = trouble


def stop(message: str, status: int = NOT_DONE) -> NoReturn:
    """Ends the command, saying why: 1 not done, 2 wrong use."""
    raise Stopped(Trouble(message, status))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's work. Whatever goes wrong in it is said by the command line, see `starter.cli.speaking`."""
    return asyncio.run(work)


def settings() -> Settings:
    """The environment, and the running local stack where the environment says nothing (see `starter.cli.up`)."""
    remembered()
    return Settings()


def shelf() -> Shelf:
    """The marketer's files. Raises Mistakes with every mistake if there are any."""
    return load(settings())


def database_url(here: Settings) -> str:
    """Where the database is. Ends the command if that cannot be one: SQLAlchemy has a traceback for each mistake."""
    found = here.required_database_url()
    try:
        if make_url(found).get_backend_name() in ("postgresql", "postgres"):
            return found
    except (ArgumentError, ValueError):
        pass
    raise Stopped(NO_DATABASE_URL)


@asynccontextmanager
async def database() -> AsyncIterator[AsyncEngine]:
    engine = connect(database_url(settings()), pool_size=2)
    try:
        yield engine
    finally:
        await engine.dispose()


async def temporal() -> Client:
    settings()
    return await temporal_client()


def table(*columns: str, whole: tuple[str, ...] = ()) -> Table:
    """An empty table. The columns that are `whole` are never broken: ids, which people copy."""
    made = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in whole)
    return made


def when(at: datetime | None) -> str:
    return "" if at is None else at.strftime("%Y-%m-%d %H:%M:%S")
