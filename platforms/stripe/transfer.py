"""Cash: a transfer from our balance at Stripe to the advocate's account, and back.

The failure prevented: a reward paid twice, in the wrong currency, or taken back from somebody else's. A transfer's only
field that Stripe can be asked for is its group, so each reward is a group of its own; whatever is found there is held
against what was asked. The reward's id makes the key too: not even two journeys pay one reward twice.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING
from urllib.parse import quote

from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import PayReward, Receipt, TakeBack
from platforms.errors import InDoubt, Rejected, Unauthorized
from platforms.stripe import payee
from platforms.stripe.amounts import minor
from platforms.stripe.asking import EFFECT, REWARD, Listed, listed, marked, marks, once
from platforms.stripe.problem import request_of

if TYPE_CHECKING:
    from platforms.stripe import StripeSettings

LOOK_AGAIN = 6 * 3600.0
"""Seconds until an account that could not be paid is looked at again, should its event have been lost."""


def pay(action: PayReward, key: str, settings: "StripeSettings") -> Talk:
    """POST /v1/transfers. A 200 means the payee's balance at Stripe; their bank follows by their own schedule.

    An account that is not complete is waited for; a balance of ours that does not suffice is a person's matter."""
    amount = minor(action.amount)
    account = _account(action)
    found = yield from _of_reward(action)
    if found is not None:
        return _paid(found)
    if not payee.payable((yield from payee.read(account))):
        return Receipt(pending=True, wakes_on="payee.ready", look_again=LOOK_AGAIN, facts={"waits_for": account})
    yield from _covered(action, amount)
    form = {
        "amount": str(amount),
        "currency": action.amount.currency.lower(),
        "destination": account,
        "transfer_group": group(action.reward),
        **marks(**{REWARD: action.reward, EFFECT: key}),
    }
    if action.description:
        form["description"] = action.description
    reply = yield from once("/v1/transfers", form, f"reward/{action.reward}")
    return _paid(reply.json, request_of(reply))


def find_paid(action: PayReward, key: str, settings: "StripeSettings") -> Generator[Call, Reply, Receipt | None]:
    """GET /v1/transfers?transfer_group=: exact, whoever paid it."""
    found = yield from _of_reward(action)
    return None if found is None else _paid(found)


def take_back(action: TakeBack, key: str, settings: "StripeSettings") -> Talk:
    """POST /v1/transfers/{id}/reversals: out of the payee's balance, in the transfer's own currency."""
    amount = minor(action.amount)
    found = yield from find_taken(action, key, settings)
    if found is not None:
        return found
    reply = yield Call.get(_path(action.payment))
    _same(reply.json, action.reward, action.amount.currency)
    form = {"amount": str(amount), **marks(**{REWARD: action.reward, EFFECT: key})}
    reply = yield from once(f"{_path(action.payment)}/reversals", form, f"back/{key}")
    return _taken(reply.json, request_of(reply))


def find_taken(action: TakeBack, key: str, settings: "StripeSettings") -> Generator[Call, Reply, Receipt | None]:
    """GET /v1/transfers/{id}/reversals: the one that carries our key."""
    found: Listed = yield from listed(
        f"{_path(action.payment)}/reversals", lambda reversal: marked(reversal, EFFECT, key), one=True
    )
    if found.first is None and not found.whole:
        raise InDoubt(f"{action.payment} has more reversals than can be looked through")
    return None if found.first is None else _taken(found.first)


def group(reward: str) -> str:
    """The transfer group of a reward."""
    return f"ovation_{reward}"


def _of_reward(action: PayReward) -> Generator[Call, Reply, Body | None]:
    """The transfer that paid this reward. Raises Rejected for one of another amount or to another account."""
    reply = yield Call.get("/v1/transfers", query={"transfer_group": group(action.reward), "limit": "1"})
    found: Body | None = next(iter(reply.json["data"]), None)
    if found is None:
        return None
    asked = (minor(action.amount), action.amount.currency.lower(), _account(action))
    if (found["amount"], found["currency"], found["destination"]) != asked:
        words = f"{found['amount']} {found['currency']} to {found['destination']}"
        raise Rejected(f"this reward was paid already, otherwise than asked: {found['id']}, {words}")
    return found


def _covered(action: PayReward, amount: int) -> Generator[Call, Reply, None]:
    """GET /v1/balance. What surely cannot be paid is not tried: Stripe would remember the refusal for a day."""
    reply = yield Call.get("/v1/balance")
    currency = action.amount.currency.lower()
    available = sum(part["amount"] for part in reply.json["available"] if part["currency"] == currency)
    if available < amount:
        raise Unauthorized(f"our balance at Stripe does not cover {action.amount}: top it up in {currency.upper()}")


def _same(transfer: Body, reward: str, currency: str) -> None:
    """Raises Rejected where this is no payment of the reward, or a reversal would count in another currency."""
    if not marked(transfer, REWARD, reward):
        raise Rejected(f"{transfer['id']} did not pay the reward {reward}")
    if transfer["currency"] != currency.lower():
        raise Rejected(f"{transfer['id']} was paid in {transfer['currency']} and cannot be taken back in {currency}")


def _account(action: PayReward) -> str:
    account = action.account or payee.known_as(action.who, payee.ACCOUNT)
    if account is None:
        raise Rejected("no account at Stripe is known to pay this reward to: invite the advocate first")
    return account


def _path(transfer: str) -> str:
    return f"/v1/transfers/{quote(transfer, safe='')}"


def _paid(transfer: Body, request: str | None = None) -> Receipt:
    ids = {"transfer": transfer["id"], "account": transfer["destination"]}
    return Receipt(reference=transfer["id"], facts=ids | ({"request": request} if request else {}))


def _taken(reversal: Body, request: str | None = None) -> Receipt:
    ids = {"reversal": reversal["id"], "transfer": reversal["transfer"]}
    return Receipt(reference=reversal["id"], facts=ids | ({"request": request} if request else {}))
