"""Who opens a page: which browser, from where, and whether it counts, as far as the fraud rules need it.

The failures prevented: a link preview counted as a click; somebody turned away because of what their browser calls
itself; somebody's network address kept. What is kept is a keyed hash: it tells whether two visits came from one place,
and nothing else.
"""

import hashlib
import hmac
import re
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import Response

from starter.gateway.gateway import Gateway
from starter.pages.user_agent import names_a_preview, names_a_program

DEVICE = "ovation_device"
"""The first-party cookie that tells one browser from another; random, and of no use to anybody else."""
A_YEAR = 31_536_000


def counts(request: Request, *, printed: bool = False) -> bool:
    """Whether this is somebody who looks: a browser on its way to the page, and not ahead of its user.

    `printed`: the address stands in a box and not in a chat, so whatever opens it has the box, a scanner's own program
    too. It decides what is counted, and nothing else: the page and its cookies are for everybody."""
    said = request.headers
    ahead = f"{said.get('sec-purpose', '')} {said.get('purpose', '')}".lower()
    nobody = names_a_preview if printed else names_a_program
    return (
        request.method == "GET"
        and not nobody(said.get("user-agent", ""))
        and said.get("sec-fetch-mode", "navigate") == "navigate"
        and "prefetch" not in ahead
    )


def by_a_program(request: Request) -> bool:
    """Whether it says itself that it is no browser. Anybody may say anything: a hint, and no proof."""
    return names_a_program(request.headers.get("user-agent", ""))


def code_in(text: str) -> str:
    """A code as we make them, from an address or a cookie; empty for anything else."""
    return text if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) else ""


def device_of(request: Request) -> str | None:
    """The browser's own mark; None where it brought none."""
    known = request.cookies.get(DEVICE, "")
    return known if re.fullmatch(r"[A-Za-z0-9_-]{16,40}", known) else None


def new_device() -> str:
    return secrets.token_urlsafe(16)


def keep(here: Gateway, response: Response, name: str, value: str, seconds: int) -> None:
    """Sets a cookie. Whether people reach us by TLS is known from our public address: a proxy may end it."""
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", path="/", secure=here.links.secure)


def traces(here: Gateway, request: Request, device: str | None) -> dict[str, Any]:
    """Network and device as keyed hashes. Behind a proxy of ours, the address is the one the proxy tells."""
    address = request.client.host if request.client is not None else ""
    key = here.links.secrets[0]
    return {"network": _hashed(key, address), "device": None if device is None else _hashed(key, device)}


def came_from(request: Request) -> str | None:
    """The host of the page that led here; None where none is named, or what is named is no address."""
    try:
        host = urlsplit(request.headers.get("referer", "")).hostname or ""
    except ValueError:
        return None
    return host if re.fullmatch(r"[a-z0-9.:_-]{1,253}", host) else None


def stamp(here: Gateway) -> str:
    """When a form was shown, signed: a form sent faster than anybody can read was sent by a machine."""
    shown = str(int(time.time()))
    return f"{shown}.{_hashed(here.links.secrets[0], f'form:{shown}')}"


def seconds_since(here: Gateway, stamped: str) -> float | None:
    """How long ago a form was shown; None when the stamp is not ours. A form outlives a change of the key."""
    shown, _, signature = stamped.partition(".")
    good = [_hashed(key, f"form:{shown}") for key in here.links.secrets]
    if not any(hmac.compare_digest(signature.encode(), one.encode()) for one in good) or not shown.isdigit():
        return None
    return time.time() - int(shown)


def _hashed(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]
