"""Rewards: money that is owed, once for each referral, rule and beneficiary, and what became of it.

The failures prevented: a reward that is paid twice because it was asked for twice, or twice in two amounts; one sale
that is paid for to two advocates; a budget that two payments at once both fit into; money that moved and is in no book.
The last look at money is here, inside the claim: screening, refunds, the friend's other referrals, approval, budget,
signature, account. It may be taken as often as one likes before the money is called for.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.contact import Contact, Tier
from models.money import Money
from models.program import Budget, Reward
from store import screening
from store.governance import Wait, Withhold
from store.identity import follow, get_contact
from store.ledger import MAY_HAVE_HAPPENED, Look
from store.payee import payee_of
from store.referral import get as get_referral
from store.tables import contacts, decisions, effects, inbox, referrals, reward_entries, rewards

LATER = timedelta(days=1)
"""How long a reward waits before it looks again at what a new period or a report must change."""
TOLD = timedelta(days=7)
"""How long it waits where a word wakes it: a person's decision, or an event."""

_BUDGET_LOCK = 72_392_737  # nobody else's advisory lock
_FRIEND_LOCKS = 72_392_738


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
    await _last_look(look, row, referral, reward, amount)
    account = await _account(look, reward, beneficiary)
    taken = {"status": "claimed", "claimed_at": look.at, "reason": None, "platform": order.platform}
    await conn.execute(update(rewards).where(rewards.c.id == row.id).values(taken))
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
    if row.effect_key is None:  # the referral was somebody else's meanwhile, and is theirs again
        ours = {"effect_key": look.order.key, "status": "planned", "reason": None}
        await look.conn.execute(update(rewards).where(rewards.c.id == row.id).values(ours))
        row = (await look.conn.execute(query)).one()
    if row.effect_key != look.order.key:
        raise Withhold(f"the same reward is paid by {row.effect_key}")
    if row.status in ("voided", "paid"):
        raise Withhold(f"the reward is {row.status} already")
    if (row.amount_minor, row.currency) != (amount.minor, amount.currency):
        fresh = reward_id(look.program.company, referral, rule, beneficiary.id, amount)
        values = {"id": fresh, "amount_minor": amount.minor, "currency": amount.currency}
        values["tier"] = _tier(reward, beneficiary)  # a part that is taken back is reckoned as it was paid
        await look.conn.execute(update(rewards).where(rewards.c.id == row.id).values(values))
        await look.conn.execute(update(decisions).where(decisions.c.about == row.id).values(about=fresh))
        row = (await look.conn.execute(query)).one()
    return row


async def _last_look(look: Look, row: Row[Any], referral: Row[Any], reward: Reward, amount: Money) -> None:
    """A person's word, the friend's other referrals, the limit above which a word is needed, the budget, the
    signature."""
    conn, payouts, decided = look.conn, look.program.payouts, look.order.decided
    if decided is not None:
        await screening.record(conn, row.id, decided, look.at)
    standing = await screening.decision_on(conn, row.id)
    if standing is not None and standing.what != "approved":
        await note(conn, row.id, "voided", f"{standing.by}: {standing.reason}")
        raise Withhold(f"voided by {standing.by}: {standing.reason}")
    await _once_for_the_friend(look, row, referral, None if standing is None else standing.at)
    approved = standing is not None
    if not approved and _needs_approval(amount, payouts.approve_above):
        words = f"{amount} needs a person's approval"
        await note(conn, row.id, "waiting", words)
        raise Wait(words, TOLD, attention=True)
    if payouts.budget is not None:
        await _fit(look, row, amount, payouts.budget, approved)
    if reward.signature:
        await _signed(conn, row, approved)


async def _once_for_the_friend(look: Look, row: Row[Any], referral: Row[Any], approved_at: datetime | None) -> None:
    """A touch that is told late may be earlier than the one that was paid: then a person says which counts, or that
    both do, after they could know of the other. Two payments for one friend look one after the other."""
    if referral.friend_id is None:
        return
    conn, friend = look.conn, await follow(look.conn, referral.friend_id)
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(:kind, hashtext(:friend))"), {"kind": _FRIEND_LOCKS, "friend": friend}
    )
    known_as = select(contacts.c.id).where(contacts.c.merged_into == friend)
    same = select(referrals.c.id).where(
        or_(referrals.c.friend_id == friend, referrals.c.friend_id.in_(known_as)), referrals.c.id != referral.id
    )
    other = await money_of(conn, list((await conn.execute(same)).scalars()))
    if other is None or (approved_at is not None and approved_at >= (other.claimed_at or other.paid_at)):
        return
    how = "is paid" if other.status == "paid" else "is being paid"
    words = f"a reward for {other.referral_id}, of the same friend, {how}: void this one, or approve it if both are due"
    await note(conn, row.id, "waiting", words)
    raise Wait(words, TOLD, attention=True)


async def money_of(conn: AsyncConnection, of: Sequence[str]) -> Row[Any] | None:
    """The newest reward of these referrals whose money is out, or is on its way."""
    balance = (
        select(func.coalesce(func.sum(reward_entries.c.amount_minor), 0))
        .where(reward_entries.c.reward_id == rewards.c.id)
        .scalar_subquery()
    )
    query = select(rewards).where(rewards.c.referral_id.in_(of), or_(balance > 0, is_taken()))
    newest = query.order_by(func.coalesce(rewards.c.claimed_at, rewards.c.paid_at).desc(), rewards.c.id).limit(1)
    return (await conn.execute(newest)).first()


def is_taken() -> ColumnElement[bool]:
    """In a query: whether a reward is on its way. One whose effect was refused, or withheld since, is not: it was not
    paid, and is not tried again by itself."""
    trying = exists().where(effects.c.key == rewards.c.effect_key, effects.c.status.in_(("open", *MAY_HAVE_HAPPENED)))
    return (rewards.c.status == "claimed") & trying


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
            or_(rewards.c.status == "paid", is_taken()),
            rewards.c.currency == amount.currency,
            func.coalesce(rewards.c.paid_at, rewards.c.claimed_at) >= since,
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
        still = f", which an approval does not overrule: raise it, or wait for the next {budget.per}"
        words += still if approved else ""
        await note(look.conn, row.id, "waiting", words)
        raise Wait(words, LATER, attention=True)


def period_start(at: datetime, per: str) -> datetime:
    """The first instant of the calendar's period that `at` is in, UTC."""
    month = {"month": at.month, "quarter": (at.month - 1) // 3 * 3 + 1, "year": 1}[per]
    return datetime(at.year, month, 1, tzinfo=UTC)


async def _signed(conn: AsyncConnection, row: Row[Any], approved: bool) -> None:
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
    still = ", which an approval does not overrule" if approved else ""
    if word is None:
        words = f"the agreement is not signed yet{still}"
        await note(conn, row.id, "waiting", words)
        # a signature wakes it, a decline does not: it is looked for each day
        raise Wait(words, LATER, wakes_on="agreement.signed")
    if word.type != "agreement.signed":
        words = f"the agreement was {word.data.get('how', 'declined')}{still}: have another signed, or void the reward"
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
