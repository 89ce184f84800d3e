"""The connection to PostgreSQL, and ids.

The failure prevented: a person's words in a log, or in Temporal for ever, because a statement about them failed. Errors
lose the values at their birth, so that nobody who prints one has to think of it.
"""

import secrets
from datetime import UTC, datetime

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: nothing to mistake when read aloud


def connect(url: str, *, pool_size: int = 20) -> AsyncEngine:
    """An engine for the database at `url` (`postgresql://…` or `postgresql+psycopg://…`)."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            url = "postgresql+psycopg://" + url.removeprefix(plain)
    # No overflow: those connections are closed when given back, and a new one costs PostgreSQL a process.
    engine = create_async_engine(url, pool_size=pool_size, max_overflow=0, pool_pre_ping=True, hide_parameters=True)
    event.listen(engine.sync_engine, "handle_error", _without_values)
    return engine


_NAMES_ONLY = ("08", "23", "25", "40", "42", "53", "55", "57")
"""Classes of SQLSTATE whose message names tables, columns and constraints of ours. In the others it may quote a value,
as the DETAIL and the CONTEXT of all of them do."""


def _without_values(failed: ExceptionContext) -> None:
    """Leaves of a statement's error its kind and its SQLSTATE. One that could not connect is left as it is."""
    error, wrapped = failed.original_exception, failed.sqlalchemy_exception
    if failed.connection is None or not isinstance(error, psycopg.Error):
        return
    words = type(error).__name__
    if state := error.sqlstate:
        words += f" (SQLSTATE {state})"
        if state.startswith(_NAMES_ONLY) and error.diag.message_primary:
            words += f": {error.diag.message_primary}"
    error.args = (words,)
    if wrapped is not None:
        wrapped.args, wrapped.statement, wrapped.params = (words,), None, None


def new_id(prefix: str) -> str:
    """A random id, like `c_7hk2q9…`: 80 bits."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(16))}"


def new_code() -> str:
    """A short code for a link or a QR: 50 bits, readable aloud."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def now() -> datetime:
    return datetime.now(UTC)
