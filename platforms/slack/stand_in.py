"""Slack's double: five methods, a workspace with people in it, and the messages that were posted.

Strict where Slack is lenient about arguments it does not know. `client_msg_id` is taken and not acted on, because Slack
does not promise anything about it: a message posted twice is here twice.
"""

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, Field, SecretStr, ValidationError

from platforms.base import Body, reveal
from platforms.slack import SlackSettings
from platforms.slack.client import SCOPES
from platforms.slack.stand_in_requests import (
    HistoryArguments,
    LookupArguments,
    MethodArguments,
    OpenArguments,
    PostMessageArguments,
    Strict,
)
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook

TEAM, BOT, BOT_USER, APP = "T123ABC456", "B123ABC456", "U0BOT00001", "A123ABC456"


class Sent(BaseModel):
    """A message as the workspace keeps it."""

    channel: str
    ts: str
    text: str
    blocks: list[Body] = Field(default_factory=list)
    metadata: Body | None = None
    client_msg_id: str | None = None


class Workspace(BaseModel):
    """The books. `people`: e-mail address → user id."""

    people: dict[str, str] = Field(default_factory=lambda: {"csm@acme.example": "U222222222"})
    messages: list[Sent] = Field(default_factory=list)
    last_micros: int = 0
    events: int = 0

    def next_ts(self) -> str:
        """An id that is also the time, never given twice."""
        self.last_micros = max(time.time_ns() // 1000, self.last_micros + 1)
        return f"{self.last_micros // 10**6}.{self.last_micros % 10**6:06d}"


Arguments = TypeVar("Arguments", bound=MethodArguments)


class _Refused(Exception):
    def __init__(self, error: str, **more: object) -> None:
        super().__init__(error)
        self.answer = Answer(json={"ok": False, "error": error, **more})


def _method(handle: Callable[[Heard, Workspace], Body]) -> Callable[[Heard, Workspace], Answer]:
    def answer(heard: Heard, books: Workspace) -> Answer:
        try:
            return Answer(json={"ok": True, **handle(heard, books)})
        except _Refused as refused:
            return refused.answer

    return answer


def _arguments(model: type[Arguments], heard: Heard, *, reads: bool = False) -> Arguments:
    """Query and form everywhere; a JSON body is not looked at by the methods that only read."""
    given: Body = {**heard.query, **heard.form}
    if heard.headers.get("content-type", "").startswith("application/json") and heard.body and not reads:
        if not isinstance(heard.json, dict):
            raise _Refused("invalid_json" if heard.json is None else "json_not_object")
        given |= heard.json
    try:
        return model.model_validate(given)
    except (ValidationError, ValueError) as error:
        raise _fault(error) from error


def _fault(error: ValueError) -> _Refused:
    first = error.errors()[0] if isinstance(error, ValidationError) else None
    where = [str(part) for part in first["loc"] if not str(part).startswith("_")] if first else []
    said = f"[ERROR] {first['msg'] if first else 'not JSON'} [json-pointer:/{'/'.join(where)}]"
    word = {"blocks": "invalid_blocks", "channel": "channel_not_found", "metadata": "invalid_metadata_format"}
    return _Refused(word.get(where[0] if where else "", "invalid_arguments"), response_metadata={"messages": [said]})


@_method
def _auth_test(heard: Heard, books: Workspace) -> Body:
    names = {"url": "https://acme.slack.com/", "team": "Acme", "user": "ovation"}
    return {**names, "team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT, "is_enterprise_install": False}


def _auth_test_with_scopes(heard: Heard, books: Workspace) -> Answer:
    answer = _auth_test(heard, books)
    return Answer(json=answer.json, headers={"x-oauth-scopes": ",".join(SCOPES)})


@_method
def _lookup_by_email(heard: Heard, books: Workspace) -> Body:
    user = books.people.get(_arguments(LookupArguments, heard, reads=True).email.lower())
    if user is None:
        raise _Refused("users_not_found")
    name = next(email for email, known in books.people.items() if known == user).partition("@")[0]
    return {"user": _person(user, name)}


@_method
def _post_message(heard: Heard, books: Workspace) -> Body:
    asked = _arguments(PostMessageArguments, heard)
    channel = _channel(asked.channel, books)
    if not asked.text and not asked.blocks and not asked.attachments:
        raise _Refused("no_text")
    blocks = [block.model_dump(exclude_none=True) for block in asked.blocks]
    if sum(len(block["text"]["text"]) for block in blocks) > 13_000:
        raise _Refused("msg_blocks_too_long")
    sent = Sent(
        channel=channel,
        ts=books.next_ts(),
        text=asked.text or "",
        blocks=blocks,
        metadata=asked.metadata.model_dump() if asked.metadata else None,
        client_msg_id=asked.client_msg_id,
    )
    books.messages.append(sent)
    return {"channel": channel, "ts": sent.ts, "message": _shown(sent, whole=True)}


@_method
def _open(heard: Heard, books: Workspace) -> Body:
    asked = _arguments(OpenArguments, heard)
    if not asked.users:
        raise _Refused("users_list_not_supplied")
    if asked.users not in books.people.values():
        raise _Refused("user_not_found")
    return {"no_op": True, "already_open": True, "channel": {"id": _direct(asked.users)}}


@_method
def _history(heard: Heard, books: Workspace) -> Body:
    """Newest first. Without the flag, metadata lacks its payload."""
    asked = _arguments(HistoryArguments, heard, reads=True)
    if not re.match(r"^[CGD][A-Z0-9]{8,}$", asked.channel):
        raise _Refused("channel_not_found")
    kept = [m for m in reversed(books.messages) if m.channel == asked.channel and _within(m.ts, asked)]
    begin = _place_of(asked.cursor)
    page, more = kept[begin : begin + asked.limit], len(kept) > begin + asked.limit
    shown = [_shown(m, whole=asked.include_all_metadata) for m in page]
    body = {"messages": shown, "has_more": more, "pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0}
    if more:
        cursor = base64.b64encode(f"next_ts:{begin + asked.limit}".encode()).decode()
        body["response_metadata"] = {"next_cursor": cursor}
    return body


def _within(ts: str, asked: HistoryArguments) -> bool:
    after = ts >= asked.oldest if asked.inclusive else ts > asked.oldest
    before = asked.latest is None or (ts <= asked.latest if asked.inclusive else ts < asked.latest)
    return after and before


def _place_of(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("next_ts:"))
    except ValueError as error:
        raise _Refused("invalid_cursor") from error


def _channel(named: str, books: Workspace) -> str:
    """An id stays; a person's becomes their direct message; a name is looked up, here: made up."""
    if named in books.people.values():
        return _direct(named)
    if re.match(r"^[CGD][A-Z0-9]{8,}$", named):
        return named
    if re.match(r"^#?[a-z0-9][a-z0-9_-]{0,79}$", named):
        return "C" + hashlib.sha256(named.lstrip("#").encode()).hexdigest()[:9].upper()
    raise _Refused("channel_not_found")


def _direct(user: str) -> str:
    return f"D{user[1:]}"


def _shown(sent: Sent, *, whole: bool) -> Body:
    shown: Body = {"type": "message", "subtype": "bot_message", "text": sent.text, "ts": sent.ts, "bot_id": BOT}
    if sent.blocks:
        shown["blocks"] = sent.blocks
    if sent.metadata:
        shown["metadata"] = sent.metadata if whole else {"event_type": sent.metadata["event_type"]}
    return shown


def _person(user: str, name: str) -> Body:
    blank = dict.fromkeys(("title", "phone", "skype", "status_text", "status_emoji", "avatar_hash"), "")
    names = dict.fromkeys(("real_name", "display_name", "real_name_normalized", "display_name_normalized"), name)
    profile = {**blank, **names, "fields": []}
    return {"id": user, "name": name, "profile": profile, "is_bot": False, "is_app_user": False, "updated": 1766000000}


def _guard(heard: Heard) -> Answer | None:
    given = heard.headers.get("authorization", "")
    if not given:
        return Answer(json={"ok": False, "error": "not_authed"})
    if given != f"Bearer {reveal(heard.settings.bot_token)}":
        return Answer(json={"ok": False, "error": "invalid_auth"})
    return None


class Joining(Strict):
    """The move `seed`: a colleague joins the workspace."""

    email: str
    id: str | None = Field(default=None, pattern=r"^[UW][A-Z0-9]{8,}$")


class Reacting(Strict):
    """The move `react`: a colleague reacts to the newest message."""

    reaction: str = "tada"
    user: str = "U222222222"


def _seed(given: Any, books: Workspace) -> Answer:
    try:
        joining = Joining.model_validate(given)
    except ValidationError as error:
        return _not_understood(error)
    email = joining.email.lower()
    books.people[email] = joining.id or "U" + hashlib.sha256(email.encode()).hexdigest()[:9].upper()
    return Answer(json={"ok": True, "id": books.people[email]})


def _react(given: Any, books: Workspace) -> Answer:
    try:
        reacting = Reacting.model_validate(given)
    except ValidationError as error:
        return _not_understood(error)
    if not books.messages:
        return Answer(404, json={"ok": False, "error": "message_not_found"})
    sent = books.messages[-1]
    books.events += 1
    event: Body = {
        "type": "reaction_added",
        "user": reacting.user,
        "reaction": reacting.reaction,
        "item": {"type": "message", "channel": sent.channel, "ts": sent.ts},
        "event_ts": books.next_ts(),
    }
    body: Body = {"team_id": TEAM, "api_app_id": APP, "type": "event_callback", "event_id": f"Ev{books.events:09d}"}
    body |= {"event_time": int(time.time()), "event": event}
    return Answer(json={"ok": True}, webhooks=[Webhook(json.dumps(body).encode())])


def _not_understood(error: ValidationError) -> Answer:
    return Answer(422, json={"errors": error.errors(include_url=False, include_context=False)})


_METHODS = {
    "auth.test": _auth_test_with_scopes,
    "users.lookupByEmail": _lookup_by_email,
    "chat.postMessage": _post_message,
    "conversations.open": _open,
    "conversations.history": _history,
}

STAND_IN = StandIn(
    name="slack",
    books=Workspace,
    routes=[Route(verb, f"/api/{name}", handle) for name, handle in _METHODS.items() for verb in ("POST", "GET")],
    guard=_guard,
    rate_limited=lambda: Answer(429, json={"ok": False, "error": "ratelimited"}, headers={"Retry-After": "1"}),
    broken=lambda: Answer(500, json={"ok": False, "error": "internal_error"}),
    settings=lambda: SlackSettings(
        bot_token=SecretStr("xoxb-sandbox"),
        webhook_secret=SecretStr("slack-sandbox-signing-secret"),
        fallback_channel="C0SANDBOX1",
    ),
    moves={"seed": _seed, "react": _react},
)
