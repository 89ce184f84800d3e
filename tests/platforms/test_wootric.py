"""Prevents: a promoter's answer lost or counted twice, because Wootric wrote it another way than expected.

The two signature vectors are fixed; bodies come as JSON or as a form, with numbers as numbers or as strings.
"""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from platforms.base import Call, Incoming, Reply
from platforms.errors import BadSignature, Malformed, Unauthorized
from platforms.stand_in import Heard
from platforms.wootric import PLATFORM, WootricSettings
from platforms.wootric.client import doctor, headers, read_token, token_call
from platforms.wootric.stand_in import STAND_IN, Books
from platforms.wootric.webhook import nested, response_created, response_updated, sign, unpack, verify

NOW = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
SETTINGS = WootricSettings(
    client_id="id", client_secret=SecretStr("hush"), webhook_secret=SecretStr("ovation-wootric-secret-token")
)
JSON = b'{"response":{"id":1128,"email":"ada@example.com","score":10},"event_name":"created","survey_mode":"NPS"}'
FORM = (
    b"response%5Bid%5D=1128&response%5Bemail%5D=ada%40example.com&response%5Bscore%5D=10"
    b"&event_name=created&survey_mode=NPS"
)
VECTORS = [
    (JSON, "sha1=e70ec7ba5d0b9cc87576ac8e6831b5f85f71cafb"),
    (FORM, "sha1=1a46f78d0a033f720246a525a4b8356b336aae08"),
]


def delivery(body: bytes, content_type: str = "application/json", **headers: str) -> Incoming:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Incoming("POST", "https://o.example/webhooks/wootric", {"content-type": content_type, **named}, {}, body)


def body(mode: str | None = "NPS", name: str = "created", **response: object) -> dict[str, object]:
    answer = {"id": 1128, "email": "ada@example.com", "score": 9, **response}
    return {"response": answer, "event_name": name, "survey_mode": mode}


@pytest.mark.parametrize(("raw", "signature"), VECTORS)
def test_signature_vectors(raw: bytes, signature: str) -> None:
    assert sign(raw, SETTINGS, "", NOW) == {"x-wootric-signature": signature}
    verify(delivery(raw, x_wootric_signature=signature), SETTINGS, NOW)


def test_a_missing_token_names_the_setting() -> None:
    bare = SETTINGS.model_copy(update={"webhook_secret": None})
    with pytest.raises(BadSignature, match="OVATION_WOOTRIC__WEBHOOK_SECRET"):
        verify(delivery(JSON, x_wootric_signature=VECTORS[0][1]), bare, NOW)


def test_a_signature_beyond_ascii_is_refused_and_no_crash() -> None:
    with pytest.raises(BadSignature):
        verify(delivery(JSON, x_wootric_signature="sha1=é"), SETTINGS, NOW)


def test_form_and_json_mean_the_same() -> None:
    (in_json,) = unpack(delivery(JSON))
    (in_form,) = unpack(delivery(FORM, "application/x-www-form-urlencoded; charset=utf-8"))
    assert in_json[0] == in_form[0] == "response.created"
    moment = {"at": NOW}
    one, other = (response_created(item)[0].model_copy(update=moment) for _, item in (in_json, in_form))
    assert one == other


def test_brackets_become_objects() -> None:
    assert nested({"a[b][c]": "1", "a[d]": "2", "e": ""}) == {"a": {"b": {"c": "1"}, "d": "2"}, "e": ""}


@pytest.mark.parametrize("form", [{"a": "1", "a[b]": "2"}, {"a[b]": "1", "a": "2"}, {"a[b][c][d][e][f]": "1"}])
def test_brackets_that_make_no_sense_are_malformed(form: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        nested(form)


def test_an_update_with_the_same_score_is_the_same_answer_and_a_new_comment() -> None:
    first = response_created(body())
    again = response_updated(body(name="updated", text="Lovely."))
    assert [e.source_id for e in first] == [again[0].source_id] == ["1128:9"]
    assert [e.type for e in again] == ["nps.answered", "nps.commented"]
    assert response_updated(body(score=3))[0].source_id == "1128:3"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-15T10:00:26.558-07:00", datetime(2026, 1, 15, 17, 0, 26, 558000, UTC)),
        ("2022-08-10 11:39:50 -0700", datetime(2022, 8, 10, 18, 39, 50, tzinfo=UTC)),
        ("2014-12-01 18:36:59", datetime(2014, 12, 1, 18, 36, 59, tzinfo=UTC)),
        ("2014-12-01 18:36:59 UTC", datetime(2014, 12, 1, 18, 36, 59, tzinfo=UTC)),
    ],
)
def test_every_form_of_time(written: str, meant: datetime) -> None:
    assert response_created(body(created_at=written))[0].at == meant


@pytest.mark.parametrize("excluded", [True, "true", "1"])
def test_excluded_answers_start_nothing(excluded: object) -> None:
    assert response_created(body(excluded_from_calculations=excluded)) == []


@pytest.mark.parametrize(("mode", "events"), [("CSAT", 0), ("CES", 0), ("NPS", 1), ("nps", 1), ("", 1), (None, 1)])
def test_only_nps_scores_count(mode: str | None, events: int) -> None:
    assert len(response_created(body(mode))) == events


def test_names_of_the_person() -> None:
    both = response_created(body(email="Ada@Example.com", external_id="c_81"))[0]
    assert both.subject.text == "email:ada@example.com"
    assert [i.text for i in both.identities] == ["ovation:c_81"]
    own = response_created(body(email="", external_id="u7", end_user_properties={"ovation_contact": "c_81"}))[0]
    assert own.subject.text == "ovation:c_81"
    assert own.identities == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": None},
        {"email": "ada"},
        {"email": "a@" + "x" * 400},
        {"score": 11},
        {"score": None},
        {"score": "ten"},
        {"id": "a b"},
        {"created_at": "yesterday"},
        {"created_at": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_what_cannot_be_read_is_malformed_and_names_nobody(wrong: dict[str, object]) -> None:
    with pytest.raises(Malformed) as refused:
        response_created(body(**wrong))
    assert "ada" not in str(refused.value)


def test_a_long_comment_is_cut_not_refused() -> None:
    commented = response_updated(body(text="x" * 30_000))[1]
    assert len(commented.data["comment"]) == 20_000


def test_sign_in_and_doctor() -> None:
    asked = token_call(SETTINGS, NOW)
    assert (asked.method, asked.path, asked.signed_in, asked.writes) == ("POST", "/oauth/token", False, False)
    assert asked.form == {"grant_type": "client_credentials", "client_id": "id", "client_secret": "hush"}
    token = read_token(Reply(200, {"access_token": "t", "expires_in": 7200}), NOW)
    assert (token.value, token.expires_at) == ("t", NOW + timedelta(hours=2))
    assert headers(SETTINGS, token) == {"authorization": "Bearer t"}
    talk = doctor(SETTINGS)
    assert next(talk) == Call.get("/v1/nps_summary")
    with pytest.raises(StopIteration) as done:
        talk.send(Reply(200, {"nps": 55, "responses": 75, "promoters": 46}))
    assert done.value.value.facts == {"nps": 55, "responses": 75}


def test_a_sign_in_without_token_is_unauthorized() -> None:
    with pytest.raises(Unauthorized):
        read_token(Reply(200, None, "<html>"), NOW)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "unauthorized"), (429, "rate-limited"), (404, "rejected"), (500, "unavailable")]
)
def test_replies_are_judged(status: int, kind: str) -> None:
    problem = PLATFORM.judge(Reply(status), Call.get("/v1/nps_summary"))
    assert problem is not None
    assert problem.kind == kind


def heard(path: str, method: str = "GET", **more: object) -> Heard:
    parts: dict[str, object] = {"headers": {}, "form": {}, **more}
    return Heard(method, path, {}, {}, body=b"", json=None, settings=STAND_IN.settings(), **parts)


def test_the_stand_in_lets_in_who_signed_in() -> None:
    books = STAND_IN.books()
    credentials = token_call(STAND_IN.settings(), NOW).form
    granted = STAND_IN.routes[0].handler(heard("/oauth/token", "POST", form=credentials), books)
    token = read_token(Reply(granted.status, granted.json), NOW)
    assert STAND_IN.guard(heard("/v1/nps_summary", headers=headers(SETTINGS, token))) is None
    refused = STAND_IN.guard(heard("/v1/nps_summary"))
    assert refused is not None
    assert refused.status == 401
    wrong = STAND_IN.routes[0].handler(
        heard("/oauth/token", "POST", form={**(credentials or {}), "client_id": "x"}), books
    )
    assert wrong.status == 401


def test_the_stand_in_reports_score_and_comment_apart() -> None:
    books = Books()
    answered = STAND_IN.moves["answer"]({"email": "ada@example.com", "score": 9, "text": "Lovely."}, books)
    named = [unpack(delivery(webhook.body)) for webhook in answered.webhooks]
    assert [name for ((name, _),) in named] == ["response.created", "response.updated"]
    events = [e.type for ((name, item),) in named for e in PLATFORM.inbound.events[name](item)]
    assert events == ["nps.answered", "nps.answered", "nps.commented"]
    assert len(books.responses) == 1
    assert STAND_IN.moves["answer"]({"email": "ada@example.com", "score": 12}, books).status == 422
