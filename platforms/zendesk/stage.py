"""How far a referral has come, as a Zendesk ticket shows it: in both directions, by the same words.

The failure prevented: our own move told back to us as a colleague's verdict. A word in `stages` is a status or a tag of
the team's; beside it we keep a tag of our own, `ovation_won`, which says what we know already. A verdict is news only
while that tag is not there.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, get_args

from models.contact import Identity
from models.event import Event, checked_data
from platforms.base import Body
from platforms.capabilities import Referral, Stage
from platforms.errors import Malformed

if TYPE_CHECKING:
    from platforms.zendesk import ZendeskSettings

STATUSES: Final = ("new", "open", "pending", "hold", "solved")
"""What a ticket can be set to. `closed` is left out: nothing leads back from it."""
DONE: Final = frozenset({"solved", "closed"})
OURS: Final = "ovation"
"""Tag of every ticket of ours, and the beginning of its external id and of our tag for the stage."""

_ORDER: Final[tuple[Stage, ...]] = get_args(Stage)
_REFERRAL: Final = re.compile(rf"{OURS}:([A-Za-z0-9_.:/@+-]{{1,128}})")
_OVER: Final[tuple[Stage, ...]] = ("won", "lost", "disqualified")
_EVENTS: Final[Mapping[Stage, str]] = {
    "qualified": "referral.qualified",
    "won": "referral.closed",
    "lost": "referral.lost",
    "disqualified": "referral.lost",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A ticket as far as it matters here: REST has numbers and lower case, webhooks have text and upper case."""

    id: str
    external_id: str
    status: str
    tags: frozenset[str]

    @property
    def referral(self) -> str | None:
        """Our id of the referral; None for a ticket that is not ours."""
        found = _REFERRAL.fullmatch(self.external_id)
        return found[1] if found else None


def seen(ticket: Body) -> Seen:
    """Raises Malformed for a ticket without a number or a status."""
    number, status = str(ticket.get("id")), ticket.get("status")
    if not (number.isascii() and number.isdigit() and len(number) < 20) or not isinstance(status, str):
        raise Malformed("a ticket without its id or status")
    external, tags = ticket.get("external_id"), ticket.get("tags")
    known = (tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
    return Seen(number, external if isinstance(external, str) else "", status.lower(), frozenset(known))


def moment(text: Any) -> datetime:
    """A time as REST writes it, `2026-01-15T10:00:00Z`, or webhooks, whose nanoseconds are cut. Raises Malformed."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise Malformed("a time that is none") from error


def external_id(referral: str) -> str:
    return f"{OURS}:{referral}"


def tag_of(stage: Stage) -> str:
    return f"{OURS}_{stage}"


def tags_for(action: Referral, there: Iterable[str], settings: "ZendeskSettings") -> list[str]:
    """The ticket's tags as they are to be. The words of earlier stages give way, and those that we wrote; a word that
    people set for a later stage is a verdict we have not heard yet, and stays like all other tags."""
    now, stages, place = set(there), settings.stages, _ORDER.index(action.stage)
    gone = {stages.get(s) for s in _ORDER if s != action.stage and (_ORDER.index(s) < place or tag_of(s) in now)}
    word = stages.get(action.stage)
    own = {OURS, tag_of(action.stage), *([word] if word is not None and word not in STATUSES else [])}
    return sorted((now - gone - {tag_of(s) for s in _ORDER}) | own)


def status_for(action: Referral, now: str | None, settings: "ZendeskSettings") -> str | None:
    """The status to set, None to leave it. What people solved is not opened again, and nothing becomes new again."""
    word = settings.stages.get(action.stage)
    wanted = word if word in STATUSES else "solved" if action.stage in _OVER else None
    if wanted == now or now in DONE or (wanted == "new" and now is not None):
        return None
    return wanted


def verdict(ticket: Seen, at: datetime, settings: "ZendeskSettings") -> list[Event]:
    """What people decided about a referral; nothing for tickets that are not ours, and for what we wrote ourselves.

    A stage is told once for each ticket, so that webhook and export tell the same event."""
    stage = _reached(ticket, settings.stages)
    event = _EVENTS.get(stage) if stage is not None else None
    if ticket.referral is None or stage is None or event is None:
        return []
    if any(tag_of(same) in ticket.tags for same, told in _EVENTS.items() if told == event):
        return []
    subject = Identity(kind="ovation_referral", value=ticket.referral)
    data = checked_data(event, {"referral": ticket.referral})
    source_id = f"{ticket.id}:{stage}"
    return [Event(type=event, source="zendesk", source_id=source_id, subject=subject, at=at, data=data)]


def _reached(ticket: Seen, stages: Mapping[Stage, str]) -> Stage | None:
    """The furthest stage whose tag is there, else the stage that the status means.

    A status that stands for two stages of different meaning says nothing, and neither does one on a ticket that we
    solved because the referral was over."""
    tagged = [s for s in _ORDER if s in stages and stages[s] not in STATUSES and stages[s] in ticket.tags]
    if tagged:
        return tagged[-1]
    if any(tag_of(s) in ticket.tags for s in _OVER):
        return None
    meant = [s for s in _ORDER if stages.get(s) == ticket.status]
    return meant[-1] if len({_EVENTS.get(s) for s in meant}) == 1 else None
