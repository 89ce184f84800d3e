"""The connection to PostgreSQL, and ids."""

import secrets
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: nothing to mistake when read aloud


def connect(url: str, *, pool_size: int = 20) -> AsyncEngine:
    """An engine for the database at `url` (`postgresql://…` or `postgresql+psycopg://…`)."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            url = "postgresql+psycopg://" + url.removeprefix(plain)
    # No overflow: those connections are closed when given back, and a new one costs PostgreSQL a process.
    return create_async_engine(url, pool_size=pool_size, max_overflow=0, pool_pre_ping=True)


def new_id(prefix: str) -> str:
    """A random id, like `c_7hk2q9…`: 80 bits."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(16))}"


def new_code() -> str:
    """A short code for a link or a QR: 50 bits, readable aloud."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def now() -> datetime:
    return datetime.now(UTC)
