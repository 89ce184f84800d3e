"""The books of Twilio's double: the log of messages, and who has answered STOP to which sender.

Messages are in Twilio's own form, the oldest first. A block holds for one sender, or for one messaging service; so does
the day in which somebody who wrote by WhatsApp may be written to freely.
"""

import secrets
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlencode

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer, Webhook

DAY = 86_400
FORM = "application/x-www-form-urlencoded"


class Refused(Exception):
    """An error in Twilio's form."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        more = f"https://www.twilio.com/docs/errors/{code}"
        body = {"code": code, "message": message, "more_info": more, "status": status}
        self.answer = Answer(status, json=body, headers=numbered())


class Log(BaseModel):
    """The record. `stopped`: number → senders; `wrote`: number → when it last wrote by WhatsApp, in unix seconds;
    `callbacks`: message → the address that hears of it, None for the service's own."""

    messages: list[Body] = Field(default_factory=list)
    stopped: dict[str, list[str]] = Field(default_factory=dict)
    wrote: dict[str, int] = Field(default_factory=dict)
    callbacks: dict[str, str | None] = Field(default_factory=dict)

    def find(self, sid: str) -> Body:
        """Raises Refused for a message that is not there."""
        for message in self.messages:
            if message["sid"] == sid:
                return message
        raise Refused(404, 20404, f"The requested resource {sid} was not found")

    def may_write_freely(self, number: str) -> bool:
        return int(time.time()) - self.wrote.get(number, 0) < DAY

    def become(self, message: Body, status: str, code: int | None = None, after: float = 0.1) -> Webhook:
        """Changes a message's status and gives the status callback that tells of it."""
        message |= {"status": status, "error_code": code, "date_updated": rfc2822()}
        message["date_sent"] = message["date_sent"] or rfc2822()
        told = {
            "MessageSid": message["sid"],
            "SmsSid": message["sid"],
            "MessageStatus": status,
            "SmsStatus": status,
            **({"ErrorCode": str(code)} if code else {}),
            "To": message["to"],
            "From": message["from"],
            **_service(message),
            "AccountSid": message["account_sid"],
            "ApiVersion": "2010-04-01",
        }
        url = self.callbacks.get(message["sid"])
        return Webhook(urlencode(told).encode(), FORM, after=after, url=url and url.partition("#")[0])


def written(account: str, to: str, sender: str | None, body: str, direction: str, service: str | None = None) -> Body:
    """A message in Twilio's form."""
    sid = f"SM{secrets.token_hex(16)}"
    now = rfc2822()
    uri = f"/2010-04-01/Accounts/{account}/Messages/{sid}"
    return {
        "sid": sid,
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": body,
        "date_created": now,
        "date_sent": now if direction == "inbound" else None,
        "date_updated": now,
        "direction": direction,
        "error_code": None,
        "error_message": None,
        "from": sender,
        "messaging_service_sid": service,
        "num_media": "0",
        "num_segments": "0" if service else "1",
        "price": None,
        "price_unit": "USD",
        "status": "received" if direction == "inbound" else "accepted" if service else "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": to,
        "uri": f"{uri}.json",
    }


def told_of(message: Body, opt_out: str | None = None) -> Webhook:
    """The webhook of an inbound message."""
    told = {
        "MessageSid": message["sid"],
        "SmsSid": message["sid"],
        "SmsMessageSid": message["sid"],
        "SmsStatus": "received",
        "AccountSid": message["account_sid"],
        **_service(message),
        "From": message["from"],
        "To": message["to"],
        "Body": message["body"],
        "NumMedia": "0",
        "NumSegments": "1",
        **({"OptOutType": opt_out} if opt_out else {}),
        "ApiVersion": "2010-04-01",
    }
    return Webhook(urlencode(told).encode(), FORM)


def _service(message: Body) -> dict[str, str]:
    service = message["messaging_service_sid"]
    return {"MessagingServiceSid": service} if service else {}


def rfc2822() -> str:
    return format_datetime(datetime.now(UTC))


def numbered() -> dict[str, str]:
    """Every answer has a number in Twilio's log, and tells how busy the account is."""
    names = {"Twilio-Request-Id": f"RQ{secrets.token_hex(16)}", "Twilio-Concurrent-Requests": "1"}
    return {**names, "Date": format_datetime(datetime.now(UTC), usegmt=True)}
