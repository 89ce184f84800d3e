"""Prevents: a stranger's form that renames somebody, spoils a referral that is there, or fills the record; and a person
who is refused for what their browser says."""

from datetime import timedelta

import httpx
import pytest

from models.contact import Identity
from models.event import Event
from starter.pages.introduction import FOR_AN_ADVOCATE, FROM_A_BROWSER
from store.inbox import accept
from tests.starter.pages.conftest import PHONE, Site, later, stamp_in

BO = "bo@new.example"


async def comes(http: httpx.AsyncClient, link: str, email: str = BO, wait: float = 60, **fields: str) -> httpx.Response:
    """A friend clicks, reads, and sends the form."""
    await http.get(link)
    sent = {"email": email, "stamp": stamp_in((await http.get("/welcome")).text), **fields}
    with later(wait):
        return await http.post("/welcome", data=sent)


async def name_of(site: Site, email: str) -> tuple[str | None, ...]:
    query = "SELECT first_name, last_name, company FROM contacts JOIN identities ON contact_id = id WHERE value = :v"
    [row] = await site.sql(query, v=email)
    return tuple(row)


async def test_a_form_never_renames_who_is_known(site: Site) -> None:
    await site.known("grace@navy.example", first_name="Grace", last_name="Hopper")
    ada = await site.known("ada@engines.example", first_name="Ada")
    link = await site.link_of(ada)
    prank = {"first_name": "Stinky", "last_name": "McFace", "company": "Fools Inc"}
    async with site.browser() as http:
        await comes(http, link, "grace@navy.example", **prank)
        await comes(http, link, "ada@engines.example", **prank)
        await comes(http, link, BO, **prank)
    assert await name_of(site, "grace@navy.example") == ("Grace", "Hopper", "Fools Inc"), "what is empty is filled"
    assert await name_of(site, "ada@engines.example") == ("Ada", "McFace", "Fools Inc")
    assert await name_of(site, BO) == ("Stinky", "McFace", "Fools Inc")


async def test_a_later_form_says_nothing_against_the_referral_it_joins(site: Site) -> None:
    """A stranger who knows the friend's address sends it again, by a program that fills in what people do not see."""
    link = await site.link_of(await site.known("ada@engines.example"))
    async with site.browser("10.1.1.1") as bo:
        assert (await comes(bo, link)).status_code == 200
    assert await site.verdict(BO) == "allow"
    site.now += timedelta(days=60)
    async with site.browser("10.2.2.2", User_Agent="curl/8.5.0") as stranger:
        await stranger.get(link)
        assert (await stranger.post("/welcome", data={"email": BO, "website": "https://spam"})).status_code == 200
    assert await site.verdict(BO) == "allow"


async def test_nor_does_a_form_for_a_referral_that_another_door_brought(site: Site) -> None:
    ada = await site.known("ada@engines.example")
    told = {"referred_by": f"ovation:{ada}"}
    subject = Identity(kind="email", value=BO)
    crm = Event(type="referral.submitted", source="crm", source_id="1", subject=subject, at=site.now, data=told)
    await accept(site.engine, crm)
    site.now += timedelta(minutes=5)
    async with site.browser() as stranger:
        await stranger.get(site.here.links.hub(ada))
        await comes(stranger, await site.link_of(ada), website="https://spam")
    assert await site.verdict(BO) == "allow"
    assert await site.sql("SELECT 1 FROM touches WHERE friend_id IS NOT NULL AND device IS NOT NULL") == []


@pytest.mark.parametrize(
    ("fields", "wait", "agent", "verdict", "rule"),
    [
        ({"website": "https://spam"}, 60, PHONE["User-Agent"], "deny", "machine"),
        ({}, 0.5, PHONE["User-Agent"], "deny", "machine"),
        ({"stamp": ""}, 60, PHONE["User-Agent"], "hold", "machine"),
        ({"stamp": "1.made-up"}, 60, PHONE["User-Agent"], "hold", "machine"),
        ({}, 60, "curl/8.5.0", "allow", "program"),
        ({}, 60, "", "allow", "program"),
        ({"stamp": ""}, 60, "curl/8.5.0", "hold", "machine"),
        ({}, -5, PHONE["User-Agent"], "allow", ""),
    ],
    ids=[
        "honeypot",
        "speed",
        "no stamp",
        "a stamp not ours",
        "a program",
        "nothing said",
        "a script",
        "a clock behind",
    ],
)
async def test_what_a_form_tells_weighs_what_it_proves(
    site: Site, fields: dict[str, str], wait: float, agent: str, verdict: str, rule: str
) -> None:
    link = await site.link_of(await site.known("ada@engines.example"))
    async with site.browser(User_Agent=agent) as http:
        assert (await comes(http, link, wait=wait, **fields)).status_code == 200, "whoever it is, the page is friendly"
    assert await site.verdict(BO) == verdict
    found = await site.sql("SELECT rule FROM findings ORDER BY weight DESC")
    assert (found[0].rule if found else "") == rule


async def test_a_form_outlives_a_change_of_the_secret_key(site: Site) -> None:
    link = await site.link_of(await site.known("ada@engines.example"))
    async with site.browser() as http:
        await http.get(link)
        stamp = stamp_in((await http.get("/welcome")).text)
        site.keys("the new key", "a secret for tests")
        with later():
            await http.post("/welcome", data={"email": BO, "stamp": stamp})
        assert await site.verdict(BO) == "allow"
        site.keys("the newest key alone")
        with later():
            await http.post("/welcome", data={"email": "cy@new.example", "stamp": stamp})
        assert await site.verdict("cy@new.example") == "hold", "a key that is gone is a reason to look, not a proof"


async def test_an_advocate_may_introduce_somebody_in_an_instant(site: Site) -> None:
    hub = site.here.links.hub(await site.known("ada@engines.example"))
    async with site.browser(User_Agent="python-httpx/0.28.1") as program:
        assert (await program.post(f"{hub}/referrals", data={"email": BO})).status_code == 303
    assert await site.verdict(BO) == "allow"


async def test_more_forms_than_one_browser_sends_are_asked_for_patience(site: Site) -> None:
    link = await site.link_of(await site.known("ada@engines.example"))
    async with site.browser("203.0.113.7") as flood, site.browser("203.0.113.7") as neighbor:
        answers = [await comes(flood, link, f"victim{n}@mail{n}.example") for n in range(FROM_A_BROWSER + 2)]
        assert [a.status_code for a in answers] == [200] * FROM_A_BROWSER + [429] * 2
        assert "text/html" in answers[-1].headers["content-type"] and "again in an hour" in answers[-1].text
        assert answers[-1].headers["retry-after"] == "3600"
        assert len(await site.sql("SELECT 1 FROM referrals")) == FROM_A_BROWSER
        assert (await comes(neighbor, link)).status_code == 200, "who shares the network has a browser of their own"
        site.now += timedelta(minutes=61)
        assert (await comes(flood, link)).status_code == 200


async def test_without_a_cookie_a_whole_network_is_one_browser(site: Site) -> None:
    hub = site.here.links.hub(await site.known("ada@engines.example"))
    for number in range(FROM_A_BROWSER + 1):
        async with site.browser("203.0.113.7") as http:
            answer = await http.post(f"{hub}/referrals", data={"email": f"v{number}@mail.example"})
    assert answer.status_code == 429
    async with site.browser("198.51.100.4") as http:
        assert (await http.post(f"{hub}/referrals", data={"email": BO})).status_code == 303


async def test_one_advocate_gets_only_so_many_forms_an_hour_from_wherever(site: Site) -> None:
    ada, eve = await site.known("ada@engines.example"), await site.known("eve@elsewhere.example")
    await site.sql(
        "INSERT INTO touches (advocate_id, how, network, at) SELECT :ada, 'form', 'n' || n, :now "
        "FROM generate_series(1, :most) AS n",
        ada=ada,
        now=site.now,
        most=FOR_AN_ADVOCATE,
    )
    async with site.browser() as http:
        assert (await comes(http, await site.link_of(ada))).status_code == 429
        assert (await comes(http, await site.link_of(eve))).status_code == 200


async def test_what_cannot_be_stored_is_cleaned_and_what_is_wrong_is_said(site: Site) -> None:
    link = await site.link_of(await site.known("ada@engines.example"))
    async with site.browser() as http:
        assert (await comes(http, link, first_name="B\0o", notes="a\0b")).status_code == 200
        assert await name_of(site, BO) == ("Bo", None, None)
        for email in ("bo at new", "bo@new", "b o@new.example", "bo\t@new.example", "bo\r\n@new.example", "\0"):
            assert (await http.post("/welcome", data={"email": email})).status_code == 422
        assert (await http.post("/welcome", content=b"email=%00&%00=%ED%A0%80&=&&")).status_code == 422
        parts = {"email": (None, "cy@new.example"), "first_name": (None, "C\0y"), "photo": ("a.png", b"\0\1")}
        assert (await http.post("/welcome", files=parts)).status_code == 200
    assert await name_of(site, "cy@new.example") == ("Cy", None, None)
