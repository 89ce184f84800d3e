"""Referrals: who sent whom. Unique by advocate and referred person; a second report joins the first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models.contact import Identity
from models.money import Money
from store.database import new_code, new_id
from store.identity import resolve
from store.tables import codes, referrals


@dataclass(frozen=True)
class Credited:
    """Whose referral an event is about: the advocate, our id of the referral."""

    advocate: str
    referral: str | None


async def credit(conn: AsyncConnection, subject: str, data: dict[str, Any], report: str) -> Credited | None:
    """Finds the advocate of a referral event, and the referral, made if need be. None where the code is unknown.

    In this order: a code, `referred_by`, a referral we know by its id, a referral of this person; else the subject is
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
        advocate = subject
    referred = None if advocate == subject else subject
    return Credited(advocate, await _record(conn, advocate, referred, data.get("referral") or report))


async def _by_code(conn: AsyncConnection, code: str) -> str | None:
    row = (await conn.execute(select(codes.c.contact_id).where(codes.c.code == code))).first()
    return None if row is None else str(row.contact_id)


async def _known(conn: AsyncConnection, subject: str, external: object) -> Credited | None:
    which = [referrals.c.referred_id == subject]
    if external:
        which = [referrals.c.id == str(external), referrals.c.external_id == str(external)]
    query = select(referrals).where(or_(*which)).order_by(referrals.c.created_at).limit(1)
    row = (await conn.execute(query)).first()
    return None if row is None else Credited(row.advocate_id, row.id)


async def _record(conn: AsyncConnection, advocate: str, referred: str | None, external: str) -> str:
    made = insert(referrals).values(
        id=new_id("r"), advocate_id=advocate, referred_id=referred, external_id=external if referred is None else None
    )
    await conn.execute(made.on_conflict_do_nothing())
    same = (
        referrals.c.external_id == external
        if referred is None
        else (referrals.c.advocate_id == advocate) & (referrals.c.referred_id == referred)
    )
    return str((await conn.execute(select(referrals.c.id).where(same))).scalar_one())


async def close_referral(conn: AsyncConnection, referral: str, amount: Money | None, at: datetime) -> None:
    """The referred person became a customer. The first report counts."""
    await conn.execute(
        update(referrals)
        .where(referrals.c.id == referral, referrals.c.status != "closed")
        .values(
            status="closed",
            closed_at=at,
            amount_minor=None if amount is None else amount.minor,
            currency=None if amount is None else amount.currency,
        )
    )


async def revenue_of(conn: AsyncConnection, advocate: str, currency: str) -> Money:
    """What the advocate's closed referrals brought in one currency: an absolute total, never a difference."""
    total = await conn.execute(
        select(func.coalesce(func.sum(referrals.c.amount_minor), 0)).where(
            referrals.c.advocate_id == advocate, referrals.c.status == "closed", referrals.c.currency == currency
        )
    )
    return Money(minor=int(total.scalar_one()), currency=currency)


async def referral_code(conn: AsyncConnection, contact: str) -> str:
    """The advocate's own code, made on first use."""
    await conn.execute(
        insert(codes).values(code=new_code(), kind="referral", contact_id=contact).on_conflict_do_nothing()
    )
    query = select(codes.c.code).where(codes.c.contact_id == contact, codes.c.kind == "referral")
    return str((await conn.execute(query)).scalar_one())
