"""Notion: a row for each referral in a database, and what people make of its status."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Findable, Platform, PlatformSettings, Upkeep
from platforms.capabilities import PutRow, Stage
from platforms.notion import client, upkeep, webhook

Column = Literal[
    "title", "referral", "status", "written", "advocate", "person_email", "company",
    "amount", "currency", "owner", "link", "notes", "submitted",
]  # fmt: skip

_COLUMNS: dict[Column, str] = {
    "title": "Name",
    "referral": "Ovation ref",
    "status": "Status",
    "written": "Ovation status",
    "advocate": "Advocate",
    "person_email": "Referred email",
    "company": "Company",
    "amount": "Amount",
    "currency": "Currency",
    "owner": "Owner",
    "link": "Link",
    "notes": "Notes",
    "submitted": "Submitted",
}
_STAGES: dict[Stage, str] = {
    "submitted": "Submitted",
    "accepted": "Accepted",
    "qualified": "Qualified",
    "won": "Won",
    "lost": "Lost",
    "disqualified": "Disqualified",
}


class NotionSettings(PlatformSettings):
    """`columns` and `stages`: our word → the name or id of a property, the option of the status. What is left out of
    them is not written. `webhook_secret` is the verification token that Notion sends once, when the webhook is set up.
    `currency` is that of an amount whose row names none."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_NOTION__"})
    required = ("token", "data_source")

    base_url: str = "https://api.notion.com"
    token: SecretStr | None = None
    data_source: str | None = None
    columns: dict[Column, str] = Field(default_factory=lambda: dict(_COLUMNS))
    stages: dict[Stage, str] = Field(default_factory=lambda: dict(_STAGES))
    status_type: Literal["status", "select"] = "status"
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")

    @field_validator("columns")
    @classmethod
    def _has_what_rows_are_known_by(cls, columns: dict[Column, str]) -> dict[Column, str]:
        if missing := [word for word in ("referral", "status", "written") if not columns.get(word)]:
            raise ValueError(f"name a column for {' and '.join(missing)}")
        return columns


PLATFORM = Platform(
    name="notion",
    label="Notion",
    settings=NotionSettings,
    limit=1.2,
    headers=client.headers,
    doctor=client.doctor,
    judge=client.judge,
    actions=[
        Action(
            PutRow,
            talk=client.put_row,
            repeat=Findable(
                find=client.find_row,
                after=timedelta(minutes=1),
                how="the data source is queried for the column with our id of the referral",
            ),
            document="https://developers.notion.com/reference/post-page",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            webhook.CHANGES,
            every=timedelta(minutes=10),
            talk=upkeep.changes,
            what="Reads the rows that were edited since the last look; a webhook says only that there are some.",
        ),
    ],
)
