"""Dropbox's webhooks: something changed in an account, and no word of what.

The failure prevented: a webhook that Dropbox will not register because its challenge is not echoed as it wants, and a
change that is believed because a stranger says so. A delivery is only a ping; what came in is read by the upkeep, which
also looks by itself, since Dropbox repeats a ping for ten minutes and no longer.
"""

import hashlib
import hmac
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from models.contact import Identity
from models.event import Event, checked_data
from platforms.base import IGNORED, Body, Inbound, Incoming, Poke, Response
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.dropbox import DropboxSettings

SIGNATURE = "X-Dropbox-Signature"
UPLOADS = "uploads"
"""The upkeep that reads what came in."""

_KEY = re.compile(r"[a-z_]{1,40}")
_REFERRAL = re.compile(r"[a-z0-9_-]{1,128}")
_CHALLENGE = re.compile(r"[\x21-\x7e]{1,512}")
_MOST_KEYS = 8


def verify(incoming: Incoming, settings: "DropboxSettings", now: datetime) -> None:
    """HMAC-SHA256 of the raw body with the app secret, in hex. It covers no time: a replayed ping is one more look."""
    secret = settings.inbound_secret()
    if not secret:
        raise BadSignature("neither OVATION_DROPBOX__WEBHOOK_SECRET nor OVATION_DROPBOX__APP_SECRET is set")
    given = incoming.headers.get(SIGNATURE.lower())
    if not given:
        raise BadSignature(f"the header {SIGNATURE} is missing")
    if not hmac.compare_digest(signature(secret, incoming.body).encode(), given.encode("utf-8", "replace")):
        raise BadSignature(f"{SIGNATURE} does not fit the body: is it the secret of this app?")


def sign(body: bytes, settings: "DropboxSettings", url: str, now: datetime) -> dict[str, str]:
    """The header Dropbox would send."""
    return {SIGNATURE: signature(settings.inbound_secret(), body)}


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def handshake(incoming: Incoming, settings: "DropboxSettings") -> Response | None:
    """Registration: GET with `challenge`, unsigned, echoed as it is and as nothing that a browser would run."""
    challenge = incoming.query.get("challenge", "")
    if incoming.method != "GET" or not challenge:
        return None
    if not _CHALLENGE.fullmatch(challenge):
        raise Malformed("`challenge` is no word of Dropbox's")
    return Response(200, challenge, "text/plain", {"X-Content-Type-Options": "nosniff"})


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """A pair for each kind of change that the notification names. Whose account it was makes no difference: the
    upkeep looks into ours."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(body, dict) or len(body) > _MOST_KEYS:
        raise Malformed("not a notification of Dropbox's")
    if not all(_KEY.fullmatch(name) for name in body):
        raise Malformed("a notification of something without a name")
    return [(name, {"about": changed}) for name, changed in body.items()]


def received(entry: Body, folder: str) -> list[Event]:
    """Of an entry of a folder's list: a file in a referral's folder, each revision once. Its name says who sent it and
    is not read. Raises Malformed for one that makes no sense."""
    referral = _referral_of(entry, folder)
    if entry.get(".tag") != "file" or referral is None:
        return []
    try:
        return [
            Event(
                type="files.received",
                source="dropbox",
                source_id=f"{entry['id']}:{entry['rev']}",
                subject=Identity(kind="ovation_referral", value=referral),
                at=datetime.fromisoformat(entry["server_modified"]),
                data=checked_data("files.received", {"referral": referral, "count": 1}),
            )
        ]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Malformed(f"a file without its id, rev or time ({type(error).__name__})") from error


def _referral_of(entry: Body, folder: str) -> str | None:
    """The name of the folder right under ours that the file is in."""
    path, root = str(entry.get("path_lower") or ""), f"{folder.lower()}/"
    name, slash, _ = path.removeprefix(root).partition("/")
    return name if path.startswith(root) and slash and _REFERRAL.fullmatch(name) else None


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={"list_folder": Poke(UPLOADS), "delta": IGNORED},
    handshake=handshake,
)
