"""Prevents: a reward that is paid after it was voided or refunded, because its payment had been tried before; and money
that moved and is in no book, or in another amount than the payer's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.kit import Kit
from activities.perform import Performer
from authoring.messages import Messages
from models.contact import Identity, Person
from models.effect import Decided, Order
from models.event import Event
from models.links import Links
from models.program import Program
from platforms.capabilities import Who
from platforms.runner import Runner
from platforms.stripe import PLATFORM, payee
from store.inbox import accept
from store.payee import keep_payee
from store.payout import rewards_of
from tests.activities.vendor import sql
from tests.platforms.test_stripe import INVITE, SETTINGS, Stripe

NOW = datetime.now(UTC)
VOID = Decided(approved=False, by="grace", reason="they work for us")


@pytest.fixture
def program(program: Program) -> Program:
    rewards = {"advocate": {"worth": "10% of the sale"}}
    return Program.model_validate({**program.model_dump(by_alias=True, mode="json"), "rewards": rewards})


class Case:
    """A sale of 500 USD that Ada brought; 50 of it are hers."""

    def __init__(self, engine: AsyncEngine, program: Program) -> None:
        self.engine, self.stripe = engine, Stripe()
        kit = Kit(program, Messages({}), Links("https://o.example", ["x"], ""))
        runner = Runner(httpx.AsyncClient(transport=httpx.MockTransport(self.stripe)))
        self.performer = Performer(engine, kit, runner, {"stripe": (PLATFORM, SETTINGS)})
        self.referral = self.ada = self.account = ""

    async def begin(self) -> "Case":
        told = await self.tell("closed", 500)
        self.ada = str(told.contact)
        [(self.referral,)] = await sql(self.engine, "SELECT id FROM referrals")
        invite = payee.invite(INVITE.model_copy(update={"who": Who(contact=self.ada)}), "k", SETTINGS)
        self.account = (await self.performer.runner.hold(PLATFORM, SETTINGS, invite)).reference or ""
        self.stripe.move("onboard", account=self.account)
        async with self.engine.begin() as conn:
            await keep_payee(conn, self.ada, "stripe", self.account, payable=True, referral=None, at=NOW)
        return self

    async def tell(self, what: str, dollars: int) -> Any:
        event = Event(
            type=f"referral.{what}",
            source="crm",
            source_id=f"{what} {dollars}",
            subject=Identity(kind="email", value="bo@new.example"),
            at=NOW - timedelta(days=40 if what == "closed" else 30),
            data={"referred_by": "email:ada@engines.example", "amount": {"minor": dollars * 100, "currency": "USD"}},
            person=Person(first_name="Bo", last_name="Chen"),
        )
        return await accept(self.engine, event)

    def order(self, effect: str = "pay_reward", **more: Any) -> Order:
        given = {"playbook": "referral", "step": "reward", "purpose": "service", "platform": "stripe"}
        given |= {"key": f"{self.referral}/reward/{effect}", "journey": self.referral, "contact": self.ada}
        return Order(effect=effect, params={"reward": "advocate"}, **{**given, "due": NOW, "now": NOW, **more})

    async def in_doubt(self, *, arrived: bool) -> None:
        """The answer to the transfer is lost, after or before it was made."""
        if arrived:
            self.stripe.lose = ("POST", "/v1/transfers")
        else:
            self.stripe.before = ("POST", "/v1/transfers", lambda: self.stripe.answers.append(httpx.Response(500)))
        with pytest.raises(ApplicationError) as told:
            await self.performer.perform(self.order())
        assert told.value.details == (True,)
        assert len(self.stripe.books.transfers) == arrived

    async def reward(self) -> Any:
        [only] = await rewards_of(self.engine)
        return only


@pytest.fixture
async def case(engine: AsyncEngine, program: Program) -> Case:
    return await Case(engine, program).begin()


async def changed(case: Case, what: str) -> Order:
    """The order after the reward was voided, or the sale refunded."""
    if what == "refunded":
        await case.tell("refunded", 500)
    return case.order(decided=VOID if what == "voided" else None)


@pytest.mark.parametrize("what", ["voided", "refunded"])
async def test_what_waits_for_the_payees_account_is_not_paid_after(case: Case, what: str) -> None:
    case.stripe.move("restrict", account=case.account)
    assert (await case.performer.perform(case.order())).wakes_on == "payee.ready"
    order = await changed(case, what)
    case.stripe.move("onboard", account=case.account)
    assert (await case.performer.perform(order)).kind == "withheld"
    assert not case.stripe.books.transfers


@pytest.mark.parametrize("what", ["voided", "refunded"])
async def test_a_payment_in_doubt_that_did_not_happen_is_not_made_after(case: Case, what: str) -> None:
    await case.in_doubt(arrived=False)
    assert (await case.performer.perform(await changed(case, what))).kind == "withheld"
    assert not case.stripe.books.transfers


@pytest.mark.parametrize("what", ["voided", "refunded"])
async def test_a_payment_in_doubt_that_did_happen_is_in_the_books(case: Case, what: str) -> None:
    await case.in_doubt(arrived=True)
    assert (await case.performer.perform(await changed(case, what))).kind == "done"
    reward = await case.reward()
    assert (reward.status, reward.balance) == ("paid", 5_000)


@pytest.mark.parametrize("arrived", [True, False], ids=["arrived", "lost"])
async def test_the_books_have_what_was_paid_and_not_what_is_due_by_now(case: Case, arrived: bool) -> None:
    """A part of the sale is refunded while the payment is in doubt: the repeat sends the first amount."""
    await case.in_doubt(arrived=arrived)
    before = await case.reward()
    await case.tell("refunded", 200)
    assert (await case.performer.perform(case.order())).kind == "done"
    [transfer] = case.stripe.books.transfers.values()
    reward = await case.reward()
    assert (reward.id, reward.balance, transfer["amount"]) == (before.id, 5_000, 5_000)


@pytest.mark.parametrize(("arrived", "ends"), [(True, ("paid", 5_000)), (False, ("claimed", 0))])
async def test_money_that_moved_in_a_journey_that_is_over_is_in_the_books(
    case: Case, arrived: bool, ends: tuple[str, int]
) -> None:
    await case.in_doubt(arrived=arrived)
    outcome = await case.performer.perform(case.order(over=True))
    assert outcome.kind == ("done" if arrived else "withheld")
    reward = await case.reward()
    assert (reward.status, reward.balance) == ends
    assert len(case.stripe.books.transfers) == arrived


async def test_money_that_a_person_saw_at_the_payer_is_in_the_books(case: Case) -> None:
    """The look-up is refused, so that nobody knows the payment's id: it cannot be taken back by us."""
    await case.in_doubt(arrived=True)
    tomorrow = NOW + timedelta(days=1)
    refused = {"error": {"type": "invalid_request_error", "message": "no"}}
    case.stripe.answers = [httpx.Response(400, json=refused)]
    assert (await case.performer.perform(case.order(now=tomorrow))).kind == "unsure"
    case.stripe.answers = [httpx.Response(400, json=refused)]
    assert (await case.performer.perform(case.order(now=tomorrow, found=True))).kind == "done"
    reward = await case.reward()
    assert (reward.status, reward.balance, reward.payment) == ("paid", 5_000, None)
    await case.tell("refunded", 500)
    taken = await case.performer.perform(case.order("take_back_reward", now=tomorrow))
    assert (taken.kind, "take it back there by hand" in taken.reason) == ("refused", True)


async def test_an_invitation_that_a_person_saw_needs_no_receipt(case: Case) -> None:
    await sql(case.engine, "DELETE FROM payees")
    await sql(case.engine, "DELETE FROM identities WHERE kind = 'stripe'")
    case.stripe.move("restrict", account=case.account)
    case.stripe.lose = ("POST", "/v1/account_links")
    with pytest.raises(ApplicationError):
        await case.performer.perform(case.order("invite_payee"))
    case.stripe.answers = [httpx.Response(400, json={"error": {"type": "invalid_request_error", "message": "no"}})]
    assert (await case.performer.perform(case.order("invite_payee", found=True))).kind == "done"
    assert await sql(case.engine, "SELECT * FROM payees") == []


async def test_a_reward_that_was_renamed_is_stuck_and_not_withheld(case: Case, program: Program) -> None:
    rewards = {"thanks": {"worth": "10% of the sale"}}
    renamed = Program.model_validate({**program.model_dump(by_alias=True, mode="json"), "rewards": rewards})
    kit = Kit(renamed, Messages({}), Links("https://o.example", ["x"], ""))
    performer = Performer(case.engine, kit, case.performer.runner, case.performer.platforms)
    outcome = await performer.perform(case.order())
    assert (outcome.kind, "'advocate'" in outcome.reason) == ("refused", True)
