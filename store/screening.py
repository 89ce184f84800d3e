"""Screening: what the fraud rules look at is gathered, judged and written down at once, before money is owed.

The failure prevented: a reward that is paid because a check was late, broke, or looked at half of the facts. Until
there is a verdict, nothing is paid; a person's decision overrules a hold, and stands with a name and a reason.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, get_args

from sqlalchemy import ColumnElement, Row, and_, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from journeys.conditions import holds
from models.contact import Contact
from models.effect import Decided
from models.program import Program
from store import referral as referrals_
from store.database import now
from store.fraud import Case, Finding, Suspicion, Verdict, digits, judge, normalized
from store.identity import get_contact, kept_as
from store.tables import codes, contacts, decisions, findings, payees, referrals, touches

DAY, WEEK = timedelta(days=1), timedelta(days=7)
LONGEST_RING = 6


async def screen(
    engine: AsyncEngine, referral: str, program: Program, decided: Decided | None
) -> tuple[Verdict, str, list[Finding]]:
    """Judges a referral and writes verdict and evidence down. `decided` overrules a hold, and is kept.

    Raises LookupError when there is no such referral, or its advocate was erased."""
    async with engine.begin() as conn:
        row = await referrals_.get(conn, referral, lock=True)
        if row is None:
            raise LookupError(f"there is no referral {referral}")
        verdict, why, found = await look(conn, row, program)
        if decided is not None:
            verdict, why = ("allow" if decided.approved else "deny"), f"{decided.by}: {decided.reason}"
            await record(conn, referral, decided)
        elif (standing := await decision_on(conn, referral)) is not None:
            verdict, why = ("allow" if standing.what == "approved" else "deny"), f"{standing.by}: {standing.reason}"
        values = {"verdict": verdict, "screened_at": now()}
        await conn.execute(update(referrals).where(referrals.c.id == referral).values(**values))
        return verdict, why, found


async def look(conn: AsyncConnection, row: Row[Any], program: Program) -> tuple[Verdict, str, list[Finding]]:
    """The verdict as of now, its reason in words, and the evidence, which is kept."""
    verdict, found = judge(await case_of(conn, row, program))
    await conn.execute(delete(findings).where(findings.c.referral_id == row.id))
    rows = [{"referral_id": row.id, "rule": f.rule, "weight": f.weight, "words": f.words} for f in found]
    if rows:
        await conn.execute(insert(findings).values(rows).on_conflict_do_nothing())
    return verdict, "; ".join(f.words for f in found), found


async def record(conn: AsyncConnection, about: str, decided: Decided, at: datetime | None = None) -> None:
    """A person's decision, once: it comes with every attempt until there is another. Now, unless `at` is said."""
    what = "approved" if decided.approved else "voided"
    newest = await decision_on(conn, about)
    if newest is None or (newest.what, newest.by, newest.reason) != (what, decided.by, decided.reason):
        said = {"about": about, "what": what, "by": decided.by, "reason": decided.reason, "at": at or now()}
        await conn.execute(insert(decisions).values(said))


async def decision_on(conn: AsyncConnection, about: str) -> Row[Any] | None:
    """The newest decision of a person about a referral or a reward."""
    query = select(decisions).where(decisions.c.about == about, decisions.c.what.in_(("approved", "voided")))
    return (await conn.execute(query.order_by(decisions.c.id.desc()).limit(1))).first()


async def case_of(conn: AsyncConnection, row: Row[Any], program: Program) -> Case:
    """Everything the rules look at, as of now. Raises LookupError when the advocate was erased."""
    advocate = await get_contact(conn, row.advocate_id)
    if advocate is None:
        raise LookupError("the advocate was erased")
    friend = None if row.friend_id is None else await get_contact(conn, row.friend_id)
    if friend is None:
        return Case(advocate, None, in_a_day=await _in_a_day(conn, row), rules=program.fraud)
    return Case(
        advocate=advocate,
        friend=friend,
        earlier_advocates=await _earlier(conn, row),
        twins=await _twins(conn, row, friend),
        chain=await _chain(conn, row.friend_id, row.advocate_id),
        in_a_day=await _in_a_day(conn, row),
        **await _connections(conn, row),
        payout_shared_with=await _sharing_payout(conn, row.advocate_id),
        is_customer=_is(program.fraud.customer, friend),
        is_lead=_is(program.fraud.lead, friend),
        coupon_sites=await _coupon_sites(conn, row.advocate_id, program),
        suspicions=await _suspicions(conn, row.id),
        rules=program.fraud,
    )


def _is(condition: str | None, friend: Contact) -> bool:
    facts = friend.model_dump(mode="json", exclude={"address", "identities"})
    return condition is not None and holds(condition, contact=facts)


def _before(row: Row[Any]) -> ColumnElement[bool]:
    """In a query: referrals that came before this one."""
    at_once = and_(referrals.c.submitted_at == row.submitted_at, referrals.c.id < row.id)
    return or_(referrals.c.submitted_at < row.submitted_at, at_once)


async def _earlier(conn: AsyncConnection, row: Row[Any]) -> list[str]:
    query = select(referrals.c.advocate_id).where(
        referrals.c.friend_id == row.friend_id,
        kept_as(referrals.c.advocate_id) != kept_as(row.advocate_id),
        referrals.c.verdict.is_distinct_from("deny"),
        _before(row),
    )
    return [str(found) for found in (await conn.execute(query)).scalars()]


async def _twins(conn: AsyncConnection, row: Row[Any], friend: Contact) -> list[str]:
    """Other friends of this advocate, referred before, who are the same person by mailbox or telephone; and this one,
    where it is known by another name, too, and that referral counts (`store/merge.py`)."""
    query = (
        select(contacts.c.id, contacts.c.email, contacts.c.phone)
        .join(referrals, referrals.c.friend_id == contacts.c.id)
        .where(
            referrals.c.advocate_id == row.advocate_id,
            contacts.c.id != row.friend_id,
            _before(row),
            referrals.c.verdict.is_distinct_from("deny"),
        )
    )
    counts = select(referrals.c.friend_id).where(
        referrals.c.advocate_id == kept_as(row.advocate_id),
        referrals.c.friend_id == friend.id,
        referrals.c.id != row.id,
    )
    known = [str(found) for found in (await conn.execute(counts)).scalars()]
    mailbox, number = normalized(friend.email), digits(friend.phone)
    return known + [
        str(other.id)
        for other in await conn.execute(query)
        if (mailbox and normalized(other.email) == mailbox) or (number and digits(other.phone) == number)
    ]


async def _chain(conn: AsyncConnection, start: str, goal: str) -> list[str]:
    """The shortest way from the friend, by whom they referred, back to the advocate; the advocates on it."""
    way = (
        select(
            referrals.c.advocate_id.label("first"),
            referrals.c.friend_id.label("at"),
            literal(1).label("length"),
            array([referrals.c.advocate_id]).label("by"),
        )
        .where(referrals.c.advocate_id == start, referrals.c.friend_id.is_not(None))
        .cte("way", recursive=True)
    )
    further = select(
        way.c.first,
        referrals.c.friend_id,
        way.c.length + 1,
        func.array_append(way.c.by, referrals.c.advocate_id),
    ).where(
        referrals.c.advocate_id == way.c.at,
        referrals.c.friend_id.is_not(None),
        way.c.length < LONGEST_RING,
        referrals.c.advocate_id != func.all(way.c.by),
    )
    way = way.union_all(further)
    query = select(way.c.by).where(way.c.at == goal).order_by(way.c.length).limit(1)
    return list((await conn.execute(query)).scalar() or [])


async def _in_a_day(conn: AsyncConnection, row: Row[Any]) -> int:
    since: datetime = row.submitted_at - DAY
    query = select(func.count()).where(
        referrals.c.advocate_id == row.advocate_id, referrals.c.submitted_at.between(since, row.submitted_at)
    )
    return int((await conn.execute(query)).scalar_one())


async def _connections(conn: AsyncConnection, row: Row[Any]) -> dict[str, Any]:
    """Whether the friend came by the advocate's network or device, or by the code of the box; how many friends came
    from that network lately. Fields of `Case`."""
    theirs = select(touches.c.network, touches.c.device).where(touches.c.friend_id == row.friend_id)
    used = (await conn.execute(theirs)).all()
    networks = [t.network for t in used if t.network]
    devices = [t.device for t in used if t.device]
    seen = select(touches.c.how, touches.c.network, touches.c.device).where(
        touches.c.advocate_id == row.advocate_id,
        touches.c.how.in_(("visit", "scan")),
        touches.c.network.in_(networks) | touches.c.device.in_(devices),
    )
    visits = (await conn.execute(seen.distinct())).all()
    own, scans = ([v for v in visits if v.how == how] for how in ("visit", "scan"))
    lately = select(func.count(func.distinct(touches.c.friend_id))).where(
        touches.c.network.in_(networks), touches.c.friend_id.is_not(None), touches.c.at > row.submitted_at - WEEK
    )
    others = int((await conn.execute(lately)).scalar_one()) if networks else 0
    return {
        "same_network": any(visit.network in networks for visit in own),
        "same_device": any(visit.device in devices for visit in own),
        "same_scan": any(scan.device in devices for scan in scans),
        "others_from_network": others,
    }


async def _sharing_payout(conn: AsyncConnection, advocate: str) -> list[str]:
    accounts = select(payees.c.account).where(payees.c.contact_id == advocate)
    somebody_else = kept_as(payees.c.contact_id) != kept_as(advocate)
    query = select(payees.c.contact_id).where(payees.c.account.in_(accounts), somebody_else)
    return [str(found) for found in (await conn.execute(query)).scalars()]


async def _coupon_sites(conn: AsyncConnection, advocate: str, program: Program) -> list[str]:
    """Sites that are known to pass codes on, and from which this advocate's link was clicked."""
    if not program.fraud.coupon_sites:
        return []
    query = (
        select(touches.c.detail)
        .join(codes, codes.c.code == touches.c.code)
        .where(codes.c.contact_id == advocate, touches.c.how == "click", touches.c.detail.is_not(None))
        .distinct()
    )
    came_from = {str(host) for host in (await conn.execute(query)).scalars()}
    return [s for s in program.fraud.coupon_sites if any(h == s or h.endswith(f".{s}") for h in came_from)]


async def _suspicions(conn: AsyncConnection, referral: str) -> dict[str, str]:
    """What the form that made it told against whoever sent it, written down then."""
    query = select(touches.c.how, touches.c.detail).where(
        touches.c.referral_id == referral, touches.c.how.in_(get_args(Suspicion))
    )
    return {row.how: row.detail or "" for row in await conn.execute(query)}


async def evidence(engine: AsyncEngine, referral: str) -> Sequence[Row[Any]]:
    """What the fraud rules found, the weightiest first."""
    query = select(findings).where(findings.c.referral_id == referral).order_by(findings.c.weight.desc())
    async with engine.connect() as conn:
        return (await conn.execute(query)).all()


async def decisions_about(engine: AsyncEngine, about: str) -> Sequence[Row[Any]]:
    """What people decided about a referral or a reward, oldest first."""
    async with engine.connect() as conn:
        return (await conn.execute(select(decisions).where(decisions.c.about == about).order_by(decisions.c.id))).all()


async def disputes(engine: AsyncEngine, friend: str | None) -> Sequence[Row[Any]]:
    """Who else claims to have brought this friend, oldest first."""
    query = select(touches).where(touches.c.friend_id == friend, touches.c.disputed).order_by(touches.c.id)
    async with engine.connect() as conn:
        return (await conn.execute(query)).all()
