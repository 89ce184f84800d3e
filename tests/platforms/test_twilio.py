"""Prevents: the same text twice, a STOP that nobody heard, a stranger who opts people out, a number in an error."""

import asyncio
import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
from pydantic import SecretStr
from twilio.base.exceptions import TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response as TheirResponse
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from platforms.base import Call, Incoming, Reply, Round, Upkept
from platforms.capabilities import Receipt, SendText
from platforms.errors import BadSignature, InDoubt, Malformed, RateLimited, Rejected, Unauthorized
from platforms.runner import Runner
from platforms.stand_in import Heard
from platforms.twilio import PLATFORM, TwilioSettings, client, signature, upkeep, webhook
from platforms.twilio.problem import judge
from platforms.twilio.stand_in import STAND_IN
from platforms.twilio.stand_in_books import Log
from sandbox.vendors import Vendor

ACCOUNT, SERVICE = "AC" + "5afe" * 8, "MG" + "5afe" * 8
STATUS_URL = "https://ovation.example.com/webhooks/twilio"
SETTINGS = STAND_IN.settings().model_copy(update={"status_url": STATUS_URL})
assert isinstance(SETTINGS, TwilioSettings)
BY_NUMBER = SETTINGS.model_copy(update={"messaging_service_sid": None})
TEMPLATE = "HX" + "ab" * 16
KEY = "j_1a2b/check_in:r_7/send_text"
ADA = "+15558675310"
TEXT = SendText(to=ADA, text="Acme: your friend became a customer: https://o.example/r/7Hk2 Reply STOP to end.")
BY_WHATSAPP = TEXT.model_copy(update={"whatsapp": True})
NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


class Twilio:
    """The stand-in behind the real runner. `lose`: the answer to the next text is lost."""

    def __init__(self, settings: TwilioSettings = SETTINGS) -> None:
        self.settings = settings
        self.vendor = Vendor(STAND_IN, settings, PLATFORM.inbound)
        self.seen: list[httpx.Request] = []
        self.told_at: list[tuple[str | None, bytes]] = []
        self.lose = False
        self.answers: list[httpx.Response] = []

    @property
    def books(self) -> Log:
        books: Log = self.vendor.books
        return books

    def hold(self, talk: Generator[Call, Reply, Any]) -> Any:
        async def held() -> Any:
            runner = Runner(httpx.AsyncClient(transport=httpx.MockTransport(self)))
            try:
                return await runner.hold(PLATFORM, self.settings, talk, key=KEY)
            finally:
                await runner.close()

        return asyncio.run(held())

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if self.answers:
            return self.answers.pop(0)
        found = self.vendor.find(request.method, request.url.raw_path.decode().partition("?")[0])
        assert found is not None, f"the stand-in has no {request.method} {request.url.path}"
        handler, params = found
        heard = Heard(
            method=request.method,
            path=request.url.path,
            params=dict(params),
            query=dict(request.url.params),
            headers={k.lower(): v for k, v in request.headers.items()},
            body=request.content,
            json=None,
            form=dict(parse_qsl(request.content.decode(), keep_blank_values=True)),
            settings=self.settings,
        )
        answer = STAND_IN.guard(heard) or handler(heard, self.books)
        self.told_at += [(w.url, w.body) for w in answer.webhooks]
        if self.lose and request.method == "POST":
            self.lose = False
            raise httpx.ReadTimeout("lost", request=request)
        return httpx.Response(answer.status, json=answer.json, headers=dict(answer.headers))

    def send(self, action: SendText = TEXT) -> Receipt:
        receipt: Receipt = self.hold(client.send_text(action, KEY, self.settings))
        return receipt

    def find(self, action: SendText = TEXT) -> Receipt | None:
        found: Receipt | None = self.hold(client.find_text(action, KEY, self.settings))
        return found

    def move(self, name: str, **given: Any) -> dict[str, Any]:
        answer = STAND_IN.moves[name](given, self.books)
        assert answer.status == 200, answer.json
        self.told_at += [(w.url, w.body) for w in answer.webhooks]
        moved: dict[str, Any] = answer.json
        return moved

    def told(self) -> list[dict[str, Any]]:
        """Our events of all that Twilio has told us, and forgets them."""
        told, self.told_at = self.told_at, []
        return [event for url, body in told for event in events(body, url or STATUS_URL)]

    def kept_up(self, mark: dict[str, object] | None = None, now: datetime | None = None) -> Upkept:
        round = Round(mark=mark or {}, webhook_url=STATUS_URL, now=now or datetime.now(UTC))
        kept: Upkept = self.hold(upkeep.missed(round, self.settings))
        return kept


@pytest.fixture
def there() -> Twilio:
    return Twilio()


def incoming(body: bytes, url: str = STATUS_URL, headers: dict[str, str] | None = None) -> Incoming:
    given = {"content-type": "application/x-www-form-urlencoded", **{k.lower(): v for k, v in (headers or {}).items()}}
    return Incoming("POST", url, given, dict(parse_qsl(urlsplit(url).query)), body)


def events(body: bytes, url: str = STATUS_URL) -> list[dict[str, Any]]:
    read = [webhook.INBOUND.read(name, item, SETTINGS) for name, item in webhook.unpack(incoming(body, url))]
    heard = [event for one in read if isinstance(one, list) for event in one]
    return [{**e.model_dump(include={"type", "source_id", "data"}), "subject": e.subject.text} for e in heard]


def form_of(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(request.content.decode(), keep_blank_values=True))


# Out


def test_a_text_is_built_field_by_field(there: Twilio) -> None:
    receipt = there.send()
    [request] = there.seen
    assert (request.method, str(request.url)) == ("POST", f"https://api.twilio.com{PATH}")
    assert request.headers["authorization"].startswith("Basic ")
    assert form_of(request) == {
        "To": ADA,
        "MessagingServiceSid": SERVICE,
        "Body": TEXT.text,
        "ValidityPeriod": "3600",
        "StatusCallback": f"{STATUS_URL}?effect=j_1a2b%2Fcheck_in%3Ar_7%2Fsend_text#rc=3&rp=5xx,ct,rt",
    }
    [message] = there.books.messages
    assert receipt.reference == message["sid"]
    assert set(receipt.facts) == {"message", "request"}
    assert not receipt.pending


def test_without_a_service_it_goes_out_from_the_number(there: Twilio) -> None:
    there.settings = BY_NUMBER.model_copy(update={"status_url": None})
    there.send()
    form = form_of(there.seen[0])
    assert form["From"] == "+15017122661"
    assert not {"MessagingServiceSid", "StatusCallback"} & form.keys()


def test_an_api_key_signs_in_and_else_the_account() -> None:
    assert client.headers(SETTINGS, None) == {
        "Authorization": "Basic QUM1YWZlNWFmZTVhZmU1YWZlNWFmZTVhZmU1YWZlNWFmZTpzYW5kYm94LWF1dGgtdG9rZW4="
    }
    by_key = SETTINGS.model_copy(update={"api_key": "SK1", "auth_token": SecretStr("s")})
    assert client.headers(by_key, None) == {"Authorization": "Basic U0sxOnM="}


def test_whatsapp_takes_free_words_or_a_template_with_one_line() -> None:
    free = client._message(BY_WHATSAPP, KEY, SETTINGS)
    assert (free["To"], free["From"], free["Body"]) == (f"whatsapp:{ADA}", "whatsapp:+14155238886", TEXT.text)
    assert "ValidityPeriod" not in free
    lines = BY_WHATSAPP.model_copy(update={"text": "Dear Zoë,\n\n  thank you."})
    form = client._message(lines, KEY, SETTINGS.model_copy(update={"whatsapp_content_sid": TEMPLATE}))
    assert form["ContentSid"] == TEMPLATE
    assert form["ContentVariables"] == '{"1": "Dear Zoë, thank you."}'
    assert "Body" not in form
    only_service = SETTINGS.model_copy(update={"whatsapp_from": None})
    assert client._message(BY_WHATSAPP, KEY, only_service)["MessagingServiceSid"] == SERVICE


def test_a_number_is_cleaned_or_refused(there: Twilio) -> None:
    there.send(TEXT.model_copy(update={"to": "+1 (555) 867-5310"}))
    assert form_of(there.seen[0])["To"] == ADA
    for wrong in ("5558675310", "+0123456789", "+1", "ada@example.com", "+1555867531a"):
        with pytest.raises(Rejected, match="no telephone number") as refused:
            there.send(TEXT.model_copy(update={"to": wrong}))
        assert wrong not in str(refused.value)
    assert len(there.seen) == 1


def test_what_cannot_be_sent_is_not(there: Twilio) -> None:
    with pytest.raises(Rejected, match="1601 characters"):
        there.send(TEXT.model_copy(update={"text": "x" * 1601}))
    there.settings = BY_NUMBER.model_copy(update={"from_number": None})
    with pytest.raises(Unauthorized, match="OVATION_TWILIO__MESSAGING_SERVICE_SID"):
        there.send()
    assert there.seen == []


def test_a_lost_answer_is_found_by_what_the_text_says(there: Twilio) -> None:
    assert there.find() is None
    there.lose = True
    with pytest.raises(InDoubt):
        there.send()
    found = there.find()
    assert found is not None
    assert found.reference == there.books.messages[0]["sid"]
    assert dict(there.seen[-1].url.params) == {"To": ADA, "PageSize": "200"}


def test_another_text_or_an_answer_or_an_old_one_is_not_it(there: Twilio) -> None:
    there.send(TEXT.model_copy(update={"text": TEXT.text + " PS: soon"}))
    there.move("reply", number=ADA, text=TEXT.text)
    assert there.find() is None
    there.send()
    there.books.messages[-1]["date_created"] = "Thu, 15 Jan 2026 10:00:00 +0000"
    assert there.find() is None
    there.books.messages[-1]["date_created"] = "unreadable"
    assert there.find() is not None


def test_a_trial_accounts_words_and_a_templates_are_around_ours(there: Twilio) -> None:
    there.send()
    there.books.messages[0]["body"] = f"Sent from your Twilio trial account - {TEXT.text}"
    assert there.find() is not None
    there.settings = SETTINGS.model_copy(update={"whatsapp_content_sid": TEMPLATE})
    there.send(BY_WHATSAPP)
    there.books.messages[-1]["body"] += " Bye!"
    found = there.find(BY_WHATSAPP)
    assert found is not None
    assert found.reference == there.books.messages[-1]["sid"]


def test_too_many_texts_to_one_number_are_a_doubt(there: Twilio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    for number in range(2):
        there.send(TEXT.model_copy(update={"text": f"another {number}"}))
    with pytest.raises(InDoubt):
        there.find()


def test_a_repeat_would_be_two_texts(there: Twilio) -> None:
    assert there.send().reference != there.send().reference
    assert len(there.books.messages) == 2


def test_who_has_answered_stop_is_opted_out_and_gets_nothing(there: Twilio) -> None:
    there.send()
    there.move("reply", number=ADA, text="Stop")
    assert there.send() == Receipt(opted_out=True, facts={"error": 21610})
    assert len([m for m in there.books.messages if m["direction"] == "outbound-api"]) == 1
    there.move("reply", number=ADA, text="START")
    assert not there.send().opted_out
    assert there.send(TEXT.model_copy(update={"to": "+15005550004"})).opted_out


def test_the_doctor_wants_an_active_account_and_a_sender(there: Twilio) -> None:
    assert there.hold(client.doctor(SETTINGS)).facts == {"status": "active", "type": "Full"}
    there.answers = [httpx.Response(200, json={"status": "suspended", "type": "Full"})]
    with pytest.raises(Unauthorized, match="suspended"):
        there.hold(client.doctor(SETTINGS))
    mute = SETTINGS.model_copy(
        update={"messaging_service_sid": None, "from_number": None, "whatsapp_from": None},
    )
    with pytest.raises(Unauthorized, match="nothing to send from"):
        there.hold(client.doctor(mute))


# Errors


def problem(status: int, code: int | None = None, message: str = "words", writes: bool = True, **headers: str) -> Any:
    body = {"code": code, "message": message, "more_info": "https://www.twilio.com/docs/errors", "status": status}
    reply = Reply(
        status, json=body, text=json.dumps(body), headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    return judge(reply, Call.post(PATH) if writes else Call.get(PATH))


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        *((400, 21211, "rejected"), (400, 21612, "rejected"), (400, 21614, "rejected"), (400, 21617, "rejected")),
        *((400, 21606, "unauthorized"), (400, 21408, "unauthorized"), (400, 21705, "unauthorized")),
        *((401, 20003, "unauthorized"), (403, None, "unauthorized"), (404, 20404, "unauthorized")),
        *((429, 20429, "rate-limited"), (400, 21611, "rate-limited"), (400, 63038, "rate-limited")),
        *((500, 20500, "in doubt"), (503, None, "in doubt")),
    ],
)
def test_each_error_has_its_kind(status: int, code: int | None, kind: str) -> None:
    assert problem(status, code).kind == kind


def test_limits_wait_as_long_as_they_last() -> None:
    assert problem(429, 20429).retry_after == 5.0
    assert problem(429, 20429, retry_after="2").retry_after == 2.0
    assert problem(400, 21611).retry_after == 60.0
    assert problem(400, 63038).retry_after == 21_600.0
    assert problem(500, 20500, writes=False).kind == "unavailable"


def test_the_message_says_the_code_and_no_number() -> None:
    words = "The 'To' number +15558675310 (or +1 (555) 867-5310) is not a valid phone number."
    found = problem(400, 21211, words).message
    assert found == "HTTP 400 (21211): The 'To' number (number) (or (number)) is not a valid phone number."


@pytest.mark.parametrize("body", [None, [], {"code": "x"}, {"code": True, "message": 1}])
def test_an_odd_error_body_is_still_judged(body: Any) -> None:
    found = judge(Reply(400, json=body, text=json.dumps(body)), Call.post(PATH))
    assert found is not None
    assert found.kind == "rejected"


@pytest.mark.parametrize(
    ("number", "error"),
    [
        ("+15005550001", Rejected),
        ("+15005550002", Rejected),
        ("+15005550003", Unauthorized),
        ("+15005550009", Rejected),
    ],
)
def test_twilios_test_numbers_are_refused(there: Twilio, number: str, error: type[Exception]) -> None:
    with pytest.raises(error) as refused:
        there.send(TEXT.model_copy(update={"to": number}))
    assert number not in str(refused.value)


def test_a_full_queue_is_waited_for(there: Twilio) -> None:
    body = {"code": 21611, "message": "queue is full", "status": 400}
    there.answers = [httpx.Response(400, json=body)]
    with pytest.raises(RateLimited) as limited:
        there.send()
    assert limited.value.retry_after == 60.0
    there.answers = [httpx.Response(500, json=STAND_IN.broken().json)]
    with pytest.raises(InDoubt):
        there.send()


# Signatures

THEIRS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+12349013030",
    "Digits": "1234",
    "From": "+12349013030",
    "To": "+18005551212",
}
STOP = {
    "MessageSid": "SM0192",
    "From": "+15005550006",
    "To": "+15005550001",
    "Body": "STOP",
    "OptOutType": "STOP",
    "NumMedia": "0",
}
INBOUND_URL = "https://ovation.example.com/webhooks/twilio/inbound"
BY_SHARED_KEY = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"


def signed_by(secret: str) -> TwilioSettings:
    return SETTINGS.model_copy(update={"webhook_secret": SecretStr(secret)})


OURS = signed_by("twilio-auth-token")


def check(url: str, params: dict[str, str], given: str, settings: TwilioSettings = OURS, **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = incoming(urlencode(params).encode(), url, {signature.SIGNATURE: given, **named})
    signature.verify(request, settings, NOW)


def test_twilios_own_vector() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    check(url, THEIRS, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", signed_by("12345"))
    with pytest.raises(BadSignature):
        check(url.replace("foo=1", "foo=2"), THEIRS, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", signed_by("12345"))


def test_the_documented_vectors_by_token_and_by_shared_key() -> None:
    by_key = {"x_twilio_webhooks_signature_settings": BY_SHARED_KEY}
    check(INBOUND_URL, STOP, "Nysaest7JUAvrT0zd9z5OBlUOoY=")
    check(INBOUND_URL, STOP, "HbSJcRslt2TeOhUFma0mQE4hY8G74x70Qwel5DfCADQ=", **by_key)
    with pytest.raises(BadSignature):
        check(INBOUND_URL, STOP, "Nysaest7JUAvrT0zd9z5OBlUOoY=", **by_key)
    with pytest.raises(BadSignature, match="algorithm"):
        by_md5 = {"x_twilio_webhooks_signature_settings": "algorithm=HMAC_MD5"}
        check(INBOUND_URL, STOP, "Nysaest7JUAvrT0zd9z5OBlUOoY=", **by_md5)


def test_the_documented_vector_of_a_json_body() -> None:
    body = b'{"MessageSid":"SM0192","MessageStatus":"delivered"}'
    digest = "f18b53737acad766b5db173e43b02a81649ae451afb17afc841568c42a59b9c6"
    url = f"https://ovation.example.com/webhooks/twilio/json?bodySHA256={digest}"
    headers = {"content-type": "application/json", signature.SIGNATURE: "5161j2TLX+jGt4inqZc7c3xogQE="}
    signature.verify(incoming(body, url, headers), OURS, NOW)
    with pytest.raises(BadSignature, match="bodySHA256"):
        signature.verify(incoming(body.replace(b"SM0192", b"SM0193"), url, headers), OURS, NOW)
    [(name, item)] = webhook.unpack(incoming(body, url, headers))
    assert (name, item["MessageSid"]) == ("delivered", "SM0192")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://o.example/webhooks/twilio",
            "https://o.example/webhooks/twilio?effect=j_1%2Fa",
            "http://o.example/w",
        ),
        *("https://o.example:443/w", "https://o.example:8443/w?a=", "http://[::1]:8080/w"),
    ],
)
@pytest.mark.parametrize("params", [STOP, {"Body": "Zoë 😀 & = +", "a": "", "A": "1"}])
def test_twilios_own_package_and_we_agree(url: str, params: dict[str, str]) -> None:
    validator = RequestValidator("twilio-auth-token")
    check(url, params, validator.compute_signature(url, params))
    ours = signature.sign(urlencode(params).encode(), OURS, url, NOW)[signature.SIGNATURE]
    assert validator.validate(url, params, ours)


def test_the_port_may_be_signed_or_not() -> None:
    validator = RequestValidator("twilio-auth-token")
    for signed_for in ("https://o.example/w?a=1", "https://o.example:443/w?a=1"):
        given = validator.compute_signature(signed_for, STOP)
        check("https://o.example/w?a=1", STOP, given)
        check("https://o.example:443/w?a=1", STOP, given)
    with pytest.raises(BadSignature):
        check("https://o.example/w?a=1", STOP, validator.compute_signature("https://o.example:8443/w?a=1", STOP))


def test_a_name_that_comes_twice_is_signed_with_each_value() -> None:
    given = RequestValidator("twilio-auth-token").compute_signature("https://o.example/w", {"a": "1", "b": "2"})
    double = incoming(b"b=2&a=1&a=1", "https://o.example/w", {signature.SIGNATURE: given})
    signature.verify(double, OURS, NOW)
    with pytest.raises(BadSignature):
        signature.verify(incoming(b"b=2&a=1&a=3", "https://o.example/w", {signature.SIGNATURE: given}), OURS, NOW)


@pytest.mark.parametrize("given", ["", "x", "é", "Nysaest7JUAvrT0zd9z5OBlUOoY"])
def test_a_forged_request_is_refused(given: str) -> None:
    with pytest.raises(BadSignature):
        check(INBOUND_URL, STOP, given)
    with pytest.raises(BadSignature, match="WEBHOOK_SECRET is not set"):
        check(INBOUND_URL, STOP, "Nysaest7JUAvrT0zd9z5OBlUOoY=", signed_by(""))


# In


def test_a_text_reports_under_our_key(there: Twilio) -> None:
    sid = there.send().reference
    assert [parse_qs(urlsplit(url or "").query)["effect"] for url, _ in there.told_at] == [[KEY], [KEY]]
    assert all("#" not in (url or "") for url, _ in there.told_at)
    assert there.told() == [
        {
            "type": "message.delivered",
            "source_id": f"{sid}:{status}",
            "subject": f"effect:{KEY}",
            "data": {"message": KEY},
        }
        for status in ("sent", "delivered")
    ]
    there.move("fail", number=ADA, code=30007)
    assert there.told() == [
        {
            "type": "message.bounced",
            "source_id": f"{sid}:undelivered",
            "subject": f"effect:{KEY}",
            "data": {"message": KEY, "kind": "undelivered", "text": "error 30007"},
        }
    ]


def test_without_our_key_a_text_is_known_by_twilios_id(there: Twilio) -> None:
    there.settings = SETTINGS.model_copy(update={"status_url": None})
    sid = there.send().reference
    assert [url for url, _ in there.told_at] == [None, None]
    assert [(e["subject"], e["data"]) for e in there.told()] == [(f"twilio_send:{sid}", {})] * 2


def test_free_words_by_whatsapp_fail_until_they_have_written(there: Twilio) -> None:
    there.send(BY_WHATSAPP)
    assert [e["data"].get("text") for e in there.told()] == ["error 63016"]
    there.move("reply", number=ADA, text="Hello", whatsapp=True)
    there.told()
    there.send(BY_WHATSAPP)
    there.move("read", number=ADA)
    assert [e["source_id"].partition(":")[2] for e in there.told()] == ["sent", "delivered", "read"]


@pytest.mark.parametrize(
    "text",
    [
        *("STOP", "stop", " Stop. ", "STOPALL", "Unsubscribe", "cancel", "END", "quit", "REVOKE", "OptOut", "opt out"),
        *("Opt-out please", "stop please", "Please STOP texting me!", "stop sending me these messages", "STOP!!! NOW"),
        *("remove me from your list", "Stop promotions", "Arrêt", "stopp"),
    ],
)
def test_stop_as_people_write_it(there: Twilio, text: str) -> None:
    there.send()
    there.told()
    there.move("reply", number=ADA, text=text)
    assert [(e["type"], e["subject"], e["data"]) for e in there.told()] == [("contact.opted_out", f"phone:{ADA}", {})]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(("Stop by our office any time", "reply"), ("cancel my order", "reply"), ("the end of it was good", "reply")),
        *(("please", "reply"), ("", "reply"), ("Yes", "reply"), ("I opt in", "reply"), ("thank you all", "reply")),
        *(("START", "start"), ("unstop", "start"), ("Help", "help"), ("INFO", "help"), ("🙂", "reply")),
    ],
)
def test_anything_else_is_a_reply(there: Twilio, text: str, kind: str) -> None:
    there.settings = BY_NUMBER
    there.send()
    there.told()
    there.move("reply", number=ADA, text=text)
    [event] = there.told()
    assert (event["type"], event["subject"]) == ("message.replied", f"phone:{ADA}")
    assert event["data"] == {"kind": kind, **({"text": text} if text else {})}


def test_the_answer_is_one_that_is_sent_to_nobody() -> None:
    accepted = webhook.INBOUND.accepted
    assert (accepted.status, accepted.text, accepted.media_type) == (200, "<Response/>", "text/xml")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"MessageSid=SM1", b"MessageStatus=&MessageSid=SM1", b"Body=hi", b"Body=hi&MessageSid=SM1"),
        *(b"Body=hi&MessageSid=SM1&From=ada", b"SmsStatus=failed&ErrorCode=21610&MessageSid=SM1"),
        b"MessageStatus=delivered&MessageSid=" + b"x" * 400,
    ],
)
def test_what_makes_no_sense_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        events(body)


def test_a_key_that_cannot_be_ours_is_malformed() -> None:
    with pytest.raises(Malformed):
        events(b"MessageStatus=sent&MessageSid=SM1", f"{STATUS_URL}?effect={'x' * 201}")


# Upkeep


def test_what_no_webhook_told_is_read_with_the_same_ids(there: Twilio) -> None:
    sid = there.send().reference
    there.move("fail", number=ADA, lost=True)
    stop = there.move("reply", number=ADA, text="Stop", lost=True)["sid"]
    there.told_at.clear()
    kept = there.kept_up()
    assert [(e.type, e.source_id, e.subject.text) for e in kept.events] == [
        ("contact.opted_out", stop, f"phone:{ADA}"),
        ("message.bounced", f"{sid}:undelivered", f"twilio_send:{sid}"),
    ]
    assert all(e.at.microsecond == 0 for e in kept.events), "from Twilio's log, not our clock"
    assert kept.again_at is None
    assert [e.source_id for e in there.kept_up(kept.mark).events] == [e.source_id for e in kept.events]


def test_a_sweep_begins_a_lap_before_the_last_one(there: Twilio) -> None:
    kept = there.kept_up(now=NOW)
    assert dict(there.seen[-1].url.params) == {"DateSent>": "2026-01-13T22:00:00Z", "PageSize": "500"}
    there.kept_up(kept.mark, NOW + timedelta(hours=50))
    assert there.seen[-1].url.params["DateSent>"] == "2026-01-13T22:00:00Z"


def test_a_long_log_is_read_page_by_page(there: Twilio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "PAGE", 2)
    sids = [there.send().reference for _ in range(5)]
    mark: dict[str, object] = {}
    found: list[str] = []
    began = None
    for more in (True, True, False):
        kept = there.kept_up(mark)
        began = began or kept.mark.get("began")
        found += [e.source_id.partition(":")[0] for e in kept.events]
        assert (kept.again_at is not None) is more
        mark = kept.mark
    assert found == sids[::-1]
    assert mark == {"since": began}


def test_other_senders_of_the_account_are_anothers_business(there: Twilio) -> None:
    there.send()
    there.send(BY_WHATSAPP)
    there.move("reply", number=ADA, text="hello")
    assert len(there.kept_up().events) == 3
    for message in there.books.messages:
        message["messaging_service_sid"] = None
    there.settings = SETTINGS.model_copy(update={"from_number": "+15550000000", "whatsapp_from": None})
    assert there.kept_up().events == []
    there.settings = BY_NUMBER
    assert len(there.kept_up().events) == 3


def test_what_is_still_under_way_or_makes_no_sense_is_passed_over(there: Twilio) -> None:
    there.send()
    there.books.messages[0]["status"] = "queued"
    there.send()
    there.books.messages[1]["sid"] = "x" * 400
    assert there.kept_up().events == []


# The stand-in, against Twilio's own package


class _Transport(HttpClient):
    """Twilio's package speaks to the stand-in."""

    def __init__(self, there: Twilio) -> None:
        self.there = there

    def request(
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        **_: Any,
    ) -> TheirResponse:
        kept = {k: v for k, v in (headers or {}).items() if k.lower() not in ("authorization", "content-type")}
        signed = httpx.BasicAuth(*auth) if auth else None
        request = httpx.Request(method, url, params=params or None, data=data or None, headers=kept)
        if signed is not None:
            request = next(signed.auth_flow(request))
        answer = self.there(request)
        return TheirResponse(answer.status_code, answer.text, dict(answer.headers))


def package(there: Twilio, token: str = "sandbox-auth-token") -> Client:
    return Client(ACCOUNT, token, http_client=_Transport(there))


def test_twilios_package_sends_and_reads_at_the_stand_in(there: Twilio) -> None:
    sent = package(there).messages.create(to=ADA, from_="+15017122661", body="Hi")
    assert (sent.status, sent.direction, sent.error_code) == ("queued", "outbound-api", None)
    fetched = package(there).messages(sent.sid).fetch()
    assert (fetched.status, fetched.body, fetched.to) == ("delivered", "Hi", ADA)
    for _ in range(2):
        there.send()
    since = datetime.now(UTC) - timedelta(hours=1)
    listed = package(there).messages.list(to=ADA, date_sent_after=since, page_size=2)
    assert [m.sid for m in listed][-1] == sent.sid
    assert len(listed) == 3
    assert listed[0].messaging_service_sid == SERVICE


def test_by_a_service_the_sender_is_not_known_at_first(there: Twilio) -> None:
    there.hold(client.send_text(TEXT, KEY, SETTINGS))
    answered = package(there).messages.create(to=ADA, messaging_service_sid=SERVICE, body="Hi")
    assert (answered.from_, answered.status, answered.num_segments) == (None, "accepted", "0")
    assert there.books.messages[-1]["from"] == "+15017122661"


WRONG: dict[str, tuple[dict[str, Any], int]] = {
    "nobody": ({"to": ""}, 21604),
    "no number": ({"to": "5558675310"}, 21211),
    "no sender": ({"from_": None}, 21603),
    "another's number": ({"from_": "+15550000000"}, 21606),
    "another's service": ({"from_": None, "messaging_service_sid": "MG" + "0" * 32}, 21705),
    "nothing to say": ({"body": None}, 21619),
    "too much to say": ({"body": "x" * 1601}, 21617),
    "no JSON": ({"content_sid": TEMPLATE, "content_variables": "x"}, 21656),
    "a line break": ({"content_sid": TEMPLATE, "content_variables": '{"1": "a\\nb"}'}, 21656),
    "an odd address": ({"status_callback": "https://my_host.example/x"}, 21609),
    "too patient": ({"validity_period": 36_001}, 20001),
    "an odd name": ({"message_intent": "x"}, 20001),
}


@pytest.mark.parametrize(("change", "code"), WRONG.values(), ids=WRONG)
def test_twilios_package_understands_the_stand_ins_refusals(there: Twilio, change: dict[str, Any], code: int) -> None:
    asked = {"to": ADA, "from_": "+15017122661", "body": "Hi", **change}
    with pytest.raises(TwilioRestException) as refused:
        package(there).messages.create(**{name: value for name, value in asked.items() if value is not None})
    assert (refused.value.status, refused.value.code) == (400, code)
    assert there.books.messages == []


def test_strangers_and_other_accounts_are_refused(there: Twilio) -> None:
    with pytest.raises(TwilioRestException) as refused:
        package(there, "wrong").messages("SM1").fetch()
    assert (refused.value.status, refused.value.code) == (401, 20003)
    other = there(httpx.Request("GET", "https://api.twilio.com/2010-04-01/Accounts/AC1.json",
                                headers=client.headers(SETTINGS, None)))  # fmt: skip
    assert (other.status_code, other.json()["code"]) == (404, 20404)
    url, headers = f"https://api.twilio.com{PATH}", client.headers(SETTINGS, None)
    assert there(httpx.Request("POST", url, json={"To": ADA}, headers=headers)).status_code == 400
    assert there(httpx.Request("GET", url, params={"Sent": "x"}, headers=headers)).status_code == 400
    assert package(there).messages.list() == []


@pytest.mark.parametrize(
    ("name", "given", "status"),
    [("reply", {}, 400), ("reply", {"number": ADA, "text": "x"}, 404), ("fail", {"number": ADA}, 404),
     ("read", {"number": "x"}, 400)],
)  # fmt: skip
def test_a_move_that_cannot_be_made_says_so(there: Twilio, name: str, given: dict[str, Any], status: int) -> None:
    assert STAND_IN.moves[name](given, there.books).status == status


def test_the_books_can_be_kept_and_read_again(there: Twilio) -> None:
    there.send()
    there.move("reply", number=ADA, text="stop")
    assert Log.model_validate_json(there.books.model_dump_json()) == there.books
