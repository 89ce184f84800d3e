"""Prevents: a message sent twice or to somebody who wants none, an opt-out lost or invented, and somebody else's
conversation taken for an answer to ours."""

import json
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from models.contact import Identity
from models.event import Event
from platforms.base import Call, Incoming, Reply
from platforms.capabilities import Receipt, SendInApp, Who
from platforms.errors import BadSignature, Malformed, Rejected, Unauthorized, Unavailable
from platforms.intercom import PLATFORM, IntercomSettings, client, webhook
from platforms.intercom.problem import judge
from platforms.intercom.stand_in import STAND_IN
from platforms.intercom.stand_in_books import ADMIN, WITHOUT_SEAT, Workspace
from platforms.stand_in import Answer, Heard
from sandbox.vendors import Vendor

SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, IntercomSettings)
NOW = datetime.fromtimestamp(1766000000, UTC)
KEY = "j_1a2b/thanks/send_in_app"
ADA = Who(contact="c_81", email="Ada@example.com", first_name="Ada")
MESSAGE = SendInApp(who=ADA, text="Your referral became a customer.\nThank you, Ada!\n\nSee <you> & tea")


@pytest.fixture
def vendor() -> Vendor:
    return Vendor(STAND_IN, SETTINGS, PLATFORM.inbound)


def ask(call: Call, vendor: Vendor, headers: dict[str, str] | None = None) -> Answer:
    """The stand-in's answer to a call."""
    found = vendor.find(call.method, call.path)
    assert found is not None, f"the stand-in has no {call.method} {call.path}"
    names = {k.lower(): v for k, v in (headers or client.headers(SETTINGS, None)).items()}
    asked = json.loads(json.dumps(call.json))
    heard = Heard(call.method, call.path, found[1], call.query or {}, names, b"", asked, {}, SETTINGS)
    return STAND_IN.guard(heard) or found[0](heard, vendor.books)


def reply_of(answer: Answer) -> Reply:
    names = {k.lower(): v for k, v in answer.headers.items()}
    return Reply(answer.status, json.loads(json.dumps(answer.json)), json.dumps(answer.json), names)


def converse(talk: Generator[Call, Reply, Any], vendor: Vendor, calls: list[Call] | None = None) -> Any:
    """Plays a talk against the stand-in; every reply must be one that the talk wants to read."""
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as stop:
            return stop.value
        if calls is not None:
            calls.append(call)
        reply = reply_of(ask(call, vendor))
        assert reply.status in call.accepts or judge(reply, call) is None, reply.text


def sent(vendor: Vendor, action: SendInApp = MESSAGE, calls: list[Call] | None = None) -> Receipt:
    receipt: Receipt = converse(client.send_in_app(action, KEY, SETTINGS), vendor, calls)
    return receipt


def move(vendor: Vendor, name: str, **given: Any) -> Answer:
    answer = STAND_IN.moves[name](given, vendor.books)
    assert answer.status == 200, answer.json
    return answer


def joined(vendor: Vendor, email: str = "ada@example.com", **more: Any) -> str:
    return str(move(vendor, "sign_up", email=email, **more).json["id"])


# A message goes out


def test_a_message_is_built_field_by_field(vendor: Vendor) -> None:
    number = joined(vendor)
    calls: list[Call] = []
    receipt = sent(vendor, calls=calls)
    look, post = calls
    assert (look.method, look.path, look.writes) == ("POST", "/contacts/search", False)
    assert look.json == {
        "query": {"operator": "AND", "value": [{"field": "email", "operator": "=", "value": "Ada@example.com"}]},
        "pagination": {"per_page": 50},
    }
    assert (post.method, post.path, post.writes) == ("POST", "/messages", True)
    assert post.json == {
        "message_type": "inapp",
        "body": "<p>Your referral became a customer.<br>Thank you, Ada!</p><p>See &lt;you&gt; &amp; tea</p>",
        "from": {"type": "admin", "id": ADMIN},
        "to": {"type": "user", "id": number},
        "create_conversation_without_contact_reply": True,
    }
    [message] = vendor.books.messages
    assert receipt.reference == message.conversation
    assert receipt.facts == {"message": message.id, "conversation": message.conversation}
    assert receipt.identities == [Identity(kind="intercom", value=number)]
    assert not receipt.opted_out


def test_the_version_is_sent_with_every_call() -> None:
    assert client.headers(SETTINGS, None) == {
        "Authorization": "Bearer intercom-sandbox-token",
        "Intercom-Version": "2.16",
    }


def test_a_repeat_sends_twice_which_is_why_it_is_unsafe(vendor: Vendor) -> None:
    joined(vendor)
    references = {sent(vendor).reference, sent(vendor).reference}
    assert len(references) == len(vendor.books.messages) == 2


def test_without_a_conversation_the_message_is_the_reference() -> None:
    talk = client.send_in_app(MESSAGE, KEY, SETTINGS)
    next(talk)
    talk.send(Reply(200, {"data": [{"id": "1", "email": "ada@example.com", "role": "user"}]}))
    with pytest.raises(StopIteration) as stop:
        talk.send(Reply(200, {"type": "admin_message", "id": "19"}))
    assert (stop.value.value.reference, stop.value.value.facts) == ("19", {"message": "19"})


# … to the right person


def test_intercoms_id_comes_before_the_address(vendor: Vendor) -> None:
    number = joined(vendor, "ada@new.example")
    known = ADA.model_copy(update={"identities": [Identity(kind="intercom", value=number)]})
    calls: list[Call] = []
    sent(vendor, MESSAGE.model_copy(update={"who": known}), calls)
    assert [(c.method, c.path) for c in calls] == [("GET", f"/contacts/{number}"), ("POST", "/messages")]


def test_an_id_that_is_gone_leaves_the_address(vendor: Vendor) -> None:
    number = joined(vendor)
    gone = ADA.model_copy(update={"identities": [Identity(kind="intercom", value="a/b")]})
    calls: list[Call] = []
    sent(vendor, MESSAGE.model_copy(update={"who": gone}), calls)
    assert calls[0].path == "/contacts/a%2Fb"
    assert calls[0].accepts == {404, 410}
    assert vendor.books.messages[0].contact == number


def test_a_user_comes_before_leads_and_then_who_was_seen_last(vendor: Vendor) -> None:
    for role, seen in (("lead", 30), ("user", 10), ("user", 20), ("user", None)):
        vendor.books.contacts[joined(vendor, role=role)].last_seen_at = seen
    sent(vendor)
    assert vendor.books.contacts[vendor.books.messages[0].contact].last_seen_at == 20


def test_a_lead_is_written_to_as_a_lead(vendor: Vendor) -> None:
    number = joined(vendor, role="lead")
    calls: list[Call] = []
    sent(vendor, calls=calls)
    assert calls[-1].json["to"] == {"type": "lead", "id": number}


@pytest.mark.parametrize("who", [ADA, Who(contact="c_81")])
def test_nobody_is_made_a_user_by_a_message(vendor: Vendor, who: Who) -> None:
    with pytest.raises(Rejected, match="do not use the product"):
        sent(vendor, MESSAGE.model_copy(update={"who": who}))
    assert vendor.books == Workspace()


@pytest.mark.parametrize("how", ["unsubscribed_from_emails", "marked_email_as_spam"])
def test_whoever_opted_out_there_is_left_alone(vendor: Vendor, how: str) -> None:
    number = joined(vendor)
    setattr(vendor.books.contacts[number], how, True)
    receipt = sent(vendor)
    assert receipt == Receipt(opted_out=True, identities=[Identity(kind="intercom", value=number)])
    assert vendor.books.messages == []


def test_a_new_contact_is_waited_for(vendor: Vendor) -> None:
    number = joined(vendor, ready=False)
    with pytest.raises(Unavailable, match="takes no messages yet"):
        sent(vendor)
    vendor.books.contacts[number].created_at -= 601
    with pytest.raises(Rejected, match="not_found: User Not Found"):
        sent(vendor)


@pytest.mark.parametrize(
    ("text", "markup"),
    [("Hi", "<p>Hi</p>"), ("a\r\n\r\nb", "<p>a</p><p>b</p>"), ("\n\nx\n\n\n\ny ", "<p>x</p><p>y</p>"),
     ("<script>'\"", "<p>&lt;script&gt;'\"</p>")],
)  # fmt: skip
def test_plain_text_becomes_paragraphs_without_markup(text: str, markup: str) -> None:
    assert client.as_html(text) == markup


# The doctor


def test_the_doctor_looks_for_the_colleague(vendor: Vendor) -> None:
    facts = converse(client.doctor(SETTINGS), vendor).facts
    assert facts == {"workspace": "a86dr8yl", "region": "US", "version": "2.16"}
    for number, words in ((WITHOUT_SEAT, "no inbox seat"), (1, f"names nobody.*{ADMIN}, {WITHOUT_SEAT}")):
        with pytest.raises(Unauthorized, match=words):
            converse(client.doctor(SETTINGS.model_copy(update={"admin_id": number})), vendor)


# Errors


def listed(code: str, message: str) -> dict[str, Any]:
    return {"type": "error.list", "request_id": "ff2353d3", "errors": [{"code": code, "message": message}]}


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, listed("parameter_invalid", "Body is required"), "rejected", "parameter_invalid: Body is required"),
        (400, listed("intercom_version_invalid", "Unknown"), "unauthorized", "intercom_version_invalid: Unknown"),
        (401, listed("unauthorized", "Access Token Invalid"), "unauthorized", "unauthorized: Access Token Invalid"),
        (403, listed("api_plan_restricted", "No"), "unauthorized", "api_plan_restricted: No"),
        (404, listed("not_found", "User Not Found"), "rejected", "not_found: User Not Found"),
        (409, listed("conflict", "ada@example.com exists"), "rejected", "conflict: (address) exists"),
        (410, listed("contact_merged", "Merged"), "rejected", "contact_merged: Merged"),
        (422, listed("parameter_not_found", "No"), "rejected", "parameter_not_found: No"),
        (500, listed("server_error", "Oops"), "in doubt", "server_error: Oops"),
    ],
)
def test_each_error_has_its_kind_and_names_the_request(status: int, body: Any, kind: str, words: str) -> None:
    found = judge(Reply(status, body, json.dumps(body)), Call.post("/messages"))
    assert found is not None
    assert (found.kind, found.message) == (kind, f"HTTP {status}: {words} (request ff2353d3)")


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(400, {"type": "error", "message": "bad"}), "rejected", "HTTP 400: bad"),
        (Reply(502, None, "<html>Bad gateway</html>"), "in doubt", "HTTP 502: <html>Bad gateway</html>"),
        (Reply(200, None, ""), "in doubt", "HTTP 200 without JSON"),
    ],
)
def test_other_forms_of_an_answer_are_read_too(reply: Reply, kind: str, words: str) -> None:
    found = judge(reply, Call.post("/messages"))
    assert found is not None
    assert (found.kind, found.message) == (kind, words)


@pytest.mark.parametrize("status", [200, 503])
def test_reading_leaves_no_doubt(status: int) -> None:
    found = judge(Reply(status), Call.get("/me"))
    assert found is not None
    assert found.kind == "unavailable"


DATE = "Wed, 17 Dec 2025 19:33:20 GMT"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"x-ratelimit-reset": "1766000007", "date": DATE}, 7.0),
        ({"x-ratelimit-reset": "1765999999", "date": DATE}, 1.0),
        ({"x-ratelimit-reset": "1766000007"}, 10.0),
        ({"x-ratelimit-reset": "soon", "date": DATE}, 10.0),
        ({"x-ratelimit-reset": "1766000007", "date": "never"}, 10.0),
        ({}, 10.0),
    ],
)
def test_a_rate_limit_ends_with_its_window(headers: dict[str, str], wait: float) -> None:
    body = listed("rate_limit_exceeded", "Exceeded rate limit of 167 in 10_seconds")
    found = judge(Reply(429, body, "", headers), Call.post("/messages"))
    assert found is not None
    assert (found.kind, found.retry_after) == ("rate-limited", wait)


# In


def incoming(body: bytes, headers: dict[str, str] | None = None, method: str = "POST") -> Incoming:
    names = {k.lower(): v for k, v in (headers or {}).items()}
    return Incoming(method, "https://ovation.example/webhooks/intercom", names, {}, body)


VECTOR = SETTINGS.model_copy(update={"client_secret": SecretStr("intercom-client-secret")})
BODY = b'{"type":"notification_event","id":"notif_0192","topic":"contact.unsubscribed"}'
SIGNED = {"X-Hub-Signature": "sha1=98fe92476b6d69dad8c76fd5660b5c2e98cfb713"}


def test_the_signature_vector() -> None:
    webhook.verify(incoming(BODY, SIGNED), VECTOR, NOW)
    assert webhook.sign(BODY, VECTOR, "", NOW) == SIGNED


def test_the_client_secret_may_be_set_as_the_webhook_secret() -> None:
    by_the_other_name = IntercomSettings(webhook_secret=SecretStr("intercom-client-secret"))
    webhook.verify(incoming(BODY, SIGNED), by_the_other_name, NOW)
    assert by_the_other_name.missing(IntercomSettings.required_in) == []
    with pytest.raises(BadSignature, match="WEBHOOK_SECRET nor OVATION_INTERCOM__CLIENT_SECRET is set"):
        webhook.verify(incoming(BODY, SIGNED), IntercomSettings(), NOW)


def test_the_access_token_is_not_the_key() -> None:
    other = VECTOR.model_copy(update={"client_secret": VECTOR.access_token})
    with pytest.raises(BadSignature, match="does not match"):
        webhook.verify(incoming(BODY, SIGNED), other, NOW)


def test_intercom_asks_by_head_whether_somebody_is_there() -> None:
    answer = webhook.handshake(incoming(b"", method="HEAD"), SETTINGS)
    assert answer is not None
    assert answer.status == 200
    assert webhook.handshake(incoming(BODY), SETTINGS) is None


def heard(answer: Answer, own: IntercomSettings = SETTINGS) -> list[Event]:
    """What the gateway makes of the webhooks of an answer."""
    events: list[Event] = []
    for told in answer.webhooks:
        request = incoming(told.body, webhook.sign(told.body, SETTINGS, "", NOW))
        webhook.verify(request, SETTINGS, NOW)
        for name, item in webhook.unpack(request):
            read = webhook.INBOUND.read(name, item, own)
            assert isinstance(read, list), f"{name} is not in the table"
            events += read
    return events


def test_an_answer_comes_back_to_the_message(vendor: Vendor) -> None:
    joined(vendor)
    receipt = sent(vendor)
    [event] = heard(move(vendor, "reply", email="ada@example.com", text="Lovely & <kind>"))
    assert event.type == "message.replied"
    assert event.subject == Identity(kind="intercom_send", value=str(receipt.reference))
    assert event.data == {"text": "Lovely & <kind>"}
    assert event.source_id.startswith("notif_")


def test_an_answer_to_another_colleague_is_not_ours(vendor: Vendor) -> None:
    joined(vendor)
    sent(vendor)
    answer = move(vendor, "reply", email="ada@example.com", text="Yes")
    assert heard(answer, SETTINGS.model_copy(update={"admin_id": ADMIN + 5})) == []


@pytest.mark.parametrize(("kind", "writable"), [(None, False), ("37846", True)])
def test_an_opt_out_is_told(vendor: Vendor, kind: str | None, writable: bool) -> None:
    number = joined(vendor)
    [event] = heard(move(vendor, "unsubscribe", email="ada@example.com", kind=kind))
    assert (event.type, event.subject.text, event.data) == ("contact.opted_out", "email:ada@example.com", {})
    assert event.identities == [Identity(kind="intercom", value=number)]
    assert sent(vendor).opted_out is not writable


@pytest.mark.parametrize(("stars", "score"), [(1, 0), (2, 25), (3, 50), (4, 75), (5, 100)])
def test_stars_are_told_as_a_percentage(vendor: Vendor, stars: int, score: int) -> None:
    number = joined(vendor)
    sent(vendor)
    [event] = heard(move(vendor, "rate", email="ada@example.com", rating=stars))
    assert (event.type, event.subject.text, event.data) == ("csat.answered", f"intercom:{number}", {"score": score})


def test_a_sign_up_and_a_tag_are_told(vendor: Vendor) -> None:
    [event] = heard(move(vendor, "sign_up", email="Ada@example.com"))
    assert (event.type, event.subject.text) == ("contact.updated", "email:ada@example.com")
    assert event.person is not None
    assert event.person.email == "ada@example.com"
    [event] = heard(move(vendor, "tag", email="ada@example.com", tag="Advocate " * 10))
    assert (event.type, event.data) == ("contact.tagged", {"tag": ("Advocate " * 10)[:64]})
    assert heard(move(vendor, "sign_up", email="lead@example.com", role="lead")) == []


@pytest.mark.parametrize(
    ("markup", "text"),
    [("<p>Lovely!</p>\n<p>Tea &amp; cake<br/>for all?</p>", "Lovely!\nTea & cake\nfor all?"), ("plain", "plain"),
     ('<p class="no-margin">a <a href="https://x.example">link</a></p>', "a link"), ("<img src=x>", "")],
)  # fmt: skip
def test_markup_is_taken_out_of_answers(markup: str, text: str) -> None:
    assert webhook.plain(markup) == text


def test_an_answer_without_words_says_nothing(vendor: Vendor) -> None:
    joined(vendor)
    sent(vendor)
    [told] = move(vendor, "reply", email="ada@example.com", text="x").webhooks
    body = json.loads(told.body)
    body["data"]["item"]["conversation_parts"]["conversation_parts"] = [
        None,
        {"author": {"type": "user"}, "body": None},
    ]
    [event] = webhook.replied(body, SETTINGS)
    assert event.data == {}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"topic": 1}', b'{"topic": ""}', b"\xff", b"[" * 100_000])
def test_what_is_no_notification_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(incoming(body))


ADA_THERE = {"type": "contact", "id": "6762f2341bb69f9f2193bc17", "email": "ada@example.com"}


@pytest.mark.parametrize(
    "change",
    [
        {"data": None},
        {"data": {"item": {}}},
        {"data": {"item": {"contact": {**ADA_THERE, "id": None}}}},
        {"data": {"item": {"contact": {**ADA_THERE, "id": "x" * 400}}}},
        {"id": None},
        {"id": ""},
        {"created_at": "1766000000"},
        {"created_at": True},
        {"created_at": 10**30},
    ],
    ids=str,
)
def test_a_spoilt_notification_is_malformed(change: dict[str, Any]) -> None:
    body = {"id": "notif_1", "created_at": 1766000000, "data": {"item": {"contact": ADA_THERE}}}
    assert len(webhook.opted_out(body)) == 1
    with pytest.raises(Malformed):
        webhook.opted_out({**body, **change})


@pytest.mark.parametrize("stars", [0, 6, "5", None, True, 4.5])
def test_a_rating_beyond_five_stars_is_malformed(stars: Any) -> None:
    rating = {"rating": stars, "contact": ADA_THERE}
    item = {"conversation_rating": rating, "source": {"author": {}}}
    with pytest.raises(Malformed, match="not 1 to 5"):
        webhook.rated({"id": "notif_1", "created_at": 1766000000, "data": {"item": item}})


# The stand-in


def written(**change: Any) -> dict[str, Any]:
    whole = {
        "message_type": "inapp",
        "body": "x",
        "from": {"type": "admin", "id": ADMIN},
        "to": {"type": "user", "id": "1"},
    }
    return {k: v for k, v in {**whole, **change}.items() if v is not None}


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (None, 400, "parameter_invalid", None),
        (written(body=None), 400, "parameter_not_found", "body"),
        (written(body=""), 400, "parameter_invalid", "body"),
        (written(message_type="push"), 400, "parameter_invalid", "message_type"),
        (written(message_type="email"), 400, "parameter_invalid", None),
        (written(**{"from": {"type": "admin", "id": str(ADMIN)}}), 400, "parameter_invalid", "from.id"),
        (written(**{"from": {"type": "admin", "id": WITHOUT_SEAT}}), 400, "parameter_invalid", "from.id"),
        (written(idempotency_key="x"), 400, "parameter_invalid", "idempotency_key"),
        (written(), 404, "not_found", None),
    ],
)
def test_a_wrong_message_is_refused_with_its_field(
    vendor: Vendor, body: Any, status: int, code: str, field: str | None
) -> None:
    answer = ask(Call.post("/messages", json=body), vendor)
    [error] = answer.json["errors"]
    assert (answer.status, error["code"], error["field"]) == (status, code, field)
    assert vendor.books.messages == []


def test_the_enums_word_is_taken_too(vendor: Vendor) -> None:
    to = {"type": "user", "id": joined(vendor)}
    answer = ask(Call.post("/messages", json=written(message_type="in_app", to=to)), vendor)
    assert answer.json["message_type"] == "inapp"
    assert "conversation_id" not in answer.json
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(answer.headers)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": "Bearer other"}, 401, "unauthorized"),
        ({**client.headers(SETTINGS, None), "Intercom-Version": "9.9"}, 400, "intercom_version_invalid"),
    ],
)
def test_the_stand_in_knows_token_and_version(vendor: Vendor, headers: dict[str, str], status: int, code: str) -> None:
    answer = ask(Call.get("/me"), vendor, headers)
    assert (answer.status, answer.json["errors"][0]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("name", "given", "status"),
    [
        ("sign_up", {"email": "x"}, 400),
        ("unsubscribe", {"email": "who@example.com"}, 404),
        ("reply", {"email": "who@example.com", "text": "x"}, 404),
        ("rate", {"email": "who@example.com", "rating": 6}, 400),
        ("tag", None, 400),
    ],
)
def test_a_move_that_cannot_be_made_says_so(name: str, given: Any, status: int) -> None:
    assert STAND_IN.moves[name](given, Workspace()).status == status


def test_nobody_answers_a_message_that_was_not_sent(vendor: Vendor) -> None:
    joined(vendor)
    answer = STAND_IN.moves["reply"]({"email": "ada@example.com", "text": "x"}, vendor.books)
    assert (answer.status, answer.json["errors"][0]["message"]) == (404, "nothing was sent to this contact")
