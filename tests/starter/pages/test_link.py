"""Prevents: a friend who is turned away because of what their browser calls itself, a visitor who counts a thousand
times, and a crash by a header, a cookie or a code that nobody honest sends."""

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.starter.pages.conftest import Site, site_at
from tests.starter.pages.test_user_agent import PEOPLE, PROGRAMS


async def clicks(site: Site) -> int:
    [(touches,)] = await site.sql("SELECT count(*) FROM touches WHERE how = 'click'")
    counted = await site.count("referral.clicked")
    assert touches == counted, "each click that counts leaves its trace, and no other does"
    return counted


@pytest.mark.parametrize("agent", [*PEOPLE[:3], PEOPLE[-1], *PROGRAMS[:3], ""])
async def test_everybody_gets_the_page_and_the_cookies(site: Site, agent: str) -> None:
    ada = await site.known("ada@engines.example")
    async with site.browser(User_Agent=agent) as http:
        answer = await http.get(await site.link_of(ada))
        assert (answer.status_code, answer.headers["location"]) == (302, "/welcome")
        assert {"ovation_ref", "ovation_device"} <= set(http.cookies)
        assert (await http.get("/welcome")).status_code == 200
    assert await clicks(site) == (1 if agent in PEOPLE else 0)


@pytest.mark.parametrize(
    ("headers", "counted"),
    [
        ({"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}, 1),
        ({"Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"}, 0),
        ({"Sec_Fetch_Mode": "cors"}, 0),
        ({"Sec_Purpose": "prefetch"}, 0),
        ({"Purpose": "Prefetch"}, 0),
    ],
)
async def test_only_a_browser_on_its_way_is_counted(site: Site, headers: dict[str, str], counted: int) -> None:
    ada = await site.known("ada@engines.example")
    async with site.browser(**headers) as http:
        assert (await http.get(await site.link_of(ada))).status_code == 302
        assert (await http.head(await site.link_of(ada))).status_code == 302
    assert await clicks(site) == counted


async def test_a_flood_from_one_network_is_one_click(site: Site) -> None:
    link = await site.link_of(await site.known("ada@engines.example"))
    for _ in range(5):
        async with site.browser("203.0.113.7") as http:
            await http.get(link)
    for made_up in ("a" * 22, "b" * 22):
        async with site.browser("203.0.113.7", Cookie=f"ovation_device={made_up}") as http:
            await http.get(link)
    assert await clicks(site) == 1
    async with site.browser("198.51.100.4") as http:
        await http.get(link)
    assert await clicks(site) == 2


async def test_one_browser_s_clicks_of_an_hour_are_one(site: Site) -> None:
    link = await site.link_of(await site.known("ada@engines.example"))
    async with site.browser() as mine, site.browser() as neighbor:
        for _ in range(3):
            await mine.get(link)
        assert await clicks(site) == 1
        site.now += timedelta(hours=1)
        await neighbor.get(link)
        await mine.get(link)
        assert await clicks(site) == 3, "a browser that was counted before is told apart from its network"
        await mine.get(link)
        assert await clicks(site) == 3


async def test_cookies_are_secure_where_people_reach_us_by_tls(engine: AsyncEngine, database_url: str) -> None:
    """Whatever the scheme of the request is: a proxy ends the TLS."""
    for url, secure in (("https://thanks.example.com", True), ("http://127.0.0.1:8080", False)):
        async with site_at(database_url, engine, OVATION_PUBLIC_URL=url) as site, site.browser() as http:
            ada = await site.known("ada@engines.example")
            for path in (await site.link_of(ada), site.here.links.hub(ada).removeprefix(url)):
                cookies = (await http.get(path)).headers.get_list("set-cookie")
                assert cookies
                for cookie in cookies:
                    [(_, morsel)] = SimpleCookie(cookie).items()
                    assert bool(morsel["secure"]) is secure
                    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "lax", "/")


@pytest.mark.parametrize(
    ("referrer", "kept"),
    [
        ("https://www.coupons.example/ada?x", "www.coupons.example"),
        ("http://[::1", None),
        ("http://a\x00b/", None),
        ("nonsense", None),
        ("http://" + "a" * 300, None),
    ],
)
async def test_where_a_click_came_from_is_kept_if_it_is_an_address(site: Site, referrer: str, kept: str | None) -> None:
    ada = await site.known("ada@engines.example")
    async with site.browser(Referer=referrer) as http:
        assert (await http.get(await site.link_of(ada))).status_code == 302
    [(detail,)] = await site.sql("SELECT detail FROM touches WHERE how = 'click'")
    assert detail == kept


async def test_what_is_no_code_of_ours_is_said_so(site: Site) -> None:
    async with site.browser() as http:
        for path in ("/r/%00", "/r/nobody", "/r/%ED%A0%80", "/welcome"):
            assert (await http.get(path)).status_code == 404
    for cookie in (r'ovation_ref="\000"', "ovation_ref=nobody", r'ovation_ref="\000"; ovation_device="\000"'):
        async with site.browser(Cookie=cookie) as http:
            assert (await http.get("/welcome")).status_code == 404
            assert (await http.post("/welcome", data={"email": "bo@new.example"})).status_code == 404
