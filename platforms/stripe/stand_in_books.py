"""The books of Stripe's double: money by double entry, and Stripe's own objects beside it.

Every movement takes from one place what it gives to another, so all places together hold nothing. `platform` is our
balance, `acct_…` a payee's, `cus_…` a customer's credit, `bank` the world outside, `promised` what credits are made of.
Only `bank` and `promised` may go below nothing.
"""

import json
import secrets
import time
from collections.abc import Mapping

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer, Webhook
from platforms.stripe.client import VERSION

DAY = 86_400
OURS, BANK, PROMISED = "platform", "bank", "promised"
OPENING = 1_000_000
"""What our balance begins with, in each of the currencies."""
SUBSCRIBED = frozenset(
    {
        *("payment_intent.succeeded", "charge.refunded", "charge.dispute.funds_withdrawn"),
        *("transfer.reversed", "promotion_code.updated", "account.updated"),
    }
)
"""Events that our two endpoints asked for; the others are only listed."""


class Refused(Exception):
    """An error in Stripe's form."""

    def __init__(self, status: int, message: str, code: str | None = None, **more: str) -> None:
        super().__init__(message)
        error = {"type": "invalid_request_error", **({"code": code} if code else {}), "message": message, **more}
        self.status, self.body = status, {"error": error}

    @property
    def answer(self) -> Answer:
        return Answer(self.status, json=self.body, headers=numbered())


class Entry(BaseModel):
    """A movement. `about` is the object that made it."""

    taken_from: str
    given_to: str
    amount: int = Field(gt=0)
    currency: str
    about: str


class Kept(BaseModel):
    """The first answer under an idempotency key; `at` in unix seconds."""

    at: int
    path: str
    form: dict[str, str]
    status: int
    body: Body


class Account(BaseModel):
    """The record. Objects are in Stripe's own form, by id; a customer's transactions by customer, the oldest first.

    `ahead`: the seconds by which the move `wait` has put the clock forward. `undelivered`: events no endpoint took."""

    entries: list[Entry] = Field(
        default_factory=lambda: [
            Entry(taken_from=BANK, given_to=OURS, amount=OPENING, currency=currency, about="opening")
            for currency in ("usd", "eur", "gbp")
        ]
    )
    accounts: dict[str, Body] = Field(default_factory=dict)
    transfers: dict[str, Body] = Field(default_factory=dict)
    customers: dict[str, list[Body]] = Field(default_factory=dict)
    coupons: dict[str, Body] = Field(default_factory=dict)
    promotion_codes: dict[str, Body] = Field(default_factory=dict)
    charges: dict[str, Body] = Field(default_factory=dict)
    events: list[Body] = Field(default_factory=list)
    undelivered: list[str] = Field(default_factory=list)
    kept: dict[str, Kept] = Field(default_factory=dict)
    ahead: int = 0

    def now(self) -> int:
        return int(time.time()) + self.ahead

    def balance(self, place: str, currency: str) -> int:
        """What a place holds."""
        entries = [e for e in self.entries if e.currency == currency]
        got = sum(e.amount for e in entries if e.given_to == place)
        return got - sum(e.amount for e in entries if e.taken_from == place)

    def currencies(self) -> list[str]:
        return sorted({entry.currency for entry in self.entries})

    def move(self, taken_from: str, given_to: str, amount: int, currency: str, about: str) -> None:
        """Moves money. Raises Refused where there is not enough of it."""
        may_owe = taken_from in (BANK, PROMISED) or taken_from.startswith("cus_")
        if not may_owe and self.balance(taken_from, currency) < amount:
            words = "You have insufficient available funds in your Stripe account."
            raise Refused(400, words, "balance_insufficient")
        entry = Entry(taken_from=taken_from, given_to=given_to, amount=amount, currency=currency, about=about)
        self.entries.append(entry)

    def remembered(self, key: str | None) -> Kept | None:
        """The answer under this key; keys are forgotten when they are a day old."""
        kept = self.kept.get(key or "")
        if kept is not None and self.now() - kept.at >= DAY:
            del self.kept[key or ""]
            return None
        return kept

    def keep(self, key: str | None, path: str, form: Mapping[str, str], status: int, body: Body) -> None:
        if key:
            self.kept[key] = Kept(at=self.now(), path=path, form=dict(form), status=status, body=copied(body))

    def tell(
        self,
        event_type: str,
        thing: Body,
        *,
        before: Body | None = None,
        account: str | None = None,
        key: str | None = None,
        lost: bool = False,
    ) -> list[Webhook]:
        """Lists an event, and gives the webhook for it. `before`: what changed, as it was; `lost`: nobody took it."""
        data: Body = {"object": copied(thing), **({"previous_attributes": before} if before is not None else {})}
        event: Body = {
            "id": new("evt"),
            "object": "event",
            "api_version": VERSION,
            "created": self.now(),
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": new("req") if key else None, "idempotency_key": key},
            "type": event_type,
            "data": data,
            **({"account": account} if account else {}),
        }
        self.events.append(event)
        if lost:
            self.undelivered.append(event["id"])
        sent = event_type in SUBSCRIBED and not lost
        return [Webhook(json.dumps(event).encode(), after=0.1)] if sent else []


def new(prefix: str) -> str:
    """An id such as Stripe's."""
    return f"{prefix}_1{secrets.token_hex(11)}"


def numbered() -> dict[str, str]:
    """Every answer has a number by which Stripe's support finds it."""
    return {"Request-Id": new("req"), "Stripe-Version": VERSION}


def copied(thing: Body) -> Body:
    """As it is now: later changes do not reach it."""
    copy: Body = json.loads(json.dumps(thing))
    return copy
