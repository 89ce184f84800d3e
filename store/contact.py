"""Contacts read and brought up to date by activities."""

from collections.abc import Sequence

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Contact, Identity, Person, Tier
from store import optouts
from store.database import now
from store.identity import follow, get_contact, kept_as, learn, note_since
from store.merge import one_person
from store.tables import contacts


async def read(engine: AsyncEngine, contact: str) -> Contact | None:
    """The contact; who they are by now, where it is an id from before a merge."""
    async with engine.connect() as conn:
        return await get_contact(conn, contact)


async def learn_from(
    engine: AsyncEngine, contact: str, names: Sequence[Identity], person: Person | None, *, opted_out: bool = False
) -> str:
    """What a CRM told about a contact. An opt-out is taken over, never taken back.

    Gives the contact they are: another one, if what the CRM tells of its record is somebody's we know already
    (`store.merge.one_person` says who is kept)."""
    told = None if person is None else person.email
    async with engine.begin() as conn:
        kept = await one_person(conn, contact, names, told)
        known_by = [*names, *([Identity(kind="email", value=told.lower())] if told else [])]
        await learn(conn, kept, known_by, person)
        if opted_out:
            await note_since(conn, kept, "opted_out_at", now())
    return kept


async def opt_out(engine: AsyncEngine, contact: str) -> None:
    """They want to hear nothing from us, by any journey."""
    async with engine.begin() as conn:
        await note_since(conn, contact, "opted_out_at", now())


async def opt_in(engine: AsyncEngine, contact: str) -> None:
    """They want to hear from us again, and said so themselves. What was dropped stays dropped."""
    async with engine.begin() as conn:
        who = await follow(conn, contact)
        await conn.execute(update(contacts).where(contacts.c.id == who).values(opted_out_at=None))
        known = await get_contact(conn, who)
        await optouts.drop(conn, known.identities if known is not None else [])


async def set_tier(engine: AsyncEngine, contact: str, tier: Tier) -> None:
    """Absolute, so a repeat changes nothing."""
    async with engine.begin() as conn:
        who = contacts.c.id == kept_as(contact)
        await conn.execute(update(contacts).where(who).values(tier=tier, updated_at=func.now()))
