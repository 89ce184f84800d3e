"""Pipedrive's webhooks, version 2: deals that move, activities that are done, persons who unsubscribe.

The failure prevented: a sale believed on a stranger's word. Pipedrive signs nothing; what proves it is a name and a
password that we gave it when we registered. There is no time in that: a repeat is told by its source id alone.
"""

import base64
import hmac
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from models.event import Event
from platforms.base import IGNORED, Body, Inbound, Incoming, WithSettings, reveal
from platforms.errors import BadSignature, Malformed
from platforms.pipedrive.news import activity_news, deal_news, moment, person_news

if TYPE_CHECKING:
    from platforms.pipedrive import PipedriveSettings

USER = "ovation"
"""The name in Basic authentication; the password is the setting `webhook_secret`."""

_WORD = re.compile(r"[a-z_]{1,40}")


def verify(incoming: Incoming, settings: "PipedriveSettings", now: datetime) -> None:
    """HTTP Basic: the name and the password that the webhook was registered with."""
    given = incoming.headers.get("authorization", "")
    if not given:
        raise BadSignature("Authorization is missing")
    if not reveal(settings.webhook_secret):
        raise BadSignature("OVATION_PIPEDRIVE__WEBHOOK_SECRET is not set")
    if not hmac.compare_digest(_basic(settings).encode(), given.encode("utf-8", "replace")):
        raise BadSignature("Authorization does not match")


def sign(body: bytes, settings: "PipedriveSettings", url: str, now: datetime) -> dict[str, str]:
    """The header Pipedrive would send. Raises ValueError when there is no secret."""
    if not reveal(settings.webhook_secret):
        raise ValueError("OVATION_PIPEDRIVE__WEBHOOK_SECRET is not set")
    return {"Authorization": _basic(settings)}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One pair, named by what happened to what: `change.deal`."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    meta = body.get("meta") if isinstance(body, dict) else None
    if not isinstance(meta, dict):
        raise Malformed("no object with a meta")
    return [(f"{_word(meta.get('action'))}.{_word(meta.get('entity'))}", body)]


def deal_changed(item: Body, settings: "PipedriveSettings") -> list[Event]:
    """The deal as it is now. Our own writes come too; the deal's field with the stage that we told tells them."""
    return deal_news(_now(item), _at(item), settings)


def activity_changed(item: Body) -> list[Event]:
    """The activity as it is now, done or not."""
    return activity_news(_now(item), _at(item))


def person_changed(item: Body) -> list[Event]:
    """The person as they are now; their marketing status comes along where the company uses Campaigns."""
    return person_news(_now(item), _at(item))


def _now(item: Body) -> Body:
    data = item.get("data")
    if not isinstance(data, dict):
        raise Malformed("a change without what it changed to")
    return data


def _at(item: Body) -> datetime:
    return moment(item["meta"].get("timestamp"))


def _word(value: Any) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise Malformed("no action or no entity in meta")
    return value


def _basic(settings: "PipedriveSettings") -> str:
    pair = f"{USER}:{reveal(settings.webhook_secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={
        "change.deal": WithSettings(deal_changed),
        "change.activity": activity_changed,
        "change.person": person_changed,
        # Our webhooks ask for the above alone; one that was made by hand may tell more.
        "create.deal": IGNORED,
        "delete.deal": IGNORED,
        "create.activity": IGNORED,
        "delete.activity": IGNORED,
        "create.person": IGNORED,
        "delete.person": IGNORED,
    },
)
