"""Prevents: a mail nobody can tell was sent, an opt-out lost or invented, links rewritten, and a body that only our
own double accepts."""

import base64
import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr, ValidationError

from platforms.base import Call, Incoming, Reply
from platforms.capabilities import SendEmail
from platforms.errors import BadSignature, Malformed, Unauthorized
from platforms.sendgrid import SendGridSettings, client, webhook
from platforms.sendgrid.stand_in import STAND_IN, Account
from platforms.sendgrid.stand_in_requests import SendRequest
from platforms.stand_in import Answer, Heard

SPECS = Path(__file__).resolve().parents[3] / "shared/contracts/specs"
FIXTURES = Path(webhook.__file__).parent / "fixtures"
SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, SendGridSettings)
KEY = "j_1a2b/check_in/send_email"
NOW = datetime.fromtimestamp(1766000000, UTC)
TEMPLATE = "d-" + "9f1c" * 8
MAIL = SendEmail(
    to="ada@example.com",
    to_name="Ada",
    subject="Did the box arrive?",
    text="Did it?",
    html="<p>Did it?</p>",
    reply_to="csm@acme.example",
    unsubscribe_url="https://ovation.example.com/preferences/tok",
    category="check_in",
)
BARE = SendEmail(to="ada@example.com", subject="Hi", text="Hi", html="")
TEMPLATED = MAIL.model_copy(update={"template": TEMPLATE, "variables": {"first_name": "Ada"}})


def request(action: SendEmail) -> Call:
    return next(client.send_email(action, KEY, SETTINGS))


def ask(call: Call, books: Account, token: str = "SG.sandbox") -> Answer:
    route, match = next((r, m) for r in STAND_IN.routes if r.method == call.method if (m := r.pattern.match(call.path)))
    asked = Heard(
        method=call.method,
        path=call.path,
        params=match.groupdict(),
        query=call.query or {},
        headers={"authorization": f"Bearer {token}"},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form={},
        settings=SETTINGS,
    )
    return STAND_IN.guard(asked) or route.handler(asked, books)


def reply_of(answer: Answer) -> Reply:
    names = {k.lower(): v for k, v in answer.headers.items()}
    return Reply(answer.status, json=answer.json, text=json.dumps(answer.json or ""), headers=names)


def finish(talk: Generator[Call, Reply, Any], reply: Reply) -> Any:
    next(talk)
    with pytest.raises(StopIteration) as stop:
        talk.send(reply)
    return stop.value.value


def problem(status: int, body: Any = None, **headers: str) -> Any:
    reply = Reply(
        status, json=body, text=json.dumps(body), headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    return client.judge(reply, Call.post("/v3/mail/send"))


# Out


def test_a_mail_is_built_field_by_field() -> None:
    call = request(MAIL)
    assert (call.method, call.path, call.writes) == ("POST", "/v3/mail/send", True)
    assert call.json == {
        "from": {"email": "thanks@acme.example", "name": "Acme"},
        "reply_to": {"email": "csm@acme.example"},
        "personalizations": [
            {
                "to": [{"email": "ada@example.com", "name": "Ada"}],
                "custom_args": {"ovation_effect": KEY},
                "headers": {
                    "List-Unsubscribe": "<https://ovation.example.com/preferences/tok>",
                    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                },
            }
        ],
        "subject": "Did the box arrive?",
        "content": [{"type": "text/plain", "value": "Did it?"}, {"type": "text/html", "value": "<p>Did it?</p>"}],
        "categories": ["check_in"],
        "tracking_settings": {"click_tracking": {"enable": False}, "subscription_tracking": {"enable": False}},
    }


def test_a_template_takes_variables_and_its_own_subject() -> None:
    mail = request(TEMPLATED).json
    assert mail["template_id"] == TEMPLATE
    assert "subject" not in mail
    assert "content" not in mail
    assert mail["personalizations"][0]["dynamic_template_data"] == {
        "subject": "Did the box arrive?",
        "unsubscribe_url": "https://ovation.example.com/preferences/tok",
        "first_name": "Ada",
    }


def test_what_is_not_given_is_not_sent() -> None:
    mail = request(BARE).json
    assert mail["content"] == [{"type": "text/plain", "value": "Hi"}]
    assert "reply_to" not in mail
    assert set(mail["personalizations"][0]) == {"to", "custom_args"}


def test_the_receipt_is_the_message_id() -> None:
    receipt = finish(
        client.send_email(MAIL, KEY, SETTINGS), Reply(202, headers={"x-message-id": "14c5d75ce93dfd64b469"})
    )
    assert receipt.reference == "14c5d75ce93dfd64b469"
    assert not receipt.pending


def test_the_doctor_wants_the_right_to_send() -> None:
    assert finish(client.doctor(SETTINGS), Reply(200, json={"scopes": ["mail.send", "x"]})).facts["may_send"] is True
    talk = client.doctor(SETTINGS)
    assert not next(talk).writes
    with pytest.raises(Unauthorized, match=r"mail\.send"):
        talk.send(Reply(200, json={"scopes": ["x"]}))


# Errors


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((400, "rejected"), (404, "rejected"), (405, "rejected"), (413, "rejected"), (415, "rejected")),
        *((401, "unauthorized"), (403, "unauthorized"), (429, "rate-limited"), (500, "in doubt"), (503, "in doubt")),
    ],
)
def test_each_status_has_its_kind(status: int, kind: str) -> None:
    assert problem(status, {"errors": [{"message": "words", "field": "null"}]}).kind == kind


def test_a_fault_while_reading_is_no_doubt() -> None:
    found = client.judge(Reply(500), Call.get("/v3/scopes"))
    assert found is not None
    assert found.kind == "unavailable"


@pytest.mark.parametrize("status", [200, 202])
def test_accepted_is_no_problem(status: int) -> None:
    assert problem(status) is None


def test_the_message_says_which_field_and_no_address() -> None:
    errors = [{"message": "ada@example.com is not valid", "field": "personalizations.0.to"}, {"message": "and more"}]
    found = problem(400, {"errors": errors})
    assert found.message == "HTTP 400: personalizations.0.to: (address) is not valid; and more"


@pytest.mark.parametrize(
    "body", [None, [], {"errors": "x"}, {"errors": [1]}, {"errors": [{"field": "x", "message": 1}]}]
)
def test_an_odd_error_body_is_still_judged(body: Any) -> None:
    assert problem(400, body).kind == "rejected"


def test_a_limit_waits_until_the_reset() -> None:
    date = "Wed, 17 Dec 2025 19:33:20 GMT"
    assert problem(429, x_ratelimit_reset="1766000042", date=date).retry_after == 42.0
    assert problem(429, x_ratelimit_reset="1765999999", date=date).retry_after == 1.0
    assert problem(429, x_ratelimit_reset="1766000042").retry_after == 30.0
    assert problem(429, x_ratelimit_reset="soon", date="never").retry_after == 30.0


# In


def incoming(body: bytes, headers: dict[str, str] | None = None) -> Incoming:
    given = {"content-type": "application/json", **{k.lower(): v for k, v in (headers or {}).items()}}
    return Incoming("POST", "https://ovation.example/webhooks/sendgrid", given, {}, body)


def shown(raw: bytes) -> list[dict[str, Any]]:
    events = []
    for name, item in webhook.unpack(incoming(raw)):
        read = webhook.INBOUND.events[name]
        events += read(item) if callable(read) else []
    return [
        {
            **event.model_dump(include={"type", "source", "source_id", "data"}),
            "subject": event.subject.text,
            "at": event.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for event in events
    ]


VECTOR = SETTINGS.model_copy(
    update={
        "webhook_public_key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdB"
        "gQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
    }
)
VECTOR_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)
VECTOR_HEADERS = {
    webhook.TIMESTAMP: "1600112502",
    webhook.SIGNATURE: "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEA"
    "yBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
}


def test_sendgrids_own_signature_vector() -> None:
    then = datetime.fromtimestamp(1600112502, UTC)
    webhook.verify(incoming(VECTOR_BODY, VECTOR_HEADERS), VECTOR, then)
    with pytest.raises(BadSignature):
        webhook.verify(incoming(VECTOR_BODY.rstrip(), VECTOR_HEADERS), VECTOR, then)


def test_what_we_sign_we_verify() -> None:
    webhook.verify(incoming(b"[]", webhook.sign(b"[]", SETTINGS, "", NOW)), SETTINGS, NOW)


@pytest.mark.parametrize(
    ("late", "taken"),
    [(timedelta(hours=24, minutes=30), True), (timedelta(hours=26), False), (timedelta(minutes=-4), True),
     (timedelta(minutes=-6), False)],
)  # fmt: skip
def test_a_repeat_a_day_later_is_taken_and_no_older_one(late: timedelta, taken: bool) -> None:
    signed = incoming(b"[]", webhook.sign(b"[]", SETTINGS, "", NOW))
    if taken:
        webhook.verify(signed, SETTINGS, NOW + late)
    else:
        with pytest.raises(BadSignature):
            webhook.verify(signed, SETTINGS, NOW + late)


@pytest.mark.parametrize(
    "change",
    [
        {webhook.SIGNATURE: ""},
        {webhook.SIGNATURE: "not base64"},
        {webhook.SIGNATURE: "MEUCIGHQ"},
        {webhook.TIMESTAMP: ""},
        {webhook.TIMESTAMP: "1766000001"},
        {webhook.TIMESTAMP: "\ud800"},
    ],
)
def test_a_forged_request_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        webhook.verify(incoming(b"[]", webhook.sign(b"[]", SETTINGS, "", NOW) | change), SETTINGS, NOW)


def test_a_signature_over_a_timestamp_that_is_no_number_is_refused() -> None:
    key = serialization.load_der_private_key(base64.b64decode(SETTINGS.secrets()[1]), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = base64.b64encode(key.sign(b"soon[]", webhook._SHA256)).decode()
    headers = {webhook.SIGNATURE: signature, webhook.TIMESTAMP: "soon"}
    with pytest.raises(BadSignature, match="not a number"):
        webhook.verify(incoming(b"[]", headers), SETTINGS, NOW)


@pytest.mark.parametrize("public", [None, "", "dummy", "é", base64.b64encode(b"x").decode()])
def test_without_the_right_key_nothing_is_verified(public: str | None) -> None:
    signed = incoming(b"[]", webhook.sign(b"[]", SETTINGS, "", NOW))
    with pytest.raises(BadSignature, match="WEBHOOK_PUBLIC_KEY"):
        webhook.verify(signed, SETTINGS.model_copy(update={"webhook_public_key": public}), NOW)


def test_another_pairs_signature_is_refused() -> None:
    public, private = webhook.new_key_pair()
    other = SETTINGS.model_copy(update={"webhook_public_key": public, "webhook_private_key": SecretStr(private)})
    signed = incoming(b"[]", webhook.sign(b"[]", other, "", NOW))
    webhook.verify(signed, other, NOW)
    with pytest.raises(BadSignature):
        webhook.verify(signed, SETTINGS, NOW)


def test_a_seed_gives_the_same_pair() -> None:
    assert webhook.new_key_pair("x") == webhook.new_key_pair("x") != webhook.new_key_pair("y")
    assert webhook.new_key_pair() != webhook.new_key_pair()


@pytest.mark.parametrize("private", [None, SecretStr(""), SecretStr("dummy"), SecretStr("é")])
def test_only_sendgrid_can_sign_without_a_private_key(private: SecretStr | None) -> None:
    with pytest.raises(ValueError, match="WEBHOOK_PRIVATE_KEY"):
        webhook.sign(b"[]", SETTINGS.model_copy(update={"webhook_private_key": private}), "", NOW)


@pytest.mark.parametrize("path", sorted(p for p in FIXTURES.glob("*.json") if ".out." not in p.name),
                         ids=lambda p: p.stem)  # fmt: skip
def test_fixtures_become_their_events(path: Path) -> None:
    assert shown(path.read_bytes()) == json.loads(path.with_suffix(".out.json").read_text())


def test_a_repeat_under_another_event_id_is_the_same_event() -> None:
    raw = (FIXTURES / "bounce__permanent.json").read_text()
    assert shown(raw.encode()) == shown(raw.replace("ZHJvcC0xMDk5NDkxOS1M", "another").encode())


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"\xff", b"[1]", b"[{}]", b'[{"event":1}]', b"[" * 100_000])
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(incoming(body))


@pytest.mark.parametrize(
    "change",
    [
        {"email": None},
        {"email": "nobody"},
        {"email": "\ud800@x"},
        {"timestamp": "1766000000"},
        {"timestamp": 10**30},
        {"timestamp": 253402300800},
        {"ovation_effect": 1},
        {"ovation_effect": "x" * 201},
        {"reason": {"a": 1}},
    ],
)
def test_a_spoilt_event_is_malformed(change: dict[str, Any]) -> None:
    [item] = json.loads((FIXTURES / "bounce__permanent.json").read_text())
    with pytest.raises(Malformed):
        webhook.message_bounced({**item, **change})


# The stand-in


def test_a_mail_is_taken_in_and_reported() -> None:
    books = Account()
    answer = ask(request(MAIL), books)
    assert (answer.status, answer.json, answer.text) == (202, None, "")
    [mail] = books.mails
    assert answer.headers["X-Message-Id"] == mail.id
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(answer.headers)
    [sent] = answer.webhooks
    assert sent.after == 0.2
    assert [event["data"] for event in shown(sent.body)] == [{"message": KEY}, {"message": KEY}]
    assert mail.became == ["processed", "delivered"]
    Account.model_validate_json(books.model_dump_json())


def test_a_repeat_sends_twice() -> None:
    books = Account()
    for _ in range(2):
        ask(request(MAIL), books)
    assert len({mail.id for mail in books.mails}) == 2


@pytest.mark.parametrize(
    ("move", "tells", "reason"),
    [
        ("bounce", "message.bounced", "Bounced Address"),
        ("unsubscribe", "contact.opted_out", "Unsubscribed Address"),
    ],
)
def test_a_suppressed_address_gets_the_202_and_is_dropped(move: str, tells: str, reason: str) -> None:
    books = Account()
    ask(request(MAIL), books)
    [told] = STAND_IN.moves[move]({"email": "ADA@example.com"}, books).webhooks
    assert [event["type"] for event in shown(told.body)] == [tells]
    answer = ask(request(MAIL), books)
    assert answer.status == 202
    [dropped] = shown(answer.webhooks[0].body)
    assert dropped["data"] == {"message": KEY, "kind": "dropped", "text": reason}


@pytest.mark.parametrize(("given", "status"), [({}, 422), (None, 422), ({"email": "who@example.com"}, 404)])
def test_a_move_that_cannot_be_made_says_so(given: Any, status: int) -> None:
    assert [STAND_IN.moves[m](given, Account()).status for m in ("bounce", "unsubscribe")] == [status, status]


def test_sandbox_mode_answers_200_and_sends_nothing() -> None:
    books = Account()
    mail = {**request(MAIL).json, "mail_settings": {"sandbox_mode": {"enable": True}}}
    assert ask(Call.post("/v3/mail/send", json=mail), books).status == 200
    assert books.mails == []


def without(mail: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in mail.items() if k != name}


def personal(**change: Any) -> dict[str, Any]:
    mail = request(MAIL).json
    return {**mail, "personalizations": [{**mail["personalizations"][0], **change}]}


WRONG = {
    "no personalizations": ({**request(MAIL).json, "personalizations": []}, 400, "personalizations"),
    "no recipient": (personal(to=[]), 400, "personalizations.0.to"),
    "no address": (personal(to=[{"email": "ada"}]), 400, "personalizations.0.to.0.email"),
    "a header of SendGrid's": (personal(headers={"Reply-To": "x@y.example"}), 400, "personalizations.0.headers"),
    "a number as argument": (personal(custom_args={"n": 1}), 400, "personalizations.0.custom_args.n"),
    "an unknown field": ({**request(MAIL).json, "idempotency_key": "x"}, 400, "idempotency_key"),
    "no content": (without(request(MAIL).json, "content"), 400, "subject and content, or template_id"),
    "no subject": (without(request(MAIL).json, "subject"), 400, "subject and content, or template_id"),
    "HTML first": ({**request(MAIL).json, "content": request(MAIL).json["content"][::-1]}, 400, "content"),
    "a template's id": ({**request(TEMPLATED).json, "template_id": "d-1"}, 400, "template_id"),
    "too many categories": ({**request(MAIL).json, "categories": [str(n) for n in range(11)]}, 400, "categories"),
    "another sender": ({**request(MAIL).json, "from": {"email": "x@y.example"}}, 403, "from"),
    "not an object": (None, 400, ""),
}


@pytest.mark.parametrize(("mail", "status", "field"), WRONG.values(), ids=WRONG)
def test_a_wrong_mail_is_refused_with_its_field(mail: Any, status: int, field: str) -> None:
    books = Account()
    answer = ask(Call.post("/v3/mail/send", json=mail), books)
    assert answer.status == status
    assert answer.json["errors"][0]["field"].startswith(field)
    assert books.mails == []


def test_the_stand_in_knows_its_key() -> None:
    answer = ask(Call.get("/v3/scopes"), Account(), token="SG.other")
    assert answer.status == 401
    assert answer.json == {"errors": [{"message": "authorization required", "field": "null"}]}
    assert finish(client.doctor(SETTINGS), reply_of(ask(Call.get("/v3/scopes"), Account()))).facts["may_send"] is True


# SendGrid's own documents


def document(name: str) -> dict[str, Any]:
    path = SPECS / f"sendgrid-{name}.json"
    if not path.exists():
        pytest.skip("SendGrid's documents are not beside this checkout")
    return json.loads(path.read_text())


def validate(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    jsonschema.validate(value, {**schema, "components": root["components"]}, cls=jsonschema.Draft202012Validator)


def mail_schema(root: dict[str, Any]) -> dict[str, Any]:
    body = root["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"]
    return {**body, "components": root["components"]}


@pytest.mark.parametrize("action", [MAIL, BARE, TEMPLATED])
def test_our_requests_fit_the_document_and_the_stand_in(action: SendEmail) -> None:
    root = document("mail")
    mail = request(action).json
    validate(mail, mail_schema(root), root)
    SendRequest.model_validate(mail)


def test_the_stand_in_has_exactly_the_documents_fields() -> None:
    schema = mail_schema(document("mail"))
    assert {f.alias or n for n, f in SendRequest.model_fields.items()} == set(schema["properties"])
    person = SendRequest.model_fields["personalizations"].annotation.__args__[0]
    wanted = set(schema["properties"]["personalizations"]["items"]["properties"])
    assert {f.alias or n for n, f in person.model_fields.items()} == wanted
    for settings in ("mail_settings", "tracking_settings"):
        model = SendRequest.model_fields[settings].annotation
        assert set(model.model_fields) == set(schema["properties"][settings]["properties"])


@pytest.mark.parametrize(
    "change",
    [
        {"from": {}},
        {"subject": ""},
        {"content": [{"type": "text/plain", "value": ""}]},
        {"categories": ["x", "x"]},
        {"categories": ["x" * 256]},
        {"asm": {}},
        {"ip_pool_name": "x"},
        {"send_at": "soon"},
        {"tracking_settings": {"click_tracking": {"enable": "no"}}},
    ],
    ids=str,
)
def test_what_the_document_refuses_the_stand_in_refuses(change: dict[str, Any]) -> None:
    root = document("mail")
    mail = {**request(MAIL).json, **change}
    with pytest.raises(jsonschema.ValidationError):
        validate(mail, mail_schema(root), root)
    with pytest.raises(ValidationError):
        SendRequest.model_validate(mail)


@pytest.mark.parametrize(
    "change",
    [
        {"asm": {"group_id": 1, "groups_to_display": [1]}, "send_at": 1766000000, "ip_pool_name": "main"},
        {"reply_to_list": [{"email": "a@b.example"}], "headers": {"X-A": "b"}, "custom_args": {"a": "b"}},
        {"tracking_settings": {"ganalytics": {"enable": True, "utm_source": "x"}, "open_tracking": {"enable": True}}},
    ],
    ids=str,
)
def test_what_the_document_allows_the_stand_in_takes(change: dict[str, Any]) -> None:
    root = document("mail")
    mail = {**request(MAIL).json, **change}
    validate(mail, mail_schema(root), root)
    SendRequest.model_validate(mail)


def test_the_stand_ins_answers_fit_the_documents() -> None:
    books = Account()
    ask(request(MAIL), books)
    for move in ("bounce", "unsubscribe"):
        STAND_IN.moves[move]({"email": "ada@example.com"}, books)
    mails, suppressions = document("mail"), document("suppressions")
    errors = mails["components"]["schemas"]["ErrorResponse"]
    for answer in (STAND_IN.broken(), ask(Call.post("/v3/mail/send", json={}), books)):
        validate(answer.json, errors, mails)
    for path, template in {
        "/v3/asm/suppressions/global/ada%40example.com": "/v3/asm/suppressions/global/{email}",
        "/v3/suppression/bounces/ada%40example.com": "/v3/suppression/bounces/{email}",
    }.items():
        schema = suppressions["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        answer = ask(Call.get(path), books)
        assert "ada@example.com" in json.dumps(answer.json)
        validate(answer.json, schema, suppressions)


def test_nobody_suppressed_is_an_empty_answer() -> None:
    assert ask(Call.get("/v3/asm/suppressions/global/bo@example.com"), Account()).json == {}
    assert ask(Call.get("/v3/suppression/bounces/bo@example.com"), Account()).json == []
