"""Prevents: a video paid for twice, a gift that waits for ever for a lost message, a film that greets another name, and
a link of a stranger's in a box."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError

from models.event import Event
from platforms.base import Call, Incoming, Reply
from platforms.capabilities import MakeVideo, Receipt
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected, Unauthorized
from platforms.sendspark import PLATFORM, SendsparkSettings, client, webhook
from platforms.sendspark.stand_in import STAND_IN
from platforms.sendspark.stand_in_books import Books
from platforms.sendspark.stand_in_requests import NewProspect, Order
from platforms.stand_in import Answer, Heard, Webhook

SPEC = Path(__file__).resolve().parents[3] / "shared/contracts/specs/sendspark-dynamics.json"
SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, SendsparkSettings)
KEY = "j_5afm9g0mjvkyzrhj/gift/make_video"
NOW = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
HERE = "https://ovation.example/webhooks/sendspark"
VIDEO = MakeVideo(
    campaign="dyn-thank-you",
    first_name="Ada",
    email="ada+x@example.com",
    company="Analytical Engines",
    webhook_url=HERE,
)
BARE = MakeVideo(campaign="dyn-thank-you", first_name="Ada", email="ada@example.com")
PROSPECT = "/v1/workspaces/ws-sandbox/dynamics/dyn-thank-you/prospects/ada%2Bx%40example.com"
ORDER = "/v1/workspaces/ws-sandbox/dynamics/dyn-thank-you/prospect"


def ask(call: Call, books: Books, settings: SendsparkSettings = SETTINGS) -> Reply:
    """The stand-in's answer to a call."""
    answer = answered(call, books, settings)
    names = {k.lower(): v for k, v in answer.headers.items()}
    return Reply(answer.status, json.loads(json.dumps(answer.json)), json.dumps(answer.json), names)


def answered(call: Call, books: Books, settings: SendsparkSettings = SETTINGS) -> Answer:
    routes = ((r, m) for r in STAND_IN.routes if r.method == call.method if (m := r.pattern.match(call.path)))
    route, match = next(routes)
    heard = Heard(
        method=call.method,
        path=unquote(call.path),
        params={name: unquote(value) for name, value in match.groupdict().items()},
        query=call.query or {},
        headers={k.lower(): v for k, v in client.headers(settings, None).items()},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form={},
        settings=SETTINGS,
    )
    return STAND_IN.guard(heard) or route.handler(heard, books)


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


def made(books: Books, action: MakeVideo = VIDEO, key: str = KEY) -> Receipt:
    receipt: Receipt = converse(client.make_video(action, key, SETTINGS), books)[0]
    return receipt


def found(books: Books, action: MakeVideo = VIDEO) -> Receipt | None:
    receipt: Receipt | None = converse(client.find_video(action, KEY, SETTINGS), books)[0]
    return receipt


def told(talk: Generator[Call, Reply, Any], *replies: Reply) -> Any:
    """What a talk makes of these replies."""
    next(talk)
    for reply in replies:
        try:
            talk.send(reply)
        except StopIteration as stop:
            return stop.value
    raise AssertionError("the talk wants to go on")


def finished(books: Books) -> None:
    """The time a video takes has passed."""
    for prospect in books.prospects:
        prospect.ready_at = datetime.now(UTC) - timedelta(seconds=1)


def moved(name: str, books: Books, **given: object) -> Answer:
    return STAND_IN.moves[name](given, books)


def incoming(body: bytes, query: dict[str, str] | None = None) -> Incoming:
    return Incoming("POST", HERE, {"content-type": "application/json"}, query or {}, body)


def events_of(sent: Webhook) -> list[Event]:
    """What our gateway makes of a webhook of the stand-in's."""
    query = dict(parse_qsl(urlsplit(sent.url or "").query)) | webhook.sign_query(SETTINGS)
    delivery = incoming(sent.body, query)
    webhook.verify(delivery, SETTINGS, NOW)
    events: list[Event] = []
    for name, item in webhook.unpack(delivery):
        events += webhook.INBOUND.read(name, item, SETTINGS) or []
    return events


# Out


def test_an_order_says_the_first_name_alone_and_where_to_tell_us() -> None:
    receipt, [look, order] = converse(client.make_video(VIDEO, KEY, SETTINGS), books := Books())
    assert (look.method, look.path, look.writes, look.accepts) == ("GET", PROSPECT, False, {404})
    assert (order.method, order.path, order.writes) == ("POST", ORDER, True)
    url = order.json["prospect"].pop("webhookUrl")
    assert url.startswith(f"{HERE}?")
    assert parse_qs(urlsplit(url).query) == {"secret": ["sandbox-sendspark-webhook"], "effect": [KEY]}
    assert order.json == {
        "prospect": {
            "contactName": "Ada",
            "contactEmail": "ada+x@example.com",
            "company": "Analytical Engines",
            "webhookEvents": ["video_generated_dv", "video_generated_error", "video_viewed"],
        },
        "prospectDepurationConfig": {"forceCreation": False, "payloadDepurationStrategy": "keep-first-valid"},
        "processAndAuthorizeCharge": True,
        "callbackId": KEY,
    }
    [prospect] = books.prospects
    assert receipt.facts == {"campaign": "dyn-thank-you", "prospect": prospect.id}
    assert (receipt.pending, receipt.url, receipt.wakes_on) == (True, None, "video.ready")
    assert client.headers(SETTINGS, None) == {
        "x-api-key": "sandbox-workspace-key",
        "x-api-secret": "sandbox-user-secret",
        "Accept": "application/json",
    }


@pytest.mark.parametrize(
    ("action", "secret"), [(BARE, SecretStr("s")), (VIDEO, None), (VIDEO, SecretStr(""))], ids=["no url", "none", "''"]
)
def test_without_address_or_secret_nobody_is_to_be_told(action: MakeVideo, secret: SecretStr | None) -> None:
    own = SETTINGS.model_copy(update={"webhook_secret": secret})
    talk = client.make_video(action, KEY, own)
    next(talk)
    assert not {"webhookUrl", "webhookEvents"} & set(talk.send(Reply(404)).json["prospect"])


def test_what_is_unknown_is_left_out() -> None:
    talk = client.make_video(BARE, KEY, SETTINGS)
    next(talk)
    assert talk.send(Reply(404)).json["prospect"] == {"contactName": "Ada", "contactEmail": "ada@example.com"}


def test_a_video_is_ready_when_it_has_a_link() -> None:
    books = Books()
    first = made(books)
    assert found(books) == first, "still in the making"
    finished(books)
    ready = found(books)
    assert ready is not None
    assert ready.url == f"https://sendspark.com/share/{books.prospects[0].video}"
    assert (ready.pending, ready.reference, ready.facts) == (False, first.reference, first.facts)


@pytest.mark.parametrize("status", ["processing", "saved", "billed", "uploaded", "completed", "lipsynced"])
@pytest.mark.parametrize(("link", "pending"), [(None, True), ("", True), ("https://sendspark.com/share/1", False)])
def test_whatever_its_status_says(status: str, link: str | None, pending: bool) -> None:
    body = {"id": "p1", "status": status, "valid": True, "shareUrl": link}
    receipt = told(client.find_video(VIDEO, KEY, SETTINGS), Reply(200, body))
    assert (receipt.pending, receipt.url) == (pending, link or None)


def test_a_video_is_ordered_once() -> None:
    books = Books()
    first = made(books)
    again, calls = converse(client.make_video(VIDEO, "another/key", SETTINGS), books)
    assert again == first
    assert [call.method for call in calls] == ["GET"]
    assert [prospect.made for prospect in books.prospects] == [1]


def test_after_a_lost_answer_it_is_found() -> None:
    books = Books()
    assert found(books) is None
    talk = client.make_video(VIDEO, KEY, SETTINGS)
    ask(talk.send(ask(next(talk), books)), books)
    talk.close()
    receipt = found(books)
    assert receipt is not None
    assert receipt.facts["prospect"] == books.prospects[0].id
    action = PLATFORM.action(MakeVideo)
    assert action is not None
    assert action.repeat.find is client.find_video


def test_an_address_is_the_same_in_any_case_and_another_campaign_is_another_video() -> None:
    books = Books()
    made(books)
    moved("campaign", books, campaign="second")
    assert found(books, VIDEO.model_copy(update={"email": "ADA+X@example.com"})) is not None
    second = VIDEO.model_copy(update={"campaign": "second"})
    assert found(books, second) is None
    assert made(books, second).reference != made(books).reference
    assert client.reference_of("c", " Ada@Example.com ") == client.reference_of("c", "ada@example.com")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"status": "errored"}, "could not make"),
        ({"status": "errored", "shareUrl": "https://sendspark.com/share/1"}, "could not make"),
        ({"deletedAt": "2026-01-15T10:00:00.000Z", "shareUrl": "https://sendspark.com/share/1"}, "deleted"),
        (
            {"valid": False, "validationDetails": [{"validationField": "contactName", "validationMessage": "Ada?"}]},
            r"unfit \(contactName\): retry",
        ),
        ({"valid": False, "validationDetails": "odd"}, "unfit: retry"),
    ],
)
def test_a_video_that_will_never_be_is_an_operators_matter_and_made_anew_when_they_retry(
    state: dict[str, Any], words: str
) -> None:
    there = Reply(200, {"id": "p1", "contactName": "Ada", "status": "saved", **state})
    with pytest.raises(Rejected, match=words) as refused:
        told(client.find_video(VIDEO, KEY, SETTINGS), there)
    assert "Ada" not in str(refused.value)
    talk = client.make_video(VIDEO, KEY, SETTINGS)
    next(talk)
    assert talk.send(there).path == ORDER


def test_a_film_that_greets_another_name_is_not_sent() -> None:
    there = {"id": "p1", "contactName": "Grace", "shareUrl": "https://sendspark.com/share/1"}
    for talk in (client.find_video, client.make_video):
        with pytest.raises(Rejected, match="another name"):
            told(talk(VIDEO, KEY, SETTINGS), Reply(200, there))
    shouted = told(client.find_video(VIDEO, KEY, SETTINGS), Reply(200, there | {"contactName": " ADA "}))
    assert shouted.url == "https://sendspark.com/share/1"


@pytest.mark.parametrize(
    "campaign", [{}, {"prospectList": None}, {"prospectList": [1, {"contactEmail": "bo@x.example"}]}]
)
def test_an_order_whose_answer_lacks_our_video_is_a_doubt(campaign: dict[str, Any]) -> None:
    with pytest.raises(InDoubt):
        told(client.make_video(VIDEO, KEY, SETTINGS), Reply(404), Reply(200, campaign))


def test_an_order_that_is_refused_within_its_answer_is_refused() -> None:
    listed = {"_id": "p1", "contactEmail": "Ada+x@example.com", "status": "saved", "valid": False}
    with pytest.raises(Rejected, match="unfit"):
        told(client.make_video(VIDEO, KEY, SETTINGS), Reply(404), Reply(200, {"prospectList": [listed]}))


@pytest.mark.parametrize(
    ("waited", "look_again"),
    [(0, 120.0), (100, 120.0), (300, 300.0), (1000, 1000.0), (86_400, 1800.0), (-50, 120.0)],
)
def test_looks_grow_rarer(waited: int, look_again: float) -> None:
    date = (NOW + timedelta(seconds=waited)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    body = {"id": "p1", "createdAt": "2026-01-15T17:00:00.000Z", "shareUrl": None}
    receipt = told(client.find_video(VIDEO, KEY, SETTINGS), Reply(200, body, headers={"date": date}))
    assert receipt.look_again == look_again


@pytest.mark.parametrize("created", [None, 7, "soon", "2026-01-15"])
@pytest.mark.parametrize("headers", [{}, {"date": "never"}, {"date": "Thu, 15 Jan 2026 17:00:00 GMT"}])
def test_without_a_time_the_look_is_soon(created: Any, headers: dict[str, str]) -> None:
    body = {"id": "p1", "createdAt": created, "shareUrl": None}
    assert told(client.find_video(VIDEO, KEY, SETTINGS), Reply(200, body, headers=headers)).look_again == 120.0


def test_the_doctor_knows_the_workspace_and_what_is_left() -> None:
    books = Books()
    made(books)
    receipt, calls = converse(client.doctor(SETTINGS), books)
    paths = ["/v1/workspaces/identifier", "/v1/workspaces/ws-sandbox/dvm-bundles"]
    assert [(call.method, call.path, call.writes) for call in calls] == [("GET", path, False) for path in paths]
    assert receipt.facts == {"workspace": "ws-sandbox", "balance": {"minutes": 119}}
    with pytest.raises(Unauthorized, match="workspace ws-other: set OVATION_SENDSPARK__WORKSPACE"):
        told(client.doctor(SETTINGS), Reply(200, {"workspaceId": "ws-other"}))
    odd = [Reply(200, {"workspaceId": "ws-sandbox"}), Reply(200, {"bundles": [], "balance": None})]
    assert told(client.doctor(SETTINGS), *odd).facts["balance"] == {}


# Errors

POST, GET = Call.post(ORDER), Call.get(PROSPECT)


@pytest.mark.parametrize(
    ("status", "call", "kind"),
    [
        *((400, POST, "rejected"), (404, POST, "rejected"), (401, POST, "unauthorized"), (403, POST, "unauthorized")),
        *((429, POST, "rate-limited"), (500, POST, "in doubt"), (503, POST, "in doubt"), (503, GET, "unavailable")),
        *((200, POST, "in doubt"), (200, GET, "unavailable")),
    ],
)
def test_each_answer_that_is_none_has_its_kind(status: int, call: Call, kind: str) -> None:
    problem = client.judge(Reply(status, text="<html>"), call)
    assert problem is not None
    assert problem.kind == kind


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {
                "statusCode": 400,
                "code": "S400-AHVE",
                "error": "Bad Request",
                "message": "Invalid request payload input",
            },
            "HTTP 400: S400-AHVE; Invalid request payload input",
        ),
        ({"statusCode": 400, "error": "Bad Request", "message": "Wrong"}, "HTTP 400: Wrong"),
        ([], "HTTP 400: []"),
    ],
)
def test_a_refusal_is_told_in_sendsparks_words(body: Any, words: str) -> None:
    problem = client.judge(Reply(400, body, json.dumps(body)), POST)
    assert problem is not None
    assert problem.message == words


@pytest.mark.parametrize(("headers", "seconds"), [({}, 60.0), ({"retry-after": "7"}, 7.0)])
def test_a_limit_waits_a_minute_unless_it_says_better(headers: dict[str, str], seconds: float) -> None:
    problem = client.judge(Reply(429, headers=headers), POST)
    assert problem is not None
    assert problem.retry_after == seconds


# In

READY = {
    "eventType": "video_generated_dv",
    "campaignId": "63f6",
    "dynamicCampaignId": "dyn-thank-you",
    "contactEmail": "ada@example.com",
    "videoLink": "https://sendspark.com/share/1",
}


def read(body: dict[str, Any], query: dict[str, str] | None = None) -> list[Event]:
    [(name, item)] = webhook.unpack(incoming(json.dumps(body).encode(), query))
    events = webhook.INBOUND.read(name, item, SETTINGS)
    assert isinstance(events, list)
    return events


@pytest.mark.parametrize("given", ["", "wrong", "sandbox-sendspark-webhoo", "é", "\ud800"])
def test_the_secret_is_in_the_address(given: str) -> None:
    webhook.verify(incoming(b"{}", {"secret": "sandbox-sendspark-webhook"}), SETTINGS, NOW)
    with pytest.raises(BadSignature):
        webhook.verify(incoming(b"{}", {"secret": given}), SETTINGS, NOW)


@pytest.mark.parametrize("secret", [None, SecretStr("")])
def test_without_a_secret_nobody_is_believed(secret: SecretStr | None) -> None:
    own = SETTINGS.model_copy(update={"webhook_secret": secret})
    for query in ({}, {"secret": ""}):
        with pytest.raises(BadSignature, match="not set"):
            webhook.verify(incoming(b"{}", query), own, NOW)


def test_our_key_in_the_address_says_what_an_event_is_about() -> None:
    [event] = read(READY, {"effect": KEY})
    assert (event.type, event.subject.text) == ("video.ready", f"effect:{KEY}")
    assert event.data == {"video": KEY, "url": "https://sendspark.com/share/1"}


@pytest.mark.parametrize("query", [{}, {"effect": ""}, {"effect": "x" * 121}, {"effect": "a key"}])
def test_without_a_key_of_ours_the_video_is_found_by_campaign_and_address(query: dict[str, str]) -> None:
    [event] = read(READY, query)
    assert event.subject.text == f"sendspark_send:{client.reference_of('dyn-thank-you', 'ADA@example.com')}"
    assert "video" not in event.data


def test_a_key_in_the_body_is_nobodys() -> None:
    [event] = read(READY | {"ovation_effect": KEY, "effect": KEY, "callbackId": KEY})
    assert event.subject.kind == "sendspark_send"


def test_what_is_told_twice_is_one_event_and_each_video_has_its_own() -> None:
    def name(body: dict[str, Any], query: dict[str, str] | None = None) -> str:
        return read(body, query)[0].source_id

    assert name(READY) == name(READY | {"contactEmail": "ADA@example.com", "thumbnailUrl": "new"})
    others = [READY | change for change in ({"campaignId": "63f7"}, {"dynamicCampaignId": "d"})]
    others += [READY | {"contactEmail": "bo@example.com"}, READY | {"eventType": "video_viewed"}]
    assert len({name(READY), name(READY, {"effect": KEY}), *map(name, others)}) == 6


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"\xff", b"{}", b"[" * 100_000, b'{"eventType":1}', b'{"eventType":"Video ready"}'),
        b'{"eventType":"video_viewed"}',
        b'{"eventType":"video_viewed","contactEmail":7}',
        b'{"eventType":"video_viewed","contactInfo":[]}',
        b'{"eventType":"video_viewed","contactEmail":"\\ud800"}',
        b'{"eventType":"video_generated_dv","contactEmail":"a@b.example","videoLink":7}',
    ],
)
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        for name, item in webhook.unpack(incoming(body)):
            webhook.INBOUND.read(name, item, SETTINGS)


# The stand-in


def test_the_stand_in_tells_what_became_of_an_order() -> None:
    books = Books()
    talk = client.make_video(VIDEO, KEY, SETTINGS)
    answer = answered(talk.send(ask(next(talk), books)), books)
    [sent] = answer.webhooks
    assert sent.after == 0.5
    assert sent.url is not None
    assert "secret" not in sent.url
    [event] = events_of(sent)
    finished(books)
    ready = found(books)
    assert ready is not None
    assert (event.type, event.data) == ("video.ready", {"video": KEY, "url": ready.url})
    assert [e.type for e in events_of(moved("view", books).webhooks[0])] == ["video.viewed"]


def test_a_video_that_fails_is_told_and_found_failed() -> None:
    books = Books()
    made(books)
    [sent] = moved("fail", books, contactEmail="ada+x@example.com").webhooks
    [event] = events_of(sent)
    assert (event.type, event.data) == ("video.failed", {"video": KEY})
    with pytest.raises(Rejected, match="could not make"):
        found(books)
    assert made(books).pending, "a retry has it made anew"


def test_the_next_video_can_be_made_to_fail() -> None:
    books = Books()
    assert moved("fail", books, contactEmail="ada+x@example.com").json == {"failing": ["ada+x@example.com"]}
    with pytest.raises(Rejected, match="could not make"):
        made(books)


def test_a_deleted_video_is_found_deleted() -> None:
    books = Books()
    made(books)
    moved("delete", books, campaign="dyn-thank-you")
    with pytest.raises(Rejected, match="deleted"):
        found(books)


def test_a_repeat_without_the_strategy_is_made_and_charged_again() -> None:
    books, body = Books(), order_body()
    ask(Call.post(ORDER, json=body), books)
    answer = ask(Call.post(ORDER, json={**body, "prospectDepurationConfig": {}}), books)
    assert [p["regenerationCount"] for p in answer.json["prospectList"]] == [1]
    answer = ask(Call.post(ORDER, json={**body, "prospectDepurationConfig": {"forceCreation": True}}), books)
    assert len(answer.json["prospectList"]) == 2
    ask(Call.post(ORDER, json=body), books)
    assert [prospect.made for prospect in books.prospects] == [2, 1], "kept off by the strategy alone"


def order_body(action: MakeVideo = VIDEO) -> dict[str, Any]:
    talk = client.make_video(action, KEY, SETTINGS)
    next(talk)
    body: dict[str, Any] = talk.send(Reply(404)).json
    return body


def test_without_consent_to_charges_nothing_is_made() -> None:
    books = Books()
    body = order_body() | {"processAndAuthorizeCharge": False}
    answer = answered(Call.post(ORDER, json=body), books)
    assert (answer.json["prospectList"][0]["status"], answer.webhooks) == ("saved", [])
    receipt = found(books)
    assert receipt is not None
    assert receipt.pending


@pytest.mark.parametrize(
    "change",
    [
        *({"backgroundUrl": ""}, {"contactEmail": "ada"}, {"contactName": ""}, {"contactName": 7}, {"nickname": "A"}),
        *({"webhookUrl": "hub"}, {"webhookEvents": ["ready"]}, {"contact_name": "Ada"}),
    ],
)
def test_an_unfit_order_is_refused(change: dict[str, Any]) -> None:
    books, body = Books(), order_body()
    refused = ask(Call.post(ORDER, json={**body, "prospect": {**body["prospect"], **change}}), books)
    assert (refused.status, refused.json["code"]) == (400, "S400-AHVE")
    assert books.prospects == []


@pytest.mark.parametrize("body", [None, {}, {"prospect": {}}, {"prospect": None}, []])
def test_an_order_without_a_person_is_refused(body: Any) -> None:
    assert ask(Call.post(ORDER, json=body), Books()).status == 400


def test_the_stand_in_knows_keys_workspace_and_campaigns() -> None:
    for name in ("api_key", "api_secret"):
        stranger = SETTINGS.model_copy(update={name: SecretStr("other")})
        assert ask(GET, Books(), stranger).status == 401
    for path in (ORDER.replace("dyn-thank-you", "other"), ORDER.replace("ws-sandbox", "other")):
        refused = ask(Call.post(path, json=order_body()), Books())
        assert refused.json == {
            "statusCode": 404,
            "error": "Not Found",
            "message": "Resource not found or invalid access",
        }
    moves = (moved(name, Books()).status for name in ("view", "delete"))
    assert [*moves, moved("view", Books(), who="x").status, moved("fail", Books()).status] == [404, 404, 400, 400]
    books = Books()
    made(books)
    assert moved("view", books).status == 409


def test_the_books_are_json_and_can_be_read_back() -> None:
    books = Books()
    made(books)
    assert Books.model_validate_json(books.model_dump_json()) == books


# Sendspark's own document


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("Sendspark's document is not beside this checkout")
    document: dict[str, Any] = json.loads(SPEC.read_text())
    return document


def checker(spec: dict[str, Any], name: str) -> jsonschema.Draft202012Validator:
    """Of a schema; null is taken for a date or an address that is not there yet, as the live answers have it."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": spec["components"]}
    return jsonschema.Draft202012Validator(whole)


def without_null(value: Any) -> Any:
    if isinstance(value, list):
        return [without_null(inner) for inner in value]
    return {k: without_null(v) for k, v in value.items() if v is not None} if isinstance(value, dict) else value


ORDERS = "RequestPayloadAddProspectsDynamicsCampaignsSchema"


@pytest.mark.parametrize("action", [VIDEO, BARE])
def test_our_orders_and_the_stand_ins_answers_fit_the_document(spec: dict[str, Any], action: MakeVideo) -> None:
    books = Books()
    body = order_body(action)
    checker(spec, ORDERS).validate(body)
    Order.model_validate(body)
    answer = ask(Call.post(ORDER, json=body), books).json
    checker(spec, "ResponseModifyDynamicsCampaignSchema").validate(without_null(answer))
    finished(books)
    looked = Call.get(f"{ORDER}s/{action.email}")
    checker(spec, "DynamicVideosGetProspectResponseSchema").validate(without_null(ask(looked, books).json))
    for path, name in {
        "/v1/workspaces/identifier": "GetWorkspaceIdByApiKeyResponseSchema",
        "/v1/workspaces/ws-sandbox/dvm-bundles": "BundlesGetResponseSchema",
    }.items():
        checker(spec, name).validate(ask(Call.get(path), books).json)
    checker(spec, "BadRequest").validate(ask(Call.post(ORDER, json={}), books).json)


def test_the_paths_are_the_documents(spec: dict[str, Any]) -> None:
    there = {(m.upper(), path.count("/"), path.rpartition("/")[2]) for path, ms in spec["paths"].items() for m in ms}
    names = {"{email}": "{contactEmail}", "{dynamic}": "{dynamicId}"}
    for route in STAND_IN.routes:
        last = route.path.rpartition("/")[2]
        assert (route.method, route.path.count("/"), names.get(last, last)) in there, route.path


def test_the_stand_in_takes_exactly_the_documents_fields(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    for model, name in ((Order, ORDERS), (NewProspect, "requestPayloadProspectSchema")):
        assert {f.alias or n for n, f in model.model_fields.items()} == set(schemas[name]["properties"])


@pytest.mark.parametrize(
    "change",
    [
        {"processAndAuthorizeCharge": "yes"},
        {"callbackId": 7},
        {"prospect": "Ada"},
        {"prospectDepurationConfig": {"payloadDepurationStrategy": "keep-best"}},
        {"prospectDepurationConfig": {"forceCreation": 1}},
    ],
    ids=str,
)
def test_what_the_document_refuses_the_stand_in_refuses(spec: dict[str, Any], change: dict[str, Any]) -> None:
    body = order_body() | change
    assert not checker(spec, ORDERS).is_valid(body)
    with pytest.raises(ValidationError):
        Order.model_validate(body)
