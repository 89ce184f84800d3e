"""Stripe's webhooks: a sale that a referral brought, its refund, a payee who can be paid, a reward that went back.

The failure prevented: an advocate who waits for money that could long have gone to them, a refund counted twice, and
our own reversal heard as somebody else's.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from models.base import Json
from models.contact import Identity
from models.event import Event, checked_data
from platforms.base import IGNORED, Body, Inbound, Incoming, Poke
from platforms.errors import Malformed
from platforms.stripe import payee
from platforms.stripe.amounts import money
from platforms.stripe.asking import CONTACT, PREFIX, REWARD
from platforms.stripe.signature import sign, verify

REFERRAL, CODE = "ovation_referral", "referral_code"
"""Metadata by which a sale is known to be a referral's: our id of it, or the advocate's code."""

Name = tuple[str, str]
"""Kind and value of a subject."""

_WORD = re.compile(r"[A-Za-z0-9_.:/@+-]{1,128}")


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One event, whole."""
    try:
        event: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise Malformed("not an event")
    return [(event["type"], event)]


def sale_made(event: Body) -> list[Event]:
    """payment_intent.succeeded, of a sale whose metadata names a referral or an advocate's code."""
    return _of_referral(event, "referral.closed", "amount_received")


def sale_refunded(event: Body) -> list[Event]:
    """charge.refunded. Partial refunds repeat it with a growing `amount_refunded`: the total is passed on."""
    return _of_referral(event, "referral.refunded", "amount_refunded")


def payee_ready(event: Body) -> list[Event]:
    """account.updated, when money could not go there before and now can. Accounts without our mark are not ours."""
    account, before = _object(event), _before(event)
    contact = _mark(account, CONTACT)
    if contact is None or not payee.payable(account):
        return []
    if before is not None and payee.payable(_as_it_was(account, before)):
        return []
    data: Json = {"account": account.get("id")}
    return [_event(event, "payee.ready", ("ovation", contact), data)]


def reward_reversed(event: Body) -> list[Event]:
    """transfer.reversed, by somebody else than us; `amount` is all that went back so far."""
    transfer = _object(event)
    reward = _mark(transfer, REWARD)
    if reward is None or _by_us(event):
        return []
    amount = _amount(transfer, "amount_reversed")
    return [_event(event, "reward.taken_back", _made(transfer), {"reward": reward, "amount": amount})]


def code_withdrawn(event: Body) -> list[Event]:
    """promotion_code.updated, when somebody else than us ended a code that nobody had used."""
    promo, before = _object(event), _before(event) or {}
    reward = _mark(promo, REWARD)
    ended = before.get("active") is True and promo.get("active") is False
    if reward is None or not ended or promo.get("times_redeemed") or _by_us(event):
        return []
    return [_event(event, "reward.taken_back", _made(promo), {"reward": reward})]


def refund_of(event: Body, charge: Body, amount: Json) -> list[Event]:
    """A refund that another object than the charge tells of."""
    named = _referral(charge)
    return [] if named is None else [_event(event, "referral.refunded", named[0], {**named[1], "amount": amount})]


def _of_referral(event: Body, event_type: str, amount: str) -> list[Event]:
    sale = _object(event)
    named = _referral(sale)
    if named is None:
        return []
    told = _amount(sale, amount)
    known = {} if event_type == "referral.closed" and not told["minor"] else {"amount": told}
    return [_event(event, event_type, named[0], {**named[1], **known})]


def _referral(sale: Body) -> tuple[Name, Json] | None:
    """Whose referral a sale is of: named by our id, else by the code and who bought."""
    if referral := _mark(sale, REFERRAL):
        return ("ovation_referral", referral), {"referral": referral}
    code, buyer = _mark(sale, CODE), _buyer(sale)
    return (buyer, {"referral_code": code, "how": "code"}) if code and buyer else None


def _buyer(sale: Body) -> Name | None:
    details = sale.get("billing_details")
    for email in (sale.get("receipt_email"), details.get("email") if isinstance(details, dict) else None):
        if isinstance(email, str) and re.fullmatch(r"[^@\s]+@[^@\s]+", email) and len(email) <= 320:
            return ("email", email.lower())
    customer = sale.get("customer")
    return ("stripe", customer) if isinstance(customer, str) and _WORD.fullmatch(customer) else None


def _as_it_was(account: Body, before: Body) -> Body:
    """The account before the update; of its capabilities only those that changed are told."""
    was = {**account, **before}
    told = before.get("capabilities")
    if isinstance(told, dict):
        was["capabilities"] = {**(account.get("capabilities") or {}), **told}
    return was


def _by_us(event: Body) -> bool:
    request = event.get("request")
    return isinstance(request, dict) and str(request.get("idempotency_key") or "").startswith(PREFIX)


def _made(thing: Body) -> Name:
    return ("stripe_send", _text(thing, "id"))


def _mark(thing: Body, name: str) -> str | None:
    """What the metadata says under this name, if it can be one of our ids: others write there too."""
    metadata = thing.get("metadata")
    value = metadata.get(name) if isinstance(metadata, dict) else None
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def _amount(thing: Body, name: str) -> Json:
    count, currency = thing.get(name), thing.get("currency")
    if isinstance(count, bool) or not isinstance(count, int) or not isinstance(currency, str):
        raise Malformed(f"an event without {name} or currency")
    try:
        return money(count, currency).model_dump()
    except ValueError as error:
        raise Malformed(f"{name} is in no currency") from error


def _object(event: Body) -> Body:
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if not isinstance(thing, dict):
        raise Malformed("an event without its object")
    return thing


def _before(event: Body) -> Body | None:
    before = event["data"].get("previous_attributes")
    return before if isinstance(before, dict) else None


def _text(thing: Body, name: str) -> str:
    value = thing.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"an event without {name}")
    return value


def _event(event: Body, event_type: str, subject: Name, data: Json) -> Event:
    seconds = event.get("created")
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise Malformed("an event without the second it was made in")
    try:
        return Event(
            type=event_type,
            source="stripe",
            source_id=_text(event, "id"),
            subject=Identity(kind=subject[0], value=subject[1]),
            at=datetime.fromtimestamp(seconds, UTC),
            data=checked_data(event_type, data),
        )
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(f"{event_type}: {type(error).__name__} in what it is about") from error


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={
        "payment_intent.succeeded": sale_made,
        "charge.refunded": sale_refunded,
        "charge.dispute.funds_withdrawn": Poke("disputes"),
        "account.updated": payee_ready,
        "transfer.reversed": reward_reversed,
        "promotion_code.updated": code_withdrawn,
        "charge.dispute.created": IGNORED,
        "charge.dispute.closed": IGNORED,
        "charge.succeeded": IGNORED,
        "refund.created": IGNORED,
        "refund.updated": IGNORED,
        "invoice.paid": IGNORED,
        "transfer.created": IGNORED,
        "transfer.updated": IGNORED,
        "promotion_code.created": IGNORED,
        "payout.paid": IGNORED,
        "payout.failed": IGNORED,
    },
)
