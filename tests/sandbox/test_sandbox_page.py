"""Prevents: a page that shows less than was sent, or lets what was sent run in the reader's browser."""

from html.parser import HTMLParser

import httpx
import pytest


class Outline(HTMLParser):
    """Every tag of a page, in order; `balanced` while each is closed by its own end."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self._open: list[str] = []
        self.balanced = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "input", "link", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.balanced = self.balanced and bool(self._open) and self._open.pop() == tag


def look(sandbox, **query: str) -> str:
    answer: httpx.Response = sandbox.http.get("/", params=query)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    outline = Outline()
    outline.feed(answer.text)
    assert outline.balanced
    assert "script" not in outline.tags
    return answer.text


def test_an_empty_sandbox_has_a_page(sandbox) -> None:
    html = look(sandbox)
    assert "Nothing sent yet" in html
    assert 'href="/?platform=slack"' in html
    assert '<meta name="viewport"' in html


def test_what_was_sent_is_there_and_harmless(sandbox) -> None:
    attack = "<script>alert(1)</script>"
    sandbox.http.post("/parrot/words", json={"word": attack}, headers={"x-ovation-effect": '"><b>'})
    sandbox.http.get("/parrot/%3Cimg%3E")
    sandbox.http.post("/parrot/_move/squawk", json={"said": attack})
    html = look(sandbox)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "/&lt;img&gt;" in html
    assert "<img" not in html
    assert "<b>" not in html
    assert html.index("/&lt;img&gt;") < html.index("<code>/words</code>")  # newest first
    assert "1 words" in html
    assert "https://ovation.example/webhooks/parrot" in html


def test_one_platform_alone(sandbox) -> None:
    sandbox.http.get("/parrot/plain")
    sandbox.http.get("/slack/api/auth.test")
    html = look(sandbox, platform="slack")
    assert "/api/auth.test" in html
    assert "/plain" not in html
    assert 'aria-current="page">slack' in html


def test_it_looks_again_only_when_asked(sandbox) -> None:
    assert "http-equiv" not in look(sandbox)
    html = look(sandbox, refresh="1", platform="parrot")
    assert '<meta http-equiv="refresh" content="5; url=/?platform=parrot&amp;refresh=1">' in html
    assert 'href="/?platform=parrot">Stop refreshing' in html


def act(sandbox, **form: str) -> str:
    answer = sandbox.http.post("/", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/?")
    html: str = sandbox.http.get(answer.headers["location"]).text
    return html


def test_moves_can_be_made_from_it(sandbox) -> None:
    html = act(sandbox, do="move", platform="slack", name="seed", json='{"email": "bo@acme.example"}', only="slack")
    assert "slack/seed: 200" in html
    assert 'aria-current="page">slack' in html
    assert "bo@acme.example" in sandbox.http.get("/books/slack").text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"do": "move", "platform": "slack", "name": "seed", "json": "{"}, "what was given is not JSON"),
        ({"do": "move", "platform": "slack", "name": "dance"}, "There is no move slack/dance."),
        ({"do": "move", "platform": "slack", "name": "seed", "json": "{}"}, "slack/seed: 422"),
        ({"do": "fault", "platform": "slack", "kind": "fire"}, "kind: Input should be"),
        ({"do": "fault", "platform": "slack", "kind": "500", "count": "x"}, "whole numbers"),
        ({"do": "dance"}, "The page knows no act"),
    ],
)
def test_a_wrong_form_is_told_what_is_wrong(sandbox, form: dict[str, str], said: str) -> None:
    assert said in act(sandbox, **form)


def test_faults_are_shown_set_and_ended(sandbox) -> None:
    html = act(sandbox, do="fault", platform="slack", kind="500", count="3", after="2")
    assert "500, 3 more, after 2 that go well" in html
    assert sandbox.http.get("/faults").json()[0]["kind"] == "500"
    assert "None in force." in act(sandbox, do="clear")
    assert sandbox.http.get("/faults").json() == []
