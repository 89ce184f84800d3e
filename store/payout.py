"""Money that moved: entries that are added to and never changed. What was paid, what was taken back, what is left.

The failure prevented: books that cannot be balanced to the cent with the payer's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy import BigInteger, Row, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.base import Json
from models.money import Money
from store.governance import Wait, Withhold
from store.ledger import MAY_HAVE_HAPPENED, Look
from store.outcome import tell
from store.payee import payee_of
from store.referral import get as get_referral
from store.reward import note, sale_of
from store.tables import effects, reward_entries, rewards


async def paid(
    conn: AsyncConnection,
    key: str,
    reference: str | None,
    code: str | None,
    at: datetime,
    reward: str | None = None,
    amount: Money | None = None,
) -> None:
    """The payer said yes, or a person did, who may know no reference: the entry is written, and the beneficiary's
    journeys hear of it.

    `reward` and `amount` are what the payer was asked for: what the effect pays by now may be another's, or less.
    Raises LookupError when no reward of ours was paid by it."""
    row = await _paid_by(conn, key, reward)
    moved = amount or Money(minor=row.amount_minor, currency=row.currency)
    entry = insert(reward_entries).values(
        effect_key=key,
        reward_id=row.id,
        amount_minor=moved.minor,
        currency=moved.currency,
        reference=reference,
        at=at,
    )
    if (await conn.execute(entry.on_conflict_do_nothing().returning(reward_entries.c.reward_id))).first() is None:
        return
    done = {"status": "paid", "paid_at": at, "payment": reference, "code": code, "reason": None, "effect_key": key}
    done |= {"amount_minor": moved.minor, "currency": moved.currency}
    await conn.execute(update(rewards).where(rewards.c.id == row.id).values(done))
    others = (rewards.c.effect_key == key) & (rewards.c.id != row.id)
    gone = {"status": "voided", "reason": "it had been paid to somebody else before", "effect_key": None}
    await conn.execute(update(rewards).where(others).values(gone))
    await _tell(conn, row, "reward.paid", moved, row.id, at)


async def _paid_by(conn: AsyncConnection, key: str, reward: str | None) -> Row[Any]:
    query = select(rewards).where(or_(rewards.c.id == reward, rewards.c.effect_key == key))
    row = (await conn.execute(query.order_by((rewards.c.id == reward).desc(), rewards.c.at.desc()).limit(1))).first()
    if row is None:
        raise LookupError(f"no reward on record is paid by {key}")
    return row


async def _tell(
    conn: AsyncConnection, row: Row[Any], event_type: str, amount: Money, once: str, at: datetime, **more: object
) -> None:
    data: Json = {"reward": row.id, "referral": row.referral_id, "amount": amount.model_dump(), **more}
    await tell(conn, row.beneficiary_id, event_type, data, once, at)


@dataclass(frozen=True)
class Excess:
    """What was paid and is not due any more."""

    reward: str
    payment: str
    account: str | None
    amount: Money
    wallet: str


async def excess(look: Look, rule: str) -> Excess:
    """What is to be taken back of a reward, now that the sale is worth less. Raises Withhold when it is nothing, Wait
    while money of it is on its way.

    Raises ValueError when program.yaml and the sale do not fit together."""
    conn = look.conn
    referral = await get_referral(conn, look.order.referral or "", lock=True)
    row = await _to_take_back(look, rule)
    if referral is None or row is None:
        raise Withhold("nothing was paid for it")
    still_due = 0
    if referral.status == "closed":
        due = look.program.rewards[rule].amount(sale_of(referral), row.tier)
        still_due = 0 if due is None else due.minor
    if row.status != "paid":
        await _leave_unpaid(look, row, still_due)
    if await _another_part(look, row.id):
        raise Wait("another part of it is being taken back", timedelta(seconds=10), wakes_on="reward.taken_back")
    kept = int((await conn.execute(_balance(row.id))).scalar_one())
    if kept <= still_due:
        raise Withhold("what was paid is still due")
    payee = await payee_of(conn, row.beneficiary_id, row.platform or "")
    account = None if payee is None else str(payee.account)
    back = Money(minor=kept - still_due, currency=row.currency)
    return Excess(row.id, row.payment or "", account, back, row.wallet)


async def _to_take_back(look: Look, rule: str) -> Row[Any] | None:
    """The reward that a take-back is about. There are several where the referral was given to somebody else: then it
    is the one this effect has begun to take back, or whose money is out, or that is to be paid."""
    begun = select(effects.c.request["reward"].astext).where(effects.c.key == look.order.key).scalar_subquery()
    query = (
        select(rewards)
        .where(rewards.c.referral_id == look.order.referral, rewards.c.rule == rule)
        .order_by(
            rewards.c.id.is_not_distinct_from(begun).desc(),
            (_balance(rewards.c.id).scalar_subquery() > 0).desc(),
            rewards.c.effect_key.is_not(None).desc(),
            rewards.c.at.desc(),
        )
        .limit(1)
    )
    return (await look.conn.execute(query.with_for_update())).first()


async def _leave_unpaid(look: Look, row: Row[Any], still_due: int) -> NoReturn:
    """Raises Wait while the payment may have happened, else Withhold. A reward nothing is due of any more is voided:
    one of which a part is still due is paid by its own step, in the amount that is left."""
    paying = select(effects.c.key).where(effects.c.key == row.effect_key, effects.c.status.in_(MAY_HAVE_HAPPENED))
    if row.status == "claimed" and (await look.conn.execute(paying)).first() is not None:
        raise Wait("the payment is still under way", timedelta(minutes=10), wakes_on="reward.paid")
    if row.status in ("claimed", "planned", "waiting") and still_due <= 0:
        await note(look.conn, row.id, "voided", "the sale was reversed before it was paid")
    raise Withhold("nothing was paid for it")


async def _another_part(look: Look, reward: str) -> bool:
    """Whether another effect may be taking money of this reward back, which the entries do not show yet. Two refunds
    at once would otherwise both take back the first one's part. A lease that is over proves nothing."""
    query = select(effects.c.key).where(
        effects.c.contact_id == look.order.contact,
        effects.c.effect == "take_back_reward",
        effects.c.key != look.order.key,
        effects.c.status.in_(MAY_HAVE_HAPPENED),
        effects.c.request["reward"].astext == reward,
    )
    return (await look.conn.execute(query.limit(1))).first() is not None


def _balance(reward: Any) -> Any:
    return select(func.coalesce(func.sum(reward_entries.c.amount_minor), 0)).where(reward_entries.c.reward_id == reward)


async def taken_back(
    conn: AsyncConnection, key: str, reward: str, amount: Money, reference: str | None, at: datetime
) -> None:
    """The payer took it back: a negative entry. Where somebody took it back there too, and that was told first, the
    whole of it is in the books already."""
    row = (await conn.execute(select(rewards).where(rewards.c.id == reward).with_for_update())).one()
    kept = int((await conn.execute(_balance(reward))).scalar_one())
    entry = insert(reward_entries).values(
        effect_key=key,
        reward_id=reward,
        amount_minor=-min(amount.minor, kept),
        currency=amount.currency,
        reference=reference,
        at=at,
    )
    if (await conn.execute(entry.on_conflict_do_nothing().returning(reward_entries.c.reward_id))).first() is None:
        return
    left = int((await conn.execute(_balance(reward))).scalar_one())
    await _tell(conn, row, "reward.taken_back", amount, key, at, refund=f"left-{left}")


async def reversed_outside(conn: AsyncConnection, reward: str, total: Money | None, at: datetime) -> None:
    """Somebody took it back at the payer, not we: the books follow. `total` is all that went back so far."""
    row = (await conn.execute(select(rewards).where(rewards.c.id == reward).with_for_update())).first()
    if row is None or row.status != "paid":
        return
    kept = int((await conn.execute(_balance(reward))).scalar_one())
    gone = kept - (row.amount_minor - min(total.minor, row.amount_minor)) if total is not None else kept
    if gone <= 0:
        return
    entry = insert(reward_entries).values(
        effect_key=f"outside/{reward}/{kept - gone}",
        reward_id=reward,
        amount_minor=-gone,
        currency=row.currency,
        at=at,
    )
    await conn.execute(entry.on_conflict_do_nothing())


async def was_paid(conn: AsyncConnection, referral: str) -> bool:
    """Whether money of this referral is still out."""
    query = select(func.coalesce(func.sum(reward_entries.c.amount_minor), 0)).where(
        reward_entries.c.reward_id.in_(select(rewards.c.id).where(rewards.c.referral_id == referral))
    )
    return int((await conn.execute(query)).scalar_one()) > 0


async def may_be_paid(conn: AsyncConnection, referral: str) -> bool:
    """Whether money of this referral is on its way, or may be. An account that the payer waits for is no money yet: the
    next attempt asks the payer, and decides afresh."""
    keys = select(rewards.c.effect_key).where(rewards.c.referral_id == referral, rewards.c.effect_key.is_not(None))
    query = select(effects.c.key).where(effects.c.key.in_(keys), effects.c.status.in_(("claimed", "doubted")))
    return (await conn.execute(query.limit(1))).first() is not None


async def leave(conn: AsyncConnection, referral: str, beneficiary: str) -> None:
    """What was not paid to them is not paid any more: the referral is somebody else's, and so is the effect that pays.
    Should it be theirs again, so is the reward."""
    theirs = (rewards.c.referral_id == referral) & (rewards.c.beneficiary_id == beneficiary)
    unpaid = theirs & (rewards.c.status != "paid")
    voided = {"status": "voided", "reason": "the referral was given to somebody else"}
    await conn.execute(update(rewards).where(unpaid, rewards.c.status != "voided").values(voided))
    await conn.execute(update(rewards).where(unpaid).values(effect_key=None))


async def rewards_of(engine: AsyncEngine, contact: str | None = None) -> Sequence[Row[Any]]:
    """Rewards with what was paid of them, newest first; of one beneficiary, or all."""
    moved = select(func.coalesce(func.sum(reward_entries.c.amount_minor), 0)).where(
        reward_entries.c.reward_id == rewards.c.id
    )
    balance = cast(moved.scalar_subquery(), BigInteger)  # PostgreSQL adds integers up to a decimal
    query = select(rewards, balance.label("balance")).order_by(rewards.c.at.desc())
    if contact is not None:
        query = query.where(rewards.c.beneficiary_id == contact)
    async with engine.connect() as conn:
        return (await conn.execute(query)).all()
