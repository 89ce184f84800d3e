"""Referrals: who sent whom, and how far it has come. Unique by advocate and friend; a second report joins the first.

The failures prevented: one sale that counts for two advocates, or twice for one, because two systems told of it; a
person's word that the next report undoes. The first touch wins; whoever claims the same friend later is kept as a
dispute, and only a person overrules it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.contact import Identity
from models.money import Money
from store.database import new_code, new_id
from store.identity import follow, kept_as, resolve
from store.tables import codes, contacts, decisions, inbox, referrals, touches

LIVE = ("submitted", "qualified", "closed")
"""Of two referrals of one friend, one that is alive is the one an event without a name means."""


@dataclass(frozen=True)
class Credited:
    """Whose referral an event is about: the advocate, our id of the referral, and of the friend."""

    advocate: str
    referral: str | None = None
    friend: str | None = None


async def credit(
    conn: AsyncConnection, event_type: str, subject: str, data: dict[str, Any], report: str, at: datetime
) -> Credited | None:
    """Finds the advocate of a referral event, and the referral, made if need be. None where the code is unknown.

    In this order: a code, `referred_by`, a referral we know by its id, a referral of this friend; else the subject is
    the advocate. `subject` is a contact id; `report` names this report, for a referral nothing else tells apart."""
    if data.get("referral_code"):
        advocate = await _by_code(conn, str(data["referral_code"]))
        if advocate is None:
            return None
    elif data.get("referred_by"):
        found = await resolve(conn, Identity.parse(str(data["referred_by"])))
        if found is None:
            return None
        advocate = found.contact
    else:
        known = await _known(conn, subject, data.get("referral"))
        if known is not None:
            return known
        if event_type in ("referral.refunded", "referral.lost"):
            return None  # the end of something nobody told us of, by somebody who referred nobody
        advocate = subject
    if event_type in ("referral.shared", "referral.clicked"):
        return Credited(advocate)
    friend = None if advocate == subject else subject
    how = str(data.get("how") or ("code" if data.get("referral_code") else "crm"))
    return await _record(conn, advocate, friend, data.get("referral") or report, how, at)


async def _by_code(conn: AsyncConnection, code: str) -> str | None:
    query = select(kept_as(codes.c.contact_id)).where(codes.c.code == code, codes.c.kind == "referral")
    return (await conn.execute(query)).scalar()


async def _known(conn: AsyncConnection, subject: str, named: object) -> Credited | None:
    which = [referrals.c.friend_id == subject]
    if named:
        which = [referrals.c.id == str(named), referrals.c.external_id == str(named)]
    alive = referrals.c.status.in_(LIVE) & referrals.c.verdict.is_distinct_from("deny")
    query = select(referrals).where(or_(*which)).order_by(alive.desc(), referrals.c.submitted_at).limit(1)
    row = (await conn.execute(query)).first()
    if row is None or row.friend_id is None:
        return None if row is None else Credited(row.advocate_id, row.id)
    same = (referrals.c.advocate_id == kept_as(row.advocate_id)) & (referrals.c.friend_id == kept_as(row.friend_id))
    counts = (
        await conn.execute(select(referrals).where(same))
    ).first() or row  # of one by two names (`store/merge.py`)
    return Credited(counts.advocate_id, counts.id, counts.friend_id)


async def _record(
    conn: AsyncConnection, advocate: str, friend: str | None, named: str, how: str, at: datetime
) -> Credited:
    """The referral of these two, made at the first report; each report is a touch, a rival's a dispute. One that a
    person gave to somebody else stays theirs, whoever is reported again."""
    given = None if friend is None else await _given_away(conn, advocate, friend)
    if given is None:
        referral = await _of_these_two(conn, advocate, friend, named, how, at)
    else:
        referral = given.referral or ""
    disputed = friend is not None and await _rival(conn, advocate, friend)
    touch = insert(touches).values(
        advocate_id=advocate, friend_id=friend, referral_id=referral, how=how, disputed=disputed, at=at
    )
    await conn.execute(touch)
    return given or Credited(advocate, referral, friend)


def attributed(before: str, after: str) -> str:
    """What a person decided who overruled the first touch, as it is kept. `_given_away` reads it."""
    return f"attributed from {before} to {after}"


async def _given_away(conn: AsyncConnection, advocate: str, friend: str) -> Credited | None:
    """The referral of this friend that was the advocate's, by whatever name, until a person gave it to somebody else;
    None while they have one of their own."""
    own = referrals.alias()
    has_one = exists().where(own.c.advocate_id == advocate, own.c.friend_id == friend)
    names = select(contacts.c.id).where(or_(contacts.c.id == advocate, contacts.c.merged_into == advocate))
    query = (
        select(referrals)
        .join(decisions, decisions.c.about == referrals.c.id)
        .where(
            referrals.c.friend_id == friend,
            decisions.c.what.startswith("attributed from "),
            func.split_part(decisions.c.what, " ", 3).in_(names),
            ~has_one,
        )
        .order_by(decisions.c.id.desc())
        .limit(1)
    )
    row = (await conn.execute(query)).first()
    return None if row is None else Credited(row.advocate_id, row.id, row.friend_id)


async def _of_these_two(
    conn: AsyncConnection, advocate: str, friend: str | None, named: str, how: str, at: datetime
) -> str:
    external = named if friend is None else None
    made = insert(referrals).values(
        id=new_id("r"), advocate_id=advocate, friend_id=friend, external_id=external, how=how, submitted_at=at
    )
    await conn.execute(made.on_conflict_do_nothing())
    same = (
        referrals.c.external_id == named
        if friend is None
        else (referrals.c.advocate_id == advocate) & (referrals.c.friend_id == friend)
    )
    return str((await conn.execute(select(referrals.c.id).where(same))).scalar_one())


async def _rival(conn: AsyncConnection, advocate: str, friend: str) -> bool:
    first = (
        select(referrals.c.advocate_id)
        .where(referrals.c.friend_id == friend)
        .order_by(referrals.c.submitted_at, referrals.c.id)
        .limit(1)
    )
    return (await conn.execute(first)).scalar() not in (None, advocate)


async def move(conn: AsyncConnection, referral: str, event_type: str, amount: Money | None, at: datetime) -> None:
    """What an event means for how far the referral has come. What happened last counts, whatever was told last.

    A sale that was refunded, or lost after it was won, stays reversed: a late report of the sale does not revive it,
    and a late report of an earlier loss does not undo it. What overtook the report of the sale counts all the same."""
    row = await get(conn, referral, lock=True)
    if row is None:
        return
    match event_type:
        case "referral.qualified":
            await _keep(conn, row, qualified_at=max(at, row.qualified_at or at))
        case "referral.closed":
            await _close(conn, row, amount, at)
        case "referral.lost":
            await _keep(conn, row, lost_at=max(at, row.lost_at or at))
        case "referral.refunded":
            await _refund(conn, row, amount, at)


async def _keep(conn: AsyncConnection, row: Row[Any], **facts: Any) -> Row[Any]:
    """Adds facts to a referral, and says what they make of it. Gives it as it is now."""
    known = {**row._mapping, **facts}
    status = _status(**{name: known[name] for name in _MAKE_THE_STATUS})
    change = update(referrals).where(referrals.c.id == row.id).values(**facts, status=status).returning(referrals)
    kept: Row[Any] = (await conn.execute(change)).one()
    return kept


_MAKE_THE_STATUS = ("qualified_at", "closed_at", "lost_at", "refunded_at", "refunded_minor", "amount_minor")


def _status(
    qualified_at: datetime | None,
    closed_at: datetime | None,
    lost_at: datetime | None,
    refunded_at: datetime | None,
    refunded_minor: int,
    amount_minor: int | None,
) -> str:
    """How far a referral has come, from when things happened and not from the order in which they were told."""
    reached = closed_at or qualified_at
    if lost_at is not None and (reached is None or lost_at >= reached):
        return "lost"
    if closed_at is None:
        return "submitted" if qualified_at is None else "qualified"
    return "refunded" if refunded_at is not None and refunded_minor >= (amount_minor or 0) else "closed"


async def _close(conn: AsyncConnection, row: Row[Any], amount: Money | None, at: datetime) -> None:
    """The sale, once. A first report without an amount leaves it to a later one."""
    facts: dict[str, Any] = {}
    if row.closed_at is None:
        facts["closed_at"] = at
    if amount is not None and row.amount_minor is None:
        facts |= {"amount_minor": amount.minor, "currency": amount.currency}
    if not facts:
        return
    now = await _keep(conn, row, **facts)
    for early in await _refunds_told(conn, row):
        told = early.data.get("amount")
        now = await _refund(conn, now, None if told is None else Money.model_validate(told), early.at)


async def _refunds_told(conn: AsyncConnection, row: Row[Any]) -> Sequence[Row[Any]]:
    """Refunds of this sale that reached us before the sale, or its amount, did; whoever's the referral was then."""
    refund: ColumnElement[str] = literal_column("'referral.refunded'")
    of = inbox.c.data.op("->>")(literal_column("'referral'"))
    query = select(inbox).where(inbox.c.type == refund, of == row.id)  # as the index `ix_inbox_refunds` has it
    return (await conn.execute(query)).all()


async def _refund(conn: AsyncConnection, row: Row[Any], amount: Money | None, at: datetime) -> Row[Any]:
    """`amount` is the total refunded so far; without one, all of it. Totals never shrink. One that comes before the
    sale's own amount waits for it, in the inbox."""
    if row.closed_at is None or (amount is not None and row.amount_minor is None):
        return row
    whole = row.amount_minor or 0
    total = whole if amount is None or amount.currency != row.currency else min(amount.minor, whole)
    return await _keep(conn, row, refunded_minor=max(total, row.refunded_minor), refunded_at=row.refunded_at or at)


async def get(conn: AsyncConnection, referral: str, *, lock: bool = False) -> Row[Any] | None:
    """The referral's row; with `lock`, nobody else decides about it meanwhile."""
    query = select(referrals).where(referrals.c.id == referral)
    return (await conn.execute(query.with_for_update() if lock else query)).first()


async def read(engine: AsyncEngine, referral: str) -> Row[Any] | None:
    async with engine.connect() as conn:
        return await get(conn, referral)


async def revenue_of(conn: AsyncConnection, advocate: str, currency: str) -> Money:
    """What the advocate's closed referrals brought in one currency: an absolute total, never a difference.

    What was refunded is not in it, nor what was denied."""
    total = await conn.execute(
        select(func.coalesce(func.sum(referrals.c.amount_minor - referrals.c.refunded_minor), 0)).where(
            referrals.c.advocate_id == advocate,
            referrals.c.status == "closed",
            referrals.c.verdict.is_distinct_from("deny"),
            referrals.c.currency == currency,
        )
    )
    return Money(minor=int(total.scalar_one()), currency=currency)


async def closed_count(conn: AsyncConnection, advocate: str) -> int:
    """How many of the advocate's referrals became customers."""
    counted = select(func.count()).where(
        referrals.c.advocate_id == advocate,
        referrals.c.status == "closed",
        referrals.c.verdict.is_distinct_from("deny"),
    )
    return int((await conn.execute(counted)).scalar_one())


async def referral_code(conn: AsyncConnection, contact: str) -> str:
    """The advocate's own code, made on first use."""
    query = select(codes.c.code).where(codes.c.contact_id == contact, codes.c.kind == "referral")
    known = (await conn.execute(query)).scalar()
    if known is None:
        made = insert(codes).values(code=new_code(), kind="referral", contact_id=contact)
        await conn.execute(made.on_conflict_do_nothing())
        known = (await conn.execute(query)).scalar_one()
    return str(known)


async def advocate_of(engine: AsyncEngine, code: str) -> str | None:
    """Whose personal code this is; None for one we did not make."""
    async with engine.connect() as conn:
        return await _by_code(conn, code)


async def note_touch(engine: AsyncEngine, **touch: Any) -> None:
    """Keeps a click, a visit or a form, for the fraud rules. See `store.tables.touches`."""
    async with engine.begin() as conn:
        for side in ("advocate_id", "friend_id"):
            if touch.get(side) is not None:
                touch[side] = await follow(conn, touch[side])
        await conn.execute(insert(touches).values(**touch))


async def last_click(engine: AsyncEngine, advocate: str, device: str) -> datetime | None:
    """When this browser last clicked a link of this advocate's, and it counted; None if it never did."""
    clicked = select(func.max(touches.c.at)).where(
        touches.c.advocate_id == kept_as(advocate), touches.c.how == "click", touches.c.device == device
    )
    async with engine.connect() as conn:
        at: datetime | None = (await conn.execute(clicked)).scalar()
        return at


@dataclass(frozen=True)
class Forms:
    """How many forms came: `by_it` from one browser, `for_them` for one advocate."""

    by_it: int
    for_them: int


async def forms_since(
    engine: AsyncEngine, since: datetime, advocate: str, *, network: str, device: str | None
) -> Forms:
    """Forms since then from this network and browser, and for this advocate. Without a mark of their own, all browsers
    of a network are one."""
    itself = (touches.c.network == network) & touches.c.device.is_not_distinct_from(device)
    theirs = touches.c.advocate_id == kept_as(advocate)
    query = select(func.count().filter(itself), func.count().filter(theirs)).where(
        touches.c.how == "form", touches.c.at > since, itself | theirs
    )
    async with engine.connect() as conn:
        by_it, for_them = (await conn.execute(query)).one()
    return Forms(by_it, for_them)


async def referrals_of(engine: AsyncEngine, advocate: str) -> Sequence[Row[Any]]:
    """The advocate's referrals, newest first."""
    async with engine.connect() as conn:
        query = select(referrals).where(referrals.c.advocate_id == advocate)
        return (await conn.execute(query.order_by(referrals.c.submitted_at.desc()))).all()


async def all_referrals(engine: AsyncEngine, verdict: str | None, limit: int) -> Sequence[Row[Any]]:
    """Referrals, newest first; only those of one verdict, or all."""
    query = select(referrals).order_by(referrals.c.submitted_at.desc()).limit(limit)
    if verdict is not None:
        query = query.where(referrals.c.verdict == verdict)
    async with engine.connect() as conn:
        return (await conn.execute(query)).all()
