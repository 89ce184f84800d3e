"""Everything on record about one person, oldest first: what `ovation explain` reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
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


async def workflow_of(engine: AsyncEngine, name: str, *, ended: bool = False) -> str:
    """The workflow id of a journey that runs, named by its id, its workflow id, or whose journey it is.

    A person has the journeys they are led on; a referral's is named by the referral alone, so that what is meant for
    the one is never done to the other. `ended`: one that is over will do, where none runs.

    Raises LookupError when there is none, and when a person has several: it lists them."""
    if name.startswith(("journey/", "referral/")):
        return name
    if name.startswith("r_"):
        return referral_workflow_id(name)
    if name.startswith("j_"):
        meant = journeys.c.id == name
    else:
        contact = await find_contact(engine, name)
        meant = (journeys.c.contact_id == (contact.id if contact is not None else "")) & ~_OF_REFERRAL
    async with engine.connect() as conn:
        found = (await conn.execute(select(journeys).where(meant).order_by(journeys.c.opened_at.desc()))).all()
    running = [row for row in found if row.ended_at is None]
    if len(running) > 1:
        several = ", ".join(f"{row.id} ({row.playbook})" for row in running)
        raise LookupError(f"{name} has several journeys, name one of them: {several}")
    if running:
        return str(running[0].workflow_id)
    if found and not ended:
        raise LookupError(f"no journey of {name} runs any more; the last was {found[0].id} ({found[0].playbook})")
    if not found:
        raise LookupError(f"there is no journey of {name}: name a journey (j_…), a contact (c_…) or an e-mail address")
    return str(found[0].workflow_id)


_OF_REFERRAL = journeys.c.id.startswith("r_", autoescape=True)
