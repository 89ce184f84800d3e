"""Prevents: two cards for one referral, a colleague's words overwritten, a deal won on the board that nobody hears of,
and our own move that comes back as news."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import SecretStr, ValidationError

from models.money import Money
from platforms.base import Call, Findable, Incoming, Reply, Round, Upkept
from platforms.capabilities import PutCard, Receipt, Who
from platforms.errors import BadSignature, InDoubt, Malformed, Rejected, Unauthorized
from platforms.stand_in import Answer, Heard
from platforms.trello import PLATFORM, TrelloSettings, card, client, upkeep, webhook
from platforms.trello.stand_in import STAND_IN
from platforms.trello.stand_in_books import BOARD, ME, PERSON, STAGES, Board
from platforms.trello.stand_in_requests import CardChange, HookChange, NewCard, NewHook

SPEC = Path(__file__).resolve().parents[3] / "shared/contracts/specs/trello-cards.json"
SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, TrelloSettings)
KEY = "j_1a2b/submitted/card"
URL = "https://ovation.example.com/webhooks/trello?hook=k7"
NOW = datetime.now(UTC)
SUBMITTED, ACCEPTED, WON = STAGES["submitted"], STAGES["accepted"], STAGES["won"]
CARD = PutCard(
    referral="ref_0192",
    advocate=Who(contact="c_1", email="ada@example.com", first_name="Ada", last_name="Lovelace", company="Engines"),
    person=Who(contact="c_2", email="bo@new.example", first_name="Bo", last_name="Lee", company="New Ltd"),
    stage="submitted",
    owner_email="csm@acme.example",
    link="https://ovation.example.com/referrals/ref_0192",
    notes="They met at a fair.",
    submitted_at=NOW,
    at=NOW,
)
BELOW = "`ovation:ref_0192` Ovation keeps the text above in step; what you write below stays."
TEXT = f"""Referred: Bo Lee, New Ltd, bo@new.example
By: Ada Lovelace, Engines, ada@example.com
Stage: submitted
Owner: csm@acme.example
More: https://ovation.example.com/referrals/ref_0192

They met at a fair.

{BELOW}"""


def at(stage: str, **more: object) -> PutCard:
    return CARD.model_copy(update={"stage": stage, **more})


def ask(call: Call, books: Board, settings: TrelloSettings = SETTINGS) -> Answer:
    route, match = next((r, m) for r in STAND_IN.routes if r.method == call.method if (m := r.pattern.match(call.path)))
    asked = Heard(
        method=call.method,
        path=call.path,
        params=match.groupdict(),
        query=call.query or {},
        headers={k.lower(): v for k, v in client.headers(settings, None).items()},
        body=b"",
        json=json.loads(json.dumps(call.json)),
        form={},
        settings=SETTINGS,
    )
    return STAND_IN.guard(asked) or route.handler(asked, books)


def reply_of(answer: Answer) -> Reply:
    body = json.loads(json.dumps(answer.json))
    names = {k.lower(): v for k, v in answer.headers.items()}
    return Reply(answer.status, body, answer.text or json.dumps(body), names)


def converse(talk: Generator[Call, Reply, Any], books: Board) -> tuple[Any, list[Call]]:
    """Plays a talk against the stand-in; every reply must be one that the talk wants to read."""
    calls: list[Call] = []
    reply = None
    while True:
        try:
            call = next(talk) if reply is None else talk.send(reply)
        except StopIteration as stop:
            return stop.value, calls
        calls.append(call)
        reply = reply_of(ask(call, books))
        assert reply.status in call.accepts or client.judge(reply, call) is None, reply.text


def told(talk: Generator[Call, Reply, Any], *replies: Reply) -> Any:
    """What a talk makes of these replies."""
    next(talk)
    for reply in replies:
        try:
            talk.send(reply)
        except StopIteration as stop:
            return stop.value
    raise AssertionError("the talk wants to go on")


def put(books: Board, action: PutCard = CARD) -> tuple[Receipt, list[Call]]:
    receipt, calls = converse(client.put_card(action, KEY, SETTINGS), books)
    return receipt, [call for call in calls if call.writes]


def find(books: Board, action: PutCard = CARD) -> Receipt | None:
    receipt: Receipt | None = converse(client.find_card(action, KEY, SETTINGS), books)[0]
    return receipt


def text(status: int, words: str) -> Reply:
    return Reply(status, None, words)


def page(*ids: str, desc: str = "", **more: object) -> Reply:
    return Reply(200, [{"id": one, "desc": desc, "idList": SUBMITTED, **more} for one in ids])


# Out


def test_a_card_is_built_field_by_field() -> None:
    _, [call] = put(Board())
    assert (call.method, call.path, call.query) == ("POST", "/cards", None)
    assert call.json == {
        "idList": SUBMITTED,
        "name": "New Ltd: referred by Ada Lovelace",
        "desc": TEXT,
        "pos": "top",
        "urlSource": "https://ovation.example.com/referrals/ref_0192",
    }
    assert client.headers(SETTINGS, None) == {
        "Authorization": 'OAuth oauth_consumer_key="0471642aefef5fa1fa76530ce1ba4c85", '
        'oauth_token="ATTA5a4db6aa2dc5e4b7sandbox"'
    }


def test_what_is_not_known_is_not_written() -> None:
    bare = CARD.model_copy(
        update={
            "owner_email": None,
            "link": None,
            "notes": "",
            "advocate": Who(contact="c"),
            "person": Who(contact="d"),
        }
    )
    _, [call] = put(Board(), bare)
    assert call.json["name"] == "somebody: referred by somebody"
    assert call.json["desc"] == f"Referred: somebody\nBy: somebody\nStage: submitted\n\n{BELOW}"
    assert "urlSource" not in call.json


def test_the_receipt_leads_to_the_card() -> None:
    books = Board()
    receipt, _ = put(books)
    [made] = books.cards.values()
    assert receipt.reference == made.id
    assert receipt.facts == {"card": made.id, "list": SUBMITTED, "archived": False}
    assert receipt.url == f"https://trello.com/c/{made.id[-8:]}"


def test_the_same_twice_is_one_card_and_no_second_write() -> None:
    books = Board()
    first, _ = put(books)
    second, wrote = put(books)
    assert (second, wrote, len(books.cards)) == (first, [], 1)


def test_the_card_moves_as_the_deal_moves() -> None:
    books = Board()
    put(books)
    _, [call] = put(books, at("won", amount=Money(minor=1200000, currency="EUR")))
    assert call.method == "PUT"
    assert call.json["idList"] == WON
    assert "Stage: won\nWorth: 12000.00 EUR\n" in call.json["desc"]
    assert [made.idList for made in books.cards.values()] == [WON]


def test_another_referral_is_another_card() -> None:
    books = Board()
    put(books)
    put(books, CARD.model_copy(update={"referral": "ref_01920"}))
    assert len(books.cards) == 2
    assert find(books) == put(books)[0]


def test_a_stage_without_a_list_leaves_the_card_where_it_is() -> None:
    books = Board()
    unmapped = SETTINGS.model_copy(update={"stages": {"submitted": SUBMITTED}})
    converse(client.put_card(at("accepted"), KEY, unmapped), books)
    [made] = books.cards.values()
    assert made.idList == SUBMITTED
    STAND_IN.moves["move"]({"list": "Someday"}, books)
    converse(client.put_card(at("won"), KEY, unmapped), books)
    assert books.lists[made.idList].name == "Someday"


def test_what_people_wrote_below_stays_and_so_does_the_name() -> None:
    books = Board()
    put(books)
    [made] = books.cards.values()
    made.name = "Big one!"
    STAND_IN.moves["write"]({"text": "Call on Monday.\n\nNot before ten."}, books)
    put(books, at("accepted"))
    assert made.desc.startswith("Referred: Bo Lee")
    assert "Stage: accepted" in made.desc
    assert made.desc.endswith(f"{BELOW}\n\nCall on Monday.\n\nNot before ten.")
    assert made.name == "Big one!"
    assert put(books, at("accepted"))[1] == []


def test_an_archived_card_is_kept_in_step_and_stays_archived() -> None:
    books = Board()
    put(books)
    STAND_IN.moves["archive"]({"referral": "ref_0192"}, books)
    receipt, _ = put(books, at("won"))
    [made] = books.cards.values()
    assert (made.closed, made.idList) == (True, WON)
    assert receipt.facts["archived"] is True


def test_a_list_that_is_gone_is_a_matter_of_settings() -> None:
    books = Board()
    put(books)
    STAND_IN.moves["archive_list"]({"list": "Won"}, books)
    with pytest.raises(Unauthorized, match=f"{WON} is no open list"):
        put(books, at("won"))
    nowhere = SETTINGS.model_copy(update={"stages": {}})
    with pytest.raises(Unauthorized, match="OVATION_TRELLO__STAGES"):
        converse(client.put_card(CARD, KEY, nowhere), Board())


@pytest.mark.parametrize("stages", [{"submitted": "New"}, {"negotiation": SUBMITTED}])
def test_stages_are_our_words_and_lists_are_ids(stages: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        TrelloSettings.model_validate({"stages": stages})


def test_after_a_lost_answer_the_card_is_found_if_it_is_in_step() -> None:
    books = Board()
    assert find(books) is None
    receipt, _ = put(books)
    assert find(books) == receipt
    assert find(books, at("won")) is None
    action = PLATFORM.action(PutCard)
    assert action is not None
    assert isinstance(action.repeat, Findable)
    assert action.repeat.find is client.find_card


def test_a_success_that_says_nothing_is_a_doubt() -> None:
    lists = Reply(200, [{"id": SUBMITTED}])
    with pytest.raises(InDoubt):
        told(client.put_card(CARD, KEY, SETTINGS), page(), lists, Reply(200, {}))


# The look through the board


def ids(count: int, first: int = 0, second: int | None = None) -> list[str]:
    made = int(NOW.timestamp()) if second is None else second
    return [f"{made:08x}{first + number:016x}" for number in range(count)]


def test_the_look_asks_for_the_newest_archived_ones_too() -> None:
    call = next(client.find_card(CARD, KEY, SETTINGS))
    assert call.path == f"/boards/{BOARD}/cards"
    assert call.query == {"fields": "desc,idList,closed,shortUrl", "filter": "all", "limit": "1000"}


def test_a_full_page_is_followed_by_the_next() -> None:
    talk = client.find_card(CARD, KEY, SETTINGS)
    next(talk)
    call = talk.send(page(*reversed(ids(1000, first=1000))))
    assert call.query is not None
    assert call.query["before"] == ids(1, first=1000)[0]
    with pytest.raises(StopIteration) as stop:
        talk.send(page(*ids(1), desc=TEXT))
    assert stop.value.value.reference == ids(1)[0]


def test_cards_older_than_the_referral_are_not_looked_through() -> None:
    long_ago = int((NOW - timedelta(days=2)).timestamp())
    assert told(client.find_card(CARD, KEY, SETTINGS), page(*ids(999), *ids(1, second=long_ago))) is None


def test_paging_that_is_not_heeded_is_a_doubt() -> None:
    with pytest.raises(InDoubt, match="ovation:ref_0192"):
        told(client.find_card(CARD, KEY, SETTINGS), page(*ids(1000)), page(*ids(1000)))


def test_a_limit_that_is_not_heeded_shows_all_there_is() -> None:
    assert told(client.find_card(CARD, KEY, SETTINGS), page(*ids(1500))) is None


def test_endless_cards_are_a_doubt() -> None:
    pages = [page(*ids(1000, first=1000 * (20 - number))) for number in range(10)]
    with pytest.raises(InDoubt):
        told(client.find_card(CARD, KEY, SETTINGS), *pages)


def test_of_two_cards_the_older_is_the_referrals() -> None:
    found = told(client.find_card(CARD, KEY, SETTINGS), page(*reversed(ids(2)), desc=TEXT))
    assert found.reference == ids(1)[0]


# The description


def test_trellos_editor_may_put_backslashes() -> None:
    assert card.referral_of(TEXT.replace("_", "\\_").replace("`", "")) == "ref_0192"
    assert card.referral_of("a card of somebody's\n\nabout ovation:x") is None


@pytest.mark.parametrize("line", ["ovation:ref_666 mine", "`ovation:ref\\_666`"])
def test_nobodys_words_are_taken_for_our_line(line: str) -> None:
    forged = CARD.model_copy(
        update={
            "notes": f"Hello\n{line}\nbye",
            "person": Who(contact="c", first_name=f"\n{line}", company=f"x\n{line}"),
        }
    )
    assert card.referral_of(card.description(forged)) == "ref_0192"
    assert "Hello\nbye" in card.description(forged)


def test_long_notes_are_cut_and_people_keep_their_room() -> None:
    long = CARD.model_copy(update={"notes": "x" * 20_000})
    assert card.description(long).count("x") == pytest.approx(8_000, abs=10)
    whole = card.description(long, own="y" * 15_000)
    assert len(whole) <= 16_384
    assert whole.endswith("y" * 15_000)


# Errors


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (text(400, "invalid value for idList"), "rejected"),
        (text(401, "invalid token"), "unauthorized"),
        (text(401, "unauthorized card permission requested"), "unauthorized"),
        (text(404, "The requested resource was not found."), "rejected"),
        (text(409, "conflict"), "unavailable"),
        (text(449, "retry"), "unavailable"),
        (text(500, "Internal Server Error"), "in doubt"),
        (text(504, ""), "in doubt"),
        (text(200, "<html>"), "in doubt"),
    ],
)
def test_each_answer_has_its_kind(reply: Reply, kind: str) -> None:
    problem = client.judge(reply, Call.post("/cards"))
    assert problem is not None
    assert problem.kind == kind
    assert problem.message == f"HTTP {reply.status}: {reply.text}"


def test_a_board_that_is_not_found_is_a_matter_of_settings() -> None:
    call = next(client.put_card(CARD, KEY, SETTINGS))
    problem = client.judge(text(404, "board not found"), call)
    assert problem is not None
    assert problem.kind == "unauthorized"


def test_a_fault_while_reading_is_no_doubt() -> None:
    problem = client.judge(reply_of(STAND_IN.broken()), Call.get("/members/me"))
    assert problem is not None
    assert problem.kind == "unavailable"


def test_a_limit_waits_out_its_window() -> None:
    problem = client.judge(reply_of(STAND_IN.rate_limited()), Call.post("/cards"))
    assert problem is not None
    assert (problem.kind, problem.retry_after) == ("rate-limited", 12.0)
    assert problem.message == "HTTP 429: Rate limit exceeded"


def test_the_doctor_names_what_the_settings_want() -> None:
    books = Board()
    STAND_IN.moves["archive_list"]({"list": "Lost"}, books)
    receipt, calls = converse(client.doctor(SETTINGS), books)
    assert not any(call.writes for call in calls)
    assert receipt.facts["member"] == ME
    assert receipt.facts["open_cards"] == "ok"
    assert receipt.facts["lists"]["Won"] == WON
    assert receipt.facts["stages_without_list"] == ["lost", "disqualified"]


# In


VECTOR = SETTINGS.model_copy(update={"api_secret": SecretStr("trello-api-secret")})
VECTOR_URL = "https://ovation.example.com/webhooks/trello"
VECTOR_BODY = (
    b'{"action":{"id":"51f9424bcd6e040f3c002412","type":"updateCard"},"model":{"id":"4d5ea62fd76aa1136000000c"}}'
)
VECTOR_SIGNATURE = "Xdvs/8UYRG+VgmtFrOg/R3CG9Lo="


def incoming(body: bytes, signature: str = "", url: str = VECTOR_URL, method: str = "POST") -> Incoming:
    return Incoming(method, url, {"x-trello-webhook": signature}, {}, body)


def test_the_signature_vector() -> None:
    webhook.verify(incoming(VECTOR_BODY, VECTOR_SIGNATURE), VECTOR, NOW)
    assert webhook.sign(VECTOR_BODY, VECTOR, VECTOR_URL, NOW) == {"X-Trello-Webhook": VECTOR_SIGNATURE}


@pytest.mark.parametrize(
    "wrong",
    [
        incoming(VECTOR_BODY + b" ", VECTOR_SIGNATURE),
        incoming(VECTOR_BODY, VECTOR_SIGNATURE, VECTOR_URL + "/"),
        incoming(VECTOR_BODY, VECTOR_SIGNATURE, VECTOR_URL + "?hook=k7"),
        incoming(VECTOR_BODY, VECTOR_SIGNATURE.lower()),
        incoming(VECTOR_BODY, "é"),
        incoming(VECTOR_BODY),
    ],
)
def test_the_address_is_signed_like_the_body(wrong: Incoming) -> None:
    with pytest.raises(BadSignature):
        webhook.verify(wrong, VECTOR, NOW)


def test_neither_key_nor_token_is_the_secret() -> None:
    for other in ("0471642aefef5fa1fa76530ce1ba4c85", "ATTA5a4db6aa2dc5e4b7sandbox", ""):
        own = SETTINGS.model_copy(update={"api_secret": SecretStr(other)})
        with pytest.raises(BadSignature, match=r"API.secret|API_SECRET"):
            webhook.verify(incoming(VECTOR_BODY, VECTOR_SIGNATURE), own, NOW)


def test_head_is_answered_and_nothing_else() -> None:
    answer = webhook.handshake(incoming(b"", method="HEAD"), SETTINGS)
    assert answer is not None
    assert (answer.status, answer.text) == (200, "")
    assert webhook.handshake(incoming(b""), SETTINGS) is None
    assert webhook.handshake(incoming(b"", method="GET"), SETTINGS) is None


def events_of(answer: Answer, settings: TrelloSettings = SETTINGS) -> list[Any]:
    """What the gateway makes of the webhooks of an answer, each verified."""
    found: list[Any] = []
    for sent in answer.webhooks:
        assert sent.url == URL
        signature = webhook.sign(sent.body, settings, URL, NOW)["X-Trello-Webhook"]
        delivery = incoming(sent.body, signature, URL)
        webhook.verify(delivery, settings, NOW)
        for name, item in webhook.unpack(delivery):
            read = webhook.INBOUND.read(name, item, settings)
            assert isinstance(read, list), f"{name} is in no table"
            found += read
    return found


@pytest.mark.parametrize(
    ("into", "tells"),
    [
        *(("Qualified", ["referral.qualified"]), ("Won", ["referral.closed"]), ("Lost", ["referral.lost"])),
        *(("Accepted", []), ("Someday", [])),
    ],
)
def test_a_colleagues_move_is_told(into: str, tells: list[str]) -> None:
    books = Board()
    receipt, _ = put(books)
    register(books)
    found = events_of(STAND_IN.moves["move"]({"referral": "ref_0192", "list": into}, books))
    assert [event.type for event in found] == tells
    assert [event.subject.text for event in found] == [f"trello_send:{receipt.reference}"] * len(tells)


def test_our_own_move_is_no_news_unless_nobody_said_who_we_are() -> None:
    books = Board()
    put(books)
    register(books)
    call = Call.put(f"/cards/{next(iter(books.cards))}", json={"idList": WON})
    answer = ask(call, books)
    assert events_of(answer) == []
    anybody = SETTINGS.model_copy(update={"member": None})
    assert [event.type for event in events_of(answer, anybody)] == ["referral.closed"]


def test_archiving_and_writing_are_heard_and_ignored() -> None:
    books = Board()
    put(books)
    register(books)
    for move in ({"text": "x"}, None):
        answer = STAND_IN.moves["write" if move else "archive"](move, books)
        assert len(answer.webhooks) == 1
        assert events_of(answer) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"action":1}', b'{"action":{}}', b'{"action":{"type":"a b"}}'])
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        webhook.unpack(incoming(body))


MOVE = {
    "id": "65a5f0c1d2e3f4a5b6c7d8e9",
    "idMemberCreator": PERSON,
    "type": "updateCard",
    "date": "2026-01-15T10:00:00.000Z",
    "data": {"card": {"id": "65a5e0000000000000000001"}, "listAfter": {"id": WON}, "old": {"idList": SUBMITTED}},
}


@pytest.mark.parametrize(
    "change",
    [{"id": None}, {"id": "short"}, {"date": None}, {"date": "soon"}, {"date": "2026-01-15T10:00:00"},
     {"data": {**MOVE["data"], "card": {}}}],  # type: ignore[dict-item]
)  # fmt: skip
def test_a_spoilt_move_is_malformed(change: dict[str, Any]) -> None:
    assert [event.source_id for event in webhook.moved(MOVE, SETTINGS)] == ["65a5f0c1d2e3f4a5b6c7d8e9"]
    with pytest.raises(Malformed):
        webhook.moved({**MOVE, **change}, SETTINGS)


# Upkeep: the webhook


def round_(mark: dict[str, object] | None = None, url: str = URL) -> Round:
    return Round(mark=mark or {}, webhook_url=url, now=datetime.now(UTC))


def register(books: Board, given: Round | None = None) -> tuple[Upkept, list[str]]:
    kept, calls = converse(upkeep.register(given or round_(), SETTINGS), books)
    assert not any("ATTA" in call.path for call in calls)
    return kept, [f"{call.method} {call.path}" for call in calls if call.writes]


def test_the_webhook_is_registered_once() -> None:
    books = Board()
    first, wrote = register(books)
    [hook] = books.hooks.values()
    assert wrote == ["POST /webhooks/"]
    assert (hook.callbackURL, hook.idModel, hook.active) == (URL, BOARD, True)
    assert first.mark == {"webhook": hook.id}
    second, wrote = register(books, round_(first.mark))
    assert (second.mark, wrote) == (first.mark, [])


def test_a_forgotten_webhook_is_not_doubled() -> None:
    books = Board()
    register(books)
    again, _ = register(books)
    assert (again.mark, len(books.hooks)) == ({}, 1)


def test_a_webhook_is_woken_moved_or_made_anew() -> None:
    books = Board()
    first, _ = register(books)
    STAND_IN.moves["switch_off_webhooks"]({}, books)
    register(books, round_(first.mark))
    assert [hook.active for hook in books.hooks.values()] == [True]
    register(books, round_(first.mark, "https://new.example.com/webhooks/trello?hook=1"))
    assert [hook.callbackURL for hook in books.hooks.values()] == ["https://new.example.com/webhooks/trello?hook=1"]
    books.hooks.clear()
    last, wrote = register(books, round_(first.mark))
    assert wrote == ["POST /webhooks/"]
    assert last.mark == {"webhook": next(iter(books.hooks))}


def test_another_tokens_webhook_is_not_asked_after_for_ever() -> None:
    talk = upkeep.register(round_({"webhook": "58dd6dcaf8b86744d3cb4cde"}), SETTINGS)
    assert told(talk, text(401, "invalid token"), Reply(200, {"id": "x"})).mark == {"webhook": "x"}


def test_an_address_that_trello_cannot_reach_is_said() -> None:
    with pytest.raises(Rejected, match="did not return 200"):
        told(upkeep.register(round_(), SETTINGS), text(400, "URL (…) did not return 200 status code"))


def test_without_the_secret_no_webhook_is_registered() -> None:
    [registering] = [one for one in PLATFORM.upkeep if one.name == "webhook"]
    assert list(registering.needs(SETTINGS)) == ["api_secret"]
    assert TrelloSettings().missing(["api_secret"]) == ["OVATION_TRELLO__API_SECRET"]
    by_the_other_name = TrelloSettings(webhook_secret=SecretStr("trello-api-secret"))
    assert by_the_other_name.missing(["api_secret"]) == []
    webhook.verify(incoming(VECTOR_BODY, VECTOR_SIGNATURE), by_the_other_name, NOW)


# Upkeep: the moves


def look(books: Board, mark: dict[str, object] | None = None) -> tuple[Upkept, list[Call]]:
    kept, calls = converse(upkeep.look_for_moves(round_(mark), SETTINGS), books)
    return kept, calls


def test_a_lost_move_is_found_and_is_the_webhooks_event() -> None:
    books = Board()
    put(books)
    register(books)
    heard = events_of(STAND_IN.moves["move"]({"list": "Won"}, books))
    put(books, at("lost"))
    first, _ = look(books)
    second, _ = look(books, first.mark)
    assert heard == first.events == second.events
    assert [event.type for event in heard] == ["referral.closed"]


def test_a_round_asks_from_where_the_last_ended() -> None:
    call = next(upkeep.look_for_moves(round_({"since": "2026-01-15T10:00:00.000Z"}), SETTINGS))
    assert call.path == f"/boards/{BOARD}/actions"
    assert call.query == {"filter": "updateCard:idList", "since": "2026-01-15T10:00:00.000Z", "limit": "1000"}


def test_the_mark_follows_trellos_clock_and_never_goes_back() -> None:
    mark: dict[str, object] = {"since": "2026-01-15T09:00:00.000Z"}
    assert told(upkeep.look_for_moves(round_(mark), SETTINGS), Reply(200, [])).mark == mark
    assert told(upkeep.look_for_moves(round_(mark), SETTINGS), Reply(200, [MOVE])).mark == {
        "since": "2026-01-15T09:55:00.000Z"
    }


def test_many_moves_are_read_over_several_rounds_and_the_mark_waits() -> None:
    full = [Reply(200, [{**MOVE, "id": f"{n:08x}{k:016x}"} for k in range(1000)]) for n in (9, 8, 7, 6, 5)]
    mark: dict[str, object] = {"since": "2026-01-15T09:00:00.000Z"}
    first = told(upkeep.look_for_moves(round_(mark), SETTINGS), *full)
    assert len(first.events) == 5000
    assert first.mark == {**mark, "newest": "2026-01-15T10:00:00.000Z", "before": f"{5:08x}{0:016x}"}
    assert first.again_at is not None
    call = next(upkeep.look_for_moves(round_(first.mark), SETTINGS))
    assert call.query is not None
    assert call.query["before"] == f"{5:08x}{0:016x}"
    last = told(upkeep.look_for_moves(round_(first.mark), SETTINGS), Reply(200, []))
    assert (last.mark, last.again_at) == ({"since": "2026-01-15T09:55:00.000Z"}, None)


# The stand-in


@pytest.mark.parametrize(
    ("call", "status", "words"),
    [
        (Call.post("/cards", json={"name": "x"}), 400, "invalid value for idList"),
        (Call.post("/cards", json={"idList": "f" * 24}), 400, "invalid value for idList"),
        (Call.post("/cards", json={"idList": SUBMITTED, "desc": "x" * 16_385}), 400, "invalid value for desc"),
        (Call.post("/cards", json={"idList": SUBMITTED, "external": "x"}), 400, "invalid value for external"),
        (Call.put("/cards/" + "f" * 24, json={"idList": WON}), 404, "The requested resource was not found."),
        (Call.post("/webhooks/", json={"idModel": BOARD}), 400, "invalid value for callbackURL"),
        (Call.get("/boards/" + "f" * 24), 404, "board not found"),
        (Call.get(f"/boards/{BOARD}/cards", query={"limit": "1001"}), 400, "invalid value for limit"),
    ],
)
def test_a_wrong_request_is_refused_in_plain_text(call: Call, status: int, words: str) -> None:
    answer = ask(call, Board())
    assert (answer.status, answer.text, answer.media_type) == (status, words, "text/plain")


def test_the_stand_in_knows_key_and_token() -> None:
    for field, words in (("api_key", "invalid key"), ("token", "invalid token")):
        other = SETTINGS.model_copy(update={field: SecretStr("other")})
        answer = ask(Call.get("/members/me"), Board(), other)
        assert (answer.status, answer.text) == (401, words)


def test_the_stand_ins_board_pages_like_trello() -> None:
    books = Board()
    for number in range(1203):
        put_call = Call.post(
            "/cards", json={"idList": ACCEPTED if number % 2 else SUBMITTED, "desc": f"ovation:r_{number}"}
        )
        assert ask(put_call, books).status == 200
    early = CARD.model_copy(update={"referral": "r_7"})
    assert converse(client._found(early, SETTINGS), books)[0]["id"] == list(books.cards)[7]
    absent, calls = converse(client._found(CARD, SETTINGS), books)
    assert (absent, len(calls)) == (None, 2)


@pytest.mark.parametrize(
    ("move", "given", "status"),
    [
        ("move", {"list": "Won"}, 404),
        ("move", {}, 400),
        ("archive", {"x": 1}, 400),
        ("archive_list", {"list": "?"}, 400),
    ],
)
def test_a_move_that_cannot_be_made_says_so(move: str, given: Any, status: int) -> None:
    assert STAND_IN.moves[move](given, Board()).status == status


# Trello's own document


def document() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("Trello's document is not beside this checkout")
    found: dict[str, Any] = json.loads(SPEC.read_text())
    return found


def validate(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> None:
    jsonschema.validate(value, {**schema, "components": root["components"]}, cls=jsonschema.Draft202012Validator)


def parameters(root: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    return {one["name"]: one for one in root["paths"][path][method]["parameters"] if one["in"] == "query"}


def our_writes() -> list[tuple[Call, str]]:
    """Each of our writes, and the operation it is."""
    books = Board()
    [made], [moved] = put(books)[1], put(books, at("won"))[1]
    hooks = [
        next(upkeep.register(round_(), SETTINGS)),
        Call.put("/webhooks/x", json={"callbackURL": URL, "active": True}),
    ]
    return list(zip([made, moved, *hooks], ["/cards", "/cards/{id}", "/webhooks/", "/webhooks/{id}"], strict=True))


def test_our_bodies_fit_the_document() -> None:
    root = document()
    for call, path in our_writes():
        known = parameters(root, path, call.method.lower())
        assert {name for name, one in known.items() if one["required"]} <= set(call.json)
        for name, value in call.json.items():
            validate(value, known[name]["schema"], root)


def test_our_queries_fit_the_document() -> None:
    root = document()
    doctor = converse(client.doctor(SETTINGS), Board())[1]
    paths = ["/members/{id}", "/boards/{id}", "/boards/{id}/lists"]
    for call, path in zip(doctor, paths, strict=True):
        known = parameters(root, path, "get")
        for name, value in (call.query or {}).items():
            validate(value, known[name]["schema"], root)


@pytest.mark.parametrize(
    ("model", "path", "method"),
    [(NewCard, "/cards", "post"), (CardChange, "/cards/{id}", "put"), (NewHook, "/webhooks/", "post"),
     (HookChange, "/webhooks/{id}", "put")],
)  # fmt: skip
def test_the_stand_in_takes_exactly_the_documents_fields(model: Any, path: str, method: str) -> None:
    known = parameters(document(), path, method)
    assert set(model.model_fields) == set(known)
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required == {name for name, one in known.items() if one["required"]}


def test_the_stand_ins_answers_fit_the_document() -> None:
    root = document()
    books = Board()
    schemas = root["components"]["schemas"]
    put(books)
    register(books)
    own = next(iter(books.cards))
    hook = next(iter(books.hooks))
    answers = {
        "Member": [ask(Call.get("/members/me"), books).json],
        "Board": [ask(Call.get(f"/boards/{BOARD}"), books).json],
        "TrelloList": ask(Call.get(f"/boards/{BOARD}/lists"), books).json,
        "Card": [
            ask(Call.put(f"/cards/{own}", json={"idList": WON}), books).json,
            *ask(Call.get(f"/boards/{BOARD}/cards"), books).json,
        ],
        "Action": ask(Call.get(f"/boards/{BOARD}/actions"), books).json,
        "Webhook": [ask(Call.get(f"/webhooks/{hook}"), books).json],
    }
    for name, shown in answers.items():
        assert shown
        for one in shown:
            assert set(one) <= set(schemas[name]["properties"])
            validate(nulls_allowed(one, schemas[name]), schemas[name], root)


def nulls_allowed(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Without the nulls that OpenAPI 3.0 allows by `nullable`, which JSON Schema does not know."""
    may = {name for name, one in schema["properties"].items() if one.get("nullable")}
    return {name: one for name, one in value.items() if one is not None or name not in may}
