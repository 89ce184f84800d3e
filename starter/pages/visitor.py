"""Who opens a page: a person or a program, and from where, as far as the fraud rules need it.

The failures prevented: a link preview counted as a click, and somebody's network address kept. What is kept is a keyed
hash: it tells whether two visits came from one place, and nothing else.
"""

import hashlib
import hmac
import re
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request

from starter.gateway.gateway import Gateway

DEVICE = "ovation_device"
"""The first-party cookie that tells one browser from another; random, and of no use to anybody else."""
A_YEAR = 31_536_000

_NOT_A_PERSON = re.compile(
    r"bot\b|crawl|spider|preview|facebookexternalhit|slack-imgproxy|slackbot|whatsapp|telegram|skype|curl/|wget/|python-",
    re.IGNORECASE,
)
"""User agents that open a link to show or check it. A wrong guess costs one scan, never the page."""


def by_a_person(request: Request) -> bool:
    if request.method not in ("GET", "POST"):
        return False
    purpose = request.headers.get("sec-purpose", request.headers.get("purpose", ""))
    return "prefetch" not in purpose and not _NOT_A_PERSON.search(request.headers.get("user-agent", ""))


def device_of(request: Request) -> str:
    """The browser's own mark, or a new one."""
    known = request.cookies.get(DEVICE, "")
    return known if re.fullmatch(r"[A-Za-z0-9_-]{16,40}", known) else secrets.token_urlsafe(16)


def traces(here: Gateway, request: Request, device: str) -> dict[str, Any]:
    """Network and device as keyed hashes. Behind a proxy of ours, the address is the one the proxy tells."""
    address = request.client.host if request.client is not None else ""
    return {"network": _hashed(here, address), "device": _hashed(here, device)}


def came_from(request: Request) -> str | None:
    """The host of the page that led here."""
    return urlsplit(request.headers.get("referer", "")).hostname


def stamp(here: Gateway) -> str:
    """When a form was shown, signed: a form sent faster than anybody can read was sent by a machine."""
    shown = str(int(time.time()))
    return f"{shown}.{_hashed(here, f'form:{shown}')}"


def seconds_since(here: Gateway, stamped: str) -> float | None:
    """How long ago a form was shown; None when the stamp is not ours."""
    shown, _, signature = stamped.partition(".")
    good = _hashed(here, f"form:{shown}")
    if not shown.isdigit() or not hmac.compare_digest(signature.encode(), good.encode()):
        return None
    return time.time() - int(shown)


def _hashed(here: Gateway, text: str) -> str:
    return hmac.new(here.links.secrets[0].encode(), text.encode(), hashlib.sha256).hexdigest()[:32]
