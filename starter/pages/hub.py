"""Where the box's QR code leads: a personal page, never a product page. Thanks first; it asks for nothing.

The failures prevented: a scan that is lost because the page could not be shown; a link preview or a prefetch counted
as a scan; one person's page opened by another; a friend's name shown to whoever referred them; a reward's code, or the
way to it, read off a photo of the box. So a scan opens less of the page than the address in a mail.
"""

from datetime import UTC
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from models.contact import Identity
from models.event import Event
from models.links import Opened
from starter.gateway.gateway import Gateway, gateway
from starter.pages import visitor
from starter.pages.introduction import Filled, filled_in, submit, too_many
from starter.pages.page import not_ours, page
from starter.pages.standing import referral_words, reward_words
from store import hub
from store.referral import note_touch

router = APIRouter(tags=["pages"], include_in_schema=False)

SHARES = {
    "email": "mailto:?subject={title}&body={words}%0A%0A{link}",
    "whatsapp": "https://wa.me/?text={words}%20{link}",
    "linkedin": "https://www.linkedin.com/sharing/share-offsite/?url={link}",
}
"""Where a share button leads; the words are the advocate's to change there."""


@router.api_route("/q/{code}", methods=["GET", "HEAD"])
async def scan(code: str, request: Request) -> Response:
    """A scan of a box's code: recorded, then the hub."""
    here = gateway(request)
    found = await hub.scanned(here.engine, visitor.code_in(code))
    if found is None:
        return not_ours(here.shelf.program.company)
    if found.effect is not None and visitor.counts(request, printed=True):
        await here.accept(_event(here, "qr.scanned", Identity(kind="effect", value=found.effect), code))
    return RedirectResponse(here.links.scanned_hub(found.contact), 303)


@router.get("/hub/{token}")
async def show(token: str, request: Request) -> Response:
    """The advocate's page: all of it by the address in a mail, less of it by a scan."""
    here = gateway(request)
    opened = here.links.hub_opened(token)
    if opened is None:
        return not_ours(here.shelf.program.company)
    response = await _page(here, token, opened, Filled({}), sent="sent" in request.query_params)
    if response.status_code != 200:
        return response
    device = visitor.device_of(request) or visitor.new_device()
    if visitor.counts(request):
        await _count(here, request, opened, device)
    visitor.keep(here, response, visitor.DEVICE, device, visitor.A_YEAR)
    return response


async def _count(here: Gateway, request: Request, opened: Opened, device: str) -> None:
    """A visit by the address in a mail is the advocate's own; by a scan it may be anybody's, any number of times."""
    contact = opened.contact
    accepted = await here.accept(_event(here, "hub.visited", Identity(kind="ovation", value=contact), contact))
    if accepted.new or opened.own:
        how = "visit" if opened.own else "scan"
        await note_touch(here.engine, advocate_id=contact, how=how, **visitor.traces(here, request, device))


@router.post("/hub/{token}/referrals")
async def introduce(token: str, request: Request) -> Response:
    """The advocate introduces somebody. What is wrong is said beside the field, and nothing typed is lost."""
    here = gateway(request)
    opened = here.links.hub_opened(token)
    if opened is None or await hub.shown_to(here.engine, opened.contact) is None:
        return not_ours(here.shelf.program.company)
    filled = await filled_in(request)
    if filled.introduced is None:
        return await _page(here, token, opened, filled)
    if (patience := await too_many(here, request, opened.contact)) is not None:
        return patience
    await submit(here, request, filled.introduced, opened.contact, "introduction")
    return RedirectResponse(f"/hub/{token}?sent", 303)


@router.get("/hub/{token}/share/{network}")
async def share(token: str, network: str, request: Request) -> Response:
    """A press on a share button: recorded, then on to the network."""
    here = gateway(request)
    opened, known = here.links.hub_opened(token), here.shelf.program.referrals
    shown = await hub.shown_to(here.engine, opened.contact) if opened is not None else None
    if opened is None or shown is None or known is None or network not in SHARES:
        return not_ours(here.shelf.program.company)
    contact = opened.contact
    if visitor.counts(request):
        await here.accept(
            _event(here, "referral.shared", Identity(kind="ovation", value=contact), f"{contact}:{network}")
        )
    company, link = here.shelf.program.company, here.links.referral(shown.code)
    target = SHARES[network].format(title=quote(company), words=quote(known.words), link=quote(link, safe=""))
    return RedirectResponse(target, 303)


async def _page(here: Gateway, token: str, opened: Opened, filled: Filled, *, sent: bool = False) -> Response:
    shown = await hub.shown_to(here.engine, opened.contact)
    program = here.shelf.program
    if shown is None:
        return not_ours(program.company)
    return page(
        "hub.html",
        status=422 if filled.wrong else 200,
        company=program.company,
        hub=program.hub,
        token=token,
        first_name=shown.contact.first_name,
        video_url=shown.video_url,
        story_url=shown.story_url,
        preferences_url=here.links.preferences(opened.contact) if opened.own else None,
        link=None if program.referrals is None else here.links.referral(shown.code),
        words=None if program.referrals is None else program.referrals.words,
        networks=[name for name in SHARES if program.referrals is not None],
        referrals=[referral_words(row) for row in shown.referrals],
        rewards=[reward_words(row, own=opened.own) for row in shown.rewards],
        account_waits=shown.account_waits,
        given=filled.given,
        wrong=filled.wrong,
        sent=sent,
        stamp=visitor.stamp(here),
    )


def _event(here: Gateway, event_type: str, subject: Identity, what: str) -> Event:
    """One for each minute: a page opened twice at once is one visit."""
    now = here.now()
    minute = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
    return Event(type=event_type, source="pages", source_id=f"{event_type}:{what}:{minute}", subject=subject, at=now)
