"""The books of boxli's double: what was ordered, what was reported, and which keys are known."""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field, PrivateAttr

from models.base import Instant, Model
from platforms.base import Body

HOST = "https://boxli.invalid"

Stop = Literal["shipped", "delivered", "returned", "failed"]
Status = Literal["accepted", "awaiting_address", "in_production", "engaged", "cancelled", Stop]

_BEFORE_SHIPPING: tuple[Status, ...] = ("accepted", "awaiting_address", "in_production")
MAY_COME_AFTER: dict[Stop, tuple[Status, ...]] = {
    "shipped": _BEFORE_SHIPPING,
    "delivered": (*_BEFORE_SHIPPING, "shipped"),
    "returned": (*_BEFORE_SHIPPING, "shipped", "delivered", "engaged"),
    "failed": (*_BEFORE_SHIPPING, "shipped"),
}


class Sent(Model):
    """A send. `order` as it was asked for; `reported` are the webhooks it gave rise to, by their type."""

    id: str
    external_reference: str
    status: Status
    order: Body
    qr_token: str
    created_at: str
    tracking: Body | None = None
    reported: dict[str, Body] = Field(default_factory=dict)


class Kept(Model):
    """What an Idempotency-Key stands for: which body, and what it was answered."""

    digest: str
    at: Instant
    answer: Body


class Books(Model):
    """`keys`: Idempotency-Key → first order. `signals`: external_event_id → the webhook that told of it."""

    campaigns: list[str] = Field(default_factory=lambda: ["advocate", "second-thank-you"])
    sends: list[Sent] = Field(default_factory=list)
    keys: dict[str, Kept] = Field(default_factory=dict)
    signals: dict[str, Body] = Field(default_factory=dict)
    _by_reference: dict[str, Sent] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any) -> None:
        self._by_reference = {send.external_reference: send for send in self.sends}

    def of(self, reference: str) -> Sent | None:
        return self._by_reference.get(reference)

    def add(self, send: Sent) -> None:
        self.sends.append(send)
        self._by_reference[send.external_reference] = send


def shown(send: Sent) -> Body:
    """A send as boxli tells of it."""
    told = send.model_dump(exclude={"order", "reported"})
    return told | {"qr_image_url": f"{HOST}/qr/{send.qr_token}.png"}


def timestamp(at: datetime) -> str:
    """With its fraction: where a day lasts a second, a second is a day."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
