"""Prevents: two tickets for one referral, a note said twice, our own move taken for a verdict, and a favor asked of a
customer whose support ticket is open."""

import base64
import json
import re
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError

from models.event import Event
from models.money import Money
from platforms.base import Call, Incoming, Reply, Round, Upkept
from platforms.capabilities import OpenTicket, Receipt, Stage, Who
from platforms.errors import BadSignature, Malformed, Rejected, Unauthorized, Unavailable
from platforms.stand_in import Answer, Heard
from platforms.zendesk import PLATFORM, ZendeskSettings, client, upkeep, webhook
from platforms.zendesk.problem import judge
from platforms.zendesk.stand_in import STAND_IN
from platforms.zendesk.stand_in_books import AGENT, Account
from platforms.zendesk.stand_in_requests import ChangedTicket, NewTicket
from sandbox.vendors import Vendor

SPEC = Path(__file__).resolve().parents[3] / "shared/contracts/specs/zendesk-tickets.json"
SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, ZendeskSettings)
NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
KEY = "j_1a2b/verify/open_ticket"
HOOK = "https://ovation.example/webhooks/zendesk?proof=1"
TICKET = OpenTicket(
    referral="ref_0192",
    advocate=Who(contact="c_81", email="ada@example.com"),
    person=Who(contact="c_82", email="new@customer.example"),
    stage="accepted",
    link="https://ovation.example/referrals/ref_0192",
    notes="Met at a fair",
    submitted_at=NOW,
    at=NOW,
    subject="Verify referral: New Ltd",
    text="Please verify this referral.",
)


def at_stage(stage: Stage, **more: Any) -> OpenTicket:
    return TICKET.model_copy(update={"stage": stage, **more})


@pytest.fixture
def vendor() -> Vendor:
    return Vendor(STAND_IN, SETTINGS, PLATFORM.inbound)


def ask(call: Call, vendor: Vendor, own: ZendeskSettings = SETTINGS) -> Answer:
    """The stand-in's answer to a call."""
    host, path = urlsplit(call.path).netloc, urlsplit(call.path).path
    assert host == "acme.zendesk.com"
    found = vendor.find(call.method, path)
    assert found is not None, f"the stand-in has no {call.method} {path}"
    names = {k.lower(): v for k, v in {**call.headers, **client.headers(own, None)}.items()}
    asked = json.loads(json.dumps(call.json))
    heard = Heard(call.method, path, found[1], call.query or {}, names, b"", asked, {}, SETTINGS)
    return STAND_IN.guard(heard) or found[0](heard, vendor.books)


def reply_of(answer: Answer) -> Reply:
    text = answer.text or ("" if answer.json is None else json.dumps(answer.json))
    names = {k.lower(): v for k, v in answer.headers.items()}
    return Reply(answer.status, json.loads(text) if answer.json is not None else None, text, names)


def converse(talk: Generator[Call, Reply, Any], vendor: Vendor, calls: list[Call] | None = None) -> Any:
    """Plays a talk against the stand-in; every reply must be one that the talk wants to read."""
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as stop:
            return stop.value
        reply = reply_of(ask(call, vendor))
        assert reply.status in call.accepts or judge(reply, call) is None, reply.text
        if calls is not None:
            calls.append(call)
        HELD.append((call, reply))


HELD: list[tuple[Call, Reply]] = []
"""What was said in the test that runs: the document is held against it."""


@pytest.fixture(autouse=True)
def _nothing_held() -> None:
    HELD.clear()


def opened(vendor: Vendor, action: OpenTicket = TICKET, own: ZendeskSettings = SETTINGS) -> Receipt:
    receipt: Receipt = converse(client.open_ticket(action, KEY, own), vendor)
    return receipt


def the_ticket(vendor: Vendor) -> Any:
    [ticket] = vendor.books.tickets.values()
    return ticket


def forget_keys(vendor: Vendor) -> None:
    """Two hours later."""
    vendor.books.keys.clear()


def move(vendor: Vendor, name: str, **given: Any) -> Answer:
    answer = STAND_IN.moves[name](given, vendor.books)
    assert answer.status == 200, answer.json
    return answer


# A ticket is opened


def test_a_ticket_is_built_field_by_field(vendor: Vendor) -> None:
    calls: list[Call] = []
    receipt = converse(client.open_ticket(TICKET, KEY, SETTINGS), vendor, calls)
    look, create = calls
    assert (look.method, look.path, look.query) == (
        "GET",
        "https://acme.zendesk.com/api/v2/tickets",
        {"external_id": "ovation:ref_0192"},
    )
    assert (create.method, create.path, create.writes) == ("POST", "https://acme.zendesk.com/api/v2/tickets", True)
    assert create.headers == {"Idempotency-Key": "ovation:ref_0192"}
    body = create.json["ticket"]["comment"].pop("body")
    assert create.json == {
        "ticket": {
            "subject": "Verify referral: New Ltd",
            "external_id": "ovation:ref_0192",
            "type": "task",
            "priority": "normal",
            "tags": ["ovation", "ovation_accepted"],
            "comment": {"public": False},
        }
    }
    assert body.split("\n\n")[:-1] == [
        "Please verify this referral.",
        "Met at a fair",
        "Stage: accepted",
        "https://ovation.example/referrals/ref_0192",
    ]
    assert receipt.reference == "35436"
    assert receipt.facts == {"ticket": 35436, "status": "new"}
    assert receipt.url == "https://acme.zendesk.com/agent/tickets/35436"


def test_settings_say_in_whose_name_and_to_which_group(vendor: Vendor) -> None:
    own = SETTINGS.model_copy(update={"requester_id": AGENT, "group_id": 98738})
    opened(vendor, own=own)
    assert the_ticket(vendor).requester_id == AGENT
    assert the_ticket(vendor).fields["group_id"] == 98738


def test_nobody_is_mailed(vendor: Vendor) -> None:
    opened(vendor)
    opened(vendor, at_stage("won", amount=Money(minor=1_200_000, currency="USD")))
    assert [comment.public for comment in the_ticket(vendor).comments] == [False, False]
    assert list(vendor.books.users) == [AGENT]
    assert "Worth: 12000.00 USD" in the_ticket(vendor).comments[-1].body


def test_signing_in_is_basic_by_token() -> None:
    given = client.headers(SETTINGS, None)["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(given) == b"agent@acme.example/token:zendesk-sandbox-token"


# … and once


@pytest.mark.parametrize("later", [False, True], ids=["within two hours", "after two hours"])
def test_the_same_again_changes_nothing(vendor: Vendor, later: bool) -> None:
    opened(vendor)
    before = the_ticket(vendor).model_dump()
    if later:
        forget_keys(vendor)
    assert opened(vendor).reference == "35436"
    assert the_ticket(vendor).model_dump() == before


def lagging(talk: Generator[Call, Reply, Any], vendor: Vendor) -> tuple[Call, Reply]:
    """The creation of a talk that does not see the ticket which is there; its call and the answer to that."""
    next(talk)
    create = talk.send(Reply(200, {"tickets": []}))
    return create, reply_of(ask(create, vendor))


def test_a_look_up_that_lags_opens_no_second_ticket(vendor: Vendor) -> None:
    opened(vendor)
    talk = client.open_ticket(TICKET, "another effect's key", SETTINGS)
    _, reply = lagging(talk, vendor)
    assert (reply.status, reply.headers["x-idempotency-lookup"]) == (201, "hit")
    with pytest.raises(StopIteration) as stop:
        talk.send(reply)
    assert stop.value.value.reference == "35436"
    assert len(vendor.books.tickets) == 1


def test_a_look_up_that_lags_keeps_the_next_stage_waiting(vendor: Vendor) -> None:
    opened(vendor)
    talk = client.open_ticket(at_stage("won"), KEY, SETTINGS)
    create, reply = lagging(talk, vendor)
    assert (reply.status, reply.json["error"]) == (400, "IdempotentRequestError")
    assert 400 in create.accepts
    with pytest.raises(Unavailable, match="a moment ago"):
        talk.send(reply)
    assert len(vendor.books.tickets) == 1


def test_any_other_400_is_a_refusal(vendor: Vendor) -> None:
    talk = client.open_ticket(TICKET, KEY, SETTINGS)
    lagging(talk, vendor)
    with pytest.raises(Rejected, match="InvalidValue"):
        talk.send(Reply(400, {"error": "InvalidValue", "description": "ada@example.com"}))


def test_of_several_the_oldest_that_is_not_closed_is_ours(vendor: Vendor) -> None:
    for _ in range(3):
        forget_keys(vendor)
        talk = client.open_ticket(TICKET, KEY, SETTINGS)
        lagging(talk, vendor)
    first, second, _ = vendor.books.tickets.values()
    move(vendor, "treat", ticket=first.id, status="closed")
    assert opened(vendor).reference == str(second.id)


# … and kept in step


def test_the_next_stage_is_shown_and_said(vendor: Vendor) -> None:
    opened(vendor)
    move(vendor, "treat", referral="ref_0192", tag="vip", status="open")
    calls: list[Call] = []
    converse(client.open_ticket(at_stage("lost"), KEY, SETTINGS), vendor, calls)
    ticket = the_ticket(vendor)
    assert [call.method for call in calls] == ["GET", "GET", "PUT"]
    assert calls[-1].json["ticket"]["safe_update"] is True
    assert ticket.fields["tags"] == ["ovation", "ovation_lost", "referral_lost", "vip"]
    assert ticket.status == "solved"
    assert "Stage: lost" in ticket.comments[-1].body
    assert ticket.fields["subject"] == "Verify referral: New Ltd"


def test_a_repeat_after_a_lost_answer_says_nothing_twice(vendor: Vendor) -> None:
    opened(vendor)
    for _ in range(2):
        opened(vendor, at_stage("won"))
    assert [("Stage: won" in c.body) for c in the_ticket(vendor).comments] == [False, True]


def test_a_note_is_found_behind_a_hundred_others(vendor: Vendor) -> None:
    opened(vendor)
    ticket = the_ticket(vendor)
    ticket.comments = [ticket.comments[0].model_copy(update={"body": "chat"})] * 250 + ticket.comments
    opened(vendor)
    assert len(ticket.comments) == 251


def test_whoever_wrote_in_between_wins_and_we_come_again(vendor: Vendor) -> None:
    opened(vendor)
    the_ticket(vendor).updated_at = "2026-01-15T10:00:00Z"
    talk = client.open_ticket(at_stage("won"), KEY, SETTINGS)
    comments = talk.send(reply_of(ask(next(talk), vendor)))
    put = talk.send(reply_of(ask(comments, vendor)))
    assert put.json["ticket"]["updated_stamp"] == "2026-01-15T10:00:00Z"
    move(vendor, "treat", referral="ref_0192", tag="referral_lost")
    answer = reply_of(ask(put, vendor))
    assert answer.status == 409
    found = judge(answer, put)
    assert found is not None
    assert found.kind == "unavailable"
    assert "Stage: won" not in the_ticket(vendor).comments[-1].body


def test_a_closed_ticket_is_left(vendor: Vendor) -> None:
    opened(vendor)
    move(vendor, "treat", referral="ref_0192", status="closed")
    before = the_ticket(vendor).model_dump()
    assert opened(vendor, at_stage("won")).facts == {"ticket": 35436, "status": "closed"}
    assert the_ticket(vendor).model_dump() == before


@pytest.mark.parametrize(
    ("stages", "stage", "was", "status", "tags"),
    [
        ({}, "accepted", "open", "open", []),
        ({}, "won", "open", "solved", []),
        ({"accepted": "open"}, "accepted", "new", "open", []),
        ({"accepted": "open"}, "accepted", "solved", "solved", []),
        ({"submitted": "new"}, "submitted", "pending", "pending", []),
        ({"won": "pending"}, "won", "open", "pending", []),
        ({"accepted": "wip", "won": "paid"}, "accepted", "open", "open", ["wip"]),
    ],
)
def test_each_stage_has_the_teams_word(
    vendor: Vendor, stages: dict[str, str], stage: Stage, was: str, status: str, tags: list[str]
) -> None:
    own = SETTINGS.model_copy(update={"stages": stages})
    opened(vendor, at_stage("submitted"), SETTINGS)
    move(vendor, "treat", referral="ref_0192", status=was)
    opened(vendor, at_stage(stage), own)
    ticket = the_ticket(vendor)
    assert (ticket.status, ticket.fields["tags"]) == (status, sorted(["ovation", f"ovation_{stage}", *tags]))


def test_a_verdict_that_we_have_not_heard_yet_is_left(vendor: Vendor) -> None:
    opened(vendor, at_stage("submitted"))
    move(vendor, "treat", referral="ref_0192", tag="referral_won")
    opened(vendor)
    assert the_ticket(vendor).fields["tags"] == ["ovation", "ovation_accepted", "referral_won"]


def test_what_we_wrote_ourselves_gives_way_when_the_referral_goes_on(vendor: Vendor) -> None:
    opened(vendor, at_stage("lost"))
    opened(vendor, at_stage("qualified"))
    assert the_ticket(vendor).fields["tags"] == ["ovation", "ovation_qualified"]


@pytest.mark.parametrize("word", ["closed", "Won", "two words", ""])
def test_a_word_that_is_neither_status_nor_tag_is_refused(word: str) -> None:
    with pytest.raises(ValidationError, match="neither a status"):
        ZendeskSettings(stages={"won": word})


def test_a_stage_that_we_do_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVATION_ZENDESK__STAGES", '{"won": "solved"}')
    assert ZendeskSettings().stages == {"won": "solved"}
    monkeypatch.setenv("OVATION_ZENDESK__STAGES", '{"victory": "solved"}')
    with pytest.raises(ValidationError, match="victory"):
        ZendeskSettings()


# Errors


ERRORS: list[tuple[int, Any, str, str]] = [
    (400, {"error": "InvalidValue"}, "rejected", "HTTP 400: InvalidValue"),
    (401, {"error": "Couldn't authenticate you"}, "unauthorized", "HTTP 401: Couldn't authenticate you"),
    (
        403,
        {"error": {"title": "Forbidden", "message": "You do not have access"}},
        "unauthorized",
        "HTTP 403: Forbidden",
    ),
    (404, {"error": "RecordNotFound", "description": "Not found"}, "rejected", "HTTP 404: RecordNotFound"),
    (409, {"error": "UpdateConflict"}, "unavailable", "HTTP 409: UpdateConflict"),
    (
        422,
        {
            "error": "RecordInvalid",
            "description": "Record validation errors",
            "details": {"email": [{"description": "Email: ada@x is not properly formatted", "error": "InvalidFormat"}]},
        },
        "rejected",
        "HTTP 422: RecordInvalid (email: InvalidFormat)",
    ),
    (400, {"errors": [{"code": "InvalidWebhook", "title": "Bad endpoint"}]}, "rejected", "HTTP 400: Bad endpoint"),
    (500, None, "in doubt", "HTTP 500: no explanation"),
    (503, {"error": ["odd"]}, "in doubt", "HTTP 503: no explanation"),
    (200, None, "in doubt", "HTTP 200 without JSON"),
]


@pytest.mark.parametrize(("status", "body", "kind", "words"), ERRORS)
def test_each_error_has_its_kind_and_quotes_nobody(status: int, body: Any, kind: str, words: str) -> None:
    found = judge(Reply(status, body, json.dumps(body)), Call.post("/api/v2/tickets"))
    assert found is not None
    assert (found.kind, found.message) == (kind, words)


@pytest.mark.parametrize("status", [200, 500])
def test_reading_leaves_no_doubt(status: int) -> None:
    found = judge(Reply(status), Call.get("/api/v2/tickets"))
    assert found is not None
    assert found.kind == "unavailable"


@pytest.mark.parametrize(("headers", "wait"), [({"retry-after": "41"}, 41.0), ({}, 60.0), ({"retry-after": "x"}, 60.0)])
def test_the_minute_is_waited_for(headers: dict[str, str], wait: float) -> None:
    found = judge(Reply(429, None, "Number of allowed API requests", headers), Call.post("/api/v2/tickets"))
    assert found is not None
    assert (found.kind, found.retry_after) == ("rate-limited", wait)
    assert found.message == "HTTP 429: no explanation"


def test_the_doctor_knows_an_anonymous_200(vendor: Vendor) -> None:
    facts = converse(client.doctor(SETTINGS), vendor).facts
    assert facts == {"agent": AGENT, "role": "admin", "may_register_webhook": True}
    for user, words in [({"id": None}, "does not know"), ({"id": 1, "role": "end-user"}, "no agent")]:
        talk = client.doctor(SETTINGS)
        next(talk)
        with pytest.raises(Unauthorized, match=words):
            talk.send(Reply(200, {"user": user}))


# What people decide comes back


def incoming(body: bytes, headers: dict[str, str]) -> Incoming:
    return Incoming("POST", HOOK, {k.lower(): v for k, v in headers.items()}, {}, body)


def heard(answer: Answer, own: ZendeskSettings = SETTINGS) -> list[Event]:
    """What the gateway makes of the webhooks of an answer."""
    events: list[Event] = []
    for sent in answer.webhooks:
        request = incoming(sent.body, webhook.sign(sent.body, SETTINGS, HOOK, NOW))
        webhook.verify(request, SETTINGS, NOW)
        for name, item in webhook.unpack(request):
            read = webhook.INBOUND.read(name, item, own)
            events += read if isinstance(read, list) else []
    return events


def told(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(event.type, event.source_id, event.subject.text) for event in events]


@pytest.fixture
def hooked(vendor: Vendor) -> Vendor:
    kept(vendor)
    return vendor


def kept(vendor: Vendor, mark: dict[str, Any] | None = None, url: str = HOOK) -> Upkept:
    found: Upkept = converse(upkeep.keep_webhook(Round(mark=mark or {}, webhook_url=url, now=NOW), SETTINGS), vendor)
    return found


def looked(vendor: Vendor, mark: dict[str, Any] | None = None, own: ZendeskSettings = SETTINGS) -> Upkept:
    found: Upkept = converse(
        upkeep.read_tickets(Round(mark=mark or {}, webhook_url=HOOK, now=datetime.now(UTC)), own), vendor
    )
    return found


@pytest.mark.parametrize(
    ("given", "event", "stage"),
    [
        ({"status": "solved"}, "referral.qualified", "qualified"),
        ({"tag": "referral_won"}, "referral.closed", "won"),
        ({"tag": "referral_lost"}, "referral.lost", "lost"),
        ({"tag": "referral_disqualified", "status": "solved"}, "referral.lost", "disqualified"),
    ],
)
def test_a_verdict_is_told_by_webhook_and_export_alike(
    hooked: Vendor, given: dict[str, str], event: str, stage: str
) -> None:
    opened(hooked)
    expected = (event, f"{the_ticket(hooked).id}:{stage}", "ovation_referral:ref_0192")
    events = heard(move(hooked, "treat", referral="ref_0192", **given))
    assert set(told(events)) == {expected}
    assert told(looked(hooked).events) == [expected]


def test_our_own_moves_are_not_told_back(hooked: Vendor) -> None:
    opened(hooked)
    for stage in ("qualified", "won"):
        calls: list[Call] = []
        converse(client.open_ticket(at_stage(stage), KEY, SETTINGS), hooked, calls)
        # The stand-in told of it, as Zendesk does; nothing of that is news.
        assert looked(hooked).events == []
    put = Call.put(
        "https://acme.zendesk.com/api/v2/tickets/" + str(the_ticket(hooked).id),
        json={"ticket": {"tags": ["ovation", "ovation_won", "referral_won", "x"]}},
    )
    answer = ask(put, hooked)
    assert len(answer.webhooks) == 1
    assert heard(answer) == []


def test_a_ticket_that_we_solved_at_the_end_does_not_say_qualified(hooked: Vendor) -> None:
    own = SETTINGS.model_copy(update={"stages": {"qualified": "solved"}})
    opened(hooked, at_stage("won"), own)
    assert the_ticket(hooked).status == "solved"
    assert looked(hooked, own=own).events == []


def test_a_status_for_two_meanings_says_nothing(hooked: Vendor) -> None:
    opened(hooked)
    answer = move(hooked, "treat", referral="ref_0192", status="solved")
    assert heard(answer, SETTINGS.model_copy(update={"stages": {"won": "solved", "lost": "solved"}})) == []
    same = SETTINGS.model_copy(update={"stages": {"lost": "solved", "disqualified": "solved"}})
    assert [event.type for event in heard(answer, same)] == ["referral.lost"]


@pytest.mark.parametrize("external", ["ovation:", "ovation:two words", "other:ref_0192", None])
def test_somebody_elses_external_id_is_no_referral(external: str | None) -> None:
    detail = {"id": "35436", "external_id": external, "status": "SOLVED", "tags": []}
    assert webhook.ticket_changed({"time": "2026-01-15T10:00:00Z", "detail": detail}, SETTINGS) == []


# Signature


VECTOR = SETTINGS.model_copy(update={"webhook_secret": SecretStr("zendesk-signing-secret")})
BODY = b'{"type":"zen:event-type:ticket.status_changed","id":"cbe4028c-7239-495d-b020-f22348516046"}'
SIGNED = {
    "X-Zendesk-Webhook-Signature": "t0WVoC9vQfQXiVbzfkbTljrv39tfgwTGpjTG0vQz3PM=",
    "X-Zendesk-Webhook-Signature-Timestamp": "2026-01-15T10:00:00Z",
}


def test_the_signature_vector() -> None:
    webhook.verify(incoming(BODY, SIGNED), VECTOR, NOW)
    assert webhook.sign(BODY, VECTOR, HOOK, NOW) == SIGNED


@pytest.mark.parametrize(
    ("late", "taken"), [(timedelta(minutes=14), True), (timedelta(minutes=16), False), (timedelta(minutes=-6), False)]
)
def test_an_old_signature_is_refused(late: timedelta, taken: bool) -> None:
    if taken:
        webhook.verify(incoming(BODY, SIGNED), VECTOR, NOW + late)
    else:
        with pytest.raises(BadSignature, match="quarter of an hour"):
            webhook.verify(incoming(BODY, SIGNED), VECTOR, NOW + late)


def test_a_signature_over_a_time_that_is_none_is_refused() -> None:
    headers = {
        **SIGNED,
        webhook.TIMESTAMP: "soon",
        webhook.SIGNATURE: webhook.signature("zendesk-signing-secret", "soon", BODY),
    }
    with pytest.raises(BadSignature, match="not a time"):
        webhook.verify(incoming(BODY, headers), VECTOR, NOW)


def test_nothing_is_signed_without_a_secret() -> None:
    with pytest.raises(ValueError, match="WEBHOOK_SECRET"):
        webhook.sign(BODY, SETTINGS.model_copy(update={"webhook_secret": None}), HOOK, NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type": 1}', b'{"type": "ticket.created"}', b"[" * 100_000])
def test_what_is_no_event_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(incoming(body, {}))


@pytest.mark.parametrize(
    "change",
    [{"detail": None}, {"detail": {"id": "x", "status": "OPEN"}}, {"detail": {"id": "1"}}, {"time": None},
     {"time": "9999-12-31T23:59:59-14:00"}],
)  # fmt: skip
def test_a_spoilt_event_is_malformed(change: dict[str, Any]) -> None:
    event = {"time": "2026-01-15T10:00:00Z", "detail": {"id": "1", "status": "OPEN"}}
    with pytest.raises(Malformed):
        webhook.ticket_changed({**event, **change}, SETTINGS)


# The webhook is kept


def test_the_webhook_is_registered_once_and_its_secret_fetched(vendor: Vendor) -> None:
    calls: list[Call] = []
    first = converse(upkeep.keep_webhook(Round(webhook_url=HOOK, now=NOW), SETTINGS), vendor, calls)
    assert [call.method for call in calls] == ["GET", "POST", "GET"]
    assert calls[1].json == {
        "webhook": {
            "name": "Ovation",
            "status": "active",
            "endpoint": HOOK,
            "http_method": "POST",
            "request_format": "json",
            "subscriptions": ["zen:event-type:ticket.status_changed", "zen:event-type:ticket.tags_changed"],
        }
    }
    assert first.secret == "zendesk-sandbox-signing-secret"
    assert first.secret not in json.dumps(first.mark)
    assert kept(vendor) == kept(vendor, first.mark) == first
    assert len(vendor.books.webhooks) == 1


def test_a_webhook_is_moved_with_our_address(vendor: Vendor) -> None:
    first = kept(vendor)
    second = kept(vendor, first.mark, "https://new.example/webhooks/zendesk?proof=1")
    assert second.mark == first.mark
    assert [h.fields["endpoint"] for h in vendor.books.webhooks.values()] == [
        "https://new.example/webhooks/zendesk?proof=1"
    ]


def test_a_webhook_is_found_behind_others(vendor: Vendor) -> None:
    for number in range(150):
        kept(vendor, url=f"https://other.example/{number}")
    first = kept(vendor)
    assert kept(vendor).mark == first.mark
    assert len(vendor.books.webhooks) == 151


# Open tickets


def test_a_support_ticket_opens_and_resolves(vendor: Vendor) -> None:
    caught_up = looked(vendor).mark
    number = move(vendor, "ask", email="Ada@example.com", priority="high").json["id"]
    first = looked(vendor, caught_up)
    [event] = first.events
    assert told([event]) == [("ticket.opened", f"{number}:opened:0", "email:ada@example.com")]
    assert event.data == {"ticket": str(number), "priority": "high"}
    assert [name.text for name in event.identities] == [f"zendesk:{number - 1}"]
    assert looked(vendor, first.mark).events == []
    move(vendor, "treat", ticket=number, status="pending")
    assert told(looked(vendor, first.mark).events) == told([event]), "still open: the same event again"
    move(vendor, "treat", ticket=number, status="solved")
    second = looked(vendor, first.mark)
    assert told(second.events) == [("ticket.resolved", f"{number}:resolved:0", "email:ada@example.com")]
    move(vendor, "treat", ticket=number, status="open")
    assert told(looked(vendor, second.mark).events) == [
        ("ticket.opened", f"{number}:opened:1", "email:ada@example.com")
    ]


@pytest.mark.parametrize("end", ["closed", "deleted"])
def test_a_ticket_that_is_gone_is_not_open(vendor: Vendor, end: str) -> None:
    mark = looked(vendor).mark
    number = move(vendor, "ask", email="ada@example.com").json["id"]
    move(vendor, "treat", ticket=number, status=end)
    assert [event.type for event in looked(vendor, mark).events] == ["ticket.resolved"]


@pytest.mark.parametrize(("score", "percent"), [("good", 100), ("bad", 0)])
def test_a_rating_is_told(vendor: Vendor, score: str, percent: int) -> None:
    mark = looked(vendor).mark
    number = move(vendor, "ask", email="ada@example.com").json["id"]
    move(vendor, "treat", ticket=number, status="solved")
    rated = move(vendor, "rate", ticket=number, score=score, comment="Great support!").json["satisfaction_rating"]
    resolved, event = looked(vendor, mark).events
    assert resolved.type == "ticket.resolved"
    assert told([event]) == [("csat.answered", f"{number}:rated:{rated['id']}:{score}", "email:ada@example.com")]
    assert event.data == {"score": percent, "comment": "Great support!"}


def test_the_first_look_goes_back_a_month_and_tells_what_is_open(vendor: Vendor) -> None:
    opened_, done = (move(vendor, "ask", email=f"{who}@example.com").json["id"] for who in ("ada", "bo"))
    move(vendor, "treat", ticket=done, status="solved")
    move(vendor, "rate", ticket=done, score="good")
    talk = upkeep.read_tickets(Round(webhook_url=HOOK, now=NOW), SETTINGS)
    call = next(talk)
    assert call.path == "https://acme.zendesk.com/api/v2/incremental/tickets/cursor"
    assert call.query == {"start_time": "1765879200", "include": "users,metric_sets", "per_page": "250"}
    first = looked(vendor)
    assert told(first.events) == [("ticket.opened", f"{opened_}:opened:0", "email:ada@example.com")]
    assert first.mark["caught_up"] is True


def test_a_long_export_is_read_in_rounds(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "PER_PAGE", 2)
    for number in range(7):
        move(vendor, "ask", email=f"c{number}@example.com")
    first = looked(vendor)
    assert (len(first.events), first.again_at is not None, "caught_up" in first.mark) == (6, True, False)
    second = looked(vendor, first.mark)
    assert ([e.subject.text for e in second.events], second.again_at) == (["email:c6@example.com"], None)
    assert second.mark["caught_up"] is True


def page(**more: Any) -> Reply:
    ticket = {"id": 1, "status": "open", "requester_id": 7, "created_at": "2026-01-15T10:00:00Z", "tags": []}
    fixed = {
        "after_cursor": None,
        "end_of_stream": True,
        "users": [],
        "tickets": [{**ticket, "updated_at": ticket["created_at"]}],
    }
    return Reply(200, {**fixed, **more})


def read(reply: Reply) -> Upkept:
    talk = upkeep.read_tickets(Round(webhook_url=HOOK, now=NOW), SETTINGS)
    next(talk)
    with pytest.raises(StopIteration) as stop:
        talk.send(reply)
    found: Upkept = stop.value.value
    return found


def test_who_has_no_address_is_named_by_number() -> None:
    [event] = read(page(users=[{"id": 7, "role": "end-user", "email": None}])).events
    assert (event.subject.text, event.person, event.identities) == ("zendesk:7", None, [])


def test_colleagues_and_strangers_open_no_tickets_of_contacts() -> None:
    assert read(page(users=[{"id": 7, "role": "agent", "email": "csm@acme.example"}])).events == []
    assert read(page()).events == []


def test_an_export_without_a_cursor_begins_at_the_same_place() -> None:
    assert read(page()).mark == {"start": 1765879200, "caught_up": True}


def test_an_export_without_users_tells_of_nobody() -> None:
    talk = upkeep.read_tickets(Round(webhook_url=HOOK, now=NOW), SETTINGS)
    next(talk)
    with pytest.raises(Unavailable, match="without its users"):
        talk.send(Reply(200, {"tickets": [], "after_cursor": "x", "end_of_stream": True}))


# The stand-in


def test_the_stand_in_is_as_strict_as_zendesk(vendor: Vendor) -> None:
    url = "https://acme.zendesk.com/api/v2/tickets"
    wrong: list[tuple[Any, int, str]] = [
        (None, 400, "InvalidJSON"),
        ({"ticket": {"subject": "x"}}, 422, "comment"),
        ({"ticket": {"comment": {"body": "x"}, "status": "done"}}, 422, "status"),
        ({"ticket": {"comment": {"body": "x"}, "tags": ["two words"]}}, 422, "0"),
        ({"ticket": {"comment": {"body": "x"}, "requester_id": 1}}, 422, "requester"),
        ({"ticket": {"comment": {"body": "x"}, "idempotency": 1}}, 422, "idempotency"),
        ({"ticket": {"comment": {"body": "x"}, "status": "closed"}}, 422, "status"),
    ]
    for body, status, where in wrong:
        answer = ask(Call.post(url, json=body), vendor)
        assert answer.status == status
        assert where in json.dumps(answer.json)
    assert vendor.books.tickets == {}
    assert ask(Call.get(url), vendor, SETTINGS.model_copy(update={"email": "x@y.example"})).json == {
        "error": "Couldn't authenticate you"
    }


def test_a_key_is_forgotten_after_two_hours(vendor: Vendor) -> None:
    opened(vendor)
    create, _ = lagging(client.open_ticket(TICKET, KEY, SETTINGS), vendor)
    vendor.books.keys["ovation:ref_0192"].at -= 7201
    assert ask(create, vendor).headers["x-idempotency-lookup"] == "miss"
    assert len(vendor.books.tickets) == 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"safe_update": True}, "updated_stamp"),
        ({"safe_update": True, "updated_stamp": "2020-01-01T00:00:00Z"}, "UpdateConflict"),
        ({"status": "new"}, "cannot be new again"),
        ({"comment": {"body": ""}}, "body"),
    ],
)
def test_a_wrong_change_changes_nothing(vendor: Vendor, change: dict[str, Any], error: str) -> None:
    opened(vendor)
    move(vendor, "treat", referral="ref_0192", status="open")
    before = the_ticket(vendor).model_dump()
    put = Call.put(f"https://acme.zendesk.com/api/v2/tickets/{the_ticket(vendor).id}", json={"ticket": change})
    answer = ask(put, vendor)
    assert error in json.dumps(answer.json)
    assert the_ticket(vendor).model_dump() == before


@pytest.mark.parametrize(
    ("name", "given", "status"),
    [("ask", {"email": "x"}, 422), ("treat", {"ticket": 1}, 404), ("rate", {"ticket": 1, "score": "good"}, 422)],
)
def test_a_move_that_cannot_be_made_says_so(name: str, given: dict[str, Any], status: int) -> None:
    assert STAND_IN.moves[name](given, Account()).status == status


# Zendesk's own document


def document() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("Zendesk's document is not beside this checkout")
    found: dict[str, Any] = json.loads(SPEC.read_text())
    return found


def without_null(value: Any) -> Any:
    """The document knows only of some fields that they may be null."""
    if isinstance(value, dict):
        return {k: without_null(v) for k, v in value.items() if v is not None}
    return [without_null(v) for v in value] if isinstance(value, list) else value


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    whole = {**schema, "components": root["components"]}
    jsonschema.validate(without_null(value), whole, cls=jsonschema.Draft202012Validator)


IN_THE_DOCUMENT = {
    "GET /users/me",
    "GET /tickets",
    "POST /tickets",
    "PUT /tickets/{ticket_id}",
    "GET /tickets/{ticket_id}/comments",
    "GET /incremental/tickets/cursor",
}


def test_requests_and_answers_fit_the_document(vendor: Vendor) -> None:
    root, held = document(), set()
    own = SETTINGS.model_copy(update={"requester_id": AGENT, "group_id": 1, "stages": {"accepted": "open"}})
    converse(client.doctor(own), vendor)
    opened(vendor, TICKET, own)
    opened(vendor, at_stage("lost"), own)
    looked(vendor, own=own)
    for call, reply in HELD:
        path = re.sub(r"\d{3,}", "{ticket_id}", urlsplit(call.path).path)
        operation = root["paths"][path][call.method.lower()]
        fits(reply.json, schema_of(operation["responses"][str(reply.status)]), root)
        if call.json is not None:
            fits(call.json, schema_of(operation["requestBody"]), root)
            model = "TicketCreateInput" if call.method == "POST" else "TicketUpdateInput"
            assert set(call.json["ticket"]) <= set(fields(root, model)), "the document has no such field"
        held.add(f"{call.method} {path.removeprefix('/api/v2')}")
    assert held == IN_THE_DOCUMENT


def schema_of(part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = part["content"]["application/json"]["schema"]
    return found


def fields(root: dict[str, Any], name: str) -> list[str]:
    """The fields of a schema and of those it is made of."""
    schema = root["components"]["schemas"][name]
    own = list(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        own += fields(root, part["$ref"].rpartition("/")[2]) if "$ref" in part else list(part["properties"])
    return own


def test_what_the_stand_in_takes_the_document_has() -> None:
    root = document()
    assert set(NewTicket.model_fields) <= set(fields(root, "TicketCreateInput"))
    assert set(ChangedTicket.model_fields) <= set(fields(root, "TicketUpdateInput"))
