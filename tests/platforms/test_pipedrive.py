"""Prevents: a second deal while the search index lags, a salesperson's move undone, a sale that a banned webhook loses,
a sale believed on a stranger's word, and a body that only our own double accepts."""

import json
import re
from collections.abc import Generator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError

from models.contact import Identity
from models.event import Event
from models.money import Money
from platforms.base import IGNORED, Call, Findable, Incoming, Reply, Round, Upkept
from platforms.capabilities import CreateTask, PutLead, Stage, Who
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected, Unauthorized
from platforms.pipedrive import PLATFORM, PipedriveSettings, client, deal, news, upkeep, webhook
from platforms.pipedrive.problem import judge
from platforms.pipedrive.stand_in import REFERRAL_FIELD, STAGE_FIELD, STAND_IN
from platforms.pipedrive.stand_in_books import Company
from platforms.pipedrive.stand_in_requests import ActivityBody, DealBody, DealChange, HookBody, PersonBody, Strict
from platforms.stand_in import Answer, Heard

SPECS = Path(__file__).resolve().parents[3] / "shared/contracts/specs"
HOST = "https://acme.pipedrive.com"
SETTINGS = cast(PipedriveSettings, STAND_IN.settings())
NOW = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
URL = "https://ovation.example.com/webhooks/pipedrive?hook=k7"
KEY = "j_1a2b/thanks/task"
ADA = Who(contact="c_1", email="ada@example.com", first_name="Ada", last_name="Lovelace", company="Engines")
BO = Who(contact="c_2", email="bo@new.example", first_name="Bo", last_name="Chen", company="New Ltd")
LEAD = PutLead(
    referral="r_0192",
    advocate=ADA,
    person=BO,
    stage="submitted",
    owner_email="CSM@acme.example",
    link="https://ovation.example.com/r/r_0192",
    notes="They met at a fair.\n<b>Wants</b> a demo & a price.",
    submitted_at=NOW,
    at=NOW,
)
TASK = CreateTask(
    who=ADA, title="Thank Ada", notes="She told Bo.", owner_email="csm@acme.example",
    due=datetime(2026, 1, 20, 9, 30, tzinfo=UTC),
)  # fmt: skip
Seen = list[tuple[Call, Reply]]


def at(stage: Stage, **more: Any) -> PutLead:
    return LEAD.model_copy(update={"stage": stage, **more})


@pytest.fixture
def books() -> Company:
    return Company()


def ask(call: Call, books: Company, settings: PipedriveSettings = SETTINGS) -> Answer:
    path = call.path.removeprefix(HOST)
    routes = ((r, m) for r in STAND_IN.routes if r.method == call.method if (m := r.pattern.match(path)))
    route, match = next(routes)
    asked = Heard(
        method=call.method,
        path=path,
        params=match.groupdict(),
        query=call.query or {},
        headers=client.headers(settings, None),
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form={},
        settings=settings,
    )
    return STAND_IN.guard(asked) or route.handler(asked, books)


def reply_of(answer: Answer) -> Reply:
    body = json.loads(json.dumps(answer.json))
    return Reply(answer.status, body, json.dumps(body), {k.lower(): v for k, v in answer.headers.items()})


def converse(
    talk: Generator[Call, Reply, Any],
    books: Company,
    seen: Seen | None = None,
    *,
    settings: PipedriveSettings = SETTINGS,
    lose: str = "",
) -> Any:
    """Plays a talk against the stand-in. `lose`: the answer to this write never comes, and the talk ends there."""
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as end:
            return end.value
        reply = reply_of(ask(call, books, settings))
        if seen is not None:
            seen.append((call, reply))
        assert reply.status in call.accepts or judge(reply, call) is None, reply.text
        if lose and f"{call.method} {call.path.removeprefix(HOST)}" == lose:
            talk.close()
            return None


def put(action: PutLead, books: Company, seen: Seen | None = None, **more: Any) -> Any:
    return converse(client.put_lead(action, KEY, SETTINGS), books, seen, **more)


def find(action: PutLead, books: Company) -> Any:
    return converse(client.find_lead(action, KEY, SETTINGS), books)


def move(name: str, books: Company, **given: Any) -> list[Event]:
    """What people do, and what we hear of it."""
    answer = STAND_IN.moves[name](given, books)
    assert answer.status == 200, answer.json
    return [event for sent in answer.webhooks for event in heard(sent.body)]


def heard(body: bytes) -> list[Event]:
    events: list[Event] = []
    headers = {k.lower(): v for k, v in webhook.sign(body, SETTINGS, URL, NOW).items()}
    incoming = Incoming("POST", URL, headers, {}, body)
    webhook.verify(incoming, SETTINGS, NOW)
    for name, item in webhook.unpack(incoming):
        read = webhook.INBOUND.read(name, item, SETTINGS)
        assert isinstance(read, list)
        events += read
    return events


def upkept(talk: Any, books: Company, seen: Seen | None = None, **mark: Any) -> Upkept:
    kept: Upkept = converse(talk(Round(mark=mark, webhook_url=URL, now=NOW), SETTINGS), books, seen)
    return kept


def calls(seen: Seen) -> list[str]:
    return [f"{call.method} {call.path.removeprefix(f'{HOST}/api')}" for call, _ in seen]


def written(seen: Seen) -> list[Any]:
    return [call.json for call, _ in seen if call.writes]


# Out: a referral's deal


def test_a_deal_is_built_field_by_field(books: Company) -> None:
    seen: Seen = []
    receipt = put(LEAD, books, seen)
    person, made, note = written(seen)
    assert person == {
        "name": "Bo Chen",
        "emails": [{"value": "bo@new.example", "primary": True, "label": "work"}],
    }
    assert made == {
        "title": "Bo Chen (New Ltd), referred by Ada Lovelace",
        "person_id": 31,
        "owner_id": 9,
        "pipeline_id": 1,
        "stage_id": 1,
        "custom_fields": {REFERRAL_FIELD: "r_0192", STAGE_FIELD: "submitted"},
    }
    assert note == {
        "content": "<p>Referred by Ada Lovelace, Engines.</p><p>They met at a fair.</p>"
        "<p>&lt;b&gt;Wants&lt;/b&gt; a demo &amp; a price.</p>"
        "<p>https://ovation.example.com/r/r_0192</p><p>[ovation:r_0192]</p>",
        "deal_id": 32,
    }
    assert (receipt.reference, receipt.url) == ("32", "https://acme.pipedrive.com/deal/32")
    assert receipt.facts == {"deal": 32, "person": 31}


def test_the_look_up_comes_first_and_does_not_trust_the_index(books: Company) -> None:
    seen: Seen = []
    put(LEAD, books, seen)
    assert calls(seen) == [
        "GET /v2/itemSearch/field",
        *["GET /v2/persons/search", "GET /v2/persons", "GET /v2/deals"],
        *["POST /v2/persons", "GET /v1/users", "POST /v2/deals", "GET /v1/notes", "POST /v1/notes"],
    ]
    assert seen[0][0].query == {
        "entity_type": "deal", "field": REFERRAL_FIELD, "match": "exact", "term": "r_0192"
    }  # fmt: skip
    assert seen[3][0].query is not None
    assert seen[3][0].query["status"] == "open,won,lost,deleted"


def test_twice_is_once_and_changes_nothing(books: Company) -> None:
    first, seen = put(LEAD, books), list[tuple[Call, Reply]]()
    before = books.model_dump()
    assert put(LEAD, books, seen) == first
    assert written(seen) == []
    assert books.model_dump() == before


@pytest.mark.parametrize("lost", ["POST /api/v2/persons", "POST /api/v2/deals", "POST /api/v1/notes"])
def test_after_a_lost_answer_nothing_is_made_twice(books: Company, lost: str) -> None:
    STAND_IN.moves["index"]({"lags": True}, books)
    put(LEAD, books, lose=lost)
    assert (find(LEAD, books) is not None) == (lost == "POST /api/v1/notes")
    put(LEAD, books)
    assert (len(books.persons), len(books.deals), len(books.notes)) == (1, 1, 1)
    assert find(LEAD, books).reference == str(next(iter(books.deals)))


def test_a_stage_that_was_not_told_is_not_found(books: Company) -> None:
    put(LEAD, books)
    assert find(at("accepted"), books) is None
    assert find(at("submitted", notes="other words"), books) is None
    put(at("accepted", notes="other words"), books)
    assert find(at("accepted", notes="other words"), books).reference == "32"


def test_the_person_who_is_there_is_taken_and_left_as_they_are(books: Company) -> None:
    STAND_IN.moves["person"]({"email": "BO@new.example", "name": "Robert"}, books)
    STAND_IN.moves["person"]({"email": "bo@new.example", "name": "Bo"}, books)
    put(LEAD, books)
    assert [(p.id, p.name) for p in books.persons.values()] == [(31, "Robert"), (32, "Bo")]
    assert next(iter(books.deals.values())).person_id == 31


def test_an_id_comes_first_and_the_address_helps_where_it_is_gone(books: Company) -> None:
    STAND_IN.moves["person"]({"email": "other@new.example"}, books)
    by_id = BO.model_copy(update={"identities": [Identity(kind="pipedrive", value="31")]})
    assert put(at("submitted", person=by_id), books).facts["person"] == 31
    merged = BO.model_copy(update={"identities": [Identity(kind="pipedrive", value="999")]})
    assert put(at("submitted", person=merged, referral="r_2"), books).facts["person"] == 34


def test_without_an_address_the_deal_has_no_person(books: Company) -> None:
    nameless = at("submitted", person=Who(contact="c_3"), owner_email="stranger@else.example")
    seen: Seen = []
    assert put(nameless, books, seen).facts == {"deal": 31}
    assert written(seen)[0] == {
        "title": "Somebody, referred by Ada Lovelace", "pipeline_id": 1, "stage_id": 1,
        "custom_fields": {REFERRAL_FIELD: "r_0192", STAGE_FIELD: "submitted"},
    }  # fmt: skip
    STAND_IN.moves["index"]({"lags": True}, books)
    put(nameless, books)
    assert len(books.deals) == 1


@pytest.mark.parametrize(
    ("stage", "word"),
    [
        ("accepted", {"stage_id": 2}),
        ("qualified", {"stage_id": 3}),
        ("won", {"status": "won"}),
        ("lost", {"status": "lost"}),
        ("disqualified", {}),
    ],
)
def test_each_stage_has_its_word(books: Company, stage: Stage, word: dict[str, object]) -> None:
    put(LEAD, books)
    seen: Seen = []
    put(at(stage), books, seen)
    assert written(seen) == [{"custom_fields": {STAGE_FIELD: stage}, **word}]
    other = at(stage, referral="r_other")
    seen.clear()
    put(other, books, seen)
    made = next(body for body in written(seen) if "title" in body)
    assert {name: made[name] for name in ("stage_id", "status") if name in made} == word


def test_a_worth_is_written_where_there_is_none(books: Company) -> None:
    put(LEAD, books)
    seen: Seen = []
    put(at("won", amount=Money(minor=1_200_050, currency="EUR")), books, seen)
    assert json.dumps(written(seen)[0]["value"]) == "12000.5"
    assert written(seen)[0]["currency"] == "EUR"
    seen.clear()
    put(at("won", amount=Money(minor=1, currency="EUR")), books, seen)
    assert written(seen) == []


def test_people_move_on_and_are_not_pulled_back(books: Company) -> None:
    put(LEAD, books)
    move("move", books, stage_id=4)
    put(at("qualified"), books)
    assert books.deals[32].stage_id == 4
    assert books.deals[32].custom_fields[STAGE_FIELD] == "qualified"
    move("move", books, stage_id=1)
    put(at("qualified"), books)
    assert books.deals[32].stage_id == 1, "told once, not told again"


def test_what_people_closed_stays_closed(books: Company) -> None:
    put(LEAD, books)
    move("win", books, value=5, currency="USD")
    put(at("lost"), books)
    assert (books.deals[32].status, books.deals[32].value) == ("won", 5)
    assert books.deals[32].custom_fields[STAGE_FIELD] == "lost"


def test_a_deal_in_another_pipeline_is_closed_but_not_moved(books: Company) -> None:
    put(LEAD, books)
    elsewhere = {**books.deals[32].model_dump(), "pipeline_id": 2}
    moved, closed = (next(deal.kept(elsewhere, at(stage), SETTINGS)) for stage in ("accepted", "won"))
    assert moved.json == {"custom_fields": {STAGE_FIELD: "accepted"}}
    assert closed.json == {"custom_fields": {STAGE_FIELD: "won"}, "status": "won"}


def test_a_deleted_deal_is_not_made_again(books: Company) -> None:
    put(LEAD, books)
    STAND_IN.moves["delete_deal"]({}, books)
    seen: Seen = []
    assert put(at("accepted"), books, seen).facts == {"deal": 32, "deleted": True}
    assert written(seen) == []


def test_of_two_deals_with_our_id_the_oldest_is_ours(books: Company) -> None:
    put(LEAD, books)
    copy = books.deals[32].model_copy(update={"id": 77, "title": "Copy"})
    books.deals[77] = copy
    assert put(at("accepted"), books).reference == "32"
    books.deals[32].custom_fields = {}
    assert put(at("qualified"), books).reference == "77"


def test_a_stage_that_the_pipeline_lacks_is_a_wrong_setting(books: Company) -> None:
    put(LEAD, books)
    wrong = SETTINGS.model_copy(update={"stages": {"accepted": "99"}})
    with pytest.raises(Unauthorized, match="no stage 99"):
        converse(client.put_lead(at("accepted"), KEY, wrong), books)
    with pytest.raises(Unauthorized, match="no stage"):
        converse(client.doctor(wrong), books)


def test_a_note_that_cannot_be_found_is_a_doubt(books: Company) -> None:
    put(LEAD, books)
    talk = deal.note(32, LEAD, SETTINGS)
    next(talk)
    more = {"additional_data": {"pagination": {"more_items_in_collection": True}}}
    with pytest.raises(InDoubt, match=r"\[ovation:r_0192\]"):
        talk.send(Reply(200, {"success": True, "data": [], **more}))


def test_pipedrives_own_way_with_html_is_no_change(books: Company) -> None:
    put(LEAD, books)
    [note] = books.notes.values()
    note.content = note.content.replace("<p>", "<p >").replace("</p>", "</p>\n").replace("&amp;", "&#38;")
    seen: Seen = []
    put(LEAD, books, seen)
    assert written(seen) == []
    put(at("submitted", notes="news"), books, seen)
    assert [body["content"].count("news") for body in written(seen)] == [1]
    assert len(books.notes) == 1


# Out: a task


def test_a_task_is_built_field_by_field(books: Company) -> None:
    seen: Seen = []
    receipt = converse(client.create_task(TASK, KEY, SETTINGS), books, seen)
    assert written(seen)[1] == {
        "subject": "Thank Ada",
        "type": "task",
        "owner_id": 9,
        "due_date": "2026-01-20",
        "due_time": "09:30",
        "busy": False,
        "note": "She told Bo.<br>[ovation:j_1a2b/thanks/task]",
        "participants": [{"person_id": 31, "primary": True}],
    }
    assert (receipt.reference, receipt.facts) == ("32", {"activity": 32, "person": 31})
    seen.clear()
    converse(
        client.create_task(TASK.model_copy(update={"call": True, "owner_email": None}), "k", SETTINGS), books, seen
    )
    assert written(seen)[0]["type"] == "call"
    assert "owner_id" not in written(seen)[0]


def test_a_task_is_found_by_its_key_alone(books: Company) -> None:
    def found(key: str) -> Any:
        return converse(client.find_task(TASK, key, SETTINGS), books)

    assert found(KEY) is None
    receipt = converse(client.create_task(TASK, KEY, SETTINGS), books)
    assert found(KEY) == receipt
    assert found(f"{KEY}2") is None
    assert found(KEY[:-1]) is None


def test_a_look_up_through_too_many_activities_is_a_doubt(books: Company) -> None:
    converse(client.create_task(TASK, "other", SETTINGS), books)
    talk = client.find_task(TASK, KEY, SETTINGS)
    next(talk)
    talk.send(Reply(200, {"data": {"items": [{"item": {"id": 31, "emails": ["ada@example.com"]}}]}}))
    with pytest.raises(InDoubt, match="2000 activities"):
        for _ in range(4):
            talk.send(Reply(200, {"data": [], "additional_data": {"next_cursor": "c"}}))


def test_strangers_get_no_tasks(books: Company) -> None:
    with pytest.raises(Rejected, match="without an e-mail address"):
        converse(client.create_task(TASK.model_copy(update={"who": Who(contact="c_9")}), KEY, SETTINGS), books)
    with pytest.raises(Rejected, match="nobody in Pipedrive"):
        converse(client.create_task(TASK.model_copy(update={"owner_email": "x@else.example"}), KEY, SETTINGS), books)


def test_the_doctor_names_stages_and_what_is_missing(books: Company) -> None:
    facts = converse(client.doctor(SETTINGS), books).facts
    assert facts == {
        "company": 54235233,
        "user": 7,
        "stages": {"1": "Lead In", "2": "Contact Made", "3": "Qualified", "4": "Negotiation"},
    }
    wrong = SETTINGS.model_copy(update={"stage_field": "ab" * 20})
    talk = client.doctor(wrong)
    next(talk)
    talk.send(reply_of(ask(Call.get("/api/v1/users/me"), books)))
    with pytest.raises(Unauthorized, match="OVATION_PIPEDRIVE__STAGE_FIELD"):
        talk.send(reply_of(ask(Call.get("/api/v2/dealFields"), books)))


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValidationError, match="PIPELINE_ID"):
        PipedriveSettings(stages={"accepted": "2"})
    for wrong in ({"accepted": "two"}, {"accepted": "0"}, {"begun": "1"}, {"won": "WON"}):
        with pytest.raises(ValidationError):
            PipedriveSettings(pipeline_id=1, stages=wrong)
    assert PipedriveSettings().stages == {"won": "won", "lost": "lost"}


# Errors


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"success": False, "error": "Validation failed: stage_id", "error_info": "…"}, "rejected"),
        (400, {"status": "error", "success": False, "errors": {"subscription_url": ["invalid"]}}, "rejected"),
        (404, {"success": False, "error": "Deal not found"}, "rejected"),
        (410, {"success": False, "error": "gone"}, "rejected"),
        (422, {"success": False, "error": "x"}, "rejected"),
        (403, {"success": False, "error": "full", "code": "feature_capping_deals_limit"}, "rejected"),
        (501, {"success": False, "error": "x"}, "rejected"),
        (401, {"success": False, "error": "unauthorized access", "errorCode": 401}, "unauthorized"),
        (402, {"success": False, "error": "x"}, "unauthorized"),
        (403, {"success": False, "message": "Forbidden"}, "unauthorized"),
        (403, None, "rate-limited"),
        (429, {"success": False, "error": "request over limit", "errorCode": 429}, "rate-limited"),
        (500, {"success": False, "error": "x"}, "in doubt"),
        (503, None, "in doubt"),
        (200, None, "in doubt"),
    ],
)
def test_each_error_has_its_kind(status: int, body: Any, kind: str) -> None:
    text = json.dumps(body) if body else "<html>Attention Required! | Cloudflare</html>"
    found = judge(Reply(status, body, text), Call.post("/api/v2/deals"))
    assert found is not None
    assert found.kind == kind
    reading = judge(Reply(status, body, text), Call.get("/api/v2/deals"))
    assert reading is not None
    assert reading.kind == {"in doubt": "unavailable"}.get(kind, kind)


def test_the_message_is_pipedrives() -> None:
    def said(body: Any) -> str:
        found = judge(Reply(400, body, json.dumps(body)), Call.post("/x"))
        assert found is not None
        return found.message

    assert said({"error": "bad value", "field_code": "ab"}) == "HTTP 400: bad value (ab)"
    assert said({"errors": {"subscription_url": ["unreachable"]}}) == "HTTP 400: subscription_url: ['unreachable']"
    assert said({"message": "Forbidden"}) == "HTTP 400: Forbidden"
    assert said({"odd": 1}) == 'HTTP 400: {"odd": 1}'


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 2.0),
        ({"x-ratelimit-reset": "1"}, 2.0),
        ({"x-ratelimit-reset": "9"}, 9.0),
        ({"x-ratelimit-reset": "soon"}, 2.0),
        ({"x-daily-ratelimit-token-remaining": "0", "date": "Thu, 15 Jan 2026 22:00:00 GMT"}, 7260.0),
        ({"x-daily-ratelimit-token-remaining": "0"}, 3600.0),
        ({"x-daily-ratelimit-token-remaining": "120", "x-ratelimit-reset": "2"}, 2.0),
    ],
)
def test_a_spent_day_is_waited_for(headers: dict[str, str], seconds: float) -> None:
    found = judge(Reply(429, {"success": False}, "{}", headers), Call.get("/x"))
    assert found is not None
    assert found.retry_after == seconds


# In


def password(given: str | None) -> SecretStr | None:
    return None if given is None else SecretStr(given)


def basic(value: str, given: str | None = "s3cret") -> None:
    own = SETTINGS.model_copy(update={"webhook_secret": password(given)})
    webhook.verify(Incoming("POST", URL, {"authorization": value} if value else {}, {}, b"{}"), own, NOW)


def test_the_password_is_the_proof() -> None:
    basic("Basic b3ZhdGlvbjpzM2NyZXQ=")
    own = SETTINGS.model_copy(update={"webhook_secret": SecretStr("s3cret")})
    assert webhook.sign(b"{}", own, URL, NOW) == {"Authorization": "Basic b3ZhdGlvbjpzM2NyZXQ="}
    for wrong in ("", "Basic b3ZhdGlvbjpzM2NyZXR=", "basic b3ZhdGlvbjpzM2NyZXQ=", "Bearer x", "é"):
        with pytest.raises(BadSignature):
            basic(wrong)
    for unset in (None, ""):
        with pytest.raises(BadSignature, match="WEBHOOK_SECRET"):
            basic("Basic b3ZhdGlvbjo=", unset)
        with pytest.raises(ValueError, match="WEBHOOK_SECRET"):
            webhook.sign(b"", SETTINGS.model_copy(update={"webhook_secret": password(unset)}), URL, NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"meta": []}', b'{"meta": {"action": "change"}}', b"[" * 10**5])
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(Incoming("POST", URL, {}, {}, body))


def open_deal(**more: Any) -> dict[str, Any]:
    fields = {REFERRAL_FIELD: "r_0192", STAGE_FIELD: more.pop("told", "submitted")}
    return {"id": 31, "status": "open", "stage_id": 1, "custom_fields": fields, **more}


@pytest.mark.parametrize(
    ("there", "kind"),
    [
        (open_deal(), None),
        (open_deal(stage_id=3), "referral.qualified"),
        (open_deal(stage_id=3, told="qualified"), None),
        (open_deal(stage_id=3, told="won"), None),
        (open_deal(stage_id=4), None),
        (open_deal(status="won"), "referral.closed"),
        (open_deal(status="won", told="qualified"), "referral.closed"),
        (open_deal(status="won", told="won"), None),
        (open_deal(status="lost", told="won"), "referral.lost"),
        (open_deal(status="lost", told="disqualified"), None),
        (open_deal(status="deleted"), None),
        ({**open_deal(status="won"), "custom_fields": {}}, None),
    ],
)
def test_only_what_people_reached_is_news(there: dict[str, Any], kind: str | None) -> None:
    assert [event.type for event in news.deal_news(there, NOW, SETTINGS)] == ([kind] if kind else [])


def test_a_stage_may_stand_for_won_or_disqualified() -> None:
    own = SETTINGS.model_copy(update={"stages": {"won": "4", "disqualified": "2"}})
    kinds = [news.deal_news(open_deal(stage_id=n), NOW, own)[0].type for n in (4, 2)]
    assert kinds == ["referral.closed", "referral.lost"]


def test_what_people_do_is_heard_once_and_what_we_do_is_not(books: Company) -> None:
    upkept(upkeep.keep_webhooks, books)
    put(LEAD, books)
    seen: Seen = []
    put(at("accepted"), books, seen)
    patched = next(call for call, _ in seen if call.method == "PATCH")
    assert [heard(sent.body) for sent in ask(Call.patch(patched.path, json={"stage_id": 1}), books).webhooks] == [[]]
    [qualified] = move("move", books, referral="r_0192", stage_id=3)
    [won] = move("win", books, referral="r_0192", value=12000.5, currency="EUR")
    assert (qualified.type, won.type) == ("referral.qualified", "referral.closed")
    assert won.data == {"referral": "r_0192", "amount": {"minor": 1200050, "currency": "EUR"}}
    assert won.subject == Identity(kind="ovation_referral", value="r_0192")
    polled = upkept(upkeep.read_deals, books, since="2026-01-01T00:00:00Z").events
    assert [event.source_id for event in polled] == [won.source_id]
    assert polled[0].data == won.data


def test_a_lost_deal_says_why(books: Company) -> None:
    upkept(upkeep.keep_webhooks, books)
    put(LEAD, books)
    [lost] = move("lose", books, reason="No budget")
    assert (lost.type, lost.data) == ("referral.lost", {"referral": "r_0192", "reason": "No budget"})


def test_a_task_done_is_told_by_both_ways(books: Company) -> None:
    upkept(upkeep.keep_webhooks, books)
    converse(client.create_task(TASK, KEY, SETTINGS), books)
    assert upkept(upkeep.read_activities, books, since="2026-01-01T00:00:00Z").events == []
    [done] = move("finish", books, effect=KEY)
    assert (done.type, done.data, done.subject.text) == ("task.completed", {"task": KEY}, f"effect:{KEY}")
    [polled] = upkept(upkeep.read_activities, books, since="2026-01-01T00:00:00Z").events
    assert polled.source_id == done.source_id


def test_who_unsubscribes_opts_out(books: Company) -> None:
    upkept(upkeep.keep_webhooks, books)
    STAND_IN.moves["person"]({"email": "ada@example.com"}, books)
    [gone] = move("unsubscribe", books, email="ada@example.com")
    assert (gone.type, gone.subject.text) == ("contact.opted_out", "email:ada@example.com")
    assert [one.text for one in gone.identities] == ["pipedrive:34"]


@pytest.mark.parametrize("emails", [None, [], ["x"], [{"value": None}], [{"value": "nobody"}]])
def test_without_an_address_the_number_names_them(emails: Any) -> None:
    [gone] = news.person_news({"id": 12, "marketing_status": "unsubscribed", "emails": emails}, NOW)
    assert gone.subject.text == "pipedrive:12"


@pytest.mark.parametrize(
    "change",
    [{"id": None}, {"id": True}, {"value": "much"}, {"value": True}, {"value": 10**30}, {"value": 5, "currency": None},
     {"custom_fields": {REFERRAL_FIELD: "not an id"}}],
)  # fmt: skip
def test_a_spoilt_deal_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        news.deal_news({**open_deal(status="won", value=1, currency="EUR"), **change}, NOW, SETTINGS)


def test_other_actions_are_known_and_not_wanted() -> None:
    assert webhook.INBOUND.events["delete.deal"] is IGNORED
    assert "change.lead" not in webhook.INBOUND.events


# Upkeep


def test_three_webhooks_are_registered_once(books: Company) -> None:
    seen: Seen = []
    kept: Any = upkept(upkeep.keep_webhooks, books, seen)
    assert kept == Upkept(mark={"webhooks": [31, 32, 33]})
    first = written(seen)[0]
    assert re.fullmatch("Ovation [0-9a-f]{8}", first.pop("name"))
    assert first == {
        "subscription_url": URL,
        "event_action": "change",
        "event_object": "deal",
        "version": "2.0",
        "http_auth_user": "ovation",
        "http_auth_password": "pipedrive-sandbox-webhook-secret",
    }
    seen.clear()
    assert upkept(upkeep.keep_webhooks, books, seen, **kept.mark) == kept
    assert calls(seen) == ["GET /v1/webhooks"]


def test_dropped_webhooks_are_put_back_and_foreign_ones_left(books: Company) -> None:
    theirs = {"subscription_url": "https://else.example/x", "event_action": "*", "event_object": "*", "name": "Theirs"}
    ask(Call.post("/api/v1/webhooks", json=theirs), books)
    mark: Any = upkept(upkeep.keep_webhooks, books).mark
    del books.hooks[33]
    books.hooks[34].is_active = 0
    mark = upkept(upkeep.keep_webhooks, books, **mark).mark
    assert mark == {"webhooks": [32, 35, 36]}
    assert sorted(books.hooks) == [31, 32, 35, 36]
    assert {hook.event_object for hook in books.hooks.values()} == {"*", *upkeep.WATCHED}


def test_another_address_or_secret_makes_new_ones(books: Company) -> None:
    mark: Any = upkept(upkeep.keep_webhooks, books).mark
    moved = Round(mark=mark, webhook_url="https://new.example.com/webhooks/pipedrive?hook=k7", now=NOW)
    mark = converse(upkeep.keep_webhooks(moved, SETTINGS), books).mark
    assert {hook.subscription_url for hook in books.hooks.values()} == {moved.webhook_url}
    other = SETTINGS.model_copy(update={"webhook_secret": SecretStr("another")})
    converse(upkeep.keep_webhooks(moved.model_copy(update={"mark": mark}), other), books)
    assert {hook.http_auth_password for hook in books.hooks.values()} == {"another"}
    assert len(books.hooks) == 3


def test_the_webhooks_rest_without_a_secret() -> None:
    jobs = {job.name: job for job in PLATFORM.upkeep}
    assert jobs["webhooks"].needs(SETTINGS) == ("webhook_secret",)
    assert jobs["deals"].needs(SETTINGS) == ()


def test_the_first_round_begins_now_and_the_next_a_little_before(books: Company) -> None:
    seen: Seen = []
    kept = upkept(upkeep.read_deals, books, seen)
    assert seen[0][0].query == {
        "custom_fields": f"{REFERRAL_FIELD},{STAGE_FIELD}",
        "updated_since": "2026-01-15T17:00:00Z",
        "sort_by": "update_time",
        "sort_direction": "asc",
        "limit": "500",
    }
    assert kept == Upkept(mark={"since": "2026-01-15T16:55:00Z"})


def page(*deals: dict[str, Any], cursor: str | None = None) -> Reply:
    return Reply(200, {"success": True, "data": list(deals), "additional_data": {"next_cursor": cursor}})


def rounds(talk: Generator[Call, Reply, Upkept], replies: Iterable[Reply]) -> tuple[list[Call], Upkept]:
    asked = [next(talk)]
    for reply in replies:
        try:
            asked.append(talk.send(reply))
        except StopIteration as end:
            return asked, end.value
    raise AssertionError("the talk goes on")


def test_what_does_not_fit_a_round_is_read_in_the_next() -> None:
    won = open_deal(status="won", update_time="2026-01-15T16:00:00Z")
    first = Round(mark={"since": "2026-01-15T15:00:00Z"}, webhook_url=URL, now=NOW)
    pages = [page(won, cursor="b"), page({**won, "id": "x"}, cursor="c"), page({**won, "id": 33}, cursor="d")]
    asked, left = rounds(upkeep.read_deals(first, SETTINGS), pages)
    assert [event.source_id for event in left.events] == ["deal:31:referral.closed", "deal:33:referral.closed"]
    assert [(call.query or {}).get("cursor") for call in asked] == [None, "b", "c"]
    assert left.mark == {"since": "2026-01-15T15:00:00Z", "began": "2026-01-15T17:00:00Z", "cursor": "d"}
    assert left.again_at == NOW + timedelta(minutes=1)
    second = Round(mark=left.mark, webhook_url=URL, now=NOW + timedelta(minutes=1))
    [call], done = rounds(upkeep.read_deals(second, SETTINGS), [page()])
    assert (call.query or {})["cursor"] == "d"
    assert done.mark == {"since": "2026-01-15T16:55:00Z"}
    [call], again = rounds(upkeep.read_deals(second, SETTINGS), [Reply(400, {"success": False})])
    assert 400 in call.accepts
    assert again.mark == {"since": "2026-01-15T15:00:00Z"}


# Pipedrive's documents


def document(name: str) -> dict[str, Any]:
    path = SPECS / f"pipedrive-{name}.json"
    if not path.exists():
        pytest.skip("Pipedrive's documents are not beside this checkout")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def documents() -> dict[str, list[dict[str, Any]]]:
    return {"v1": [document("v1")], "v2": [document("v2-deals"), document("v2-persons")]}


def operation(call: Call, documents: dict[str, list[dict[str, Any]]]) -> tuple[dict[str, Any], dict[str, Any]]:
    version, _, path = call.path.removeprefix(f"{HOST}/api/").partition("/")
    for one in documents[version]:
        exact = sorted(one["paths"].items(), key=lambda item: "{" in item[0])
        for template, operations in exact:
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), f"/{path}") and call.method.lower() in operations:
                return one, operations[call.method.lower()]
    raise AssertionError(f"no document has {call.method} {call.path}")


def fits(value: Any, holder: dict[str, Any], whole: dict[str, Any]) -> None:
    """`nullable` is OpenAPI 3.0's; no other keyword of it is in these documents."""
    schema = {**holder["content"]["application/json"]["schema"], "components": whole.get("components", {})}
    jsonschema.validate(value, nullables(schema), cls=jsonschema.Draft202012Validator)


def nullables(schema: Any) -> Any:
    if isinstance(schema, list):
        return [nullables(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: nullables(one) for name, one in schema.items()}
    if inner.get("nullable") is True and isinstance(inner.get("type"), str):
        inner["type"] = [inner["type"], "null"]
    return inner


def everything(books: Company) -> Seen:
    """Every talk there is, with absent and with present things."""
    seen: Seen = []
    converse(client.doctor(SETTINGS), books, seen)
    for stage in ("submitted", "accepted", "won"):
        put(at(stage, amount=Money(minor=500, currency="EUR"), notes=stage), books, seen)
    converse(client.create_task(TASK, KEY, SETTINGS), books, seen)
    converse(client.find_task(TASK, KEY, SETTINGS), books, seen)
    by_id = BO.model_copy(update={"identities": [Identity(kind="pipedrive", value="31")]})
    put(at("submitted", person=by_id, referral="r_2"), books, seen)
    mark: Any = upkept(upkeep.keep_webhooks, books, seen).mark
    books.hooks[next(iter(books.hooks))].is_active = 0
    upkept(upkeep.keep_webhooks, books, seen, **mark)
    upkept(upkeep.read_deals, books, seen, since="2026-01-01T00:00:00Z")
    upkept(upkeep.read_activities, books, seen, since="2026-01-01T00:00:00Z")
    return seen


ABSENT = {
    "org_id",
    "lost_reason",
    "won_time",
    "lost_time",
    "expected_close_date",
    "close_time",
    "deal_id",
    "next_cursor",
}
"""What Pipedrive shows as null though its document calls it a number or text."""


def without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [without_nulls(one) for one in value]
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if not (v is None and k in ABSENT)}
    return value


def test_every_call_and_answer_fits_the_documents(books: Company, documents: dict[str, list[dict[str, Any]]]) -> None:
    used = set()
    for call, reply in everything(books):
        whole, described = operation(call, documents)
        assert set(call.query or {}) <= {p["name"] for p in described.get("parameters", []) if p["in"] == "query"}
        assert (call.json is not None) == ("requestBody" in described)
        if call.json is not None:
            fits(call.json, described["requestBody"], whole)
            schema = nullables(described["requestBody"])
            assert set(call.json) <= properties(schema["content"]["application/json"]["schema"], whole)
        assert str(reply.status) in described["responses"]
        fits(without_nulls(reply.json), described["responses"][str(reply.status)], whole)
        path = call.path.removeprefix(HOST)
        used.add(next(r.path for r in STAND_IN.routes if r.method == call.method and r.pattern.match(path)))
    assert used == {route.path for route in STAND_IN.routes}, "every route is used by a talk"


def properties(schema: dict[str, Any], whole: dict[str, Any]) -> set[str]:
    """The names of all properties, through references and `allOf`."""
    if "$ref" in schema:
        node: Any = whole
        for part in schema["$ref"].split("/")[1:]:
            node = node[part]
        return properties(node, whole)
    inner = [properties(one, whole) for one in schema.get("allOf", [])]
    return set(schema.get("properties", {})).union(*inner)


@pytest.mark.parametrize(
    ("model", "part", "path", "method", "unused"),
    [
        (PersonBody, "v2-persons", "/persons", "post",
         {"im", "postal_address", "notes", "birthday", "job_title", "marketing_status"}),
        (DealBody, "v2-deals", "/deals", "post",
         {"is_deleted", "is_archived", "archive_time", "close_time", "won_time", "lost_time"}),
        (DealChange, "v2-deals", "/deals/{id}", "patch",
         {"is_deleted", "is_archived", "archive_time", "close_time", "won_time", "lost_time"}),
        (ActivityBody, "v2-deals", "/activities", "post", {"person_id", "location", "attendees"}),
        (HookBody, "v1", "/webhooks", "post", set()),
    ],
)  # fmt: skip
def test_the_stand_in_takes_what_the_documents_take(
    model: type[Strict], part: str, path: str, method: str, unused: set[str]
) -> None:
    whole = document(part)
    published = whole["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    assert set(model.model_fields) == properties(published, whole) - unused


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (Call.post("/api/v2/deals", json={"value": 5}), 400),
        (Call.post("/api/v2/deals", json={"title": "x", "stage_id": "9"}), 400),
        (Call.post("/api/v2/deals", json={"title": "x", "stage_id": 9}), 400),
        (Call.post("/api/v2/deals", json={"title": "x", "person_id": 1}), 400),
        (Call.post("/api/v2/deals", json={"title": "x", "custom_fields": {"ab" * 20: "y"}}), 400),
        (Call.post("/api/v2/deals", json={"title": "x", "lost_reason": "y"}), 400),
        (Call.post("/api/v2/persons", json={"emails": []}), 400),
        (Call.post("/api/v2/persons", json={"name": "x", "marketing_status": "subscribed"}), 400),
        (Call.post("/api/v2/activities", json={"subject": "x", "type": "visit"}), 400),
        (Call.post("/api/v2/activities", json={"subject": "x", "person_id": 1}), 400),
        (Call.post("/api/v1/notes", json={"content": "x"}), 400),
        (Call.post("/api/v1/webhooks", json={"subscription_url": "x"}), 400),
        (Call.get("/api/v2/deals", query={"updated_since": "2026-01-15T10:00:00.000Z"}), 400),
        (Call.get("/api/v2/deals", query={"limit": "501"}), 400),
        (Call.get("/api/v2/deals/1"), 404),
        (Call("DELETE", "/api/v1/webhooks/1"), 404),
    ],
)
def test_the_stand_in_refuses_what_pipedrive_refuses(books: Company, call: Call, status: int) -> None:
    answer = ask(call, books)
    assert (answer.status, answer.json["success"]) == (status, False)


def test_the_stand_in_knows_its_token(books: Company) -> None:
    wrong = SETTINGS.model_copy(update={"api_token": SecretStr("no")})
    assert client.headers(wrong, None) == {"x-api-token": "no"}
    asked = Heard("GET", "/", {}, {}, client.headers(wrong, None), b"", None, {}, SETTINGS)
    refused = STAND_IN.guard(asked)
    assert refused is not None
    assert (refused.status, refused.json["error"]) == (401, "unauthorized access")


def test_both_actions_are_findable() -> None:
    assert [type(action.repeat) for action in PLATFORM.actions] == [Findable, Findable]
