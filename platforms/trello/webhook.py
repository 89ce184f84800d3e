"""Trello's webhooks: everything that happens on the board, of which we want the moves between lists.

The failure prevented: a deal won on the board that no journey hears of, and our own move that comes back as news. The
address is part of the signature, as it was registered; there is no time in it. `updateCard` says many things: a move is
`updateCard:idList` here, as in Trello's own filters.
"""

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from models.contact import Identity
from models.event import Event
from platforms.base import IGNORED, Body, Inbound, Incoming, Response, WithSettings
from platforms.capabilities import Stage
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.trello import TrelloSettings

SIGNATURE = "X-Trello-Webhook"
UNSET = "neither OVATION_TRELLO__WEBHOOK_SECRET nor OVATION_TRELLO__API_SECRET is set"
MOVE = "updateCard:idList"
TELLS: dict[Stage, str] = {
    "qualified": "referral.qualified",
    "won": "referral.closed",
    "lost": "referral.lost",
    "disqualified": "referral.lost",
}
"""What a card says that a person put into the stage's list. The other stages are ours to set."""

_NAME = re.compile(r"[A-Za-z]{1,64}")
_ID = re.compile(r"[0-9a-f]{24}")


def handshake(incoming: Incoming, settings: "TrelloSettings") -> Response | None:
    """HEAD, before a webhook is made: 200 and nothing else will do, and it is signed by nobody."""
    return Response() if incoming.method == "HEAD" else None


def verify(incoming: Incoming, settings: "TrelloSettings", now: datetime) -> None:
    """Base64 of HMAC-SHA1 over the raw body and the address that was registered, by the API secret."""
    given = incoming.headers.get(SIGNATURE.lower(), "")
    if not given:
        raise BadSignature(f"{SIGNATURE} is missing")
    secret = settings.inbound_secret()
    if not secret:
        raise BadSignature(UNSET)
    expected = _signature(secret, incoming.body, incoming.url)
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise BadSignature(f"{SIGNATURE} does not match: is it the API secret, and OVATION_PUBLIC_URL as registered?")


def sign(body: bytes, settings: "TrelloSettings", url: str, now: datetime) -> dict[str, str]:
    """The header Trello would send. Raises ValueError when there is no secret."""
    secret = settings.inbound_secret()
    if not secret:
        raise ValueError(UNSET)
    return {SIGNATURE: _signature(secret, body, url)}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One pair: a delivery is one action."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    action = body.get("action") if isinstance(body, dict) else None
    name = action.get("type") if isinstance(action, dict) else None
    if not isinstance(action, dict) or not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Malformed("no action with a type")
    old = _part(_part(action, "data"), "old")
    return [(MOVE if name == "updateCard" and "idList" in old else name, action)]


def moved(action: Body, settings: "TrelloSettings") -> list[Event]:
    """A card put into a list that stands for a stage. Also read by the upkeep that looks for what was lost."""
    if settings.member is not None and action.get("idMemberCreator") == settings.member:
        return []
    data = _part(action, "data")
    into = _part(data, "listAfter").get("id")
    told = next((TELLS[stage] for stage, one in settings.stages.items() if one == into and stage in TELLS), None)
    if told is None:
        return []
    try:
        return [
            Event(
                type=told,
                source="trello",
                source_id=_id(action),
                subject=Identity(kind="trello_send", value=_id(_part(data, "card"))),
                at=datetime.fromisoformat(action["date"]),
            )
        ]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Malformed(f"a move without a date that can be read ({type(error).__name__})") from error


def _id(thing: Body) -> str:
    own = thing.get("id")
    if not isinstance(own, str) or not _ID.fullmatch(own):
        raise Malformed("a move whose action or card has no id")
    return own


def _part(body: Body, name: str) -> Body:
    part = body.get(name)
    return part if isinstance(part, dict) else {}


def _signature(secret: str, body: bytes, url: str) -> str:
    signed = hmac.new(secret.encode(), body + url.encode(), hashlib.sha1)
    return base64.b64encode(signed.digest()).decode()


_NOT_WANTED = (
    *("acceptEnterpriseJoinRequest", "addAttachmentToCard", "addChecklistToCard", "addLabelToCard"),
    *("addMemberToBoard", "addMemberToCard", "addToOrganizationBoard", "commentCard", "convertToCardFromCheckItem"),
    *("copyBoard", "copyCard", "copyChecklist", "copyCommentCard", "createBoard", "createCard", "createCheckItem"),
    *("createCustomField", "createLabel", "createList", "deleteAttachmentFromCard", "deleteCard", "deleteCheckItem"),
    *("deleteComment", "deleteCustomField", "deleteLabel", "disablePlugin", "disablePowerUp", "emailCard"),
    *("enablePlugin", "enablePowerUp", "makeAdminOfBoard", "makeNormalMemberOfBoard", "makeObserverOfBoard"),
    *("moveCardFromBoard", "moveCardToBoard", "moveListFromBoard", "moveListToBoard", "removeChecklistFromCard"),
    *("removeFromOrganizationBoard", "removeLabelFromCard", "removeMemberFromBoard", "removeMemberFromCard"),
    *("updateBoard", "updateCard", "updateCheckItem", "updateCheckItemStateOnCard", "updateChecklist"),
    *("updateComment", "updateCustomField", "updateCustomFieldItem", "updateLabel", "updateList", "voteOnCard"),
)
"""A webhook of a board cannot be filtered: this is what else a board tells."""

INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    handshake=handshake,
    events={MOVE: WithSettings(moved), **dict.fromkeys(_NOT_WANTED, IGNORED)},
)
