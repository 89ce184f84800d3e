"""An outcome that matters to journeys comes back as something that happened, stored when it became so."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models.base import Json
from store.database import new_id
from store.tables import inbox


async def tell(conn: AsyncConnection, contact: str, event_type: str, data: Json, once: str, at: datetime) -> None:
    """Puts an event of our own into the inbox, once for each `once`; the relay hands it on like any other."""
    told = insert(inbox).values(
        id=new_id("e"),
        source="ovation",
        source_id=f"{event_type}:{once}",
        type=event_type,
        contact_id=contact,
        at=at,
        data=data,
    )
    await conn.execute(told.on_conflict_do_nothing(index_elements=["source", "source_id"]))
