"""Prevents: a reward taken by whoever sees a photo of the box, a scan that is lost, a program counted as somebody."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import insert

from store import tables as t
from tests.starter.pages.conftest import NOON, Site, later, stamp_in

CODE = "THANK-YOU-71"


async def ada_has_rewards(site: Site, ada: str) -> None:
    """One was paid by a code that is not used yet; one waits until she has an account that can be paid."""
    rows = [
        {"id": "w_1", "status": "paid", "wallet": "code", "code": CODE, "paid_at": NOON, "reason": None},
        {"id": "w_2", "status": "waiting", "wallet": "cash", "code": None, "paid_at": None, "reason": "no account"},
    ]
    owed = {"rule": "advocate", "beneficiary_id": ada, "amount_minor": 5000, "currency": "USD", "at": NOON}
    async with site.engine.begin() as conn:
        for number, row in enumerate(rows):
            key = {"effect_key": f"k{number}", "referral_id": f"r_{number}"}
            await conn.execute(insert(t.rewards).values(**row, **owed, **key))
        paid = {"effect_key": "k0", "reward_id": "w_1", "amount_minor": 5000, "currency": "USD", "at": NOON}
        await conn.execute(insert(t.reward_entries).values(**paid))
        await conn.execute(insert(t.payees).values(contact_id=ada, platform="stripe", account="acct_ada"))


async def scanned(site: Site, http: httpx.AsyncClient, box: str) -> str:
    """Somebody scans. Gives the path of the page they see."""
    answer = await http.get(box)
    assert answer.status_code == 303
    return answer.headers["location"].removeprefix(site.here.links.public_url)


async def test_a_scan_shows_thanks_and_standing_and_nothing_that_is_worth_money(site: Site) -> None:
    ada = await site.known("ada@engines.example", first_name="Ada")
    await ada_has_rewards(site, ada)
    async with site.browser() as http:
        page = (await http.get(await scanned(site, http, await site.box_for(ada)))).text
    assert "Ada" in page and "/r/" in page and "50.00 USD" in page and "Paid on 24 November 2026." in page
    assert CODE not in page
    assert "/preferences/" not in page
    assert "payout" not in page and "in an e-mail to you" in page, "it says where the address is, and not the address"


async def test_the_address_in_a_mail_shows_all_that_is_theirs(site: Site) -> None:
    ada = await site.known("ada@engines.example", first_name="Ada")
    await ada_has_rewards(site, ada)
    async with site.browser() as http:
        page = (await http.get(site.here.links.hub(ada))).text
    assert CODE in page
    assert site.here.links.preferences(ada) in page
    assert "payout" not in page, "where the money goes is said at an address that no page shows"


async def test_no_page_gives_the_way_to_the_account(site: Site) -> None:
    ada = await site.known("ada@engines.example")
    await ada_has_rewards(site, ada)
    links = site.here.links
    async with site.browser() as http:
        for page in (await scanned(site, http, await site.box_for(ada)), links.hub(ada)):
            token = page.rpartition("/")[2]
            assert (await http.post(f"/hub/{token}/payout")).status_code == 404
            assert (await http.get(f"/payout/{token}")).status_code == 404
            assert (await http.post(f"/payout/{token}")).status_code == 404
            assert (await http.post(f"/preferences/{token}")).status_code == 404


async def test_the_form_works_on_either_page(site: Site) -> None:
    ada = await site.known("ada@engines.example")
    async with site.browser() as http:
        for friend, page in (
            ("bo@new.example", await scanned(site, http, await site.box_for(ada))),
            ("cy@new.example", site.here.links.hub(ada)),
        ):
            sent = {"email": friend, "stamp": stamp_in((await http.get(page)).text)}
            with later():
                answer = await http.post(f"{page}/referrals", data=sent)
            assert answer.status_code == 303
            assert "Thank you." in (await http.get(answer.headers["location"])).text
            assert await site.verdict(friend) == "allow"


@pytest.mark.parametrize("agent", ["python-httpx/0.28.1", "curl/8.5.0", "ScannerApp/2 CFNetwork/1568 Darwin/24", ""])
async def test_whatever_scans_a_printed_code_has_the_box(site: Site, agent: str) -> None:
    ada = await site.known("ada@engines.example")
    async with site.browser(User_Agent=agent) as http:
        assert (await http.get(await site.box_for(ada), follow_redirects=True)).status_code == 200
    assert (await site.count("qr.scanned"), await site.count("hub.visited")) == (1, 0)


async def test_a_scan_is_recorded_and_a_preview_of_its_photo_is_not(site: Site) -> None:
    ada = await site.known("ada@engines.example")
    box = await site.box_for(ada)
    for agent in ("Googlebot/2.1", "facebookexternalhit/1.1", "Slackbot-LinkExpanding 1.0"):
        async with site.browser(User_Agent=agent) as http:
            answer = await http.get(box, follow_redirects=True)
            assert (answer.status_code, "ovation_device" in http.cookies) == (200, True), "the page is for everybody"
    assert await site.sql("SELECT type FROM inbox WHERE source <> 'crm'") == []
    async with site.browser() as http:
        assert (await http.get(box, follow_redirects=True)).status_code == 200
    assert (await site.count("qr.scanned"), await site.count("hub.visited")) == (1, 1)


@pytest.mark.parametrize("header", [{"Sec_Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}])
async def test_a_browser_that_looks_ahead_is_nobody_yet(site: Site, header: dict[str, str]) -> None:
    ada = await site.known("ada@engines.example")
    async with site.browser(**header) as http:
        assert (await http.get(await site.box_for(ada), follow_redirects=True)).status_code == 200
    assert (await site.count("qr.scanned"), await site.count("hub.visited")) == (0, 0)


async def test_whoever_scans_is_not_taken_for_the_advocate(site: Site) -> None:
    """A photo of the box is posted; a friend scans it, finds the link there and follows it, all in one browser."""
    ada = await site.known("ada@engines.example")
    box, link = await site.box_for(ada), await site.link_of(ada)
    async with site.browser() as http:
        await http.get(box, follow_redirects=True)
        await http.get(link)
        sent = {"email": "bo@new.example", "stamp": stamp_in((await http.get("/welcome")).text)}
        with later():
            await http.post("/welcome", data=sent)
        assert await site.verdict("bo@new.example") == "allow"


async def test_the_advocate_s_own_browser_is_known_by_the_address_in_the_mail(site: Site) -> None:
    ada = await site.known("ada@engines.example")
    async with site.browser() as http:
        await http.get(site.here.links.hub(ada))
        await http.get(await site.link_of(ada))
        sent = {"email": "other-me@new.example", "stamp": stamp_in((await http.get("/welcome")).text)}
        with later():
            await http.post("/welcome", data=sent)
    assert await site.verdict("other-me@new.example") == "hold"


async def test_scans_by_the_hundred_leave_a_trace_a_minute(site: Site) -> None:
    ada = await site.known("ada@engines.example")
    box = await site.box_for(ada)
    for _ in range(5):
        async with site.browser() as http:
            await http.get(box, follow_redirects=True)
    assert len(await site.sql("SELECT 1 FROM touches")) == 1
    site.now += timedelta(minutes=1)
    async with site.browser() as http:
        await http.get(box, follow_redirects=True)
    assert len(await site.sql("SELECT 1 FROM touches WHERE how = 'scan'")) == 2


@pytest.mark.parametrize(
    "path", ["/q/%00", "/q/nobody", "/hub/%00", "/hub/c_1.x", "/hub/%00/share/email", "/hub/a%FFb"]
)
async def test_what_is_no_address_of_ours_is_said_so(site: Site, path: str) -> None:
    async with site.browser() as http:
        assert (await http.get(path)).status_code == 404
