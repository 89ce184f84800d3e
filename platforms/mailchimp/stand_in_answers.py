"""What Mailchimp's double answers to each operation that we use.

A state that a person chose is not overwritten by a wish to subscribe them; events are kept as often as they are told; a
journey takes everybody once.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from platforms.base import Body, reveal
from platforms.mailchimp.stand_in_books import (
    LIST_ID,
    Audience,
    Hook,
    Member,
    Occurrence,
    Refused,
    hashed,
    missing,
    now,
    trimmed,
)
from platforms.mailchimp.stand_in_requests import EventBody, HookBody, PutMember, Strict, TagsBody, TriggerBody
from platforms.stand_in import Answer, Heard, Route

Request = TypeVar("Request", bound=Strict)
Handler = Callable[[Heard, Audience], tuple[int, Body | None]]

_SHUT = frozenset({"unsubscribed", "cleaned"})


def _operation(handle: Handler) -> Callable[[Heard, Audience], Answer]:
    """Trims what is asked for; an audience that there is not, is not found."""

    def answer(heard: Heard, books: Audience) -> Answer:
        try:
            if heard.params.get("list", LIST_ID) != LIST_ID:
                raise missing()
            status, body = handle(heard, books)
        except Refused as refused:
            return refused.answer
        return Answer(status, json=None if body is None else trimmed(body, heard.query.get("fields")))

    return answer


def read(model: type[Request], given: Any) -> Request:
    """Raises Refused: the field that is wrong, in the vendor's words for it."""
    if not isinstance(given, dict):
        raise Refused(400, "JSON Parse Exception", "We encountered an unspecified JSON parsing error.")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(400, "Invalid Resource", first["msg"], ".".join(str(p) for p in first["loc"])) from error


def _member(heard: Heard, books: Audience) -> Member:
    found = books.member(heard.params["member"])
    if found is None:
        raise missing()
    return found


def _ping(heard: Heard, books: Audience) -> tuple[int, Body]:
    return 200, {"health_status": "Everything's Chimpy!"}


def _get_list(heard: Heard, books: Audience) -> tuple[int, Body]:
    return 200, {"id": LIST_ID, "name": books.name, "double_optin": books.double_optin}


def _merge_fields(heard: Heard, books: Audience) -> tuple[int, Body]:
    rows = [{"merge_id": n, "tag": tag, "name": tag, "type": "text"} for n, tag in enumerate(books.merge_tags, 1)]
    return 200, _page(heard, "merge_fields", rows)


def _page(heard: Heard, name: str, rows: list[Body]) -> Body:
    """Ten rows unless told, a thousand at most."""
    begin, count = int(heard.query.get("offset", "0")), int(heard.query.get("count", "10"))
    if count > 1000:
        raise Refused(400, "Invalid Resource", "This value should be 1000 or less.", "count")
    return {name: rows[begin : begin + count], "total_items": len(rows)}


def _get_member(heard: Heard, books: Audience) -> tuple[int, Body]:
    return 200, _member(heard, books).shown()


def _members(heard: Heard, books: Audience) -> tuple[int, Body]:
    """Those in a state who changed since, oldest first where that is asked for."""
    since = datetime.fromisoformat(heard.query.get("since_last_changed", "2000-01-01T00:00:00+00:00"))
    found = [m for m in books.members.values() if m.status == heard.query.get("status", m.status)]
    rows = [m.shown() for m in found if datetime.fromisoformat(m.last_changed) > since]
    if heard.query.get("sort_field") == "last_changed":
        rows.sort(key=lambda row: str(row["last_changed"]), reverse=heard.query.get("sort_dir") == "DESC")
    return 200, _page(heard, "members", rows)


def _put_member(heard: Heard, books: Audience) -> tuple[int, Body]:
    asked = read(PutMember, heard.json)
    if hashed(asked.email_address) != heard.params["member"]:
        raise Refused(400, "Invalid Resource", "The address is another one's.", "email_address")
    found = books.member(heard.params["member"]) or books.add(asked.email_address, asked.status_if_new)
    if asked.status is not None:
        _overwrite(found, asked.status)
    known = {tag: value for tag, value in asked.merge_fields.items() if tag in books.merge_tags}
    found.merge_fields |= known
    found.last_changed = now()
    return 200, found.shown()


def _overwrite(found: Member, status: str) -> None:
    if found.status in _SHUT and status == "subscribed":
        words = f"{found.email} is already a list member in compliance state due to unsubscribe, bounce or complaint."
        raise Refused(400, "Member In Compliance State", words)
    found.status = status


def _tags(heard: Heard, books: Audience) -> tuple[int, Body]:
    rows = [{"id": number, "name": name, "date_added": now()} for number, name in enumerate(_member(heard, books).tags)]
    return 200, _page(heard, "tags", rows)


def _set_tags(heard: Heard, books: Audience) -> tuple[int, None]:
    found = _member(heard, books)
    for tag in read(TagsBody, heard.json).tags:
        found.tags = [name for name in found.tags if name.lower() != tag.name.lower()]
        found.tags += [tag.name] if tag.status == "active" else []
    return 204, None


def _events(heard: Heard, books: Audience) -> tuple[int, Body]:
    """Newest first."""
    rows = [event.model_dump() for event in reversed(_member(heard, books).events)]
    return 200, _page(heard, "events", rows)


def _tell_event(heard: Heard, books: Audience) -> tuple[int, None]:
    found, asked = _member(heard, books), read(EventBody, heard.json)
    event = Occurrence(name=asked.name, properties=asked.properties, occurred_at=asked.occurred_at or now())
    found.events.append(event)
    return 204, None


def _trigger(heard: Heard, books: Audience) -> tuple[int, None]:
    asked = read(TriggerBody, heard.json)
    through = books.journeys.get(f"{heard.params['journey']}/{heard.params['step']}")
    if through is None:
        raise missing()
    found = books.member(hashed(asked.email_address))
    if found is None or found.status != "subscribed":
        raise Refused(400, "Bad Request", "The contact must be subscribed to the journey's audience.")
    if found.hash not in through:
        through.append(found.hash)
    return 204, None


def _hooks(heard: Heard, books: Audience) -> tuple[int, Body]:
    """The secret is told by the answer to the creation alone."""
    rows = [{**hook.shown(), "signing_enabled": True, "signing_secret": ""} for hook in books.webhooks.values()]
    return 200, {"webhooks": rows, "list_id": LIST_ID, "total_items": len(rows)}


def _make_hook(heard: Heard, books: Audience) -> tuple[int, Body]:
    asked = read(HookBody, heard.json)
    if any(hook.url == asked.url for hook in books.webhooks.values()):
        raise Refused(400, "Invalid Resource", "Sorry, you can't set up multiple WebHooks for one URL", "url")
    hook = Hook(id=books.next_id()[:10], **asked.model_dump())
    books.webhooks[hook.id] = hook
    secret = reveal(heard.settings.webhook_secret)
    return 200, {**hook.shown(), "signing_enabled": True, "signing_secret": secret}


def _drop_hook(heard: Heard, books: Audience) -> tuple[int, None]:
    if books.webhooks.pop(heard.params["hook"], None) is None:
        raise missing()
    return 204, None


_MEMBER = "/lists/{list}/members/{member}"
_HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", "/ping"): _ping,
    ("GET", "/lists/{list}"): _get_list,
    ("GET", "/lists/{list}/merge-fields"): _merge_fields,
    ("GET", "/lists/{list}/members"): _members,
    ("GET", _MEMBER): _get_member,
    ("PUT", _MEMBER): _put_member,
    ("GET", f"{_MEMBER}/tags"): _tags,
    ("POST", f"{_MEMBER}/tags"): _set_tags,
    ("GET", f"{_MEMBER}/events"): _events,
    ("POST", f"{_MEMBER}/events"): _tell_event,
    ("POST", "/customer-journeys/journeys/{journey}/steps/{step}/actions/trigger"): _trigger,
    ("GET", "/lists/{list}/webhooks"): _hooks,
    ("POST", "/lists/{list}/webhooks"): _make_hook,
    ("DELETE", "/lists/{list}/webhooks/{hook}"): _drop_hook,
}
ROUTES = [Route(method, f"/3.0{path}", _operation(handle)) for (method, path), handle in _HANDLERS.items()]
