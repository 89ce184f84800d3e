"""Prevents: an alert that goes out twice or pings everybody, a 200 taken for success, and a forged click taken in."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import SecretStr

from platforms.base import IGNORED, Call, Incoming, Reply
from platforms.capabilities import PostMessage
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected
from platforms.slack import SlackSettings, client, message, webhook
from platforms.slack.stand_in import STAND_IN, Sent, Workspace
from platforms.slack.stand_in_requests import PostMessageArguments
from platforms.stand_in import Heard

SPEC = Path(__file__).resolve().parents[3] / "shared/contracts/specs/slack-web.json"
FIXTURES = Path(webhook.__file__).parent / "fixtures"
SETTINGS = SlackSettings(bot_token=SecretStr("xoxb-1"), webhook_secret=SecretStr("slack-signing-secret"))
FALLING_BACK = SETTINGS.model_copy(update={"fallback_channel": "C0FALLBACK"})
ALERT = PostMessage(channel="C123ABC456", title="New referral", text="Ada referred Bo")
TO_CSM = PostMessage(person_email="csm@acme.example", title="New referral", text="Ada referred Bo")
TO_STRANGER = PostMessage(person_email="who@acme.example", title="New referral", text="Ada referred Bo")
KEY = "j_1a2b/notify/post_message"
NOW = datetime.fromtimestamp(1766000000, UTC)


def heard(call: Call, settings: SlackSettings = SETTINGS) -> Heard:
    return Heard(
        method=call.method,
        path=call.path,
        params={},
        query=call.query or {},
        headers={k.lower(): v for k, v in {**call.headers, **client.headers(settings, None)}.items()},
        body=json.dumps(call.json).encode() if call.json is not None else b"",
        json=json.loads(json.dumps(call.json)) if call.json is not None else None,
        form={},
        settings=settings,
    )


def ask(call: Call, books: Workspace, settings: SlackSettings = SETTINGS) -> Reply:
    """The stand-in's answer to a call."""
    request = heard(call, settings)
    route = next(r for r in STAND_IN.routes if r.method == call.method and r.pattern.match(call.path))
    answer = STAND_IN.guard(request) or route.handler(request, books)
    names = {k.lower(): v for k, v in answer.headers.items()}
    return Reply(answer.status, json=json.loads(json.dumps(answer.json)), text=json.dumps(answer.json), headers=names)


def converse(talk: Generator[Call, Reply, Any], books: Workspace) -> tuple[Any, list[Call]]:
    """Plays a talk against the stand-in; every reply must be judged good."""
    calls, reply = [], None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as stop:
            return stop.value, calls
        calls.append(call)
        reply = ask(call, books)
        assert client.judge(reply, call) is None, reply.json


def kind(error: str, *, writes: bool = True, **more: object) -> str:
    reply = Reply(200, json={"ok": False, "error": error, **more})
    problem = client.judge(reply, Call("POST", "/api/chat.postMessage", writes=writes))
    assert problem is not None
    return problem.kind


# Out


def test_a_message_carries_our_key_where_the_look_up_reads_it() -> None:
    receipt, [call] = converse(client.post_message(ALERT, KEY, SETTINGS), Workspace())
    assert call.path == "/api/chat.postMessage"
    assert call.writes
    assert call.json == {
        "channel": "C123ABC456",
        "text": "New referral: Ada referred Bo",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "New referral"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "Ada referred Bo", "verbatim": True}},
        ],
        "metadata": {"event_type": "ovation_effect", "event_payload": {"effect": KEY}},
        "client_msg_id": call.json["client_msg_id"],
        "unfurl_links": False,
        "unfurl_media": False,
    }
    assert receipt.reference == f"C123ABC456:{receipt.facts['ts']}"


def test_the_same_key_gives_the_same_bytes() -> None:
    first, second = (converse(client.post_message(ALERT, KEY, SETTINGS), Workspace())[1] for _ in range(2))
    assert first == second


def test_a_colleague_is_found_by_address_and_written_to_directly() -> None:
    receipt, calls = converse(client.post_message(TO_CSM, KEY, SETTINGS), Workspace())
    assert [c.path for c in calls] == ["/api/users.lookupByEmail", "/api/chat.postMessage"]
    assert calls[0].query == {"email": "csm@acme.example"}
    assert calls[1].json["channel"] == "U222222222"
    assert receipt.facts["channel"] == "D222222222"


def test_a_stranger_falls_back_to_the_channel() -> None:
    receipt, _ = converse(client.post_message(TO_STRANGER, KEY, FALLING_BACK), Workspace())
    assert receipt.facts["channel"] == "C0FALLBACK"


@pytest.mark.parametrize("action", [TO_STRANGER, PostMessage(title="x", text="y")])
def test_nowhere_to_go_is_rejected_and_names_the_setting(action: PostMessage) -> None:
    with pytest.raises(Rejected, match="OVATION_SLACK__FALLBACK_CHANNEL"):
        converse(client.post_message(action, KEY, SETTINGS), Workspace())


@pytest.mark.parametrize("action", [ALERT, TO_CSM, TO_STRANGER])
def test_a_message_is_found_again(action: PostMessage) -> None:
    books = Workspace()
    assert converse(client.find_message(action, KEY, FALLING_BACK), books)[0] is None
    receipt, _ = converse(client.post_message(action, KEY, FALLING_BACK), books)
    converse(client.post_message(action, "another", FALLING_BACK), books)
    assert converse(client.find_message(action, KEY, FALLING_BACK), books)[0] == receipt


def test_a_colleague_who_joined_since_is_looked_for_in_the_fallback_channel_too() -> None:
    books = Workspace()
    receipt, _ = converse(client.post_message(TO_STRANGER, KEY, FALLING_BACK), books)
    STAND_IN.moves["seed"]({"email": "who@acme.example"}, books)
    assert converse(client.find_message(TO_STRANGER, KEY, FALLING_BACK), books)[0] == receipt


def busy(seconds_apart: int, count: int) -> Workspace:
    sent = [Sent(channel="C123ABC456", ts=f"{1766000000 + n * seconds_apart}.000000", text="x") for n in range(count)]
    return Workspace(messages=sent)


def test_the_look_up_turns_pages() -> None:
    books = busy(1, 0)
    receipt, _ = converse(client.post_message(ALERT, KEY, SETTINGS), books)
    second = int(str(receipt.facts["ts"]).partition(".")[0])
    books.messages += [Sent(channel="C123ABC456", ts=f"{second + 1 + n}.000000", text="x") for n in range(450)]
    found, calls = converse(client.find_message(ALERT, KEY, SETTINGS), books)
    assert found == receipt
    assert [("cursor" in (c.query or {})) for c in calls] == [False, True, True]


def test_the_look_up_stops_a_week_before_the_newest_message() -> None:
    found, calls = converse(client.find_message(ALERT, KEY, SETTINGS), busy(3600, 1000))
    assert found is None
    assert len(calls) == 1


def test_a_channel_too_busy_to_read_leaves_the_doubt() -> None:
    with pytest.raises(InDoubt):
        converse(client.find_message(ALERT, KEY, SETTINGS), busy(1, 2100))


def test_a_channel_set_by_name_leaves_the_doubt() -> None:
    with pytest.raises(InDoubt, match="set its id"):
        converse(client.find_message(ALERT.model_copy(update={"channel": "#referrals"}), KEY, SETTINGS), Workspace())


def test_the_doctor_names_the_workspace_and_missing_scopes() -> None:
    receipt, [call] = converse(client.doctor(SETTINGS), Workspace())
    assert not call.writes
    assert receipt.facts["team"] == "Acme"
    assert receipt.facts["missing_scopes"] == []
    talk = client.doctor(SETTINGS)
    next(talk)
    with pytest.raises(StopIteration) as stop:
        talk.send(Reply(200, json={"ok": True, "team": "Acme"}, headers={"x-oauth-scopes": "chat:write,im:write"}))
    assert "users:read.email" in stop.value.value.facts["missing_scopes"]


# Words


def test_a_name_cannot_ping_anybody() -> None:
    call = converse(client.post_message(PostMessage(channel="C123ABC456", title="<!here>", text="<@U1> & co"), KEY,
                                        SETTINGS), Workspace())[1][0]  # fmt: skip
    assert "<" not in json.dumps(call.json)
    assert "&lt;@U1&gt; &amp; co" in json.dumps(call.json)


def test_links_can_be_clicked_and_nothing_else_is_markup() -> None:
    assert message.sections("See https://x.example/a?b=1&c=2, <https://evil.example|x>.") == [
        "See <https://x.example/a?b=1&amp;c=2>, &lt;<https://evil.example>|x&gt;."
    ]


def test_a_long_text_is_cut_at_spaces_and_at_four_sections() -> None:
    parts = message.sections("a & b " * 5000)
    assert len(parts) == 4
    assert all(len(part) <= 3000 and "&amp" not in part.replace("&amp;", "") for part in parts)
    assert parts[-1].endswith(" …")


@pytest.mark.parametrize("text", ["&" * 9000, "https://x.example/" + "a" * 9000, "x" * 3001, "word " * 601])
def test_no_piece_is_empty_or_too_long(text: str) -> None:
    assert all(0 < len(part) <= 3000 for part in message.sections(text))


def test_a_title_fits_the_header_after_escaping() -> None:
    [header] = message.blocks("&" * 200, "")
    assert len(header["text"]["text"]) <= 150
    assert header["text"]["text"].endswith("&amp;…")


# Errors


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        *[(e, "rejected") for e in ("channel_not_found", "not_in_channel", "is_archived", "invalid_blocks", "no_text")],
        *[(e, "rejected") for e in ("msg_too_long", "restricted_action", "never_heard_of", "users_not_found")],
        *[(e, "unauthorized") for e in ("not_authed", "invalid_auth", "missing_scope", "token_revoked")],
        *[(e, "rate-limited") for e in ("ratelimited", "rate_limited", "message_limit_exceeded")],
        *[(e, "in doubt") for e in ("internal_error", "fatal_error", "service_unavailable", "request_timeout")],
    ],
)
def test_each_error_has_its_kind(error: str, wanted: str) -> None:
    assert kind(error) == wanted


def test_a_fault_while_reading_is_no_doubt() -> None:
    assert kind("internal_error", writes=False) == "unavailable"


def test_an_unknown_colleague_is_an_answer() -> None:
    call = Call.get("/api/users.lookupByEmail")
    assert client.judge(Reply(200, json={"ok": False, "error": "users_not_found"}), call) is None
    assert client.judge(Reply(200, json={"ok": False, "error": "invalid_auth"}), call).kind == "unauthorized"


def test_the_vendors_429_and_500() -> None:
    call = Call.post("/api/chat.postMessage")
    limited = client.judge(Reply(429, json={"ok": False, "error": "ratelimited"}, headers={"retry-after": "7"}), call)
    assert (limited.kind, limited.retry_after) == ("rate-limited", 7.0)
    assert client.judge(Reply(500), call).kind == "in doubt"
    assert client.judge(Reply(200, text="<html>"), call).kind == "in doubt"


def test_the_message_names_the_scope_and_the_block() -> None:
    call = Call.post("/api/chat.postMessage")
    reply = Reply(200, json={"ok": False, "error": "missing_scope", "needed": "chat:write", "provided": "im:write"})
    assert client.judge(reply, call).message == "missing_scope; needed: chat:write"
    books = Workspace()
    reply = ask(Call.post("/api/chat.postMessage", json={"channel": "C123ABC456", "blocks": [{"type": "header"}]},
                          headers={"Content-Type": "application/json"}), books)  # fmt: skip
    assert client.judge(reply, call).message.startswith("invalid_blocks; [ERROR]")


# In


def incoming(body: bytes, headers: dict[str, str] | None = None, content_type: str = "application/json") -> Incoming:
    given = {"content-type": content_type, **{k.lower(): v for k, v in (headers or {}).items()}}
    return Incoming("POST", "https://ovation.example/webhooks/slack", given, {}, body)


def test_our_signature_vector() -> None:
    signed = webhook.sign(b'{"type":"event_callback","event_id":"Ev0192"}', SETTINGS, "", NOW)
    assert signed == {
        "X-Slack-Request-Timestamp": "1766000000",
        "X-Slack-Signature": "v0=29cba8fa2e72b75d9a82225fe592ac2ad65ceb0816895e057063fe2530282e26",
    }


def test_slacks_own_signature_vector() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    settings = SlackSettings(webhook_secret=SecretStr("8f742231b10e8888abcd99yyyzzz85a5"))
    signed = {"X-Slack-Request-Timestamp": "1531420618", "X-Slack-Signature": signature}
    webhook.verify(incoming(body, signed), settings, datetime.fromtimestamp(1531420618, UTC))


@pytest.mark.parametrize("late", [-301, -299, 0, 299, 301])
def test_the_replay_window_is_five_minutes_both_ways(late: int) -> None:
    request = incoming(b"{}", webhook.sign(b"{}", SETTINGS, "", NOW))
    if abs(late) < 300:
        webhook.verify(request, SETTINGS, NOW + timedelta(seconds=late))
    else:
        with pytest.raises(BadSignature):
            webhook.verify(request, SETTINGS, NOW + timedelta(seconds=late))


@pytest.mark.parametrize(
    "change",
    [
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=é"},
        {"X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "1766000001"},
        {"X-Slack-Request-Timestamp": "soon"},
    ],
)
def test_a_forged_request_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        webhook.verify(incoming(b"{}", webhook.sign(b"{}", SETTINGS, "", NOW) | change), SETTINGS, NOW)


def test_without_a_secret_nothing_is_verified() -> None:
    bare = SlackSettings()
    with pytest.raises(BadSignature, match="WEBHOOK_SECRET"):
        webhook.verify(incoming(b"{}", webhook.sign(b"{}", SETTINGS, "", NOW)), bare, NOW)
    with pytest.raises(ValueError, match="WEBHOOK_SECRET"):
        webhook.sign(b"{}", bare, "", NOW)


def test_the_handshake_echoes_a_signed_challenge_only() -> None:
    body = (FIXTURES / "url_verification__handshake.json").read_bytes()
    answer = webhook.handshake(incoming(body, webhook.sign(body, SETTINGS, "", NOW)), SETTINGS)
    assert answer is not None
    assert answer.text == "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    with pytest.raises(BadSignature):
        webhook.handshake(incoming(body), SETTINGS)
    event = (FIXTURES / "reaction_added__message.json").read_bytes()
    assert webhook.handshake(incoming(event), SETTINGS) is None


@pytest.mark.parametrize("path", sorted(p for p in FIXTURES.iterdir() if ".out." not in p.name and p.suffix != ".md"),
                         ids=lambda p: p.name)  # fmt: skip
def test_fixtures_are_known_and_move_nothing(path: Path) -> None:
    kind_of = "application/json" if path.suffix == ".json" else "application/x-www-form-urlencoded"
    [(name, _)] = webhook.unpack(incoming(path.read_bytes(), content_type=kind_of))
    assert name == path.name.partition("__")[0]
    assert webhook.INBOUND.events[name] is IGNORED
    assert json.loads(path.with_suffix("").with_suffix(".out.json").read_text()) == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"\xff", b"{}", b"null", b'{"type": 1}', b'{"type":"event_callback"}', b"[" * 100_000),
        b'{"type":"event_callback","event_id":"Ev1","event":{}}',
        b'{"type":"event_callback","event":{"type":"x"}}',
    ],
)
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(incoming(body))


@pytest.mark.parametrize("body", [b"", b"payload=", b"payload=%ff", b"payload=[]", b"command=%2Fx"])
def test_a_form_that_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(incoming(body, content_type="application/x-www-form-urlencoded"))


# The stand-in and Slack's document


@pytest.mark.parametrize(("token", "error"), [(None, "not_authed"), ("xoxb-2", "invalid_auth")])
def test_the_stand_in_knows_its_token(token: str | None, error: str) -> None:
    request = heard(Call.post("/api/auth.test"))
    given = {"authorization": f"Bearer {token}"} if token else {}
    answer = STAND_IN.guard(Heard(**{**vars(request), "headers": given}))
    assert answer is not None
    assert answer.json == {"ok": False, "error": error}


def test_a_read_method_does_not_read_json() -> None:
    call = Call.post("/api/conversations.history", json={"channel": "C123ABC456"},
                     headers={"Content-Type": "application/json"})  # fmt: skip
    assert ask(call, Workspace()).json["ok"] is False


def test_metadata_without_the_flag_lacks_its_payload() -> None:
    books = Workspace()
    converse(client.post_message(ALERT, KEY, SETTINGS), books)
    page = ask(Call.get("/api/conversations.history", query={"channel": "C123ABC456"}), books).json
    assert page["messages"][0]["metadata"] == {"event_type": "ovation_effect"}


def test_a_repeat_posts_twice_here() -> None:
    books = Workspace()
    for _ in range(2):
        converse(client.post_message(ALERT, KEY, SETTINGS), books)
    assert len(books.messages) == 2
    Workspace.model_validate_json(books.model_dump_json())


def test_a_reaction_comes_as_an_event() -> None:
    books = Workspace()
    converse(client.post_message(ALERT, KEY, SETTINGS), books)
    [sent] = STAND_IN.moves["react"]({}, books).webhooks
    assert [name for name, _ in webhook.unpack(incoming(sent.body))] == ["reaction_added"]


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("Slack's document is not beside this checkout")
    return json.loads(SPEC.read_text())


def current(schema: Any) -> Any:
    """Swagger 2.0 as JSON Schema; answers have grown since 2021, so further fields are allowed."""
    if isinstance(schema, list):
        return [current(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {k: current(v) for k, v in schema.items() if k not in ("additionalProperties", "x-any-of", "x-nullable")}
    if "x-any-of" in schema:
        kept.pop("items", None)
        kept["anyOf"] = [current(part) for part in schema["x-any-of"]]
    return {"anyOf": [kept, {"type": "null"}]} if schema.get("x-nullable") is True else kept


def test_every_call_and_answer_fits_the_document(spec: dict[str, Any]) -> None:
    books, seen = Workspace(), set()
    for talk in (
        client.doctor(SETTINGS),
        client.post_message(TO_CSM, KEY, SETTINGS),
        client.find_message(TO_CSM, KEY, SETTINGS),
    ):
        _, calls = converse(talk, books)
        for call in calls:
            path = call.path.removeprefix("/api")
            [(method, operation)] = [item for item in spec["paths"][path].items() if item[0] in ("get", "post")]
            given = {**(call.query or {}), **(call.json or {})}
            arguments = {p["name"]: p for p in operation["parameters"]}
            later = {"metadata", "client_msg_id", "include_all_metadata"}
            assert set(given) - set(arguments) - later == set()
            assert {n for n, p in arguments.items() if p.get("required")} - {"token"} <= set(given)
            answer = ask(call, books).json
            schema = current({**operation["responses"]["200"]["schema"], "definitions": spec["definitions"]})
            jsonschema.validate(answer, schema, cls=jsonschema.Draft4Validator)
            seen.add((method, path))
    assert {path for _, path in seen} == {r.path.removeprefix("/api") for r in STAND_IN.routes}


def test_the_stand_in_takes_every_argument_of_the_document(spec: dict[str, Any]) -> None:
    published = {p["name"] for p in spec["paths"]["/chat.postMessage"]["post"]["parameters"]} - {"token"}
    assert published <= set(PostMessageArguments.model_fields)
    later = {"blocks", "metadata", "client_msg_id"}
    assert set(PostMessageArguments.model_fields) - published <= later


def test_the_errors_we_act_on_are_the_documents(spec: dict[str, Any]) -> None:
    listed = spec["paths"]["/users.lookupByEmail"]["get"]["responses"]["default"]["schema"]["properties"]["error"]
    assert "users_not_found" in listed["enum"]
