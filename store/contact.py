"""Contacts read and brought up to date by activities."""

from collections.abc import Sequence

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Contact, Identity, Person, Tier
from store import optouts
from store.database import now
from store.identity import get_contact, learn
from store.merge import merge, rightful
from store.tables import contacts


async def read(engine: AsyncEngine, contact: str) -> Contact | None:
    async with engine.connect() as conn:
        return await get_contact(conn, contact)


async def learn_from(
    engine: AsyncEngine, contact: str, names: Sequence[Identity], person: Person | None, *, opted_out: bool = False
) -> str:
    """What a CRM told about a contact. An opt-out is taken over, never taken back.

    Gives the contact they are: another one, if the address the CRM tells is somebody's we know already."""
    told = None if person is None else person.email
    async with engine.begin() as conn:
        kept = await rightful(conn, contact, told)
        if kept != contact:
            await merge(conn, contact, kept)
        known_by = [*names, *([Identity(kind="email", value=told.lower())] if told else [])]
        await learn(conn, kept, known_by, person)
        if opted_out:
            await conn.execute(
                update(contacts)
                .where(contacts.c.id == kept)
                .values(opted_out_at=func.coalesce(contacts.c.opted_out_at, now()))
            )
    return kept


async def opt_in(engine: AsyncEngine, contact: str) -> None:
    """They want to hear from us again, and said so themselves. What was dropped stays dropped."""
    async with engine.begin() as conn:
        await conn.execute(update(contacts).where(contacts.c.id == contact).values(opted_out_at=None))
        known = await get_contact(conn, contact)
        await optouts.drop(conn, known.identities if known is not None else [])


async def set_tier(engine: AsyncEngine, contact: str, tier: Tier) -> None:
    """Absolute, so a repeat changes nothing."""
    async with engine.begin() as conn:
        await conn.execute(update(contacts).where(contacts.c.id == contact).values(tier=tier, updated_at=func.now()))
