"""What ActiveCampaign's double takes: bodies and queries with the documented fields, and nothing besides.

Numbers may come as text or as numbers, as the vendor takes both.
"""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


Id = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
               Field(pattern=r"^\d{1,19}$")]  # fmt: skip
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=250)]

EVENTS = frozenset(
    {
        *("subscribe", "unsubscribe", "update", "bounce", "open", "click", "reply", "forward", "share", "sent"),
        *("contact_tag_added", "contact_tag_removed", "list_add", "subscriber_note"),
        *("sms_reply", "sms_sent", "sms_unsub"),
        *("deal_add", "deal_note_add", "deal_pipeline_add", "deal_stage_add", "deal_update"),
        *("deal_task_add", "deal_task_complete", "deal_tasktype_add"),
    }
)


class FieldValue(Strict):
    field: Id
    value: str


class Person(Strict):
    email: Email
    firstName: str | None = None
    lastName: str | None = None
    phone: str | None = None
    fieldValues: list[FieldValue] = Field(default_factory=list)


class SyncBody(Strict):
    contact: Person


class _OnList(Strict):
    list: Id
    contact: Id
    status: Literal["1", "2"]
    sourceid: Id | None = None


class ListBody(Strict):
    contactList: _OnList


class _Run(Strict):
    contact: Id
    automation: Id


class RunBody(Strict):
    contactAutomation: _Run


class _Tag(Strict):
    tag: str = Field(min_length=1, max_length=100)
    tagType: Literal["contact", "template"]
    description: str = ""


class TagBody(Strict):
    tag: _Tag


class _Tagged(Strict):
    contact: Id
    tag: Id


class TaggedBody(Strict):
    contactTag: _Tagged


class _Hook(Strict):
    name: str = Field(min_length=1)
    url: str
    events: list[str] = Field(min_length=1)
    sources: list[Literal["public", "admin", "api", "system"]] = Field(min_length=1)
    listid: Id | None = None

    @field_validator("events")
    @classmethod
    def _known(cls, events: list[str]) -> list[str]:
        if unheard := sorted(set(events) - EVENTS):
            raise ValueError(f"not events: {unheard}")
        return events

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        """Port 443 and https; a host of one word, or of numbers, is a sandbox's and may do without."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        near = "." not in host or host.replace(".", "").isdigit()
        if not host or not (near or (parts.scheme == "https" and parts.port in (None, 443))):
            raise ValueError("https on port 443")
        return url


class HookBody(Strict):
    webhook: _Hook


class Joining(Strict):
    """The move `join`: somebody subscribes by a form. `status`: 0 where they have yet to confirm."""

    email: Email
    list: Id = "1"
    first_name: str = ""
    last_name: str = ""
    status: Literal["0", "1"] = "1"


class Leaving(Strict):
    """The moves `unsubscribe` and `stop_texts`. Without a list they leave all."""

    email: Email
    list: Id | None = None


class Bouncing(Strict):
    """The move `bounce`."""

    email: Email
    type: Literal["hard", "soft"] = "hard"


class Tagging(Strict):
    """The move `tag`: a colleague gives a tag."""

    email: Email
    tag: str = Field(default="referral_given", min_length=1, max_length=64)
