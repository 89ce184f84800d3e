"""How a request at a vendor is answered: its fault, the stand-in's guard and route, the record, the webhooks.

This is the path that benchmarks run through: plain ASGI, and nothing parsed that nobody asked for.
"""

import asyncio
import json
import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from platforms.stand_in import Answer, Heard
from sandbox.faults import Fault, Faults
from sandbox.outbox import Entry, Outbox
from sandbox.server import hang_up
from sandbox.vendors import Found, Vendor, named
from sandbox.webhooks import Webhooks

log = logging.getLogger("ovation.sandbox")

FORM = "application/x-www-form-urlencoded"


class Sandbox:
    """The vendors and what became of every request; as an ASGI application it answers `/{platform}/…`."""

    def __init__(self, vendors: Iterable[Vendor], gateway: str, public_url: str | None = None) -> None:
        self.vendors: Mapping[str, Vendor] = named(vendors)
        self.gateway = gateway
        self.outbox = Outbox({name: vendor.settings.secrets() for name, vendor in self.vendors.items()})
        self.faults = Faults(self.vendors.keys())
        self.webhooks = Webhooks(gateway, public_url or gateway, self.faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, name, path = scope["path"].split("/", 2)
        vendor = self.vendors.get(name)
        if vendor is None:
            there = ", ".join(self.vendors) or "none"
            return await _send(send, Answer(404, {"error": f"no stand-in is called {name!r}; there are: {there}"}))
        body = await _whole(receive)
        if body is None:
            return None  # gone before it had said everything: a vendor would not have acted on it either
        raw = "/" + scope["raw_path"].decode("latin-1").split("/", 2)[2]
        route = vendor.find(scope["method"], raw)
        heard = _heard(scope, vendor, "/" + path, body, route[1] if route else {})
        fault = self.faults.for_request(name)
        if fault is not None and fault.kind == "reset":
            self._record(name, heard, None, fault)
            return await hang_up(scope, receive, reset=True)
        answer = _misbehaved(vendor, fault) or _worked(vendor, heard, route)
        self._record(name, heard, answer.status, fault)
        self.webhooks.send(vendor, answer.webhooks)
        if fault is not None and fault.kind == "accept_then_drop":
            return await hang_up(scope, receive, reset=False)
        if fault is not None and fault.kind == "slow":
            await _wait(receive, fault.seconds)
        return await _send(send, answer)

    def move(self, vendor: Vendor, name: str, given: Any) -> Answer:
        """Makes something happen at a vendor. Raises KeyError for a move it does not have."""
        answer = vendor.stand_in.moves[name](given, vendor.books)
        self.webhooks.send(vendor, answer.webhooks)
        return answer

    def _record(self, platform: str, heard: Heard, status: int | None, fault: Fault | None) -> None:
        kind = fault.kind if fault is not None else None
        self.outbox.add(
            Entry(platform, time.time(), heard.method, heard.path, heard.query, heard.headers, heard.body, status, kind)
        )


def _heard(scope: Scope, vendor: Vendor, path: str, body: bytes, params: Mapping[str, str]) -> Heard:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    query = scope["query_string"].decode("latin-1")
    return Heard(
        method=scope["method"],
        path=path,
        params=params,
        query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
        headers=headers,
        body=body,
        json=_parsed(body) if kind.endswith("json") else None,
        form=dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)) if kind == FORM else {},
        settings=vendor.settings,
    )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _misbehaved(vendor: Vendor, fault: Fault | None) -> Answer | None:
    if fault is not None and fault.kind == "429":
        return vendor.stand_in.rate_limited()
    if fault is not None and fault.kind == "500":
        return vendor.stand_in.broken()
    return None


def _worked(vendor: Vendor, heard: Heard, route: Found | None) -> Answer:
    try:
        refused = vendor.stand_in.guard(heard)
        if refused is not None:
            return refused
        if route is None:
            return Answer(404, {"error": f"no such route in the stand-in: {heard.method} {heard.path}"})
        return route[0](heard, vendor.books)
    except Exception as error:  # a mistake of the stand-in's, which nobody is to take for the vendor's 500
        log.exception("the stand-in of %s failed at %s %s", vendor.name, heard.method, heard.path)
        words = f"the stand-in of {vendor.name} has a mistake at {heard.method} {heard.path}: {error!r}"
        return Answer(500, {"error": words})


async def _whole(receive: Receive) -> bytes | None:
    """The request's body; None when the client went away before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _wait(receive: Receive, seconds: float) -> None:
    """Lets time pass, unless the client goes away: that is all there is left to receive."""
    with suppress(TimeoutError):
        await asyncio.wait_for(receive(), seconds)


def content_of(answer: Answer) -> bytes:
    """The answer's body. Raises TypeError for what JSON cannot hold."""
    if answer.json is not None:
        return json.dumps(answer.json, ensure_ascii=False, separators=(",", ":")).encode()
    return answer.text.encode()


def headers_of(answer: Answer, content: bytes) -> dict[str, str]:
    """The answer's headers, names in lower case."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if content:
        headers.setdefault("content-type", answer.media_type)
    if answer.status not in (204, 304):
        headers["content-length"] = str(len(content))
    return headers


async def _send(send: Send, answer: Answer) -> None:
    content = content_of(answer)
    headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers_of(answer, content).items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
