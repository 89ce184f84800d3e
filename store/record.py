"""Everything on record about one person, oldest first: what `ovation explain` reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Contact
from models.journey import referral_workflow_id
from store.identity import find_contact
from store.tables import effects, entries, inbox, journeys


@dataclass(frozen=True)
class Record:
    """`events` that came, `entries` decided, `journeys` opened, `effects` done, waited for or withheld."""

    contact: Contact
    events: Sequence[Row[Any]]
    entries: Sequence[Row[Any]]
    journeys: Sequence[Row[Any]]
    effects: Sequence[Row[Any]]


async def record_of(engine: AsyncEngine, subject: str) -> Record | None:
    """The record of a contact known by `kind:value`, by our id or by an e-mail address; None if nobody is."""
    contact = await find_contact(engine, subject)
    if contact is None:
        return None
    async with engine.connect() as conn:
        events = await conn.execute(select(inbox).where(inbox.c.contact_id == contact.id).order_by(inbox.c.position))
        decided = await conn.execute(select(entries).where(entries.c.contact_id == contact.id).order_by(entries.c.at))
        opened = await conn.execute(
            select(journeys).where(journeys.c.contact_id == contact.id).order_by(journeys.c.opened_at)
        )
        done = await conn.execute(
            select(effects)
            .where(effects.c.contact_id == contact.id)
            .order_by(effects.c.claimed_at.nulls_last(), effects.c.key)
        )
        return Record(contact, events.all(), decided.all(), opened.all(), done.all())


async def workflow_of(engine: AsyncEngine, name: str) -> str:
    """The workflow id of a journey named by its id, its workflow id, its referral or its person; the newest of several.

    Raises LookupError when there is none."""
    if name.startswith(("journey/", "referral/")):
        return name
    if name.startswith("r_"):
        return referral_workflow_id(name)
    contact = None if name.startswith("j_") else await find_contact(engine, name)
    query = select(journeys.c.workflow_id).where(
        or_(journeys.c.id == name, journeys.c.contact_id == (contact.id if contact is not None else ""))
    )
    async with engine.connect() as conn:
        found = (await conn.execute(query.order_by(journeys.c.opened_at.desc()).limit(1))).scalar()
    if found is None:
        raise LookupError(f"there is no journey of {name}: name a journey (j_…), a contact (c_…) or an e-mail address")
    return str(found)
