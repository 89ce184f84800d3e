"""What a row of Dynamics' means as events of ours.

The failure prevented: news heard twice, or our own writes believed to be somebody's. `…_ovationstage` holds what we
told last: a state that says the same is no news. An id is made of the row and what happened to it, not of when it was
read.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from models.contact import Identity
from models.event import Event, checked_data
from models.money import Money
from platforms.base import Body
from platforms.capabilities import Stage
from platforms.dynamics.rows import guid, own
from platforms.errors import Malformed

if TYPE_CHECKING:
    from platforms.dynamics import DynamicsSettings

TAG = "referral_given"
OLD = timedelta(days=30)
"""A tag that was set longer before the change is history: somebody only corrected a phone number."""

_ENDS: dict[int, Stage] = {1: "won", 2: "lost"}
_TOLD: dict[Stage, str] = {
    "qualified": "referral.qualified",
    "won": "referral.closed",
    "lost": "referral.lost",
    "disqualified": "referral.lost",
}
_KNOWN_BY: dict[str, frozenset[str]] = {
    "referral.qualified": frozenset({"qualified", "won"}),
    "referral.closed": frozenset({"won"}),
    "referral.lost": frozenset({"lost", "disqualified"}),
}
"""Event → the stages told by us last that make it no news."""


def of_contact(row: Body, at: datetime, settings: "DynamicsSettings") -> list[Event]:
    """Tagged, by the date that somebody set; or opted out, heard again at each later change, which does no harm."""
    names = [Identity(kind="dynamics", value=_id(row, "contactid")), *_address(row)]
    events = []
    if row.get(own("referralgivenon", settings)) is not None:
        given = moment(row[own("referralgivenon", settings)])
        once = f"{TAG}:{int(given.timestamp())}"
        tag = _event("contact", row["contactid"], "contact.tagged", names, given, {"tag": TAG}, once)
        events += [tag] if at - given <= OLD else []
    return [*events, *_opted_out("contact", row["contactid"], row, names, at)]


def of_lead(row: Body, at: datetime, settings: "DynamicsSettings") -> list[Event]:
    """Qualified by its state, else by its status reason. An opt-out of a lead is told by its address."""
    number = _id(row, "leadid")
    stage: Stage | None = "qualified" if row.get("statecode") == 1 else _meant(row.get("statuscode"), settings.stages)
    if stage is None and row.get("statecode") == 2:
        stage = "lost"
    moved = _moved("lead", number, row.get(own("ovationref", settings)), stage, row, None, at, settings)
    names = _address(row)
    return [*moved, *(_opted_out("lead", number, row, names, at) if names else [])]


def of_opportunity(row: Body, at: datetime, settings: "DynamicsSettings") -> list[Event]:
    """Won or lost, by its state; whose it is, by the lead that it came of."""
    stage = _ENDS.get(row.get("statecode", 0))
    lead, currency = row.get("originatingleadid") or {}, row.get("transactioncurrencyid") or {}
    amount = _money(row.get("actualvalue"), currency.get("isocurrencycode"), settings)
    ref = lead.get(own("ovationref", settings))
    return _moved("opportunity", _id(row, "opportunityid"), ref, stage, row, amount, at, settings)


def of_row(row: Body, at: datetime, settings: "DynamicsSettings") -> list[Event]:
    """A row of our own table, by its status."""
    stage = _meant(row.get(own("status", settings)), settings.record_stages)
    amount = _money(row.get(own("amount", settings)), row.get(own("currency", settings)), settings)
    number, ref = _id(row, own("ovationreferralid", settings)), row.get(own("ovationref", settings))
    return _moved("row", number, ref, stage, row, amount, at, settings)


def of_task(row: Body, at: datetime, settings: "DynamicsSettings") -> list[Event]:
    """A colleague finished a task of ours; its subcategory is our key."""
    key = row.get("subcategory")
    if not isinstance(key, str) or not key or row.get("statecode") != 1:
        return []
    names = [Identity(kind="effect", value=key)]
    return [_event("task", _id(row, "activityid"), "task.completed", names, at, {"task": key}, "")]


def moment(value: Any) -> datetime:
    """A time as Dataverse writes it: `2026-11-27T09:00:00Z`; a date is its first second. Raises Malformed."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None:
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Malformed("a time that is none")


def _moved(
    kind: str,
    number: str,
    ref: Any,
    stage: Stage | None,
    row: Body,
    amount: Money | None,
    at: datetime,
    settings: "DynamicsSettings",
) -> list[Event]:
    """Each stage is told once of a row, however often it is reached."""
    told = _TOLD.get(stage) if stage is not None else None
    if not isinstance(ref, str) or not ref or told is None:
        return []
    if str(row.get(own("ovationstage", settings))) in _KNOWN_BY[told]:
        return []
    data: Body = {"referral": ref}
    data |= {"amount": amount.model_dump()} if amount is not None and told == "referral.closed" else {}
    return [_event(kind, number, told, [Identity(kind="ovation_referral", value=ref)], at, data, "")]


def _opted_out(kind: str, number: str, row: Body, names: list[Identity], at: datetime) -> list[Event]:
    if row.get("donotemail") is not True and row.get("donotbulkemail") is not True:
        return []
    return [_event(kind, number, "contact.opted_out", names, at, {}, str(int(at.timestamp())))]


def _meant(word: Any, words: Mapping[Stage, Any]) -> Stage | None:
    """The first of our stages with this word or number."""
    return next((stage for stage, theirs in words.items() if theirs == word), None)


def _money(amount: Any, currency: Any, settings: "DynamicsSettings") -> Money | None:
    """What it was sold for; None where nobody has filled that in, which Dataverse may write as 0."""
    if amount is None:
        return None
    return Money.worth(amount, str(currency or settings.currency))


def _address(row: Body) -> list[Identity]:
    email = row.get("emailaddress1")
    return [Identity.parse(f"email:{email}")] if isinstance(email, str) and email else []


def _id(row: Body, column: str) -> str:
    number = guid(str(row.get(column)))
    if number is None:
        raise Malformed(f"a row without its {column}")
    return number


def _event(
    kind: str, number: str, event_type: str, names: list[Identity], at: datetime, data: Body, once: str
) -> Event:
    return Event(
        type=event_type,
        source="dynamics",
        source_id=":".join(part for part in (kind, number, event_type, once) if part),
        subject=names[0],
        at=at,
        data=checked_data(event_type, data),
        identities=names[1:],
    )
