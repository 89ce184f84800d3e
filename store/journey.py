"""Journeys on record: who entered which playbook by which event, who did not and why, and when it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.base import Json
from models.journey import JourneyStart
from models.playbook import Playbook, span
from store.database import new_id, now
from store.tables import entries, journeys

SETTLING = timedelta(seconds=30)
"""A journey that ended less than this ago may still be closing in Temporal: a new entry waits."""


@dataclass(frozen=True)
class Running:
    """A journey that hears events; a referral's has the referral's id. `begun`: its workflow was seen to run;
    `opened_by` is the event it began with."""

    id: str
    playbook: str
    contact: str
    workflow: str
    begun: bool = True
    opened_by: str = ""

    def hears(self, event_type: str, contact: str | None, journey: str | None, referral: object) -> bool:
        """Whether an event is for this journey: one about another journey's effect is not.

        An advocate's hears what happens to them. A referral's hears what is said of that referral, whoever it is said
        to, and little of what else happens to its advocate."""
        of_referral = self.id.startswith("r_")
        if of_referral and contact == self.contact and event_type in HEARD_BY_REFERRALS:
            return True  # also about another journey's effect: a reward waits for what an advocate's journey had signed
        if journey is not None:
            return journey == self.id
        return referral == self.id if of_referral else contact == self.contact


HEARD_BY_REFERRALS = frozenset({"payee.ready", "agreement.signed", "agreement.declined", "contact.churned"})


class NotYetOver(Exception):
    """The person's last journey through this playbook is still closing; try again shortly."""


async def running_journeys(
    engine: AsyncEngine, contacts: Sequence[str], referrals: Sequence[str] = ()
) -> list[Running]:
    """The journeys of these contacts, and of these referrals, that have not ended."""
    meant = journeys.c.contact_id.in_(contacts) | journeys.c.id.in_(referrals)
    query = select(journeys).where(meant, journeys.c.ended_at.is_(None))
    async with engine.connect() as conn:
        rows = (await conn.execute(query)).all()
    return [
        Running(r.id, r.playbook, r.contact_id, r.workflow_id, r.seen_running_at is not None, r.event_id) for r in rows
    ]


async def enter(
    engine: AsyncEngine, playbook: Playbook, content: Json, contact: str, event: str, at: datetime, facts: Json
) -> JourneyStart | None:
    """Opens a journey for a person by an event, once; None when they may not enter, with the reason on record.

    A playbook about referrals opens one for the referral that `facts` names; its advocate is the contact.

    The same event gives the same journey again: handing it on twice starts nothing twice. `facts` is the event's
    public data. Raises NotYetOver when the person's previous journey is still closing."""
    referral = str(facts["referral"]) if playbook.about == "referral" else None
    async with engine.begin() as conn:
        last = await _last(conn, playbook.playbook, referral or contact)
        if last is not None and last.event_id == event:
            return None if last.ended_at is not None else JourneyStart.model_validate(last.start)
        refused = _refusal(playbook, last, at)
        start = None
        if refused is None:
            start = JourneyStart(
                journey=referral or new_id("j"),
                contact=contact,
                playbook=content,
                started=_began(at, now(), playbook.stale),
                facts=facts,
            )
            await _open(conn, playbook.playbook, start, event)
        await _record_entry(conn, playbook.playbook, contact, event, None if start is None else start.journey, refused)
        return start


def _began(at: datetime, heard: datetime, stale: timedelta) -> datetime:
    """The clocks run from what happened; from when we heard of it, where that is long ago, as in a backfill."""
    return min(at, heard) if heard - at < stale else heard


async def _last(conn: AsyncConnection, playbook: str, subject: str) -> Row[Any] | None:
    query = (
        select(journeys)
        .where(journeys.c.playbook == playbook, journeys.c.subject_id == subject)
        .order_by(journeys.c.ended_at.is_(None).desc(), journeys.c.started_at.desc())
        .limit(1)
    )
    return (await conn.execute(query)).first()


def _refusal(playbook: Playbook, last: Row[Any] | None, at: datetime) -> str | None:
    if last is None:
        return None
    if last.ended_at is None:
        return "they are in this playbook already"
    if playbook.again is None:
        return "they have been through this playbook, and it is for once only"
    if at < last.started_at + playbook.again:
        return f"they last entered on {last.started_at:%Y-%m-%d}, and may enter again {span(playbook.again)} later"
    if last.ended_at > now() - SETTLING:
        raise NotYetOver
    return None


async def _open(conn: AsyncConnection, playbook: str, start: JourneyStart, event: str) -> None:
    made = insert(journeys).values(
        id=start.journey,
        playbook=playbook,
        contact_id=start.contact,
        subject_id=start.journey if start.journey.startswith("r_") else start.contact,
        event_id=event,
        workflow_id=start.workflow,
        start=start.model_dump(mode="json"),
        started_at=start.started,
    )
    inserted = await conn.execute(made.on_conflict_do_nothing().returning(journeys.c.id))
    if inserted.first() is None:
        raise NotYetOver  # another event of this person opened one a moment ago


async def _record_entry(
    conn: AsyncConnection, playbook: str, contact: str, event: str, journey: str | None, refused: str | None
) -> None:
    row = insert(entries).values(
        event_id=event, playbook=playbook, contact_id=contact, journey_id=journey, refused=refused
    )
    await conn.execute(row.on_conflict_do_nothing())


async def saw_running(engine: AsyncEngine, journey: str) -> None:
    """The journey's workflow has begun: it will never have to be started again."""
    async with engine.begin() as conn:
        await conn.execute(
            update(journeys)
            .where(journeys.c.id == journey, journeys.c.seen_running_at.is_(None))
            .values(seen_running_at=func.now())
        )


async def never_seen(engine: AsyncEngine, older_than: timedelta = SETTLING) -> list[tuple[JourneyStart, str]]:
    """Journeys that were opened and whose workflow never began, with the event that opened them."""
    query = select(journeys).where(
        journeys.c.seen_running_at.is_(None),
        journeys.c.ended_at.is_(None),
        journeys.c.opened_at < func.now() - older_than,
    )
    async with engine.connect() as conn:
        rows = (await conn.execute(query)).all()
    return [_opened(row) for row in rows]


async def opened(engine: AsyncEngine, journey: str) -> tuple[JourneyStart, str]:
    """How a journey begins, and the event that opened it."""
    async with engine.connect() as conn:
        return _opened((await conn.execute(select(journeys).where(journeys.c.id == journey))).one())


def _opened(row: Row[Any]) -> tuple[JourneyStart, str]:
    return JourneyStart.model_validate(row.start), str(row.event_id)


async def end_journey(engine: AsyncEngine, journey: str, reason: str) -> None:
    """The journey is over; a second word changes nothing."""
    async with engine.begin() as conn:
        await conn.execute(
            update(journeys)
            .where(journeys.c.id == journey, journeys.c.ended_at.is_(None))
            .values(
                ended_at=now(), ended_because=reason, seen_running_at=func.coalesce(journeys.c.seen_running_at, now())
            )
        )
