"""Who is this? Every name we know a person by leads to one contact; a person nobody knows becomes a new one.

The failure prevented: one person with two contacts, thanked twice; and a webhook refused because nobody knows its
subject.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, cast, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.contact import Contact, Identity, Person
from store import optouts
from store.database import new_id
from store.tables import contacts, effects, identities, referrals

_FACTS = ("email", "first_name", "last_name", "company", "phone", "time_zone", "locale", "region", "csm_email")

SAME_PERSON = "the same person as"
"""How the reason begins for which a merge ends a journey that has done nothing yet: what began it is told again."""


@dataclass(frozen=True)
class Resolved:
    """A contact, and the journey and effect when the subject was something we sent."""

    contact: str
    journey: str | None = None
    effect: str | None = None


async def resolve(
    conn: AsyncConnection,
    subject: Identity,
    others: Sequence[Identity] = (),
    person: Person | None = None,
    *,
    hearsay: bool = False,
) -> Resolved | None:
    """The contact of a subject, made if nobody is known by it. None only for something of ours that does not exist.

    `hearsay`: anybody may have told it, so it changes nothing that is known of the person."""
    if subject.kind == "effect" or subject.kind.endswith("_send"):
        return await _by_effect(conn, subject)
    if subject.kind == "ovation_referral":
        found = await conn.execute(select(kept_as(referrals.c.advocate_id)).where(referrals.c.id == subject.value))
        advocate = found.scalar()
        return None if advocate is None else Resolved(advocate)
    if subject.kind == "ovation":
        known = await conn.execute(select(contacts.c.id).where(contacts.c.id == kept_as(subject.value)))
        contact = known.scalar()
        return None if contact is None else Resolved(contact)
    names = _names(subject, others, person)
    contact = await _known(conn, names)
    if contact is None:
        contact = await _make(conn, names)
    await learn(conn, contact, names, person, only_unknown=hearsay)
    return Resolved(contact)


def _names(subject: Identity, others: Sequence[Identity], person: Person | None) -> list[Identity]:
    named = [subject, *others]
    if person is not None and person.email:
        named.append(Identity(kind="email", value=person.email.lower()))
    return list({(i.kind, i.value): i for i in named}.values())


async def _by_effect(conn: AsyncConnection, subject: Identity) -> Resolved | None:
    found = select(kept_as(effects.c.contact_id).label("contact_id"), effects.c.journey_id, effects.c.key)
    if subject.kind == "effect":
        found = found.where(effects.c.key == subject.value)
    else:
        platform = subject.kind.removesuffix("_send")
        found = found.where(effects.c.platform == platform, effects.c.reference == subject.value)
    row = (await conn.execute(found)).first()
    return None if row is None else Resolved(row.contact_id, row.journey_id, row.key)


def kept_as(contact: str | ColumnElement[Any]) -> ColumnElement[str]:
    """In a query: who somebody is by now. Links, codes, events and orders may name a contact from before a merge."""
    other, named = contacts.alias(), literal(contact) if isinstance(contact, str) else contact
    merged = select(other.c.merged_into).where(other.c.id == named).scalar_subquery()
    return func.coalesce(merged, named)


async def follow(conn: AsyncConnection, contact: str, *, lock: bool = False) -> str:
    """Who somebody is by now, known or not; with `lock`, nobody else decides about them meanwhile."""
    query = select(contacts.c.merged_into).where(contacts.c.id == contact)
    merged = (await conn.execute(query.with_for_update() if lock else query)).scalar()
    return contact if merged is None else await follow(conn, str(merged), lock=lock)


async def owners(conn: AsyncConnection, names: Sequence[Identity]) -> list[str]:
    """The contacts known by these names, each once, in the order of the names."""
    query = select(identities.c.kind, identities.c.value, kept_as(identities.c.contact_id).label("contact"))
    rows = await conn.execute(
        query.where(tuple_(identities.c.kind, identities.c.value).in_([(i.kind, i.value) for i in names]))
    )
    by_name = {(row.kind, row.value): str(row.contact) for row in rows}
    return list(dict.fromkeys(by_name[(i.kind, i.value)] for i in names if (i.kind, i.value) in by_name))


async def _known(conn: AsyncConnection, names: Sequence[Identity]) -> str | None:
    """The contact known by any of these names; by the first of them where they disagree."""
    return next(iter(await owners(conn, names)), None)


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
    conn: AsyncConnection,
    contact: str,
    names: Sequence[Identity] = (),
    person: Person | None = None,
    *,
    only_unknown: bool = False,
) -> None:
    """Adds names and facts to a contact. A name somebody else has stays theirs; absent facts change nothing.

    `only_unknown`: fills what is empty, and overwrites nothing."""
    phone = None if person is None else Identity.of_phone(person.phone, person.region)
    known_by = [*names, *([phone] if phone is not None else [])]
    if known_by:
        rows = [{"kind": i.kind, "value": i.value, "contact_id": contact} for i in known_by]
        new = insert(identities).values(rows).on_conflict_do_nothing().returning(identities.c.kind, identities.c.value)
        await _silent_as_before(conn, contact, [Identity(kind=k, value=v) for k, v in (await conn.execute(new)).all()])
    facts = _facts(names, person, only_unknown=only_unknown)
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
        await note_since(conn, contact, "opted_out_at", since)


async def note_since(
    conn: AsyncConnection, contact: str, what: Literal["opted_out_at", "churned_at"], at: datetime
) -> None:
    """They opted out, or left: since the first time that was said."""
    first = func.coalesce(contacts.c[what], at)
    await conn.execute(update(contacts).where(contacts.c.id == kept_as(contact)).values({what: first}))


def _facts(names: Sequence[Identity], person: Person | None, *, only_unknown: bool) -> dict[str, Any]:
    """Column → what it becomes."""
    facts: dict[str, Any] = {}
    email = next((i.value for i in names if i.kind == "email"), None)
    if email:
        facts["email"] = email
    if person is not None:
        facts |= {name: getattr(person, name) for name in _FACTS if getattr(person, name)}
        if person.address is not None:
            facts["address"] = cast(person.address.model_dump(exclude_none=True), JSONB)
    if only_unknown:
        facts = {name: func.coalesce(contacts.c[name], value) for name, value in facts.items()}
    if person is not None and person.attributes:
        told, known = cast(person.attributes, JSONB), contacts.c.attributes
        facts["attributes"] = told.op("||")(known) if only_unknown else known.op("||")(told)
    return facts


def contact_from(row: Row[Any], names: Sequence[Identity] = ()) -> Contact:
    """A contact from its row."""
    values = {name: getattr(row, name) for name in Contact.model_fields if name != "identities"}
    return Contact.model_validate({**values, "identities": list(names)})


async def get_contact(conn: AsyncConnection, contact: str, *, lock: bool = False) -> Contact | None:
    """The contact with their identities, whatever id of theirs it is; with `lock`, nobody else decides about them
    meanwhile."""
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
    if row.merged_into is not None:
        return await get_contact(conn, row.merged_into, lock=lock)
    return contact_from(row, [Identity(kind=kind, value=value) for kind, value in row.names or []])


async def find_contact(engine: AsyncEngine, subject: str) -> Contact | None:
    """The contact known by `kind:value`, by our id, or by a bare e-mail address; nobody is made."""
    async with engine.connect() as conn:
        if subject.startswith("c_"):
            return await get_contact(conn, subject)
        identity = Identity.parse(subject if ":" in subject else f"email:{subject}")
        contact = await _known(conn, [identity])
        return None if contact is None else await get_contact(conn, contact)
