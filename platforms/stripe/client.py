"""Stripe's API, version 1: an advocate invited to be paid, rewarded, and a reward taken back.

The failure prevented: money sent twice, and a way of paying that takes back differently from how it gave. Each wallet
has four talks that belong together, and one table that names them; the money's own rules are in their modules.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from platforms.base import Call, Reply, Talk, Token, reveal
from platforms.capabilities import PayReward, Receipt, TakeBack, Wallet
from platforms.stripe import credit, promotion, transfer
from platforms.stripe.amounts import money

if TYPE_CHECKING:
    from platforms.stripe import StripeSettings

VERSION: Final = "2026-10-28.endive"
"""The shapes that are written and read here; without it the account's own default decides them."""

Find = Generator[Call, Reply, Receipt | None]


@dataclass(frozen=True)
class Way:
    """A way to pay, and to take back what was paid in that way."""

    pay: Callable[[PayReward, str, "StripeSettings"], Talk]
    find_paid: Callable[[PayReward, str, "StripeSettings"], Find]
    take_back: Callable[[TakeBack, str, "StripeSettings"], Talk]
    find_taken: Callable[[TakeBack, str, "StripeSettings"], Find]


WAYS: Final[dict[Wallet, Way]] = {
    "cash": Way(transfer.pay, transfer.find_paid, transfer.take_back, transfer.find_taken),
    "credit": Way(credit.pay, credit.find_paid, credit.take_back, credit.find_taken),
    "code": Way(promotion.pay, promotion.find_paid, promotion.take_back, promotion.find_taken),
}


def headers(settings: "StripeSettings", token: Token | None) -> dict[str, str]:
    """A secret or restricted key in the Authorization header, and the version of every shape."""
    return {"Authorization": f"Bearer {reveal(settings.api_key)}", "Stripe-Version": VERSION}


def pay_reward(action: PayReward, key: str, settings: "StripeSettings") -> Talk:
    """Cash: POST /v1/transfers. Credit: POST …/balance_transactions of a customer. Code: POST /v1/promotion_codes."""
    return (yield from WAYS[action.wallet].pay(action, key, settings))


def find_reward(action: PayReward, key: str, settings: "StripeSettings") -> Find:
    """What paid this reward, by the reward's id on it."""
    return (yield from WAYS[action.wallet].find_paid(action, key, settings))


def take_back(action: TakeBack, key: str, settings: "StripeSettings") -> Talk:
    """Cash: POST /v1/transfers/{id}/reversals. Credit: the opposite transaction. Code: active=false."""
    return (yield from WAYS[action.wallet].take_back(action, key, settings))


def find_taken_back(action: TakeBack, key: str, settings: "StripeSettings") -> Find:
    """What took it back, by our key on it."""
    return (yield from WAYS[action.wallet].find_taken(action, key, settings))


def doctor(settings: "StripeSettings") -> Talk:
    """GET /v1/balance and one of /v1/accounts: the key is good, what can be paid out, and that Connect is there."""
    balance = yield Call.get("/v1/balance")
    yield Call.get("/v1/accounts", query={"limit": "1"})
    available = [str(money(part["amount"], part["currency"])) for part in balance.json["available"]]
    return Receipt(facts={"live": balance.json["livemode"], "available": available})
