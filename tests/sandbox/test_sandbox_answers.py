"""Prevents: a stand-in that behaves otherwise behind the network than when it is called as a function."""

import httpx
import pytest


def test_the_guard_comes_first_then_the_route(sandbox) -> None:
    refused = sandbox.http.get("/parrot/nowhere", headers={"x-no": "1"})
    assert (refused.status_code, refused.json()) == (401, {"squawk": "no"})
    nowhere = sandbox.http.get("/parrot/nowhere")
    assert nowhere.status_code == 404
    assert nowhere.json() == {"error": "no such route in the stand-in: GET /nowhere"}
    assert sandbox.http.patch("/parrot/words").status_code == 404
    assert [entry["status"] for entry in sandbox.http.get("/outbox").json()] == [401, 404, 404]


def test_answers_arrive_as_the_stand_in_gave_them(sandbox) -> None:
    said = sandbox.http.post("/parrot/words", json={"word": "grüezi"})
    assert (said.status_code, said.json(), said.headers["x-parrot"]) == (201, {"words": ["grüezi"]}, "yes")
    assert said.headers["content-type"] == "application/json"
    plain = sandbox.http.get("/parrot/plain")
    assert (plain.text, plain.headers["content-type"]) == ("squawk", "text/plain")
    nothing = sandbox.http.delete("/parrot/words")
    assert (nothing.status_code, nothing.content) == (204, b"")


def test_a_path_s_parameters_are_decoded_and_an_encoded_slash_divides_nothing(sandbox) -> None:
    read = sandbox.http.get("/parrot/words/a%2Fb%40c", params={"q": "ä&b"})
    assert read.json() == {"word": "a/b@c", "q": "ä&b", "form": {}}
    assert sandbox.http.post("/parrot/form/x", data={"a": "1", "b": ""}).json()["form"] == {"a": "1", "b": ""}


def test_a_mistake_of_a_stand_in_is_named_and_not_taken_for_the_vendor_s_error(sandbox) -> None:
    fallen = sandbox.http.put("/parrot/words", json={})
    assert fallen.status_code == 500
    assert fallen.json() == {"error": "the stand-in of parrot has a mistake at PUT /words: KeyError('perch')"}


def test_who_is_not_there_is_told_who_is(sandbox) -> None:
    for path in ("/budgie/words", "/books/budgie", "/budgie/_moves"):
        missing = sandbox.http.get(path)
        assert missing.status_code == 404
        assert missing.json()["error"] == "no stand-in is called 'budgie'; there are: parrot, slack, wootric"
    assert sandbox.http.get("/outbox").json() == []


def test_books_show_what_was_done_and_can_be_emptied(sandbox) -> None:
    sandbox.http.post("/parrot/words", json={"word": "ahoy"})
    assert sandbox.http.get("/books/parrot").json() == {"words": ["ahoy"]}  # changed only in the request, as vendors do
    assert sandbox.http.delete("/books").status_code == 204
    assert sandbox.http.get("/books/parrot").json() == {"words": []}


def test_slack_and_wootric_answer_here(sandbox) -> None:
    token = {"authorization": "Bearer xoxb-sandbox"}
    message = {"channel": "C0SANDBOX1", "text": "hello"}
    assert sandbox.http.post("/slack/api/chat.postMessage", json=message, headers=token).json()["ok"] is True
    assert sandbox.http.post("/slack/api/chat.postMessage", json=message).json()["error"] == "not_authed"
    assert [m["text"] for m in sandbox.http.get("/books/slack").json()["messages"]] == ["hello"]
    credentials = {"client_id": "wootric-client-id", "client_secret": "wootric-client-secret"}
    granted = sandbox.http.post("/wootric/oauth/token", data={"grant_type": "client_credentials", **credentials})
    signed_in = {"authorization": f"Bearer {granted.json()['access_token']}"}
    assert sandbox.http.get("/wootric/v1/nps_summary", headers=signed_in).json()["responses"] == 0


def test_moves_are_listed_and_made(sandbox) -> None:
    assert sandbox.http.get("/slack/_moves").json() == ["react", "seed"]
    seeded = sandbox.http.post("/slack/_move/seed", json={"email": "Bo@acme.example"})
    assert seeded.json()["ok"] is True
    assert "bo@acme.example" in sandbox.http.get("/books/slack").json()["people"]
    refused = sandbox.http.post("/wootric/_move/answer", json={"email": "a@b.example", "score": 11})
    assert refused.status_code == 422
    assert sandbox.http.get("/outbox").json() == []


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/slack/_move/dance", b"{}", 404, "the stand-in of slack has no move 'dance'; it has: react, seed"),
        ("/slack/_move/seed", b"{", 422, "the body is not JSON"),
    ],
)
def test_a_wrong_move_is_told_what_is_wrong(sandbox, path: str, body: bytes, status: int, words: str) -> None:
    refused: httpx.Response = sandbox.http.post(path, content=body)
    assert refused.status_code == status
    assert words in refused.json()["error"]


def test_the_environment_points_the_product_here(sandbox) -> None:
    variables = sandbox.http.get("/environment").json()
    assert variables["OVATION_SLACK__BASE_URL"] == f"{sandbox.url}/slack"
    assert variables["OVATION_SLACK__BOT_TOKEN"] == "xoxb-sandbox"
    assert variables["OVATION_PARROT__COLORS"] == '["red"]'
