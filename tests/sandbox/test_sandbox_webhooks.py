"""Prevents: vendors' webhooks that our own verification would refuse, or that are lost while the gateway is down."""

import json
from urllib.parse import urlsplit

from sandbox.vendors import Vendor


def test_webhooks_are_signed_as_the_platform_verifies(sandbox) -> None:
    sandbox.listener.start()
    answered = {"email": "ada@example.com", "score": 9, "text": "Lovely."}
    assert sandbox.http.post("/wootric/_move/answer", json=answered).status_code == 200
    assert sandbox.http.post("/slack/_move/react", json={}).status_code == 404  # nothing was posted yet
    sandbox.http.post("/parrot/_move/squawk", json={"n": 1})
    sent = sandbox.until("/webhooks", lambda sent: len(sent) == 3 and all(w["over"] for w in sent))
    assert {(w["platform"], w["status"], w["attempts"]) for w in sent} == {("wootric", 200, 1), ("parrot", 200, 1)}
    sandbox.listener.verify_all(sandbox.vendors)
    paths = sorted(urlsplit(incoming.url).path for incoming in sandbox.listener.arrived)
    assert paths == ["/webhooks/parrot", "/webhooks/wootric", "/webhooks/wootric"]
    wootric = [json.loads(i.body)["event_name"] for i in sandbox.listener.arrived if i.url.endswith("/wootric")]
    assert wootric == ["created", "updated"]
    assert all(incoming.content_type == "application/json" for incoming in sandbox.listener.arrived)


def test_a_gateway_that_is_down_is_tried_again(sandbox) -> None:
    sandbox.http.post("/wootric/_move/decline", json={"email": "ada@example.com"})
    (waiting,) = sandbox.until("/webhooks", lambda sent: bool(sent) and sent[0]["attempts"] >= 2)
    assert (waiting["status"], waiting["over"]) == (None, False)
    assert waiting["error"] == "no answer (ConnectError)"
    sandbox.listener.start()
    (delivered,) = sandbox.until("/webhooks", lambda sent: sent[0]["over"])
    assert (delivered["status"], delivered["error"]) == (200, None)
    assert len(sandbox.listener.arrived) == 1
    sandbox.listener.verify_all(sandbox.vendors)


def test_a_gateway_in_trouble_is_tried_again_and_a_refusal_is_final(sandbox) -> None:
    sandbox.listener.answers = [503, 429, 200]
    sandbox.listener.start()
    sandbox.http.post("/parrot/_move/squawk", json={})
    (delivered,) = sandbox.until("/webhooks", lambda sent: bool(sent) and sent[0]["over"])
    assert (delivered["status"], delivered["attempts"]) == (200, 3)
    sandbox.listener.answers = [401]
    sandbox.http.post("/parrot/_move/squawk", json={})
    _, refused = sandbox.until("/webhooks", lambda sent: len(sent) == 2 and sent[1]["over"])
    assert (refused["status"], refused["attempts"]) == (401, 1)


def test_the_query_that_carries_a_secret_is_sent_and_not_shown(sandbox) -> None:
    sandbox.listener.start()
    sandbox.http.post("/parrot/_move/squawk", json={})
    (sent,) = sandbox.until("/webhooks", lambda sent: bool(sent) and sent[0]["over"])
    assert sent["url"] == "https://ovation.example/webhooks/parrot"
    assert sandbox.listener.arrived[0].query == {"s": "hush"}


def test_a_webhook_nobody_can_sign_is_shown_as_not_sent(sandbox) -> None:
    parrot: Vendor = sandbox.vendors["parrot"]
    parrot.inbound = None
    sandbox.http.post("/parrot/_move/squawk", json={})
    (sent,) = sandbox.until("/webhooks", lambda sent: bool(sent) and sent[0]["over"])
    assert sent["attempts"] == 0
    assert "declares no webhooks" in sent["error"]
