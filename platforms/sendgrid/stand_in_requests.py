"""What SendGrid's double takes: every field of the published document, and the rules that only its pages tell.

The failure prevented: a mail that our tests let through and SendGrid refuses.
"""

import json
import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from platforms.base import Body

_TEMPLATE = re.compile(r"^(d-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$")
_NOT_TO_BE_SET = {
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
    *("to", "from", "subject", "reply-to", "cc", "bcc"),
}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=320)]
Headers = dict[str, str]


class _Address(Strict):
    email: Email
    name: str | None = None


class _Content(Strict):
    type: str = Field(min_length=1)
    value: str = Field(min_length=1)


class _Switch(Strict):
    """A setting; what stands beside `enable` is text for footers, tags and campaigns."""

    model_config = ConfigDict(extra="allow", strict=True)
    enable: bool | None = None


class _MailSettings(Strict):
    bypass_list_management: _Switch | None = None
    bypass_spam_management: _Switch | None = None
    bypass_bounce_management: _Switch | None = None
    bypass_unsubscribe_management: _Switch | None = None
    footer: _Switch | None = None
    sandbox_mode: _Switch | None = None


class _TrackingSettings(Strict):
    click_tracking: _Switch | None = None
    open_tracking: _Switch | None = None
    subscription_tracking: _Switch | None = None
    ganalytics: _Switch | None = None


class _Unsubscribe(Strict):
    group_id: int
    groups_to_display: list[int] | None = Field(default=None, max_length=25)


class _Envelope(Strict):
    """Fields that a personalization and the mail both have."""

    from_: _Address | None = Field(default=None, alias="from")
    subject: str | None = Field(default=None, min_length=1)
    headers: Headers = Field(default_factory=dict)
    custom_args: dict[str, str] = Field(default_factory=dict)
    send_at: int | None = None

    @field_validator("headers")
    @classmethod
    def _free_headers(cls, headers: Headers) -> Headers:
        if taken := {name.lower() for name in headers} & _NOT_TO_BE_SET:
            raise ValueError(f"may not be set: {sorted(taken)}")
        return headers

    @field_validator("custom_args")
    @classmethod
    def _small(cls, given: dict[str, str]) -> dict[str, str]:
        if len(json.dumps(given)) > 10_000:
            raise ValueError("more than 10,000 bytes")
        return given


class Personalization(_Envelope):
    to: list[_Address] = Field(min_length=1, max_length=1000)
    cc: list[_Address] | None = Field(default=None, max_length=1000)
    bcc: list[_Address] | None = Field(default=None, max_length=1000)
    substitutions: dict[str, str] | None = None
    dynamic_template_data: Body | None = None


class SendRequest(_Envelope):
    """POST /v3/mail/send; every field of the published document."""

    from_: _Address = Field(alias="from")
    personalizations: list[Personalization] = Field(min_length=1, max_length=1000)
    reply_to: _Address | None = None
    reply_to_list: list[_Address] | None = Field(default=None, max_length=1000)
    content: list[_Content] | None = Field(default=None, min_length=1)
    attachments: list[Body] | None = None
    template_id: str | None = None
    categories: list[Annotated[str, Field(max_length=255)]] = Field(default_factory=list, max_length=10)
    batch_id: str | None = None
    asm: _Unsubscribe | None = None
    ip_pool_name: str | None = Field(default=None, min_length=2, max_length=64)
    mail_settings: _MailSettings = Field(default_factory=_MailSettings)
    tracking_settings: _TrackingSettings = Field(default_factory=_TrackingSettings)

    @model_validator(mode="after")
    def _has_something_to_say(self) -> "SendRequest":
        """The document does not say these, the page about the operation does."""
        if len(set(self.categories)) < len(self.categories):
            raise ValueError("categories: not unique")
        if self.template_id is None:
            if self.content is None or not all(self.subject or p.subject for p in self.personalizations):
                raise ValueError("subject and content, or template_id")
            if "text/plain" in [part.type for part in self.content[1:]]:
                raise ValueError("content: text/plain comes first")
        elif not _TEMPLATE.match(self.template_id):
            raise ValueError("template_id")
        if (self.template_id or "").startswith("d-") and any(p.substitutions for p in self.personalizations):
            raise ValueError("substitutions with a dynamic template")
        return self
