"""Events: what arrives from outside. One table says which types exist and what each carries.

Fields marked PERSONAL stay in the database; the rest travels to the journeys. So a history holds scores, ids, amounts
and times, and never a person's words.
"""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from models.base import PERSONAL, Instant, Json, Model, Personal
from models.contact import Identity, Person
from models.money import CURRENCIES, Money

PREFIX = "ovation."

Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.:/@+-]+$")]
Word = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str | None, PERSONAL, Field(max_length=20_000)]
Effect = Annotated[str | None, Field(max_length=200)]


How = Literal["code", "link", "crm", "introduction", "claim"]
"""How a referral was reported. Of several reports the first counts, whatever its kind."""


class Nothing(Model):
    """An event that says all by its type."""


class Priced(Model):
    """An event with an amount."""

    @field_validator("amount", check_fields=False)
    @classmethod
    def _an_amount_of_money(cls, amount: Money | None) -> Money | None:
        if amount is not None and amount.minor < 0:
            raise ValueError(f"{amount} is less than nothing; money that was given back is told as referral.refunded")
        if amount is not None and amount.currency not in CURRENCIES:
            raise ValueError(f"{amount.currency} is not a currency of ISO 4217")
        return amount


class Tagged(Model):
    tag: Word


class Introduced(Model):
    unprompted: bool = False
    introduced: Id | None = None


class Survey(Model):
    survey: Id | None = None
    channel: Word | None = None


class NpsAnswered(Model):
    score: int = Field(ge=0, le=10)
    survey: Id | None = None
    response: Id | None = None
    has_comment: bool = False
    comment: Text = None


class NpsCommented(Model):
    response: Id | None = None
    comment: Text = None


class CsatAnswered(Model):
    score: int = Field(ge=0, le=100)
    survey: Id | None = None
    comment: Text = None


class Milestone(Model):
    milestone: Word
    value: int | None = None


class Ticket(Model):
    ticket: Id | None = None
    priority: Word | None = None


class Order(Priced):
    order: Id | None = None
    amount: Money | None = None


class Mention(Model):
    network: Word = "unknown"
    post: Id | None = None
    url: Text = None
    text: Text = None


class Gift(Model):
    """`gift` is the key of the effect that ordered it; `send` the vendor's id."""

    gift: Effect = None
    send: Id | None = None
    reason: Text = None


class Scan(Model):
    gift: Effect = None
    source: Word = "qr"


class Video(Model):
    video: Effect = None
    url: Text = None
    reason: Text = None


class Referral(Priced):
    """`referral` is our id; with `referral_code` or the referred person as subject it is found or made.

    `referred_by` names the advocate, in the form of a subject; `how` is the way it came in. `friend` is our id of the
    referred person, put in by us. A refund's `amount` is the total refunded so far, never a difference; `refund` tells
    one step of it from the next, and `lost` one loss from the next, put in by us."""

    referral: Id | None = None
    referral_code: Id | None = None
    referred_by: Annotated[str | None, PERSONAL] = None
    how: How | None = None
    friend: Id | None = None
    amount: Money | None = None
    refund: Id | None = None
    lost: Id | None = None
    reason: Text = None


class Closed(Referral):
    """A referral that became a customer. It may be told before anybody knows what the sale is worth."""

    @field_validator("amount")
    @classmethod
    def _more_than_nothing(cls, amount: Money | None) -> Money | None:
        if amount is not None and amount.minor == 0:
            raise ValueError(f"{amount} is no sale: leave the amount out until it is known")
        return amount


class Message(Model):
    message: Effect = None
    kind: Word | None = None
    text: Text = None


class Story(Model):
    story: Id | None = None
    url: Text = None


class Agreement(Model):
    envelope: Id | None = None


class AgreementDeclined(Agreement):
    """`how`: declined by who was to sign, or voided by who sent it, which is also how one ends that has expired."""

    how: Literal["declined", "voided"] = "declined"


class Reward(Priced):
    """`reward` is our id of it, `referral` what it is for; `refund` tells one take-back of it from the next."""

    reward: Id | None = None
    referral: Id | None = None
    amount: Money | None = None
    refund: Id | None = None


class Payee(Model):
    """`account` is the advocate's account at the payer."""

    account: Id | None = None
    referral: Id | None = None


class Files(Model):
    """Files came in for a referral."""

    referral: Id | None = None
    count: int | None = None


class TaskDone(Model):
    """A colleague finished a task of ours; `task` is the key of the effect that made it."""

    task: Effect = None


class TierReached(Model):
    tier: Word


EVENTS: dict[str, type[Model]] = {
    "contact.updated": Nothing,
    "contact.tagged": Tagged,
    "contact.introduced": Introduced,
    "contact.opted_out": Nothing,
    "contact.churned": Nothing,
    "onboarding.completed": Nothing,
    "order.delivered": Order,
    "review.held": Nothing,
    "survey.sent": Survey,
    "nps.answered": NpsAnswered,
    "nps.commented": NpsCommented,
    "csat.answered": CsatAnswered,
    "usage.milestone_reached": Milestone,
    "ticket.opened": Ticket,
    "ticket.resolved": Ticket,
    "contract.renewed": Order,
    "mention.posted": Mention,
    "gift.shipped": Gift,
    "gift.delivered": Gift,
    "gift.returned": Gift,
    "video.ready": Video,
    "video.failed": Video,
    "video.viewed": Video,
    "qr.scanned": Scan,
    "hub.visited": Nothing,
    "referral.shared": Referral,
    "referral.clicked": Referral,
    "referral.submitted": Referral,
    "referral.accepted": Referral,
    "referral.disqualified": Referral,
    "referral.qualified": Referral,
    "referral.closed": Closed,
    "referral.lost": Referral,
    "referral.refunded": Referral,
    "story.agreed": Story,
    "review.posted": Story,
    "message.delivered": Message,
    "message.replied": Message,
    "message.bounced": Message,
    "agreement.signed": Agreement,
    "agreement.declined": AgreementDeclined,
    "files.received": Files,
    "task.completed": TaskDone,
    "payee.invited": Payee,
    "payee.ready": Payee,
    "reward.paid": Reward,
    "reward.voided": Reward,
    "reward.taken_back": Reward,
    "tier.reached": TierReached,
}
"""Event type (without the `ovation.` prefix) → what it carries."""

LARGEST = 2**63 - 1
"""The largest number an event may carry: the books keep amounts in 64 bits."""

ABOUT = ("gift", "video", "message", "task")
"""Fields that name the effect an event is about."""


class Event(Personal):
    """Something that happened outside, as we store it: verified, parsed, not yet resolved to a contact.

    `source` and `source_id` make it unique: a second report of the same event is the same event.
    `subject` names the contact; `identities` are further names of the same person; `person` is what came along,
    `hearsay` where anybody may have said it: then it adds to the record, and changes nothing in it.
    """

    type: str
    source: str = Field(min_length=1, max_length=200)
    source_id: str = Field(min_length=1, max_length=300)
    subject: Identity
    at: Instant
    data: dict[str, Any] = Field(default_factory=dict)
    identities: list[Identity] = Field(default_factory=list)
    person: Person | None = None
    hearsay: bool = Field(default=False, exclude=True)


class Notice(Model):
    """An event as a journey hears it: a signal's payload. No personal data."""

    id: str
    at: Instant
    data: Json = Field(default_factory=dict)


def checked_data(event_type: str, data: Json) -> dict[str, Any]:
    """The event's data, validated against its type.

    Raises ValueError naming the type, the field and what is allowed."""
    model = EVENTS.get(event_type)
    if model is None:
        raise ValueError(f"unknown event type {event_type!r}; known are: {', '.join(sorted(EVENTS))}")
    try:
        checked = model.model_validate(data).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "data"
        allowed = ", ".join(sorted(model.model_fields)) or "nothing"
        words = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{event_type}: {where}: {words} (it may carry: {allowed})") from error
    for name, value in checked.items():
        for number in value.values() if isinstance(value, dict) else (value,):
            if isinstance(number, int) and abs(number) > LARGEST:
                raise ValueError(f"{event_type}: {name}: a number of more than 64 bits")
    return checked


def public_data(event_type: str, data: Json) -> Json:
    """What of the data may enter Temporal: everything not marked PERSONAL."""
    fields = EVENTS[event_type].model_fields
    return {k: v for k, v in data.items() if k in fields and PERSONAL not in fields[k].metadata and v is not None}


def id_from_content(*parts: object) -> str:
    """An event id for vendors that give none: the same content gives the same id."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()[:40]
