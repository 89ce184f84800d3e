"""Sales to referred friends, and what is paid for them: what the tests of money share."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Identity
from models.effect import Order
from models.event import Event
from models.program import Program
from platforms.capabilities import PayReward, TakeBack, Who
from store import payout
from store.inbox import accept
from store.ledger import Claim, Look, Mine, claim, close
from store.payee import keep_payee
from store.reward import owe

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""When the sale was made; the minutes of a test are counted from here."""
SALE = {"minor": 50_000, "currency": "USD"}
ADA, EVE, BO = "ada@engines.example", "eve@elsewhere.example", "bo@new.example"


def with_rewards(program: Program, **payouts: Any) -> Program:
    """A tenth of the sale for the advocate."""
    said = program.model_dump(by_alias=True, mode="json")
    return Program.model_validate({**said, "rewards": {"advocate": {"worth": "10% of the sale"}}, "payouts": payouts})


async def rows(engine: AsyncEngine, statement: str, **values: Any) -> list[Any]:
    async with engine.begin() as conn:
        found = await conn.execute(text(statement), values)
        return list(found.all()) if found.returns_rows else []


async def told(
    engine: AsyncEngine,
    what: str,
    minutes: float = 0,
    *,
    source: str = "crm",
    friend: str | Identity = BO,
    by: str | None = ADA,
    **data: Any,
) -> str:
    """A system tells of a friend and of who sent them, if it knows. Gives the referral."""
    named = {} if by is None else {"referred_by": f"email:{by}"}
    event = Event(
        type=f"referral.{what}",
        source=source,
        source_id=f"{what} {minutes} {data} {friend} {by}",
        subject=friend if isinstance(friend, Identity) else Identity(kind="email", value=friend),
        at=NOON + timedelta(minutes=minutes),
        data={**named, **data},
    )
    accepted = await accept(engine, event)
    [row] = await rows(engine, "SELECT data FROM inbox WHERE id = :id", id=accepted.id)
    return str(row.data["referral"])


async def met(engine: AsyncEngine, who: str | Identity, event_type: str = "hub.visited", **data: Any) -> str:
    """Somebody is heard of. Gives the contact."""
    subject = who if isinstance(who, Identity) else Identity(kind="email", value=who)
    event = Event(
        type=event_type, source="test", source_id=f"{event_type} {subject.text}", subject=subject, at=NOON, data=data
    )
    accepted = await accept(engine, event)
    assert accepted.contact is not None
    return accepted.contact


async def can_be_paid(engine: AsyncEngine, who: str | Identity) -> str:
    """Their account is complete. Gives the contact."""
    contact = await met(engine, who)
    async with engine.begin() as conn:
        await keep_payee(conn, contact, "stripe", f"acct_{contact}", payable=True, referral=None, at=NOON)
    return contact


async def order(
    engine: AsyncEngine, referral: str, step: str = "reward", effect: str = "pay_reward", **more: Any
) -> Order:
    [row] = await rows(engine, "SELECT advocate_id FROM referrals WHERE id = :id", id=referral)
    return Order(
        key=f"{referral}/{step}/{effect}",
        effect=effect,
        journey=referral,
        playbook="referral",
        contact=row.advocate_id,
        step=step,
        purpose="service",
        platform="stripe",
        params={"reward": "advocate"},
        due=NOON,
        now=NOON,
        **more,
    )


async def pay(engine: AsyncEngine, program: Program, referral: str, **more: Any) -> Claim:
    """The claim of the reward."""

    async def prepare(look: Look) -> PayReward:
        owed = await owe(look, "advocate")
        return PayReward(who=Who.of(owed.beneficiary), reward=owed.id, amount=owed.amount, account=owed.account)

    return await claim(engine, await order(engine, referral, **more), program, prepare)


async def paid(engine: AsyncEngine, program: Program, referral: str, reference: str | None = "tr_1") -> Mine:
    """Pays, and closes it as the doer does."""
    mine = await pay(engine, program, referral)
    assert isinstance(mine, Mine), mine
    await settled(engine, referral, mine, reference)
    return mine


async def settled(engine: AsyncEngine, referral: str, mine: Mine, reference: str | None = "tr_1") -> None:
    """The payer said yes to what it was asked for."""
    key, asked = f"{referral}/reward/pay_reward", PayReward.model_validate(mine.request)

    async def booked(conn: Any) -> None:
        await payout.paid(conn, key, reference, None, NOON, asked.reward, asked.amount)

    await close(engine, key, "done", reference=reference, at=NOON, also=booked)


async def take_back(engine: AsyncEngine, program: Program, referral: str, refund: object = "all") -> Claim:
    """The claim of what is to be taken back."""

    async def taken(look: Look) -> TakeBack:
        over = await payout.excess(look, "advocate")
        return TakeBack(
            reward=over.reward, payment=over.payment, account=over.account, amount=over.amount, wallet=over.wallet
        )

    return await claim(engine, await order(engine, referral, f"refunded:{refund}", "take_back_reward"), program, taken)
