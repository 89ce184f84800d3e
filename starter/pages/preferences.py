"""The way out, by one click: from the page, or from the mail program's own button (RFC 8058).

The failure prevented: somebody who said stop and is written to again, because a page failed or a link scanner had to
press a button first. A GET changes nothing; only a POST does, whatever is in it. A mail program's button is answered
with 200 at once: RFC 8058 lets it follow no redirect.
"""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from models.contact import Identity
from models.event import Event
from starter.gateway.gateway import gateway
from starter.pages.form import form_of
from starter.pages.page import not_ours, page
from store import contact as contacts

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/preferences/{token}")
async def show(token: str, request: Request) -> Response:
    """What they may choose."""
    here = gateway(request)
    contact = here.links.contact_of("preferences", token)
    found = await contacts.read(here.engine, contact) if contact is not None else None
    if found is None:
        return not_ours(here.shelf.program.company)
    return page(
        "preferences.html",
        company=here.shelf.program.company,
        address=request.url.path,
        opted_out=found.opted_out_at is not None,
    )


@router.post("/preferences/{token}")
async def choose(token: str, request: Request) -> Response:
    """Opts out, at once and for all journeys; `choice=hear` from the page takes it back."""
    here = gateway(request)
    contact = here.links.contact_of("preferences", token)
    if contact is None or await contacts.read(here.engine, contact) is None:
        return not_ours(here.shelf.program.company)
    choice = (await form_of(request)).get("choice")
    if choice == "hear":
        await contacts.opt_in(here.engine, contact)
    else:
        now = here.now()
        subject = Identity(kind="ovation", value=contact)
        source_id = f"opted_out:{contact}:{now.isoformat()}"
        await here.accept(
            Event(type="contact.opted_out", source="preferences", source_id=source_id, subject=subject, at=now)
        )
    if choice is None:
        return Response("You will not hear from us again.", media_type="text/plain")
    return RedirectResponse(request.url.path, 303)
