"""Prevents: exactly-once tried against faults that are not what they say, as a "reset" that did the work after all."""

import httpx
import pytest

from sandbox.faults import Faults, NotAFault


def words(sandbox) -> list[str]:
    return sandbox.http.get("/books/parrot").json()["words"]


def say(sandbox, word: str) -> httpx.Response:
    return sandbox.http.post("/parrot/words", json={"word": word})


def fault(sandbox, kind: str, **more: object) -> None:
    answer = sandbox.http.post("/faults", json={"platform": "parrot", "kind": kind, **more})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(("kind", "squawk"), [("429", "slowly"), ("500", "ouch")])
def test_a_refusal_is_the_vendor_s_own_and_does_nothing(sandbox, kind: str, squawk: str) -> None:
    fault(sandbox, kind, count=2, after=1)
    statuses = [say(sandbox, word).status_code for word in "abcd"]
    assert statuses == [201, int(kind), int(kind), 201]
    assert words(sandbox) == ["a", "d"]
    listed = sandbox.http.get("/outbox").json()
    assert [(e["status"], e["fault"]) for e in listed[1:3]] == [(int(kind), kind)] * 2
    fault(sandbox, kind)
    assert say(sandbox, "e").json() == {"squawk": squawk}


def test_reset_gives_no_answer_and_does_nothing(sandbox) -> None:
    fault(sandbox, "reset")
    with pytest.raises(httpx.ReadError):
        say(sandbox, "a")
    assert words(sandbox) == []
    (entry,) = sandbox.http.get("/outbox").json()
    assert (entry["status"], entry["fault"], entry["body"]) == (None, "reset", {"word": "a"})
    assert say(sandbox, "b").status_code == 201


def test_accept_then_drop_does_it_and_gives_no_answer(sandbox) -> None:
    sandbox.listener.start()
    fault(sandbox, "accept_then_drop", count=2)
    for word in "ab":
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            say(sandbox, word)
    assert words(sandbox) == ["a", "b"]
    assert [(e["status"], e["fault"]) for e in sandbox.http.get("/outbox").json()] == [(201, "accept_then_drop")] * 2
    sandbox.until("/webhooks", lambda sent: [w["status"] for w in sent] == [200, 200])


def test_slow_does_it_at_once_and_answers_late(sandbox) -> None:
    fault(sandbox, "slow", seconds=30)
    with pytest.raises(httpx.ReadTimeout):
        sandbox.http.post("/parrot/words", json={"word": "a"}, timeout=0.2)
    assert words(sandbox) == ["a"]
    fault(sandbox, "slow", seconds=0.01)
    assert say(sandbox, "b").status_code == 201


def test_duplicate_webhook_sends_the_next_ones_twice(sandbox) -> None:
    sandbox.listener.start()
    fault(sandbox, "duplicate_webhook", count=1, after=1)
    for word in "abc":
        assert say(sandbox, word).status_code == 201
    sandbox.until("/webhooks", lambda sent: len(sent) == 4 and all(w["over"] for w in sent))
    assert len(sandbox.listener.arrived) == 4
    sandbox.listener.verify_all(sandbox.vendors)
    assert sandbox.http.get("/faults").json() == []


def test_other_platforms_are_left_alone(sandbox) -> None:
    fault(sandbox, "500", count=10)
    assert sandbox.http.get("/slack/api/auth.test").status_code == 200
    assert sandbox.http.get("/faults").json()[0]["count"] == 10


def test_faults_are_listed_with_what_is_left_and_cleared(sandbox) -> None:
    fault(sandbox, "500", count=3, after=1)
    say(sandbox, "a")
    say(sandbox, "b")
    (left,) = sandbox.http.get("/faults").json()
    assert left == {"platform": "parrot", "kind": "500", "count": 2, "after": 0, "seconds": 5.0}
    assert sandbox.http.delete("/faults").status_code == 204
    assert sandbox.http.get("/faults").json() == []
    assert say(sandbox, "c").status_code == 201


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"platform": "budgie", "kind": "500"}, "there is no stand-in 'budgie'; there are: parrot, slack, wootric"),
        ({"platform": "parrot", "kind": "fire"}, "kind: Input should be '429', '500', 'slow'"),
        ({"platform": "parrot", "kind": "500", "count": 0}, "count: Input should be greater than or equal to 1"),
        ({"platform": "parrot", "kind": "500", "times": 2}, "times: Extra inputs are not permitted"),
        ({"kind": "500"}, "platform: Field required"),
        ([], "body: Input should be"),
    ],
)
def test_a_wrong_fault_is_told_what_is_wrong(sandbox, given: object, said: str) -> None:
    refused = sandbox.http.post("/faults", json=given)
    assert refused.status_code == 422
    assert said in refused.json()["error"]
    assert sandbox.http.get("/faults").json() == []


def test_the_oldest_fault_that_is_due_comes_first() -> None:
    faults = Faults(["parrot"])
    faults.set({"platform": "parrot", "kind": "429", "after": 1})
    faults.set({"platform": "parrot", "kind": "500", "count": 2})
    met = [faults.for_request("parrot") for _ in range(4)]
    assert [fault.kind if fault else None for fault in met] == ["500", "429", "500", None]


def test_not_a_fault_names_every_field() -> None:
    with pytest.raises(NotAFault, match=r"platform: .*; kind: .*"):
        Faults([]).set({})
