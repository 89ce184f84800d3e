"""Credit: less to pay on the next invoice of a customer of ours, and that taken back.

The failure prevented: a credit given twice, or more taken back than was given. Stripe keeps a customer's balance as a
list of transactions that cannot be changed and guards neither, so the list is read: what we wrote on each is enough.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING
from urllib.parse import quote

from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import PayReward, Receipt, TakeBack
from platforms.errors import InDoubt, Rejected
from platforms.stripe import payee
from platforms.stripe.amounts import minor
from platforms.stripe.asking import EFFECT, PAGE, PAGES, REWARD, listed, marked, marks, once
from platforms.stripe.problem import request_of

if TYPE_CHECKING:
    from platforms.stripe import StripeSettings


def pay(action: PayReward, key: str, settings: "StripeSettings") -> Talk:
    """POST /v1/customers/{id}/balance_transactions; a negative amount is a credit."""
    amount, customer = minor(action.amount), _customer(action)
    found = yield from find_paid(action, key, settings)
    if found is not None:
        return found
    form = {
        "amount": str(-amount),
        "currency": action.amount.currency.lower(),
        **marks(**{REWARD: action.reward, EFFECT: key}),
    }
    if action.description:
        form["description"] = action.description
    reply = yield from once(_path(customer), form, f"reward/{action.reward}")
    return _receipt(reply.json, request_of(reply))


def find_paid(action: PayReward, key: str, settings: "StripeSettings") -> Generator[Call, Reply, Receipt | None]:
    """GET …/balance_transactions: the credit that carries the reward. Raises Rejected for one of another amount."""
    given = next((t for t in (yield from _of_reward(_customer(action), action.reward)) if t["amount"] < 0), None)
    if given is None:
        return None
    if (given["amount"], given["currency"]) != (-minor(action.amount), action.amount.currency.lower()):
        words = f"{-given['amount']} {given['currency']}"
        raise Rejected(f"this reward was credited already, otherwise than asked: {given['id']}, {words}")
    return _receipt(given)


def take_back(action: TakeBack, key: str, settings: "StripeSettings") -> Talk:
    """POST …/balance_transactions with a positive amount: more to pay, if the credit was used already.

    Raises Rejected for more than is left of what was given."""
    amount, customer = minor(action.amount), _payer(action)
    ours = yield from _of_reward(customer, action.reward)
    found = next((t for t in ours if marked(t, EFFECT, key)), None)
    if found is not None:
        return _receipt(found)
    _enough(ours, action, amount)
    form = {
        "amount": str(amount),
        "currency": action.amount.currency.lower(),
        **marks(**{REWARD: action.reward, EFFECT: key}),
    }
    reply = yield from once(_path(customer), form, f"back/{key}")
    return _receipt(reply.json, request_of(reply))


def find_taken(action: TakeBack, key: str, settings: "StripeSettings") -> Generator[Call, Reply, Receipt | None]:
    """GET …/balance_transactions: the one that carries our key."""
    ours = yield from _of_reward(_payer(action), action.reward)
    found = next((t for t in ours if marked(t, EFFECT, key)), None)
    return None if found is None else _receipt(found)


def _of_reward(customer: str, reward: str) -> Generator[Call, Reply, list[Body]]:
    """Every transaction of this reward, credits and what was taken back of them. Raises InDoubt for too long a list."""
    found = yield from listed(_path(customer), lambda transaction: marked(transaction, REWARD, reward))
    if not found.whole:
        words = f"look for {REWARD} = {reward} in the metadata, and settle this one by hand"
        raise InDoubt(f"{customer} has more than {PAGES * PAGE} balance transactions: {words}")
    return found.items


def _enough(ours: list[Body], action: TakeBack, amount: int) -> None:
    """Raises Rejected where the payment is not this reward's, in another currency, or less is left of it."""
    given = next((t for t in ours if t["id"] == action.payment), None)
    if given is None:
        raise Rejected(f"{action.payment} did not credit the reward {action.reward}")
    if given["currency"] != action.amount.currency.lower():
        raise Rejected(f"{given['id']} was credited in {given['currency']}, not in {action.amount.currency}")
    left = -sum(t["amount"] for t in ours)
    if amount > left:
        raise Rejected(f"{amount} {given['currency']} is more than is left of {given['id']}: {left}")


def _customer(action: PayReward) -> str:
    customer = action.account or payee.known_as(action.who, payee.CUSTOMER)
    if customer is None:
        raise Rejected("no customer at Stripe is known to credit this reward to")
    return customer


def _payer(action: TakeBack) -> str:
    if action.account is None:
        raise Rejected("which customer was credited is not known")
    return action.account


def _path(customer: str) -> str:
    return f"/v1/customers/{quote(customer, safe='')}/balance_transactions"


def _receipt(transaction: Body, request: str | None = None) -> Receipt:
    ids = {"balance_transaction": transaction["id"], "customer": transaction["customer"]}
    return Receipt(reference=transaction["id"], facts=ids | ({"request": request} if request else {}))
