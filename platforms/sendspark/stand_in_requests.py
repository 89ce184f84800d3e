"""What Sendspark's double takes: an order, and what its moves are told. Unknown fields are refused everywhere."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from models.base import Model

Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
Event = Literal[
    "video_watched",
    "video_played",
    "video_cta_clicked",
    "video_viewed",
    "video_liked",
    "video_request_received",
    "video_generated_dv",
    "video_mp4_ready",
    "video_generated_error",
]


class Strict(Model):
    """By Sendspark's spelling only, and a text is no number."""

    model_config = ConfigDict(strict=True, populate_by_name=False)


class NewProspect(Strict):
    """Empty texts are refused, as an empty `backgroundUrl` was. Nobody can be reached without an address."""

    id: str = Field(default="", alias="_id")
    contact_name: str = Field(default="", alias="contactName", min_length=1)
    contact_email: Email = Field(alias="contactEmail")
    company: str = Field(default="", min_length=1)
    job_title: str = Field(default="", alias="jobTitle", min_length=1)
    custom_field: str = Field(default="", alias="customField")
    background_url: str = Field(default="", alias="backgroundUrl", min_length=1)
    original_background_url: str = Field(default="", alias="originalBackgroundUrl", min_length=1)
    screenshot_url: Url = Field(default="", alias="screenshotUrl")
    webhook_url: Url = Field(default="", alias="webhookUrl")
    webhook_events: list[Event] = Field(default_factory=list, alias="webhookEvents")
    audio_url: Url = Field(default="", alias="audioUrl")
    valid: bool = True
    fallback_data_used: bool = Field(default=False, alias="fallbackDataUsed")
    fields: dict[str, object] = Field(default_factory=dict)
    hash: str = ""


class Depuration(Strict):
    """What is to become of an order for an address that is there already."""

    force_creation: bool = Field(default=False, alias="forceCreation")
    strategy: Literal["keep-first-valid", "keep-last-valid"] | None = Field(
        default=None, alias="payloadDepurationStrategy"
    )


class Order(Strict):
    prospect: NewProspect
    depuration: Depuration = Field(default_factory=Depuration, alias="prospectDepurationConfig")
    charge: bool = Field(default=False, alias="processAndAuthorizeCharge")
    fallback: bool = Field(default=False, alias="fallbackToEmailDomainForBackground")
    callback_id: str | None = Field(default=None, alias="callbackId")


class Chosen(Strict):
    """Which video a move is about: the newest of this campaign and address, where they are said."""

    campaign: str | None = None
    contact_email: Email | None = Field(default=None, alias="contactEmail")


class Failing(Strict):
    """The move `fail`: the video of this address that is being made, or the next that is ordered, cannot be made."""

    contact_email: Email = Field(alias="contactEmail")


class Offering(Strict):
    """The move `campaign`: one more campaign."""

    campaign: str = Field(min_length=1)
