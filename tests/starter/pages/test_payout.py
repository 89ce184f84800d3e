"""Prevents: a reward that goes where a stranger says, and an advocate who cannot say where theirs should go."""

from collections.abc import Generator
from typing import Any

from sqlalchemy import insert

from platforms.capabilities import Receipt
from platforms.errors import Unavailable
from store import tables as t
from tests.starter.pages.conftest import Site

STRIPE = "https://connect.stripe.com/setup/s/ONE-TIME"


class Payer:
    """In the runner's place: what was asked, and an answer. `Receipt` or the error."""

    def __init__(self, answer: Receipt | Exception) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def hold(self, platform: Any, settings: Any, talk: Generator[Any, Any, Any], key: str = "") -> Any:
        self.asked.append(key)
        talk.close()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def an_advocate(site: Site, answer: Receipt | Exception) -> tuple[str, Payer]:
    """Ada, who has an account at the payer that is not complete; and the payer."""
    ada = await site.known("ada@engines.example", first_name="Ada")
    async with site.engine.begin() as conn:
        await conn.execute(insert(t.payees).values(contact_id=ada, platform="stripe", account="acct_ada"))
    payer = Payer(answer)
    site.here.runner = payer  # type: ignore[assignment]
    return ada, payer


async def test_the_address_in_the_mail_leads_on_to_the_payer(site: Site) -> None:
    ada, payer = await an_advocate(site, Receipt(reference="acct_ada", url=STRIPE))
    async with site.browser() as http:
        page = (await http.get(site.here.links.payout(ada))).text
        assert "Complete my account" in page
        assert payer.asked == [], "a scanner that opens links presses nothing"
        answer = await http.post(site.here.links.payout(ada))
        assert (answer.status_code, answer.headers["location"]) == (303, STRIPE)


async def test_no_other_address_of_ours_leads_there(site: Site) -> None:
    ada, payer = await an_advocate(site, Receipt(reference="acct_ada", url=STRIPE))
    links = site.here.links
    async with site.browser() as http:
        for page in ("hub", "own", "preferences", "hook"):
            token = links.token(page, ada)
            for path in (f"/payout/{token}", f"/hub/{token}/payout"):
                assert (await http.get(path)).status_code == 404
                assert (await http.post(path)).status_code == 404
        for path in ("/payout/%00", f"/payout/{ada}", f"/payout/{ada}."):
            assert (await http.post(path)).status_code == 404
    assert payer.asked == []


async def test_the_payer_sends_people_back_to_addresses_of_their_own(site: Site) -> None:
    """What the payer is told to lead back to opens the page in full, and a new link where theirs has run out."""
    ada, _ = await an_advocate(site, Receipt(reference="acct_ada", facts={"payable": True}))
    links = site.here.links
    async with site.browser() as http:
        page = (await http.post(links.payout(ada))).text
        assert "All set." in page and links.hub(ada) in page
        assert (await http.get(links.hub(ada))).status_code == 200
    [(payable,)] = await site.sql("SELECT payable FROM payees")
    assert payable


async def test_a_payer_that_does_not_answer_is_tried_again_by_the_same_page(site: Site) -> None:
    ada, payer = await an_advocate(site, Unavailable("no answer"))
    path = site.here.links.payout(ada).removeprefix(site.here.links.public_url)
    async with site.browser() as http:
        answer = await http.post(path)
    assert answer.status_code == 503
    assert f'action="{path}"' in answer.text
    assert len(payer.asked) == 1
