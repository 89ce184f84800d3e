"""What Twilio's double takes: a form with names in Twilio's own spelling, and a query for the log."""

import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from platforms.twilio.stand_in_books import Refused

_TO = re.compile(r"(whatsapp:)?\+[1-9]\d{6,14}")
Sid = StringConstraints(pattern=r"^[A-Z]{2}[0-9a-f]{32}$")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewMessage(Strict):
    To: str = ""
    From: str | None = None
    MessagingServiceSid: Annotated[str, Sid] | None = None
    Body: Annotated[str, StringConstraints(min_length=1)] | None = None
    MediaUrl: str | None = None
    ContentSid: Annotated[str, Sid] | None = None
    ContentVariables: str | None = None
    StatusCallback: str | None = None
    ValidityPeriod: int = Field(default=36_000, ge=1, le=36_000)
    SmartEncoded: bool = False
    ShortenUrls: bool = False
    ContentRetention: Literal["retain", "discard"] | None = None
    AddressRetention: Literal["retain", "obfuscate"] | None = None
    RiskCheck: Literal["enable", "disable"] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> "NewMessage":
        if not self.To:
            raise Refused(400, 21604, "A 'To' phone number is required.")
        if not _TO.fullmatch(self.To):
            raise Refused(400, 21211, f"The 'To' number {self.To} is not a valid phone number.")
        if not (self.From or self.MessagingServiceSid):
            raise Refused(400, 21603, "A 'From' phone number is required.")
        if not (self.Body or self.MediaUrl or self.ContentSid):
            raise Refused(400, 21619, "A text message body or media urls must be specified.")
        if len(self.Body or "") > 1600:
            raise Refused(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        return self

    @field_validator("StatusCallback")
    @classmethod
    def _can_be_called(cls, url: str | None) -> str | None:
        if url is not None and not re.match(r"^https?://[^/_?#]+(/|$)", url):
            raise Refused(400, 21609, f"The 'StatusCallback' URL {url} is not a valid URL.")
        return url

    @field_validator("ContentVariables")
    @classmethod
    def _are_texts(cls, text: str | None) -> str | None:
        if text is not None and not _texts(text):
            raise Refused(400, 21656, "The ContentVariables Parameter is invalid.")
        return text


class Search(Strict):
    """`sent_since` is Twilio's `DateSent>`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    To: str | None = None
    From: str | None = None
    sent_since: datetime | None = Field(default=None, alias="DateSent>")
    PageSize: int = Field(default=50, ge=1, le=1000)
    Page: int = Field(default=0, ge=0)
    PageToken: str | None = None


class Reply(Strict):
    """The move `reply`: somebody writes to us, by default from their telephone. `lost`: we are not told."""

    number: Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{6,14}$")]
    text: str
    whatsapp: bool = False
    lost: bool = False


class Fate(Strict):
    """The moves `fail` and `read`: what becomes of a text, the newest to this number."""

    number: Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{6,14}$")]
    code: int = 30003
    lost: bool = False


def read(model: type[Any], given: Any) -> Any:
    """Raises Refused for what Twilio would not take."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise Refused(400, 20001, f"Invalid parameter {name}: {first['msg']}") from error


def _texts(text: str) -> bool:
    try:
        variables = json.loads(text)
    except ValueError:
        return False
    return isinstance(variables, dict) and all(isinstance(v, str) and "\n" not in v for v in variables.values())
