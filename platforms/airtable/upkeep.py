"""The upkeep of Airtable's webhook: registered once, never forgotten, and read to its end.

The failure prevented: a webhook that expired a week ago while everybody thought it at work. Listing its payloads renews
it, catches up on pings that were lost, and shows a webhook that is dead or broken, which is then replaced. Its secret
is told once, on creation: a webhook at our address that the mark does not know has lost it, and goes.
"""

from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from models.event import Event
from platforms.airtable import client
from platforms.airtable.webhook import Watched, events_of
from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.errors import Unauthorized

if TYPE_CHECKING:
    from platforms.airtable import AirtableSettings

PAGE = 50
PAGES = 10
"""Pages of payloads in one round; what is left asks for another at once."""
HEARD = ("referral", "status", "amount", "currency")
PEOPLE = ("client", "automation", "formSubmission", "formPageSubmission", "sync")
"""Who is listened to: everybody but `publicApi`, which is us, and `system`, which only recalculates."""

_BARE = (200, 204)
"""Success without a body, which these calls may have."""


def changes(round: Round, settings: "AirtableSettings") -> Generator[Call, Reply, Upkept]:
    """GET …/webhooks, GET …/payloads of ours from the mark's cursor on, and POST …/webhooks if it must be replaced.

    The old one is deleted after the new one is made, so that nothing falls between; what both heard has one id."""
    watched = yield from _watched(settings)
    hooks = yield from _hooks(settings)
    known = str(round.mark.get("webhook", ""))
    events: list[Event] = []
    if (hook := hooks.get(known)) is not None:
        events, cursor, more, broken = yield from _read(known, _cursor(round), watched, settings)
        alive = not broken and _alive(hook, round)
        if alive:
            yield from _switched_on(hook, settings)
        if alive or more:
            mark = {"webhook": known, "cursor": cursor}
            return Upkept(mark=mark, events=events, again_at=round.now if more else None)
    for other, at in hooks.items():
        if other != known and at.get("notificationUrl") == round.webhook_url:
            yield from _deleted(other, settings)
    made = yield Call.post(_path(settings), json=_specification(round.webhook_url, watched))
    if hook is not None:
        yield from _deleted(known, settings)
    return Upkept(mark={"webhook": made.json["id"], "cursor": 1}, events=events, secret=made.json["macSecretBase64"])


def _watched(settings: "AirtableSettings") -> Generator[Call, Reply, Watched]:
    """The ids behind the settings' names. Raises Unauthorized for a column that is gone."""
    table = client.table_of((yield client.tables(settings)), settings)
    ids: dict[str, str] = {}
    for word, column in settings.columns.items():
        if word in HEARD:
            field = client.field_of(table, column)
            if field is None:
                raise Unauthorized(f"the table {table['name']!r} has no column {column!r} any more")
            ids[word] = field["id"]
    return Watched(table=table["id"], columns=ids)


def _hooks(settings: "AirtableSettings") -> Generator[Call, Reply, Mapping[str, Body]]:
    reply = yield Call.get(_path(settings))
    return {str(hook["id"]): hook for hook in reply.json["webhooks"]}


def _read(
    hook: str, cursor: int, watched: Watched, settings: "AirtableSettings"
) -> Generator[Call, Reply, tuple[list[Event], int, bool, bool]]:
    """The events, the next cursor, whether there is more, and whether the webhook is broken: an error among payloads
    means a watched field or table that was deleted, which does not heal; nor does a webhook too old to be read."""
    events: list[Event] = []
    for _ in range(PAGES):
        query = {"cursor": str(cursor), "limit": str(PAGE)}
        reply = yield Call.get(_path(settings, f"/{hook}/payloads"), query=query, accepts=(403, 404, 422))
        if not reply.ok:
            return events, cursor, False, True
        payloads = reply.json["payloads"]
        events += [event for payload in payloads for event in events_of(payload, watched, settings)]
        cursor = int(reply.json["cursor"])
        if any(payload.get("error") for payload in payloads):
            return events, cursor, False, True
        if not reply.json["mightHaveMore"]:
            return events, cursor, False, False
    return events, cursor, True, False


def _alive(hook: Body, round: Round) -> bool:
    """At work, and at the address where we listen now."""
    until = hook.get("expirationTime")
    expired = until is not None and datetime.fromisoformat(until).astimezone(UTC) <= round.now
    return bool(hook.get("isHookEnabled", True)) and not expired and hook.get("notificationUrl") == round.webhook_url


def _switched_on(hook: Body, settings: "AirtableSettings") -> Generator[Call, Reply, None]:
    """POST …/enableNotifications: pings stop after a day of failures. 422 says that a test call failed just now."""
    if not hook.get("areNotificationsEnabled", True):
        path = _path(settings, f"/{hook['id']}/enableNotifications")
        yield Call.post(path, json={"enable": True}, accepts=(*_BARE, 422))


def _deleted(hook: str, settings: "AirtableSettings") -> Generator[Call, Reply, None]:
    """DELETE …/webhooks/{id}. One that is gone already is deleted."""
    yield Call("DELETE", _path(settings, f"/{hook}"), accepts=frozenset({*_BARE, 403, 404}))


def _specification(url: str, watched: Watched) -> Body:
    """What is to be recorded: people's changes of the status, with the row's other cells that we read."""
    filters = {
        "dataTypes": ["tableData"],
        "recordChangeScope": watched.table,
        "changeTypes": ["update"],
        "watchDataInFieldIds": [watched.columns["status"]],
        "fromSources": list(PEOPLE),
    }
    includes = {
        "includeCellValuesInFieldIds": list(watched.columns.values()),
        "includePreviousCellValues": True,
    }
    return {"notificationUrl": url, "specification": {"options": {"filters": filters, "includes": includes}}}


def _path(settings: "AirtableSettings", rest: str = "") -> str:
    return f"/v0/bases/{quote(settings.base or '', safe='')}/webhooks{rest}"


def _cursor(round: Round) -> int:
    cursor = round.mark.get("cursor", 1)
    return cursor if isinstance(cursor, int) and cursor > 0 else 1
