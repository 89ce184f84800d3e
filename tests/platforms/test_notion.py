"""Prevents: two rows for one referral, a status that a person picked overwritten by an older one of ours or heard too
late, our own word heard as theirs, and a stranger's token that becomes the key of our webhook."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError

from models.event import Event
from models.money import Money
from platforms.base import IGNORED, Call, Findable, Incoming, Poke, Problem, Reply, Round, Upkept
from platforms.capabilities import PutRow, Receipt, Who
from platforms.errors import BadSignature, InDoubt, Malformed, Unauthorized
from platforms.notion import PLATFORM, NotionSettings, client, row, upkeep, webhook
from platforms.notion.stand_in import STAND_IN
from platforms.notion.stand_in_books import DATA_SOURCE, DATABASE, Page, Workspace
from platforms.stand_in import Answer, Heard
from sandbox.vendors import Vendor

SPEC = Path(__file__).resolve().parents[3] / "shared/contracts/specs/notion-pages.json"
FIXTURES = Path(webhook.__file__).parent / "fixtures"
SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, NotionSettings)
KEY = "j_1a2b/tell/put_row"
URL = "https://hooks.example.com/webhooks/notion?proof=7"
LATER = datetime.now(UTC) + timedelta(hours=1)
ROW = PutRow(
    referral="r_0192",
    advocate=Who(contact="c_1", email="ada@example.com", first_name="Ada", last_name="Lovelace"),
    person=Who(contact="c_2", email="bo@new.example", company="New Ltd"),
    stage="accepted",
    owner_email="csm@acme.example",
    link="https://ovation.example.com/r/0192",
    notes="Introduced on 15 January.",
    submitted_at=datetime(2026, 1, 15, 10, tzinfo=UTC),
    at=LATER,
)
WON = ROW.model_copy(update={"stage": "won", "amount": Money(minor=1_200_050, currency="EUR")})
VECTOR_SECRET = "secret_ovation_notion_verification"
VECTOR = (
    b'{"id":"367cba44-b6f3-4c92-81e7-6a2e9659efd4","type":"page.properties_updated",'
    b'"entity":{"id":"153104cd-477e-809d-8dc4-ff2d96ae3090","type":"page"}}'
)
VECTOR_SIGNATURE = "sha256=634f1d0f12247935b637d0735083826f926a356e78fa28bb305d56480e84367c"
NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
QUERY = f"/v1/data_sources/{DATA_SOURCE}/query"


@pytest.fixture
def vendor() -> Vendor:
    return Vendor(STAND_IN, SETTINGS, PLATFORM.inbound)


def answered(call: Call, vendor: Vendor, headers: dict[str, str] | None = None) -> Answer:
    """The stand-in's answer to a call."""
    found = vendor.find(call.method, call.path)
    assert found is not None, f"the stand-in has no {call.method} {call.path}"
    handler, params = found
    signed = client.headers(SETTINGS, None) if headers is None else headers
    request = Heard(
        method=call.method,
        path=call.path,
        params=dict(params),
        query=call.query or {},
        headers={k.lower(): v for k, v in signed.items()},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form={},
        settings=SETTINGS,
    )
    return STAND_IN.guard(request) or handler(request, vendor.books)


def ask(call: Call, vendor: Vendor, headers: dict[str, str] | None = None) -> Reply:
    answer = answered(call, vendor, headers)
    text = json.dumps(answer.json)
    return Reply(answer.status, json.loads(text), text, {k.lower(): v for k, v in answer.headers.items()})


def converse(talk: Generator[Call, Reply, Any], vendor: Vendor, seen: list[Call] | None = None) -> Any:
    """Plays a talk against the stand-in; what it does not accept must be judged good."""
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as end:
            return end.value
        if seen is not None:
            seen.append(call)
        reply = ask(call, vendor)
        if reply.status not in call.accepts:
            assert client.judge(reply, call) is None, reply.text


def put(action: PutRow, vendor: Vendor, settings: NotionSettings = SETTINGS, **more: Any) -> Receipt:
    receipt = converse(client.put_row(action, KEY, settings), vendor, **more)
    assert isinstance(receipt, Receipt)
    return receipt


def found(action: PutRow, vendor: Vendor) -> Receipt | None:
    receipt = converse(client.find_row(action, KEY, SETTINGS), vendor)
    assert receipt is None or isinstance(receipt, Receipt)
    return receipt


def looked(vendor: Vendor, mark: dict[str, object] | None = None, **more: Any) -> Upkept:
    """A round of the upkeep."""
    upkept = converse(
        upkeep.changes(Round(mark=mark or {}, webhook_url=URL, now=datetime.now(UTC)), SETTINGS), vendor, **more
    )
    assert isinstance(upkept, Upkept)
    return upkept


def move(vendor: Vendor, name: str, **given: Any) -> Answer:
    answer = STAND_IN.moves[name](given, vendor.books)
    assert answer.status == 200, answer.json
    return answer


def only(vendor: Vendor) -> Page:
    [page] = vendor.books.pages.values()
    assert isinstance(page, Page)
    return page


def told(events: list[Event]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(event.type, event.subject.text, event.data) for event in events]


def text(*pieces: str) -> list[dict[str, Any]]:
    return [{"text": {"content": piece}} for piece in pieces]


# Out


def test_a_new_row_is_looked_up_and_built_field_by_field(vendor: Vendor) -> None:
    seen: list[Call] = []
    receipt = put(ROW, vendor, seen=seen)
    query, create = seen
    assert (query.method, query.path, query.writes) == ("POST", QUERY, False)
    assert query.json == {
        "filter": {"property": "Ovation ref", "rich_text": {"equals": "r_0192"}},
        "sorts": [{"timestamp": "created_time", "direction": "ascending"}],
        "page_size": 10,
    }
    assert (create.method, create.path, create.writes) == ("POST", "/v1/pages", True)
    assert create.json == {
        "parent": {"type": "data_source_id", "data_source_id": "98024f3c-b1d3-4aec-a301-f01e0dacf023"},
        "properties": {
            "Name": {"title": text("bo@new.example, referred by Ada Lovelace")},
            "Ovation ref": {"rich_text": text("r_0192")},
            "Status": {"status": {"name": "Accepted"}},
            "Ovation status": {"rich_text": text("Accepted")},
            "Advocate": {"rich_text": text("Ada Lovelace")},
            "Referred email": {"email": "bo@new.example"},
            "Company": {"rich_text": text("New Ltd")},
            "Owner": {"rich_text": text("csm@acme.example")},
            "Link": {"url": "https://ovation.example.com/r/0192"},
            "Notes": {"rich_text": text("Introduced on 15 January.")},
            "Submitted": {"date": {"start": "2026-01-15T10:00:00Z"}},
        },
    }
    page = only(vendor)
    assert (receipt.reference, receipt.facts) == (page.id, {"page": page.id, "created": True})
    assert receipt.url == f"https://www.notion.so/{page.id.replace('-', '')}"
    assert not [word for word in ("ada@", "lovelace", "bo@", "new ltd") if word in receipt.model_dump_json().lower()]


def test_every_call_names_the_version() -> None:
    assert client.headers(SETTINGS, None) == {
        "Authorization": "Bearer ntn_sandbox000000000000000000",
        "Notion-Version": "2026-03-11",
    }


def test_only_what_differs_is_written_and_twice_changes_nothing(vendor: Vendor) -> None:
    put(ROW, vendor)
    page = only(vendor)
    page.values |= {"Name": "New Ltd, our favourite", "Company": "New Limited"}
    seen: list[Call] = []
    won = WON.model_copy(update={"person": Who(contact="c_2", email="bo@new.example"), "notes": ""})
    receipt = put(won, vendor, seen=seen)
    assert (seen[1].method, seen[1].path) == ("PATCH", f"/v1/pages/{page.id}")
    assert seen[1].json == {
        "properties": {
            "Status": {"status": {"name": "Won"}},
            "Ovation status": {"rich_text": text("Won")},
            "Amount": {"number": 12000.5},
            "Currency": {"rich_text": text("EUR")},
        }
    }
    assert receipt.facts["created"] is False
    assert (page.values["Name"], page.values["Company"]) == ("New Ltd, our favourite", "New Limited")
    assert page.values["Notes"] == "Introduced on 15 January."
    again: list[Call] = []
    put(won, vendor, seen=again)
    assert [call.path for call in again] == [QUERY]
    Workspace.model_validate_json(vendor.books.model_dump_json())


@pytest.mark.parametrize(
    ("minor", "currency", "sent"), [(1_200_050, "EUR", "12000.5"), (500, "JPY", "500"), (1, "EUR", "0.01")]
)
def test_an_amount_is_a_number_with_the_decimals_own_digits(minor: int, currency: str, sent: str) -> None:
    action = ROW.model_copy(update={"amount": Money(minor=minor, currency=currency)})
    made = row.made(action, SETTINGS)
    assert (json.dumps(made["Amount"]["number"]), made["Currency"]["rich_text"]) == (sent, text(currency))


def test_fewer_columns_by_id_a_select_and_one_currency() -> None:
    columns = {"referral": "a%3Bre", "status": "wX%7Bd", "written": "Zs%40t", "amount": "amnt"}
    few = SETTINGS.model_copy(update={"columns": columns, "status_type": "select"})
    assert row.made(WON, few) == {
        "a%3Bre": {"rich_text": text("r_0192")},
        "wX%7Bd": {"select": {"name": "Won"}},
        "Zs%40t": {"rich_text": text("Won")},
    }
    assert row.made(WON, few.model_copy(update={"currency": "EUR"}))["amnt"] == {"number": 12000.5}


def test_columns_by_id_are_read_too(vendor: Vendor) -> None:
    columns = {"referral": "a%3Bre", "status": "wX{d", "written": "Zs%40t"}
    by_id = SETTINGS.model_copy(update={"columns": columns})
    put(ROW, vendor)
    assert row.said(only(vendor).shown(), "status", by_id) == "Accepted"
    assert row.said(only(vendor).shown(), "notes", by_id) is None
    assert row.differing(only(vendor).shown(), ROW, by_id) == {}


def test_long_notes_go_in_pieces_and_come_back_whole(vendor: Vendor) -> None:
    long = ROW.model_copy(update={"notes": "x" * 4500})
    pieces = row.made(long, SETTINGS)["Notes"]["rich_text"]
    assert [len(piece["text"]["content"]) for piece in pieces] == [2000, 2000, 500]
    put(long, vendor)
    assert row.differing(only(vendor).shown(), long, SETTINGS) == {}
    huge = row.made(ROW.model_copy(update={"notes": "x" * 300_000}), SETTINGS)
    assert len(huge["Notes"]["rich_text"]) == 100


def test_a_stage_without_a_word_leaves_the_status_as_it_is(vendor: Vendor) -> None:
    put(ROW, vendor)
    put(WON, vendor, SETTINGS.model_copy(update={"stages": {"accepted": "Accepted"}}))
    values = only(vendor).values
    assert (values["Status"], values["Ovation status"], values["Amount"]) == ("Accepted", "Accepted", 12000.5)


def test_columns_need_what_rows_are_known_by() -> None:
    with pytest.raises(ValidationError, match="name a column for written"):
        NotionSettings(columns={"referral": "Ref", "status": "Status"})


# Whose word counts


def test_an_older_state_of_ours_does_not_overwrite_what_a_person_picked(vendor: Vendor) -> None:
    put(ROW, vendor)
    move(vendor, "status", referral="r_0192", status="Won")
    late = ROW.model_copy(update={"at": NOW, "notes": "Called twice."})
    put(late, vendor)
    assert (only(vendor).values["Status"], only(vendor).values["Notes"]) == ("Won", "Called twice.")
    assert found(late, vendor) is not None
    put(ROW.model_copy(update={"stage": "lost"}), vendor)
    assert only(vendor).values["Status"] == "Lost"


def test_a_word_that_is_none_of_ours_is_overwritten(vendor: Vendor) -> None:
    put(ROW, vendor)
    move(vendor, "status", referral="r_0192", status="On hold")
    put(ROW.model_copy(update={"at": NOW}), vendor)
    assert only(vendor).values["Status"] == "Accepted"


def test_when_we_come_to_the_same_word_it_becomes_ours(vendor: Vendor) -> None:
    put(ROW, vendor)
    move(vendor, "status", referral="r_0192", status="Won")
    put(WON.model_copy(update={"at": NOW}), vendor)
    assert (only(vendor).values["Status"], only(vendor).values["Ovation status"]) == ("Won", "Won")


# After a lost answer


def test_a_repeat_finds_the_row_or_what_is_left_to_do(vendor: Vendor) -> None:
    repeat = PLATFORM.actions[0].repeat
    assert isinstance(repeat, Findable)
    assert (repeat.find, repeat.after) == (client.find_row, timedelta(minutes=1))
    assert found(ROW, vendor) is None
    put(ROW, vendor)
    receipt = found(ROW, vendor)
    assert receipt is not None
    assert receipt.reference == only(vendor).id
    assert found(WON, vendor) is None


def unavailable(**more: str) -> Reply:
    body = {
        "object": "error",
        "status": 503,
        "code": "service_unavailable",
        "message": "later",
        "additional_data": more,
    }
    return Reply(503, body, json.dumps(body))


def test_a_503_that_names_the_page_was_a_success(vendor: Vendor) -> None:
    talk = client.put_row(ROW, KEY, SETTINGS)
    talk.send(ask(next(talk), vendor))
    with pytest.raises(StopIteration) as end:
        talk.send(unavailable(committed_resource_id="153104cd-477e-809d-8dc4-ff2d96ae3090", retry_guidance="none"))
    assert end.value.value.reference == "153104cd-477e-809d-8dc4-ff2d96ae3090"


@pytest.mark.parametrize("reply", [unavailable(), Reply(503, None, "<html>cf-ray</html>")])
def test_any_other_503_is_a_doubt(reply: Reply, vendor: Vendor) -> None:
    talk = client.put_row(ROW, KEY, SETTINGS)
    talk.send(ask(next(talk), vendor))
    with pytest.raises(InDoubt, match="HTTP 503"):
        talk.send(reply)


def test_of_two_rows_the_older_is_kept_and_both_are_counted(vendor: Vendor) -> None:
    first = put(ROW, vendor).reference
    copy = move(vendor, "duplicate", referral="r_0192").json["id"]
    receipt = put(WON, vendor)
    assert (receipt.reference, receipt.facts["rows_with_this_reference"]) == (first, 2)
    assert vendor.books.pages[copy].values["Status"] == "Accepted"


def test_a_row_in_the_trash_is_made_again(vendor: Vendor) -> None:
    put(ROW, vendor)
    move(vendor, "trash", referral="r_0192")
    assert put(WON, vendor).facts["created"] is True
    assert len(vendor.books.pages) == 2


# What is wrong


def problem(status: int, body: Any = None, writes: bool = True, **headers: str) -> Problem:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    judged = client.judge(Reply(status, body, json.dumps(body), names), Call("POST", "/v1/pages", writes=writes))
    assert judged is not None
    return judged


def error(status: int, code: str, **more: str) -> Any:
    return {"object": "error", "status": status, "code": code, "message": "words", "additional_data": more}


@pytest.mark.parametrize(
    ("status", "code", "more", "kind"),
    [
        *((400, code, {}, "rejected") for code in ("validation_error", "invalid_json", "missing_version")),
        (401, "unauthorized", {}, "unauthorized"),
        (403, "restricted_resource", {}, "unauthorized"),
        (403, "restricted_resource", {"block_limit": "block_creation"}, "rejected"),
        (404, "object_not_found", {}, "unauthorized"),
        (409, "conflict_error", {}, "unavailable"),
        (429, "rate_limited", {"rate_limit_reason": "public_api_space_request_rate_limit"}, "rate-limited"),
        (429, "rate_limited", {"rate_limit_reason": "public_api_request_blocked"}, "unauthorized"),
        (529, "service_overload", {}, "rate-limited"),
        (500, "internal_server_error", {}, "in doubt"),
        (503, "service_unavailable", {}, "in doubt"),
        (504, "gateway_timeout", {}, "in doubt"),
    ],
)
def test_each_error_has_its_kind_and_notions_words(status: int, code: str, more: Any, kind: str) -> None:
    judged = problem(status, error(status, code, **more))
    assert judged.kind == kind
    assert judged.message.startswith(f"HTTP {status}: {code}: words")


def test_limits_say_how_long_and_faults_while_reading_are_no_doubt() -> None:
    assert problem(429, error(429, "rate_limited"), retry_after="7").retry_after == 7.0
    assert problem(529, error(529, "service_overload")).retry_after == 30.0
    assert problem(500, None, writes=False).kind == "unavailable"
    assert problem(200, None).kind == "in doubt"
    assert problem(400, [1]).message == "HTTP 400: [1]"
    limited = STAND_IN.rate_limited()
    assert (
        problem(limited.status, limited.json, **{k.lower(): v for k, v in limited.headers.items()}).retry_after == 7.0
    )


def test_the_doctor_names_what_does_not_fit(vendor: Vendor) -> None:
    receipt = converse(client.doctor(SETTINGS), vendor)
    assert receipt.facts["data_source"] == DATA_SOURCE
    assert receipt.facts["columns"] == 13
    wrong = {
        "columns": {"referral": "a%3Bre", "status": "Status", "written": "Amount", "link": "URL"},
        "stages": {"won": "Sold"},
    }
    words = "no option 'Sold' of 'Status'; 'Amount' is of type number, not rich_text; no property 'URL'"
    with pytest.raises(Unauthorized, match=words):
        converse(client.doctor(SETTINGS.model_copy(update=wrong)), vendor)
    with pytest.raises(Unauthorized, match="of type status, not select"):
        converse(client.doctor(SETTINGS.model_copy(update={"status_type": "select"})), vendor)


def test_the_doctor_tells_a_database_from_its_data_source(vendor: Vendor) -> None:
    with pytest.raises(Unauthorized, match=f"id of a database: set OVATION_NOTION__DATA_SOURCE .*{DATA_SOURCE}"):
        converse(client.doctor(SETTINGS.model_copy(update={"data_source": DATABASE})), vendor)
    with pytest.raises(Unauthorized, match="not shared with the connection"):
        converse(client.doctor(SETTINGS.model_copy(update={"data_source": "0" * 32})), vendor)


# In


def incoming(body: bytes, signature: str | None = None, method: str = "POST") -> Incoming:
    headers = {"content-type": "application/json"} | (
        {} if signature is None else {webhook.SIGNATURE.lower(): signature}
    )
    return Incoming(method, URL, headers, {}, body)


def with_token(token: str | None) -> NotionSettings:
    return SETTINGS.model_copy(update={"webhook_secret": None if token is None else SecretStr(token)})


def test_the_documented_signature_is_believed_and_ours_is_the_same() -> None:
    settings = with_token(VECTOR_SECRET)
    webhook.verify(incoming(VECTOR, VECTOR_SIGNATURE), settings, NOW)
    assert webhook.sign(VECTOR, settings, URL, NOW) == {"X-Notion-Signature": VECTOR_SIGNATURE}


@pytest.mark.parametrize(
    ("signature", "token"),
    [(None, VECTOR_SECRET), ("", VECTOR_SECRET), (VECTOR_SIGNATURE[7:], VECTOR_SECRET), ("é", VECTOR_SECRET),
     (VECTOR_SIGNATURE.upper(), VECTOR_SECRET), (VECTOR_SIGNATURE, "secret_other"), (VECTOR_SIGNATURE, ""),
     (VECTOR_SIGNATURE, None)],
)  # fmt: skip
def test_a_forged_signal_is_refused(signature: str | None, token: str | None) -> None:
    with pytest.raises(BadSignature):
        webhook.verify(incoming(VECTOR, signature), with_token(token), NOW)


def test_the_first_token_is_kept_and_no_later_one() -> None:
    first = incoming(b'{"verification_token":"secret_tMrl"}')
    taken = webhook.handshake(first, with_token(None))
    assert taken is not None
    assert (taken.status, taken.secret, taken.text) == (200, "secret_tMrl", "")
    assert "secret_tMrl" not in repr(taken)
    repeated = webhook.handshake(first, with_token("secret_tMrl"))
    assert repeated is not None
    assert (repeated.status, repeated.secret) == (200, None)
    strange = webhook.handshake(incoming(b'{"verification_token":"secret_evil"}'), with_token("secret_tMrl"))
    assert strange is not None
    assert (strange.status, strange.secret) == (409, None)
    assert "secret" not in strange.text


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", VECTOR, b'{"verification_token":1}', b'{"verification_token":""}', b"[" * 100_000,
     json.dumps({"verification_token": "x" * 301}).encode()],
)  # fmt: skip
def test_what_is_no_handshake_goes_on_to_be_verified(body: bytes) -> None:
    assert webhook.handshake(incoming(body), with_token(None)) is None


@pytest.mark.parametrize(
    ("fixture", "read"),
    [("page.properties_updated__status", Poke("changes")), ("page.created__row", Poke("changes")),
     ("page.undeleted__row", Poke("changes")), ("page.deleted__row", [])],
)  # fmt: skip
def test_a_signal_wakes_the_upkeep_that_is_declared(fixture: str, read: Any) -> None:
    [(name, item)] = webhook.unpack(incoming((FIXTURES / f"{fixture}.json").read_bytes()))
    assert name == fixture.partition("__")[0]
    assert webhook.INBOUND.read(name, item, SETTINGS) == read
    assert [job.name for job in PLATFORM.upkeep] == ["changes"]
    assert webhook.INBOUND.events["data_source.schema_updated"] is IGNORED


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type":1}', b'{"type":""}', b'{"type":"a\\u0000"}', b"\xff"])
def test_what_is_no_signal_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(incoming(body))


# The upkeep


def test_a_status_set_by_a_person_comes_back_once_and_ours_does_not(vendor: Vendor) -> None:
    put(ROW, vendor)
    put(ROW.model_copy(update={"stage": "qualified"}), vendor)
    assert looked(vendor).events == []
    answer = move(vendor, "status", referral="r_0192", status="Won", amount=1200.5, currency="EUR")
    [sent] = answer.webhooks
    webhook.verify(incoming(sent.body, webhook.sign(sent.body, SETTINGS, URL, NOW)[webhook.SIGNATURE]), SETTINGS, NOW)
    first = looked(vendor)
    worth = {"minor": 120_050, "currency": "EUR"}
    assert told(first.events) == [
        ("referral.closed", "ovation_referral:r_0192", {"referral": "r_0192", "amount": worth})
    ]
    [event] = first.events
    assert event.at == only(vendor).edited.replace(second=0, microsecond=0)
    only(vendor).values["Owner"] = "Cy"
    only(vendor).edited += timedelta(minutes=9)
    again = looked(vendor, first.mark)
    assert [e.source_id for e in again.events] == [event.source_id]
    put(WON, vendor)
    assert looked(vendor, first.mark).events == []
    move(vendor, "status", referral="r_0192", status="Disqualified")
    lost = looked(vendor, first.mark)
    assert told(lost.events) == [
        ("referral.lost", "ovation_referral:r_0192", {"referral": "r_0192", "reason": "Disqualified"})
    ]
    assert lost.events[0].source_id != event.source_id


@pytest.mark.parametrize(
    "values",
    [{"Status": "On hold"}, {"Status": "Submitted"}, {"Status": None}, {"Ovation ref": None},
     {"Ovation ref": "typed over by hand"}, {"Ovation ref": "x" * 129}, {"Ovation status": "Won"}],
)  # fmt: skip
def test_what_tells_nothing_is_no_event(values: dict[str, Any], vendor: Vendor) -> None:
    put(ROW, vendor)
    only(vendor).values |= {"Status": "Won", **values}
    assert looked(vendor).events == []


@pytest.mark.parametrize(
    ("values", "amount"),
    [({"Amount": 12000, "Currency": None}, {"minor": 1_200_000, "currency": "USD"}),
     ({"Amount": 12000, "Currency": "euros"}, None), ({"Amount": 1e300}, None), ({"Amount": None}, None)],
)  # fmt: skip
def test_the_amount_beside_the_status(values: dict[str, Any], amount: Any, vendor: Vendor) -> None:
    put(ROW, vendor)
    only(vendor).values |= {"Status": "Won", **values}
    [event] = looked(vendor).events
    assert event.data.get("amount") == amount


def test_a_round_asks_for_edits_since_the_mark_and_some_before(vendor: Vendor) -> None:
    seen: list[Call] = []
    mark = looked(vendor, {"since": "2026-01-15T10:00:00+00:00"}, seen=seen).mark
    assert seen[0].path == QUERY
    assert seen[0].json == {
        "filter": {
            "timestamp": "last_edited_time",
            "last_edited_time": {"on_or_after": "2026-01-15T09:55:00+00:00"},
        },
        "sorts": [{"timestamp": "last_edited_time", "direction": "ascending"}],
        "page_size": 100,
    }
    assert mark == {"since": "2026-01-15T10:00:00+00:00"}
    first = looked(vendor).mark["since"]
    assert datetime.now(UTC) - datetime.fromisoformat(str(first)) < timedelta(days=1, minutes=1)


def test_a_round_is_bounded_goes_on_from_its_cursor_and_survives_its_loss(vendor: Vendor) -> None:
    now = datetime.now(UTC)
    for number in range(1003):
        at = now - timedelta(minutes=1100 - number)
        values = {"Ovation ref": f"r_{number}", "Status": "Lost", "Ovation status": "Accepted"}
        page = Page(created=at, edited=at, editor="x", values=values)
        vendor.books.pages[page.id] = page
    first = looked(vendor)
    assert (len(first.events), first.again_at is not None) == (1000, True)
    rest = looked(vendor, first.mark)
    assert [e.subject.value for e in rest.events] == ["r_1000", "r_1001", "r_1002"]
    assert (set(rest.mark), rest.again_at) == ({"since"}, None)
    lost = looked(vendor, {**first.mark, "cursor": "00000000-0000-4000-8000-000000000000"})
    assert len(lost.events) == 900, "one page of the ten went to the cursor that was forgotten"


def test_a_query_that_was_cut_short_is_gone_on_with(vendor: Vendor) -> None:
    put(ROW, vendor)
    talk = upkeep.changes(Round(webhook_url=URL, now=datetime.now(UTC)), SETTINGS)
    reply = ask(next(talk), vendor)
    cut = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    with pytest.raises(StopIteration) as end:
        talk.send(Reply(200, {**reply.json, "request_status": cut}))
    assert end.value.value.again_at is not None


# Notion's own document, and the stand-in


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("Notion's document is not beside this checkout")
    return json.loads(SPEC.read_text())


def loosened(node: Any) -> Any:
    """Without `additionalProperties: false`: the document closes parts that it then puts together with `allOf`. Parts
    so opened are not exclusive, so `oneOf` is `anyOf`; they are told apart by their constant types all the same."""
    if isinstance(node, list):
        return [loosened(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {k: loosened(v) for k, v in node.items() if k != "additionalProperties" or v is not False}
    return {"anyOf" if k == "oneOf" else k: v for k, v in kept.items()}


def hold(value: Any, schema: Any, root: dict[str, Any]) -> None:
    whole = {**schema, "components": root["components"]}
    jsonschema.validate(value, whole, cls=jsonschema.Draft202012Validator)


OPERATIONS = {
    "POST /v1/pages": ("/v1/pages", "pageObjectResponse"),
    "PATCH /v1/pages/": ("/v1/pages/{page_id}", "pageObjectResponse"),
    f"POST {QUERY}": ("/v1/data_sources/{data_source_id}/query", None),
    "GET /v1/users/me": ("/v1/users/me", "userObjectResponse"),
    f"GET /v1/data_sources/{DATA_SOURCE}": ("/v1/data_sources/{data_source_id}", "dataSourceObjectResponse"),
}


def test_requests_and_the_stand_ins_answers_fit_notions_document(vendor: Vendor, document: dict[str, Any]) -> None:
    answers = loosened(document)
    checked = set()
    round = Round(webhook_url=URL, now=datetime.now(UTC))
    talks: list[Generator[Call, Reply, Any]] = [
        client.doctor(SETTINGS),
        client.put_row(ROW, KEY, SETTINGS),
        client.put_row(WON, KEY, SETTINGS),
        upkeep.changes(round, SETTINGS),
    ]
    for talk in talks:
        calls: list[Call] = []
        converse(talk, vendor, calls)
        for call in calls:
            name = next(n for n in OPERATIONS if f"{call.method} {call.path}".startswith(n))
            path, shape = OPERATIONS[name]
            if call.json is not None:
                body = document["paths"][path][call.method.lower()]["requestBody"]["content"]["application/json"]
                hold(call.json, body["schema"], document)
            reply = ask(call, vendor).json
            for one in [reply] if shape else reply["results"]:
                hold(one, {"$ref": f"#/components/schemas/{shape or 'pageObjectResponse'}"}, answers)
            checked.add(name)
    assert checked == set(OPERATIONS)


def test_signals_and_errors_fit_notions_document(vendor: Vendor, document: dict[str, Any]) -> None:
    answers = loosened(document)
    created = answered(next_create(vendor), vendor)
    changed = move(vendor, "status", referral="r_0192", status="Won")
    for answer, name in ((created, "pageCreatedWebhookPayload"), (changed, "pagePropertiesUpdatedWebhookPayload")):
        hold(json.loads(answer.webhooks[0].body), {"$ref": f"#/components/schemas/{name}"}, answers)
    for path in FIXTURES.glob("page.properties_updated__*.json"):
        if ".out." not in path.name:
            schema = {"$ref": "#/components/schemas/pagePropertiesUpdatedWebhookPayload"}
            hold(json.loads(path.read_text()), schema, answers)
    limited = STAND_IN.rate_limited()
    hold(limited.json, {"$ref": "#/components/schemas/error_api_429"}, answers)


def next_create(vendor: Vendor) -> Call:
    talk = client.put_row(ROW, KEY, SETTINGS)
    return talk.send(ask(next(talk), vendor))


def create(**properties: Any) -> Call:
    parent = {"type": "data_source_id", "data_source_id": DATA_SOURCE}
    return Call.post("/v1/pages", json={"parent": parent, "properties": properties})


WRONG = {
    "an unknown property": create(Nothing={"rich_text": text("x")}),
    "another type": create(Notes={"number": 1}),
    "a text for a number": create(Amount={"number": "1"}),
    "a piece too long": create(Notes={"rich_text": text("x" * 2001)}),
    "too many pieces": create(Notes={"rich_text": text(*["x"] * 101)}),
    "an option that is not there": create(Status={"status": {"name": "Sold"}}),
    "no date": create(Submitted={"date": {"start": "soon"}}),
    "no parent": Call.post("/v1/pages", json={"properties": {}}),
    "an unknown key": Call.post(QUERY, json={"where": {}}),
    "a filter of another type": Call.post(QUERY, json={"filter": {"property": "Amount", "rich_text": {"equals": "1"}}}),
    "a page too large": Call.post(QUERY, json={"page_size": 101}),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_a_wrong_request_is_refused_and_writes_nothing(call: Call, vendor: Vendor) -> None:
    vendor.books.add({"Ovation ref": "r_1"}, "x")
    reply = ask(call, vendor)
    assert (reply.status, reply.json["code"], len(vendor.books.pages)) == (400, "validation_error", 1)
    assert reply.headers["x-notion-request-id"] == reply.json["request_id"]


def test_the_stand_in_knows_its_token_version_and_what_is_shared(vendor: Vendor) -> None:
    me, signed = Call.get("/v1/users/me"), client.headers(SETTINGS, None)
    assert ask(me, vendor, {**signed, "Authorization": "Bearer ntn_other"}).json["code"] == "unauthorized"
    assert ask(me, vendor, {"Authorization": signed["Authorization"]}).json["code"] == "missing_version"
    assert ask(Call.patch("/v1/pages/0", json={"properties": {}}), vendor).json["code"] == "object_not_found"
    assert ask(Call.post("/v1/data_sources/0/query", json={}), vendor).json["code"] == "object_not_found"


def test_moves(vendor: Vendor) -> None:
    [sent] = move(vendor, "connect", url=URL).webhooks
    assert (sent.url, json.loads(sent.body)) == (URL, {"verification_token": SETTINGS.secrets()[0]})
    for name, given in (("status", {"referral": "r_1", "status": "Won"}), ("duplicate", {"referral": "r_1"}),
                        ("trash", {"referral": "r_1"})):  # fmt: skip
        assert STAND_IN.moves[name](given, vendor.books).status == 404
        assert STAND_IN.moves[name]({}, vendor.books).status == 400
