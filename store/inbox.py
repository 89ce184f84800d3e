"""The inbox: an event is accepted once, in one transaction with what it tells about the person, and never lost.

A webhook is answered only after this has committed. Whatever dies afterwards, the event is here, and the relay hands it
on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.base import Json
from models.contact import Identity
from models.event import Event, checked_data
from models.money import Money
from store.database import new_id, now
from store.identity import Resolved, note_since, resolve
from store.payee import mark_payable
from store.payout import reversed_outside
from store.referral import credit, move
from store.tables import inbox, strays

A_MOMENT = timedelta(seconds=2)
GIVEN_UP = timedelta(minutes=15)
NOBODY = "names nobody and nothing we know"


class Unacceptable(ValueError):
    """An event that cannot be accepted, however often it comes. The message says why, and quotes no value."""


@dataclass(frozen=True)
class Accepted:
    """What became of an event. `new` False: it was here already. `contact` None: it names something we do not know."""

    id: str
    new: bool
    contact: str | None


@dataclass(frozen=True)
class Waiting:
    """An accepted event on its way to the journeys."""

    id: str
    type: str
    at: datetime
    data: Json
    contact: str | None
    journey: str | None
    attempts: int


async def accept(engine: AsyncEngine, event: Event) -> Accepted:
    """Stores an event, its contact and what it tells, once. Raises Unacceptable, and stores nothing, when its data
    does not fit its type or cannot be kept."""
    try:
        data = checked_data(event.type, event.data)
    except ValueError as error:
        raise Unacceptable(str(error)) from error
    try:
        return await _stored(engine, event, data)
    except (DataError, UnicodeEncodeError) as error:
        raise Unacceptable(
            f"{event.type}: something in it cannot be kept: a NUL character, half of a character, or a number or a "
            "time out of range"
        ) from error


async def _stored(engine: AsyncEngine, event: Event, data: dict[str, Any]) -> Accepted:
    async with engine.begin() as conn:
        before = select(inbox.c.id, inbox.c.contact_id).where(
            inbox.c.source == event.source, inbox.c.source_id == event.source_id
        )
        if (known := (await conn.execute(before)).first()) is not None:
            return Accepted(known.id, new=False, contact=known.contact_id)
        resolved = await resolve(conn, event.subject, event.identities, event.person, hearsay=event.hearsay)
        event_id = new_id("e")
        if resolved is not None:
            resolved, data = await _routed(conn, event, resolved, data)
        stored = await conn.execute(
            insert(inbox)
            .values(
                id=event_id,
                **_unique(event, resolved),
                type=event.type,
                contact_id=None if resolved is None else resolved.contact,
                journey_id=None if resolved is None else resolved.journey,
                at=event.at,
                data=data,
                **(_unknown(event) if resolved is None else {}),
            )
            .on_conflict_do_nothing(index_elements=["source", "source_id"])
            .returning(inbox.c.id)
        )
        contact = None if resolved is None else resolved.contact
        if stored.first() is None:
            return Accepted(await _id_of(conn, event, resolved), new=False, contact=contact)
        await _consequences(conn, event, contact, data)
    return Accepted(event_id, new=True, contact=contact)


def _unknown(event: Event) -> Json:
    """A vendor's word about a thing of ours that is not on record yet waits for it; any other names nobody."""
    if event.subject.kind.endswith("_send"):
        return {"subject": event.subject.text, "not_before": now() + A_MOMENT, "last_error": NOBODY}
    return {"handed_at": now(), "last_error": NOBODY}


async def look_again(engine: AsyncEngine, event: str) -> None:
    """Whether what an event is about is on record by now; after a while it is given up."""
    async with engine.begin() as conn:
        row = (await conn.execute(select(inbox).where(inbox.c.id == event).with_for_update())).one()
        resolved = await resolve(conn, Identity.parse(row.subject or ""))
        change: Json = {"not_before": now() + A_MOMENT * (row.attempts + 1)}
        if resolved is not None:
            told = Event(
                type=row.type,
                source=row.source,
                source_id=row.source_id,
                subject=Identity.parse(row.subject),
                at=row.at,
            )
            routed, data = await _routed(conn, told, resolved, dict(row.data))
            if routed is not None:
                await _consequences(conn, told, routed.contact, data)
                change = {"contact_id": routed.contact, "journey_id": routed.journey, "data": data, "not_before": now()}
                change |= {"subject": None, "last_error": None}
        elif row.received_at < now() - GIVEN_UP:
            change = {"handed_at": now(), "subject": None}
        await conn.execute(update(inbox).where(inbox.c.id == event).values(**change))


def _unique(event: Event, resolved: Resolved | None) -> dict[str, str]:
    """A scan may reach us from the vendor and by our own address: it is one for each send and minute."""
    if event.type == "qr.scanned" and resolved is not None and resolved.effect is not None:
        minute = int(event.at.timestamp()) // 60
        return {"source": "qr", "source_id": f"{resolved.effect}:{minute}"}
    return {"source": event.source, "source_id": event.source_id}


async def _id_of(conn: AsyncConnection, event: Event, resolved: Resolved | None) -> str:
    unique = _unique(event, resolved)
    query = select(inbox.c.id).where(inbox.c.source == unique["source"], inbox.c.source_id == unique["source_id"])
    return str((await conn.execute(query)).scalar_one())


async def _routed(
    conn: AsyncConnection, event: Event, resolved: Resolved, data: dict[str, Any]
) -> tuple[Resolved | None, dict[str, Any]]:
    """Sends a referral's event to its advocate; gives an event about one of our effects that effect's key."""
    if event.type.startswith("referral."):
        report = f"{event.source}:{event.source_id}"
        subject = resolved.contact
        if event.subject.kind == "ovation_referral":
            data = {**data, "referral": event.subject.value}
        elif resolved.journey is not None and resolved.journey.startswith("r_"):
            data = {**data, "referral": resolved.journey}
        credited = await credit(conn, event.type, subject, data, report, event.at)
        if credited is None:
            return None, data
        named = {"referral": credited.referral, "friend": credited.friend}
        if event.type == "referral.refunded":
            named["refund"] = str(data["amount"]["minor"]) if data.get("amount") else "all"
        if event.type == "referral.lost":
            named["lost"] = f"{event.at:%Y%m%dT%H%M}"
        return Resolved(credited.advocate), {**data, **{k: v for k, v in named.items() if v is not None}}
    about = _ABOUT.get(event.type.partition(".")[0])
    if resolved.effect is not None and about is not None:
        return resolved, {**data, about: resolved.effect}
    return resolved, data


_ABOUT = {"qr": "gift", "message": "message"}
"""Event → the field that names the effect it is about, where the vendor named the effect another way."""


async def _consequences(conn: AsyncConnection, event: Event, contact: str | None, data: dict[str, Any]) -> None:
    """What an event means for the record at once, whether or not a journey hears it."""
    if contact is None:
        return
    if event.type == "contact.opted_out":
        await note_since(conn, contact, "opted_out_at", event.at)
    if event.type == "contact.churned":
        await note_since(conn, contact, "churned_at", event.at)
    if event.type == "payee.ready":
        await mark_payable(conn, contact)
    if event.type == "reward.taken_back" and data.get("reward"):
        amount = Money.model_validate(data["amount"]) if data.get("amount") else None
        await reversed_outside(conn, data["reward"], amount, event.at)
    if data.get("referral"):
        amount = Money.model_validate(data["amount"]) if data.get("amount") else None
        await move(conn, data["referral"], event.type, amount, event.at)


async def count_stray(engine: AsyncEngine, platform: str, name: str) -> None:
    """A vendor's event that nobody listed."""
    async with engine.begin() as conn:
        row = insert(strays).values(platform=platform, name=name[:200])
        await conn.execute(
            row.on_conflict_do_update(
                index_elements=["platform", "name"], set_={"seen": strays.c.seen + 1, "last_at": func.now()}
            )
        )


_ONE_TAKES_AT_A_TIME = select(func.pg_advisory_xact_lock(func.hashtext("ovation.inbox.take")))
"""Two who look at the same moment would each see a person's events as free, and share them out between them."""


async def take_waiting(engine: AsyncEngine, limit: int, lease: timedelta) -> list[Waiting]:
    """Takes events that are to be handed on; they come back after the lease if this process dies with them.

    A person's event waits for their earlier ones: who is told before their journey has begun is told in vain. Only one
    that was refused holds up nobody."""
    earlier = inbox.alias("earlier")
    overtakes = exists().where(
        earlier.c.contact_id == inbox.c.contact_id,
        earlier.c.handed_at.is_(None),
        earlier.c.position < inbox.c.position,
        earlier.c.not_before > func.now(),
        ~earlier.c.refused,
    )
    chosen = (
        select(inbox.c.id)
        .where(inbox.c.handed_at.is_(None), inbox.c.not_before <= func.now(), ~overtakes)
        .order_by(inbox.c.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    async with engine.begin() as conn:
        await conn.execute(_ONE_TAKES_AT_A_TIME)
        rows = await conn.execute(
            update(inbox)
            .where(inbox.c.id.in_(chosen))
            .values(not_before=func.now() + lease, attempts=inbox.c.attempts + 1)
            .returning(inbox)
        )
        taken = sorted(rows.all(), key=lambda row: int(row.position))
    return [_waiting(row) for row in taken]


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(row.id, row.type, row.at, row.data, row.contact_id, row.journey_id, row.attempts)


async def event_by_id(engine: AsyncEngine, event: str) -> Waiting:
    """An accepted event. Raises LookupError when there is none."""
    async with engine.connect() as conn:
        row = (await conn.execute(select(inbox).where(inbox.c.id == event))).first()
    if row is None:
        raise LookupError(f"there is no event {event}")
    return _waiting(row)


async def mark_handed(engine: AsyncEngine, events: Sequence[str]) -> None:
    async with engine.begin() as conn:
        await conn.execute(update(inbox).where(inbox.c.id.in_(events)).values(handed_at=func.now(), last_error=None))


async def mark_delayed(
    engine: AsyncEngine, events: Sequence[str], delay: timedelta, why: str, *, refused: bool = False
) -> None:
    """Hand them on later; `why` is shown by `ovation doctor`. `refused`: Temporal does not want them as they are."""
    async with engine.begin() as conn:
        await conn.execute(
            update(inbox)
            .where(inbox.c.id.in_(events))
            .values(not_before=func.now() + delay, last_error=why[:500], refused=refused)
        )


async def waiting_count(engine: AsyncEngine) -> int:
    async with engine.connect() as conn:
        counted = await conn.execute(select(func.count()).select_from(inbox).where(inbox.c.handed_at.is_(None)))
        return int(counted.scalar_one())


async def strays_seen(engine: AsyncEngine) -> list[tuple[str, str, int]]:
    """Vendors' events that nobody listed: platform, name, how often."""
    async with engine.connect() as conn:
        rows = (await conn.execute(select(strays).order_by(strays.c.platform, strays.c.name))).all()
    return [(row.platform, row.name, row.seen) for row in rows]
