"""Asana's webhooks: they say that something changed, never what it is now.

The failure prevented: a completed task that is believed on a stranger's word, and a webhook that Asana deletes because
a heartbeat was refused. A delivery names gids only, so it pokes the upkeep that reads the tasks. The handshake, a
first request with a secret in a header, is answered with the same header; the gateway keeps the secret if the address
is one that it gave out.
"""

import hashlib
import hmac
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from models.contact import Identity
from models.event import Event, checked_data
from platforms.asana.client import key_of
from platforms.base import IGNORED, Body, Inbound, Incoming, Poke, Response, reveal
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.asana import AsanaSettings

SIGNATURE = "X-Hook-Signature"
SECRET = "X-Hook-Secret"  # noqa: S105 (a header's name)
TASKS = "tasks"
"""The upkeep that is poked."""

_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
_WORD = re.compile(r"[a-z_]{1,64}")


def handshake(incoming: Incoming, settings: "AsanaSettings") -> Response | None:
    """The first request of a new webhook, while our POST /webhooks still waits for its answer: no signature, no body,
    and a secret that is told only now. A delivery that is signed is none, whatever else its headers say."""
    secret = incoming.headers.get(SECRET.lower(), "")
    if incoming.method != "POST" or SIGNATURE.lower() in incoming.headers or incoming.body:
        return None
    return Response(headers={SECRET: secret}, secret=secret) if _SECRET.fullmatch(secret) else None


def verify(incoming: Incoming, settings: "AsanaSettings", now: datetime) -> None:
    """HMAC-SHA256 of the raw body, in hex. There is no time in it: a repeat is not told from the first, and does no
    more than poke again."""
    given = incoming.headers.get(SIGNATURE.lower(), "")
    if not given:
        raise BadSignature(f"{SIGNATURE} is missing")
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise BadSignature("no webhook of Asana's has been registered yet, so nothing can be verified")
    if not hmac.compare_digest(_signature(secret, incoming.body).encode(), given.encode("utf-8", "replace")):
        raise BadSignature(f"{SIGNATURE} does not match")


def sign(body: bytes, settings: "AsanaSettings", url: str, now: datetime) -> dict[str, str]:
    """The headers Asana would send: with an empty body, those of the handshake.

    Raises ValueError when there is no secret."""
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise ValueError("OVATION_ASANA__WEBHOOK_SECRET is not set: only Asana can sign without it")
    return {SIGNATURE: _signature(secret, body)} if body else {SECRET: secret}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """A pair for each event, as `task.changed:completed`; none for a heartbeat."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    events = body.get("events") if isinstance(body, dict) else None
    if not isinstance(events, list):
        raise Malformed("no list of events")
    return [(_name(event), event) for event in events]


def completed(task: Body) -> list[Event]:
    """Our task, as GET /tasks shows it, completed. Reopened and completed again it is another event."""
    key, at = key_of(task), task.get("completed_at")
    if key is None or task.get("completed") is not True or not isinstance(at, str):
        return []
    return [
        Event(
            type="task.completed",
            source="asana",
            source_id=f"completed:{task['gid']}:{at}",
            subject=Identity(kind="effect", value=key),
            at=datetime.fromisoformat(at),
            data=checked_data("task.completed", {"task": key}),
        )
    ]


def _name(event: Any) -> str:
    resource = event.get("resource") if isinstance(event, dict) else None
    kind = resource.get("resource_type") if isinstance(resource, dict) else None
    name = f"{_word(kind)}.{_word(event.get('action') if isinstance(event, dict) else None)}"
    change = event.get("change")
    return f"{name}:{_word(change.get('field'))}" if isinstance(change, dict) else name


def _word(value: Any) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise Malformed("an event without resource, action or changed field")
    return value


def _signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    handshake=handshake,
    events={
        "task.changed:completed": Poke(TASKS),
        # Our webhook asks for the above alone; one that was made by hand may tell more.
        "task.changed": IGNORED,
        "task.changed:assignee": IGNORED,
        "task.changed:due_at": IGNORED,
        "task.changed:due_on": IGNORED,
        "task.changed:name": IGNORED,
        "task.changed:notes": IGNORED,
        "task.added": IGNORED,
        "task.removed": IGNORED,
        "task.deleted": IGNORED,
        "task.undeleted": IGNORED,
        "story.added": IGNORED,
    },
)
