"""Requests from an org's flows: an HTTP callout for each change that matters, its body as the README has it.

The failure prevented: a tagged contact who starts no journey, or a sandbox's copy of the flow that starts one for a
person who never asked. Salesforce signs nothing: a secret header proves the sender, `orgId` that it is the right org.
"""

import hmac
import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from models.event import Event
from platforms.base import Body, Inbound, Incoming, Response, WithSettings, reveal
from platforms.errors import BadSignature, Malformed
from platforms.salesforce import news
from platforms.salesforce.records import plain, whole_id

if TYPE_CHECKING:
    from platforms.salesforce import SalesforceSettings

HEADER = "X-Ovation-Key"
KINDS = frozenset({"Contact", "Lead", "Opportunity", "Referral__c", "Task"})

Read = Callable[[str, Body, datetime, Any], list[Event]]


def verify(incoming: Incoming, settings: "SalesforceSettings", now: datetime) -> None:
    """A secret that the org's external credential puts into a header."""
    secret, given = reveal(settings.webhook_secret), incoming.headers.get(HEADER.lower(), "")
    if not secret:
        raise BadSignature("OVATION_SALESFORCE__WEBHOOK_SECRET is not set")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
        raise BadSignature(f"{HEADER} is missing or wrong")


def sign(body: bytes, settings: "SalesforceSettings", url: str, now: datetime) -> dict[str, str]:
    """The header as the external credential sends it."""
    return {HEADER: reveal(settings.webhook_secret)}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One change: the name is what the flow calls it."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    name = body.get("event") if isinstance(body, dict) else None
    if not isinstance(name, str) or not name.isprintable() or not name:
        raise Malformed("not an object with an `event`")
    return [(name, body)]


def referral_given(kind: str, record: Body, at: datetime, settings: "SalesforceSettings") -> list[Event]:
    """`Referral_Given__c` was ticked. `changedAt` is `Referral_Given_At__c`, so that the poll knows it as the same."""
    ticked = record.get("Referral_Given__c", True) is True and kind == "Contact"
    return [news.tagged(kind, record, news.TAG, at)] if ticked else []


def tagged(kind: str, record: Body, at: datetime, settings: "SalesforceSettings") -> list[Event]:
    """Any other tag, which the flow names in `fields.Tag`."""
    tag = record.get("Tag")
    if not isinstance(tag, str) or not tag:
        raise Malformed("a `tagged` whose fields name no Tag")
    return [news.tagged(kind, record, tag, at)]


def opted_out(kind: str, record: Body, at: datetime, settings: "SalesforceSettings") -> list[Event]:
    """`HasOptedOutOfEmail` was ticked, of a contact or a lead."""
    return news.opted_out(kind, record, at)


def stage_changed(kind: str, record: Body, at: datetime, settings: "SalesforceSettings") -> list[Event]:
    """A lead, deal or row that carries our reference moved."""
    return news.moved(kind, record, at, settings)


def task_completed(kind: str, record: Body, at: datetime, settings: "SalesforceSettings") -> list[Event]:
    """A task that carries our key was closed."""
    return news.finished(record, at)


def _ours(read: Read) -> WithSettings:
    """Reads the envelope, and refuses what comes from another org."""

    def reading(item: Body, settings: "SalesforceSettings") -> list[Event]:
        kind, fields = item.get("object"), item.get("fields")
        number = whole_id(str(item.get("recordId")))
        if not isinstance(kind, str) or not isinstance(fields, dict) or number is None:
            raise Malformed("object, recordId or fields are missing or unfit")
        kind = kind.removeprefix(f"{settings.namespace}__") if settings.namespace else kind
        if kind not in KINDS:
            raise Malformed(f"nobody here knows the object; known are {', '.join(sorted(KINDS))}")
        if settings.org_id and whole_id(str(item.get("orgId"))) != whole_id(settings.org_id):
            raise Malformed("from another org than OVATION_SALESFORCE__ORG_ID: a sandbox's copy of the flow?")
        try:
            at = news.moment(item.get("changedAt"), "changedAt")
            return read(kind, {**plain(fields, settings), "Id": number}, at, settings)
        except (ValueError, OverflowError) as error:
            raise Malformed(f"{item['event']}: a field that cannot be read ({type(error).__name__})") from error

    return WithSettings(reading)


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={
        "referral_given": _ours(referral_given),
        "tagged": _ours(tagged),
        "opted_out": _ours(opted_out),
        "stage_changed": _ours(stage_changed),
        "task_completed": _ours(task_completed),
    },
    accepted=Response(200, '{"accepted":true}', "application/json"),
)
