"""Prevents: one answer that acts several times, because Delighted reports each change of it, and a closed service that
is asked again for ever."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from platforms.base import Call, Incoming, Reply
from platforms.delighted import PLATFORM, DelightedSettings
from platforms.delighted.client import doctor, headers
from platforms.delighted.stand_in import STAND_IN, Books
from platforms.delighted.webhook import response_created, response_updated, sign, unpack, unsubscribed, verify
from platforms.errors import BadSignature, Malformed
from platforms.stand_in import Heard

NOW = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
SETTINGS = DelightedSettings(api_key=SecretStr("delighted-api-key"))
BODY = b'{"event_type":"survey_response.updated","event_id":"b8d0","event_data":{"id":"5435","score":10}}'
SIGNATURE = "sha256=445004b64143b001ce563941ad05e448a34cda3110ed9d21e7f08ce963067484"


def delivery(body: bytes, signature: str = "") -> Incoming:
    signed = {"x-delighted-webhook-signature": signature} if signature else {}
    return Incoming("POST", "https://o.example/webhooks/delighted", signed, {}, body)


def body(event_id: str | None = "b8d0", **answer: object) -> dict[str, object]:
    person = {"id": "5975", "email": "ada@example.com", "name": "Ada King Lovelace"}
    return {"event_id": event_id, "event_data": {"id": "5435", "person": person, "score": 9, **answer}}


def test_signature_vector() -> None:
    assert sign(BODY, SETTINGS, "", NOW) == {"x-delighted-webhook-signature": SIGNATURE}
    verify(delivery(BODY, SIGNATURE), SETTINGS, NOW)


def test_a_webhook_secret_replaces_the_api_key() -> None:
    own = SETTINGS.model_copy(update={"webhook_secret": SecretStr("own")})
    with pytest.raises(BadSignature):
        verify(delivery(BODY, SIGNATURE), own, NOW)
    verify(delivery(BODY, sign(BODY, own, "", NOW)["x-delighted-webhook-signature"]), own, NOW)


def test_without_any_secret_both_settings_are_named() -> None:
    with pytest.raises(BadSignature, match=r"OVATION_DELIGHTED__WEBHOOK_SECRET.*OVATION_DELIGHTED__API_KEY"):
        verify(delivery(BODY, SIGNATURE), DelightedSettings(), NOW)


def test_several_updates_of_one_answer_are_one_answer() -> None:
    told = [response_created(body()), response_updated(body(tags=["vip"])), response_updated(body(comment="Lovely."))]
    assert {events[0].source_id for events in told} == {"5435:9"}
    assert [e.type for e in told[2]] == ["nps.answered", "nps.commented"]
    assert response_updated(body(score=3))[0].source_id == "5435:3"


def test_the_name_is_split_at_its_first_space() -> None:
    person = response_created(body())[0].person
    assert person is not None
    assert (person.first_name, person.last_name) == ("Ada", "King Lovelace")


def test_an_update_happened_when_it_was_updated() -> None:
    times = {"created_at": 1482589409, "updated_at": 1482590009}
    assert response_created(body(**times))[0].at == datetime(2016, 12, 24, 14, 23, 29, tzinfo=UTC)
    assert response_updated(body(**times))[0].at == datetime(2016, 12, 24, 14, 33, 29, tzinfo=UTC)


def test_a_survey_by_sms_knows_our_id_only() -> None:
    event = response_created(body(person={"id": "1"}, person_properties={"ovation_contact": "c_81"}))[0]
    assert event.subject.text == "ovation:c_81"


@pytest.mark.parametrize("kind", ["csat", "ces", "enps", "thumbs"])
def test_other_surveys_have_other_scales(kind: str) -> None:
    assert response_created(body(survey_type=kind, score=5)) == []


@pytest.mark.parametrize("where", ["person", "flat"])
def test_an_unsubscription_in_either_shape(where: str) -> None:
    who = {"email": "Ada@example.com", "name": "Ada"}
    data = {"person": who} if where == "person" else who
    event = unsubscribed({"event_id": "b8d0", "event_data": {**data, "unsubscribed_at": 1482589409}})[0]
    assert (event.type, event.source_id, event.subject.text) == ("contact.opted_out", "b8d0", "email:ada@example.com")
    assert event.at == datetime(2016, 12, 24, 14, 23, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        {"person": {"id": "1"}},
        {"person": "5975"},
        {"person": {"email": "ada"}},
        {"person": {"email": "a@" + "x" * 400}},
        {"score": 11},
        {"score": None},
        {"id": "a b"},
        {"created_at": -1},
        {"created_at": 10**15},
    ],
)
def test_what_cannot_be_read_is_malformed_and_names_nobody(wrong: dict[str, object]) -> None:
    with pytest.raises(Malformed) as refused:
        response_created(body(**wrong))
    assert "ada" not in str(refused.value).replace("ovation_contact", "")


def test_a_closed_service_is_unauthorized_and_not_tried_again() -> None:
    for status in (401, 403, 404, 410):
        problem = PLATFORM.judge(Reply(status), Call.get("/v1/metrics.json"))
        assert problem is not None
        assert problem.kind == "unauthorized"
    assert "30 June 2026" in (PLATFORM.discontinued or "")


def test_doctor_asks_for_the_figures() -> None:
    assert headers(SETTINGS, None) == {"authorization": "Basic ZGVsaWdodGVkLWFwaS1rZXk6"}
    talk = doctor(SETTINGS)
    assert next(talk) == Call.get("/v1/metrics.json")
    with pytest.raises(StopIteration) as done:
        talk.send(Reply(200, {"nps": 55, "response_count": 75, "promoter_count": 46}))
    assert done.value.value.facts == {"nps": 55, "response_count": 75}


@pytest.mark.parametrize(
    ("authorization", "welcome"),
    [
        ("Basic ZGVsaWdodGVkLWFwaS1rZXk6", True),
        ("Basic ZGVsaWdodGVkLWFwaS1rZXk=", True),
        ("Basic d3Jvbmc6", False),
        ("Basic ***", False),
        ("Basic /w==", False),
        ("Bearer delighted-api-key", False),
        ("", False),
    ],
)
def test_the_stand_in_wants_the_key_as_user_name(authorization: str, welcome: bool) -> None:
    sent = {"authorization": authorization}
    heard = Heard("GET", "/v1/metrics.json", {}, {}, sent, b"", None, {}, STAND_IN.settings())
    assert (STAND_IN.guard(heard) is None) is welcome


def test_the_stand_in_reports_score_and_comment_apart() -> None:
    books = Books()
    answered = STAND_IN.moves["answer"]({"email": "ada@example.com", "score": 9, "text": "Lovely."}, books)
    named = [unpack(delivery(webhook.body)) for webhook in answered.webhooks]
    assert [name for ((name, _),) in named] == ["survey_response.created", "survey_response.updated"]
    events = [e.type for ((name, item),) in named for e in PLATFORM.inbound.events[name](item)]
    assert events == ["nps.answered", "nps.answered", "nps.commented"]
    left = STAND_IN.moves["unsubscribe"]({"email": "ada@example.com"}, books)
    assert unsubscribed(json.loads(left.webhooks[0].body))[0].type == "contact.opted_out"
    assert (len(books.responses), len(books.unsubscribes)) == (1, 1)
