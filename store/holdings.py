"""Everything that is held about one person, table by table: what an export shows and an erasure goes through.

The failure prevented: a table that an export forgets, or an erasure leaves a name in. So one table says which rows of
which table are about somebody; a test wants every table in it, or in `NOBODYS`.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Table, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.base import Json
from models.contact import Contact
from store import tables as t
from store.identity import find_contact, get_contact

NOBODYS = frozenset({t.strays, t.tokens, t.marks, t.optouts})
"""Tables about vendors and about ourselves, and what must outlive a person's erasure and names nobody."""


@dataclass(frozen=True)
class Them:
    """A person on record. `ids` is their contact's, and those of contacts that turned out to be the same person.

    `words` are what they can be recognized by; `referrals` those they made or are the friend of, `others` the contacts
    on the other side of these."""

    contact: Contact
    ids: list[str]
    names: list[str] = field(repr=False)
    words: list[str] = field(repr=False)
    referrals: list[str]
    others: list[str]
    rewards: list[str]

    def scrubbed(self, value: Any) -> Any:
        """Text or JSON with their words replaced by their contact's id."""
        return scrubbed(value, self.words, self.contact.id)


async def find(engine: AsyncEngine, subject: str) -> Them:
    """Who is known as `subject`. Raises LookupError if nobody is."""
    contact = await find_contact(engine, subject)
    if contact is None:
        raise LookupError(f"nobody is known as {subject}")
    async with engine.connect() as conn:
        return await them(conn, contact)


async def them(conn: AsyncConnection, contact: Contact) -> Them:
    ids = await _same_person(conn, contact)
    rows = (await conn.execute(select(t.referrals).where(_either(t.referrals, ids)))).all()
    sides = {side for row in rows for side in (row.advocate_id, row.friend_id) if side is not None}
    referrals = [row.id for row in rows]
    owed = select(t.rewards.c.id).where(
        or_(t.rewards.c.beneficiary_id.in_(ids), t.rewards.c.referral_id.in_(referrals))
    )
    return Them(
        contact=contact,
        ids=ids,
        names=[identity.text for identity in contact.identities],
        words=words_of(contact),
        referrals=referrals,
        others=sorted(sides - set(ids)),
        rewards=list((await conn.execute(owed)).scalars()),
    )


async def _same_person(conn: AsyncConnection, contact: Contact) -> list[str]:
    """Their contact, and those that were merged into it (`store/merge.py`): their ids stand in links and in events."""
    merged = select(t.contacts.c.id).where(t.contacts.c.merged_into == contact.id)
    return sorted({contact.id, *(await conn.execute(merged)).scalars()})


def words_of(contact: Contact) -> list[str]:
    """What somebody can be recognized by, wherever it is written."""
    told = [contact.email, contact.first_name, contact.last_name, contact.company, contact.phone]
    address = [] if contact.address is None else [contact.address.line1, contact.address.line2]
    named = [identity.value for identity in contact.identities if identity.kind in ("email", "phone")]
    return [word for word in (*told, *address, *named) if word and len(word) > 1]


def scrubbed(value: Any, words: Collection[str], by: str) -> Any:
    """Text or JSON with every one of the words replaced; addresses in any case, names as they are written.

    Somebody may be called Will or May."""
    if isinstance(value, dict):
        return {key: scrubbed(inner, words, by) for key, inner in value.items()}
    if isinstance(value, list):
        return [scrubbed(inner, words, by) for inner in value]
    if not isinstance(value, str) or not words:
        return value
    longest_first = sorted(words, key=len, reverse=True)
    any_of_them = "|".join(f"(?i:{re.escape(word)})" if "@" in word else re.escape(word) for word in longest_first)
    return re.sub(rf"(?<!\w)(?:{any_of_them})(?!\w)", lambda _: by, value)


def _either(table: Table, ids: Collection[str]) -> ColumnElement[bool]:
    return or_(table.c.advocate_id.in_(ids), table.c.friend_id.in_(ids))


def about(who: Them) -> dict[Table, ColumnElement[bool]]:
    """Table → which of its rows are about them."""
    ids, referrals, rewards = who.ids, who.referrals, who.rewards
    data = t.inbox.c.data
    return {
        t.contacts: t.contacts.c.id.in_(ids),
        t.identities: t.identities.c.contact_id.in_(ids),
        t.inbox: or_(
            t.inbox.c.contact_id.in_(ids),
            data["friend"].astext.in_(ids),
            data["referral"].astext.in_(referrals),
            func.lower(data["referred_by"].astext).in_([name.lower() for name in who.names]),
        ),
        t.entries: t.entries.c.contact_id.in_(ids),
        t.journeys: or_(t.journeys.c.contact_id.in_(ids), t.journeys.c.subject_id.in_(referrals)),
        t.effects: or_(t.effects.c.contact_id.in_(ids), t.effects.c.journey_id.in_(referrals)),
        t.codes: t.codes.c.contact_id.in_(ids),
        t.payees: t.payees.c.contact_id.in_(ids),
        t.referrals: t.referrals.c.id.in_(referrals),
        t.touches: or_(_either(t.touches, ids), t.touches.c.referral_id.in_(referrals)),
        t.findings: t.findings.c.referral_id.in_(referrals),
        t.decisions: t.decisions.c.about.in_([*referrals, *rewards, *ids]),
        t.rewards: t.rewards.c.id.in_(rewards),
        t.reward_entries: t.reward_entries.c.reward_id.in_(rewards),
    }


async def everything(engine: AsyncEngine, subject: str) -> dict[str, list[Json]]:
    """All that is on record about a person, by table. What it says of other people is replaced by their ids: they
    have not asked. Raises LookupError if nobody is known as `subject`."""
    who = await find(engine, subject)
    async with engine.connect() as conn:
        others = [one for id_ in who.others if (one := await get_contact(conn, id_)) is not None]
        return {table.name: await _rows(conn, table, which, others) for table, which in about(who).items()}


async def _rows(
    conn: AsyncConnection, table: Table, which: ColumnElement[bool], others: Sequence[Contact]
) -> list[Json]:
    rows = await conn.execute(select(table).where(which).order_by(*table.primary_key.columns))
    found = [{name: value for name, value in row._mapping.items() if value is not None} for row in rows]
    for other in others:
        found = [scrubbed(row, words_of(other), other.id) for row in found]
    return found
