"""Prevents: a second box because an answer was lost, a box to nowhere, and a delivery that a stranger made up."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError

from models.contact import Address
from models.event import Event
from platforms.base import IGNORED, Call, Incoming, Reply
from platforms.boxli import PLATFORM, BoxliSettings, client, webhook
from platforms.boxli.stand_in import STAND_IN
from platforms.boxli.stand_in_books import Books
from platforms.boxli.stand_in_requests import NewSend
from platforms.capabilities import Receipt, SendGift
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected
from platforms.stand_in import Answer, Heard

SPEC = Path(__file__).resolve().parents[3] / "shared/contracts/specs/boxli-own.json"
FIXTURES = Path(webhook.__file__).parent / "fixtures"
SECRET = "whsec_Ym94bGktc2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXM="
SETTINGS = BoxliSettings(base_url="https://b.example", api_key=SecretStr("key"), webhook_secret=SecretStr(SECRET))
KEY = "j_5afm9g0mjvkyzrhj/second_gift:r_0123456789abcdef/send_gift"
ADDRESS = Address(line1="1 Engine Way", city="London", postal_code="N1 1AA", country="GB")
GIFT = SendGift(
    box="advocate",
    name="Ada Lovelace",
    email="ada@example.com",
    company="Analytical Engines",
    address=ADDRESS,
    video_url="https://video.example/share/997f",
    qr_url="https://hub.example.com/q/7Hk2",
    note="Thank you, Ada.",
    first_in_line=True,
)
ASKED_FOR = GIFT.model_copy(update={"address": None})
VECTOR = (
    b'{"type":"send.delivered","timestamp":"2026-01-15T10:00:00Z","data":{"id":"snd_1","external_reference":"fx_0192"}}'
)
VECTOR_HEADERS = {
    "webhook-id": "msg_1",
    "webhook-timestamp": "1768471200",
    "webhook-signature": "v1,/EnkBcCjj7DV+EOdvXJdckYbMMgErqAgw3eqIW6Jigw=",
}
NOW = datetime.fromtimestamp(1768471200, UTC)


def heard(call: Call, settings: BoxliSettings = SETTINGS) -> Heard:
    return Heard(
        method=call.method,
        path=call.path,
        params={},
        query=call.query or {},
        headers={k.lower(): v for k, v in {**call.headers, **client.headers(settings, None)}.items()},
        body=json.dumps(call.json).encode() if call.json is not None else b"",
        json=json.loads(json.dumps(call.json)) if call.json is not None else None,
        form={},
        settings=SETTINGS,
    )


def reply_of(answer: Answer) -> Reply:
    names = {k.lower(): v for k, v in answer.headers.items()}
    return Reply(answer.status, json.loads(json.dumps(answer.json)), json.dumps(answer.json), names)


def ask(call: Call, books: Books, settings: BoxliSettings = SETTINGS) -> Reply:
    """The stand-in's answer to a call."""
    request = heard(call, settings)
    route = next(r for r in STAND_IN.routes if r.method == call.method and r.pattern.match(call.path))
    return reply_of(STAND_IN.guard(request) or route.handler(request, books))


def converse(talk: Generator[Call, Reply, Any], books: Books) -> tuple[Any, list[Call]]:
    """Plays a talk against the stand-in; every reply must be one that the talk wants to read."""
    calls, reply = [], None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as stop:
            return stop.value, calls
        calls.append(call)
        reply = ask(call, books)
        assert reply.status in call.accepts or client.judge(reply, call) is None, reply.json


def told(talk: Generator[Call, Reply, Any], *replies: Reply) -> Any:
    """What a talk makes of these replies."""
    next(talk)
    for reply in replies:
        try:
            talk.send(reply)
        except StopIteration as stop:
            return stop.value
    raise AssertionError("the talk wants to go on")


def order(books: Books, action: SendGift = GIFT, key: str = KEY) -> Receipt:
    receipt: Receipt = converse(client.send_gift(action, key, SETTINGS), books)[0]
    return receipt


def placed(body: dict[str, Any], key: str | None = "fx_1", books: Books | None = None) -> Reply:
    """The stand-in's answer to an order as it is written."""
    headers = {"Idempotency-Key": key} if key else {}
    return ask(Call.post("/v1/sends", json=body, headers=headers), books or Books())


def written(action: SendGift = GIFT, key: str = "fx_1") -> dict[str, Any]:
    body: dict[str, Any] = next(client.send_gift(action, key, SETTINGS)).json
    return body


def moved(name: str, books: Books, **given: object) -> Answer:
    return STAND_IN.moves[name](given, books)


def incoming(body: bytes, headers: dict[str, str] | None = None) -> Incoming:
    given = {"content-type": "application/json", **{k.lower(): v for k, v in (headers or {}).items()}}
    return Incoming("POST", "https://ovation.example/webhooks/boxli", given, {}, body)


def events_of(body: bytes) -> list[Event]:
    found: list[Event] = []
    for name, item in webhook.unpack(incoming(body)):
        read = webhook.INBOUND.events[name]
        found += read(item) if callable(read) else []
    return found


# Out


def test_an_order_carries_our_key_twice() -> None:
    receipt, [call] = converse(client.send_gift(GIFT, KEY, SETTINGS), books := Books())
    assert (call.method, call.path, call.writes) == ("POST", "/v1/sends", True)
    assert call.headers == {"Idempotency-Key": KEY}
    assert call.json == {
        "external_reference": KEY,
        "campaign": "advocate",
        "recipient": {
            "name": "Ada Lovelace",
            "email": "ada@example.com",
            "company": "Analytical Engines",
            "address": {"line1": "1 Engine Way", "city": "London", "postal_code": "N1 1AA", "country": "GB"},
        },
        "video_url": "https://video.example/share/997f",
        "qr_target_url": "https://hub.example.com/q/7Hk2",
        "note": "Thank you, Ada.",
        "priority": "high",
    }
    [send] = books.sends
    assert (send.status, send.order) == ("accepted", call.json)
    assert receipt == Receipt(reference=send.id, facts={"send": send.id})
    assert client.headers(SETTINGS, None) == {"Authorization": "Bearer key"}


def test_without_an_address_the_recipient_is_asked() -> None:
    _, [call] = converse(client.send_gift(ASKED_FOR, KEY, SETTINGS), books := Books())
    assert call.json["address_request"] == {"email": "ada@example.com"}
    assert "address" not in call.json["recipient"]
    assert books.sends[0].status == "awaiting_address"


def test_what_is_unknown_is_left_out() -> None:
    plain = SendGift(box="advocate", name="Ada", email="ada@example.com", qr_url="https://hub.example.com/q/1")
    assert written(plain) == {
        "external_reference": "fx_1",
        "campaign": "advocate",
        "recipient": {"name": "Ada", "email": "ada@example.com"},
        "address_request": {"email": "ada@example.com"},
        "qr_target_url": "https://hub.example.com/q/1",
        "priority": "normal",
    }


@pytest.mark.parametrize(
    ("without", "word"), [({"qr_url": None}, "QR code"), ({"address": None, "email": None}, "postal address")]
)
def test_an_order_that_cannot_be_is_not_sent(without: dict[str, Any], word: str) -> None:
    with pytest.raises(Rejected, match=word):
        next(client.send_gift(GIFT.model_copy(update=without), KEY, SETTINGS))


def test_a_repeat_is_the_same_box() -> None:
    books = Books()
    first = order(books)
    moved("ship", books)
    assert order(books) == first
    assert len(books.sends) == 1


def test_a_box_is_found_again() -> None:
    books = Books()
    assert converse(client.find_gift(GIFT, KEY, SETTINGS), books)[0] is None
    receipt = order(books)
    order(books, key="another")
    found, [call] = converse(client.find_gift(GIFT, KEY, SETTINGS), books)
    assert found == receipt
    assert not call.writes


def test_after_a_day_the_key_is_forgotten_and_the_box_is_still_one() -> None:
    books = Books()
    receipt = order(books)
    books.keys[KEY].at -= timedelta(hours=25)
    again, calls = converse(client.send_gift(GIFT, KEY, SETTINGS), books)
    assert again == receipt
    assert [call.method for call in calls] == ["POST", "GET"]
    assert len(books.sends) == 1


def test_the_guarantee_says_so() -> None:
    action = PLATFORM.action(SendGift)
    assert action is not None
    assert action.repeat.within == timedelta(hours=24)
    assert action.repeat.find is client.find_gift


def test_our_key_with_another_body_is_rejected() -> None:
    books = Books()
    order(books)
    with pytest.raises(Rejected, match="another body"):
        order(books, GIFT.model_copy(update={"note": "Something else"}))
    assert len(books.sends) == 1


def test_a_conflict_that_names_somebody_elses_send_is_rejected() -> None:
    taken = Reply(409, {"title": "Taken", "send_id": "snd_9"}, "{}")
    nobody = Reply(200, {"data": [{"id": "snd_9", "external_reference": "fx_9"}], "has_more": False})
    with pytest.raises(Rejected, match="Taken") as refused:
        told(client.send_gift(GIFT, KEY, SETTINGS), taken, nobody)
    assert refused.value.status == 409


def test_the_look_up_turns_pages_and_does_not_trust_the_filter() -> None:
    foreign = {"id": "snd_9", "external_reference": "fx_9", "status": "accepted"}
    ours = {"id": "snd_1", "external_reference": KEY, "status": "shipped"}
    first = Reply(200, {"data": [foreign], "has_more": True, "cursor": "c1"})
    talk = client.find_gift(GIFT, KEY, SETTINGS)
    assert next(talk).query == {"external_reference": KEY}
    assert talk.send(first).query == {"external_reference": KEY, "cursor": "c1"}
    with pytest.raises(StopIteration) as stop:
        talk.send(Reply(200, {"data": [ours], "has_more": False}))
    assert stop.value.value.reference == "snd_1"


def test_a_filter_that_is_ignored_leaves_the_doubt() -> None:
    endless = Reply(200, {"data": [], "has_more": True, "cursor": "c"})
    with pytest.raises(InDoubt, match=KEY):
        told(client.find_gift(GIFT, KEY, SETTINGS), *[endless] * client.PAGES)


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_a_send_that_was_called_off_is_no_gift(status: str) -> None:
    page = Reply(200, {"data": [{"id": "snd_1", "external_reference": KEY, "status": status}], "has_more": False})
    with pytest.raises(Rejected, match=f"snd_1, and it is {status}"):
        told(client.find_gift(GIFT, KEY, SETTINGS), page)


@pytest.mark.parametrize(
    ("talk", "answer"),
    [
        (client.send_gift, {"status": "accepted"}),
        (client.send_gift, {"id": 7}),
        (client.find_gift, {"has_more": False}),
        (client.find_gift, {"data": {}}),
        (client.find_gift, {"data": [{"external_reference": KEY}]}),
    ],
)
def test_an_answer_without_what_it_must_say_is_a_doubt(talk: Any, answer: dict[str, Any]) -> None:
    with pytest.raises(InDoubt):
        told(talk(GIFT, KEY, SETTINGS), Reply(200, answer))


def test_the_doctor_names_the_account_and_its_campaigns() -> None:
    receipt, [call] = converse(client.doctor(SETTINGS), Books())
    assert (call.method, call.path, call.writes) == ("GET", "/v1/account", False)
    assert receipt.facts == {"id": "acc_sandbox", "name": "Acme", "campaigns": ["advocate", "second-thank-you"]}


def test_an_address_has_to_be_set() -> None:
    assert BoxliSettings().missing() == ["OVATION_BOXLI__API_KEY", "OVATION_BOXLI__BASE_URL"]
    assert SETTINGS.missing() == []


# Errors

POST, GET = Call.post("/v1/sends"), Call.get("/v1/sends")


@pytest.mark.parametrize(
    ("status", "call", "kind"),
    [
        *[(status, POST, "rejected") for status in (400, 404, 409, 422)],
        *[(status, POST, "unauthorized") for status in (401, 403)],
        *[(429, POST, "rate-limited"), (500, POST, "in doubt"), (503, POST, "in doubt"), (502, GET, "unavailable")],
        *[(200, POST, "in doubt"), (200, GET, "unavailable")],
    ],
)
def test_each_answer_that_is_none_has_its_kind(status: int, call: Call, kind: str) -> None:
    problem = client.judge(Reply(status, text="<html>"), call)
    assert problem is not None
    assert problem.kind == kind


def test_a_problem_document_is_told_in_its_words() -> None:
    document = {
        "type": "https://boxli.invalid/problems/address-undeliverable",
        "title": "Address undeliverable",
        "status": 422,
        "detail": "No carrier goes there",
        "errors": [{"field": "recipient.address.postal_code", "message": "unknown in GB"}],
    }
    problem = client.judge(Reply(422, document, json.dumps(document)), POST)
    assert problem is not None
    words = "HTTP 422: Address undeliverable; No carrier goes there; recipient.address.postal_code: unknown in GB"
    assert problem.message == words


@pytest.mark.parametrize("body", [[], "no", {"title": 3, "errors": "none"}, {"errors": [1, {"field": None}]}])
def test_an_odd_problem_document_is_still_rejected(body: Any) -> None:
    problem = client.judge(Reply(422, body, json.dumps(body)), POST)
    assert problem is not None
    assert problem.kind == "rejected"


def test_the_stand_ins_429_and_500() -> None:
    limited = client.judge(reply_of(STAND_IN.rate_limited()), POST)
    assert limited is not None
    assert (limited.kind, limited.retry_after) == ("rate-limited", 1.0)
    broken = client.judge(reply_of(STAND_IN.broken()), POST)
    assert broken is not None
    assert broken.kind == "in doubt"


# In


def test_the_signature_vector() -> None:
    assert webhook.signature(SECRET, "msg_1", "1768471200", VECTOR).decode() == VECTOR_HEADERS["webhook-signature"]
    webhook.verify(incoming(VECTOR, VECTOR_HEADERS), SETTINGS, NOW)
    assert (FIXTURES / "send_delivered__vector.json").read_bytes() == VECTOR


def test_while_a_secret_rotates_one_signature_suffices() -> None:
    both = VECTOR_HEADERS | {"webhook-signature": f"v1,AAAA v1a,xyz {VECTOR_HEADERS['webhook-signature']}"}
    webhook.verify(incoming(VECTOR, both), SETTINGS, NOW)


@pytest.mark.parametrize("seconds", [-301, -300, 0, 300, 301])
def test_the_replay_window_is_five_minutes_both_ways(seconds: int) -> None:
    request, later = incoming(VECTOR, VECTOR_HEADERS), NOW + timedelta(seconds=seconds)
    if abs(seconds) <= 300:
        webhook.verify(request, SETTINGS, later)
    else:
        with pytest.raises(BadSignature, match="five minutes"):
            webhook.verify(request, SETTINGS, later)


@pytest.mark.parametrize(
    "change",
    [
        *({"webhook-id": "msg_2"}, {"webhook-timestamp": "1768471201"}, {"webhook-signature": "v1,AAAA"}),
        *({"webhook-id": ""}, {"webhook-timestamp": ""}, {"webhook-signature": ""}, {"webhook-signature": "é \ud800"}),
        {"webhook-signature": VECTOR_HEADERS["webhook-signature"].removeprefix("v1,")},
    ],
)
def test_a_forged_request_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        webhook.verify(incoming(VECTOR, VECTOR_HEADERS | change), SETTINGS, NOW)


@pytest.mark.parametrize("timestamp", ["soon", "9" * 400, "9" * 5000, "-1", "1e9"])
def test_an_odd_time_is_refused_even_when_signed(timestamp: str) -> None:
    signed = webhook.signature(SECRET, "msg_1", timestamp, VECTOR).decode()
    odd = {"webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": signed}
    with pytest.raises(BadSignature):
        webhook.verify(incoming(VECTOR, odd), SETTINGS, NOW)


@pytest.mark.parametrize("secret", [None, "", "whsec_", "whsec_not base64!"])
def test_a_secret_that_cannot_be_read_is_said(secret: str | None) -> None:
    bare = BoxliSettings(webhook_secret=None if secret is None else SecretStr(secret))
    with pytest.raises(BadSignature, match="OVATION_BOXLI__WEBHOOK_SECRET"):
        webhook.verify(incoming(VECTOR, VECTOR_HEADERS), bare, NOW)
    with pytest.raises(ValueError, match="OVATION_BOXLI__WEBHOOK_SECRET"):
        webhook.sign(VECTOR, bare, "", NOW)


def test_what_we_sign_we_believe_and_a_repeat_keeps_its_id() -> None:
    for settings in (SETTINGS, BoxliSettings(webhook_secret=SecretStr("no prefix"))):
        first = webhook.sign(VECTOR, settings, "", NOW)
        webhook.verify(incoming(VECTOR, first), settings, NOW)
        later = webhook.sign(VECTOR, settings, "", NOW + timedelta(hours=1))
        assert later["webhook-id"] == first["webhook-id"]
        assert later["webhook-signature"] != first["webhook-signature"]


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.out.json")), ids=lambda p: p.name.removesuffix(".out.json"))
def test_fixtures_become_their_events(path: Path) -> None:
    events = events_of(path.with_suffix("").with_suffix(".json").read_bytes())
    shown = [
        e.model_dump(mode="json", include={"type", "source", "source_id", "at", "data"}) | {"subject": e.subject.text}
        for e in events
    ]
    assert shown == json.loads(path.read_text())


def test_every_event_of_the_contract_is_known() -> None:
    sends = {f"send.{what}" for what in ("address_confirmed", "shipped", "delivered", "returned", "failed")}
    assert set(webhook.INBOUND.events) == {*sends, "signal.recorded"}
    assert webhook.INBOUND.events["send.address_confirmed"] is IGNORED


def test_a_signal_of_a_new_source_is_shown_to_an_operator() -> None:
    body = json.dumps({"type": "signal.recorded", "data": {"event_source": "hologram"}}).encode()
    [(name, _)] = webhook.unpack(incoming(body))
    assert name == "signal.recorded.hologram"
    assert name not in webhook.INBOUND.events


def test_a_long_reason_is_cut() -> None:
    data = {"id": "snd_1", "reason": "far " * 9000}
    [event] = events_of(
        json.dumps({"type": "send.returned", "timestamp": "2026-01-15T10:00:00Z", "data": data}).encode()
    )
    assert len(event.data["reason"]) == 500


@pytest.mark.parametrize(
    "data",
    [
        *({}, {"id": 1}, {"id": "snd 1"}, {"id": "snd_1", "occurred_at": "2026-01-15T10:00:00"}),
        *({"id": "snd_1", "external_reference": 7}, {"id": "snd_1", "reason": []}),
        {"id": "snd_1", "occurred_at": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_a_report_that_cannot_be_read_is_malformed(data: dict[str, Any]) -> None:
    body = {"type": "send.returned", "timestamp": "2026-01-15T10:00:00Z", "data": data}
    with pytest.raises(Malformed):
        events_of(json.dumps(body).encode())


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"\xff", b"{}", b"[" * 100_000, b'{"type":"send.shipped"}', b'{"type":1,"data":{}}'),
        *(b'{"type":"send.shipped\\n","data":{}}', b'{"type":"signal.recorded","data":{"event_source":null}}'),
        b'{"type":"send.shipped","data":{"id":"snd_1"}}',
    ],
)
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        events_of(body)


# The stand-in


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"campaign": "mystery"}, "campaign"),
        ({"recipient": {"name": "Ada"}}, "recipient.address"),
        ({"address_request": {"email": "ada@example.com"}}, "recipient.address"),
        ({"recipient": {"name": "Ada", "address": {"line1": "1", "city": "X"}}}, "recipient.address.country"),
        ({"recipient": {"name": "Ada", "phone": "1"}}, "recipient.phone"),
        ({"note": "x" * 501}, "note"),
        ({"note": None}, "body"),
        ({"qr_target_url": "hub"}, "qr_target_url"),
        ({"color": "red"}, "color"),
        ({"priority": "highest"}, "priority"),
    ],
)
def test_an_unfit_order_is_refused_and_may_be_mended(change: dict[str, Any], field: str) -> None:
    books = Books()
    refused = placed(written() | change, books=books)
    assert (refused.status, refused.json["status"]) == (422, 422)
    assert refused.json["type"].startswith("https://")
    assert [error["field"] for error in refused.json["errors"]] == [field]
    assert books.sends == []
    assert placed(written(), books=books).status == 201, "a refused order does not use up its key"


@pytest.mark.parametrize("key", [None, "x" * 256])
def test_an_order_needs_an_idempotency_key(key: str | None) -> None:
    assert placed(written(), key).json["errors"][0]["field"] == "Idempotency-Key"


def test_the_same_key_gets_the_same_answer_and_another_body_a_conflict() -> None:
    books = Books()
    first = placed(written(), books=books)
    moved("deliver", books)
    assert placed(written(), books=books) == first
    conflict = placed(written() | {"note": "Hi"}, books=books)
    assert (conflict.status, "send_id" in conflict.json) == (409, False)


def test_a_reference_is_unique_under_any_key() -> None:
    books = Books()
    first = placed(written(), books=books)
    conflict = placed(written(), "another", books)
    assert (conflict.status, conflict.json["send_id"]) == (409, first.json["id"])
    assert placed(written(), "another", Books.model_validate_json(books.model_dump_json())).status == 409


def test_the_stand_in_knows_its_key() -> None:
    stranger = SETTINGS.model_copy(update={"api_key": SecretStr("other")})
    assert ask(GET, Books(), stranger).status == 401
    assert STAND_IN.guard(heard(GET, stranger)).media_type == "application/problem+json"


def test_sends_are_listed_by_pages() -> None:
    books = Books()
    for number in range(150):
        order(books, key=f"fx_{number}")
    first = ask(GET, books).json
    rest = ask(Call.get("/v1/sends", query={"cursor": first["cursor"]}), books).json
    assert [(len(p["data"]), p["has_more"]) for p in (first, rest)] == [(100, True), (50, False)]
    assert ask(Call.get("/v1/sends", query={"cursor": "x"}), books).status == 422


@pytest.mark.parametrize(
    ("name", "status", "event"),
    [
        ("ship", "shipped", "gift.shipped"),
        ("deliver", "delivered", "gift.delivered"),
        ("return", "returned", "gift.returned"),
        ("fail", "failed", "gift.returned"),
    ],
)
def test_a_move_changes_the_books_and_tells_us(name: str, status: str, event: str) -> None:
    books = Books()
    receipt = order(books)
    answer = moved(name, books, external_reference=KEY, occurred_at="2026-01-15T10:00:00Z")
    assert books.sends[0].status == status
    [heard_of] = events_of(answer.webhooks[0].body)
    assert (heard_of.type, heard_of.subject.text) == (event, f"effect:{KEY}")
    assert (heard_of.data["gift"], heard_of.data["send"]) == (KEY, receipt.reference)
    assert heard_of.at == datetime(2026, 1, 15, 10, tzinfo=UTC)


def test_a_box_goes_its_way_and_not_back() -> None:
    books = Books()
    order(books)
    for name in ("ship", "deliver", "scan", "return"):
        assert moved(name, books).status == 200
    assert books.sends[0].status == "returned"
    order(books, key="another")
    moved("deliver", books)
    assert moved("ship", books).status == 409
    assert moved("fail", books).status == 409


def test_a_move_made_again_reports_the_same_again() -> None:
    books = Books()
    order(books)
    first, second = moved("deliver", books), moved("deliver", books)
    assert first.webhooks == second.webhooks
    assert len(first.webhooks) == 1


def test_a_scan_is_told_by_the_send_and_engages() -> None:
    books = Books()
    receipt = order(books)
    moved("deliver", books)
    answer = moved("scan", books, id=receipt.reference, event_source="nfc", external_event_id="evt_1")
    [event] = events_of(answer.webhooks[0].body)
    assert (event.type, event.subject.text) == ("qr.scanned", f"boxli_send:{receipt.reference}")
    assert event.source_id == "signal.recorded:evt_1"
    assert event.data == {"source": "nfc"}
    assert books.sends[0].status == "engaged"
    assert moved("scan", books, external_event_id="evt_1").webhooks == answer.webhooks
    assert moved("scan", books).webhooks != answer.webhooks


def test_a_move_is_about_the_send_that_is_named_or_the_newest() -> None:
    books = Books()
    first, second = order(books), order(books, key="another")
    assert moved("ship", books).json["id"] == second.reference
    assert moved("ship", books, external_reference=KEY).json["id"] == first.reference
    assert moved("deliver", books, id=first.reference).json["id"] == first.reference
    assert moved("ship", books, external_reference=KEY, id=second.reference).status == 404
    assert moved("ship", books, external_reference="nobody").status == 404
    assert moved("ship", Books()).status == 404
    assert moved("ship", books, who="Ada").status == 422


def test_a_campaign_can_be_added() -> None:
    books = Books()
    moved("campaign", books, campaign="anniversary")
    assert placed(written() | {"campaign": "anniversary"}, books=books).status == 201


def test_the_books_are_json_and_can_be_read_back() -> None:
    books = Books()
    order(books)
    moved("ship", books)
    moved("scan", books)
    assert Books.model_validate_json(books.model_dump_json()) == books


# The contract's document


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("the contract's document is not beside this checkout")
    document: dict[str, Any] = json.loads(SPEC.read_text())
    return document


def checker(spec: dict[str, Any], schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    whole = {**schema, "components": spec["components"]}
    return jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())


def answer_schema(spec: dict[str, Any], call: Call, status: int) -> dict[str, Any]:
    answers = spec["paths"][call.path.removeprefix("/v1")][call.method.lower()]["responses"]
    answer = answers[str(status)]
    if "$ref" in answer:
        answer = spec["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    [content] = answer["content"].values()
    found: dict[str, Any] = content["schema"]
    return found


@pytest.mark.parametrize("action", [GIFT, ASKED_FOR, GIFT.model_copy(update={"company": None, "note": None})])
def test_our_calls_and_the_stand_ins_answers_fit_the_document(spec: dict[str, Any], action: SendGift) -> None:
    books = Books()
    new_send = checker(spec, {"$ref": "#/components/schemas/NewSend"})
    for talk in (client.doctor, client.send_gift, client.find_gift):
        arguments = (SETTINGS,) if talk is client.doctor else (action, KEY, SETTINGS)
        for call in converse(talk(*arguments), books)[1]:
            if call.json is not None:
                new_send.validate(call.json)
            reply = ask(call, books)
            checker(spec, answer_schema(spec, call, reply.status)).validate(reply.json)
            assert reply.headers["ratelimit-limit"] == "5"


@pytest.mark.parametrize(
    ("change", "key", "status"), [({"campaign": "no"}, "a", 422), ({"note": "Hi"}, "fx_1", 409), ({}, "other", 409)]
)
def test_the_stand_ins_refusals_fit_the_document(
    spec: dict[str, Any], change: dict[str, Any], key: str, status: int
) -> None:
    books = Books()
    placed(written(), books=books)
    reply = placed(written() | change, key, books)
    assert reply.status == status
    checker(spec, answer_schema(spec, POST, status)).validate(reply.json)


def test_the_stand_in_reads_an_order_as_the_document_does(spec: dict[str, Any]) -> None:
    """Each field left out, made null, emptied, or of another kind."""
    new_send = checker(spec, {"$ref": "#/components/schemas/NewSend"})
    order_of_all = written() | {"address_request": {"email": "ada@example.com"}}
    order_of_all["recipient"]["address"] |= {"line2": "Floor 2", "region": "Greater London"}
    for place in places(order_of_all):
        for change in ("left out", None, 7, {}, ["x"]):
            body = changed(order_of_all, place, change)
            assert reads(body) == new_send.is_valid(body), (place, change)
    properties = spec["components"]["schemas"]["NewSend"]["properties"]
    assert set(NewSend.model_fields) == set(properties)


def reads(body: dict[str, Any]) -> bool:
    try:
        NewSend.model_validate(body)
    except ValidationError:
        return False
    return True


def places(value: Any, here: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return []
    return [place for key, inner in value.items() for place in ((*here, key), *places(inner, (*here, key)))]


def changed(root: dict[str, Any], place: tuple[str, ...], change: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(root))
    node = copy
    for key in place[:-1]:
        node = node[key]
    if change == "left out":
        del node[place[-1]]
    else:
        node[place[-1]] = change
    return copy
