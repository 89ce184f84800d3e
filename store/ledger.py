"""The ledger: each effect happens at most once, and a doubt is never a duplicate.

A row is claimed before the call, in one transaction with the last look, under the contact's lock and with a lease
longer than the call can last; it is closed with the vendor's receipt. Whatever dies in between, the next claim sees an
open row and knows that it may have happened.
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
from store.identity import get_contact
from store.referral import get as get_referral
from store.referral import referral_code, revenue_of
from store.tables import codes, effects

LEASE = timedelta(seconds=40)
"""Longer than an attempt can last (`EffectKind.attempt`)."""

Status = Literal["claimed", "pending", "open", "done", "withheld", "refused", "doubted"]


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
    """Go: make the call. `mode` says how: for the first time, again after it may have happened, or only look.

    `request` is the rendered action, the same at every attempt."""

    mode: Literal["first", "again", "look"]
    request: Json
    claimed_at: datetime
    at: datetime


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


async def claim(engine: AsyncEngine, order: Order, program: Program, prepare: Prepare) -> Claim:
    """Decides, in one transaction, whether this effect may and must be done now.

    `prepare` may raise Withhold or Wait, which are verdicts. Raises LookupError when the contact was erased; whatever
    else `prepare` raises leaves nothing behind."""
    async with engine.begin() as conn:
        order = order.model_copy(update={"contact": await _whose(conn, order)})
        contact = await get_contact(conn, order.contact, lock=True)
        if contact is None:
            raise LookupError(f"there is no contact {order.contact}: erased?")
        row = (await conn.execute(select(effects).where(effects.c.key == order.key))).first()
        if row is not None:
            known = _known(row, order)
            if known is not None:
                if isinstance(known, Mine):
                    await _take(conn, order, known.request, fresh=False)
                return known
        at = max(order.now, now())
        look = Look(conn, order, contact, program, at)
        verdict = last_look(
            order, contact, await _asks(conn, order, at), program.governance, program.time_zone or "UTC", at
        )
        if verdict is not None:
            await _refuse(conn, order, verdict, at)
            return verdict
        try:
            request = (await prepare(look)).model_dump(mode="json", exclude_none=True)
        except Withhold as why:
            verdict = No(str(why))
        except Wait as why:
            verdict = NotYet(at + why.for_, str(why), why.wakes_on, why.attention)
        if verdict is not None:
            await _refuse(conn, order, verdict, at)
            return verdict
        await _take(conn, order, request, fresh=True)
        return Mine("first", request, at, at)


async def _whose(conn: AsyncConnection, order: Order) -> str:
    """Whom the effect is for: of a referral, whoever its advocate is by now, which a person may have changed."""
    row = await get_referral(conn, order.journey) if order.journey.startswith("r_") else None
    return order.contact if row is None or order.contact == row.friend_id else str(row.advocate_id)


def _known(row: Row[Any], order: Order) -> Claim | None:
    """What an existing row means; None when it may be claimed as if it were new."""
    left = None if row.lease_until is None else row.lease_until - now()
    if row.status in ("claimed", "pending") and left is not None and left > timedelta():
        return Busy(left)
    if row.status in ("done", "withheld"):
        return Settled(row.status, row.reason or "", row.facts)
    if row.status == "pending":
        return Mine("look", row.request, row.first_sent_at, max(order.now, now()))
    if row.status == "claimed":
        return Mine("again", row.request, row.first_sent_at, max(order.now, now()))
    if row.status == "doubted" and not order.resolved:
        return Settled("doubted", row.reason or "", row.facts)
    return None


async def _asks(conn: AsyncConnection, order: Order, at: datetime) -> int:
    """How many asks reached this person, or are on their way, in the last quarter; one step counts once."""
    if order.purpose != "ask":
        return 0
    query = select(func.count(func.distinct(effects.c.journey_id + "/" + effects.c.step))).where(
        effects.c.contact_id == order.contact,
        effects.c.purpose == "ask",
        effects.c.effect.in_(ASKS),
        effects.c.status.in_(("claimed", "pending", "done", "doubted")),
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


async def _take(conn: AsyncConnection, order: Order, request: Json, *, fresh: bool) -> None:
    moment = now()
    values = {
        "status": "claimed",
        "request": request,
        "reason": None,
        "settled_at": None,
        "claimed_at": moment,
        "lease_until": moment + LEASE,
    }
    made = insert(effects).values(**_identity_of(order), **values, first_sent_at=max(order.now, moment), attempts=1)
    changed: dict[str, Any] = {**values, "attempts": effects.c.attempts + 1}
    if fresh:
        changed["first_sent_at"] = max(order.now, moment)
    await conn.execute(made.on_conflict_do_update(index_elements=["key"], set_=changed))


async def _refuse(conn: AsyncConnection, order: Order, verdict: No | NotYet, at: datetime) -> None:
    values: dict[str, Any] = {
        "status": "withheld" if isinstance(verdict, No) else "open",
        "reason": verdict.reason,
        "settled_at": at if isinstance(verdict, No) else None,
    }
    made = insert(effects).values(**_identity_of(order), **values)
    await conn.execute(made.on_conflict_do_update(index_elements=["key"], set_=values))


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
    """Writes down how a claimed effect ended, and what `also` writes with it. `open` gives it back: it surely did not
    happen."""
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


async def effects_of(conn: AsyncConnection, contact: str) -> Sequence[Row[Any]]:
    """Every effect of a contact, oldest first."""
    query = select(effects).where(effects.c.contact_id == contact).order_by(effects.c.claimed_at.nulls_first())
    return (await conn.execute(query)).all()
