"""Two contacts that turn out to be one person.

The failure prevented: somebody whom the survey knows by e-mail and the CRM by its own id, thanked twice. It is found
out when the CRM is first asked, before anything reaches them.
"""

from sqlalchemy import exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import new_id
from store.tables import contacts, identities, inbox, journeys, referrals


async def merge(conn: AsyncConnection, lost: str, kept: str) -> None:
    """Every name of `lost` leads to `kept` from now on; what began journeys of `lost` is told again, to `kept`.

    Whoever opted out or left by one name has done so by all of them."""
    for column in (contacts.c.opted_out_at, contacts.c.churned_at):
        theirs = select(column).where(contacts.c.id == lost).scalar_subquery()
        await conn.execute(
            update(contacts).where(contacts.c.id == kept).values({column: func.coalesce(column, theirs)})
        )
    await conn.execute(update(identities).where(identities.c.contact_id == lost).values(contact_id=kept))
    unknown = dict.fromkeys(("email", "first_name", "last_name", "company", "phone", "address", "csm_email"))
    await conn.execute(update(contacts).where(contacts.c.id == lost).values(**unknown))
    other = referrals.alias()
    rival = exists().where(other.c.advocate_id == referrals.c.advocate_id, other.c.friend_id == kept)
    moved = update(referrals).where(referrals.c.friend_id == lost, ~rival).values(friend_id=kept)
    await conn.execute(moved)
    begun = select(inbox).where(
        inbox.c.id.in_(select(journeys.c.event_id).where(journeys.c.subject_id == lost, journeys.c.ended_at.is_(None)))
    )
    for event in (await conn.execute(begun)).all():
        again = insert(inbox).values(
            id=new_id("e"),
            source="ovation",
            source_id=f"merged:{event.id}",
            type=event.type,
            contact_id=kept,
            at=event.at,
            data=event.data,
        )
        await conn.execute(again.on_conflict_do_nothing(index_elements=["source", "source_id"]))


async def rightful(conn: AsyncConnection, contact: str, email: str | None) -> str:
    """Whose address this is: the contact's own, unless somebody else has it already."""
    if not email:
        return contact
    query = select(identities.c.contact_id).where(
        identities.c.kind == literal("email"), identities.c.value == email.lower()
    )
    return str((await conn.execute(query)).scalar() or contact)
