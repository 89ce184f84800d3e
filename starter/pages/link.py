"""The personal link: `/r/{code}` records the click and leads on; `/welcome` is our own landing page for a friend.

The failures prevented: an advocate's name or address in a URL; a preview counted as a click; a friend who came by a
link and is forgotten because their browser dropped a parameter.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from models.contact import Identity
from models.event import Event
from starter.gateway.gateway import Gateway, gateway
from starter.pages import visitor
from starter.pages.introduction import Filled, filled_in, submit
from starter.pages.page import not_ours, page
from store.referral import advocate_of, note_touch

router = APIRouter(tags=["pages"], include_in_schema=False)

COOKIE = "ovation_ref"
NINETY_DAYS = 7_776_000


@router.api_route("/r/{code}", methods=["GET", "HEAD"])
async def click(code: str, request: Request) -> Response:
    """A click on somebody's link: recorded, a cookie set, and on to the company's page with the code."""
    here = gateway(request)
    advocate = await advocate_of(here.engine, code)
    if advocate is None:
        return not_ours(here.shelf.program.company)
    response = RedirectResponse(_target(here, code), 302)
    if not visitor.by_a_person(request):
        return response
    device = visitor.device_of(request)
    await note_touch(
        here.engine,
        advocate_id=advocate,
        code=code,
        how="click",
        detail=visitor.came_from(request),
        **visitor.traces(here, request, device),
    )
    await here.accept(_clicked(here, code, advocate, device))
    _set(response, request, COOKIE, code, NINETY_DAYS)
    _set(response, request, visitor.DEVICE, device, visitor.A_YEAR)
    return response


def _clicked(here: Gateway, code: str, advocate: str, device: str) -> Event:
    """One browser's clicks of an hour are one."""
    now = here.now()
    return Event(
        type="referral.clicked",
        source="pages",
        source_id=f"click:{code}:{device[:12]}:{now:%Y-%m-%dT%H}",
        subject=Identity(kind="ovation", value=advocate),
        at=now,
        data={"referral_code": code},
    )


def _target(here: Gateway, code: str) -> str:
    """The company's page with the code in its query; our own where the program names none."""
    known = here.shelf.program.referrals
    if known is None or known.link is None:
        return "/welcome"
    parts = urlsplit(known.link)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), ("ref", code)])))


@router.get("/welcome")
async def welcome(request: Request) -> Response:
    """What a friend sees who came by a link."""
    here = gateway(request)
    advocate = await _advocate(here, request)
    return not_ours(here.shelf.program.company) if advocate is None else _form(here, Filled({}))


@router.post("/welcome")
async def join(request: Request) -> Response:
    """A friend tells who they are."""
    here = gateway(request)
    advocate = await _advocate(here, request)
    if advocate is None:
        return not_ours(here.shelf.program.company)
    filled = await filled_in(request)
    if filled.introduced is None:
        return _form(here, filled)
    await submit(here, request, filled.introduced, advocate, "link", visitor.device_of(request))
    return page("thanks.html", company=here.shelf.program.company)


async def _advocate(here: Gateway, request: Request) -> str | None:
    code = request.cookies.get(COOKIE, "")
    return await advocate_of(here.engine, code) if code else None


def _form(here: Gateway, filled: Filled) -> Response:
    return page(
        "welcome.html",
        status=422 if filled.wrong else 200,
        company=here.shelf.program.company,
        given=filled.given,
        wrong=filled.wrong,
        stamp=visitor.stamp(here),
    )


def _set(response: Response, request: Request, name: str, value: str, seconds: int) -> None:
    secure: dict[str, Any] = {"secure": request.url.scheme == "https"}
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", path="/", **secure)
