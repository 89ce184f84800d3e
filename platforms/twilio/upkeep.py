"""What Twilio's webhooks lost, read from its log of messages: hourly, a page in each round, and the next at once.

The failure prevented: a STOP that came while we were away. Twilio calls once or a few times within seconds, and never
again. A text's fate may come a day after the text, so each sweep begins a day and a half before the last one did.
"""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from models.base import Json
from models.event import Event
from platforms.base import Body, Call, Reply, Round, Upkeep, Upkept
from platforms.errors import Malformed
from platforms.twilio.client import WHATSAPP, moment
from platforms.twilio.webhook import AT, INBOUND, RECEIVED

if TYPE_CHECKING:
    from platforms.twilio import TwilioSettings

LAP = timedelta(hours=36)
PAGE = 500


def missed(round: Round, settings: "TwilioSettings") -> Generator[Call, Reply, Upkept]:
    """GET …/Messages.json?DateSent>=: read by the same table as webhooks, so with the same ids."""
    mark = round.mark
    began = str(mark.get("began") or round.now.isoformat())
    if mark.get("next"):
        call = Call.get(str(mark["next"]))
    else:
        since = _after(mark.get("since"), round.now) - LAP
        query = {"DateSent>": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", "PageSize": str(PAGE)}
        call = Call.get(f"/2010-04-01/Accounts/{settings.account_sid}/Messages.json", query=query)
    reply = yield call
    events = [e for m in reply.json["messages"] if _ours(m, settings) for e in _read(m, settings)]
    following = reply.json.get("next_page_uri")
    if following:
        left: Json = {"since": mark.get("since"), "began": began, "next": following}
        return Upkept(mark=left, events=events, again_at=round.now)
    return Upkept(mark={"since": began}, events=events)


def _ours(message: Body, settings: "TwilioSettings") -> bool:
    """Other senders of the same account are another's business."""
    if settings.messaging_service_sid and message.get("messaging_service_sid") == settings.messaging_service_sid:
        return True
    numbers = {settings.from_number, settings.whatsapp_from} - {None, ""}
    own = message["to"] if message["direction"] == "inbound" else message["from"]
    return (own or "").removeprefix(WHATSAPP) in numbers


def _read(message: Body, settings: "TwilioSettings") -> list[Event]:
    """As the webhook would have told it; what is still under way is told later."""
    status = RECEIVED if message["direction"] == "inbound" else message["status"]
    item: Body = {
        "MessageSid": message["sid"],
        "MessageStatus": status,
        "ErrorCode": str(message["error_code"] or ""),
        "From": message["from"],
        "To": message["to"],
        "Body": message["body"],
        AT: moment(message["date_updated"]),
    }
    try:
        read = INBOUND.read(status, item, settings)
    except (Malformed, ValueError):
        return []
    return read if isinstance(read, list) else []


def _after(mark: object, otherwise: datetime) -> datetime:
    return datetime.fromisoformat(mark) if isinstance(mark, str) else otherwise


UPKEEP = [
    Upkeep("missed", timedelta(hours=1), missed, "reads the texts and answers of the last day that no webhook told"),
]
