"""Rewards: money that is owed, once for each referral, rule and beneficiary, and what became of it.

The failures prevented: a reward that is paid twice because it was asked for twice, or twice in two amounts; a budget
that two payments at once both fit into; money that moved and is in no book. The last look at money is here, inside the
claim: screening, refunds, budget, approval, signature, account.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.contact import Contact, Tier
from models.money import Money
from models.program import Budget, Reward
from store import screening
from store.governance import Wait, Withhold
from store.identity import get_contact
from store.ledger import Look
from store.payee import payee_of
from store.referral import get as get_referral
from store.tables import inbox, referrals, reward_entries, rewards

LATER = timedelta(days=1)
"""How long a reward waits before it looks again at what a new period or a report must change."""
TOLD = timedelta(days=7)
"""How long it waits where a word wakes it: a person's decision, or an event."""

_BUDGET_LOCK = 72_392_737  # nobody else's advisory lock


@dataclass(frozen=True)
class Owed:
    """A reward that may be paid now."""

    id: str
    beneficiary: Contact
    amount: Money
    account: str | None
    code: str | None


def reward_id(company: str, referral: str, rule: str, beneficiary: str, amount: Money) -> str:
    """The money's identity, from what it is and never from a request or a run."""
    parts = "\x1f".join((company, referral, rule, beneficiary, str(amount.minor), amount.currency))
    return f"w_{hashlib.sha256(parts.encode()).hexdigest()[:20]}"


async def owe(look: Look, rule: str) -> Owed:
    """Decides whether this reward is to be paid now, and takes it.

    Raises Withhold or Wait with the reason; ValueError when program.yaml and the sale do not fit together."""
    conn, program, order = look.conn, look.program, look.order
    reward = program.rewards[rule]
    referral = await _payable_referral(look)
    beneficiary = await _beneficiary(conn, reward, referral)
    sale = sale_of(referral)
    amount = reward.amount(sale, _tier(reward, beneficiary))
    if amount is None:
        words = "the sale was reported without an amount: report it again with one"
        raise Wait(words, LATER, wakes_on="referral.closed", attention=True)
    if amount.minor <= 0:
        raise Withhold("nothing is due for this sale")
    row = await _row(look, rule, reward, beneficiary, amount)
    await _last_look(look, row, reward, amount)
    account = await _account(look, reward, beneficiary)
    await conn.execute(
        update(rewards).where(rewards.c.id == row.id).values(status="claimed", reason=None, platform=order.platform)
    )
    return Owed(row.id, beneficiary, amount, account, row.code)


def _tier(reward: Reward, beneficiary: Contact) -> Tier:
    """A friend has none yet."""
    return beneficiary.tier if reward.to == "advocate" else "none"


async def _payable_referral(look: Look) -> Row[Any]:
    """The referral, closed and allowed."""
    row = await get_referral(look.conn, look.order.referral or "", lock=True)
    if row is None:
        raise Withhold("there is no such referral")
    if row.status in ("refunded", "lost"):
        raise Withhold(f"the sale was {row.status}")
    if row.status != "closed":
        raise Wait("the referral has not become a customer yet", TOLD, wakes_on="referral.closed")
    verdict, why, _ = await screening.look(look.conn, row, look.program)
    standing = await screening.decision_on(look.conn, row.id)
    if standing is not None:
        verdict, why = ("allow" if standing.what == "approved" else "deny"), f"{standing.by}: {standing.reason}"
    await look.conn.execute(update(referrals).where(referrals.c.id == row.id).values(verdict=verdict))
    if verdict == "deny":
        raise Withhold(f"the referral was refused: {why}")
    if verdict == "hold":
        raise Wait(f"a person has to look at the referral: {why}", TOLD, attention=True)
    return row


async def _beneficiary(conn: AsyncConnection, reward: Reward, referral: Row[Any]) -> Contact:
    who = referral.advocate_id if reward.to == "advocate" else referral.friend_id
    found = None if who is None else await get_contact(conn, who)
    if found is None:
        raise Withhold("whoever it was for is not known any more")
    return found


def sale_of(referral: Row[Any]) -> Money | None:
    """What the sale is worth after what was refunded of it."""
    if referral.amount_minor is None:
        return None
    return Money(minor=referral.amount_minor - referral.refunded_minor, currency=referral.currency)


async def _row(look: Look, rule: str, reward: Reward, beneficiary: Contact, amount: Money) -> Row[Any]:
    """The reward's row, made once. A reward that another effect has taken is never paid by this one."""
    referral = look.order.referral or ""
    made = insert(rewards).values(
        id=reward_id(look.program.company, referral, rule, beneficiary.id, amount),
        referral_id=referral,
        rule=rule,
        beneficiary_id=beneficiary.id,
        wallet=reward.wallet,
        tier=_tier(reward, beneficiary),
        amount_minor=amount.minor,
        currency=amount.currency,
        status="planned",
        effect_key=look.order.key,
        at=look.at,
    )
    await look.conn.execute(made.on_conflict_do_nothing())
    query = select(rewards).where(
        rewards.c.referral_id == referral, rewards.c.rule == rule, rewards.c.beneficiary_id == beneficiary.id
    )
    row = (await look.conn.execute(query.with_for_update())).one()
    if row.effect_key != look.order.key:
        raise Withhold(f"the same reward is paid by {row.effect_key}")
    if row.status in ("voided", "paid"):
        raise Withhold(f"the reward is {row.status} already")
    if (row.amount_minor, row.currency) != (amount.minor, amount.currency):
        fresh = reward_id(look.program.company, referral, rule, beneficiary.id, amount)
        values = {"id": fresh, "amount_minor": amount.minor, "currency": amount.currency}
        values["tier"] = _tier(reward, beneficiary)  # a part that is taken back is reckoned as it was paid
        await look.conn.execute(update(rewards).where(rewards.c.id == row.id).values(values))
        row = (await look.conn.execute(query)).one()
    return row


async def _last_look(look: Look, row: Row[Any], reward: Reward, amount: Money) -> None:
    """A person's word, the limit above which one is needed, the budget, the signature."""
    conn, payouts, decided = look.conn, look.program.payouts, look.order.decided
    if decided is not None:
        await screening.record(conn, row.id, decided)
    standing = await screening.decision_on(conn, row.id)
    approved = standing is not None and standing.what == "approved"
    if standing is not None and not approved:
        await note(conn, row.id, "voided", f"{standing.by}: {standing.reason}")
        raise Withhold(f"voided by {standing.by}: {standing.reason}")
    if not approved and _needs_approval(amount, payouts.approve_above):
        words = f"{amount} needs a person's approval"
        await note(conn, row.id, "waiting", words)
        raise Wait(words, TOLD, attention=True)
    if payouts.budget is not None:
        await _fit(look, row, amount, payouts.budget, approved)
    if reward.signature:
        await _signed(conn, row)


def _needs_approval(amount: Money, limit: Money | None) -> bool:
    return limit is not None and (amount.currency != limit.currency or amount.minor > limit.minor)


async def _fit(look: Look, row: Row[Any], amount: Money, budget: Budget, approved: bool) -> None:
    """What was paid or taken in this period, and this, must fit; one payment looks at a time."""
    if amount.currency != budget.amount.currency:
        if not approved:
            words = f"there is no budget in {amount.currency}: a person has to approve it"
            await note(look.conn, row.id, "waiting", words)
            raise Wait(words, LATER, attention=True)
        return
    await look.conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _BUDGET_LOCK})
    since = period_start(look.at, budget.per)
    taken = (
        select(rewards.c.id, rewards.c.amount_minor)
        .where(
            rewards.c.status.in_(("claimed", "paid")),
            rewards.c.currency == amount.currency,
            func.coalesce(rewards.c.paid_at, rewards.c.at) >= since,
            rewards.c.id != row.id,
        )
        .subquery()
    )
    came_back = select(func.coalesce(func.sum(-reward_entries.c.amount_minor), 0)).where(
        reward_entries.c.amount_minor < 0, reward_entries.c.reward_id.in_(select(taken.c.id))
    )
    spent = select(func.coalesce(func.sum(taken.c.amount_minor), 0) - came_back.scalar_subquery())
    left = budget.amount.minor - int((await look.conn.execute(spent)).scalar_one())
    if amount.minor > left:
        words = f"the budget of {budget.amount} for this {budget.per} is used up"
        await note(look.conn, row.id, "waiting", words)
        raise Wait(words, LATER, attention=True)


def period_start(at: datetime, per: str) -> datetime:
    """The first instant of the calendar's period that `at` is in, UTC."""
    month = {"month": at.month, "quarter": (at.month - 1) // 3 * 3 + 1, "year": 1}[per]
    return datetime(at.year, month, 1, tzinfo=UTC)


async def _signed(conn: AsyncConnection, row: Row[Any]) -> None:
    """Waits for the agreement, for a person too once it was declined. One that is signed stays so: what was declined
    afterwards is another."""
    signed = inbox.c.type == "agreement.signed"
    query = (
        select(inbox)
        .where(inbox.c.contact_id == row.beneficiary_id, inbox.c.type.in_(("agreement.signed", "agreement.declined")))
        .order_by(signed.desc(), inbox.c.at.desc(), inbox.c.position.desc())
        .limit(1)
    )
    word = (await conn.execute(query)).first()
    if word is None:
        await note(conn, row.id, "waiting", "the agreement is not signed yet")
        # a signature wakes it, a decline does not: it is looked for each day
        raise Wait("the agreement is not signed yet", LATER, wakes_on="agreement.signed")
    if word.type != "agreement.signed":
        words = f"the agreement was {word.data.get('how', 'declined')}: have another signed, or void the reward"
        await note(conn, row.id, "waiting", words)
        raise Wait(words, TOLD, wakes_on="agreement.signed", attention=True)


async def _account(look: Look, reward: Reward, beneficiary: Contact) -> str | None:
    """Where the money goes. Cash needs an account that can be paid, credit a customer; a code needs neither."""
    if reward.wallet == "code":
        return None
    if reward.wallet == "credit":
        customer = beneficiary.known_as(f"{look.order.platform}_customer")
        if customer is None:
            words = f"nobody knows which customer of {look.order.platform} they are: tell it as an identity"
            raise Wait(words, LATER, attention=True)
        return customer
    payee = await payee_of(look.conn, beneficiary.id, look.order.platform or "")
    if payee is None or not payee.payable:
        raise Wait("their account cannot be paid yet: they have a page to complete it", TOLD, wakes_on="payee.ready")
    return str(payee.account)


async def note(conn: AsyncConnection, reward: str, status: str, reason: str) -> None:
    await conn.execute(update(rewards).where(rewards.c.id == reward).values(status=status, reason=reason))


async def one(engine: AsyncEngine, reward: str) -> Row[Any] | None:
    async with engine.connect() as conn:
        return (await conn.execute(select(rewards).where(rewards.c.id == reward))).first()
