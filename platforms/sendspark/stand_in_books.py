"""The books of Sendspark's double: campaigns, and the people a video was ordered for, with what became of it."""

from datetime import UTC, datetime, timedelta
from secrets import token_hex

from pydantic import Field

from models.base import Instant, Model
from platforms.base import Body

RENDERING = timedelta(seconds=0.4)
"""Sendspark takes 40 to 120 seconds. Then the video is there by itself, as it would be."""
SHARE = "https://sendspark.com/share"


class Prospect(Model):
    """A person in a campaign. `given` as it was ordered; `failed` once it could not be made; `made` counts how often it
    was ordered so that it was made (and charged)."""

    id: str
    video: str
    campaign: str
    email: str
    given: Body
    callback_id: str | None = None
    created_at: Instant
    ready_at: Instant | None = None
    failed: bool = False
    deleted_at: Instant | None = None
    made: int = 0

    @property
    def ready(self) -> bool:
        return not self.failed and self.ready_at is not None and self.ready_at <= datetime.now(UTC)

    @property
    def status(self) -> str:
        if self.failed:
            return "errored"
        return "saved" if self.ready_at is None else "processing" if self.ready else "queued"

    @property
    def link(self) -> str | None:
        return f"{SHARE}/{self.video}" if self.ready else None


class Books(Model):
    """`failing`: addresses whose next video cannot be made."""

    campaigns: list[str] = Field(default_factory=lambda: ["dyn-thank-you"])
    prospects: list[Prospect] = Field(default_factory=list)
    failing: list[str] = Field(default_factory=list)

    def of(self, campaign: str, email: str) -> Prospect | None:
        found = (p for p in reversed(self.prospects) if p.campaign == campaign and p.email == email.strip().lower())
        return next(found, None)

    def newest(self, campaign: str | None, email: str | None) -> Prospect | None:
        """The newest order of this campaign and address, where they are said."""
        for prospect in reversed(self.prospects):
            if campaign in (None, prospect.campaign) and (email is None or prospect.email == email.strip().lower()):
                return prospect
        return None

    def add(self, campaign: str, given: Body, callback_id: str | None) -> Prospect:
        prospect = Prospect(
            id=token_hex(12),
            video=token_hex(12),
            campaign=campaign,
            email=str(given["contactEmail"]).strip().lower(),
            given=given,
            callback_id=callback_id,
            created_at=datetime.now(UTC),
        )
        self.prospects.append(prospect)
        return prospect
