"""Prevents: an agreement mailed twice, a draft that a crash left lying, a signature or a refusal that nobody hears of,
and one that a stranger made up."""

import base64
import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from pydantic import SecretStr, ValidationError

from models.event import Event
from platforms.base import Call, Incoming, Reply, Round, Token, Upkept
from platforms.capabilities import Receipt, RequestSignature, Who
from platforms.docusign import PLATFORM, DocuSignSettings, client, problem, sign_in, upkeep, webhook
from platforms.docusign.stand_in import STAND_IN
from platforms.docusign.stand_in_books import ACCOUNT, TEMPLATE, USER, Books
from platforms.docusign.stand_in_session import ACCESS
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected, Unauthorized
from platforms.stand_in import Answer, Heard, Webhook

SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, DocuSignSettings)
KEY = "j_5afm9g0mjvkyzrhj/agreement/request_signature"
NOW = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
ENVELOPES = f"https://demo.docusign.net/restapi/v2.1/accounts/{ACCOUNT}/envelopes"
ADA = Who(contact="c_1", email="ada@example.com", first_name="Ada", last_name="King")
AGREEMENT = RequestSignature(who=ADA, template=TEMPLATE, title="Partnership agreement for Ada Ltd")


def answered(call: Call, books: Books, token: str = ACCESS) -> Answer:
    """The stand-in's answer to a call, whatever host it is for."""
    path = urlsplit(call.path).path
    routes = ((r, m) for r in STAND_IN.routes if r.method == call.method if (m := r.pattern.match(path)))
    route, match = next(routes)
    heard = Heard(
        method=call.method,
        path=unquote(path),
        params={name: unquote(value) for name, value in match.groupdict().items()},
        query=call.query or {},
        headers={k.lower(): v for k, v in sign_in.headers(SETTINGS, Token(token)).items()} if call.signed_in else {},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form=dict(call.form or {}),
        settings=SETTINGS,
    )
    return STAND_IN.guard(heard) or route.handler(heard, books)


def ask(call: Call, books: Books, token: str = ACCESS) -> Reply:
    answer = answered(call, books, token)
    names = {k.lower(): v for k, v in answer.headers.items()}
    return Reply(answer.status, json.loads(json.dumps(answer.json)), json.dumps(answer.json), names)


def converse(talk: Generator[Call, Reply, Any], books: Books, lose: int = 99) -> tuple[Any, list[Call]]:
    """Plays a talk against the stand-in; every reply must be one that the talk wants to read. The answer to the call
    of number `lose` is lost, and the talk ends there."""
    calls: list[Call] = []
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as stop:
            return stop.value, calls
        calls.append(call)
        reply = ask(call, books)
        assert reply.status in call.accepts or problem.judge(reply, call) is None, reply.json
        if len(calls) > lose:
            talk.close()
            return None, calls


def asked(books: Books, action: RequestSignature = AGREEMENT, key: str = KEY) -> Receipt:
    receipt: Receipt = converse(client.request_signature(action, key, SETTINGS), books)[0]
    return receipt


def found(books: Books, key: str = KEY) -> Receipt | None:
    receipt: Receipt | None = converse(client.find_envelope(AGREEMENT, key, SETTINGS), books)[0]
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


def moved(name: str, books: Books, **given: object) -> Answer:
    return STAND_IN.moves[name](given, books)


def listed(*envelopes: dict[str, Any]) -> Reply:
    size = str(len(envelopes))
    return Reply(200, {"resultSetSize": size, "totalSetSize": size, "envelopes": list(envelopes)})


NONE = Reply(200, {"resultSetSize": "0", "totalSetSize": "0"})


def of_field(value: str, name: str = "ovation_effect") -> dict[str, Any]:
    return {"customFields": {"textCustomFields": [{"name": name, "value": value}]}}


# Out


def test_an_agreement_is_a_draft_first_and_then_sent() -> None:
    receipt, calls = converse(client.request_signature(AGREEMENT, KEY, SETTINGS), books := Books())
    by_transaction, by_field, draft, send = calls
    for call in (by_transaction, by_field):
        assert (call.method, call.path, call.writes) == ("GET", ENVELOPES, False)
    assert by_transaction.query == {"transaction_ids": KEY, "include": "custom_fields"}
    assert by_field.query is not None
    assert by_field.query["custom_field"] == f"ovation_effect={KEY}"
    assert datetime.fromisoformat(by_field.query["from_date"]) < datetime.now(UTC) - timedelta(days=300)
    assert (draft.method, draft.path, draft.writes) == ("POST", ENVELOPES, True)
    assert draft.json == {
        "templateId": TEMPLATE,
        "status": "created",
        "emailSubject": "Partnership agreement for Ada Ltd",
        "transactionId": KEY,
        "templateRoles": [{"roleName": "Advocate", "name": "Ada King", "email": "ada@example.com"}],
        "customFields": {
            "textCustomFields": [{"name": "ovation_effect", "value": KEY, "show": "false", "required": "false"}]
        },
    }
    [envelope] = books.envelopes
    assert (send.method, send.path, send.json) == ("PUT", f"{ENVELOPES}/{envelope.id}", {"status": "sent"})
    assert (envelope.status, envelope.mailed) == ("sent", 1)
    assert receipt == Receipt(reference=envelope.id, facts={"envelope": envelope.id})


def test_a_repeat_is_the_same_envelope() -> None:
    books = Books()
    first = asked(books)
    again, calls = converse(client.request_signature(AGREEMENT, KEY, SETTINGS), books)
    assert again == first
    assert [call.method for call in calls] == ["GET"]
    assert [envelope.mailed for envelope in books.envelopes] == [1]


@pytest.mark.parametrize("lose", [2, 3])
def test_wherever_the_answer_is_lost_the_agreement_is_mailed_once(lose: int) -> None:
    books = Books()
    converse(client.request_signature(AGREEMENT, KEY, SETTINGS), books, lose=lose)
    assert len(books.envelopes) == 1
    assert (found(books) is None) == (lose == 2), "a draft was mailed to nobody"
    receipt = asked(books)
    assert [envelope.mailed for envelope in books.envelopes] == [1]
    assert found(books) == receipt


def test_after_a_week_it_is_found_by_its_custom_field() -> None:
    books = Books()
    receipt = asked(books)
    books.envelopes[0].created_at -= timedelta(days=8)
    again, calls = converse(client.find_envelope(AGREEMENT, KEY, SETTINGS), books)
    assert again == receipt
    assert len(calls) == 2
    assert found(books, "another/key") is None
    action = PLATFORM.action(RequestSignature)
    assert action is not None
    assert (action.repeat.find, action.repeat.after) == (client.find_envelope, timedelta(minutes=2))


def test_what_is_found_is_compared_and_a_filter_may_be_ignored() -> None:
    others = listed(
        {"envelopeId": "e1", "status": "sent", **of_field("x/y/z")}, {"envelopeId": "e2", **of_field("", "PO")}
    )
    ours = listed({"envelopeId": "e3", "status": "sent", **of_field(KEY)})
    assert told(client.find_envelope(AGREEMENT, KEY, SETTINGS), others, ours).reference == "e3"
    untold = listed({"envelopeId": "e4", "status": "completed"})
    assert told(client.find_envelope(AGREEMENT, KEY, SETTINGS), untold).reference == "e4"


@pytest.mark.parametrize(
    ("statuses", "reference"),
    [
        (["sent"], "e0"),
        (["delivered"], "e0"),
        (["completed"], "e0"),
        (["processing"], "e0"),
        (["declined"], "e0"),
        (["voided"], "e0"),
        (["voided", "sent"], "e1"),
        (["created"], None),
        (["deleted"], None),
        (["voided", "created"], None),
    ],
)
def test_what_was_mailed_did_happen_and_a_draft_did_not(statuses: list[str], reference: str | None) -> None:
    there = listed(*({"envelopeId": f"e{n}", "status": s, **of_field(KEY)} for n, s in enumerate(statuses)))
    receipt = told(client.find_envelope(AGREEMENT, KEY, SETTINGS), there)
    assert (receipt and receipt.reference) == reference


@pytest.mark.parametrize("move", ["decline", "void"])
def test_asked_again_after_the_end_another_is_made(move: str) -> None:
    books = Books()
    asked(books)
    moved(move, books)
    asked(books)
    assert [envelope.mailed for envelope in books.envelopes] == [1, 1]
    assert found(books) == asked(books)


def test_what_is_no_draft_any_more_is_read() -> None:
    draft = listed({"envelopeId": "e1", "status": "created", **of_field(KEY)})
    refused = Reply(400, {"errorCode": "ENVELOPE_INVALID_STATUS", "message": "is sent"})
    talk = client.request_signature(AGREEMENT, KEY, SETTINGS)
    assert told(talk, draft, refused, Reply(200, {"envelopeId": "e1", "status": "sent"})).reference == "e1"
    for status in ("created", "deleted", "voided"):
        with pytest.raises(Rejected, match=f"e1 is {status}"):
            told(client.request_signature(AGREEMENT, KEY, SETTINGS), draft, refused, Reply(200, {"status": status}))


@pytest.mark.parametrize("change", [{"email": None}, {"first_name": None, "last_name": None}])
def test_a_signer_without_name_or_address_is_not_asked(change: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="add them in the CRM"):
        next(
            client.request_signature(AGREEMENT.model_copy(update={"who": ADA.model_copy(update=change)}), KEY, SETTINGS)
        )


def test_long_titles_and_keys_are_made_to_fit() -> None:
    key = "j_1/" + "x" * 100 + "/request_signature"
    talk = client.request_signature(AGREEMENT.model_copy(update={"title": "T" * 150}), key, SETTINGS)
    next(talk)
    talk.send(NONE)
    body = talk.send(NONE).json
    assert len(body["emailSubject"]) == 100
    [field] = body["customFields"]["textCustomFields"]
    assert field["value"] == body["transactionId"] == client.mark_of(key)
    assert len(field["value"]) == 40
    books = Books()
    assert found(books, key) is None
    receipt = asked(books, key=key)
    assert found(books, key) == receipt


@pytest.mark.parametrize("answer", [{"resultSetSize": "1"}, {}, {"envelopes": {}}])
def test_a_search_without_a_list_is_a_doubt(answer: dict[str, Any]) -> None:
    with pytest.raises(InDoubt):
        told(client.find_envelope(AGREEMENT, KEY, SETTINGS), Reply(200, answer))


def test_an_envelope_without_an_id_is_a_doubt() -> None:
    with pytest.raises(InDoubt):
        told(client.request_signature(AGREEMENT, KEY, SETTINGS), NONE, NONE, Reply(201, {"status": "created"}))


def test_the_doctor_knows_the_account_and_where_it_lives() -> None:
    receipt, [call] = converse(client.doctor(SETTINGS), Books())
    assert (call.method, call.path) == ("GET", "https://account-d.docusign.com/oauth/userinfo")
    assert receipt.facts == {"account": "Acme", "at": "https://demo.docusign.net"}
    moved_away = {"accounts": [{"account_id": ACCOUNT.upper(), "base_uri": "https://na4.docusign.net"}]}
    with pytest.raises(Unauthorized, match=r"ACCOUNT_URI to https://na4\.docusign\.net"):
        told(client.doctor(SETTINGS), Reply(200, moved_away))
    with pytest.raises(Unauthorized, match="OVATION_DOCUSIGN__ACCOUNT is no account"):
        told(client.doctor(SETTINGS), Reply(200, {"accounts": None}))


# Signing in


def test_the_assertion_names_the_user_and_is_signed_by_the_key() -> None:
    call = sign_in.call(SETTINGS, NOW)
    assert (call.method, call.path, call.signed_in) == ("POST", "https://account-d.docusign.com/oauth/token", False)
    assert call.form is not None
    assert call.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = call.form["assertion"].split(".")
    assert decoded(head) == {"alg": "RS256", "typ": "JWT"}
    assert decoded(claims) == {
        "iss": "0f9e8d7c-6b5a-4c3d-8e2f-1a0b9c8d7e6f",
        "sub": USER,
        "aud": "account-d.docusign.com",
        "iat": 1768496400,
        "exp": 1768497000,
        "scope": "signature impersonation",
    }
    public = sign_in.private_key(SETTINGS).public_key()
    raw = base64.urlsafe_b64decode(signature + "==")
    public.verify(raw, f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def test_a_token_ends_when_docusign_says() -> None:
    token = sign_in.read(Reply(200, {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}), NOW)
    assert (token.value, token.expires_at) == ("t", NOW + timedelta(hours=1))
    assert sign_in.headers(SETTINGS, token) == {"Authorization": "Bearer t"}
    fresh = sign_in.read(ask(sign_in.call(SETTINGS, datetime.now(UTC)), Books()), NOW)
    assert fresh.value == ACCESS


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(400, {"error": "consent_required"}), "has not consented.*oauth/auth.*impersonation"),
        (Reply(400, {"error": "invalid_grant"}), "invalid_grant: check user"),
        (Reply(400, text="<html>"), "no access token: check user"),
        (Reply(200, {"token_type": "Bearer"}), "no access token"),
    ],
)
def test_a_refused_sign_in_says_what_to_mend(reply: Reply, words: str) -> None:
    with pytest.raises(Unauthorized, match=words):
        sign_in.read(reply, NOW)


def elliptic() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


@pytest.mark.parametrize(("pem", "words"), [("dummy", "not a PEM"), ("", "not a PEM"), (elliptic(), "not an RSA key")])
def test_a_key_that_cannot_be_read_is_named(pem: str, words: str) -> None:
    with pytest.raises(Unauthorized, match=words):
        sign_in.call(SETTINGS.model_copy(update={"private_key": SecretStr(pem)}), NOW)


@pytest.mark.parametrize(
    "change",
    [{"integration_key": "x"}, {"user": "x"}, {"auth_host": "account.docusign.com"}, {"private_key": None}],
    ids=lambda change: next(iter(change)),
)
def test_the_stand_in_lets_nobody_else_in(change: dict[str, Any]) -> None:
    if "private_key" in change:
        stranger = sign_in.call(SETTINGS, datetime.now(UTC))
        assert stranger.form is not None
        head, claims, _ = stranger.form["assertion"].split(".")
        forged = Call.post(stranger.path, form={**stranger.form, "assertion": f"{head}.{claims}.AAAA"}, signed_in=False)
        assert ask(forged, Books()).json["error"] == "invalid_grant"
    else:
        call = sign_in.call(SETTINGS.model_copy(update=change), datetime.now(UTC))
        assert ask(call, Books()).json == {"error": "invalid_grant"}
    assert ask(sign_in.call(SETTINGS, datetime.now(UTC) - timedelta(hours=2)), Books()).status == 400


@pytest.mark.parametrize("change", [{"account_uri": "na4.docusign.net"}, {"auth_host": "https://account.docusign.com"}])
def test_addresses_of_another_form_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        DocuSignSettings(**change)


# Errors

POST, GET, PUT = Call.post(ENVELOPES), Call.get(ENVELOPES), Call.put(f"{ENVELOPES}/e1")


@pytest.mark.parametrize(
    ("status", "code", "call", "kind"),
    [
        (400, "TEMPLATE_ID_INVALID", POST, "rejected"),
        (400, "INVALID_EMAIL_ADDRESS_FOR_RECIPIENT", POST, "rejected"),
        (400, "ENVELOPE_INVALID_STATUS", POST, "rejected"),
        (404, "ENVELOPE_DOES_NOT_EXIST", PUT, "rejected"),
        (400, "ENVELOPE_ALLOWANCE_EXCEEDED", POST, "unauthorized"),
        (400, "ACCOUNT_LACKS_PERMISSIONS", POST, "unauthorized"),
        (401, "AUTHORIZATION_INVALID_TOKEN", GET, "unauthorized"),
        (400, "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", POST, "rate-limited"),
        (429, "BURST_APIINVOCATION_LIMIT_EXCEEDED", GET, "rate-limited"),
        (400, "HOURLY_ENVELOPE_POLLING_LIMIT_EXCEEDED", GET, "rate-limited"),
        (429, "", POST, "rate-limited"),
        (500, "UNSPECIFIED_ERROR", POST, "in doubt"),
        (503, "", PUT, "in doubt"),
        (500, "UNSPECIFIED_ERROR", GET, "unavailable"),
    ],
)
def test_each_error_has_its_kind_by_its_code(status: int, code: str, call: Call, kind: str) -> None:
    body = {"errorCode": code, "message": "Words."} if code else None
    judged = problem.judge(Reply(status, body, json.dumps(body)), call)
    assert judged is not None
    assert judged.kind == kind


def test_an_error_within_a_success_is_an_error() -> None:
    within = {"envelopeId": "e1", "errorDetails": {"errorCode": "ENVELOPE_CANNOT_BE_SENT", "message": "No."}}
    judged = problem.judge(Reply(200, within), PUT)
    assert judged is not None
    assert judged.kind == "rejected"
    assert problem.judge(Reply(200, {"errorDetails": {"errorCode": "SUCCESS"}}), PUT) is None
    for call, kind in ((POST, "in doubt"), (GET, "unavailable")):
        unread = problem.judge(Reply(200, text="<html>"), call)
        assert unread is not None
        assert unread.kind == kind


def test_the_message_has_the_handle_for_support() -> None:
    reply = Reply(400, {"errorCode": "X", "message": "Why."}, headers={"x-docusign-tracetoken": "t-1"})
    judged = problem.judge(reply, POST)
    assert judged is not None
    assert judged.message == "HTTP 400: X: Why. (trace t-1)"


@pytest.mark.parametrize(
    ("code", "headers", "seconds"),
    [
        ("BURST_APIINVOCATION_LIMIT_EXCEEDED", {}, 30.0),
        ("HOURLY_ENVELOPE_POLLING_LIMIT_EXCEEDED", {}, 900.0),
        ("HOURLY_APIINVOCATION_LIMIT_EXCEEDED", {}, 600.0),
        ("HOURLY_APIINVOCATION_LIMIT_EXCEEDED", {"x-ratelimit-reset": "1768499990"}, 600.0),
        ("HOURLY_APIINVOCATION_LIMIT_EXCEEDED", {"x-ratelimit-reset": "1768497000"}, 600.0),
        ("HOURLY_APIINVOCATION_LIMIT_EXCEEDED", {"x-ratelimit-reset": "1768496500", "date": "D"}, 100.0),
        ("HOURLY_APIINVOCATION_LIMIT_EXCEEDED", {"x-ratelimit-reset": "1768496000", "date": "D"}, 1.0),
        ("", {}, 30.0),
    ],
)
def test_a_limit_waits_as_long_as_its_kind_takes(code: str, headers: dict[str, str], seconds: float) -> None:
    if "date" in headers:
        headers = headers | {"date": "Thu, 15 Jan 2026 17:00:00 GMT"}
    judged = problem.judge(Reply(429, {"errorCode": code} if code else None, headers=headers), POST)
    assert judged is not None
    assert judged.retry_after == seconds


# In

VECTOR = b'{"event":"envelope-completed","apiVersion":"v2.1"}'
VECTOR_SETTINGS = SETTINGS.model_copy(update={"webhook_secret": SecretStr("docusign-connect-key")})
VECTOR_SIGNATURE = "/q4OY1TRd4AGCkfORq1X1KLPYKQAdtJ25M1WBDDzWKI="


def incoming(body: bytes, headers: dict[str, str] | None = None) -> Incoming:
    given = {"content-type": "application/json", **{k.lower(): v for k, v in (headers or {}).items()}}
    return Incoming("POST", "https://ovation.example/webhooks/docusign", given, {}, body)


def events_of(sent: Webhook) -> list[Event]:
    signed = incoming(sent.body, webhook.sign(sent.body, SETTINGS, "", NOW))
    webhook.verify(signed, SETTINGS, NOW)
    events: list[Event] = []
    for name, item in webhook.unpack(signed):
        events += webhook.INBOUND.read(name, item, SETTINGS) or []
    return events


def test_the_signature_vector() -> None:
    webhook.verify(incoming(VECTOR, {"X-DocuSign-Signature-1": VECTOR_SIGNATURE}), VECTOR_SETTINGS, NOW)
    assert webhook.sign(VECTOR, VECTOR_SETTINGS, "", NOW) == {
        "X-DocuSign-Signature-1": VECTOR_SIGNATURE,
        "X-Authorization-Digest": "HMACSHA256",
    }


def test_while_keys_rotate_one_signature_suffices() -> None:
    both = {"X-DocuSign-Signature-1": "AAAA", "X-DocuSign-Signature-12": VECTOR_SIGNATURE}
    webhook.verify(incoming(VECTOR, both), VECTOR_SETTINGS, NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Authorization-Digest": "HMACSHA256"},
        {"X-DocuSign-Signature-1": ""},
        {"X-DocuSign-Signature-1": VECTOR_SIGNATURE[:-1]},
        {"X-DocuSign-Signature-1": "é\ud800"},
    ],
)
def test_a_forged_request_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        webhook.verify(incoming(VECTOR, headers), VECTOR_SETTINGS, NOW)


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"[]",
            b"<xml/>",
            b"\xff",
            b"[" * 100_000,
            b'{"event":1,"data":{}}',
            b'{"event":"Envelope Sent","data":{}}',
        ),
        b'{"event":"envelope-completed"}',
        b'{"event":"envelope-completed","data":{}}',
        b'{"event":"envelope-completed","data":{"envelopeId":""}}',
        b'{"event":"envelope-completed","data":{"envelopeId":"e1"}}',
        b'{"event":"envelope-completed","data":{"envelopeId":"e 1"},"generatedDateTime":"2026-01-15T10:00:00Z"}',
        b'{"event":"envelope-completed","data":{"envelopeId":"e1"},"generatedDateTime":"2026-01-15T10:00:00"}',
        b'{"event":"envelope-declined","data":{}}',
        b'{"event":"envelope-voided","data":{"envelopeId":"e1"}}',
    ],
)
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        for name, item in webhook.unpack(incoming(body)):
            webhook.INBOUND.read(name, item, SETTINGS)


@pytest.mark.parametrize(
    ("field", "subject"),
    [
        ({"customFields": None}, "docusign_send:e1"),
        (of_field(KEY), f"effect:{KEY}"),
        (of_field("0a1b2c"), "docusign_send:e1"),
        (of_field("our key / theirs"), "docusign_send:e1"),
    ],
)
def test_an_event_is_about_the_effect_or_else_the_envelope(field: dict[str, Any], subject: str) -> None:
    for status in webhook.ENDS:
        told = {"envelopeId": "e1", f"{status}DateTime": "2026-01-15T10:00:00.1234567Z", **field}
        [event] = webhook.ended(told, status)
        assert (event.subject.text, event.source_id) == (subject, f"{status}:e1")
        assert event.at == datetime(2026, 1, 15, 10, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("status", webhook.ENDS)
def test_the_time_is_the_envelopes_own_or_else_the_messages(status: str) -> None:
    own = {f"{status}DateTime": "2026-01-14T09:00:00Z", "statusChangedDateTime": "2026-01-14T10:00:00Z"}
    changed = {**own, f"{status}DateTime": None}
    for summary, hour in ((own, 9), (changed, 10), ({}, 11), (None, 11)):
        data = {"envelopeId": "e1", "envelopeSummary": summary}
        body = {"event": f"envelope-{status}", "generatedDateTime": "2026-01-17T11:00:00Z", "data": data}
        [event] = webhook.INBOUND.read(f"envelope-{status}", body, SETTINGS) or []
        assert event.at.hour == hour


@pytest.mark.parametrize("fields", [{}, {"textCustomFields": None}, {"textCustomFields": [1, {"name": "PO"}]}])
def test_a_colleagues_envelope_is_none_of_ours(fields: dict[str, Any]) -> None:
    for status in webhook.ENDS:
        assert webhook.ended({"envelopeId": "e1", "customFields": fields}, status) == []


# What Connect lost


def round_of(mark: dict[str, object] | None = None, now: datetime | None = None) -> Round:
    return Round(
        mark=mark or {}, webhook_url="https://ovation.example/webhooks/docusign?k=1", now=now or datetime.now(UTC)
    )


def look(books: Books, mark: dict[str, object] | None = None, now: datetime | None = None) -> tuple[Upkept, list[Call]]:
    return converse(upkeep.look_for_ended(round_of(mark, now), SETTINGS), books)


@pytest.mark.parametrize("move", ["sign", "decline", "void"])
def test_a_round_hears_how_one_ended_and_the_webhook_says_the_same(move: str) -> None:
    books = Books()
    asked(books)
    asked(books, key="j_2/agreement/request_signature")
    [sent] = moved(move, books, ovation_effect=KEY, at="2026-01-15T10:00:00Z").webhooks
    books.envelopes[0].changed_at = datetime.now(UTC)
    later = datetime.now(UTC) + timedelta(minutes=5)
    kept, [call] = look(books, now=later)
    assert call.query is not None
    assert {name: call.query[name] for name in ("from_to_status", "status", "count", "start_position", "include")} == {
        "from_to_status": "changed",
        "status": "completed,declined,voided",
        "count": "100",
        "start_position": "0",
        "include": "custom_fields",
    }
    assert kept.events == events_of(sent)
    assert [event.subject.text for event in kept.events] == [f"effect:{KEY}"]
    assert kept.mark == {"since": (later - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")}


def test_a_round_begins_where_the_last_ended() -> None:
    talk = upkeep.look_for_ended(round_of({"since": "2026-01-15T04:00:00Z"}, NOW), SETTINGS)
    query = next(talk).query
    assert query is not None
    assert (query["from_date"], query["to_date"]) == ("2026-01-15T04:00:00Z", "2026-01-15T17:00:00Z")
    first = next(upkeep.look_for_ended(round_of(None, NOW), SETTINGS)).query
    assert first is not None
    assert first["from_date"] == "2026-01-14T17:00:00Z"


def test_a_long_list_is_read_in_several_rounds_of_one_window() -> None:
    books = Books()
    for number in range(650):
        asked(books, key=f"j_{number}/agreement/request_signature")
        moved("sign", books)
    now = datetime.now(UTC) + timedelta(minutes=5)
    kept, calls = look(books, now=now)
    assert [call.query["start_position"] for call in calls if call.query] == ["0", "100", "200", "300", "400"]
    assert len(kept.events) == 500
    assert kept.again_at == now + timedelta(minutes=1)
    rest, calls = look(books, dict(kept.mark), now + timedelta(minutes=1))
    assert [call.query["start_position"] for call in calls if call.query] == ["500", "600"]
    assert len({event.source_id for event in kept.events + rest.events}) == 650
    assert rest.mark == {"since": (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert rest.again_at is None


def test_an_empty_list_and_an_odd_total_end_the_round() -> None:
    odd = {"envelopeId": "e1", "status": "completed", "customFields": {}}
    for reply in (NONE, Reply(200, {"envelopes": [odd], "totalSetSize": "many"})):
        kept = told(upkeep.look_for_ended(round_of(None, NOW), SETTINGS), reply)
        assert kept.mark == {"since": "2026-01-15T16:00:00Z"}


def test_an_envelope_that_cannot_be_read_holds_up_nobody() -> None:
    spoilt, unasked, ours = (
        {"envelopeId": "e1", "status": "declined", **of_field(KEY)},
        {"envelopeId": "e2", "status": "sent", "statusChangedDateTime": "2026-01-15T10:00:00Z"},
        {"envelopeId": "e3", "status": "completed", "completedDateTime": "2026-01-15T10:00:00Z"},
    )
    kept = told(upkeep.look_for_ended(round_of(None, NOW), SETTINGS), listed(spoilt, unasked, ours))
    assert [event.source_id for event in kept.events] == ["completed:e3"]


# The stand-in


def test_a_signers_way_is_told() -> None:
    books = Books()
    asked(books)
    for move, status in (("open", "delivered"), ("sign", "completed")):
        answer = moved(move, books)
        assert answer.json["status"] == status
    [event] = events_of(answer.webhooks[0])
    assert (event.type, event.data) == ("agreement.signed", {"envelope": books.envelopes[0].id})
    assert moved("decline", books).json["errorCode"] == "ENVELOPE_INVALID_STATUS"
    assert moved("sign", Books()).status == 404
    assert moved("sign", books, who="Ada").status == 400


@pytest.mark.parametrize(("move", "how"), [("decline", "declined"), ("void", "voided")])
def test_another_end_is_told_without_its_reason(move: str, how: str) -> None:
    books = Books()
    asked(books)
    [sent] = moved(move, books, reason="their mother is ill").webhooks
    assert b"their mother is ill" in sent.body
    [event] = events_of(sent)
    assert (event.type, event.data) == ("agreement.declined", {"envelope": books.envelopes[0].id, "how": how})
    assert "ill" not in event.model_dump_json()
    assert moved("sign", books).json["errorCode"] == "ENVELOPE_INVALID_STATUS"


def test_a_draft_is_nobodys_to_decline() -> None:
    books = Books()
    converse(client.request_signature(AGREEMENT, KEY, SETTINGS), books, lose=2)
    assert moved("decline", books).json["errorCode"] == "ENVELOPE_INVALID_STATUS"


def draft_body() -> dict[str, Any]:
    talk = client.request_signature(AGREEMENT, KEY, SETTINGS)
    next(talk)
    talk.send(NONE)
    body: dict[str, Any] = talk.send(NONE).json
    return body


ROLE = {"roleName": "Advocate", "name": "Ada King", "email": "ada@example.com"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"templateId": "other"}, "TEMPLATE_ID_INVALID"),
        ({"templateRoles": [ROLE | {"roleName": "Partner"}]}, "ONESIGN_ALLSIGN_NOT_SATISFIED"),
        ({"templateRoles": [ROLE | {"email": "ada"}]}, "INVALID_EMAIL_ADDRESS_FOR_RECIPIENT"),
        ({"templateRoles": []}, "INVALID_REQUEST_BODY"),
        ({"templateRoles": [ROLE | {"routingOrder": 1}]}, "INVALID_REQUEST_BODY"),
        ({"status": "completed"}, "INVALID_REQUEST_BODY"),
        ({"emailSubject": "x" * 101}, "INVALID_REQUEST_BODY"),
        ({"idempotencyKey": "x"}, "INVALID_REQUEST_BODY"),
        ({"template_id": "x"}, "INVALID_REQUEST_BODY"),
        ({"customFields": {"textCustomFields": [{"name": "a", "value": "b", "show": False}]}}, "INVALID_REQUEST_BODY"),
        ({"customFields": {"textCustomFields": [{"name": "a", "value": "b" * 101}]}}, "INVALID_REQUEST_BODY"),
    ],
)
def test_an_unfit_envelope_is_refused(change: dict[str, Any], code: str) -> None:
    books = Books()
    refused = ask(Call.post(ENVELOPES, json=draft_body() | change), books)
    assert (refused.status, refused.json["errorCode"]) == (400, code)
    assert books.envelopes == []


def test_an_envelope_created_as_sent_is_mailed_each_time() -> None:
    books = Books()
    for _ in range(2):
        answer = answered(Call.post(ENVELOPES, json=draft_body() | {"status": "sent"}), books)
        assert (answer.status, len(answer.webhooks)) == (201, 1)
    assert [envelope.mailed for envelope in books.envelopes] == [1, 1]


def test_an_envelope_is_sent_once_and_voided_with_a_reason() -> None:
    books = Books()
    path = f"{ENVELOPES}/{asked(books).reference}"
    assert ask(Call.put(path, json={"status": "sent"}), books).json["errorCode"] == "ENVELOPE_INVALID_STATUS"
    assert ask(Call.put(path, json={"status": "voided"}), books).json["errorCode"] == "INVALID_REQUEST_PARAMETER"
    assert ask(Call.put(path, json={"status": "voided", "voidedReason": "withdrawn"}), books).ok
    assert ask(Call.get(path), books).json["voidedReason"] == "withdrawn"
    assert ask(Call.get(f"{ENVELOPES}/other"), books).json["errorCode"] == "ENVELOPE_DOES_NOT_EXIST"
    assert ask(Call.get(ENVELOPES), books).json["errorCode"] == "INVALID_REQUEST_PARAMETER"


def test_the_stand_in_knows_its_token_its_account_and_added_templates() -> None:
    books = Books()
    assert ask(Call.get(ENVELOPES), books, "spent").json["errorCode"] == "AUTHORIZATION_INVALID_TOKEN"
    assert ask(Call.post(ENVELOPES.replace(ACCOUNT, "other"), json=draft_body()), books).status == 401
    moved("template", books, templateId="t2", roles=["Partner"])
    assert asked(books, AGREEMENT.model_copy(update={"template": "t2", "role": "Partner"})).reference
    assert Books.model_validate_json(books.model_dump_json()) == books


def test_the_stand_ins_429_and_500() -> None:
    for answer, kind in ((STAND_IN.rate_limited(), "rate-limited"), (STAND_IN.broken(), "in doubt")):
        judged = problem.judge(Reply(answer.status, answer.json), POST)
        assert judged is not None
        assert judged.kind == kind
