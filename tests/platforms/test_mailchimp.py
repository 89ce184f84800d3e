"""Prevents: somebody who unsubscribed and is subscribed again, a journey begun twice, an opt-out lost or invented."""

import json
import re
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError

from models.contact import Identity
from models.event import Event
from platforms.base import Call, Incoming, Problem, Reply, Round, Upkept
from platforms.capabilities import Enroll, Receipt, Who
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected, Unauthorized
from platforms.mailchimp import PLATFORM, MailchimpSettings, client, member, upkeep, webhook
from platforms.mailchimp.problem import judge
from platforms.mailchimp.stand_in import STAND_IN
from platforms.mailchimp.stand_in_books import Audience, Member
from platforms.mailchimp.stand_in_requests import EventBody, HookBody, PutMember, TagsBody, TriggerBody
from platforms.stand_in import Heard
from sandbox.vendors import Vendor

SPEC = Path(__file__).resolve().parents[3] / "shared/contracts/specs/mailchimp-audience.json"
ADA_HASH = "3e3417d7ef77d5932a6734b916515ed5"
KEY = "j_5afm9g0mjvkyzrhj/rewards/enroll"
NOW = datetime.fromtimestamp(1766000000, UTC)
URL = "https://ovation.example/webhooks/mailchimp"
SETTINGS = MailchimpSettings(
    api_key=SecretStr("0123456789abcdef-us19"),
    list_id="a6b5da1054",
    webhook_secret=SecretStr("mailchimp-signing-secret"),
    journeys={"Advocate rewards": "referral_converted", "Welcome": "1201/7734", "Broken": "x"},
)
UNHELD = SETTINGS.model_copy(update={"webhook_secret": None})
ADA = Who(contact="c_1", email="Ada@example.com ", first_name="Ada", last_name="Lovelace")
TAG = Enroll(who=ADA, audience="advocate", fields={"reflink": "https://ovation.example.com/r/ada"})
LIST = Enroll(who=ADA, audience="acme friends")
EVENT = Enroll(who=ADA, audience="Advocate rewards")
STEP = Enroll(who=ADA, audience="Welcome")
each_audience = pytest.mark.parametrize("action", [TAG, LIST, EVENT, STEP], ids=["tag", "list", "event", "step"])

Seen = list[tuple[Call, Reply]]


@pytest.fixture
def vendor() -> Vendor:
    return Vendor(STAND_IN, SETTINGS, PLATFORM.inbound)


def heard(call: Call, params: dict[str, str]) -> Heard:
    return Heard(
        method=call.method,
        path=urlsplit(call.path).path,
        params=params,
        query=call.query or {},
        headers={name.lower(): value for name, value in client.headers(SETTINGS, None).items()},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form={},
        settings=SETTINGS,
    )


def ask(call: Call, vendor: Vendor) -> Reply:
    found = vendor.find(call.method, urlsplit(call.path).path)
    assert found is not None, f"the stand-in has no {call.method} {call.path}"
    handler, params = found
    request = heard(call, dict(params))
    answer = STAND_IN.guard(request) or handler(request, vendor.books)
    text = "" if answer.json is None else json.dumps(answer.json)
    return Reply(answer.status, json.loads(text) if text else None, text)


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
            assert problem is None, f"{call.method} {call.path}: {problem}"


def enroll(vendor: Vendor, action: Enroll, seen: Seen | None = None, settings: MailchimpSettings = SETTINGS) -> Receipt:
    receipt: Receipt = converse(client.enroll(action, KEY, settings), vendor, seen)
    return receipt


def find(vendor: Vendor, action: Enroll, key: str = KEY) -> Receipt | None:
    seen: Seen = []
    found: Receipt | None = converse(client.find_enrolment(action, key, SETTINGS), vendor, seen)
    assert not any(call.writes for call, _ in seen)
    return found


def written(seen: Seen) -> list[tuple[str, str, Any]]:
    return [(call.method, call.path, call.json) for call, _ in seen if call.writes]


def move(vendor: Vendor, name: str, **given: Any) -> list[Event]:
    """What a person does at the vendor, and the events that come of it."""
    answer = STAND_IN.moves[name]({"email": "ada@example.com", **given}, vendor.books)
    assert answer.status == 200, answer.json
    return [event for sent in answer.webhooks for event in events_of(sent.body)]


def ada(vendor: Vendor) -> Member:
    found: Member = vendor.books.members[ADA_HASH]
    return found


# Out

HERE = "https://us19.api.mailchimp.com/3.0/lists/a6b5da1054/members/3e3417d7ef77d5932a6734b916515ed5"


def test_a_stranger_is_added_and_tagged(vendor: Vendor) -> None:
    seen: Seen = []
    receipt = enroll(vendor, TAG, seen)
    merge = {"FNAME": "Ada", "LNAME": "Lovelace", "REFLINK": "https://ovation.example.com/r/ada"}
    assert written(seen) == [
        ("PUT", HERE, {"email_address": "Ada@example.com", "status_if_new": "subscribed",
                       "merge_fields": merge}),
        ("POST", f"{HERE}/tags", {"tags": [{"name": "advocate", "status": "active"}], "is_syncing": False}),
    ]  # fmt: skip
    put = next(call for call, _ in seen if call.method == "PUT")
    assert put.query == {"skip_merge_validation": "true"}
    assert (ada(vendor).tags, ada(vendor).merge_fields) == (["advocate"], merge)
    number = ada(vendor).contact_id
    assert receipt == Receipt(
        reference=number,
        facts={"list": "a6b5da1054", "contact": number, "status": "subscribed"},
        identities=[Identity(kind="mailchimp", value=number)],
    )


def test_a_journey_begins_by_its_event_with_our_key(vendor: Vendor) -> None:
    seen: Seen = []
    enroll(vendor, EVENT, seen)
    body = {"name": "referral_converted", "properties": {"ovation_effect": KEY}, "is_syncing": False}
    assert written(seen)[-1] == ("POST", f"{HERE}/events", body)


def test_a_journey_begins_at_its_step(vendor: Vendor) -> None:
    seen: Seen = []
    enroll(vendor, STEP, seen)
    path = "https://us19.api.mailchimp.com/3.0/customer-journeys/journeys/1201/steps/7734/actions/trigger"
    assert written(seen)[-1] == ("POST", path, {"email_address": "Ada@example.com"})
    assert vendor.books.journeys["1201/7734"] == [ADA_HASH]


def test_the_audience_itself_is_no_tag(vendor: Vendor) -> None:
    enroll(vendor, LIST)
    assert ada(vendor).tags == []


@pytest.mark.parametrize("action", [TAG, LIST], ids=["tag", "list"])
def test_a_repeat_changes_nothing(vendor: Vendor, action: Enroll) -> None:
    first = enroll(vendor, action)
    before = ada(vendor).model_copy(deep=True)
    assert enroll(vendor, action) == first
    assert ada(vendor).model_copy(update={"last_changed": ""}) == before.model_copy(update={"last_changed": ""})


@pytest.mark.parametrize("action", [TAG, LIST, EVENT], ids=["tag", "list", "event"])
def test_a_lost_answer_is_looked_up(vendor: Vendor, action: Enroll) -> None:
    assert find(vendor, action) is None
    receipt = enroll(vendor, action)
    assert find(vendor, action) == receipt
    assert find(vendor, TAG.model_copy(update={"audience": "champion"})) is None


def test_an_event_of_another_effect_is_not_ours(vendor: Vendor) -> None:
    enroll(vendor, EVENT)
    assert find(vendor, EVENT, f"{KEY}/2") is None
    other = EVENT.model_copy(update={"audience": "Renewal"})
    renamed = SETTINGS.model_copy(update={"journeys": {"Renewal": "renewed"}})
    assert converse(client.find_enrolment(other, KEY, renamed), vendor) is None


def test_whether_a_step_was_started_cannot_be_told(vendor: Vendor) -> None:
    assert find(vendor, STEP) is None, "not even a member: nothing was started"
    enroll(vendor, STEP)
    with pytest.raises(InDoubt, match="1201/7734"):
        find(vendor, STEP)


def test_too_many_events_leave_the_doubt(vendor: Vendor) -> None:
    enroll(vendor, EVENT)
    ada(vendor).events *= 1001
    with pytest.raises(InDoubt, match="1000 events"):
        find(vendor, EVENT, "another")


def test_an_address_that_changed_is_known_by_the_contacts_id(vendor: Vendor) -> None:
    move(vendor, "subscribe", email="countess@example.com")
    [countess] = vendor.books.members.values()
    known = ADA.model_copy(update={"identities": [Identity(kind="mailchimp", value=countess.contact_id)]})
    assert enroll(vendor, TAG.model_copy(update={"who": known})).reference == countess.contact_id
    assert [m.email for m in vendor.books.members.values()] == ["countess@example.com"]


def test_what_people_wrote_is_left(vendor: Vendor) -> None:
    move(vendor, "subscribe", first_name="Augusta")
    seen: Seen = []
    enroll(vendor, LIST, seen)
    assert written(seen) == []
    enroll(vendor, TAG)
    assert ada(vendor).merge_fields["FNAME"] == "Augusta"


@pytest.mark.parametrize(
    ("double", "setting", "wanted"),
    [
        *((False, "subscribed", "subscribed"), (True, "subscribed", "pending"), (False, "pending", "pending")),
        *((True, "transactional", "transactional"), (False, "transactional", "transactional")),
    ],
)
def test_a_new_member_confirms_where_the_audience_wants_it(
    vendor: Vendor, double: bool, setting: str, wanted: str
) -> None:
    vendor.books.double_optin = double
    enroll(vendor, LIST, settings=SETTINGS.model_copy(update={"new_members": setting}))
    assert ada(vendor).status == wanted
    move(vendor, "subscribe")
    enroll(vendor, TAG, settings=SETTINGS.model_copy(update={"new_members": setting}))
    assert ada(vendor).status == "subscribed", "the state is theirs"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fields": {"SHOESIZE": "9"}}, "no merge field SHOESIZE"),
        ({"who": Who(contact="c_1")}, "e-mail address"),
        ({"audience": "Broken"}, "JOURNEYS"),
        ({"fields": {"REFLINK": "x" * 256}}, r"HTTP 400: Invalid Resource; .*merge_fields.REFLINK"),
    ],
)
def test_what_mailchimp_would_not_take_is_refused(vendor: Vendor, change: dict[str, Any], words: str) -> None:
    with pytest.raises(Rejected, match=words):
        enroll(vendor, TAG.model_copy(update=change))
    assert vendor.books.members == {}


def test_the_data_center_is_in_the_key_or_in_the_settings() -> None:
    oauth = MailchimpSettings(api_key=SecretStr("token"), list_id="x")
    with pytest.raises(Unauthorized, match="DATA_CENTER"):
        next(client.doctor(oauth))
    assert (
        member.address(oauth.model_copy(update={"data_center": "us2"}), "/x") == "https://us2.api.mailchimp.com/3.0/x"
    )
    with pytest.raises(ValidationError):
        MailchimpSettings(data_center="evil.example/")
    assert client.headers(oauth, None) == {"Authorization": "Basic b3ZhdGlvbjp0b2tlbg=="}


def test_the_doctor_names_the_audience(vendor: Vendor) -> None:
    seen: Seen = []
    assert converse(client.doctor(SETTINGS), vendor, seen).facts == {"audience": "Acme friends", "webhooks": 0}
    assert written(seen) == []


# Consent


@each_audience
@pytest.mark.parametrize(("way", "status"), [("unsubscribe", "unsubscribed"), ("clean", "cleaned")])
def test_whoever_left_is_left_alone(vendor: Vendor, action: Enroll, way: str, status: str) -> None:
    move(vendor, "subscribe")
    move(vendor, way)
    seen: Seen = []
    receipt = enroll(vendor, action, seen)
    assert receipt.opted_out
    assert receipt.facts["status"] == status
    assert written(seen) == []
    found = find(vendor, action)
    assert found is not None
    assert found.opted_out


def test_whoever_was_erased_or_archived_is_not_brought_back(vendor: Vendor) -> None:
    move(vendor, "subscribe")
    move(vendor, "erase")
    assert enroll(vendor, TAG) == Receipt(opted_out=True)
    assert vendor.books.members == {}
    vendor.books.forgotten.clear()
    move(vendor, "subscribe", status="archived")
    with pytest.raises(Rejected, match="archived"):
        enroll(vendor, TAG)
    assert find(vendor, TAG) is None


def test_no_request_ever_overwrites_a_state(vendor: Vendor) -> None:
    seen: Seen = []
    for action in (TAG, LIST, EVENT, STEP):
        enroll(vendor, action, seen)
    assert not any("status" in (call.json or {}) for call, _ in seen if call.method in ("PUT", "PATCH"))


def test_whoever_leaves_between_two_calls_is_not_set_on_a_journey(vendor: Vendor) -> None:
    move(vendor, "subscribe")
    talk = client.enroll(TAG, KEY, SETTINGS)
    call = next(talk)
    while call.method != "PUT":
        call = talk.send(ask(call, vendor))
    move(vendor, "unsubscribe")
    with pytest.raises(StopIteration) as end:
        talk.send(ask(call, vendor))
    assert end.value.value.opted_out


# Errors


def problem_of(status: int, body: Any = None, *, writes: bool = True) -> Problem | None:
    call = Call.post("/x") if writes else Call.get("/x")
    return judge(Reply(status, body, "" if body is None else json.dumps(body)), call)


INVALID = {
    "title": "Invalid Resource",
    "status": 400,
    "detail": "ada@example.com looks fake or invalid",
    "errors": [{"field": "merge_fields.FNAME", "message": "This value should not be blank."}, 1],
}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        *((400, INVALID, "rejected"), (404, {"title": "Resource Not Found"}, "rejected"), (405, {}, "rejected")),
        *((422, None, "rejected"), (301, None, "rejected")),
        *((401, {"title": "API Key Invalid"}, "unauthorized"), (403, {"title": "Forbidden"}, "unauthorized")),
        *((403, None, "rate-limited"), (429, None, "rate-limited"), (429, {}, "rate-limited")),
        *((500, {}, "in doubt"), (502, None, "in doubt"), (503, None, "in doubt"), (200, None, "in doubt")),
    ],
)  # fmt: skip
def test_each_answer_has_its_kind(status: int, body: Any, kind: str) -> None:
    found = problem_of(status, body)
    assert found is not None
    assert found.kind == kind


def test_the_message_names_the_field_and_nobody() -> None:
    found = problem_of(400, INVALID)
    assert found is not None
    assert found.message == (
        "HTTP 400: Invalid Resource; (address) looks fake or invalid; "
        "merge_fields.FNAME: This value should not be blank."
    )


def test_an_empty_answer_is_good_and_a_fault_while_reading_no_doubt() -> None:
    assert problem_of(204) is None
    assert problem_of(200, {}) is None
    found = problem_of(500, writes=False)
    assert found is not None
    assert found.kind == "unavailable"


# Webhooks

BODY = (
    b"type=unsubscribe&fired_at=2026-01-15+10%3A00%3A00&data%5Baction%5D=unsub&data%5Bemail%5D=ada%40example.com"
)  # fmt: skip
VECTOR = "t=1766000000,v1=6e6d7820dc2f883c25304a6dede00be9bee7f96a7b819f2bce484dad74674bb9"


def incoming(
    body: bytes, signature: str | None = VECTOR, kind: str = "application/x-www-form-urlencoded", method: str = "POST"
) -> Incoming:
    headers = {"content-type": kind} | ({"x-mailchimp-signature": signature} if signature is not None else {})
    return Incoming(method, URL, headers, {}, body)


def events_of(body: bytes) -> list[Event]:
    found: list[Event] = []
    for name, item in webhook.unpack(incoming(body)):
        read = webhook.INBOUND.read(name, item, SETTINGS)
        assert isinstance(read, list)
        found += read
    return found


def test_the_vendors_signature_vector() -> None:
    webhook.verify(incoming(BODY), SETTINGS, NOW)
    assert webhook.sign(BODY, SETTINGS, URL, NOW) == {"X-Mailchimp-Signature": VECTOR}
    webhook.verify(incoming(BODY, VECTOR.replace(",v1=", f",v1={'0' * 64},v1=")), SETTINGS, NOW)


@pytest.mark.parametrize(
    "signature",
    [None, "", "t=1766000000", "v1=6e6d", "t=soon,v1=6e", VECTOR.replace("6e6d", "6e6e"), VECTOR.upper(), "t=²,v1=é",
     VECTOR.replace("1766000000", "1766000001")],
)  # fmt: skip
def test_a_forged_request_is_refused(signature: str | None) -> None:
    with pytest.raises(BadSignature):
        webhook.verify(incoming(BODY, signature), SETTINGS, NOW)


@pytest.mark.parametrize(("late", "taken"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_the_window_is_five_minutes_both_ways(late: int, taken: bool) -> None:
    now = NOW + timedelta(seconds=late)
    if taken:
        webhook.verify(incoming(BODY), SETTINGS, now)
    else:
        with pytest.raises(BadSignature, match="five minutes"):
            webhook.verify(incoming(BODY), SETTINGS, now)


def test_without_a_secret_nothing_is_believed_or_signed() -> None:
    with pytest.raises(BadSignature, match="WEBHOOK_SECRET"):
        webhook.verify(incoming(BODY), UNHELD, NOW)
    with pytest.raises(ValueError, match="WEBHOOK_SECRET"):
        webhook.sign(BODY, UNHELD, URL, NOW)


@pytest.mark.parametrize(("method", "answered"), [("GET", True), ("HEAD", True), ("POST", False)])
def test_the_vendors_check_is_answered(method: str, answered: bool) -> None:
    response = webhook.handshake(incoming(b"", None, method=method), SETTINGS)
    assert (response is not None and response.status == 200) == answered


def test_every_opt_out_is_told(vendor: Vendor) -> None:
    move(vendor, "subscribe")
    for way, complaint in (("unsubscribe", False), ("unsubscribe", True), ("clean", False), ("clean", True)):
        [event] = move(vendor, way, complaint=complaint)
        assert (event.type, event.subject.text, event.data) == ("contact.opted_out", "email:ada@example.com", {})


@pytest.mark.parametrize(
    "change",
    [{"fired_at": "soon"}, {"fired_at": ""}, {"data[email]": ""}, {"data[email]": "nobody"}, {"type": ""},
     {"fired_at": "9999-12-31T23:59:59-14:00"}],
)  # fmt: skip
def test_what_makes_no_sense_is_malformed(change: dict[str, str]) -> None:
    body = urlencode(dict(parse_qsl(BODY.decode())) | change).encode()
    with pytest.raises(Malformed):
        events_of(body)
    with pytest.raises(Malformed, match="form"):
        webhook.unpack(incoming(b"{}", kind="application/json"))


# Upkeep


def at(mark: dict[str, Any] | None = None, now: datetime = NOW, url: str = f"{URL}?given=1") -> Round:
    return Round(mark=mark or {}, webhook_url=url, now=now)


def registered(vendor: Vendor, round: Round, settings: MailchimpSettings = UNHELD) -> Upkept:
    kept: Upkept = converse(upkeep.register(round, settings), vendor)
    return kept


def test_the_webhook_is_made_once_and_its_secret_kept(vendor: Vendor) -> None:
    kept = registered(vendor, at())
    assert kept.secret == "mailchimp-signing-secret"
    assert "signing" not in json.dumps(kept.mark)
    [hook] = vendor.books.webhooks.values()
    assert hook.url == f"{URL}?given=1"
    assert {name for name, wanted in hook.events.items() if wanted} == {"unsubscribe", "cleaned"}
    assert hook.sources == {"user": True, "admin": True, "api": False}, "what we write is not told back"
    again = registered(vendor, at(kept.mark), SETTINGS)
    assert (again.mark, again.secret) == (kept.mark, None)
    assert list(vendor.books.webhooks) == [hook.id]


@pytest.mark.parametrize("spoil", ["lost answer", "narrowed", "deleted", "another address"])
def test_a_webhook_that_is_no_use_is_made_anew(vendor: Vendor, spoil: str) -> None:
    kept = registered(vendor, at())
    mark, url = dict(kept.mark), f"{URL}?given=1"
    match spoil:
        case "lost answer":
            mark = {}
        case "narrowed":
            vendor.books.webhooks[kept.mark["webhook"]].events["cleaned"] = False
        case "deleted":
            vendor.books.webhooks.clear()
        case _:
            url = f"{URL}?given=2"
    anew = registered(vendor, at(mark, url=url))
    assert anew.secret == "mailchimp-signing-secret"
    assert anew.mark != kept.mark
    assert [hook.url for hook in vendor.books.webhooks.values()] == [url]


def test_a_secret_set_by_hand_is_left_to_whoever_set_it(vendor: Vendor) -> None:
    assert registered(vendor, at(), SETTINGS) == Upkept(mark={})
    assert vendor.books.webhooks == {}


def test_a_webhook_that_is_not_signed_is_taken_away_again() -> None:
    talk = upkeep.register(at(), UNHELD)
    next(talk)
    assert talk.send(Reply(200, {"webhooks": [{"id": "9", "url": "https://crm.example/x"}]})).method == "POST"
    gone = talk.send(Reply(200, {"id": "5d9a5e3f7b", "signing_enabled": False}))
    assert (gone.method, urlsplit(gone.path).path) == ("DELETE", "/3.0/lists/a6b5da1054/webhooks/5d9a5e3f7b")
    with pytest.raises(Rejected, match="does not sign"):
        talk.send(Reply(204))


def opt_outs(vendor: Vendor, mark: dict[str, Any], now: datetime) -> Upkept:
    kept: Upkept = converse(upkeep.opt_outs(at(mark, now), SETTINGS), vendor)
    return kept


def test_a_lost_opt_out_is_read_and_is_the_same_event(vendor: Vendor) -> None:
    move(vendor, "subscribe", email="old@example.com")
    move(vendor, "unsubscribe", email="old@example.com")
    vendor.books.member("old@example.com").last_changed = "2026-01-01T00:00:00+00:00"
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    mark = opt_outs(vendor, {}, begin).mark
    assert mark == {s: {"since": begin.isoformat(), "offset": 0} for s in ("unsubscribed", "cleaned")}
    for email in ("ada@example.com", "bo@example.com", "cy@example.com"):
        move(vendor, "subscribe", email=email)
    told = move(vendor, "unsubscribe") + move(vendor, "clean", email="bo@example.com")
    ada(vendor).last_changed = told[0].at.replace(minute=59, second=59).isoformat()
    later = begin + timedelta(minutes=10)
    kept = opt_outs(vendor, mark, later)
    assert {(e.type, e.source_id, e.subject.text) for e in kept.events} == {
        (e.type, e.source_id, e.subject.text) for e in told
    }
    assert {i.value for e in kept.events for i in e.identities} == {
        vendor.books.member(email).contact_id for email in ("ada@example.com", "bo@example.com")
    }
    since = (later - timedelta(minutes=5)).isoformat()
    assert kept.mark == {s: {"since": since, "offset": 0} for s in ("unsubscribed", "cleaned")}
    assert kept.again_at is None


@pytest.mark.parametrize("apart", [0, 1], ids=["all in one second", "one each second"])
def test_many_opt_outs_take_several_rounds_and_none_is_left_out(vendor: Vendor, apart: int) -> None:
    begin = datetime(2026, 1, 15, 10, tzinfo=UTC)
    for number in range(2300):
        email = f"p{number}@example.com" if number else "half"
        changed = (begin + timedelta(seconds=5 + apart * number)).isoformat()
        made = Member(email=email, contact_id=str(number), status="unsubscribed", last_changed=changed)
        vendor.books.members[made.hash] = made
    mark, heard_of, rounds = opt_outs(vendor, {}, begin).mark, set(), 0
    while True:
        kept = opt_outs(vendor, mark, begin + timedelta(hours=2))
        heard_of |= {event.subject.value for event in kept.events}
        mark, rounds = kept.mark, rounds + 1
        if kept.again_at is None:
            break
    assert heard_of == {f"p{number}@example.com" for number in range(1, 2300)}
    assert rounds == 2


# The stand-in, and Mailchimp's document


def test_the_stand_in_knows_its_key(vendor: Vendor) -> None:
    request = heard(Call.get("/3.0/ping"), {})
    assert STAND_IN.guard(request) is None
    refused = STAND_IN.guard(Heard(**{**vars(request), "headers": {"authorization": "Basic x"}}))
    assert refused is not None
    assert (refused.status, refused.json["title"]) == (401, "API Key Invalid")


def test_the_stand_in_does_not_let_us_resubscribe(vendor: Vendor) -> None:
    move(vendor, "subscribe")
    move(vendor, "unsubscribe")
    body = {"email_address": "ada@example.com", "status_if_new": "subscribed", "status": "subscribed"}
    reply = ask(Call.put(HERE, json=body), vendor)
    assert (reply.status, reply.json["title"]) == (400, "Member In Compliance State")


STEPS = "/3.0/customer-journeys/journeys/1201/steps"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", HERE, {"email_address": "ada@example.com"}, 400),
        ("PUT", HERE, {"email_address": "bo@example.com", "status_if_new": "pending"}, 400),
        ("PUT", HERE, {"email_address": "ada@example.com", "status_if_new": "archived"}, 400),
        ("PUT", HERE, None, 400),
        ("GET", HERE.replace("a6b5da1054", "other"), None, 404),
        ("GET", HERE, None, 404),
        ("POST", f"{HERE}/tags", {"tags": []}, 404),
        ("POST", f"{HERE}/events", {"name": "x"}, 404),
        ("POST", f"{STEPS}/1/actions/trigger", {"email_address": "a@b.example"}, 404),
        ("POST", f"{STEPS}/7734/actions/trigger", {"email_address": "a@b.example"}, 400),
        ("DELETE", "/3.0/lists/a6b5da1054/webhooks/x", None, 404),
        ("POST", "/3.0/lists/a6b5da1054/webhooks", {"url": "ovation", "events": {}, "sources": {}}, 400),
    ],
)  # fmt: skip
def test_the_stand_in_refuses_what_mailchimp_refuses(
    vendor: Vendor, method: str, path: str, body: Any, status: int
) -> None:
    assert ask(Call(method, path, json=body), vendor).status == status


@pytest.mark.parametrize("name", ["subscribe", "unsubscribe", "clean", "erase"])
def test_a_move_that_cannot_be_made_says_so(name: str) -> None:
    assert STAND_IN.moves[name]({}, Audience()).status == 400
    assert STAND_IN.moves[name]([], Audience()).status == 400
    if name != "subscribe":
        assert STAND_IN.moves[name]({"email": "who@example.com"}, Audience()).status == 404


def document() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("Mailchimp's document is not beside this checkout")
    found: dict[str, Any] = json.loads(SPEC.read_text())
    return found


def operation(call: Call, root: dict[str, Any]) -> dict[str, Any]:
    path = urlsplit(call.path).path.removeprefix("/3.0")
    for template, operations in root["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and call.method.lower() in operations:
            return dict(operations[call.method.lower()])
    raise AssertionError(f"the document has no {call.method} {path}")


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    whole = {**schema, "definitions": root["definitions"]}
    jsonschema.validate(value, whole, cls=jsonschema.Draft4Validator)


def everything(vendor: Vendor) -> Seen:
    seen: Seen = []
    converse(upkeep.register(at(), UNHELD), vendor, seen)
    converse(upkeep.register(at(), UNHELD), vendor, seen)
    for action in (TAG, LIST, EVENT, STEP):
        enroll(vendor, action, seen)
        if action is not STEP:
            converse(client.find_enrolment(action, KEY, SETTINGS), vendor, seen)
    converse(client.doctor(SETTINGS), vendor, seen)
    move(vendor, "erase")
    enroll(vendor, TAG, seen)
    return seen


def test_every_call_and_answer_fits_the_document(vendor: Vendor) -> None:
    root, statuses, used = document(), set(), set()
    for call, reply in everything(vendor):
        found = vendor.find(call.method, urlsplit(call.path).path)
        assert found is not None
        used.add(found[0])
        if call.path.endswith("/ping"):
            continue  # not in the document that is kept
        described = operation(call, root)
        parameters = described.get("parameters", [])
        assert set(call.query or {}) <= {p["name"] for p in parameters if p["in"] == "query"}
        bodies = [p["schema"] for p in parameters if p["in"] == "body"]
        assert (call.json is not None) == bool(bodies)
        for schema in bodies:
            fits(call.json, schema, root)
        answer = described["responses"].get(str(reply.status), described["responses"]["default"])
        statuses.add(reply.status)
        if reply.status != 204:
            fits(reply.json, answer["schema"], root)
    assert statuses == {200, 204, 400, 404}
    members = next(route.handler for route in STAND_IN.routes if route.path == "/3.0/lists/{list}/members")
    assert used == {route.handler for route in STAND_IN.routes} - {members}


@pytest.mark.parametrize(
    ("model", "path", "method"),
    [
        (PutMember, "/lists/{list_id}/members/{subscriber_hash}", "put"),
        (TagsBody, "/lists/{list_id}/members/{subscriber_hash}/tags", "post"),
        (EventBody, "/lists/{list_id}/members/{subscriber_hash}/events", "post"),
        (TriggerBody, "/customer-journeys/journeys/{journey_id}/steps/{step_id}/actions/trigger", "post"),
        (HookBody, "/lists/{list_id}/webhooks", "post"),
    ],
)
def test_the_stand_in_has_exactly_the_documents_fields(model: Any, path: str, method: str) -> None:
    root = document()
    [schema] = [p["schema"] for p in root["paths"][path][method]["parameters"] if p["in"] == "body"]
    if "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    assert set(model.model_fields) == set(schema["properties"])
    assert set(schema.get("required", [])) <= {n for n, f in model.model_fields.items() if f.is_required()}
