"""Small facts the product keeps about itself: how far a poll has come, which webhook is registered. Never a secret."""

import json

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from models.base import Json
from store.tables import marks


async def read(engine: AsyncEngine, name: str) -> Json:
    """Empty when nothing was kept yet."""
    async with engine.connect() as conn:
        value = (await conn.execute(select(marks.c.value).where(marks.c.name == name))).scalar()
    found: Json = {} if value is None else json.loads(value)
    return found


async def keep(engine: AsyncEngine, name: str, mark: Json) -> None:
    value = json.dumps(mark)
    async with engine.begin() as conn:
        made = insert(marks).values(name=name, value=value)
        await conn.execute(made.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
