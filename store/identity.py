"""Who is this? Every name we know a person by leads to one contact; a person nobody knows becomes a new one.

The failure prevented: one person with two contacts, thanked twice; and a webhook refused because nobody knows its
subject.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, cast, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.contact import Contact, Identity, Person
from store import optouts
from store.database import new_id
from store.tables import contacts, effects, identities, referrals

_FACTS = ("email", "first_name", "last_name", "company", "phone", "time_zone", "locale", "region", "csm_email")


@dataclass(frozen=True)
class Resolved:
    """A contact, and the journey and effect when the subject was something we sent."""

    contact: str
    journey: str | None = None
    effect: str | None = None


async def resolve(
    conn: AsyncConnection, subject: Identity, others: Sequence[Identity] = (), person: Person | None = None
) -> Resolved | None:
    """The contact of a subject, made if nobody is known by it. None only for something of ours that does not exist."""
    if subject.kind == "effect" or subject.kind.endswith("_send"):
        return await _by_effect(conn, subject)
    if subject.kind == "ovation_referral":
        found = await conn.execute(select(referrals.c.advocate_id).where(referrals.c.id == subject.value))
        advocate = found.scalar()
        return None if advocate is None else Resolved(advocate)
    if subject.kind == "ovation":
        row = (await conn.execute(select(contacts.c.id).where(contacts.c.id == subject.value))).first()
        return None if row is None else Resolved(row.id)
    names = _names(subject, others, person)
    contact = await _known(conn, names)
    if contact is None:
        contact = await _make(conn, names)
    await learn(conn, contact, names, person)
    return Resolved(contact)


def _names(subject: Identity, others: Sequence[Identity], person: Person | None) -> list[Identity]:
    named = [subject, *others]
    if person is not None and person.email:
        named.append(Identity(kind="email", value=person.email.lower()))
    return list({(i.kind, i.value): i for i in named}.values())


async def _by_effect(conn: AsyncConnection, subject: Identity) -> Resolved | None:
    found = select(effects.c.contact_id, effects.c.journey_id, effects.c.key)
    if subject.kind == "effect":
        found = found.where(effects.c.key == subject.value)
    else:
        platform = subject.kind.removesuffix("_send")
        found = found.where(effects.c.platform == platform, effects.c.reference == subject.value)
    row = (await conn.execute(found)).first()
    return None if row is None else Resolved(row.contact_id, row.journey_id, row.key)


async def _known(conn: AsyncConnection, names: Sequence[Identity]) -> str | None:
    """The contact known by any of these names; by the first of them where they disagree."""
    rows = await conn.execute(
        select(identities).where(tuple_(identities.c.kind, identities.c.value).in_([(i.kind, i.value) for i in names]))
    )
    by_name = {(row.kind, row.value): str(row.contact_id) for row in rows}
    return next((by_name[(i.kind, i.value)] for i in names if (i.kind, i.value) in by_name), None)


async def _make(conn: AsyncConnection, names: Sequence[Identity]) -> str:
    """A new contact; the first to claim the first name wins where two arrive at once."""
    contact = new_id("c")
    await conn.execute(insert(contacts).values(id=contact))
    claimed = await conn.execute(
        insert(identities)
        .values(kind=names[0].kind, value=names[0].value, contact_id=contact)
        .on_conflict_do_update(index_elements=["kind", "value"], set_={"value": names[0].value})
        .returning(identities.c.contact_id)
    )
    owner = str(claimed.scalar_one())
    if owner != contact:
        await conn.execute(contacts.delete().where(contacts.c.id == contact))
    else:
        await _silent_as_before(conn, contact, names[:1])
    return owner


async def learn(
    conn: AsyncConnection, contact: str, names: Sequence[Identity] = (), person: Person | None = None
) -> None:
    """Adds names and facts to a contact. A name somebody else has stays theirs; absent facts change nothing."""
    phone = None if person is None else Identity.of_phone(person.phone, person.region)
    known_by = [*names, *([phone] if phone is not None else [])]
    if known_by:
        rows = [{"kind": i.kind, "value": i.value, "contact_id": contact} for i in known_by]
        new = insert(identities).values(rows).on_conflict_do_nothing().returning(identities.c.kind, identities.c.value)
        await _silent_as_before(conn, contact, [Identity(kind=k, value=v) for k, v in (await conn.execute(new)).all()])
    facts = _facts(names, person)
    if facts:
        changed = [contacts.c[name].is_distinct_from(value) for name, value in facts.items()]
        condition = changed[0]
        for more in changed[1:]:
            condition = condition | more
        await conn.execute(
            update(contacts).where(contacts.c.id == contact, condition).values(**facts, updated_at=func.now())
        )


async def _silent_as_before(conn: AsyncConnection, contact: str, names: Sequence[Identity]) -> None:
    """Of names that are new here: whoever opted out and was erased since is known by them, too."""
    since = await optouts.kept(conn, names)
    if since is not None:
        first = func.coalesce(contacts.c.opted_out_at, since)
        await conn.execute(update(contacts).where(contacts.c.id == contact).values(opted_out_at=first))


def _facts(names: Sequence[Identity], person: Person | None) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    email = next((i.value for i in names if i.kind == "email"), None)
    if email:
        facts["email"] = email
    if person is not None:
        facts |= {name: getattr(person, name) for name in _FACTS if getattr(person, name)}
        if person.address is not None:
            facts["address"] = person.address.model_dump(exclude_none=True)
        if person.attributes:
            facts["attributes"] = contacts.c.attributes.op("||")(cast(person.attributes, JSONB))
    return facts


def contact_from(row: Row[Any], names: Sequence[Identity] = ()) -> Contact:
    """A contact from its row."""
    values = {name: getattr(row, name) for name in Contact.model_fields if name != "identities"}
    return Contact.model_validate({**values, "identities": list(names)})


async def get_contact(conn: AsyncConnection, contact: str, *, lock: bool = False) -> Contact | None:
    """The contact with their identities; with `lock`, nobody else decides about them meanwhile."""
    names = (
        select(func.jsonb_agg(func.jsonb_build_array(identities.c.kind, identities.c.value)))
        .where(identities.c.contact_id == contact)
        .scalar_subquery()
    )
    query = select(contacts, names.label("names")).where(contacts.c.id == contact)
    if lock:
        query = query.with_for_update(of=contacts)
    row = (await conn.execute(query)).first()
    if row is None:
        return None
    return contact_from(row, [Identity(kind=kind, value=value) for kind, value in row.names or []])


async def find_contact(engine: AsyncEngine, subject: str) -> Contact | None:
    """The contact known by `kind:value`, by our id, or by a bare e-mail address; nobody is made."""
    async with engine.connect() as conn:
        if subject.startswith("c_"):
            return await get_contact(conn, subject)
        identity = Identity.parse(subject if ":" in subject else f"email:{subject}")
        contact = await _known(conn, [identity])
        return None if contact is None else await get_contact(conn, contact)
