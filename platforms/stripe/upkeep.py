"""What Stripe's webhooks leave out, read from its list of events: a page in each round, and the next at once.

The failure prevented: a commission kept for a sale whose money the bank took back. A dispute tells of a charge only by
its id, so the charge is read for the referral on it. And what could not be delivered to us for three days is never sent
again, but is listed for thirty.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from models.base import Json
from models.event import Event
from platforms.base import Body, Call, Reply, Round, Upkeep, Upkept
from platforms.errors import Malformed
from platforms.stripe.amounts import money
from platforms.stripe.webhook import INBOUND, refund_of

if TYPE_CHECKING:
    from platforms.stripe import StripeSettings

KEPT = timedelta(days=30)
"""How long Stripe lists an event."""
MISSED, DISPUTED = 100, 25
"""Events in a page; each dispute costs another call."""

_DISPUTE = "charge.dispute.funds_withdrawn"
_OURS = ("payment_intent.succeeded", "charge.refunded", "transfer.reversed", "promotion_code.updated")


def missed(round: Round, settings: "StripeSettings") -> Generator[Call, Reply, Upkept]:
    """GET /v1/events?delivery_success=false: read by the same table as webhooks, so with the same ids."""
    query = {"delivery_success": "false", **{f"types[{n}]": name for n, name in enumerate(_OURS)}}
    page, left = yield from _page(round, query, MISSED)
    return left.model_copy(update={"events": [event for item in page for event in _read(item, settings)]})


def disputes(round: Round, settings: "StripeSettings") -> Generator[Call, Reply, Upkept]:
    """GET /v1/events of withdrawn funds, then GET /v1/charges/{id} for each."""
    page, left = yield from _page(round, {"type": _DISPUTE}, DISPUTED)
    events: list[Event] = []
    for item in page:
        dispute = item["data"]["object"]
        reply = yield Call.get(f"/v1/charges/{quote(str(dispute['charge']), safe='')}", accepts=(404,))
        if reply.ok:
            events += refund_of(item, reply.json, _gone(dispute, reply.json))
    return left.model_copy(update={"events": events})


def _gone(dispute: Body, charge: Body) -> Json:
    """All that this sale has lost: what was refunded, and what the bank took."""
    same = dispute["currency"] == charge["currency"]
    refunded = charge["amount_refunded"] if same else 0
    return money(refunded + dispute["amount"], dispute["currency"]).model_dump()


def _page(round: Round, query: dict[str, str], size: int) -> Generator[Call, Reply, tuple[list[Body], Upkept]]:
    """One page, the newest first, of the events since the mark. While there are older ones the mark holds the place,
    and where to begin when the end is reached: at the newest of this sweep, once more."""
    mark = round.mark
    since = str(mark.get("since") or int((round.now - KEPT).timestamp()))
    asked = {**query, "limit": str(size), "created[gte]": since}
    if mark.get("after"):
        asked["starting_after"] = str(mark["after"])
    reply = yield Call.get("/v1/events", query=asked)
    page: list[Body] = reply.json["data"]
    newest = mark.get("newest") or (str(page[0]["created"]) if page else since)
    if reply.json["has_more"]:
        going_on: Json = {"since": since, "newest": newest, "after": page[-1]["id"]}
        return page, Upkept(mark=going_on, again_at=round.now)
    return page, Upkept(mark={"since": newest})


def _read(item: Body, settings: "StripeSettings") -> list[Event]:
    """An event that makes no sense was refused as a webhook too; it must not hold up the others."""
    try:
        read = INBOUND.read(item["type"], item, settings)
    except (Malformed, ValueError):
        return []
    return read if isinstance(read, list) else []


UPKEEP = [
    Upkeep("missed", timedelta(hours=6), missed, "reads the events that Stripe could not deliver"),
    Upkeep("disputes", timedelta(hours=6), disputes, "finds the referrals of sales whose money a bank took back"),
]
