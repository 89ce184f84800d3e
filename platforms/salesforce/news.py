"""What a record of Salesforce's means as events of ours; webhook and poll read it here, so that both give one id.

The failure prevented: news heard twice, once from a flow and once from the look for what was lost, or our own writes
believed to be somebody's. `Ovation_Stage__c` holds what we told last: a status that says the same is no news.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.contact import Identity
from models.event import Event, checked_data
from models.money import Money
from platforms.base import Body
from platforms.capabilities import Stage
from platforms.errors import Malformed
from platforms.salesforce.client import KEY, NOTE
from platforms.salesforce.records import REF, whole_id
from platforms.salesforce.referral import STAGE

if TYPE_CHECKING:
    from platforms.salesforce import SalesforceSettings

TAG = "referral_given"

_TOLD: dict[Stage, str] = {
    "qualified": "referral.qualified",
    "won": "referral.closed",
    "lost": "referral.lost",
    "disqualified": "referral.lost",
}
_KNOWN_BY: dict[str, frozenset[Stage]] = {
    "referral.qualified": frozenset({"qualified", "won"}),
    "referral.closed": frozenset({"won"}),
    "referral.lost": frozenset({"lost", "disqualified"}),
}
"""Event → the stages told by us last that make it no news."""


def tagged(kind: str, record: Body, tag: str, at: datetime) -> Event:
    """Somebody tagged a contact. The instant of the tagging tells it from the next one: a later edit does not."""
    return _event(kind, record, "contact.tagged", _person(kind, record), at, {"tag": tag}, f"{tag}:{_seconds(at)}")


def opted_out(kind: str, record: Body, at: datetime) -> list[Event]:
    """They want no e-mail. Heard again at each later change of the record, which does no harm."""
    if record.get("HasOptedOutOfEmail") is not True:
        return []
    return [_event(kind, record, "contact.opted_out", _person(kind, record), at, {}, str(_seconds(at)))]


def moved(kind: str, record: Body, at: datetime, settings: "SalesforceSettings") -> list[Event]:
    """A referral's lead, deal or row reached a stage. Each is told once of a record, however often it is reached."""
    ref, stage = record.get(REF), _stage(kind, record, settings)
    told = _TOLD.get(stage) if stage is not None else None
    if not isinstance(ref, str) or not ref or told is None or str(record.get(STAGE)) in _KNOWN_BY[told]:
        return []
    data: Body = {"referral": ref}
    amount = record.get("Revenue__c" if kind == "Referral__c" else "Amount")
    if told == "referral.closed" and amount is not None and (worth := _money(amount, record, settings)) is not None:
        data["amount"] = worth.model_dump()
    subject = [Identity(kind="ovation_referral", value=ref)]
    return [_event(kind, record, told, subject, at, data, "")]


def finished(record: Body, at: datetime) -> list[Event]:
    """A colleague finished a task of ours. Our notes are finished tasks from the beginning, and no news."""
    key = record.get(KEY)
    if not isinstance(key, str) or not key or key.startswith(NOTE) or record.get("IsClosed") is not True:
        return []
    return [_event("Task", record, "task.completed", [Identity(kind="effect", value=key)], at, {"task": key}, "")]


def moment(value: Any, what: str) -> datetime:
    """A date-time as Salesforce writes it: `2026-11-27T09:00:00.000+0000`. Raises Malformed."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Malformed(f"{what} is not a date and time with its zone")


def _stage(kind: str, record: Body, settings: "SalesforceSettings") -> Stage | None:
    """The stage that the record's status means, by Salesforce's own marks where it has them."""
    match kind:
        case "Lead":
            return "qualified" if record.get("IsConverted") is True else _meant(record.get("Status"), settings.stages)
        case "Opportunity" if record.get("IsClosed") is True:
            return "won" if record.get("IsWon") is True else "lost"
        case "Opportunity":
            stage = _meant(record.get("StageName"), settings.opportunity_stages)
            return stage if stage == "qualified" else None
        case "Referral__c":
            return _meant(record.get("Status__c"), settings.record_stages)
        case _:
            return None


def _meant(word: Any, words: Mapping[Stage, str]) -> Stage | None:
    """The first of our stages with this word."""
    return next((stage for stage, theirs in words.items() if theirs == word), None)


def _person(kind: str, record: Body) -> list[Identity]:
    """A contact by id, a lead by address: a lead's id ends when it is converted. Raises Malformed without a name."""
    email = record.get("Email")
    address = [Identity.parse(f"email:{email}")] if isinstance(email, str) and email else []
    number = [Identity(kind="salesforce", value=str(record["Id"]))]
    names = [*number, *address] if kind == "Contact" else address
    if not names:
        raise Malformed(f"a {kind} without an Email")
    return names


def _money(amount: Any, record: Body, settings: "SalesforceSettings") -> Money | None:
    currency = record.get("CurrencyIsoCode") or settings.currency
    if isinstance(amount, bool) or not isinstance(amount, int | float | str) or not isinstance(currency, str):
        raise Malformed("an amount that is none")
    return Money.worth(amount, currency)


def _event(
    kind: str, record: Body, event_type: str, names: list[Identity], at: datetime, data: Body, once: str
) -> Event:
    number = whole_id(str(record.get("Id")))
    if number is None:
        raise Malformed("a record without its id")
    return Event(
        type=event_type,
        source="salesforce",
        source_id=":".join(part for part in (kind, number, event_type, once) if part),
        subject=names[0],
        at=at,
        data=checked_data(event_type, data),
        identities=names[1:],
    )


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
