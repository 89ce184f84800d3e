"""Prevents: money that depends on the order in which systems tell of a sale, or on how long a crash held it up."""

from itertools import permutations
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities import reward
from activities.kit import CannotDo
from models.money import Money
from models.program import Program
from platforms.capabilities import TakeBack
from store import payout
from store.governance import No, NotYet
from store.ledger import Look, Mine, claim, close
from store.payee import keep_payee, payee_of
from tests.store import sales
from tests.store.sales import ADA, NOON, SALE, can_be_paid, order, pay, rows, take_back, with_rewards

PART = {"minor": 20_000, "currency": "USD"}
LESS = {"minor": 30_000, "currency": "USD"}


@pytest.fixture
def program(program: Program) -> Program:
    return with_rewards(program)


async def told(engine: AsyncEngine, *what: Any, **more: Any) -> str:
    """A system tells of a friend, whom Ada sent. Gives the referral."""
    referral = await sales.told(engine, *what, **more)
    await can_be_paid(engine, ADA)
    return referral


async def paid(engine: AsyncEngine, program: Program, referral: str) -> int:
    """Pays, and closes it as the doer does. Gives the amount."""
    return int((await sales.paid(engine, program, referral)).request["amount"]["minor"])


STORIES = {
    "qualified closed": "closed",
    "qualified closed lost": "lost",
    "qualified lost closed": "closed",
    "lost qualified": "qualified",
    "lost qualified closed": "closed",
    "qualified lost qualified": "qualified",
    "lost closed lost": "lost",
    "closed lost qualified": "lost",
    "qualified closed refunded": "refunded",
    "lost qualified closed refunded": "refunded",
    "closed refunded lost": "lost",
}
"""What happened, a minute apart each → how far the referral has come."""


@pytest.mark.parametrize("story", STORIES)
async def test_what_happened_last_counts_whatever_is_told_last(engine: AsyncEngine, story: str) -> None:
    happened = list(enumerate(["submitted", *story.split()]))
    for number, told_so in enumerate(permutations(happened)):
        friend = f"bo{number}@new.example"
        for minutes, what in told_so:
            amount = {"amount": SALE} if what == "closed" else {}
            referral = await told(engine, what, minutes, friend=friend, **amount)
        [row] = await rows(engine, "SELECT status FROM referrals WHERE id = :id", id=referral)
        assert row.status == STORIES[story], f"told as {[what for _, what in told_so]}"


async def test_a_refund_that_overtakes_its_sale_counts(engine: AsyncEngine, program: Program) -> None:
    await told(engine, "refunded", 5, amount=PART)
    referral = await told(engine, "closed", amount=SALE)
    assert await paid(engine, program, referral) == 3_000, "10 % of the 300 USD that are left"


async def test_a_whole_refund_that_overtakes_its_sale_counts(engine: AsyncEngine, program: Program) -> None:
    await told(engine, "refunded", 5)
    referral = await told(engine, "closed", amount=SALE)
    assert await pay(engine, program, referral) == No("the sale was refunded")


async def test_a_loss_that_overtakes_its_sale_counts(engine: AsyncEngine, program: Program) -> None:
    await told(engine, "lost", 5)
    referral = await told(engine, "closed", amount=SALE)
    assert await pay(engine, program, referral) == No("the sale was lost")


async def test_a_deal_that_was_lost_and_won_after_all_is_won(engine: AsyncEngine, program: Program) -> None:
    await told(engine, "lost", -5)
    referral = await told(engine, "closed", amount=SALE)
    await told(engine, "lost", -5, source="a system that is late")
    assert await paid(engine, program, referral) == 5_000


async def test_the_amount_may_come_with_a_later_report(engine: AsyncEngine, program: Program) -> None:
    referral = await told(engine, "closed")
    await told(engine, "refunded", 5, amount=PART)
    waits = await pay(engine, program, referral)
    assert isinstance(waits, NotYet)
    assert (waits.wakes_on, waits.attention) == ("referral.closed", True)
    await told(engine, "closed", source="billing", amount=SALE)
    assert await paid(engine, program, referral) == 3_000


async def test_the_first_amount_stands(engine: AsyncEngine, program: Program) -> None:
    referral = await told(engine, "closed", amount=SALE)
    await told(engine, "closed", source="billing", amount={"minor": 90_000, "currency": "USD"})
    assert await paid(engine, program, referral) == 5_000


async def test_two_refunds_at_once_do_not_both_take_back_the_first_part(engine: AsyncEngine, program: Program) -> None:
    referral = await told(engine, "closed", amount=SALE)
    await paid(engine, program, referral)
    await told(engine, "refunded", 5, amount=PART)
    first = await take_back(engine, program, referral, 20_000)
    assert isinstance(first, Mine)
    assert first.request["amount"] == {"minor": 2_000, "currency": "USD"}
    await told(engine, "refunded", 6, amount=LESS)
    waits = await take_back(engine, program, referral, 30_000)
    assert isinstance(waits, NotYet)
    assert (waits.reason, waits.wakes_on) == ("another part of it is being taken back", "reward.taken_back")
    key, reward_id = f"{referral}/refunded:20000/take_back_reward", first.request["reward"]
    back = Money(minor=2_000, currency="USD")
    await close(engine, key, "done", also=lambda conn: payout.taken_back(conn, key, reward_id, back, "trr_1", NOON))
    second = await take_back(engine, program, referral, 30_000)
    assert isinstance(second, Mine)
    assert second.request["amount"] == {"minor": 1_000, "currency": "USD"}


async def test_a_refund_in_part_leaves_a_reward_that_waits_its_rest(engine: AsyncEngine, program: Program) -> None:
    referral = await told(engine, "closed", amount=SALE)
    await rows(engine, "UPDATE payees SET payable = false")
    assert isinstance(await pay(engine, program, referral), NotYet)
    await rows(engine, "UPDATE payees SET payable = true")
    await told(engine, "refunded", 5, amount=PART)
    assert await take_back(engine, program, referral, 20_000) == No("nothing was paid for it")
    assert await paid(engine, program, referral) == 3_000


async def test_a_payment_that_surely_did_not_happen_holds_nothing_up(engine: AsyncEngine, program: Program) -> None:
    """The payer was away when it was tried, and then the sale was refunded."""
    referral = await told(engine, "closed", amount=SALE)
    assert isinstance(await pay(engine, program, referral), Mine)
    await told(engine, "refunded", 5)
    waits = await take_back(engine, program, referral, 50_000)
    assert isinstance(waits, NotYet)
    assert (waits.reason, waits.wakes_on) == ("the payment is still under way", "reward.paid")
    await close(engine, f"{referral}/reward/pay_reward", "open")
    assert await take_back(engine, program, referral, 50_000) == No("nothing was paid for it")
    [row] = await rows(engine, "SELECT status FROM rewards")
    assert row.status == "voided", "a reward that stays claimed uses up the budget for ever"


async def test_an_old_answer_does_not_close_an_account_that_was_completed_since(engine: AsyncEngine) -> None:
    """The answer to an invitation is written after the news that the account can be paid."""
    referral = await told(engine, "closed", amount=SALE)
    [row] = await rows(engine, "SELECT advocate_id AS id FROM referrals")
    async with engine.begin() as conn:
        await keep_payee(conn, row.id, "stripe", f"acct_{row.id}", payable=False, referral=referral, at=NOON)
        kept = await payee_of(conn, row.id, "stripe")
        assert kept is not None and kept.payable
        await keep_payee(conn, row.id, "stripe", "acct_new", payable=False, referral=referral, at=NOON)
        other = await payee_of(conn, row.id, "stripe")
        assert other is not None and not other.payable, "another account is another matter"


async def test_a_cap_in_another_currency_is_said_when_money_is_taken_back_too(
    engine: AsyncEngine, program: Program
) -> None:
    referral = await told(engine, "closed", amount=SALE)
    await paid(engine, program, referral)
    await told(engine, "refunded", 5, amount=PART)
    rules = {"advocate": {"worth": "10% of the sale", "at_most": "20 EUR"}}
    euros = Program.model_validate({**program.model_dump(by_alias=True, mode="json"), "rewards": rules})

    async def taken(look: Look) -> TakeBack:
        return await reward.take_back_reward(look, None)  # type: ignore[arg-type]  # the kit is not asked

    with pytest.raises(CannotDo, match="at_most is in EUR and the reward in USD"):
        await claim(engine, await order(engine, referral, "refunded:1", "take_back_reward"), euros, taken)
