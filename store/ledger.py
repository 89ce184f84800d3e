"""The ledger: each effect happens at most once, and a doubt is never a duplicate.

A row is claimed before the call, in one transaction with the last look, under the contact's lock and with a lease
longer than the call can last; it is closed with the vendor's receipt. Whatever dies in between, the next claim sees
that row and knows that it may have happened: that is found out first, and what had not happened is claimed afresh.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.base import Json, Personal
from models.contact import Contact
from models.effect import Order
from models.money import Money
from models.program import Program
from store.database import new_code, now
from store.governance import ASKS, QUARTER, No, NotYet, Wait, Withhold, last_look
from store.identity import SAME_PERSON, follow, get_contact
from store.referral import get as get_referral
from store.referral import referral_code, revenue_of
from store.tables import codes, effects, journeys

LEASE = timedelta(seconds=40)
"""Longer than an attempt can last (`EffectKind.attempt`)."""

Status = Literal["claimed", "pending", "open", "done", "withheld", "refused", "doubted"]
Mode = Literal["first", "again", "look"]

MAY_HAVE_HAPPENED: tuple[Status, ...] = ("claimed", "pending", "doubted")
"""What is left open of an effect of which nobody knows yet that it did not happen."""
HAS_ACTED: tuple[Status, ...] = (*MAY_HAVE_HAPPENED, "done")

NOT_WANTED = "not wanted any more"
SAID = "said to have happened"


class Erased(LookupError):
    """There is no such contact: it was erased, or is another by now whose own journey goes on."""


class CannotDo(Exception):
    """Raised while an effect is prepared: it cannot be done with what is known; the message says what to mend."""


@dataclass(frozen=True)
class Look:
    """What a doer may read while the claim is being decided."""

    conn: AsyncConnection
    order: Order
    contact: Contact
    program: Program
    at: datetime

    async def code(self) -> str:
        """The code of this effect's QR, made once."""
        made = insert(codes).values(code=new_code(), kind="qr", contact_id=self.contact.id, effect_key=self.order.key)
        await self.conn.execute(made.on_conflict_do_nothing())
        query = select(codes.c.code).where(codes.c.effect_key == self.order.key)
        return str((await self.conn.execute(query)).scalar_one())

    async def own_code(self) -> str:
        """The code of the contact's personal referral link, made once."""
        return await referral_code(self.conn, self.contact.id)

    async def url_of(self, key: str | None) -> str | None:
        """The address of what another effect made, a video for instance."""
        if key is None:
            return None
        return (await self.conn.execute(select(effects.c.url).where(effects.c.key == key))).scalar()

    async def referral(self) -> Row[Any] | None:
        """The referral this effect is about."""
        return None if self.order.referral is None else await get_referral(self.conn, self.order.referral)

    async def contact_of(self, contact: str | None) -> Contact | None:
        return None if contact is None else await get_contact(self.conn, contact)

    async def another_at_work(self) -> bool:
        """Whether an effect of this kind is under way for the same journey at the same platform.

        Two words about one thing must not overtake each other, nor make it twice."""
        query = select(effects.c.key).where(
            effects.c.journey_id == self.order.journey,
            effects.c.effect == self.order.effect,
            effects.c.platform == self.order.platform,
            effects.c.key != self.order.key,
            effects.c.status == "claimed",
            effects.c.lease_until > now(),
        )
        return (await self.conn.execute(query.limit(1))).first() is not None

    async def revenue(self, currency: str) -> Money:
        return await revenue_of(self.conn, self.contact.id, currency)


Prepare = Callable[[Look], Awaitable[Personal]]
Also = Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True)
class Mine:
    """Go. `mode` says how: call for the first time, call again after it may have happened, or only look whether it did.

    `request` is the rendered action, the same until it is known whether it happened; `sent_at` is when it was last
    sent. `was` is what the row was before; `verdict` what forbids the call that would do no harm, so that only a look
    is left. `claimed_at` tells this claim from a later one."""

    mode: Mode
    request: Json
    at: datetime
    sent_at: datetime
    claimed_at: datetime
    was: Status = "open"
    verdict: No | NotYet | None = None


@dataclass(frozen=True)
class Settled:
    """It was decided before."""

    status: Status
    reason: str
    facts: Json


@dataclass(frozen=True)
class Busy:
    """Another attempt may still be talking."""

    for_: timedelta


Claim = Mine | Settled | Busy | No | NotYet


async def claim(
    engine: AsyncEngine, order: Order, program: Program, prepare: Prepare, harmless: timedelta = timedelta()
) -> Claim:
    """Decides, in one transaction, whether this effect may and must be done now. `harmless`: for how long after the
    first call the vendor makes another one harmless.

    `prepare` may raise Withhold or Wait, which are verdicts. Raises Erased; whatever else `prepare` raises, such as
    CannotDo, leaves nothing behind."""
    async with engine.begin() as conn:
        order = order.model_copy(update={"contact": await _whose(conn, order)})
        contact = await get_contact(conn, order.contact, lock=True)
        if contact is None:
            raise Erased(f"there is no contact {order.contact}: erased?")
        look = Look(conn, order, contact, program, max(order.now, now()))
        row = (await conn.execute(select(effects).where(effects.c.key == order.key))).first()
        settled = _settled(row, order)
        if settled is not None:
            return settled
        if row is not None and (order.found or _may_have_happened(row, order)):
            return await _repeat(look, row, prepare, harmless)
        decided = _not_wanted(row) if order.over else await _decide(look, prepare)
        if isinstance(decided, No | NotYet):
            await _refuse(look, decided)
            return decided
        claimed_at = await _take(look, decided, "first")
        return Mine("first", decided, look.at, look.at, claimed_at)


async def _whose(conn: AsyncConnection, order: Order) -> str:
    """Whom the effect is for by now, locked: of a referral its friend or else its advocate, whom a person may have
    changed; of both, whoever they were merged into.

    Raises Erased for a journey that a merge ended because it begins again for them."""
    row = await get_referral(conn, order.journey) if order.journey.startswith("r_") else None
    who = order.contact
    if row is not None and who != row.friend_id:
        who = await follow(conn, who)
        if row.friend_id is None or who != await follow(conn, row.friend_id):
            who = str(row.advocate_id)
    who = await follow(conn, who, lock=True)
    if row is None and who != order.contact:
        ended = select(journeys.c.ended_because).where(journeys.c.id == order.journey)
        because = str((await conn.execute(ended)).scalar() or "")
        if because.startswith(SAME_PERSON):
            raise Erased(because)
    return who


def _settled(row: Row[Any] | None, order: Order) -> Settled | Busy | None:
    """What leaves nothing to do and nothing to find out now."""
    if row is None:
        return Settled("done", SAID, {}) if order.found else None
    if row.lease_until is not None and row.lease_until > now():
        return Busy(row.lease_until - now())
    asked = order.found or order.over or _resolves(row, order)
    if row.status in ("done", "withheld") or (row.status == "doubted" and not asked):
        return Settled(row.status, row.reason or "", row.facts)
    return Settled("done", SAID, {}) if order.found and row.request is None else None


def _resolves(row: Row[Any], order: Order) -> bool:
    """Whether a person says that it did not happen, in a word that was not used yet."""
    return order.resolved and (row.resolved_at is None or order.now > row.resolved_at)


def _may_have_happened(row: Row[Any], order: Order) -> bool:
    return row.status in ("claimed", "pending") or (row.status == "doubted" and not _resolves(row, order))


def _not_wanted(row: Row[Any] | None) -> No:
    doubted = row is not None and row.status == "doubted"
    return No(f"it had not happened, and is {NOT_WANTED}" if doubted else NOT_WANTED)


async def _repeat(look: Look, row: Row[Any], prepare: Prepare, harmless: timedelta) -> Mine:
    """What may have happened is looked for; or called again, with the body that was sent, where that does no harm and
    the last look still allows it."""
    mode: Mode = "look"
    verdict = None
    wanted = not (look.order.found or look.order.over)
    if wanted and row.status == "claimed" and look.at - row.first_sent_at < harmless:
        verdict = await _verdict(look, prepare)
        mode = "again" if verdict is None else "look"
    claimed_at = await _take(look, row.request, mode)
    sent_at = row.last_sent_at if mode == "look" else look.at
    return Mine(mode, row.request, look.at, sent_at, claimed_at, was=row.status, verdict=verdict)


async def _verdict(look: Look, prepare: Prepare) -> No | NotYet | None:
    """What forbids it now. Nothing that `prepare` writes stays: the record is to fit the body that was sent."""
    async with look.conn.begin_nested() as trial:
        try:
            decided = await _decide(look, prepare)
        except CannotDo as error:
            decided = No(str(error))
        await trial.rollback()
    return decided if isinstance(decided, No | NotYet) else None


async def _decide(look: Look, prepare: Prepare) -> Json | No | NotYet:
    """The rendered action, or what forbids it."""
    order, program, at = look.order, look.program, look.at
    asks = await _asks(look.conn, order, at)
    verdict = last_look(order, look.contact, asks, program.governance, program.time_zone or "UTC", at)
    if verdict is not None:
        return verdict
    try:
        return (await prepare(look)).model_dump(mode="json", exclude_none=True)
    except Withhold as why:
        return No(str(why))
    except Wait as why:
        return NotYet(at + why.for_, str(why), why.wakes_on, why.attention)


async def _asks(conn: AsyncConnection, order: Order, at: datetime) -> int:
    """How many asks reached this person, or are on their way, in the last quarter; one step counts once."""
    if order.purpose != "ask":
        return 0
    query = select(func.count(func.distinct(effects.c.journey_id + "/" + effects.c.step))).where(
        effects.c.contact_id == order.contact,
        effects.c.purpose == "ask",
        effects.c.effect.in_(ASKS),
        effects.c.status.in_(HAS_ACTED),
        effects.c.first_sent_at > at - QUARTER,
        ~((effects.c.journey_id == order.journey) & (effects.c.step == order.step)),
    )
    return int((await conn.execute(query)).scalar_one())


def _identity_of(order: Order) -> dict[str, Any]:
    return {
        "key": order.key,
        "journey_id": order.journey,
        "contact_id": order.contact,
        "playbook": order.playbook,
        "step": order.step,
        "effect": order.effect,
        "purpose": order.purpose,
        "platform": order.platform,
        "due_at": order.due,
        "deadline_at": order.deadline,
    }


async def _take(look: Look, request: Json, mode: Mode) -> datetime:
    order, moment = look.order, now()
    values: dict[str, Any] = {
        "status": "claimed",
        "request": request,
        "settled_at": None,
        "claimed_at": moment,
        "lease_until": moment + LEASE,
    }
    if mode != "look":
        values |= {"reason": None, "last_sent_at": look.at}
    if mode == "first":
        values |= {"contact_id": order.contact, "first_sent_at": look.at}
        values |= {"resolved_at": order.now} if order.resolved else {}
    made = insert(effects).values(**_identity_of(order) | values, attempts=1)
    changed = {**values, "attempts": effects.c.attempts + 1}
    await look.conn.execute(made.on_conflict_do_update(index_elements=["key"], set_=changed))
    return moment


async def _refuse(look: Look, verdict: No | NotYet) -> None:
    values: dict[str, Any] = {
        "contact_id": look.order.contact,
        "status": "withheld" if isinstance(verdict, No) else "open",
        "reason": verdict.reason,
        "settled_at": look.at if isinstance(verdict, No) else None,
    }
    made = insert(effects).values(**_identity_of(look.order) | values)
    await look.conn.execute(made.on_conflict_do_update(index_elements=["key"], set_=values))


async def close(
    engine: AsyncEngine,
    key: str,
    status: Status,
    *,
    reason: str = "",
    reference: str | None = None,
    url: str | None = None,
    facts: Json | None = None,
    at: datetime | None = None,
    also: Also | None = None,
) -> None:
    """Writes down how a claimed effect ended, and what `also` writes with it."""
    settled = status in ("done", "withheld", "refused")
    values: dict[str, Any] = {"status": status, "reason": reason or None, "lease_until": None}
    if settled:
        values["settled_at"] = at or now()
    if reference is not None:
        values["reference"] = reference
    if url is not None:
        values["url"] = url
    if facts:
        values["facts"] = facts
    async with engine.begin() as conn:
        await conn.execute(update(effects).where(effects.c.key == key).values(values))
        if also is not None:
            await also(conn)


async def give_back(engine: AsyncEngine, key: str, mine: Mine, status: Status) -> bool:
    """Ends a claim and not the effect; `open`: it surely did not happen. False, and nothing is changed, where the claim
    outlived its lease and a later one has taken over."""
    given = update(effects).where(effects.c.key == key, effects.c.claimed_at == mine.claimed_at)
    async with engine.begin() as conn:
        ours = await conn.execute(given.values(status=status, lease_until=None).returning(effects.c.key))
        return ours.first() is not None


async def in_doubt(engine: AsyncEngine, key: str) -> bool:
    """Whether it may have happened and is not settled."""
    query = select(effects.c.key).where(effects.c.key == key, effects.c.status.in_(MAY_HAVE_HAPPENED))
    async with engine.connect() as conn:
        return (await conn.execute(query)).first() is not None


async def effects_of(conn: AsyncConnection, contact: str) -> Sequence[Row[Any]]:
    """Every effect of a contact, oldest first."""
    query = select(effects).where(effects.c.contact_id == contact).order_by(effects.c.claimed_at.nulls_first())
    return (await conn.execute(query)).all()
