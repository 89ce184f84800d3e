"""Prevents: two deals for one referral, a deal that a colleague moved on thrown back, a won deal without its amount."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from models.contact import Identity
from models.event import Event
from models.money import Money
from platforms.base import Call, Incoming, Poke, Reply, Round, Upkept
from platforms.capabilities import PutLead, Receipt, Who
from platforms.errors import Rejected, Unauthorized
from platforms.hubspot import PLATFORM, HubSpotSettings, client, deal, news, webhook
from platforms.hubspot.problem import judge
from platforms.hubspot.stand_in import STAND_IN
from platforms.hubspot.stand_in_books import Record
from platforms.stand_in import Heard
from sandbox.vendors import Vendor

SETTINGS = HubSpotSettings(
    access_token=SecretStr("pat-1"),
    client_secret=SecretStr("hs-test-secret"),
    stages={
        "submitted": "appointmentscheduled",
        "qualified": "qualifiedtobuy",
        "won": "closedwon",
        "lost": "closedlost",
        "disqualified": "closedlost",
    },
)
URL = "https://hooks.example.com/webhooks/hubspot"
KEY = "j_5afm9g0mjvkyzrhj/lead/put_lead"
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
DOLLARS = Money(minor=1_200_000, currency="USD")
LEAD = PutLead(
    referral="r_0192",
    advocate=Who(contact="c_1", email="ada@example.com", first_name="Ada"),
    person=Who(contact="c_2", email="bo@acme.example", first_name="Bo", last_name="Chen", company="Acme"),
    stage="submitted",
    owner_email="csm@acme.example",
    link="https://ovation.example/referrals/r_0192",
    notes="Met at <the> fair",
    submitted_at=NOW,
    at=NOW,
)

Seen = list[tuple[Call, Reply]]


@pytest.fixture
def vendor() -> Vendor:
    return Vendor(STAND_IN, SETTINGS, PLATFORM.inbound)


def ask(call: Call, vendor: Vendor) -> Reply:
    found = vendor.find(call.method, call.path)
    assert found is not None, f"the stand-in has no {call.method} {call.path}"
    handler, params = found
    request = Heard(
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
    answer = STAND_IN.guard(request) or handler(request, vendor.books)
    text = json.dumps(answer.json)
    return Reply(answer.status, json.loads(text), text)


def converse(talk: Generator[Call, Reply, Any], vendor: Vendor, seen: Seen | None = None) -> Any:
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


def put(vendor: Vendor, seen: Seen | None = None, **change: Any) -> Receipt:
    receipt: Receipt = converse(deal.put_lead(LEAD.model_copy(update=change), KEY, SETTINGS), vendor, seen)
    return receipt


def find(vendor: Vendor, **change: Any) -> Receipt | None:
    seen: Seen = []
    talk = deal.find_lead(LEAD.model_copy(update=change), KEY, SETTINGS)
    found: Receipt | None = converse(talk, vendor, seen)
    assert not any(call.writes for call, _ in seen)
    return found


def written(seen: Seen) -> list[tuple[str, str, Any]]:
    return [(call.method, call.path, call.json) for call, _ in seen if call.writes]


def colleague(vendor: Vendor, stage: str, amount: str | None = None) -> bytes:
    """Moves the deal by hand; the webhook's body."""
    answer = STAND_IN.moves["deal"]({"referral": "r_0192", "stage": stage, "amount": amount}, vendor.books)
    assert answer.status == 200, answer.json
    [sent] = answer.webhooks
    return sent.body


def only_deal(vendor: Vendor) -> Record:
    [found] = vendor.books.deals.values()
    return found  # type: ignore[no-any-return]


# Out


def test_a_referral_becomes_a_deal_with_its_person_and_note(vendor: Vendor) -> None:
    seen: Seen = []
    receipt = put(vendor, seen)
    person, made, note = written(seen)
    assert person[1] == "/crm/objects/2026-09/contacts"
    [number] = vendor.books.contacts
    assert made == (
        "POST",
        "/crm/objects/2026-09/deals",
        {
            "properties": {
                "dealname": "Acme, referred",
                "pipeline": "default",
                "dealstage": "appointmentscheduled",
                "hubspot_owner_id": "64492917",
                "ovation_referral": "r_0192",
                "ovation_referred_by": "ada@example.com",
                "ovation_stage": "submitted",
            },
            "associations": [
                {"to": {"id": number}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]}
            ],
        },
    )
    assert note[2] == {
        "properties": {
            "hs_timestamp": "2026-11-24T06:00:00.000Z",
            "hs_note_body": "Met at &lt;the&gt; fair<br><br>https://ovation.example/referrals/r_0192<br><br>"
            "[ovation:referral/r_0192]",
        },
        "associations": [
            {
                "to": {"id": receipt.reference},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 214}],
            },
            {"to": {"id": number}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}]},
        ],
    }
    assert receipt.facts == {"deal": receipt.reference, "stage": "appointmentscheduled"}
    read = next(call for call, _ in seen if call.path.endswith("/deals/r_0192"))
    assert read.query is not None
    assert read.query["idProperty"] == "ovation_referral"


def test_a_repeat_changes_nothing(vendor: Vendor) -> None:
    first = put(vendor)
    before, seen = vendor.books.model_dump(), []
    assert put(vendor, seen) == first
    assert written(seen) == []
    assert vendor.books.model_dump() == before


def test_the_stages_are_gone_through_and_the_amount_told(vendor: Vendor) -> None:
    put(vendor)
    put(vendor, stage="accepted")
    assert only_deal(vendor).properties["dealstage"] == "appointmentscheduled", "not mapped: left as it is"
    put(vendor, stage="qualified")
    assert only_deal(vendor).properties["dealstage"] == "qualifiedtobuy"
    seen: Seen = []
    put(vendor, seen, stage="won", amount=DOLLARS)
    assert written(seen) == [
        (
            "PATCH",
            f"/crm/objects/2026-09/deals/{only_deal(vendor).id}",
            {
                "properties": {
                    "ovation_stage": "won",
                    "dealstage": "closedwon",
                    "closedate": "2026-11-24T06:00:00.000Z",
                    "amount": "12000.00",
                }
            },
        )
    ]


@pytest.mark.parametrize(("stage", "begins"), [("accepted", "appointmentscheduled"), ("won", "closedwon")])
def test_a_deal_that_is_made_late_begins_at_its_stage(vendor: Vendor, stage: str, begins: str) -> None:
    put(vendor, stage=stage)
    assert only_deal(vendor).properties["dealstage"] == begins


@pytest.mark.parametrize(
    ("there", "told", "becomes"),
    [
        ("presentationscheduled", "qualified", "presentationscheduled"),
        ("closedwon", "qualified", "closedwon"),
        ("closedlost", "qualified", "closedlost"),
        ("presentationscheduled", "won", "closedwon"),
        ("closedlost", "won", "closedwon"),
        ("appointmentscheduled", "qualified", "qualifiedtobuy"),
    ],
)
def test_a_deal_is_moved_forward_or_closed_and_never_back(vendor: Vendor, there: str, told: str, becomes: str) -> None:
    put(vendor)
    colleague(vendor, there)
    put(vendor, stage=told)
    assert only_deal(vendor).properties["dealstage"] == becomes


def test_a_deal_in_another_pipeline_keeps_its_stage(vendor: Vendor) -> None:
    put(vendor)
    only_deal(vendor).properties["pipeline"] = "partners"
    put(vendor, stage="qualified")
    assert only_deal(vendor).properties["dealstage"] == "appointmentscheduled"


def test_an_action_that_was_overtaken_changes_nothing(vendor: Vendor) -> None:
    put(vendor, stage="won", amount=DOLLARS)
    late: Seen = []
    put(vendor, late, stage="qualified", amount=Money(minor=1, currency="USD"))
    assert written(late) == []


def test_another_currency_is_named(vendor: Vendor) -> None:
    put(vendor, stage="won", amount=Money(minor=500, currency="EUR"))
    properties = only_deal(vendor).properties
    assert (properties["amount"], properties["deal_currency_code"]) == ("5.00", "EUR")
    seen: Seen = []
    put(vendor, seen, stage="won", amount=Money(minor=500, currency="EUR"))
    assert written(seen) == []


def test_the_note_is_kept_in_step_and_stays_one(vendor: Vendor) -> None:
    put(vendor)
    put(vendor, notes="Called twice")
    [note] = vendor.books.notes.values()
    assert note.properties["hs_note_body"].startswith("Called twice<br>")
    put(vendor, notes="", link=None)
    assert len(vendor.books.notes) == 1


def test_a_person_without_an_address_is_no_contact_and_a_stranger_no_owner(vendor: Vendor) -> None:
    put(vendor, person=Who(contact="c_2", first_name="Bo"), owner_email="gone@acme.example")
    assert vendor.books.contacts == {}
    properties = only_deal(vendor).properties
    assert properties["dealname"] == "Bo, referred"
    assert "hubspot_owner_id" not in properties


def test_a_deal_that_lost_its_person_is_linked_again(vendor: Vendor) -> None:
    put(vendor)
    vendor.books.people_of.clear()
    seen: Seen = []
    put(vendor, seen)
    [number] = vendor.books.contacts
    path = f"/crm/objects/2026-09/deals/{only_deal(vendor).id}/associations/default/contacts/{number}"
    assert written(seen) == [("PUT", path, None)]


def test_a_deal_that_another_worker_made_meanwhile_is_used(vendor: Vendor) -> None:
    talk = deal.put_lead(LEAD, KEY, SETTINGS)
    call = next(talk)
    while not (call.writes and call.path.endswith("/deals")):
        call = talk.send(ask(call, vendor))
    other = ask(call, vendor)
    lost = ask(call, vendor)
    assert (other.status, lost.status) == (201, 400)
    assert "already has that value" in lost.text
    call = talk.send(lost)
    assert call.method == "GET"
    call = talk.send(ask(call, vendor))
    while True:
        try:
            call = talk.send(ask(call, vendor))
        except StopIteration as end:
            assert end.value.reference == other.json["id"]
            break
    assert len(vendor.books.deals) == 1


def test_a_deal_that_cannot_be_made_is_an_error_in_hubspots_words(vendor: Vendor) -> None:
    wrong = SETTINGS.model_copy(update={"stages": {"submitted": "warm"}})
    with pytest.raises(Rejected, match="warm was not one of the allowed options"):
        converse(deal.put_lead(LEAD, KEY, wrong), vendor)


def test_without_stages_a_person_is_told_what_to_set() -> None:
    bare = SETTINGS.model_copy(update={"stages": {}})
    with pytest.raises(Unauthorized, match="OVATION_HUBSPOT__STAGES"):
        next(deal.put_lead(LEAD, KEY, bare))


def test_what_was_done_is_found_and_what_was_not_is_not(vendor: Vendor) -> None:
    assert find(vendor) is None
    receipt = put(vendor)
    assert find(vendor) == receipt
    assert find(vendor, stage="qualified") is None
    assert find(vendor, notes="Called twice") is None
    assert find(vendor, notes="", link=None) == receipt
    vendor.books.notes_of.clear()
    assert find(vendor) is None, "the deal is there, its note is not"
    put(vendor, stage="won")
    assert find(vendor, notes="", link=None) is not None, "a later stage was told: this one was overtaken"


def test_the_doctor_names_what_deals_lack(vendor: Vendor) -> None:
    facts = converse(client.doctor(SETTINGS), vendor).facts
    assert (facts["missing_deal_properties"], facts["unknown_stages"]) == ([], [])
    wrong = SETTINGS.model_copy(update={"stages": {"won": "closedwon", "lost": "cold"}})
    assert converse(client.doctor(wrong), vendor).facts["unknown_stages"] == ["cold"]
    talk = deal.checked(SETTINGS)
    next(talk)
    for reply in (Reply(200, {"hasUniqueValue": False}), Reply(404, {}), Reply(200, {})):
        talk.send(reply)
    with pytest.raises(StopIteration) as end:
        talk.send(Reply(200, {"results": []}))
    assert end.value.value["missing_deal_properties"] == ["ovation_referral (unique)", "ovation_stage"]


# In: a webhook pokes, the deals are read


def read(vendor: Vendor, mark: dict[str, Any], now: datetime, settings: HubSpotSettings = SETTINGS) -> Upkept:
    kept: Upkept = converse(news.deals(Round(mark=mark, webhook_url=URL, now=now), settings), vendor)
    return kept


def news_of(vendor: Vendor) -> list[Event]:
    return read(vendor, {"since": 0, "after": 0}, NOW).events


def test_a_stage_webhook_pokes(vendor: Vendor) -> None:
    put(vendor)
    body = colleague(vendor, "closedwon")
    [(name, item)] = webhook.unpack(Incoming("POST", URL, {}, {}, body))
    assert webhook.INBOUND.read(name, item, SETTINGS) == Poke("deals")
    assert [upkeep.name for upkeep in PLATFORM.upkeep] == ["deals"]


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        ("appointmentscheduled", None),
        ("qualifiedtobuy", "referral.qualified"),
        ("presentationscheduled", None),
        ("closedwon", "referral.closed"),
        ("closedlost", "referral.lost"),
    ],
)
def test_a_colleagues_move_becomes_our_event(vendor: Vendor, stage: str, kind: str | None) -> None:
    put(vendor)
    colleague(vendor, stage, "12000.5")
    events = news_of(vendor)
    assert [event.type for event in events] == ([kind] if kind else [])
    for event in events:
        amount = {"amount": {"minor": 1_200_050, "currency": "USD"}} if kind == "referral.closed" else {}
        assert event.data == {"referral": "r_0192", **amount}
        assert event.subject == Identity(kind="ovation_referral", value="r_0192")
        assert event.source_id == f"deal:{only_deal(vendor).id}:{stage}"


def test_what_we_wrote_ourselves_is_not_told_back(vendor: Vendor) -> None:
    for stage in ("qualified", "won", "disqualified"):
        put(vendor, stage=stage)
        assert news_of(vendor) == []


def test_a_deal_won_where_nothing_is_mapped_is_won_all_the_same(vendor: Vendor) -> None:
    put(vendor)
    for stage, kind in (("closedwon", "referral.closed"), ("closedlost", "referral.lost")):
        colleague(vendor, stage)
        narrow = SETTINGS.model_copy(update={"stages": {"submitted": "appointmentscheduled"}})
        [event] = read(vendor, {"since": 0, "after": 0}, NOW, narrow).events
        assert (event.type, event.data) == (kind, {"referral": "r_0192"})


@pytest.mark.parametrize("amount", ["", "much"])
def test_an_amount_that_is_none_is_left_out(vendor: Vendor, amount: str) -> None:
    put(vendor)
    colleague(vendor, "closedwon")
    only_deal(vendor).properties["amount"] = amount
    [event] = news_of(vendor)
    assert event.data == {"referral": "r_0192"}


def test_nonsense_in_one_deal_stops_no_other(vendor: Vendor) -> None:
    put(vendor)
    colleague(vendor, "closedwon")
    put(vendor, referral="r_0193", stage="submitted")
    first = vendor.books.deal("r_0192", "ovation_referral")
    first.properties["ovation_referral"] = "see Ada's mail"
    other = vendor.books.deal("r_0193", "ovation_referral")
    vendor.books.set_deal(other, {"dealstage": "closedlost"})
    assert [event.type for event in news_of(vendor)] == ["referral.lost"]


def test_the_first_round_notes_the_time_and_without_stages_it_rests(vendor: Vendor) -> None:
    put(vendor)
    colleague(vendor, "closedwon")
    kept = read(vendor, {}, NOW)
    assert kept.events == []
    assert kept.mark == {"since": 1795500000000, "after": 0, "at": 1795500000000, "again": False}
    bare = SETTINGS.model_copy(update={"stages": {}})
    assert read(vendor, {}, NOW, bare) == Upkept(mark={})


def test_rounds_overlap_and_a_poked_one_looks_again_once(vendor: Vendor) -> None:
    mark = read(vendor, {}, NOW).mark
    regular = read(vendor, mark, NOW + timedelta(minutes=5))
    assert regular.mark["since"] == 1795500000000 + 5 * 60_000 - 10 * 60_000
    assert regular.again_at is None
    poked = read(vendor, regular.mark, NOW + timedelta(minutes=6))
    assert poked.again_at == NOW + timedelta(minutes=7)
    assert read(vendor, poked.mark, NOW + timedelta(minutes=7)).again_at is None


@pytest.mark.parametrize("apart", [0, 1], ids=["all at once", "one each second"])
def test_many_deals_take_several_rounds_and_none_is_left_out(vendor: Vendor, apart: int) -> None:
    for number in range(620):
        moved = (NOW + timedelta(seconds=apart * number)).isoformat().replace("+00:00", "Z")
        properties = {"ovation_referral": f"r_{number}", "dealstage": "closedwon", "hs_lastmodifieddate": moved}
        vendor.books.deals[str(number)] = Record(
            id=str(number), properties=properties, created_at=moved, updated_at=moved
        )
    mark: dict[str, Any] = {"since": 0, "after": 0}
    heard_of, rounds = set(), 0
    while True:
        kept = read(vendor, mark, NOW + timedelta(hours=rounds))
        heard_of |= {event.subject.value for event in kept.events}
        mark, rounds = kept.mark, rounds + 1
        if kept.again_at is None:
            break
    assert heard_of == {f"r_{number}" for number in range(620)}
    assert rounds == 2


# The stand-in


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "deals", {"properties": {"dealname": "x"}, "associations": []}, 400, "dealstage is required"),
        ("POST", "deals", {"properties": {"dealstage": "warm"}, "associations": []}, 400, "INVALID_OPTION"),
        ("POST", "deals", {"properties": {"dealstage": "closedwon", "x": "y"}, "associations": []}, 400, "exist"),
        ("POST", "deals", {"properties": {"dealstage": "closedwon", "amount": "x"}, "associations": []}, 400, "DOUBLE"),
        ("PATCH", "deals/1", {"properties": {"hs_is_closed_won": "true"}}, 404, "not found"),
        ("POST", "deals/search", {"filterGroups": []}, 400, "Invalid input JSON"),
        ("PATCH", "notes/1", {"properties": {}}, 404, "not found"),
    ],
)  # fmt: skip
def test_the_stand_in_refuses_what_hubspot_refuses(
    vendor: Vendor, method: str, path: str, body: Any, status: int, words: str
) -> None:
    reply = ask(Call(method, f"/crm/objects/2026-09/{path}", json=body), vendor)
    assert reply.status == status
    assert words in reply.text


@pytest.mark.parametrize(
    ("given", "status"),
    [({}, 400), ({"referral": "r_9", "stage": "closedwon"}, 404), ({"referral": "r_0192", "stage": "warm"}, 400)],
)
def test_a_move_that_cannot_be_made_says_so(vendor: Vendor, given: Any, status: int) -> None:
    put(vendor)
    answer = STAND_IN.moves["deal"](given, vendor.books)
    assert (answer.status, list(answer.webhooks)) == (status, [])
