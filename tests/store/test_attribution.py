"""Prevents: a referral that a person gave to somebody else, and whose money goes out and into no book, or goes back to
whom the next report names."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.program import Program
from store import screening
from store.attribution import reattribute
from store.governance import No, NotYet
from store.ledger import Mine, close
from store.payout import rewards_of
from store.referral import referral_code
from tests.store.sales import (
    ADA,
    BO,
    EVE,
    SALE,
    can_be_paid,
    met,
    paid,
    pay,
    rows,
    settled,
    take_back,
    told,
    with_rewards,
)

PART = {"minor": 20_000, "currency": "USD"}


@pytest.fixture
def program(program: Program) -> Program:
    return with_rewards(program)


async def give(engine: AsyncEngine, referral: str, advocate: str) -> None:
    await reattribute(engine, referral, advocate, "grace", "she introduced them in person")


async def waiting_for_an_account(engine: AsyncEngine, program: Program) -> tuple[str, str]:
    """Ada's referral, whose reward has nowhere to go. Gives it, and her."""
    referral = await told(engine, "closed", amount=SALE)
    assert isinstance(await pay(engine, program, referral), NotYet)
    return referral, await met(engine, ADA)


async def test_a_reward_that_waited_is_paid_to_whom_the_referral_was_given_and_booked(
    engine: AsyncEngine, program: Program
) -> None:
    referral, ada = await waiting_for_an_account(engine, program)
    eve = await can_be_paid(engine, EVE)
    await give(engine, referral, eve)
    mine = await paid(engine, program, referral)
    assert mine.request["account"] == f"acct_{eve}"
    [hers] = await rewards_of(engine, eve)
    assert (hers.id, hers.status, hers.balance) == (mine.request["reward"], "paid", 5_000)
    [left] = await rewards_of(engine, ada)
    assert (left.status, left.effect_key, left.reason) == ("voided", None, "the referral was given to somebody else")


async def test_what_is_taken_back_is_what_was_paid_and_not_what_was_owed_before(
    engine: AsyncEngine, program: Program
) -> None:
    referral, _ = await waiting_for_an_account(engine, program)
    await give(engine, referral, await can_be_paid(engine, EVE))
    hers = (await paid(engine, program, referral)).request["reward"]
    await told(engine, "refunded", 5, by=None)
    mine = await take_back(engine, program, referral)
    assert isinstance(mine, Mine), mine
    assert (mine.request["reward"], mine.request["amount"]["minor"]) == (hers, 5_000)


@pytest.mark.parametrize("status", ["claimed", "doubted"])
async def test_nobody_is_given_a_referral_whose_reward_may_have_been_paid(
    engine: AsyncEngine, program: Program, status: Any
) -> None:
    referral = await told(engine, "closed", amount=SALE)
    await can_be_paid(engine, ADA)
    assert isinstance(await pay(engine, program, referral), Mine)
    await close(engine, f"{referral}/reward/pay_reward", status)
    with pytest.raises(ValueError, match="is being paid, or may have been: wait until that is settled"):
        await give(engine, referral, await met(engine, EVE))
    [row] = await rows(engine, "SELECT advocate_id FROM referrals")
    assert row.advocate_id == await met(engine, ADA)


@pytest.mark.parametrize("status", ["pending", "open", "refused"])
async def test_a_reward_that_was_not_paid_holds_up_no_attribution(
    engine: AsyncEngine, program: Program, status: Any
) -> None:
    """Pending: the payer waits for the account, and the next attempt decides afresh."""
    referral = await told(engine, "closed", amount=SALE)
    await can_be_paid(engine, ADA)
    await pay(engine, program, referral)
    await close(engine, f"{referral}/reward/pay_reward", status)
    eve = await can_be_paid(engine, EVE)
    await give(engine, referral, eve)
    await close(engine, f"{referral}/reward/pay_reward", "open")  # it was looked for, and had not happened
    assert (await paid(engine, program, referral)).request["account"] == f"acct_{eve}"


async def test_money_that_is_found_afterwards_is_booked_to_whom_it_went(engine: AsyncEngine, program: Program) -> None:
    referral = await told(engine, "closed", amount=SALE)
    ada, eve = await can_be_paid(engine, ADA), await can_be_paid(engine, EVE)
    to_ada = await pay(engine, program, referral)
    assert isinstance(to_ada, Mine)
    await close(engine, f"{referral}/reward/pay_reward", "open")
    await give(engine, referral, eve)
    assert isinstance(await pay(engine, program, referral), Mine)
    await settled(engine, referral, to_ada)
    [hers], [never] = await rewards_of(engine, ada), await rewards_of(engine, eve)
    assert (hers.status, hers.balance, hers.payment) == ("paid", 5_000, "tr_1")
    assert (never.status, never.balance, never.effect_key) == ("voided", 0, None)


async def test_a_payment_that_a_person_saw_is_booked_without_a_reference(engine: AsyncEngine, program: Program) -> None:
    referral = await told(engine, "closed", amount=SALE)
    ada = await can_be_paid(engine, ADA)
    await paid(engine, program, referral, reference=None)
    [row] = await rewards_of(engine, ada)
    assert (row.status, row.balance, row.payment) == ("paid", 5_000, None)


async def test_what_is_theirs_again_is_paid_to_them(engine: AsyncEngine, program: Program) -> None:
    referral, ada = await waiting_for_an_account(engine, program)
    await give(engine, referral, await met(engine, EVE))
    await give(engine, referral, ada)
    await can_be_paid(engine, ADA)
    assert (await paid(engine, program, referral)).request["account"] == f"acct_{ada}"


async def test_what_a_person_voided_is_not_revived_by_an_attribution_and_back(
    engine: AsyncEngine, program: Program
) -> None:
    referral, ada = await waiting_for_an_account(engine, program)
    await rows(
        engine,
        "INSERT INTO decisions (about, what, by, reason) SELECT id, 'voided', 'grace', 'an employee' FROM rewards",
    )
    await give(engine, referral, await met(engine, EVE))
    await give(engine, referral, ada)
    await can_be_paid(engine, ADA)
    assert await pay(engine, program, referral) == No("voided by grace: an employee")


async def test_what_is_theirs_is_not_given_to_them(engine: AsyncEngine) -> None:
    referral = await told(engine, "submitted")
    with pytest.raises(ValueError, match="it is theirs already"):
        await give(engine, referral, await met(engine, ADA))


@pytest.mark.parametrize("how", ["by name", "by code"])
async def test_the_next_report_does_not_undo_what_a_person_decided(
    engine: AsyncEngine, program: Program, how: str
) -> None:
    referral = await told(engine, "submitted")
    ada, eve = await met(engine, ADA), await can_be_paid(engine, EVE)
    await give(engine, referral, eve)
    if how == "by name":  # the CRM still has Ada in its field
        again = await told(engine, "closed", 10, amount=SALE)
    else:
        async with engine.begin() as conn:
            code = await referral_code(conn, ada)
        again = await told(engine, "closed", 10, by=None, amount=SALE, referral_code=code)
    assert again == referral
    [event] = await rows(engine, "SELECT contact_id FROM inbox WHERE type = 'referral.closed'")
    assert event.contact_id == eve, "her journeys hear of it"
    assert (await paid(engine, program, referral)).request["account"] == f"acct_{eve}"
    disputed = await screening.disputes(engine, await met(engine, BO))
    assert [touch.advocate_id for touch in disputed] == [ada], "the claim is kept"


async def test_of_two_decisions_the_next_report_follows_the_later(engine: AsyncEngine) -> None:
    referral = await told(engine, "submitted")
    ada, eve = await met(engine, ADA), await met(engine, EVE)
    await give(engine, referral, eve)
    await give(engine, referral, ada)
    assert await told(engine, "qualified", 1, by=EVE) == referral
    assert await told(engine, "closed", 2, amount=SALE) == referral
    [row] = await rows(engine, "SELECT advocate_id, status FROM referrals")
    assert (row.advocate_id, row.status) == (ada, "closed")


async def test_a_refund_that_was_told_before_the_sale_is_not_forgotten(engine: AsyncEngine, program: Program) -> None:
    referral = await told(engine, "submitted")
    await told(engine, "refunded", 20, amount=PART)
    await give(engine, referral, await can_be_paid(engine, EVE))
    await told(engine, "closed", 10, by=None, amount=SALE)
    assert (await paid(engine, program, referral)).request["amount"]["minor"] == 3_000


async def test_a_referral_that_names_no_friend_has_no_rival(engine: AsyncEngine) -> None:
    """Two of the same advocate without a friend are not two of the same friend."""
    eve = await met(engine, EVE)
    await rows(
        engine,
        "INSERT INTO referrals (id, advocate_id, external_id, how) VALUES ('r_1', :eve, 'd_1', 'crm'), "
        "('r_2', 'c_ada', 'd_2', 'crm')",
        eve=eve,
    )
    await give(engine, "r_2", eve)
    assert {row.advocate_id for row in await rows(engine, "SELECT advocate_id FROM referrals")} == {eve}
