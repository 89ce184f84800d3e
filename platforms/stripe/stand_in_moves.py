"""What people do at Stripe: complete an account, buy, ask for money back, top up, end a code; and what time does."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from platforms.base import Body
from platforms.stand_in import Answer, Webhook
from platforms.stripe.stand_in_books import BANK, OURS, Account, Refused, copied, new
from platforms.stripe.stand_in_kit import Made, known
from platforms.stripe.stand_in_requests import Currency, Metadata, NewReversal, Strict
from platforms.stripe.stand_in_transfers import reverse

Given = TypeVar("Given", bound=Strict)


class _OfAccount(Strict):
    account: str


class _Money(Strict):
    amount: int = Field(ge=1)
    currency: Currency = "usd"


class _Customer(Strict):
    id: str | None = Field(default=None, pattern=r"^cus_\w+$")


class _Sale(_Money):
    metadata: Metadata = Field(default_factory=dict)
    email: str | None = "new@customer.example"
    customer: str | None = None
    lost: bool = False


class _OfCharge(Strict):
    charge: str
    amount: int | None = Field(default=None, ge=1)
    lost: bool = False


class _OfTransfer(Strict):
    transfer: str
    amount: int | None = Field(default=None, ge=1)


class _OfCode(Strict):
    code: str


class _Time(Strict):
    hours: float = Field(gt=0, le=24 * 60)


def _move(model: type[Given], act: Callable[[Given, Account], Made]) -> Callable[[Any, Account], Answer]:
    def answer(given: Any, books: Account) -> Answer:
        try:
            body, webhooks = act(model.model_validate(given), books)
        except ValidationError as error:
            return Answer(422, json={"errors": error.errors(include_url=False, include_context=False)})
        except Refused as refused:
            return refused.answer
        return Answer(json=copied(body), webhooks=webhooks)

    return answer


def _onboard(given: _OfAccount, books: Account) -> Made:
    """The advocate completes the form, and Stripe has checked them."""
    return _changed(given, books, "active", able=True)


def _restrict(given: _OfAccount, books: Account) -> Made:
    """Stripe wants more of the advocate, and stops what goes to them until it has it."""
    return _changed(given, books, "inactive", able=False)


def _changed(given: _OfAccount, books: Account, transfers: str, *, able: bool) -> Made:
    account: Body = known("account", given.account, books.accounts, "account")
    before = {
        "capabilities": dict(account["capabilities"]),
        "payouts_enabled": account["payouts_enabled"],
        "details_submitted": account["details_submitted"],
    }
    account["capabilities"]["transfers"] = transfers
    account |= {"payouts_enabled": able, "details_submitted": True}
    return account, books.tell("account.updated", account, before=before, account=account["id"])


def _top_up(given: _Money, books: Account) -> Made:
    books.move(BANK, OURS, given.amount, given.currency, new("tu"))
    return _held(given, books)


def _withdraw(given: _Money, books: Account) -> Made:
    """A payout of our balance to our bank."""
    books.move(OURS, BANK, given.amount, given.currency, new("po"))
    return _held(given, books)


def _held(given: _Money, books: Account) -> Made:
    return {"available": books.balance(OURS, given.currency), "currency": given.currency}, []


def _pay_out(given: _OfAccount, books: Account) -> Made:
    """What a payee has goes to their bank, by their schedule."""
    account: Body = known("account", given.account, books.accounts, "account")
    for currency in books.currencies():
        amount = books.balance(account["id"], currency)
        if amount:
            books.move(account["id"], BANK, amount, currency, new("po"))
    return account, []


def _joins(given: _Customer, books: Account) -> Made:
    """Somebody becomes a customer, by an id of their own choosing if need be."""
    customer = given.id or new("cus")
    books.customers.setdefault(customer, [])
    return {"id": customer, "object": "customer"}, []


def _buys(given: _Sale, books: Account) -> Made:
    charge: Body = {
        "id": new("ch"),
        "object": "charge",
        "amount": given.amount,
        "amount_captured": given.amount,
        "amount_refunded": 0,
        "billing_details": {"address": None, "email": given.email, "name": None, "phone": None},
        "created": books.now(),
        "currency": given.currency,
        "customer": given.customer,
        "disputed": False,
        "livemode": False,
        "metadata": given.metadata,
        "paid": True,
        "payment_intent": new("pi"),
        "receipt_email": given.email,
        "refunded": False,
        "status": "succeeded",
    }
    intent = {
        "id": charge["payment_intent"],
        "object": "payment_intent",
        "amount_received": given.amount,
        "latest_charge": charge["id"],
        **{n: charge[n] for n in ("amount", "created", "currency", "customer", "metadata", "receipt_email", "status")},
    }
    books.move(BANK, OURS, given.amount, given.currency, charge["id"])
    books.charges[charge["id"]] = charge
    return charge, books.tell("payment_intent.succeeded", intent, lost=given.lost)


def _refund(given: _OfCharge, books: Account) -> Made:
    charge: Body = known("charge", given.charge, books.charges, "charge")
    amount = _lost_money(given, charge, books, new("re"))
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    return charge, books.tell("charge.refunded", charge, lost=given.lost)


def _dispute(given: _OfCharge, books: Account) -> Made:
    """The buyer goes to their bank, which takes the money back at once."""
    charge: Body = known("charge", given.charge, books.charges, "charge")
    dispute: Body = {
        "id": new("du"),
        "object": "dispute",
        "charge": charge["id"],
        "created": books.now(),
        "currency": charge["currency"],
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": "fraudulent",
        "status": "needs_response",
    }
    dispute["amount"] = _lost_money(given, charge, books, dispute["id"])
    charge["disputed"] = True
    told = books.tell("charge.dispute.created", dispute, lost=given.lost)
    return dispute, told + books.tell("charge.dispute.funds_withdrawn", dispute, lost=given.lost)


def _lost_money(given: _OfCharge, charge: Body, books: Account, about: str) -> int:
    left = charge["amount"] - charge["amount_refunded"]
    amount = given.amount or left
    if amount > left or not left:
        words = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise Refused(400, words, param="amount")
    books.move(OURS, BANK, amount, charge["currency"], about)
    return int(amount)


def _reverse(given: _OfTransfer, books: Account) -> Made:
    """A colleague takes a transfer back in Stripe's dashboard."""
    transfer: Body = known("transfer", given.transfer, books.transfers, "transfer")
    return reverse(transfer, NewReversal(amount=given.amount), books)


def _redeem(given: _OfCode, books: Account) -> Made:
    promo = _code(given, books)
    before = {"active": True, "times_redeemed": promo["times_redeemed"]}
    promo["times_redeemed"] += 1
    promo["active"] = promo["times_redeemed"] != promo["max_redemptions"]
    return promo, _told(promo, before, books)


def _end_code(given: _OfCode, books: Account) -> Made:
    """A colleague ends a code in Stripe's dashboard."""
    promo = _code(given, books)
    promo["active"] = False
    return promo, _told(promo, {"active": True}, books)


def _told(promo: Body, before: Body, books: Account) -> list[Webhook]:
    return books.tell("promotion_code.updated", promo, before=before)


def _code(given: _OfCode, books: Account) -> Body:
    for promo in books.promotion_codes.values():
        if promo["active"] and promo["code"].lower() == given.code.lower():
            return promo
    raise Refused(400, f"No such active code: '{given.code}'", "resource_missing", param="code")


def _wait(given: _Time, books: Account) -> Made:
    """Time passes: keys are forgotten when they are a day old."""
    books.ahead += int(given.hours * 3600)
    return {"now": books.now()}, []


MOVES = {
    "onboard": _move(_OfAccount, _onboard),
    "restrict": _move(_OfAccount, _restrict),
    "top_up": _move(_Money, _top_up),
    "withdraw": _move(_Money, _withdraw),
    "pay_out": _move(_OfAccount, _pay_out),
    "customer": _move(_Customer, _joins),
    "sale": _move(_Sale, _buys),
    "refund": _move(_OfCharge, _refund),
    "dispute": _move(_OfCharge, _dispute),
    "reverse": _move(_OfTransfer, _reverse),
    "redeem": _move(_OfCode, _redeem),
    "end_code": _move(_OfCode, _end_code),
    "wait": _move(_Time, _wait),
}
