"""Opt-outs that outlive an erasure.

The failure prevented: somebody who asked us to be silent, and then to forget them, hears from us again because a CRM
told of them anew. What stays of them is a mark: an address can be recognized by it, and not read from it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models.contact import Identity
from store.tables import marks, optouts

_KINDS = ("email", "phone")
"""What a person is told of again by. An id of a CRM leads to one of these before anything is sent."""


async def keep(conn: AsyncConnection, names: Sequence[Identity], at: datetime) -> None:
    """Remembers that whoever has these addresses wanted to hear nothing, since `at`."""
    rows = [{"mark": mark, "at": at} for mark in await _marks(conn, names)]
    if rows:
        await conn.execute(insert(optouts).values(rows).on_conflict_do_nothing())


async def kept(conn: AsyncConnection, names: Sequence[Identity]) -> datetime | None:
    """Since when the person behind one of these addresses wants to hear nothing, if that was remembered."""
    if not any(name.kind in _KINDS for name in names):
        return None
    first = select(func.min(optouts.c.at)).where(optouts.c.mark.in_(await _marks(conn, names)))
    at: datetime | None = (await conn.execute(first)).scalar()
    return at


async def drop(conn: AsyncConnection, names: Sequence[Identity]) -> None:
    """They said themselves that they want to hear from us again."""
    await conn.execute(delete(optouts).where(optouts.c.mark.in_(await _marks(conn, names))))


async def _marks(conn: AsyncConnection, names: Sequence[Identity]) -> list[str]:
    salt = await _salt(conn)
    return [
        hmac.new(salt, f"{name.kind}:{name.value.lower()}".encode(), hashlib.sha256).hexdigest()
        for name in names
        if name.kind in _KINDS
    ]


async def _salt(conn: AsyncConnection) -> bytes:
    """This installation's own: another's marks say nothing here. It is made once and never changes."""
    known = select(marks.c.value).where(marks.c.name == "optouts")
    value = (await conn.execute(known)).scalar()
    if value is None:
        made = insert(marks).values(name="optouts", value=secrets.token_hex(32), final=True)
        await conn.execute(made.on_conflict_do_nothing())
        value = (await conn.execute(known)).scalar_one()
    return bytes.fromhex(value)
