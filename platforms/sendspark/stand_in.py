"""Sendspark's double: campaigns, and a video for each address that is ordered in one.

A video is there a moment after it was ordered, by itself. A second order for the same address is kept off only if it
asks for that (`keep-first-valid`); else the video is made and charged again, as Sendspark does. People's part are the
moves: `view`, `fail`, `delete`, and `campaign` for one more campaign.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError

from models.base import Model
from platforms.base import Body, reveal
from platforms.sendspark import SendsparkSettings
from platforms.sendspark.stand_in_answers import TOLD_AFTER, campaign_shown, date, shown, told
from platforms.sendspark.stand_in_books import RENDERING, Books, Prospect
from platforms.sendspark.stand_in_requests import Chosen, Failing, Offering, Order
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook


class _Refused(Exception):
    """A flat error of Sendspark's."""

    def __init__(self, status: int, error: str, message: str, code: str | None = None) -> None:
        super().__init__(message)
        coded = {"code": code} if code else {}
        self.answer = Answer(status, {"statusCode": status, **coded, "error": error, "message": message})


def _answered(handle: Callable[[Any, Books], Answer]) -> Callable[[Any, Books], Answer]:
    def answer(asked: Any, books: Books) -> Answer:
        try:
            return handle(asked, books)
        except _Refused as refused:
            return refused.answer

    return answer


def _not_found() -> _Refused:
    return _Refused(404, "Not Found", "Resource not found or invalid access")


Asked = TypeVar("Asked", bound=Model)


def _read(model: type[Asked], given: Any) -> Asked:
    try:
        return model.model_validate(given)
    except ValidationError:
        raise _Refused(400, "Bad Request", "Invalid request payload input", "S400-AHVE") from None


# What it is asked.


@_answered
def _order(heard: Heard, books: Books) -> Answer:
    """The whole campaign, with the new video among its prospects."""
    campaign = _campaign_of(heard, books)
    order = _read(Order, heard.json)
    webhooks = _taken(order, campaign, heard.json["prospect"], books)
    return Answer(200, campaign_shown(campaign, books), headers=date(), webhooks=webhooks)


def _taken(order: Order, campaign: str, given: Body, books: Books) -> list[Webhook]:
    there = books.of(campaign, order.prospect.contact_email)
    stands = there is not None and not there.failed and there.deleted_at is None
    if there is not None and stands and order.depuration.strategy == "keep-first-valid":
        return []
    if there is None or order.depuration.force_creation or not stands:
        there = books.add(campaign, given, order.callback_id)
    if not order.charge:
        return []
    return _made(there, books)


def _made(prospect: Prospect, books: Books) -> list[Webhook]:
    prospect.made += 1
    prospect.ready_at = datetime.now(UTC) + RENDERING
    if prospect.email in books.failing:
        books.failing.remove(prospect.email)
        prospect.failed = True
    name = "video_generated_error" if prospect.failed else "video_generated_dv"
    return [*told(prospect, "video_request_received"), *told(prospect, name, after=TOLD_AFTER)]


@_answered
def _prospect(heard: Heard, books: Books) -> Answer:
    found = books.of(_campaign_of(heard, books), heard.params["email"])
    if found is None:
        raise _not_found()
    return Answer(200, shown(found), headers=date())


@_answered
def _dynamics(heard: Heard, books: Books) -> Answer:
    return Answer(200, campaign_shown(_campaign_of(heard, books), books), headers=date())


def _identifier(heard: Heard, books: Books) -> Answer:
    return Answer(200, {"workspaceId": heard.settings.workspace}, headers=date())


@_answered
def _bundles(heard: Heard, books: Books) -> Answer:
    _in_workspace(heard)
    spent = sum(prospect.made for prospect in books.prospects)
    return Answer(200, {"bundles": [], "activeBundles": [], "balance": {"minutes": 120 - spent}}, headers=date())


def _campaign_of(heard: Heard, books: Books) -> str:
    _in_workspace(heard)
    if heard.params["dynamic"] not in books.campaigns:
        raise _not_found()
    return heard.params["dynamic"]


def _in_workspace(heard: Heard) -> None:
    if heard.params["workspace"] != heard.settings.workspace:
        raise _not_found()


def _guard(heard: Heard) -> Answer | None:
    """Both keys. The words of a refusal are not published: these are the ones of its other errors."""
    wanted = (reveal(heard.settings.api_key), reveal(heard.settings.api_secret))
    if (heard.headers.get("x-api-key"), heard.headers.get("x-api-secret")) == wanted:
        return None
    return _Refused(401, "Unauthorized", "Invalid credentials").answer


# What is made to happen.


@_answered
def _view(given: Any, books: Books) -> Answer:
    """Somebody opens the page. Each time is told."""
    prospect = _chosen(given, books)
    if not prospect.ready:
        raise _Refused(409, "Conflict", "the video is not there to be watched")
    return Answer(200, shown(prospect), webhooks=told(prospect, "video_viewed"))


@_answered
def _fail(given: Any, books: Books) -> Answer:
    email = str(_read(Failing, given).contact_email).lower()
    prospect = books.newest(None, email)
    if prospect is None or prospect.ready or prospect.failed:
        books.failing = sorted({*books.failing, email})
        return Answer(200, {"failing": books.failing})
    prospect.failed = True
    return Answer(200, shown(prospect), webhooks=told(prospect, "video_generated_error"))


@_answered
def _delete(given: Any, books: Books) -> Answer:
    prospect = _chosen(given, books)
    prospect.deleted_at = datetime.now(UTC)
    return Answer(200, shown(prospect))


@_answered
def _add_campaign(given: Any, books: Books) -> Answer:
    offered = _read(Offering, given).campaign
    if offered not in books.campaigns:
        books.campaigns.append(offered)
    return Answer(200, {"campaigns": books.campaigns})


def _chosen(given: Any, books: Books) -> Prospect:
    asked = _read(Chosen, given)
    prospect = books.newest(asked.campaign, asked.contact_email)
    if prospect is None:
        raise _not_found()
    return prospect


def rate_limited() -> Answer:
    """Not in the document; no header says how long."""
    return Answer(429, {"statusCode": 429, "error": "Too Many Requests", "message": "Rate limit exceeded"})


def broken() -> Answer:
    return Answer(500, {"statusCode": 500, "error": "Internal Server Error", "message": "Internal Server Error"})


def settings() -> SendsparkSettings:
    return SendsparkSettings(
        api_key=SecretStr("sandbox-workspace-key"),
        api_secret=SecretStr("sandbox-user-secret"),
        workspace="ws-sandbox",
        webhook_secret=SecretStr("sandbox-sendspark-webhook"),
    )


_WORKSPACE = "/v1/workspaces/{workspace}"
_DYNAMIC = f"{_WORKSPACE}/dynamics/{{dynamic}}"

STAND_IN = StandIn(
    name="sendspark",
    books=Books,
    routes=[
        Route("GET", "/v1/workspaces/identifier", _identifier),
        Route("GET", f"{_WORKSPACE}/dvm-bundles", _bundles),
        Route("GET", _DYNAMIC, _dynamics),
        Route("POST", f"{_DYNAMIC}/prospect", _order),
        Route("GET", f"{_DYNAMIC}/prospects/{{email}}", _prospect),
    ],
    guard=_guard,
    rate_limited=rate_limited,
    broken=broken,
    settings=settings,
    moves={"view": _view, "fail": _fail, "delete": _delete, "campaign": _add_campaign},
)
