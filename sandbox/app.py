"""The sandbox's own addresses: outbox, faults, books, webhooks, moves, and the page to look at.

Whoever asks wrongly is told what is wrong and what there is, as `{"error": …}`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.answering import Sandbox, content_of, headers_of
from sandbox.faults import NotAFault
from sandbox.outbox import Entry
from sandbox.page import act, page
from sandbox.vendors import Vendor


class Refused(Exception):
    """A request to the sandbox itself that cannot be met; `more` is added to the answer."""

    def __init__(self, status: int, error: str, **more: object) -> None:
        super().__init__(error)
        self.status = status
        self.content = {"error": error, **more}


def create_app(vendors: Iterable[Vendor], gateway: str, public_url: str | None = None) -> Starlette:
    """The application. Webhooks go to `gateway`, signed for `public_url` where the gateway is known by another URL."""
    sandbox = Sandbox(vendors, gateway, public_url)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await sandbox.webhooks.close()

    app = Starlette(
        routes=[
            Route("/", page, methods=["GET"]),
            Route("/", act, methods=["POST"]),
            Route("/outbox", outbox, methods=["GET"]),
            Route("/outbox", empty_outbox, methods=["DELETE"]),
            Route("/faults", faults, methods=["GET"]),
            Route("/faults", set_fault, methods=["POST"]),
            Route("/faults", clear_faults, methods=["DELETE"]),
            Route("/environment", environment, methods=["GET"]),
            Route("/webhooks", webhooks, methods=["GET"]),
            Route("/books", empty_books, methods=["DELETE"]),
            Route("/books/{platform}", books, methods=["GET"]),
            Route("/{platform}/_moves", moves, methods=["GET"]),
            Route("/{platform}/_move/{name}", move, methods=["POST"]),
            Route("/{platform}/{path:path}", sandbox),
        ],
        exception_handlers={Refused: refusal},
        lifespan=lifespan,
    )
    app.state.sandbox = sandbox
    return app


async def refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse(error.content, error.status)


async def outbox(request: Request) -> Response:
    """What vendors were sent, oldest first; `?platform=` and `?effect=` choose."""
    ours = _sandbox(request).outbox
    unknown = set(request.query_params) - {"platform", "effect"}
    if unknown:
        raise Refused(422, f"unknown filter {', '.join(sorted(unknown))}; there are: platform, effect")
    chosen = ours.entries(request.query_params.get("platform"), request.query_params.get("effect"))
    return StreamingResponse(_in_parts(request, chosen), media_type="application/json")


async def _in_parts(request: Request, entries: list[Entry]) -> AsyncIterator[str]:
    for part in _sandbox(request).outbox.as_json(entries):
        yield part
        await asyncio.sleep(0)  # vendors' answers come between


async def empty_outbox(request: Request) -> Response:
    _sandbox(request).outbox.empty()
    return Response(status_code=204)


async def faults(request: Request) -> Response:
    """Those in force, with what is left of `count` and `after`."""
    return JSONResponse([fault.model_dump() for fault in _sandbox(request).faults.active])


async def set_fault(request: Request) -> Response:
    try:
        fault = _sandbox(request).faults.set(await _json(request))
    except NotAFault as error:
        raise Refused(422, str(error)) from None
    return JSONResponse(fault.model_dump(), 201)


async def clear_faults(request: Request) -> Response:
    _sandbox(request).faults.clear()
    return Response(status_code=204)


async def environment(request: Request) -> Response:
    """The environment variables that point the product at this sandbox; what is set already stays as it is."""
    address = str(request.base_url).rstrip("/")
    found: dict[str, str] = {}
    for vendor in _sandbox(request).vendors.values():
        found |= vendor.environment(address)
    return JSONResponse(found)


async def webhooks(request: Request) -> Response:
    """What the vendors told us, oldest first, and what became of it."""
    return JSONResponse([delivery.shown() for delivery in _sandbox(request).webhooks.deliveries])


async def books(request: Request) -> Response:
    """A vendor's own record."""
    return Response(_vendor(request).books.model_dump_json(), media_type="application/json")


async def empty_books(request: Request) -> Response:
    for vendor in _sandbox(request).vendors.values():
        vendor.start_afresh()
    return Response(status_code=204)


async def moves(request: Request) -> Response:
    """What an outsider may make happen at a vendor."""
    return JSONResponse(sorted(_vendor(request).stand_in.moves))


async def move(request: Request) -> Response:
    """Makes something happen at a vendor, with what the JSON body tells about it."""
    vendor, name = _vendor(request), request.path_params["name"]
    if name not in vendor.stand_in.moves:
        there = sorted(vendor.stand_in.moves)
        words = f"the stand-in of {vendor.name} has no move {name!r}; it has: {', '.join(there) or 'none'}"
        raise Refused(404, words, moves=there)
    answer = _sandbox(request).move(vendor, name, await _json(request))
    content = content_of(answer)
    return Response(content, answer.status, headers_of(answer, content))


def _sandbox(request: Request) -> Sandbox:
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


def _vendor(request: Request) -> Vendor:
    name, vendors = request.path_params["platform"], _sandbox(request).vendors
    if name not in vendors:
        there = ", ".join(vendors) or "none"
        raise Refused(404, f"no stand-in is called {name!r}; there are: {there}", platforms=list(vendors))
    return vendors[name]


async def _json(request: Request) -> Any:
    """The JSON body; an empty one is an empty object."""
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise Refused(422, f"the body is not JSON: {error}") from None
