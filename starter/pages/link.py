"""The personal link: `/r/{code}` records the click and leads on; `/welcome` is our own landing page for a friend.

The failures prevented: an advocate's name or address in a URL; a preview counted as a click; a friend who came by a
link and is forgotten because their browser dropped a parameter, or calls itself something odd; one visitor who clicks a
thousand times.
"""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from models.contact import Identity
from models.event import Event
from starter.gateway.gateway import Gateway, gateway
from starter.pages import visitor
from starter.pages.introduction import Filled, filled_in, submit, too_many
from starter.pages.page import not_ours, page
from store.referral import advocate_of, last_click, note_touch

router = APIRouter(tags=["pages"], include_in_schema=False)

COOKIE = "ovation_ref"
NINETY_DAYS = 7_776_000


@router.api_route("/r/{code}", methods=["GET", "HEAD"])
async def click(code: str, request: Request) -> Response:
    """A click on somebody's link: recorded, a cookie set, and on to the company's page with the code."""
    here = gateway(request)
    code = visitor.code_in(code)
    advocate = await advocate_of(here.engine, code)
    if advocate is None:
        return not_ours(here.shelf.program.company)
    device = visitor.device_of(request) or visitor.new_device()
    if visitor.counts(request):
        await _count(here, request, code, advocate, device)
    response = RedirectResponse(_target(here, code), 302)
    visitor.keep(here, response, COOKIE, code, NINETY_DAYS)
    visitor.keep(here, response, visitor.DEVICE, device, visitor.A_YEAR)
    return response


async def _count(here: Gateway, request: Request, code: str, advocate: str, device: str) -> None:
    """One browser's clicks of an hour are one. So are those of one network whose browsers we have not counted before:
    anybody can throw a cookie away, or make one up."""
    now, traces = here.now(), visitor.traces(here, request, device)
    before = await last_click(here.engine, advocate, traces["device"])
    if before is not None and _hour(before) == _hour(now):
        return
    who = traces["network" if before is None else "device"]
    accepted = await here.accept(
        Event(
            type="referral.clicked",
            source="pages",
            source_id=f"click:{code}:{who[:12]}:{_hour(now)}",
            subject=Identity(kind="ovation", value=advocate),
            at=now,
            data={"referral_code": code},
        )
    )
    if accepted.new:
        came_from = visitor.came_from(request)
        click = {"advocate_id": advocate, "code": code, "how": "click", "detail": came_from, "at": now}
        await note_touch(here.engine, **click, **traces)


def _hour(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H}"


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
    if (patience := await too_many(here, request, advocate)) is not None:
        return patience
    await submit(here, request, filled.introduced, advocate, "link")
    return page("thanks.html", company=here.shelf.program.company)


async def _advocate(here: Gateway, request: Request) -> str | None:
    code = visitor.code_in(request.cookies.get(COOKIE, ""))
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
