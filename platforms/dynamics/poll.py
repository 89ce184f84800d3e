"""What changed at Dynamics: the one way in. A webhook or a flow only says that something did, and this reads what.

The failure prevented: an event that was lost. Dataverse repeats a failed webhook once and then never; here every kind
of row is read from where the last round ended, poked or not, and an event has one id however often it is read.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from models.event import Event
from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.dynamics import news
from platforms.dynamics.client import OURS
from platforms.dynamics.problem import judge, lacks_something, said
from platforms.dynamics.referral import instant
from platforms.dynamics.rows import FRESH, found_in, literal, own, path
from platforms.errors import Malformed, Rejected, Unauthorized

if TYPE_CHECKING:
    from platforms.dynamics import DynamicsSettings

PAGE = 200
PAGES = 5
OVERLAP = timedelta(minutes=10)
SOON = timedelta(minutes=1)

Read = Callable[[Body, datetime, Any], list[Event]]


@dataclass(frozen=True, slots=True)
class Watch:
    """One kind of change. Names of ours stand in braces: `{ovationref}`."""

    name: str
    rows: str
    columns: tuple[str, ...]
    where: str
    read: Read
    expand: str = ""
    needed: bool = False


WATCHES = (
    Watch(
        "contacts",
        "contacts",
        ("contactid", "emailaddress1", "donotemail", "donotbulkemail", "{referralgivenon}"),
        "({referralgivenon} ne null or donotemail eq true or donotbulkemail eq true)",
        news.of_contact,
        needed=True,
    ),
    Watch(
        "leads",
        "leads",
        ("leadid", "statecode", "statuscode", "emailaddress1", "donotemail", "donotbulkemail", "{ovationref}",
         "{ovationstage}"),
        "{ovationref} ne null",
        news.of_lead,
    ),
    Watch(
        "opportunities",
        "opportunities",
        ("opportunityid", "statecode", "actualvalue", "{ovationstage}"),
        "originatingleadid/{ovationref} ne null and statecode ne 0",
        news.of_opportunity,
        expand="originatingleadid($select={ovationref}),transactioncurrencyid($select=isocurrencycode)",
    ),
    Watch(
        "rows",
        "{ovationreferrals}",
        ("{ovationreferralid}", "{ovationref}", "{ovationstage}", "{status}", "{amount}", "{currency}"),
        "{ovationref} ne null",
        news.of_row,
    ),
    Watch(
        "tasks",
        "tasks",
        ("activityid", "statecode", "category", "subcategory"),
        f"category eq {literal(OURS)} and statecode eq 1",
        news.of_task,
    ),
)  # fmt: skip


def changes(round: Round, settings: "DynamicsSettings") -> Generator[Call, Reply, Upkept]:
    """GET of each kind of row by `modifiedon`. The first round begins now: what was before is history, not news."""
    mark: dict[str, object] = {}
    events: list[Event] = []
    more = False
    for watch in WATCHES:
        place = _place(round.mark.get(watch.name), round.now)
        found, place = yield from _look(watch, place, settings)
        events += found
        more = more or "next" in place
        mark[watch.name] = place if "next" in place else _kept(place, round.now)
    return Upkept(mark=mark, events=events, again_at=round.now + SOON if more else None)


def _look(watch: Watch, place: Body, settings: "DynamicsSettings") -> Generator[Call, Reply, tuple[list[Event], Body]]:
    """The events after `place`, and where they end; `next` is the page that this round did not come to."""
    events: list[Event] = []
    for _ in range(PAGES):
        reply = yield _page(watch, place, settings)
        if not reply.ok:
            _absent(watch, reply)
            return events, {"at": place["at"]}
        for row in found_in(reply):
            at = news.moment(row["modifiedon"])
            events += _read(watch, row, at, settings)
            place = {**place, "at": instant(at)}
        following = urlsplit(str(reply.json.get("@odata.nextLink") or ""))
        if not following.query:
            return events, {"at": place["at"]}
        place = {"at": place["at"], "next": f"{following.path}?{following.query}"}
    return events, place


def _page(watch: Watch, place: Body, settings: "DynamicsSettings") -> Call:
    """A query, or the vendor's own address of its next page, untouched but for the host: the token goes to no other."""
    headers = {**FRESH, "Prefer": f"odata.maxpagesize={PAGE}"}
    accepts = frozenset({400, 404})
    if "next" in place:
        return Call(
            "GET",
            f"{settings.environment_url.rstrip('/')}{place['next']}",
            headers=headers,
            writes=False,
            accepts=accepts,
        )
    asked = {
        "$select": ",".join(("modifiedon", *watch.columns)),
        "$filter": f"{watch.where} and modifiedon gt {place['at']}",
        "$orderby": "modifiedon",
        **({"$expand": watch.expand} if watch.expand else {}),
    }
    query = {name: _named(value, settings) for name, value in asked.items()}
    where = path(f"/{_named(watch.rows, settings)}", settings)
    return Call("GET", where, query=query, headers=headers, writes=False, accepts=accepts)


def _absent(watch: Watch, reply: Reply) -> None:
    """Leads or rows that the environment has no use for, and so no columns. The doctor names what lacks."""
    if not watch.needed and lacks_something(reply):
        return
    problem = judge(reply, Call.get(""))
    raised = Unauthorized if problem is not None and problem.kind == "unauthorized" else Rejected
    raise raised(f"HTTP {reply.status}: {said(reply)}", status=reply.status)


def _named(text: str, settings: "DynamicsSettings") -> str:
    for name in _NAMES:
        text = text.replace(f"{{{name}}}", own(name, settings))
    return text


_NAMES = (
    *("referralgivenon", "ovationref", "ovationstage", "ovationreferrals", "ovationreferralid"),
    *("status", "amount", "currency"),
)


def _read(watch: Watch, row: Body, at: datetime, settings: "DynamicsSettings") -> list[Event]:
    """A row that makes no sense must not stop all that come after it."""
    try:
        return watch.read(row, at, settings)
    except (Malformed, ValueError, OverflowError):
        return []


def _place(given: Any, now: datetime) -> Body:
    if not isinstance(given, dict) or not isinstance(given.get("at"), str):
        return {"at": instant(now - OVERLAP)}
    place = {"at": instant(news.moment(given["at"]))}
    return {**place, "next": given["next"]} if isinstance(given.get("next"), str) else place


def _kept(place: Body, now: datetime) -> Body:
    """Where the next round begins: at the end of this one, but ten minutes back if that is nearer than that."""
    return {"at": min(str(place["at"]), instant(now - OVERLAP))}
