"""Prevents: a reward paid twice, in two amounts, over the budget, without the word it needs, or after a refund."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.contact import Identity, Person
from models.effect import Decided, Order
from models.event import Event
from models.money import Money
from models.program import Program
from platforms.capabilities import PayReward, Who
from store import payout, screening
from store.attribution import reattribute
from store.governance import No, NotYet, Withhold
from store.identity import get_contact
from store.inbox import accept
from store.ledger import Look, Mine, Settled, claim, close
from store.payee import keep_payee
from store.reward import owe, period_start, reward_id

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
SALE = {"minor": 1_200_000, "currency": "USD"}


@pytest.fixture
def program(program: Program) -> Program:
    rewards = {"advocate": {"worth": "10% of the sale", "at_most": "2000 USD", "tiers": {"elite": "20% of the sale"}}}
    return Program.model_validate(
        {**program.model_dump(by_alias=True), "rewards": rewards, "payouts": {"country": "US"}}
    )


def limited(program: Program, **payouts: Any) -> Program:
    return Program.model_validate({**program.model_dump(by_alias=True, mode="json"), "payouts": payouts})


def for_partners(program: Program) -> Program:
    """A reward that wants a signed agreement."""
    rules = {"advocate": {"worth": "100 USD", "signature": True}}
    return Program.model_validate({**program.model_dump(by_alias=True, mode="json"), "rewards": rules})


async def tell(engine: AsyncEngine, event_type: str, source_id: str, email: str, **data: Any) -> Any:
    person = Person(first_name=email.partition("@")[0].title(), last_name=email.partition("@")[0].title())
    event = Event(
        type=event_type,
        source="test",
        source_id=source_id,
        subject=Identity(kind="email", value=email),
        at=NOW - timedelta(days=31),
        data=data,
        person=person,
    )
    return await accept(engine, event)


async def sale(
    engine: AsyncEngine, friend: str = "bo@new.example", amount: Any = None, *, payable: bool = True
) -> tuple[str, str]:
    """A closed referral by Ada, whose account can be paid. Gives the advocate and the referral."""
    data = {"referred_by": "email:ada@engines.example", "amount": amount or SALE}
    accepted = await tell(engine, "referral.closed", f"sale-{friend}", friend, **data)
    async with engine.begin() as conn:
        row = (await conn.execute(text("SELECT data FROM inbox WHERE id = :id"), {"id": accepted.id})).one()
        if payable:
            account = f"acct_{accepted.contact}"
            await keep_payee(conn, accepted.contact, "stripe", account, payable=True, referral=None, at=NOW)
    return accepted.contact, row.data["referral"]


def order(advocate: str, referral: str, step: str = "reward", **more: Any) -> Order:
    return Order(
        key=f"{referral}/{step}/pay_reward",
        effect="pay_reward",
        journey=referral,
        playbook="referral",
        contact=advocate,
        step=step,
        purpose="service",
        platform="stripe",
        params={"reward": "advocate"},
        due=NOW,
        now=NOW,
        **more,
    )


async def prepare(look: Look) -> PayReward:
    owed = await owe(look, "advocate")
    return PayReward(who=Who.of(owed.beneficiary), reward=owed.id, amount=owed.amount, account=owed.account)


async def paid(engine: AsyncEngine, program: Program, advocate: str, referral: str) -> Mine:
    """Claims and closes, as the doer does."""
    got = await claim(engine, order(advocate, referral), program, prepare)
    assert isinstance(got, Mine), got

    async def book(conn: Any) -> None:
        await payout.paid(conn, f"{referral}/reward/pay_reward", "tr_1", None, NOW)

    await close(engine, f"{referral}/reward/pay_reward", "done", reference="tr_1", at=NOW, also=book)
    return got


async def told(engine: AsyncEngine, event_type: str) -> int:
    async with engine.connect() as conn:
        query = text("SELECT count(*) FROM inbox WHERE type = :type")
        return int((await conn.execute(query, {"type": event_type})).scalar_one())


async def test_a_due_reward_is_taken_once_and_paid_into_the_books(engine: AsyncEngine, program: Program) -> None:
    advocate, referral = await sale(engine)
    mine = await paid(engine, program, advocate, referral)
    assert mine.request["amount"] == {"minor": 120_000, "currency": "USD"}
    assert mine.request["account"] == f"acct_{advocate}"
    [row] = await payout.rewards_of(engine, advocate)
    assert (row.status, row.balance, row.payment) == ("paid", 120_000, "tr_1")
    assert await told(engine, "reward.paid") == 1


async def test_of_ten_at_once_one_is_mine(engine: AsyncEngine, program: Program) -> None:
    advocate, referral = await sale(engine)
    claims = await asyncio.gather(*(claim(engine, order(advocate, referral), program, prepare) for _ in range(10)))
    assert sum(isinstance(c, Mine) for c in claims) == 1


async def test_another_step_of_the_same_rule_never_pays_again(engine: AsyncEngine, program: Program) -> None:
    advocate, referral = await sale(engine)
    await paid(engine, program, advocate, referral)
    second = await claim(engine, order(advocate, referral, step="bonus"), program, prepare)
    assert second == No(f"the same reward is paid by {referral}/reward/pay_reward")


def test_money_is_what_it_is_whoever_asks() -> None:
    same = reward_id("Acme", "r_1", "advocate", "c_1", Money(minor=5, currency="USD"))
    assert same == reward_id("Acme", "r_1", "advocate", "c_1", Money(minor=5, currency="USD"))
    assert same != reward_id("Acme", "r_1", "advocate", "c_1", Money(minor=5, currency="EUR"))
    assert same != reward_id("Acme", "r_2", "advocate", "c_1", Money(minor=5, currency="USD"))


async def test_the_cap_and_the_tier_decide_the_amount(engine: AsyncEngine, program: Program) -> None:
    advocate, referral = await sale(engine, amount={"minor": 1_500_000, "currency": "USD"})
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE contacts SET tier = 'elite' WHERE id = :id"), {"id": advocate})
    mine = await paid(engine, program, advocate, referral)
    assert mine.request["amount"]["minor"] == 200_000, "20 % would be 3,000 USD; at most 2,000 is paid"


async def test_a_refund_before_the_payment_withholds_it(engine: AsyncEngine, program: Program) -> None:
    advocate, referral = await sale(engine)
    await tell(engine, "referral.refunded", "refund", "bo@new.example")
    assert await claim(engine, order(advocate, referral), program, prepare) == No("the sale was refunded")
    assert await payout.rewards_of(engine) == []


async def test_a_late_report_of_the_sale_does_not_revive_a_refunded_one(engine: AsyncEngine, program: Program) -> None:
    advocate, referral = await sale(engine)
    await tell(engine, "referral.refunded", "refund", "bo@new.example")
    await tell(engine, "referral.closed", "sale-again", "bo@new.example", amount=SALE)
    assert isinstance(await claim(engine, order(advocate, referral), program, prepare), No)


async def test_above_the_limit_a_person_decides_and_stays_on_record(engine: AsyncEngine, program: Program) -> None:
    strict = limited(program, approve_above="1000 USD")
    advocate, referral = await sale(engine)
    waits = await claim(engine, order(advocate, referral), strict, prepare)
    assert isinstance(waits, NotYet)
    assert (waits.reason, waits.attention) == ("1200.00 USD needs a person's approval", True)
    decided = Decided(approved=True, by="grace", reason="checked the contract")
    got = await claim(engine, order(advocate, referral, decided=decided), strict, prepare)
    assert isinstance(got, Mine)
    [row] = await payout.rewards_of(engine, advocate)
    [kept] = await screening.decisions_about(engine, row.id)
    assert (kept.what, kept.by, kept.reason) == ("approved", "grace", "checked the contract")


async def test_another_currency_than_the_limit_s_needs_a_person_too(engine: AsyncEngine, program: Program) -> None:
    euros = Program.model_validate(
        {**program.model_dump(by_alias=True, mode="json"), "rewards": {"advocate": {"worth": "5 EUR"}}}
    )
    advocate, referral = await sale(engine, amount={"minor": 100, "currency": "EUR"})
    waits = await claim(engine, order(advocate, referral), limited(euros, approve_above="1000 USD"), prepare)
    assert isinstance(waits, NotYet) and waits.attention


async def test_a_reward_that_a_person_voids_is_never_paid(engine: AsyncEngine, program: Program) -> None:
    advocate, referral = await sale(engine)
    decided = Decided(approved=False, by="grace", reason="an employee")
    refused = await claim(engine, order(advocate, referral, decided=decided), program, prepare)
    assert refused == No("voided by grace: an employee")
    assert isinstance(await claim(engine, order(advocate, referral), program, prepare), Settled)
    [row] = await payout.rewards_of(engine, advocate)
    assert (row.status, row.balance) == ("voided", 0)


async def test_a_budget_is_never_overdrawn_by_payments_at_once(engine: AsyncEngine, program: Program) -> None:
    """Six rewards of 1,200 USD into a budget of 4,000: three fit."""
    tight = limited(program, budget={"amount": "4000 USD", "per": "quarter"})
    sales = [await sale(engine, f"friend{n}@n{n}.example") for n in range(6)]
    claims = await asyncio.gather(*(claim(engine, order(*one), tight, prepare) for one in sales))
    assert sum(isinstance(c, Mine) for c in claims) == 3
    waiting = [c for c in claims if isinstance(c, NotYet)]
    assert {c.reason for c in waiting} == {"the budget of 4000.00 USD for this quarter is used up"}


async def test_a_reward_counts_in_the_period_it_is_taken_in(engine: AsyncEngine, program: Program) -> None:
    """It was looked at first in the quarter before, when there was no account to pay it to."""
    tight = limited(program, budget={"amount": "1200 USD", "per": "quarter"})
    first, second = await sale(engine, payable=False), await sale(engine, "cy@other.example", payable=False)
    assert isinstance(await claim(engine, order(*first), tight, prepare), NotYet)
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE rewards SET at = at - interval '100 days'"))
        await keep_payee(conn, first[0], "stripe", "acct_1", payable=True, referral=None, at=NOW)
    assert isinstance(await claim(engine, order(*first), tight, prepare), Mine)
    waits = await claim(engine, order(*second), tight, prepare)
    assert isinstance(waits, NotYet) and "is used up" in waits.reason, "2,400 USD would be on their way"


@pytest.mark.parametrize("status", ["refused", "withheld"])
async def test_a_payment_that_was_refused_takes_nothing_of_the_budget(
    engine: AsyncEngine, program: Program, status: Any
) -> None:
    tight = limited(program, budget={"amount": "1200 USD", "per": "quarter"})
    first, second = await sale(engine), await sale(engine, "cy@other.example")
    assert isinstance(await claim(engine, order(*first), tight, prepare), Mine)
    await close(engine, f"{first[1]}/reward/pay_reward", status, reason="Stripe: the account was closed")
    assert isinstance(await claim(engine, order(*second), tight, prepare), Mine)


@pytest.mark.parametrize("status", ["open", "claimed", "pending", "doubted"])
async def test_a_payment_that_may_come_yet_keeps_its_part_of_the_budget(
    engine: AsyncEngine, program: Program, status: Any
) -> None:
    tight = limited(program, budget={"amount": "1200 USD", "per": "quarter"})
    first, second = await sale(engine), await sale(engine, "cy@other.example")
    assert isinstance(await claim(engine, order(*first), tight, prepare), Mine)
    await close(engine, f"{first[1]}/reward/pay_reward", status)
    assert isinstance(await claim(engine, order(*second), tight, prepare), NotYet)


async def test_an_approval_that_overrules_nothing_is_told_so(engine: AsyncEngine, program: Program) -> None:
    """Whoever approves what waits for the budget or a signature would otherwise wait for the money."""
    rules = limited(for_partners(program), budget={"amount": "50 USD", "per": "quarter"})
    advocate, referral = await sale(engine)
    decided = Decided(approved=True, by="grace", reason="she is a partner")
    waits = await claim(engine, order(advocate, referral, decided=decided), rules, prepare)
    assert isinstance(waits, NotYet)
    assert waits.reason == (
        "the budget of 50.00 USD for this quarter is used up, which an approval does not overrule: raise it, or wait "
        "for the next quarter"
    )
    [row] = await payout.rewards_of(engine, advocate)
    assert row.reason == waits.reason, "it stands in `ovation reward list`"
    unsigned = await claim(engine, order(advocate, referral), for_partners(program), prepare)
    assert isinstance(unsigned, NotYet)
    assert unsigned.reason == "the agreement is not signed yet, which an approval does not overrule"


async def told_late(engine: AsyncEngine) -> tuple[str, str]:
    """A CRM that is polled tells of an earlier touch, by Eve, and of the same sale. Gives her and her referral."""
    event = Event(
        type="referral.closed",
        source="crm poll",
        source_id="1",
        subject=Identity(kind="email", value="bo@new.example"),
        at=NOW - timedelta(days=32),
        data={"referred_by": "email:eve@elsewhere.example", "amount": SALE},
    )
    accepted = await accept(engine, event)
    assert accepted.contact is not None
    async with engine.begin() as conn:
        account = f"acct_{accepted.contact}"
        await keep_payee(conn, accepted.contact, "stripe", account, payable=True, referral=None, at=NOW)
        row = (await conn.execute(text("SELECT data FROM inbox WHERE id = :id"), {"id": accepted.id})).one()
    return accepted.contact, row.data["referral"]


async def test_a_touch_that_is_told_late_is_not_paid_beside_the_one_that_was(
    engine: AsyncEngine, program: Program
) -> None:
    advocate, referral = await sale(engine)
    await paid(engine, program, advocate, referral)
    eve, late = await told_late(engine)
    waits = await claim(engine, order(eve, late), program, prepare)
    assert isinstance(waits, NotYet) and waits.attention
    words = f"a reward for {referral}, of the same friend, is paid: void this one, or approve it if both are due"
    assert waits.reason == words
    [row] = await payout.rewards_of(engine, eve)
    assert (row.status, row.reason) == ("waiting", words), "it can be approved and voided like any other"
    decided = Decided(approved=True, by="grace", reason="both are due")
    assert isinstance(await claim(engine, order(eve, late, decided=decided), program, prepare), Mine)


async def test_a_touch_that_is_told_late_waits_for_a_payment_under_way(engine: AsyncEngine, program: Program) -> None:
    advocate, referral = await sale(engine)
    assert isinstance(await claim(engine, order(advocate, referral), program, prepare), Mine)
    eve, late = await told_late(engine)
    waits = await claim(engine, order(eve, late), program, prepare)
    assert isinstance(waits, NotYet) and "is being paid" in waits.reason
    await close(engine, f"{referral}/reward/pay_reward", "refused", reason="Stripe: the account was closed")
    assert isinstance(await claim(engine, order(eve, late), program, prepare), Mine)


async def test_an_approval_from_before_does_not_pay_a_friend_twice(engine: AsyncEngine, program: Program) -> None:
    """It was about the amount; of the other advocate nobody knew."""
    eve, late = await told_late(engine)
    decided = Decided(approved=True, by="grace", reason="checked the contract")
    signed = for_partners(program)
    assert isinstance(await claim(engine, order(eve, late, decided=decided), signed, prepare), NotYet)
    advocate, referral = await sale(engine)
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE referrals SET verdict = 'deny' WHERE id = :id"), {"id": late})
    await paid(engine, program, advocate, referral)
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE referrals SET verdict = NULL WHERE id = :id"), {"id": late})
    waits = await claim(engine, order(eve, late, decided=decided), program, prepare)
    assert isinstance(waits, NotYet) and "of the same friend" in waits.reason
    again = Decided(approved=True, by="grace", reason="both brought him")
    assert isinstance(await claim(engine, order(eve, late, decided=again), program, prepare), Mine)


async def test_of_two_payments_for_one_friend_at_once_one_waits(engine: AsyncEngine, program: Program) -> None:
    """Both were let pass: a person approved the later one, too."""
    first, second = await sale(engine), await told_late(engine)
    async with engine.begin() as conn:
        said = "INSERT INTO decisions (about, what, by, reason) VALUES (:id, 'approved', 'grace', 'both')"
        for _, referral in (first, second):
            await conn.execute(text(said), {"id": referral})
    claims = await asyncio.gather(*(claim(engine, order(*one), program, prepare) for one in (first, second)))
    assert sorted(type(one).__name__ for one in claims) == ["Mine", "NotYet"]


@pytest.mark.parametrize(
    ("per", "start"), [("month", (2026, 11, 1)), ("quarter", (2026, 10, 1)), ("year", (2026, 1, 1))]
)
def test_periods_begin_with_the_calendar(per: str, start: tuple[int, int, int]) -> None:
    assert period_start(NOW, per) == datetime(*start, tzinfo=UTC)


async def test_money_waits_for_an_account_that_can_be_paid(engine: AsyncEngine, program: Program) -> None:
    advocate, referral = await sale(engine, payable=False)
    waits = await claim(engine, order(advocate, referral), program, prepare)
    assert isinstance(waits, NotYet)
    assert waits.wakes_on == "payee.ready"
    async with engine.begin() as conn:
        await keep_payee(conn, advocate, "stripe", "acct_1", payable=False, referral=referral, at=NOW)
    assert isinstance(await claim(engine, order(advocate, referral), program, prepare), NotYet)
    await accept(
        engine,
        Event(
            type="payee.ready",
            source="stripe",
            source_id="evt_1",
            subject=Identity(kind="stripe", value="acct_1"),
            at=NOW,
            data={"account": "acct_1"},
        ),
    )
    assert isinstance(await claim(engine, order(advocate, referral), program, prepare), Mine)


async def test_the_agreement_comes_first_where_the_reward_wants_it(engine: AsyncEngine, program: Program) -> None:
    signed = for_partners(program)
    advocate, referral = await sale(engine)
    waits = await claim(engine, order(advocate, referral), signed, prepare)
    assert isinstance(waits, NotYet) and waits.wakes_on == "agreement.signed"
    await tell(engine, "agreement.signed", "envelope", "ada@engines.example")
    assert isinstance(await claim(engine, order(advocate, referral), signed, prepare), Mine)


@pytest.mark.parametrize(
    ("told_of_it", "word"), [({}, "declined"), ({"how": "declined"}, "declined"), ({"how": "voided"}, "voided")]
)
async def test_a_declined_agreement_wants_a_person_until_another_is_signed(
    engine: AsyncEngine, program: Program, told_of_it: dict[str, str], word: str
) -> None:
    signed = for_partners(program)
    advocate, referral = await sale(engine)
    waits = await claim(engine, order(advocate, referral), signed, prepare)
    assert isinstance(waits, NotYet) and not waits.attention
    assert waits.at < datetime.now(UTC) + timedelta(days=1, minutes=1), "no decline wakes it: it must look by itself"
    await tell(engine, "agreement.declined", "first", "ada@engines.example", envelope="e_1", **told_of_it)
    waits = await claim(engine, order(advocate, referral), signed, prepare)
    assert isinstance(waits, NotYet) and waits.attention and waits.wakes_on == "agreement.signed"
    assert waits.reason == f"the agreement was {word}: have another signed, or void the reward"
    [row] = await payout.rewards_of(engine, advocate)
    assert (row.status, row.reason) == ("waiting", waits.reason)
    await tell(engine, "agreement.signed", "second", "ada@engines.example", envelope="e_2")
    assert isinstance(await claim(engine, order(advocate, referral), signed, prepare), Mine)


async def test_the_latest_refusal_is_named_and_a_signature_outlasts_one(engine: AsyncEngine, program: Program) -> None:
    """What is signed cannot be declined any more: a decline after it, or told after it, is of another envelope."""
    signed = for_partners(program)
    advocate, referral = await sale(engine)
    for number, how in enumerate(("voided", "declined")):
        await tell(engine, "agreement.declined", how, "ada@engines.example", envelope=f"e_{number}", how=how)
    waits = await claim(engine, order(advocate, referral), signed, prepare)
    assert isinstance(waits, NotYet) and "was declined" in waits.reason
    await tell(engine, "agreement.signed", "signed", "ada@engines.example", envelope="e_2")
    await tell(engine, "agreement.declined", "late", "ada@engines.example", envelope="e_3", how="voided")
    assert isinstance(await claim(engine, order(advocate, referral), signed, prepare), Mine)


async def test_what_somebody_else_declined_holds_up_nobody(engine: AsyncEngine, program: Program) -> None:
    signed = for_partners(program)
    advocate, referral = await sale(engine)
    await tell(engine, "agreement.declined", "hers", "eve@elsewhere.example", envelope="e_1", how="declined")
    waits = await claim(engine, order(advocate, referral), signed, prepare)
    assert isinstance(waits, NotYet) and not waits.attention


async def test_who_refers_themselves_is_refused_at_the_payment_too(engine: AsyncEngine, program: Program) -> None:
    advocate, referral = await sale(engine, "ada+friend@engines.example")
    refused = await claim(engine, order(advocate, referral), program, prepare)
    assert isinstance(refused, No)
    assert "the friend's mailbox is the advocate's own" in refused.reason


async def test_a_payout_account_shared_by_two_is_found_before_the_money_goes(
    engine: AsyncEngine, program: Program
) -> None:
    advocate, referral = await sale(engine)
    other = await tell(engine, "hub.visited", "eve", "eve@elsewhere.example")
    async with engine.begin() as conn:
        await conn.execute(
            text("INSERT INTO payees (contact_id, platform, account) VALUES (:id, 'stripe', :account)"),
            {"id": other.contact, "account": f"acct_{advocate}"},
        )
    refused = await claim(engine, order(advocate, referral), program, prepare)
    assert isinstance(refused, No)
    assert "payout account" in refused.reason


async def taken_back(engine: AsyncEngine, program: Program, advocate: str, referral: str) -> Money | str:
    """What a take-back would take, or why nothing."""
    async with engine.begin() as conn:
        contact = await get_contact(conn, advocate)
        assert contact is not None
        look = Look(conn, order(advocate, referral, step="refunded"), contact, program, NOW)
        try:
            over = await payout.excess(look, "advocate")
        except Withhold as why:
            return str(why)
        key = f"{referral}/refunded:{over.amount.minor}/take_back_reward"
        await payout.taken_back(conn, key, over.reward, over.amount, "trr_1", NOW)
        return over.amount


async def test_a_partial_refund_takes_back_its_part_and_the_next_only_the_rest(
    engine: AsyncEngine, program: Program
) -> None:
    advocate, referral = await sale(engine)
    await paid(engine, program, advocate, referral)
    await tell(engine, "referral.refunded", "part", "bo@new.example", amount={"minor": 300_000, "currency": "USD"})
    assert await taken_back(engine, program, advocate, referral) == Money(minor=30_000, currency="USD")
    assert await taken_back(engine, program, advocate, referral) == "what was paid is still due"
    await tell(engine, "referral.refunded", "all", "bo@new.example", amount=SALE)
    assert await taken_back(engine, program, advocate, referral) == Money(minor=90_000, currency="USD")
    [row] = await payout.rewards_of(engine, advocate)
    assert row.balance == 0
    assert await told(engine, "reward.taken_back") == 2


async def test_nothing_is_taken_back_that_was_not_paid(engine: AsyncEngine, program: Program) -> None:
    advocate, referral = await sale(engine)
    await tell(engine, "referral.refunded", "all", "bo@new.example")
    assert await taken_back(engine, program, advocate, referral) == "nothing was paid for it"


async def test_who_was_refused_for_being_second_is_given_the_friend_by_a_person(
    engine: AsyncEngine, program: Program
) -> None:
    advocate, referral = await sale(engine)
    rival = {"referred_by": "email:eve@elsewhere.example"}
    accepted = await tell(engine, "referral.submitted", "rival", "bo@new.example", **rival)
    async with engine.begin() as conn:
        row = (await conn.execute(text("SELECT data FROM inbox WHERE id = :id"), {"id": accepted.id})).one()
        second = row.data["referral"]
        await conn.execute(text("UPDATE referrals SET verdict = 'deny' WHERE id = :id"), {"id": second})
    await reattribute(engine, referral, accepted.contact, "grace", "eve was there first")
    claimed = await claim(engine, order(advocate, referral), program, prepare)
    assert isinstance(claimed, NotYet), "it is Eve's now, and her account is not known yet"
    async with engine.connect() as conn:
        owner = (await conn.execute(text("SELECT beneficiary_id FROM rewards"))).scalar()
    assert owner == accepted.contact


async def test_an_attribution_is_overruled_with_a_reason_and_not_after_money_went_out(
    engine: AsyncEngine, program: Program
) -> None:
    advocate, referral = await sale(engine)
    eve = (await tell(engine, "hub.visited", "eve", "eve@elsewhere.example")).contact
    await reattribute(engine, referral, eve, "grace", "she introduced them in person")
    [kept] = await screening.decisions_about(engine, referral)
    assert kept.what == f"attributed from {advocate} to {eve}"
    await reattribute(engine, referral, advocate, "grace", "no, she did not")
    await paid(engine, program, advocate, referral)
    with pytest.raises(ValueError, match="take it back first"):
        await reattribute(engine, referral, eve, "grace", "again")


async def test_what_went_back_twice_in_the_telling_went_back_once(engine: AsyncEngine, program: Program) -> None:
    """Somebody took the rest back at the payer, and that was told, with all that went back, before ours was closed."""
    advocate, referral = await sale(engine)
    mine = await paid(engine, program, advocate, referral)
    back = Money(minor=30_000, currency="USD")
    async with engine.begin() as conn:
        await payout.reversed_outside(conn, mine.request["reward"], Money(minor=120_000, currency="USD"), NOW)
        await payout.taken_back(conn, f"{referral}/refunded:1/take_back", mine.request["reward"], back, "trr_1", NOW)
    [row] = await payout.rewards_of(engine, advocate)
    assert row.balance == 0
