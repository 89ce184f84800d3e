"""What Slack's double takes: the published arguments, and those that came after the document.

Stricter than Slack, which lets unknown arguments pass: ours are to be right.
"""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from platforms.base import Body


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Text(Strict):
    type: Literal["plain_text", "mrkdwn"]
    text: str = Field(min_length=1, max_length=3000)
    emoji: bool | None = None
    verbatim: bool | None = None


class _HeaderText(_Text):
    type: Literal["plain_text"]
    text: str = Field(min_length=1, max_length=150)


class _Header(Strict):
    type: Literal["header"]
    text: _HeaderText
    block_id: str | None = Field(default=None, max_length=255)


class _Section(Strict):
    type: Literal["section"]
    text: _Text
    block_id: str | None = Field(default=None, max_length=255)


class _Metadata(Strict):
    event_type: str = Field(min_length=1)
    event_payload: Body


class MethodArguments(Strict):
    """A form carries every argument as text, so objects come as JSON there and booleans as words."""

    @field_validator("blocks", "metadata", "attachments", mode="before", check_fields=False)
    @classmethod
    def _parsed(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value


class PostMessageArguments(MethodArguments):
    """chat.postMessage, with every argument of the published list; blocks of the two kinds that we post."""

    channel: str
    text: str | None = None
    blocks: list[_Header | _Section] = Field(default_factory=list, max_length=50)
    metadata: _Metadata | None = None
    client_msg_id: str | None = None
    unfurl_links: bool | None = None
    unfurl_media: bool | None = None
    thread_ts: str | None = None
    reply_broadcast: bool | None = None
    attachments: list[Body] | None = None
    as_user: bool | None = None
    icon_emoji: str | None = None
    icon_url: str | None = None
    link_names: bool | None = None
    mrkdwn: bool | None = None
    parse: str | None = None
    username: str | None = None


class OpenArguments(MethodArguments):
    channel: str | None = None
    users: str | None = None
    return_im: bool | None = None
    prevent_creation: bool | None = None


class HistoryArguments(MethodArguments):
    channel: str
    include_all_metadata: bool = False
    limit: int = Field(default=100, ge=1, le=999)
    cursor: str | None = None
    oldest: str = "0"
    latest: str | None = None
    inclusive: bool = False


class LookupArguments(MethodArguments):
    email: str
