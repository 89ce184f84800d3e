"""Ordering a personal video from Sendspark, and asking whether it can be watched yet.

The failures prevented: minutes of video paid for twice, because there is no idempotency key; a gift that waits for ever
for a message that got lost; and a film that greets somebody by another name. An address is in a campaign only once, so
we look before each order and after each doubt. A video is ready when it has a link, whatever its status says.
"""

from collections.abc import Generator
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from models.event import id_from_content
from platforms.base import Body, Call, Problem, Reply, Talk, Token, brief, by_status, retry_after_of, reveal
from platforms.capabilities import MakeVideo, Receipt
from platforms.errors import InDoubt, Rejected, Unauthorized

if TYPE_CHECKING:
    from platforms.sendspark import SendsparkSettings

EFFECT = "effect"
"""The query parameter of the webhook's address that holds our key: no event carries anything else of ours."""
SECRET = "secret"  # noqa: S105  the parameter's name
WANTED = ["video_generated_dv", "video_generated_error", "video_viewed"]

SOONEST, LATEST = 120.0, 1800.0
"""Seconds between two looks at a video in the making. Looks share thirty requests a minute with orders."""
LIMITED = 60.0


def headers(settings: "SendsparkSettings", token: Token | None) -> dict[str, str]:
    """The workspace's key and a user's secret, both."""
    pair = {"x-api-key": reveal(settings.api_key), "x-api-secret": reveal(settings.api_secret)}
    return {**pair, "Accept": "application/json"}


def make_video(action: MakeVideo, key: str, settings: "SendsparkSettings") -> Talk:
    """POST …/dynamics/{dynamicsId}/prospect, unless GET …/prospects/{contactEmail} shows that it is there.

    One that failed or was deleted is ordered again: that is what a retry by an operator is for."""
    there = yield from _look(action, settings)
    if there is not None and _trouble(there.json) is None:
        return _receipt(there.json, there, action)
    path = f"{_campaign(action, settings)}/prospect"
    reply = yield Call.post(path, json=_order(action, key, settings))
    ordered = _ours(reply.json, action)
    if ordered is None:
        raise InDoubt("Sendspark took the order, and does not list the video in its answer")
    return _judged(ordered, reply, action)


def find_video(action: MakeVideo, key: str, settings: "SendsparkSettings") -> Generator[Call, Reply, Receipt | None]:
    """GET …/dynamics/{dynamicId}/prospects/{contactEmail}: 404 when the address is not in the campaign."""
    there = yield from _look(action, settings)
    return None if there is None else _judged(there.json, there, action)


def doctor(settings: "SendsparkSettings") -> Talk:
    """GET /v1/workspaces/identifier: the workspace of this pair of keys; GET …/dvm-bundles: what credit is left."""
    told = (yield Call.get("/v1/workspaces/identifier")).json.get("workspaceId")
    if told != settings.workspace:
        raise Unauthorized(f"this key belongs to workspace {told}: set OVATION_SENDSPARK__WORKSPACE to that")
    balance = (yield Call.get(f"/v1/workspaces/{_word(told)}/dvm-bundles")).json.get("balance")
    numbers = {k: v for k, v in balance.items() if isinstance(v, int | float)} if isinstance(balance, dict) else {}
    return Receipt(facts={"workspace": told, "balance": numbers})


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status, in Sendspark's words. Every answer we ask for is an object. A 429 says nothing of how long."""
    if reply.ok and not isinstance(reply.json, dict):
        return Problem(
            "in doubt" if call.writes else "unavailable", f"not an answer of Sendspark's: {brief(reply, 80)}"
        )
    problem = by_status(reply, call)
    if problem is None:
        return None
    if problem.kind == "rate-limited":
        return replace(problem, retry_after=retry_after_of(reply, LIMITED))
    return replace(problem, message=_explained(reply))


def reference_of(campaign: str, email: str) -> str:
    """Our name for a video. Events tell the campaign and the address and no id that the order's answer had, so both
    sides make it of these; and no address is kept where ids are."""
    return id_from_content(campaign, email.strip().lower())


def _look(action: MakeVideo, settings: "SendsparkSettings") -> Generator[Call, Reply, Reply | None]:
    reply = yield Call.get(f"{_campaign(action, settings)}/prospects/{_word(action.email)}", accepts=[404])
    return None if reply.status == 404 else reply


def _order(action: MakeVideo, key: str, settings: "SendsparkSettings") -> Body:
    """The first name alone is spoken. Without consent to charges beyond the plan nothing is made at all; the strategy
    lets the first video stand where two orders meet."""
    prospect: Body = {"contactName": action.first_name, "contactEmail": action.email}
    if action.company:
        prospect["company"] = action.company
    if action.webhook_url and reveal(settings.webhook_secret):
        query = urlencode({SECRET: reveal(settings.webhook_secret), EFFECT: key})
        prospect |= {"webhookUrl": f"{action.webhook_url}?{query}", "webhookEvents": WANTED}
    return {
        "prospect": prospect,
        "prospectDepurationConfig": {"forceCreation": False, "payloadDepurationStrategy": "keep-first-valid"},
        "processAndAuthorizeCharge": True,
        "callbackId": key,
    }


def _ours(campaign: Body, action: MakeVideo) -> Body | None:
    """The newest of the answer, which is the whole campaign, that has our address."""
    listed = campaign.get("prospectList")
    wanted = action.email.strip().lower()
    found = [
        prospect
        for prospect in (listed if isinstance(listed, list) else [])
        if isinstance(prospect, dict) and str(prospect.get("contactEmail")).strip().lower() == wanted
    ]
    return found[-1] if found else None


def _judged(prospect: Body, reply: Reply, action: MakeVideo) -> Receipt:
    trouble = _trouble(prospect)
    if trouble is not None:
        raise Rejected(f"{trouble}: retry to have it made anew, or skip the video")
    return _receipt(prospect, reply, action)


def _trouble(prospect: Body) -> str | None:
    """Why this video will never be; None when it is there or may come."""
    if prospect.get("deletedAt"):
        return "somebody has deleted this video in Sendspark"
    if prospect.get("valid") is False:
        return f"Sendspark finds the details unfit{_unfit(prospect.get('validationDetails'))}"
    return "Sendspark could not make this video" if prospect.get("status") == "errored" else None


def _unfit(details: object) -> str:
    """The fields only: the messages may quote what was in them."""
    fields = [d.get("validationField") for d in details if isinstance(d, dict)] if isinstance(details, list) else []
    return f" ({', '.join(str(field) for field in fields)})" if fields else ""


def _receipt(prospect: Body, reply: Reply, action: MakeVideo) -> Receipt:
    name = prospect.get("contactName")
    if isinstance(name, str) and name and name.strip().casefold() != action.first_name.strip().casefold():
        raise Rejected("Sendspark's video for this address greets another name: mend it there, or skip the video")
    own_id = prospect.get("id") or prospect.get("_id")
    facts: Body = {"campaign": action.campaign, **({"prospect": own_id} if isinstance(own_id, str) else {})}
    known = Receipt(reference=reference_of(action.campaign, action.email), facts=facts)
    link = prospect.get("shareUrl")
    if isinstance(link, str) and link.startswith(("https://", "http://")):
        return known.model_copy(update={"url": link})
    return known.model_copy(
        update={"pending": True, "look_again": _patience(prospect, reply), "wakes_on": "video.ready"}
    )


def _patience(prospect: Body, reply: Reply) -> float:
    """As long again as it has been in the making: most take a minute or two, and a message may be lost."""
    try:
        since = datetime.fromisoformat(prospect["createdAt"])
        waited = (parsedate_to_datetime(reply.headers["date"]) - since).total_seconds()
    except (KeyError, TypeError, ValueError):
        return SOONEST
    return min(max(waited, SOONEST), LATEST)


def _campaign(action: MakeVideo, settings: "SendsparkSettings") -> str:
    return f"/v1/workspaces/{_word(settings.workspace)}/dynamics/{_word(action.campaign)}"


def _word(text: object) -> str:
    return quote(str(text), safe="")


def _explained(reply: Reply) -> str:
    """The code and message of Sendspark's flat errors; the code tells more than the message."""
    body = reply.json if isinstance(reply.json, dict) else {}
    said = [str(body[name]) for name in ("code", "message") if body.get(name)]
    return f"HTTP {reply.status}: {'; '.join(said) or brief(reply)}"[:300]
