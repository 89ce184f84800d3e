"""Where the box's QR code leads: a personal page, never a product page. Thanks first; it asks for nothing.

The failures prevented: a scan that is lost because the page could not be shown; a link preview or a prefetch counted
as a scan; one person's page opened by another.
"""

import re
from datetime import UTC

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from models.contact import Identity
from models.event import Event
from starter.gateway.gateway import Gateway, gateway
from starter.pages.page import not_ours, page
from store import hub

router = APIRouter(tags=["pages"], include_in_schema=False)

_NOT_A_PERSON = re.compile(
    r"bot\b|crawl|spider|preview|facebookexternalhit|slack-imgproxy|slackbot|whatsapp|telegram|skype|curl/|wget/|python-",
    re.IGNORECASE,
)
"""User agents that open a link to show or check it. A wrong guess costs one scan, never the page."""


@router.api_route("/q/{code}", methods=["GET", "HEAD"])
async def scan(code: str, request: Request) -> Response:
    """A scan of a box's code: recorded, then the hub."""
    here = gateway(request)
    found = await hub.scanned(here.engine, code)
    if found is None:
        return not_ours(here.shelf.program.company)
    if found.effect is not None and _by_a_person(request):
        await here.accept(_event(here, "qr.scanned", Identity(kind="effect", value=found.effect), code))
    return RedirectResponse(here.links.hub(found.contact), 303)


@router.get("/hub/{token}")
async def show(token: str, request: Request) -> Response:
    """The advocate's own page."""
    here = gateway(request)
    contact = here.links.contact_of("hub", token)
    shown = await hub.shown_to(here.engine, contact) if contact is not None else None
    if shown is None or contact is None:
        return not_ours(here.shelf.program.company)
    if _by_a_person(request):
        await here.accept(_event(here, "hub.visited", Identity(kind="ovation", value=contact), contact))
    program = here.shelf.program
    return page(
        "hub.html",
        company=program.company,
        hub=program.hub,
        first_name=shown.contact.first_name,
        video_url=shown.video_url,
        story_url=shown.story_url,
        preferences_url=here.links.preferences(contact),
    )


def _event(here: Gateway, event_type: str, subject: Identity, what: str) -> Event:
    """One for each minute: a page opened twice at once is one visit."""
    now = here.now()
    minute = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
    return Event(type=event_type, source="pages", source_id=f"{event_type}:{what}:{minute}", subject=subject, at=now)


def _by_a_person(request: Request) -> bool:
    if request.method != "GET":
        return False
    purpose = request.headers.get("sec-purpose", request.headers.get("purpose", ""))
    return "prefetch" not in purpose and not _NOT_A_PERSON.search(request.headers.get("user-agent", ""))
