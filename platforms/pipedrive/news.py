"""What a deal, an activity or a person of Pipedrive's means as events of ours.

The failure prevented: one sale told twice, by a webhook and by the look for what webhooks lost, or our own move told
back to us as a colleague's. Both read it here, so both give one source id; and the deal's own field says which stage we
told last: a deal that says the same is no news.
"""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

from models.contact import Identity
from models.event import Event, checked_data
from models.money import Money
from platforms.base import Body
from platforms.capabilities import Stage
from platforms.errors import Malformed
from platforms.pipedrive.deal import field, plain

if TYPE_CHECKING:
    from platforms.pipedrive import PipedriveSettings

UNSUBSCRIBED = "unsubscribed"

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

_MARK = re.compile(r"\[ovation:([^\]\s]{1,200})\]$")
_FURTHEST_FIRST: tuple[Stage, ...] = tuple(reversed(get_args(Stage)))


def deal_news(deal: Body, at: datetime, settings: "PipedriveSettings") -> list[Event]:
    """A referral's deal reached a stage. Each is told once of a deal, however often it is reached."""
    referral, stage = field(deal, settings.referral_field), _stage(deal, settings)
    told = _TOLD.get(stage) if stage is not None else None
    if referral is None or told is None or field(deal, settings.stage_field) in _KNOWN_BY[told]:
        return []
    data: Body = {"referral": referral}
    if told == "referral.closed" and deal.get("value") and (worth := _worth(deal)) is not None:
        data["amount"] = worth.model_dump()
    if told == "referral.lost" and isinstance(reason := deal.get("lost_reason"), str) and reason:
        data["reason"] = reason[:20_000]
    return [_event(told, f"deal:{number(deal)}:{told}", "ovation_referral", referral, at, data)]


def activity_news(activity: Body, at: datetime) -> list[Event]:
    """A colleague finished a task of ours. Whoever opens and finishes it again finishes the same one."""
    key = mark_of(activity.get("note"))
    if key is None or activity.get("done") is not True:
        return []
    return [_event("task.completed", f"activity:{number(activity)}:done", "effect", key, at, {"task": key})]


def person_news(person: Body, at: datetime) -> list[Event]:
    """They want no mail from Pipedrive's Campaigns. Told at each later change of the person, which does no harm: an
    opt-out too many is better than one too few."""
    if person.get("marketing_status") != UNSUBSCRIBED:
        return []
    own = str(number(person))
    address = _address(person.get("emails"))
    source_id = f"person:{own}:{UNSUBSCRIBED}:{int(at.timestamp())}"
    gone = _event("contact.opted_out", source_id, "pipedrive", own, at, {})
    if address is None:
        return [gone]
    return [gone.model_copy(update={"subject": address, "identities": [gone.subject]})]


def moment(value: Any) -> datetime:
    """A time as Pipedrive writes it, `2026-01-15T10:00:00Z` with or without milliseconds. Raises Malformed."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Malformed("a time that is none")


def number(thing: Body) -> int:
    """The id, which REST writes as a number and webhooks sometimes as text. Raises Malformed."""
    value = thing.get("id")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**19:
        return value
    raise Malformed("something without its id")


def marked(key: str) -> str:
    """What an activity's note ends with. Brackets are in no key, so none is taken for a longer one."""
    return f"[ovation:{key}]"


def mark_of(note: Any) -> str | None:
    """Our key at the end of an activity's note."""
    found = _MARK.search(plain(note)) if isinstance(note, str) else None
    return found[1] if found is not None else None


def _stage(deal: Body, settings: "PipedriveSettings") -> Stage | None:
    """By the deal's status once it is closed, else the furthest stage that the settings have for where it stands."""
    status = deal.get("status")
    if status in ("won", "lost"):
        return "won" if status == "won" else "lost"
    if status != "open":
        return None
    here = str(deal.get("stage_id"))
    return next((stage for stage in _FURTHEST_FIRST if settings.stages.get(stage) == here), None)


def _worth(deal: Body) -> Money | None:
    value, currency = deal["value"], deal.get("currency")
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not isinstance(currency, str):
        raise Malformed("a deal with a value that is no amount")
    try:
        return Money.worth(value, currency)
    except (ValueError, OverflowError) as error:
        raise Malformed("a deal with a value that is no amount") from error


def _address(emails: Any) -> Identity | None:
    """The primary address, else the first."""
    given = [one for one in emails if isinstance(one, dict)] if isinstance(emails, list) else []
    for one in sorted(given, key=lambda email: email.get("primary") is not True):
        try:
            return Identity.parse(f"email:{one.get('value') or ''}")
        except ValueError:
            continue
    return None


def _event(kind: str, source_id: str, named: str, name: str, at: datetime, data: Body) -> Event:
    try:
        return Event(
            type=kind,
            source="pipedrive",
            source_id=source_id,
            subject=Identity(kind=named, value=name),
            at=at,
            data=checked_data(kind, data),
        )
    except ValueError as error:
        raise Malformed(f"{kind}: a field of ours holds what we did not write") from error
