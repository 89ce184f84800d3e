"""Prevents: somebody who left and is put back on a list, an automation entered twice, an opt-out that nobody heard."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from pydantic import SecretStr, ValidationError

from models.contact import Identity
from models.event import Event
from platforms.activecampaign import PLATFORM, ActiveCampaignSettings, client, upkeep, webhook
from platforms.activecampaign.problem import judge
from platforms.activecampaign.stand_in import STAND_IN
from platforms.activecampaign.stand_in_books import Account, Contact, Run
from platforms.activecampaign.stand_in_requests import HookBody
from platforms.base import Call, Incoming, Problem, Reply, Round, Upkept
from platforms.capabilities import Enroll, Receipt, Who
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected, Unauthorized
from platforms.stand_in import Heard
from sandbox.vendors import Vendor

SETTINGS = ActiveCampaignSettings(
    base_url="https://acme.api-us1.com", api_token=SecretStr("ac-key"), webhook_secret=SecretStr("long random text")
)
KEY = "j_5afm9g0mjvkyzrhj/nurture/enroll"
NOW = datetime(2026, 1, 15, 15, tzinfo=UTC)
URL = "https://ovation.example/webhooks/activecampaign"
BO = Who(contact="c_2", email="Bo@example.com", first_name="Bo", last_name="Chen")
LIST = Enroll(who=BO, audience="Referred friends", fields={"ovation_ref": "ref_0192"})
TAG = Enroll(who=BO, audience="tag:advocate")
RUN = Enroll(who=BO, audience="Referral nurture")
AUDIENCES = [LIST, TAG, RUN]
each_audience = pytest.mark.parametrize("action", AUDIENCES, ids=["list", "tag", "automation"])

Seen = list[tuple[Call, Reply]]


@pytest.fixture
def vendor() -> Vendor:
    return Vendor(STAND_IN, SETTINGS, PLATFORM.inbound)


def heard(call: Call, params: dict[str, str]) -> Heard:
    return Heard(
        method=call.method,
        path=call.path,
        params=params,
        query=call.query or {},
        headers={name.lower(): value for name, value in client.headers(SETTINGS, None).items()},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form={},
        settings=SETTINGS,
    )


def ask(call: Call, vendor: Vendor) -> Reply:
    found = vendor.find(call.method, call.path)
    assert found is not None, f"the stand-in has no {call.method} {call.path}"
    handler, params = found
    request = heard(call, dict(params))
    answer = STAND_IN.guard(request) or handler(request, vendor.books)
    text = json.dumps(answer.json)
    return Reply(answer.status, json.loads(text), text, {k.lower(): v for k, v in answer.headers.items()})


def converse(talk: Generator[Call, Reply, Any], vendor: Vendor, seen: Seen | None = None) -> Any:
    """Plays a talk against the stand-in; what the talk does not accept must be judged good."""
    seen = [] if seen is None else seen
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as end:
            return end.value
        reply = ask(call, vendor)
        seen.append((call, reply))
        if reply.status not in call.accepts:
            problem = judge(reply, call)
            if problem is not None:
                raise AssertionError(f"{call.method} {call.path}: {problem}")


def enroll(vendor: Vendor, action: Enroll, seen: Seen | None = None) -> Receipt:
    receipt: Receipt = converse(client.enroll(action, KEY, SETTINGS), vendor, seen)
    return receipt


def written(seen: Seen) -> list[tuple[str, Any]]:
    return [(call.path, call.json) for call, _ in seen if call.writes]


def move(vendor: Vendor, name: str, **given: Any) -> list[Event]:
    """What a person does at the vendor, and the events that come of it."""
    answer = STAND_IN.moves[name](given, vendor.books)
    assert answer.status == 200, answer.json
    return [event for sent in answer.webhooks for event in events_of(sent.body)]


def bo(vendor: Vendor) -> Contact:
    found: Contact | None = vendor.books.by_email("bo@example.com")
    assert found is not None
    return found


# Out


def test_a_stranger_is_made_and_put_on_the_list(vendor: Vendor) -> None:
    seen: Seen = []
    receipt = enroll(vendor, LIST, seen)
    assert written(seen) == [
        (
            "/api/3/contact/sync",
            {
                "contact": {
                    "email": "Bo@example.com",
                    "firstName": "Bo",
                    "lastName": "Chen",
                    "fieldValues": [{"field": "6", "value": "ref_0192"}],
                }
            },
        ),
        ("/api/3/contactLists", {"contactList": {"list": "2", "contact": "10", "status": "1"}}),
    ]
    assert [reply.status for call, reply in seen if call.writes] == [201, 201]
    assert receipt == Receipt(
        reference="10",
        facts={"contact": "10", "list": "2", "membership": "11"},
        identities=[Identity(kind="activecampaign", value="10")],
    )


def test_a_tag_is_made_once_and_given(vendor: Vendor) -> None:
    seen: Seen = []
    enroll(vendor, TAG, seen)
    assert written(seen) == [
        ("/api/3/tags", {"tag": {"tag": "advocate", "tagType": "contact", "description": "Ovation"}}),
        ("/api/3/contact/sync", {"contact": {"email": "Bo@example.com", "firstName": "Bo", "lastName": "Chen"}}),
        ("/api/3/contactTags", {"contactTag": {"tag": "10", "contact": "11"}}),
    ]
    vendor.books.tags["98"] = "advocates of last year"
    grace = BO.model_copy(update={"email": "grace@example.com"})
    enroll(vendor, TAG.model_copy(update={"who": grace, "audience": "Advocate"}))
    assert [row.tag for row in vendor.books.tagged] == ["10", "10"], "a part of a name is no name"


def test_an_automation_is_entered(vendor: Vendor) -> None:
    seen: Seen = []
    receipt = enroll(vendor, RUN, seen)
    body = {"contactAutomation": {"contact": "10", "automation": "42"}}
    assert written(seen)[-1] == ("/api/3/contactAutomations", body)
    assert receipt.facts == {"contact": "10", "automation": "42", "membership": "11"}


@each_audience
def test_a_repeat_changes_nothing(vendor: Vendor, action: Enroll) -> None:
    first = enroll(vendor, action)
    plain = action.model_copy(update={"fields": {}})
    before, seen = vendor.books.model_dump(), []
    assert enroll(vendor, plain, seen) == first
    assert written(seen) == []
    assert vendor.books.model_dump() == before


@each_audience
def test_a_lost_answer_is_looked_up(vendor: Vendor, action: Enroll) -> None:
    def find() -> Any:
        seen: Seen = []
        found = converse(client.find_enrolment(action, KEY, SETTINGS), vendor, seen)
        assert written(seen) == []
        return found

    assert find() is None
    move(vendor, "join", email="bo@example.com")
    assert find() is None
    receipt = enroll(vendor, action)
    assert find() == receipt


def test_a_run_that_is_over_is_not_begun_again(vendor: Vendor) -> None:
    again = RUN.model_copy(update={"audience": "Advocate rewards"})
    enroll(vendor, again)
    [run] = vendor.books.runs
    run.status = "2"
    seen: Seen = []
    assert enroll(vendor, again, seen).facts["membership"] == run.id
    assert written(seen) == []


def test_what_people_wrote_of_a_name_is_left(vendor: Vendor) -> None:
    move(vendor, "join", email="bo@example.com", first_name="Robert")
    seen: Seen = []
    enroll(vendor, LIST, seen)
    assert written(seen)[0][1] == {
        "contact": {"email": "bo@example.com", "fieldValues": [{"field": "6", "value": "ref_0192"}]}
    }
    assert bo(vendor).first_name == "Robert"
    assert bo(vendor).fields == {"6": "ref_0192"}


def test_an_address_that_changed_there_makes_no_second_contact(vendor: Vendor) -> None:
    move(vendor, "join", email="robert@example.com")
    number = next(iter(vendor.books.contacts))
    known = BO.model_copy(update={"identities": [Identity(kind="activecampaign", value=number)]})
    assert enroll(vendor, LIST.model_copy(update={"who": known})).reference == number
    assert list(vendor.books.contacts) == [number]
    gone = BO.model_copy(update={"identities": [Identity(kind="activecampaign", value="404")]})
    assert enroll(vendor, LIST.model_copy(update={"who": gone})).reference != number


@pytest.mark.parametrize(
    ("audience", "words"),
    [
        ("Referred freinds", "no list, automation or tag called 'Referred freinds'"),
        ("automation:Referred friends", "no list, automation or tag"),
        ("Old nurture", "switched off"),
        ("Customers", r"2 things .* \(list, automation\)"),
    ],
)
def test_an_audience_that_is_not_clear_is_refused(vendor: Vendor, audience: str, words: str) -> None:
    vendor.books.automations["45"] = vendor.books.automations["42"].model_copy(update={"name": "Customers"})
    with pytest.raises(Rejected, match=words):
        enroll(vendor, LIST.model_copy(update={"audience": audience}))
    assert vendor.books.contacts == {}
    enroll(vendor, LIST.model_copy(update={"audience": "list:customers"}))
    assert [row.list for row in vendor.books.on_lists] == ["1"]


def test_an_unknown_field_and_a_missing_address_are_refused_before_anything_is_written(vendor: Vendor) -> None:
    with pytest.raises(Rejected, match="no contact field SHOE_SIZE"):
        enroll(vendor, LIST.model_copy(update={"fields": {"SHOE_SIZE": "9", "%REFLINK%": "x"}}))
    with pytest.raises(Rejected, match="e-mail address"):
        enroll(vendor, LIST.model_copy(update={"who": Who(contact="c_2")}))
    assert vendor.books.contacts == {}


# Consent


@each_audience
def test_whoever_left_a_list_is_put_nowhere(vendor: Vendor, action: Enroll) -> None:
    move(vendor, "join", email="bo@example.com")
    move(vendor, "unsubscribe", email="bo@example.com")
    seen: Seen = []
    assert enroll(vendor, action, seen).opted_out
    assert [path for path, _ in written(seen)] == (["/api/3/tags"] if action is TAG else [])
    assert [row.status for row in vendor.books.on_lists] == ["2"]


def test_a_list_that_does_not_count_may_be_left(vendor: Vendor) -> None:
    move(vendor, "join", email="bo@example.com", list="1")
    move(vendor, "unsubscribe", email="bo@example.com")
    narrow = SETTINGS.model_copy(update={"opt_out_lists": ["2"]})
    assert not converse(client.enroll(LIST, KEY, narrow), vendor).opted_out
    there = LIST.model_copy(update={"audience": "Customers"})
    assert converse(client.enroll(there, KEY, narrow), vendor).opted_out, "they left that very list"
    assert [(row.list, row.status) for row in vendor.books.on_lists] == [("1", "2"), ("2", "1")]


def test_whoever_has_yet_to_confirm_keeps_that_to_do(vendor: Vendor) -> None:
    move(vendor, "join", email="bo@example.com", list="2", status="0")
    assert not enroll(vendor, LIST).opted_out
    assert [row.status for row in vendor.books.on_lists] == ["0"]


def test_a_dead_address_is_no_audience(vendor: Vendor) -> None:
    move(vendor, "join", email="bo@example.com")
    move(vendor, "bounce", email="bo@example.com")
    assert enroll(vendor, RUN).opted_out
    assert vendor.books.runs == []


# Answers that surprise


def at_the_write(talk: Generator[Call, Reply, Any], vendor: Vendor, path: str) -> None:
    """Brings a talk to its write at `path`."""
    call = next(talk)
    while not (call.writes and call.path == path):
        call = talk.send(ask(call, vendor))


REFUSED = Reply(403, {"message": "Could not create SubscriberSeries"}, "x")


def test_an_automation_that_somebody_entered_meanwhile_is_found(vendor: Vendor) -> None:
    talk = client.enroll(RUN, KEY, SETTINGS)
    at_the_write(talk, vendor, "/api/3/contactAutomations")
    vendor.books.runs.append(Run(id="77", contact="10", seriesid="42", adddate="2026-01-15T10:00:00-05:00"))
    look = talk.send(REFUSED)
    with pytest.raises(StopIteration) as end:
        talk.send(ask(look, vendor))
    assert end.value.value.facts["membership"] == "77"


@pytest.mark.parametrize(("reply", "kind"), [(REFUSED, Rejected), (Reply(403, None, ""), Unauthorized)])
def test_a_refusal_without_a_run_is_an_error(vendor: Vendor, reply: Reply, kind: type[Exception]) -> None:
    talk = client.enroll(RUN, KEY, SETTINGS)
    at_the_write(talk, vendor, "/api/3/contactAutomations")
    look = talk.send(reply)
    with pytest.raises(kind, match="403"):
        talk.send(ask(look, vendor))


def test_a_tag_that_somebody_made_meanwhile_is_used(vendor: Vendor) -> None:
    talk = client.enroll(TAG, KEY, SETTINGS)
    at_the_write(talk, vendor, "/api/3/tags")
    vendor.books.tags["16"] = "Advocate"
    refused = ask(Call.post("/api/3/tags", json={"tag": {"tag": "advocate", "tagType": "contact"}}), vendor)
    assert refused.status == 422
    look = talk.send(refused)
    assert talk.send(ask(look, vendor)).path == "/api/3/contacts", "the talk goes on"


def test_a_tag_that_cannot_be_made_is_an_error(vendor: Vendor) -> None:
    talk = client.enroll(TAG, KEY, SETTINGS)
    at_the_write(talk, vendor, "/api/3/tags")
    look = talk.send(Reply(422, {"errors": [{"title": "no"}]}, "x"))
    with pytest.raises(Rejected, match="did not make the tag: no"):
        talk.send(ask(look, vendor))


def test_pages_are_turned_and_not_without_end(vendor: Vendor) -> None:
    vendor.books.lists |= {str(n): f"list {n}" for n in range(1000, 1150)}
    enroll(vendor, LIST.model_copy(update={"audience": "List 1149"}))
    assert [row.list for row in vendor.books.on_lists] == ["1149"]
    vendor.books.lists |= {str(n): f"list {n}" for n in range(2000, 4000)}
    with pytest.raises(InDoubt, match="more than 2000 lists"):
        enroll(vendor, LIST)


def problem(status: int, body: Any = None, text: str = "", writes: bool = True, **headers: str) -> Problem | None:
    call = Call.post("/api/3/contact/sync") if writes else Call.get("/api/3/contacts")
    return judge(Reply(status, body, text or json.dumps(body), headers), call)


NOT_FOUND = {"errors": [{"status": 404, "title": "Not Found", "detail": "Contact not found"}]}
DUPLICATE = {"errors": [{"title": "Email address already exists in the system", "detail": "", "code": "duplicate"}]}


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (422, DUPLICATE, "rejected", "HTTP 422: Email address already exists in the system, duplicate"),
        (404, NOT_FOUND, "rejected", "HTTP 404: Not Found, Contact not found"),
        (404, {"message": "No Result found for Subscriber with id 1"}, "rejected", "No Result found"),
        (403, {"message": "No Result found for Subscriber with id 1"}, "rejected", "No Result found"),
        (403, {"message": "Could not create SubscriberSeries"}, "rejected", "Could not create"),
        (403, None, "unauthorized", "key of this account"),
        (401, None, "unauthorized", "key of this account"),
        (301, None, "unauthorized", "BASE_URL"),
        (400, {}, "rejected", "HTTP 400"),
        (409, {"errors": ["x", {"title": 1}]}, "rejected", "HTTP 409: 1"),
        (429, None, "rate-limited", "HTTP 429"),
        (503, None, "in doubt", "HTTP 503"),
        (200, {"succeeded": 0, "message": "nothing was done"}, "rejected", "nothing was done"),
        (200, [], "in doubt", "HTTP 200"),
    ],
)
def test_each_answer_has_its_kind(status: int, body: Any, kind: str, words: str) -> None:
    found = problem(status, body)
    assert found is not None
    assert found.kind == kind
    assert words in found.message


def test_a_fault_while_reading_is_no_doubt_and_a_limit_says_how_long() -> None:
    found = problem(500, text="<html>", writes=False)
    assert found is not None
    assert found.kind == "unavailable"
    limited = problem(429, **{"retry-after": "7"})
    assert limited is not None
    assert limited.retry_after == 7.0
    assert problem(201, {"contact": {}}) is None


# Webhooks


def incoming(body: bytes, query: dict[str, str] | None = None, kind: str = "application/x-www-form-urlencoded") -> Any:
    return Incoming(
        "POST", URL, {"content-type": kind}, {"secret": "long random text"} if query is None else query, body
    )


def events_of(body: bytes, settings: ActiveCampaignSettings = SETTINGS) -> list[Event]:
    found: list[Event] = []
    for name, item in webhook.unpack(incoming(body)):
        read = webhook.INBOUND.read(name, item, settings)
        assert isinstance(read, list)
        found += read
    return found


@pytest.mark.parametrize("query", [{}, {"secret": ""}, {"secret": "long random tex"}, {"secret": "ü"}, {"key": "x"}])
def test_only_the_address_with_the_secret_is_believed(query: dict[str, str]) -> None:
    webhook.verify(incoming(b"type=open"), SETTINGS, NOW)
    assert webhook.sign_query(SETTINGS) == {"secret": "long random text"}
    with pytest.raises(BadSignature):
        webhook.verify(incoming(b"type=open", query), SETTINGS, NOW)
    with pytest.raises(BadSignature, match="WEBHOOK_SECRET"):
        webhook.verify(incoming(b"type=open", {"secret": ""}), ActiveCampaignSettings(), NOW)


def test_every_opt_out_is_told(vendor: Vendor) -> None:
    for number in ("1", "2"):
        move(vendor, "join", email="bo@example.com", list=number)
    left = move(vendor, "unsubscribe", email="bo@example.com")
    assert [event.type for event in left] == ["contact.opted_out", "contact.opted_out"]
    assert len({event.source_id for event in left}) == 2
    assert left[0].subject.text == "email:bo@example.com"
    assert [i.text for i in left[0].identities] == [f"activecampaign:{bo(vendor).id}"]
    assert [e.type for e in move(vendor, "stop_texts", email="bo@example.com")] == ["contact.opted_out"]
    assert [e.type for e in move(vendor, "bounce", email="bo@example.com")] == ["contact.opted_out"]
    assert move(vendor, "bounce", email="bo@example.com", type="soft") == []


def test_a_list_that_does_not_count_is_not_told(vendor: Vendor) -> None:
    move(vendor, "join", email="bo@example.com", list="2")
    [sent] = STAND_IN.moves["unsubscribe"]({"email": "bo@example.com"}, vendor.books).webhooks
    assert len(events_of(sent.body, SETTINGS.model_copy(update={"opt_out_lists": ["2"]}))) == 1
    assert events_of(sent.body, SETTINGS.model_copy(update={"opt_out_lists": ["1"]})) == []


def test_a_tag_is_told_with_its_name(vendor: Vendor) -> None:
    [event] = move(vendor, "tag", email="bo@example.com", tag="referral_given")
    assert (event.type, event.data) == ("contact.tagged", {"tag": "referral_given"})


def changed(**change: str) -> bytes:
    pairs = {"type": "contact_tag_added", "date_time": "2026-01-15T10:00:00-05:00", "tag": "x", "contact[id]": "10"}
    return urlencode({**pairs, **{name.replace("__", "[") + "]" if "__" in name else name: v
                                  for name, v in change.items()}}).encode()  # fmt: skip


def test_a_contact_without_an_address_is_named_by_id() -> None:
    [event] = events_of(changed())
    assert (event.subject.text, event.identities) == ("activecampaign:10", [])
    assert event.at == NOW


@pytest.mark.parametrize(
    "change",
    [{"contact__id": "x"}, {"contact__id": "1" * 30}, {"date_time": "soon"}, {"date_time": ""}, {"tag": "x" * 65},
     {"tag": ""}, {"contact__email": "nobody"}, {"date_time": "9999-12-31T23:59:59-14:00"}, {"type": ""}],
)  # fmt: skip
def test_what_makes_no_sense_is_malformed(change: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        events_of(changed(**change))


def test_json_is_malformed() -> None:
    with pytest.raises(Malformed, match="form"):
        webhook.unpack(incoming(b"{}", kind="application/json"))


# Upkeep


def at(moment: datetime, mark: dict[str, object] | None = None, url: str = URL) -> Round:
    return Round(mark=mark or {}, webhook_url=url, now=moment)


def registered(vendor: Vendor, settings: ActiveCampaignSettings = SETTINGS, url: str = URL) -> str:
    kept: Upkept = converse(upkeep.register(at(NOW, url=url), settings), vendor)
    return str(kept.mark["webhook"])


def test_the_webhook_is_registered_once(vendor: Vendor) -> None:
    first = registered(vendor)
    assert registered(vendor) == first
    [hook] = vendor.books.webhooks.values()
    assert hook.url == f"{URL}?secret=long+random+text"
    assert hook.events == ["unsubscribe", "sms_unsub", "bounce", "contact_tag_added"]
    assert hook.sources == ["public", "admin", "system"], "what we write is not told back"


def test_a_new_secret_replaces_the_webhook_and_leaves_those_of_others(vendor: Vendor) -> None:
    others = {"name": "CRM", "url": "https://crm.example/x", "events": ["open"], "sources": ["public"]}
    ask(Call.post("/api/3/webhooks", json={"webhook": others}), vendor)
    old = registered(vendor)
    new = registered(vendor, SETTINGS.model_copy(update={"webhook_secret": SecretStr("another")}), f"{URL}?given=1")
    assert old != new
    assert [h.url for h in vendor.books.webhooks.values()] == ["https://crm.example/x", f"{URL}?given=1&secret=another"]


def test_a_webhook_that_people_narrowed_is_made_anew(vendor: Vendor) -> None:
    old = registered(vendor)
    vendor.books.webhooks[old].events.remove("unsubscribe")
    assert registered(vendor) != old
    assert len(vendor.books.webhooks) == 1


def read_opt_outs(vendor: Vendor, round: Round, settings: ActiveCampaignSettings = SETTINGS) -> Upkept:
    kept: Upkept = converse(upkeep.opt_outs(round, settings), vendor)
    return kept


def test_a_lost_opt_out_is_read_and_is_the_same_event(vendor: Vendor) -> None:
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    mark = read_opt_outs(vendor, at(begin)).mark
    assert mark == {"since": begin.isoformat()}
    move(vendor, "join", email="bo@example.com", list="2")
    move(vendor, "join", email="ada@example.com")
    told = move(vendor, "unsubscribe", email="bo@example.com")
    vendor.books.on_lists[0].udate = told[0].at.replace(minute=59, second=59).isoformat()
    later = begin + timedelta(minutes=10)
    kept = read_opt_outs(vendor, at(later, mark))
    assert kept.mark == {"since": (later - timedelta(minutes=5)).isoformat()}
    assert [(e.type, e.source_id, e.subject) for e in kept.events] == [(e.type, e.source_id, e.subject) for e in told]
    assert kept.again_at is None
    assert read_opt_outs(vendor, at(later, mark), SETTINGS.model_copy(update={"opt_out_lists": ["1"]})).events == []


def test_who_left_long_ago_is_no_news_and_who_left_at_no_known_time_is(vendor: Vendor) -> None:
    move(vendor, "join", email="bo@example.com")
    move(vendor, "unsubscribe", email="bo@example.com")
    now = datetime.now(UTC)
    mark: dict[str, object] = {"since": (now - timedelta(minutes=9)).isoformat()}
    [row] = vendor.books.on_lists
    row.udate = "2024-01-15T10:00:00-05:00"
    assert read_opt_outs(vendor, at(now + timedelta(minutes=1), mark)).events == []
    row.udate = None
    assert len(read_opt_outs(vendor, at(now + timedelta(minutes=1), mark)).events) == 1


def test_many_opt_outs_take_several_rounds_and_none_is_left_out(vendor: Vendor) -> None:
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    for number in range(45):
        email = f"p{number}@example.com"
        move(vendor, "join", email=email)
        move(vendor, "unsubscribe", email=email)
    vendor.books.by_email("p0@example.com").email = "half"
    mark, heard_of, rounds = read_opt_outs(vendor, at(begin)).mark, set(), 0
    while True:
        moment = begin + timedelta(minutes=5 + rounds)
        kept = read_opt_outs(vendor, at(moment, mark))
        heard_of |= {event.subject.value for event in kept.events}
        mark, rounds = kept.mark, rounds + 1
        if kept.again_at is None:
            break
        assert kept.again_at == moment + timedelta(minutes=1)
    assert rounds == 3
    assert heard_of == {f"p{number}@example.com" for number in range(1, 45)}
    assert mark == {"since": begin.isoformat()}, "the window began with the first of the rounds"


# The stand-in


def test_the_stand_in_knows_its_key(vendor: Vendor) -> None:
    request = heard(Call.get("/api/3/users/me"), {})
    assert STAND_IN.guard(request) is None
    refused = STAND_IN.guard(Heard(**{**vars(request), "headers": {"api-token": "other"}}))
    assert refused is not None
    assert (refused.status, refused.json, refused.text) == (403, None, "")
    assert converse(client.doctor(SETTINGS), vendor).facts == {"user": "1"}


def test_the_stand_in_re_subscribes_like_the_vendor(vendor: Vendor) -> None:
    move(vendor, "join", email="bo@example.com")
    move(vendor, "unsubscribe", email="bo@example.com")
    body = {"contactList": {"list": 1, "contact": bo(vendor).id, "status": "1"}}
    reply = ask(Call.post("/api/3/contactLists", json=body), vendor)
    assert (reply.status, reply.json["contactList"]["status"]) == (200, "1")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/contact/sync", {"contact": {"email": "bo"}}, 422),
        ("POST", "/contact/sync", {"contact": {"email": "b@c.de", "fieldValues": [{"field": "99", "value": ""}]}}, 422),
        ("POST", "/contact/sync", [], 400),
        ("POST", "/contactLists", {"contactList": {"list": "1", "contact": "404", "status": "1"}}, 404),
        ("POST", "/contactLists", {"contactList": {"list": "9", "contact": "10", "status": "1"}}, 404),
        ("POST", "/contactLists", {"contactList": {"list": "1", "contact": "10", "status": "3"}}, 422),
        ("POST", "/contactTags", {"contactTag": {"contact": "10", "tag": "404"}}, 404),
        ("POST", "/contactAutomations", {"contactAutomation": {"contact": "10", "automation": "404"}}, 404),
        ("POST", "/contactAutomations", {"contactAutomation": {"contact": "10", "automation": "43"}}, 403),
        ("GET", "/contacts/404", None, 404),
        ("DELETE", "/webhooks/404", None, 404),
    ],
)  # fmt: skip
def test_the_stand_in_refuses_what_the_vendor_refuses(
    vendor: Vendor, method: str, path: str, body: Any, status: int
) -> None:
    move(vendor, "join", email="bo@example.com")
    assert bo(vendor).id == "10"
    assert ask(Call(method, f"/api/3{path}", json=body), vendor).status == status


@pytest.mark.parametrize(
    ("change", "taken"),
    [({}, True), ({"url": "http://ovation.example/x"}, False), ({"url": "https://ovation.example:8443/x"}, False),
     ({"url": "http://gateway:8000/x"}, True), ({"events": ["unheard"]}, False), ({"sources": []}, False)],
)  # fmt: skip
def test_the_stand_in_takes_only_webhooks_that_could_be_called(change: dict[str, Any], taken: bool) -> None:
    body = {"webhook": {"name": "x", "url": URL, "events": ["open"], "sources": ["public"], **change}}
    if taken:
        HookBody.model_validate(body)
    else:
        with pytest.raises(ValidationError):
            HookBody.model_validate(body)


@pytest.mark.parametrize("name", ["join", "unsubscribe", "stop_texts", "bounce", "tag"])
def test_a_move_that_cannot_be_made_says_so(name: str) -> None:
    assert STAND_IN.moves[name]({}, Account()).status == 422
    if name not in ("join", "tag"):
        assert STAND_IN.moves[name]({"email": "who@example.com"}, Account()).status == 404


def test_a_webhook_has_the_documented_fields(vendor: Vendor) -> None:
    move(vendor, "join", email="bo@example.com", first_name="Bo")
    [sent] = STAND_IN.moves["unsubscribe"]({"email": "bo@example.com"}, vendor.books).webhooks
    form = dict(parse_qsl(sent.body.decode(), keep_blank_values=True))
    assert sent.content_type == "application/x-www-form-urlencoded"
    assert (form["type"], form["list"], form["list[0][id]"], form["contact[id]"]) == ("unsubscribe", "1", "1", "10")
    Account.model_validate_json(vendor.books.model_dump_json())
