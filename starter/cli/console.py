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
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from authoring.mistakes import Mistakes
from authoring.shelf import Shelf, load
from models.settings import Settings
from starter.local.tether import StartFailed
from starter.local.whereabouts import remembered
from store.database import connect
from workflows.connection import temporal_client

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]
T = TypeVar("T")


def answer(as_json: bool, value: object, text: str | Table | None = None) -> None:
    """The result: as JSON, or as text for people."""
    if as_json:
        typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))
    elif text is not None:
        out.print(text, soft_wrap=isinstance(text, str), markup=not isinstance(text, str))


def plain(value: object) -> Any:
    """JSON from what we have."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value.isoformat() if isinstance(value, datetime) else value


def stop(message: str, code: int = 1, *, as_json: bool = False) -> NoReturn:
    """Ends the command, saying why: 1 not done, 2 wrong use."""
    if as_json:
        typer.echo(json.dumps({"error": message}, ensure_ascii=False))
    err.print(message, soft_wrap=True, markup=False)
    raise typer.Exit(code)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's work; what a user can mend is said in one sentence, without a traceback."""
    try:
        return asyncio.run(work)
    except Mistakes as mistakes:
        stop(str(mistakes))
    except (StartFailed, LookupError) as error:
        stop(str(error).strip("'\""))
    except OperationalError as error:
        stop(f"the database does not answer: {error.orig}")
    except RuntimeError as error:
        if "connect" in str(error).lower():
            stop(f"Temporal does not answer: {error}")
        raise


def settings() -> Settings:
    """The environment, and the running local stack where the environment says nothing (see `starter.cli.up`)."""
    remembered()
    return Settings()


def shelf() -> Shelf:
    """The marketer's files. Ends the command with every mistake if there are any."""
    try:
        return load(settings())
    except Mistakes as mistakes:
        stop(str(mistakes))


@asynccontextmanager
async def database() -> AsyncIterator[AsyncEngine]:
    engine = connect(settings().required_database_url(), pool_size=2)
    try:
        yield engine
    finally:
        await engine.dispose()


async def temporal() -> Client:
    settings()
    return await temporal_client()


def table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def when(at: datetime | None) -> str:
    return "" if at is None else at.strftime("%Y-%m-%d %H:%M:%S")
