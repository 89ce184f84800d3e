"""Two jobs: a webhook that is registered and its secret fetched, and the tickets that changed, read from the export.

The failure prevented: a contact whose support ticket is open is asked for a favor. A webhook names the requester by a
number of Zendesk's alone, is not sent again after most errors, and is dropped while Zendesk's circuit breaker is open;
the incremental export misses nothing and tells the requester's address, so it alone says which tickets are open.
"""

from collections.abc import Generator, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from models.base import Json
from models.contact import Identity, Person
from models.event import Event, checked_data
from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.errors import Unavailable
from platforms.zendesk.client import at
from platforms.zendesk.stage import DONE, moment, seen, verdict

if TYPE_CHECKING:
    from platforms.zendesk import ZendeskSettings

NAME = "Ovation"
SUBSCRIPTIONS = ("zen:event-type:ticket.status_changed", "zen:event-type:ticket.tags_changed")
BACK = timedelta(days=30)
"""How far back the first look goes for tickets that are open."""
PAGES, PER_PAGE = 3, 250
"""Of the ten requests a minute that the export allows, most are left to others."""
HOOK_PAGES = 10
SCORES = {"good": 100, "bad": 0}
NOT_OPEN = DONE | {"deleted"}

Read = Generator[Call, Reply, Upkept]


def keep_webhook(round: Round, settings: "ZendeskSettings") -> Read:
    """GET /webhooks, POST if none has our address, GET …/signing_secret. One whose address was ours before is moved."""
    hooks = yield from _hooks(settings)
    here = next((h for h in hooks if h.get("endpoint") == round.webhook_url), None)
    moved = next((h for h in hooks if h["id"] == round.mark.get("webhook")), None)
    if here is None and moved is not None:
        patch = {"webhook": {"endpoint": round.webhook_url}}
        yield Call.patch(at(settings, f"/webhooks/{moved['id']}"), json=patch)
    number = (here or moved or (yield from _registered(round.webhook_url, settings)))["id"]
    reply = yield Call.get(at(settings, f"/webhooks/{number}/signing_secret"))
    return Upkept(mark={"webhook": number}, secret=reply.json["signing_secret"]["secret"])


def _hooks(settings: "ZendeskSettings") -> Generator[Call, Reply, list[Body]]:
    query, hooks = {"page[size]": "100"}, []
    for _ in range(HOOK_PAGES):
        reply = yield Call.get(at(settings, "/webhooks"), query=query)
        hooks += reply.json["webhooks"]
        meta = reply.json.get("meta") or {}
        if not meta.get("has_more"):
            break
        query = {**query, "page[after]": str(meta["after_cursor"])}
    return hooks


def _registered(url: str, settings: "ZendeskSettings") -> Generator[Call, Reply, Body]:
    hook = {"name": NAME, "status": "active", "endpoint": url, "http_method": "POST", "request_format": "json"}
    reply = yield Call.post(at(settings, "/webhooks"), json={"webhook": {**hook, "subscriptions": [*SUBSCRIPTIONS]}})
    made: Body = reply.json["webhook"]
    return made


def read_tickets(round: Round, settings: "ZendeskSettings") -> Read:
    """GET /incremental/tickets/cursor with requesters and counts of reopening. The last minute is not in it yet.

    The first pass tells of open tickets only: what was resolved before we looked was never told as open."""
    mark = round.mark or {"start": int((round.now - BACK).timestamp())}
    events: list[Event] = []
    for _ in range(PAGES):
        reply = yield Call.get(at(settings, "/incremental/tickets/cursor"), query=_asked(mark))
        page: Body = reply.json
        events += _told(page, settings, first_pass=not mark.get("caught_up"))
        mark = _marked(mark, page)
        if page["end_of_stream"]:
            return Upkept(mark=mark, events=events)
    return Upkept(mark=mark, events=events, again_at=round.now + timedelta(seconds=30))


def _asked(mark: Json) -> dict[str, str]:
    where = {"cursor": str(mark["cursor"])} if "cursor" in mark else {"start_time": str(mark["start"])}
    return {**where, "include": "users,metric_sets", "per_page": str(PER_PAGE)}


def _marked(mark: Json, page: Body) -> Json:
    """Without a new cursor the old place is read again: a repeat is the same events."""
    place = {"cursor": page["after_cursor"]} if page.get("after_cursor") else mark
    return {**place, **({"caught_up": True} if page["end_of_stream"] or mark.get("caught_up") else {})}


def _told(page: Body, settings: "ZendeskSettings", *, first_pass: bool) -> Iterator[Event]:
    """Raises Unavailable where the requesters are missing: a ticket of nobody would be nobody's for good."""
    if "users" not in page:
        raise Unavailable("Zendesk's export came without its users")
    users = {user["id"]: user for user in page["users"]}
    for ticket in page["tickets"]:
        yield from _one(ticket, users.get(ticket.get("requester_id")), settings, first_pass)


def _one(ticket: Body, requester: Body | None, settings: "ZendeskSettings", first_pass: bool) -> Iterable[Event]:
    """A ticket of ours tells a verdict; one of a customer's, that it is open, resolved, or rated.

    Colleagues' own tickets, and those whose requester is gone, concern no contact."""
    looked_at = seen(ticket)
    if looked_at.referral is not None:
        yield from verdict(looked_at, moment(ticket["updated_at"]), settings)
    elif requester is not None and requester.get("role") == "end-user":
        resolved = looked_at.status in NOT_OPEN
        if not (resolved and first_pass):
            yield _support(ticket, requester, resolved=resolved)
        if not first_pass and (rating := ticket.get("satisfaction_rating") or {}).get("score") in SCORES:
            yield _rated(ticket, rating, requester)


def _support(ticket: Body, requester: Body, *, resolved: bool) -> Event:
    """Named by how often the ticket was opened again, so that each opening is told once, however often it changes."""
    again = (ticket.get("metric_set") or {}).get("reopens") or 0
    kind, word = ("ticket.resolved", "resolved") if resolved else ("ticket.opened", "opened")
    at = ticket["updated_at"] if resolved or again else ticket["created_at"]
    data: Json = {"ticket": str(ticket["id"])}
    if ticket.get("priority"):
        data["priority"] = ticket["priority"]
    return _event(kind, f"{ticket['id']}:{word}:{again}", at, data, requester)


def _rated(ticket: Body, rating: Body, requester: Body) -> Event:
    """Good or bad; who changes their mind rates anew."""
    data: Json = {"score": SCORES[rating["score"]]}
    if rating.get("comment"):
        data["comment"] = str(rating["comment"])[:20_000]
    source_id = f"{ticket['id']}:rated:{rating.get('id', '')}:{rating['score']}"
    return _event("csat.answered", source_id, ticket["updated_at"], data, requester)


def _event(kind: str, source_id: str, at: str, data: Json, requester: Body) -> Event:
    """The e-mail address first, by which others know them too; then Zendesk's number."""
    number, email = Identity(kind="zendesk", value=str(requester["id"])), requester.get("email")
    names = [Identity.parse(f"email:{email}"), number] if email else [number]
    return Event(
        type=kind,
        source="zendesk",
        source_id=source_id,
        subject=names[0],
        identities=names[1:],
        at=moment(at),
        data=checked_data(kind, data),
        person=Person(email=names[0].value) if email else None,
    )
