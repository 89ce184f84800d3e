"""Where an advocate completes the account their rewards go to: a page at the payer, opened for a few minutes.

The failures prevented: a link in an e-mail that has run out, for the payer's own lives for minutes, so ours makes a new
one each time; and a reward taken by somebody else. The address stands in mails to the advocate only, on no page.
"""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from platforms.capabilities import InvitePayee, Receipt, Who
from platforms.errors import VendorError
from starter.gateway.gateway import Gateway, gateway
from starter.pages.page import not_ours, page
from store import contact as contacts
from store.payee import payee_of, payer_says_ready

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/payout/{token}")
async def show(token: str, request: Request) -> Response:
    """A page with one button: a scanner that opens links presses nothing."""
    here = gateway(request)
    contact = here.links.contact_of("payout", token)
    if contact is None or await contacts.read(here.engine, contact) is None:
        return not_ours(here.shelf.program.company)
    return await _page(here, token, contact)


@router.post("/payout/{token}")
async def go(token: str, request: Request) -> Response:
    """On to the payer, by a link that was made this moment."""
    here = gateway(request)
    contact = here.links.contact_of("payout", token)
    found = await contacts.read(here.engine, contact) if contact is not None else None
    payer = next(iter(here.shelf.program.platforms.get("payouts", [])), None)
    if contact is None or found is None or payer is None:
        return not_ours(here.shelf.program.company)
    platform, settings = here.platforms[payer]
    action = platform.action(InvitePayee)
    async with here.engine.connect() as conn:
        known = await payee_of(conn, contact, payer)
    if action is None or known is None:
        return await _page(here, token, contact)
    asked = InvitePayee(
        who=Who.of(found),
        country=here.shelf.program.payouts.country,
        account=known.account,
        return_url=here.links.hub(contact),
        refresh_url=here.links.payout(contact),
    )
    try:
        receipt: Receipt = await here.runner.hold(
            platform, settings, action.talk(asked, f"payee/{contact}", settings), key=f"payee/{contact}"
        )
    except VendorError:
        return await _page(here, token, contact, trouble=True)
    if receipt.facts.get("payable") is True:
        await payer_says_ready(here.engine, contact, payer, str(known.account), here.now())
        return await _page(here, token, contact)
    return RedirectResponse(receipt.url or here.links.hub(contact), 303)


async def _page(here: Gateway, token: str, contact: str, *, trouble: bool = False) -> Response:
    payer = next(iter(here.shelf.program.platforms.get("payouts", [])), "")
    async with here.engine.connect() as conn:
        known = await payee_of(conn, contact, payer)
    return page(
        "payout.html",
        status=503 if trouble else 200,
        leads_away=True,
        company=here.shelf.program.company,
        address=f"/payout/{token}",
        hub_url=here.links.hub(contact),
        state="trouble" if trouble else "none" if known is None else "ready" if known.payable else "open",
    )
