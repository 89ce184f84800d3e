"""What people did to the deals of referrals: qualified, won, lost. Read by the API, as soon as a webhook pokes.

The failure prevented: a won deal without its amount. A webhook names the new stage by an id of the portal's, and
neither amount nor referral; the deal itself has all of it. The search lags behind writes, so rounds overlap.
"""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from models.base import Json
from models.contact import Identity
from models.event import Event, checked_data
from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.hubspot import stage
from platforms.hubspot.contact import objects
from platforms.hubspot.deal import PROPERTIES, REFERRAL, TOLD, worth

if TYPE_CHECKING:
    from platforms.hubspot import HubSpotSettings

MODIFIED = "hs_lastmodifieddate"
PAGE = 100
PAGES = 5
OVERLAP = timedelta(minutes=10)
EVERY = timedelta(minutes=5)
OFTEN = EVERY - timedelta(seconds=30)
SOON = timedelta(minutes=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TOLD_AS = {
    "qualified": "referral.qualified",
    "won": "referral.closed",
    "lost": "referral.lost",
    "disqualified": "referral.lost",
}


def deals(round: Round, settings: "HubSpotSettings") -> Generator[Call, Reply, Upkept]:
    """POST …/deals/search for deals with our referral that changed since, oldest first. The first round only notes the
    time: what people did before is history. Rests where no stages are set."""
    if not settings.stages:
        return Upkept(mark=round.mark)
    if "since" not in round.mark:
        return _ended(round, round.now, [])
    events: list[Event] = []
    since, after = int(str(round.mark["since"])), int(str(round.mark["after"]))
    for _ in range(PAGES):
        rows = yield from _page(since, after, settings)
        events += [event for row in rows for event in moved(row, settings)]
        if len(rows) < PAGE:
            return _ended(round, round.now - OVERLAP, events)
        last = _millis(_modified(rows[-1]))
        since, after = (last, 0) if last > since else (since, after + len(rows))
    mark: Json = {"since": since, "after": after, "at": _millis(round.now), "again": True}
    return Upkept(mark=mark, events=events, again_at=round.now + SOON)


def _ended(round: Round, since: datetime, events: list[Event]) -> Upkept:
    """A round that came before its time was poked, and the search may not show yet why: it is looked again, once."""
    last = int(str(round.mark.get("at", 0)))
    poked = "at" in round.mark and round.now - OFTEN < _EPOCH + timedelta(milliseconds=last)
    again = poked and not round.mark.get("again")
    mark: Json = {"since": _millis(since), "after": 0, "at": _millis(round.now), "again": again}
    return Upkept(mark=mark, events=events, again_at=round.now + SOON if again else None)


def moved(row: Body, settings: "HubSpotSettings") -> list[Event]:
    """The event of this deal's stage, unless that is what we told HubSpot last. One for each deal and stage."""
    words = stage.words(row, settings)
    properties = row["properties"]
    kind = next((_TOLD_AS[word] for word in words if word in _TOLD_AS), None)
    if kind is None or properties.get(TOLD) in words:
        return []
    referral = str(properties.get(REFERRAL))
    data: Json = {"referral": referral}
    if kind == "referral.closed" and (amount := worth(row, settings)) is not None:
        data["amount"] = amount.model_dump()
    return _told(kind, f"deal:{row['id']}:{properties.get('dealstage')}", referral, _modified(row), data)


def _told(kind: str, source_id: str, referral: str, at: datetime, data: Json) -> list[Event]:
    """A deal whose referral somebody overwrote with nonsense must not stop those that come after."""
    try:
        subject = Identity(kind="ovation_referral", value=referral)
        checked = checked_data(kind, data)
        return [Event(type=kind, source="hubspot", source_id=source_id, subject=subject, at=at, data=checked)]
    except ValueError:
        return []


def _page(since: int, after: int, settings: "HubSpotSettings") -> Generator[Call, Reply, list[Body]]:
    filters = [
        {"propertyName": REFERRAL, "operator": "HAS_PROPERTY"},
        {"propertyName": MODIFIED, "operator": "GTE", "value": str(since)},
    ]
    body = {
        "filterGroups": [{"filters": filters}],
        "properties": [*PROPERTIES, MODIFIED],
        "sorts": [MODIFIED],
        "limit": PAGE,
        "after": str(after),
    }
    reply = yield Call.post(objects(settings, "deals", "/search"), json=body, writes=False)
    rows: list[Body] = reply.json["results"]
    return rows


def _modified(row: Body) -> datetime:
    return datetime.fromisoformat(row["properties"].get(MODIFIED) or row["updatedAt"]).astimezone(UTC)


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)
