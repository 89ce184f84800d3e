"""What a lead, a deal or a contact of Zoho's means as events of ours.

The failure prevented: one sale told twice, once by the lead and once by the deal, or our own move told back to us as a
colleague's. Each event is told once of a referral; the field with the stage that we told last says what is no news.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.contact import Identity
from models.event import Event, checked_data
from models.money import Money
from platforms.base import Body
from platforms.capabilities import Stage
from platforms.errors import Malformed
from platforms.zoho.records import REF, STAGE
from platforms.zoho.stage import FIELDS, meant

if TYPE_CHECKING:
    from platforms.zoho import ZohoSettings

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


def moved(module: str, record: Body, at: datetime, settings: "ZohoSettings") -> list[Event]:
    """A referral's lead or deal reached a stage. A deal is a lead that people found good enough: qualified at least."""
    ref, stage = record.get(REF), meant(module, record.get(FIELDS[module]), settings)
    if module == "Deals" and stage not in ("won", "lost", "disqualified"):
        stage = "qualified"
    told = _TOLD.get(stage) if stage is not None else None
    if not isinstance(ref, str) or not ref or told is None or record.get(STAGE) in _KNOWN_BY[told]:
        return []
    data: Body = {"referral": ref}
    if told == "referral.closed" and record.get("Amount") and (worth := _money(record, settings)) is not None:
        data["amount"] = worth.model_dump()
    return [_event(told, f"{ref}:{told}", Identity(kind="ovation_referral", value=ref), at, data)]


def opted_out(module: str, record: Body, at: datetime) -> list[Event]:
    """They want no mail. Told again at each later change of the record, which does no harm: an opt-out too many is
    better than one too few."""
    if record.get("Email_Opt_Out") is not True:
        return []
    own = Identity(kind="zoho", value=str(record["id"]))
    source_id = f"{module}:{own.value}:opted_out:{int(at.timestamp())}"
    try:
        address = Identity.parse(f"email:{record.get('Email') or ''}")
    except ValueError:
        return [_event("contact.opted_out", source_id, own, at, {})]
    gone = _event("contact.opted_out", source_id, address, at, {})
    return [gone.model_copy(update={"identities": [own]})]


def moment(value: Any) -> datetime:
    """A time as Zoho writes it, with the organization's offset: `2026-01-15T11:00:00+01:00`. Raises Malformed."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Malformed("a time without its zone, or none")


def _money(record: Body, settings: "ZohoSettings") -> Money | None:
    amount, currency = record["Amount"], record.get("Currency") or settings.currency
    if isinstance(amount, bool) or not isinstance(amount, int | float | str):
        raise Malformed("an Amount that is none")
    return Money.worth(amount, str(currency))


def _event(kind: str, source_id: str, subject: Identity, at: datetime, data: Body) -> Event:
    return Event(type=kind, source="zoho", source_id=source_id, subject=subject, at=at, data=checked_data(kind, data))
