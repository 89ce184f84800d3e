"""Erasing a person: one transaction in which all that tells who they are is gone, and what was done and paid stays.

The failures prevented: a name that stays behind in a table nobody thought of; books that do not add up any more
because an erasure took amounts with it; a call under way that writes the name back. What they are known by goes, their
ids, times and amounts stay: an id that leads nowhere is nobody's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, delete, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.contact import Identity
from models.event import EVENTS, public_data
from models.money import Money
from store import optouts
from store import tables as t
from store.database import now
from store.holdings import Them, about, find, them
from store.identity import get_contact

ERASED = "the person was erased"

WORDS: dict[Table, tuple[str, ...]] = {
    t.inbox: ("source_id", "data", "last_error"),
    t.entries: ("refused",),
    t.journeys: ("ended_because",),  # `start` is what Temporal was told, and names nobody
    t.effects: ("request", "reference", "facts", "reason"),
    t.referrals: ("external_id",),
    t.decisions: ("what", "reason"),
    t.rewards: ("reason",),
    t.reward_entries: ("reference",),
}
"""Columns of rows that stay, where a person may be named: their words are replaced by their id."""


class StillAtWork(Exception):
    """A call about them is under way, and would write its answer back. `seconds` until it surely is over."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"something is under way for them; it is over in {seconds:.0f} seconds at the latest")
        self.seconds = seconds


@dataclass(frozen=True)
class Receipt:
    """What an erasure did, in ids and amounts: `erased` counts rows that are gone or were changed, by table.

    `known_at` is where else they are known, for people to ask there: kind:id."""

    contact: str
    at: datetime
    erased: dict[str, int]
    also_known_as: list[str]
    known_at: list[str]
    unpaid: list[str]


async def journeys_of(engine: AsyncEngine, subject: str) -> list[str]:
    """The workflow ids of their journeys that run. Raises LookupError if nobody is known as `subject`."""
    who = await find(engine, subject)
    running = select(t.journeys.c.workflow_id).where(
        t.journeys.c.contact_id.in_(who.ids), t.journeys.c.ended_at.is_(None)
    )
    async with engine.connect() as conn:
        return list((await conn.execute(running)).scalars())


async def erase(engine: AsyncEngine, subject: str, by: str, reason: str) -> Receipt:
    """Erases a person, all of it or nothing. Who wanted it and why stays on record.

    Raises LookupError if nobody is known as `subject`, StillAtWork while a call about them may be talking."""
    contact = (await find(engine, subject)).contact.id
    async with engine.begin() as conn:
        known = await get_contact(conn, contact, lock=True)
        if known is None:
            raise LookupError(f"nobody is known as {subject}")
        who = await them(conn, known)
        await _wait_for_calls(conn, who)
        unpaid = await _unpaid(conn, who)
        if known.opted_out_at is not None:
            await optouts.keep(conn, [Identity.parse(name) for name in who.names], known.opted_out_at)
        counts = {table.name: count for table, count in (await _cleared(conn, who)).items() if count}
        await _on_record(conn, who, by, reason)
    elsewhere = [name for name in who.names if name.partition(":")[0] not in ("email", "phone")]
    return Receipt(contact, now(), counts, [i for i in who.ids if i != contact], elsewhere, unpaid)


async def _wait_for_calls(conn: AsyncConnection, who: Them) -> None:
    """Contacts are locked, as every claim locks them: so no further call that names the person begins meanwhile."""
    concerned = select(t.contacts.c.id).where(t.contacts.c.id.in_([*who.ids, *who.others]))
    await conn.execute(concerned.order_by(t.contacts.c.id).with_for_update())
    lease = select(func.max(t.effects.c.lease_until)).where(
        about(who)[t.effects], t.effects.c.status.in_(("claimed", "pending"))
    )
    until = (await conn.execute(lease)).scalar()
    if until is not None and until > now():
        raise StillAtWork((until - now()).total_seconds())


async def _unpaid(conn: AsyncConnection, who: Them) -> list[str]:
    """Rewards they have not got yet, and will not: nobody knows any more where to send them."""
    query = select(t.rewards).where(
        t.rewards.c.beneficiary_id.in_(who.ids), t.rewards.c.paid_at.is_(None), t.rewards.c.status != "voided"
    )
    rows = (await conn.execute(query.order_by(t.rewards.c.id))).all()
    return [f"{row.id}: {Money(minor=row.amount_minor, currency=row.currency)}" for row in rows]


async def _cleared(conn: AsyncConnection, who: Them) -> dict[Table, int]:
    """Table → how many of its rows are gone or changed."""
    which = about(who)
    counts = await _blanked(conn, who, which)
    await _told_to_others(conn, who)
    for table, columns in WORDS.items():
        await _scrub(conn, who, table, which[table], columns)
    for table in (t.identities, t.codes, t.payees, t.contacts):
        counts[table] = len((await conn.execute(delete(table).where(which[table]).returning(table))).all())
    return counts


async def _blanked(conn: AsyncConnection, who: Them, which: dict[Table, ColumnElement[bool]]) -> dict[Table, int]:
    """What is theirs as a whole: it goes unread."""
    mine = t.effects.c.contact_id.in_(who.ids)
    running = t.journeys.c.contact_id.in_(who.ids) & t.journeys.c.ended_at.is_(None)
    waiting = t.inbox.c.contact_id.in_(who.ids) & t.inbox.c.handed_at.is_(None)
    over = {"ended_at": now(), "ended_because": ERASED}
    changes = [
        (t.effects, mine, {"request": null(), "url": None}),
        (t.effects, mine & (t.effects.c.status == "open"), {**_WITHHELD, "settled_at": now()}),
        (t.journeys, running, {**over, "seen_running_at": func.coalesce(t.journeys.c.seen_running_at, now())}),
        (t.inbox, waiting, {"handed_at": now(), "last_error": ERASED}),
        (t.touches, which[t.touches], {"network": None, "device": None, "detail": None}),
        (t.findings, which[t.findings], {"words": "erased"}),
        (t.referrals, which[t.referrals], {"notes": ""}),
    ]
    counts: dict[Table, int] = {}
    for table, rows, values in changes:
        changed = await conn.execute(update(table).where(rows).values(values))
        counts[table] = max(counts.get(table, 0), changed.rowcount)
    counts[t.inbox] = await _inbox(conn, which[t.inbox])
    return counts


_WITHHELD: dict[str, Any] = {"status": "withheld", "reason": ERASED}


async def _inbox(conn: AsyncConnection, which: ColumnElement[bool]) -> int:
    """Of each event stays what a journey may hear, which is nothing that tells who it is about."""
    rows = (await conn.execute(select(t.inbox.c.id, t.inbox.c.type, t.inbox.c.data).where(which))).all()
    for row in rows:
        kept = public_data(row.type, row.data) if row.type in EVENTS else {}
        await conn.execute(update(t.inbox).where(t.inbox.c.id == row.id).values(data=kept))
    return len(rows)


async def _told_to_others(conn: AsyncConnection, who: Them) -> None:
    """What was sent to, or about, the other side of their referrals stays that side's, without the person's words."""
    theirs = t.effects.c.contact_id.in_(who.others) & t.effects.c.request.is_not(null())
    await _scrub(conn, who, t.effects, theirs, WORDS[t.effects])


async def _scrub(
    conn: AsyncConnection, who: Them, table: Table, which: ColumnElement[bool], columns: Sequence[str]
) -> None:
    keys = list(table.primary_key.columns)
    some = or_(*(table.c[name].is_not(None) for name in columns))
    for row in (await conn.execute(select(table).where(which, some))).all():
        changed = _changed(who, row, columns)
        if changed:
            itself = [key == getattr(row, key.name) for key in keys]
            await conn.execute(update(table).where(*itself).values(changed))


def _changed(who: Them, row: Row[Any], columns: Sequence[str]) -> dict[str, Any]:
    before = {name: getattr(row, name) for name in columns}
    after = {name: who.scrubbed(value) for name, value in before.items()}
    return {name: value for name, value in after.items() if value != before[name]}


async def _on_record(conn: AsyncConnection, who: Them, by: str, reason: str) -> None:
    said = {"what": ERASED, "by": by, "reason": who.scrubbed(reason)}
    await conn.execute(insert(t.decisions).values(about=who.contact.id, **said))
