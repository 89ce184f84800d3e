"""Slack's Web API: a message to a channel or a colleague, and how to find it again.

The failure prevented: an alert that goes out twice because the first answer was lost, and a 200 taken for a success.
Slack answers nearly everything with HTTP 200 and says `ok` in the body, so `judge` reads the body.
"""

import re
from collections.abc import Generator
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from platforms.base import Body, Call, Kind, Problem, Reply, Talk, Token, brief, by_status, retry_after_of, reveal
from platforms.capabilities import PostMessage, Receipt
from platforms.errors import InDoubt, Rejected
from platforms.slack import message

if TYPE_CHECKING:
    from platforms.slack import SlackSettings

EVENT_TYPE = "ovation_effect"
SCOPES = ("chat:write", "users:read", "users:read.email", "im:write", "im:history", "channels:history")
"""What a bot needs to post, to find a colleague, and to look a message up again."""

PAGE = 200
PAGES = 10
LOOK_BACK = 7 * 86_400
"""Seconds of history that are read: our message cannot be older than the doubt about it."""

_LOOKUP = "/api/users.lookupByEmail"
_ID = re.compile(r"^[CGD][A-Z0-9]{2,}$")
_JSON = {"Content-Type": "application/json; charset=utf-8"}

_UNAUTHORIZED = {
    *("not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "missing_scope"),
    *("no_permission", "not_allowed_token_type", "ekm_access_denied", "accesslimited", "org_login_required"),
}
_PERHAPS_DONE = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
_WAITS = {"ratelimited": 30.0, "rate_limited": 30.0, "message_limit_exceeded": 3600.0}
"""Seconds to wait where the answer does not say; the last is a free workspace's cap, which no hurry lifts."""


def headers(settings: "SlackSettings", token: Token | None) -> dict[str, str]:
    """A bot token in the Authorization header."""
    return {"Authorization": f"Bearer {reveal(settings.bot_token)}"}


def post_message(action: PostMessage, key: str, settings: "SlackSettings") -> Talk:
    """chat.postMessage. Our key travels as metadata, which is what `find_message` looks for; `client_msg_id` is a
    second belt that Slack does not promise. A user's id as channel opens the direct message by itself."""
    places = yield from _places(action, settings)
    channel = places[0]
    reply = yield Call.post("/api/chat.postMessage", json=_body(action, key, channel), headers=_JSON)
    return _receipt(reply.json.get("channel", channel), reply.json.get("ts"))


def find_message(action: PostMessage, key: str, settings: "SlackSettings") -> Generator[Call, Reply, Receipt | None]:
    """conversations.history wherever the message may have gone: a colleague may have been unknown at the first try,
    so the channel used then is looked through too."""
    places = yield from _places(action, settings)
    for place in places:
        found = yield from _look_through(place, key)
        if found is not None:
            return found
    return None


def doctor(settings: "SlackSettings") -> Talk:
    """auth.test, which any valid token may call; scopes are listed in a header of the answer."""
    reply = yield Call.post("/api/auth.test", json={}, headers=_JSON, writes=False)
    facts: dict[str, object] = {name: reply.json.get(name) for name in ("team", "team_id", "user_id", "bot_id")}
    if granted := reply.headers.get("x-oauth-scopes"):
        facts["missing_scopes"] = sorted(set(SCOPES) - {scope.strip() for scope in granted.split(",")})
    return Receipt(reference=reply.json.get("bot_id"), facts=facts)


def judge(reply: Reply, call: Call) -> Problem | None:
    """`ok` decides, by the list of errors in chat.postMessage; a word not listed there means it was not done."""
    if not reply.ok:
        return by_status(reply, call)
    if not isinstance(reply.json, dict) or not isinstance(reply.json.get("ok"), bool):
        return Problem(_lost(call), f"not an answer of Slack's: {brief(reply, 80)}")
    if reply.json["ok"]:
        return None
    error = str(reply.json.get("error"))
    if call.path == _LOOKUP and error == "users_not_found":
        return None  # an answer, not a fault: the message then goes to a channel
    if error in _WAITS:
        return Problem("rate-limited", error, retry_after_of(reply, _WAITS[error]))
    if error in _PERHAPS_DONE:
        return Problem(_lost(call), error)
    return Problem("unauthorized" if error in _UNAUTHORIZED else "rejected", _explained(error, reply.json))


def _lost(call: Call) -> Kind:
    return "in doubt" if call.writes else "unavailable"


def _explained(error: str, body: Body) -> str:
    """The error with what Slack adds: the scope it wants, the blocks it could not read."""
    metadata = body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    more = [f"needed: {body['needed']}"] if body.get("needed") else []
    more += [str(m) for m in messages] if isinstance(messages, list) else []
    return "; ".join([error, *more])[:300]


def _places(action: PostMessage, settings: "SlackSettings") -> Generator[Call, Reply, list[str]]:
    """Where the message goes, and, for a colleague, where it would go if Slack did not know them."""
    user = (yield from _user(action.person_email)) if action.person_email else None
    places = [place for place in (user, action.channel or settings.fallback_channel) if place]
    if not places:
        whom = "nobody of this e-mail address is in Slack" if action.person_email else "no channel is named"
        raise Rejected(f"{whom}, and OVATION_SLACK__FALLBACK_CHANNEL is not set")
    return places


def _user(email: str) -> Generator[Call, Reply, str | None]:
    """users.lookupByEmail, a read method: query, not JSON."""
    reply = yield Call.get(_LOOKUP, query={"email": email})
    return str(reply.json["user"]["id"]) if reply.json["ok"] else None


def _body(action: PostMessage, key: str, channel: str) -> Body:
    return {
        "channel": channel,
        "text": message.notification(action.title, action.text),
        "blocks": message.blocks(action.title, action.text),
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"effect": key}},
        "client_msg_id": str(uuid5(NAMESPACE_URL, key)),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _look_through(place: str, key: str) -> Generator[Call, Reply, Receipt | None]:
    """Newest first, back to a week before the newest message. Not reaching that far is no proof of absence."""
    channel = yield from _readable(place)
    query = {"channel": channel, "limit": str(PAGE), "include_all_metadata": "true"}
    newest = 0
    for _ in range(PAGES):
        page = (yield Call.get("/api/conversations.history", query=query)).json
        messages = page.get("messages") or []
        for sent in messages:
            if _effect(sent) == key:
                return _receipt(channel, sent["ts"])
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        newest = newest or (_second(messages[0]) if messages else 0)
        if not cursor or not messages or _second(messages[-1]) < newest - LOOK_BACK:
            return None
        query = {**query, "cursor": cursor}
    raise InDoubt(f"{channel} is too busy: the message is not among its last {PAGES} pages")


def _readable(place: str) -> Generator[Call, Reply, str]:
    """History is read by the conversation's id. conversations.open gives a colleague's; calling it again changes
    nothing, so a lost answer is no doubt."""
    if _ID.match(place):
        return place
    if not place.startswith(("U", "W")):
        raise InDoubt(f"a channel set by name cannot be read back; set its id instead of {place}")
    reply = yield Call.post("/api/conversations.open", json={"users": place}, headers=_JSON, writes=False)
    return str(reply.json["channel"]["id"])


def _effect(sent: Body) -> object:
    metadata = sent.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    return (metadata.get("event_payload") or {}).get("effect")


def _second(sent: Body) -> int:
    """A `ts` is an id that begins with the second it was made in; as a float it would lose digits."""
    return int(str(sent["ts"]).partition(".")[0])


def _receipt(channel: str, ts: str | None) -> Receipt:
    return Receipt(reference=f"{channel}:{ts}", facts={"channel": channel, "ts": ts})
