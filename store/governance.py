"""The last look: may this be done to this person now? Pure rules, asked inside the transaction that claims the effect.

So there is no window between "may I?" and "I do". A refusal is a reason on record, a wait is an instant.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.contact import Contact
from models.effect import Order
from models.program import Governance, Hours

MESSAGES = frozenset({"send", "text", "in_app"})
"""Effects that speak to the contact: at hours when one may."""
ASKS = MESSAGES | {"send_gift"}
"""Effects that count as having asked, in a step whose purpose is to ask."""
REACHES_THEM = ASKS | {"make_video", "enroll", "request_signature"}
"""Effects that the contact notices."""

QUARTER = timedelta(days=90)


@dataclass(frozen=True)
class No:
    """It must not happen."""

    reason: str


@dataclass(frozen=True)
class NotYet:
    """It may happen at `at`, or as soon as an event of type `wakes_on` comes; with `attention` a person is needed."""

    at: datetime
    reason: str
    wakes_on: str | None = None
    attention: bool = False


class Withhold(Exception):
    """Raised while an effect is prepared: it must not happen, and the message says why. It stays on record."""


class Wait(Exception):
    """Raised while an effect is prepared: not yet, and the message says why. See `NotYet`."""

    def __init__(
        self, reason: str, for_: timedelta = timedelta(hours=1), *, wakes_on: str | None = None, attention: bool = False
    ) -> None:
        super().__init__(reason)
        self.for_, self.wakes_on, self.attention = for_, wakes_on, attention


def last_look(
    order: Order, contact: Contact, asks: int, rules: Governance, zone: str, now: datetime
) -> No | NotYet | None:
    """None when nothing speaks against it. `asks`: how often they were asked in the last quarter."""
    if order.effect not in REACHES_THEM:
        return None
    if contact.opted_out_at is not None:
        return No("they opted out")
    if contact.churned_at is not None:
        return No("they are no longer a customer")
    if order.purpose == "ask" and asks >= rules.asks_per_quarter:
        return No(f"they were asked {asks} times in the last quarter; the program allows {rules.asks_per_quarter}")
    if order.effect not in MESSAGES:
        return None
    return _hours(order, rules, ZoneInfo(contact.time_zone or zone), now)


def _hours(order: Order, rules: Governance, zone: ZoneInfo, now: datetime) -> NotYet | None:
    local = now.astimezone(zone)
    if order.hours == "business" and rules.business is not None:
        opens = _next_business(local, rules.business)
        return None if opens == local else NotYet(opens, "outside business hours where they are")
    if rules.quiet is not None:
        ends = _quiet_until(local, rules.quiet)
        return None if ends == local else NotYet(ends, "quiet hours where they are")
    return None


def _next_business(local: datetime, hours: Hours) -> datetime:
    day = local
    for _ in range(8):
        opens, closes = _at(day, hours.from_), _at(day, hours.to)
        if day.weekday() < 5 and day < closes:
            return max(day, opens)
        day = _at(day + timedelta(days=1), time(0))
    return day


def _quiet_until(local: datetime, quiet: Hours) -> datetime:
    """Quiet hours usually span midnight: 20:00 to 8:00."""
    now = local.timetz().replace(tzinfo=None)
    spans = quiet.from_ > quiet.to
    if spans and now >= quiet.from_:
        return _at(local + timedelta(days=1), quiet.to)
    if (spans and now < quiet.to) or (not spans and quiet.from_ <= now < quiet.to):
        return _at(local, quiet.to)
    return local


def _at(day: datetime, at: time) -> datetime:
    return day.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
