"""Prevents: a balance against something else than what vendors were really sent."""

import base64

import pytest

from sandbox.outbox import Entry, Outbox

KEYS = {"platform", "at", "method", "path", "headers", "body", "status", "effect"}


def entry(platform: str = "slack", body: bytes = b"", **headers: str) -> Entry:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Entry(platform, 0.0, "POST", "/x", {}, named, body, 200)


def test_the_outbox_lists_everything_in_order(sandbox) -> None:
    sandbox.http.post("/parrot/words", json={"word": "one"}, headers={"X-Ovation-Effect": "j/1/gift"})
    sandbox.http.post("/parrot/form/two", data={"a": ["1", "2"], "b": "3"})
    sandbox.http.get("/parrot/words/three", params={"limit": "5"})
    sandbox.http.post("/slack/api/auth.test", content=b"plain \xff", headers={"content-type": "text/plain"})
    one, two, three, four = sandbox.http.get("/outbox").json()
    assert one.keys() >= KEYS
    assert [e["platform"] for e in (one, two, three, four)] == ["parrot", "parrot", "parrot", "slack"]
    assert (one["method"], one["path"], one["status"], one["effect"]) == ("POST", "/words", 201, "j/1/gift")
    assert one["body"] == {"word": "one"}  # what the stand-in did to it later is not what was sent
    assert one["headers"]["x-ovation-effect"] == "j/1/gift"
    assert two["body"] == {"a": ["1", "2"], "b": "3"}
    assert (three["method"], three["query"], three["body"], three["effect"]) == ("GET", {"limit": "5"}, None, None)
    assert four["body"] == "plain \ufffd"
    assert one["at"] <= two["at"] <= three["at"] <= four["at"]
    assert one["at"].endswith("Z")


def test_it_can_be_filtered_and_emptied(sandbox) -> None:
    for effect in ("a", "b", "a"):
        sandbox.http.get("/parrot/plain", headers={"x-ovation-effect": effect})
    sandbox.http.get("/slack/api/auth.test", headers={"x-ovation-effect": "a"})
    assert len(sandbox.http.get("/outbox", params={"effect": "a"}).json()) == 3
    assert len(sandbox.http.get("/outbox", params={"platform": "parrot"}).json()) == 3
    assert len(sandbox.http.get("/outbox", params={"platform": "parrot", "effect": "a"}).json()) == 2
    wrong = sandbox.http.get("/outbox", params={"platfrom": "parrot"})
    assert (wrong.status_code, wrong.json()["error"]) == (422, "unknown filter platfrom; there are: platform, effect")
    assert sandbox.http.delete("/outbox").status_code == 204
    assert sandbox.http.get("/outbox").json() == []


def test_a_long_list_is_whole(sandbox) -> None:
    for _ in range(450):
        sandbox.http.get("/parrot/plain")
    assert len(sandbox.http.get("/outbox").json()) == 450


def test_secrets_are_never_shown(sandbox) -> None:
    secret = "wootric-client-secret"
    basic = base64.b64encode(f"id:{secret}".encode()).decode()
    sandbox.http.get("/wootric/a", headers={"authorization": f"Basic {basic}", "x-api-key": secret})
    sandbox.http.get("/wootric/b", params={"key": secret, "page": "2"})
    sandbox.http.post("/wootric/oauth/token", data={"client_secret": secret, "client_id": "me"})
    sandbox.http.post("/wootric/c", json={"client_secret": secret, "n": 1})
    text = sandbox.http.get("/outbox").text
    assert secret not in text
    assert basic not in text
    one, two, three, four = sandbox.http.get("/outbox").json()
    assert (one["headers"]["authorization"], one["headers"]["x-api-key"]) == ("Basic ***", "***")
    assert two["query"] == {"key": "***", "page": "2"}
    assert three["body"] == {"client_secret": "***", "client_id": "me"}
    assert four["body"] == {"client_secret": "***", "n": 1}
    assert secret not in sandbox.http.get("/").text


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe"])
def test_what_is_not_json_is_shown_as_text(body: bytes) -> None:
    shown = Outbox({}).shown(entry(body=body, content_type="application/json"))
    assert shown["body"] == body.decode("utf-8", "replace")


def test_the_oldest_leave_when_it_is_full() -> None:
    outbox = Outbox({}, entries=3)
    for n in range(5):
        outbox.add(entry(body=str(n).encode()))
    assert [e.body for e in outbox.entries()] == [b"2", b"3", b"4"]
    assert outbox.counts["slack"] == 5


def test_the_bodies_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.outbox.BYTES", 10)
    outbox = Outbox({})
    for body in (b"aaaa", b"bbbb", b"cccc", b"d" * 20):
        outbox.add(entry(body=body))
    assert [e.body for e in outbox.entries()] == [b"d" * 20]
