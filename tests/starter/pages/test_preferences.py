"""Prevents: somebody who said stop, by whichever button, and is written to again."""

from typing import Any

import pytest

from tests.starter.pages.conftest import Site

ONE_CLICK = "List-Unsubscribe=One-Click"


async def opted_out(site: Site) -> bool:
    [(at,)] = await site.sql("SELECT opted_out_at FROM contacts")
    return at is not None


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": ONE_CLICK},
        {"content": b""},
        {"content": b"\0\xff", "headers": {"Content-Type": "multipart/form-data"}},
        {"json": {"choice": "hear"}},
        {"content": "x=choice=hear"},
    ],
    ids=["a form", "in parts", "without its type", "empty", "broken", "no form", "no choice"],
)
async def test_a_mail_program_s_button_is_answered_at_once(site: Site, sent: dict[str, Any]) -> None:
    link = site.here.links.preferences(await site.known("ada@engines.example"))
    async with site.browser() as http:
        answer = await http.post(link, **sent)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert await opted_out(site)


@pytest.mark.parametrize("kind", ["data", "files"])
async def test_the_page_s_own_buttons_lead_back_to_it(site: Site, kind: str) -> None:
    link = site.here.links.preferences(await site.known("ada@engines.example"))

    def press(choice: str) -> dict[str, Any]:
        return {"data": {"choice": choice}} if kind == "data" else {"files": {"choice": (None, choice)}}

    async with site.browser() as http:
        assert 'value="stop"' in (await http.get(link)).text
        assert not await opted_out(site), "a look changes nothing"
        answer = await http.post(link, **press("stop"), follow_redirects=True)
        assert "You will not hear from us again." in answer.text
        assert await opted_out(site)
        answer = await http.post(link, **press("hear"), follow_redirects=True)
        assert 'value="stop"' in answer.text
        assert not await opted_out(site)


async def test_somebody_else_s_page_is_opened_by_no_other_address(site: Site) -> None:
    links, ada = site.here.links, await site.known("ada@engines.example")
    async with site.browser() as http:
        for token in (links.token("hub", ada), links.token("own", ada), links.token("payout", ada), "%00", "c_1."):
            assert (await http.get(f"/preferences/{token}")).status_code == 404
            assert (await http.post(f"/preferences/{token}", content=ONE_CLICK)).status_code == 404
    assert not await opted_out(site)
