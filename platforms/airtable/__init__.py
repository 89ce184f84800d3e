"""Airtable: a row for each referral, and what people make of its status."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from platforms.airtable import client, upkeep, webhook
from platforms.base import Action, Idempotent, Platform, PlatformSettings, Upkeep
from platforms.capabilities import PutRow, Stage

Column = Literal[
    "referral", "status", "advocate", "person", "person_email", "company",
    "amount", "currency", "owner", "link", "notes", "submitted",
]  # fmt: skip

_COLUMNS: dict[Column, str] = {
    "referral": "Ovation ref",
    "status": "Status",
    "advocate": "Advocate",
    "person": "Referred",
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


class AirtableSettings(PlatformSettings):
    """`columns` and `stages`: our word → the name or id of a field, the option of the status. What is left out of them
    is not written. `currency` is that of an amount whose row names none. `webhook_secret` is made by Airtable and kept
    by the upkeep; it is set by hand only to replace that."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_AIRTABLE__"})
    required = ("token", "base", "table")

    base_url: str = "https://api.airtable.com"
    token: SecretStr | None = None
    base: str | None = None
    table: str | None = None
    columns: dict[Column, str] = Field(default_factory=lambda: dict(_COLUMNS))
    stages: dict[Stage, str] = Field(default_factory=lambda: dict(_STAGES))
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")

    @field_validator("columns")
    @classmethod
    def _has_what_rows_are_found_by(cls, columns: dict[Column, str]) -> dict[Column, str]:
        if missing := [word for word in ("referral", "status") if not columns.get(word)]:
            raise ValueError(f"name a column for {' and '.join(missing)}")
        return columns


PLATFORM = Platform(
    name="airtable",
    label="Airtable",
    settings=AirtableSettings,
    limit=3.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=client.judge,
    actions=[
        Action(
            PutRow,
            talk=client.put_row,
            repeat=Idempotent(how="an upsert merged on the column with our id of the referral, of absolute values"),
            document="https://airtable.com/developers/web/api/update-multiple-records",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            webhook.CHANGES,
            every=timedelta(hours=6),
            talk=upkeep.changes,
            what="Keeps a webhook registered, which Airtable forgets after 7 days, and reads what it recorded.",
        ),
    ],
)
