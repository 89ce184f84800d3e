"""`/webhooks/{platform}`: a vendor tells us something. Verified by its own scheme, answered once it is stored.

The failures prevented: an event that was answered and then lost; a vendor's retry that acts twice; a stranger's webhook
believed; a bad body that ends in a 500 and is sent again for ever.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from sqlalchemy.exc import DataError

from models.event import Event
from platforms.base import Inbound, Incoming, Platform, PlatformSettings, Poke
from platforms.base import Response as Reply
from platforms.errors import BadSignature, Malformed
from starter.gateway.gateway import Gateway, body_of, clean, gateway, log
from starter.gateway.measures import WEBHOOKS
from store.inbox import count_stray

router = APIRouter(tags=["webhooks"])


@router.api_route("/webhooks/{platform}", methods=["GET", "HEAD", "POST"], operation_id="webhook")
async def webhook(platform: str, request: Request) -> Response:
    """A vendor's webhook, or the check of a vendor that wants to know whether we are there.

    2xx only after it is stored; 401 for a bad signature; 400 with the reason for a body that cannot be read, 422 for
    one that makes no sense; 413 too large; 503 while the secret that verifies it is not set."""
    here = gateway(request)
    try:
        response = await _answer(here, platform, request)
    except HTTPException as error:
        if platform in here.platforms:
            WEBHOOKS.labels(platform, error.status_code).inc()
            # What makes no sense may be quoted, and may be a person's: that is for the vendor alone.
            why = error.detail if error.status_code != 422 else "the answer tells the vendor why"
            log.warning("webhook of %s refused (%d): %s", platform, error.status_code, why)
        raise
    WEBHOOKS.labels(platform, response.status_code).inc()
    return response


async def _answer(here: Gateway, name: str, request: Request) -> Response:
    declared, inbound = _listening(here, name)
    settings = await here.settings_of(name)
    incoming = Incoming(
        method=request.method,
        url=_public_url(here, request),
        headers={k.lower(): v for k, v in request.headers.items()},
        query=dict(request.query_params),
        body=await body_of(request),
    )
    with _refusals():
        shake = inbound.handshake(incoming, settings) if inbound.handshake is not None else None
    if shake is not None:
        if shake.secret is not None:
            if not here.links.gave_out(name, incoming.query.get("hook", "")):
                raise HTTPException(401, "this address was not given out by us, so its secret is not taken")
            await here.keep_secret(name, shake.secret)
        return _response(shake)
    if request.method != "POST":
        raise HTTPException(405, f"{declared.label} sends its webhooks by POST", {"Allow": "POST"})
    unset = settings.missing(settings.required_in)
    if unset:
        raise HTTPException(503, f"webhooks of {declared.label} cannot be verified yet: set {', '.join(unset)}")
    with _refusals():
        inbound.verify(incoming, settings, datetime.now(UTC))  # how old a signature is, is between our machines
        items = inbound.unpack(incoming)
    became = [await _take(here, name, vendor_name, item, inbound, settings) for vendor_name, item in items]
    for upkeep in sorted({one.upkeep for one in became if isinstance(one, Poke)}):
        await here.poke(name, upkeep)
    problems = [one for one in became if isinstance(one, str)]
    if problems:
        raise HTTPException(422, clean("; ".join(problems[:5])))
    return _response(inbound.accepted)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """What a vendor's folder says of a request, as an answer."""
    try:
        yield
    except BadSignature as error:
        raise HTTPException(401, clean(f"bad signature: {error}")) from error
    except Malformed as error:
        raise HTTPException(400, clean(f"this cannot be read: {error}")) from error


async def _take(
    here: Gateway, platform: str, name: str, item: dict[str, object], inbound: Inbound, settings: PlatformSettings
) -> Poke | str | None:
    """Stores what one item of a webhook means; the poke, if it is one. The reason when it makes no sense; its neighbors
    are stored all the same, and a retry of the whole changes nothing."""
    try:
        read = inbound.read(name, item, settings)
        if read is None:
            await count_stray(here.engine, platform, name)
    except (Malformed, ValueError) as error:
        return f"{name}: {error}"
    except DataError:
        return f"{name!r}: no name that can be kept"
    if isinstance(read, Poke):
        return read
    refused = [why for event in read or () if (why := await _refused(here, event))]
    return f"{name}: {'; '.join(refused)}" if refused else None


async def _refused(here: Gateway, event: Event) -> str | None:
    """Stores an event. The reason when it cannot be."""
    try:
        await here.accept(event)
    except ValueError as error:
        return str(error)
    return None


def _listening(here: Gateway, name: str) -> tuple[Platform, Inbound]:
    found = here.platforms.get(name)
    if found is None or found[0].inbound is None:
        able = ", ".join(n for n, (p, _) in here.platforms.items() if p.inbound is not None)
        raise HTTPException(404, f"no platform {name!r} sends webhooks; these do: {able}")
    platform = found[0]
    assert platform.inbound is not None
    return platform, platform.inbound


def _public_url(here: Gateway, request: Request) -> str:
    """The address as the vendor called it: a proxy before us may have changed host and scheme."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{here.settings.public_url.rstrip('/')}{request.scope['path']}{query}"


def _response(reply: Reply) -> Response:
    return Response(reply.text, reply.status, dict(reply.headers), reply.media_type)
