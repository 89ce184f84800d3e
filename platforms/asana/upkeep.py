"""What Asana's webhooks need: to be registered, registered again once Asana has dropped them, and asked after.

The failure prevented: a webhook that was deleted without notice after a day of failures, so that no completed task is
heard of again; and two webhooks at one address, of which we know one secret. A delivery comes at most once and names
gids only, so the tasks themselves are read, from where the last round ended.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from models.event import Event
from platforms.asana import webhook
from platforms.asana.client import data_of
from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.errors import Unavailable

if TYPE_CHECKING:
    from platforms.asana import AsanaSettings

FILTERS = [{"resource_type": "task", "action": "changed", "fields": ["completed"]}]
PAGE = 100
PAGES = 5
"""Pages of tasks that a round reads at most; the next goes on behind them."""
OVERLAP = timedelta(minutes=5)
"""Read twice, lest Asana's clock and ours disagree. What was heard before is known by its source id."""
FIRST_LOOK = timedelta(days=1)

_FIELDS = "completed,completed_at,external.gid"


def register(round: Round, settings: "AsanaSettings") -> Generator[Call, Reply, Upkept]:
    """GET /webhooks of the project, then POST /webhooks unless the one we remember is there and active.

    Asana tells the secret once, so a webhook that we do not remember is deleted and made anew. The answer to the POST
    repeats the secret that the handshake told the gateway meanwhile."""
    hooks = yield from _hooks(round, settings)
    kept = [hook for hook in hooks if _good(hook, round)]
    for hook in hooks:
        if hook not in kept:
            yield Call("DELETE", f"/webhooks/{hook['gid']}", accepts=frozenset({404}))
    if kept:
        return Upkept(mark=round.mark)
    made = {"resource": settings.project, "target": round.webhook_url, "filters": FILTERS}
    reply = yield Call.post("/webhooks", json={"data": made})
    return Upkept(mark={"webhook": data_of(reply).get("gid")}, secret=reply.json.get(webhook.SECRET))


def look_for_completed(round: Round, settings: "AsanaSettings") -> Generator[Call, Reply, Upkept]:
    """GET /tasks of the project that were modified since the last round, and which of ours are completed.

    They come in the project's order, not by time: the mark moves on only when all pages are read."""
    since = str(round.mark.get("since") or _instant(round.now - FIRST_LOOK))
    began = str(round.mark.get("began") or _instant(round.now))
    offset = round.mark.get("offset")
    found: list[Body] = []
    for _ in range(PAGES):
        reply = yield _tasks(settings, since, offset)
        if not reply.ok:  # a page's place is forgotten after a while: from the beginning, then
            return Upkept(mark={"since": since}, events=_events(found), again_at=round.now)
        found += _listed(reply)
        offset = (reply.json.get("next_page") or {}).get("offset")
        if not offset:
            since = _instant(datetime.fromisoformat(began) - OVERLAP)
            return Upkept(mark={"since": since}, events=_events(found))
    mark = {"since": since, "began": began, "offset": offset}
    return Upkept(mark=mark, events=_events(found), again_at=round.now + timedelta(minutes=1))


def _hooks(round: Round, settings: "AsanaSettings") -> Generator[Call, Reply, list[Body]]:
    """This project's webhooks that lead to us, by whatever query."""
    project = data_of((yield Call.get(f"/projects/{settings.project}", query={"opt_fields": "workspace"})))
    query = {"workspace": project["workspace"]["gid"], "resource": str(settings.project), "limit": str(PAGE)}
    reply = yield Call.get("/webhooks", query={**query, "opt_fields": "active,target"})
    here = _address(round.webhook_url)
    return [hook for hook in _listed(reply) if _address(hook.get("target")) == here]


def _good(hook: Body, round: Round) -> bool:
    """Ours, alive, at the address that proves it."""
    remembered = hook["gid"] == round.mark.get("webhook")
    return remembered and hook.get("active") is True and hook["target"] == round.webhook_url


def _address(url: object) -> str:
    return str(url).partition("?")[0]


def _tasks(settings: "AsanaSettings", since: str, offset: object) -> Call:
    query = {"project": str(settings.project), "modified_since": since, "limit": str(PAGE), "opt_fields": _FIELDS}
    if not offset:
        return Call.get("/tasks", query=query)
    return Call.get("/tasks", query={**query, "offset": str(offset)}, accepts=(400,))


def _listed(reply: Reply) -> list[Body]:
    data = reply.json.get("data")
    if not isinstance(data, list):
        raise Unavailable("Asana answered a list with something else")
    return data


def _events(tasks: list[Body]) -> list[Event]:
    return [event for task in tasks for event in webhook.completed(task)]


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
