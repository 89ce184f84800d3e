"""Google Sheets: a row for each referral, newest on top, kept up to date wherever people move it."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Idempotent, Platform, PlatformSettings
from platforms.capabilities import PutRow, Stage
from platforms.google_sheets import client, sign_in

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


class GoogleSheetsSettings(PlatformSettings):
    """`service_account` is the whole key file, JSON. `tab` is the number behind `#gid=`, which outlives renaming.
    `columns`: our word → the text of a header; one that is not there is left out. `stages`: what the status says."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_GOOGLE_SHEETS__"})
    required = ("service_account", "spreadsheet")
    required_in = ()

    base_url: str = "https://sheets.googleapis.com"
    service_account: SecretStr | None = None
    spreadsheet: str | None = None
    tab: int = Field(default=0, ge=0)
    columns: dict[Column, str] = Field(default_factory=lambda: dict(_COLUMNS))
    stages: dict[Stage, str] = Field(default_factory=lambda: dict(_STAGES))

    @field_validator("columns")
    @classmethod
    def _has_what_rows_are_found_by(cls, columns: dict[Column, str]) -> dict[Column, str]:
        if missing := [word for word in ("referral", "status") if not columns.get(word)]:
            raise ValueError(f"name a column for {' and '.join(missing)}")
        return columns


PLATFORM = Platform(
    name="google_sheets",
    label="Google Sheets",
    settings=GoogleSheetsSettings,
    limit=0.4,
    headers=client.headers,
    doctor=client.doctor,
    judge=client.judge,
    sign_in=sign_in.SIGN_IN,
    actions=[
        Action(
            PutRow,
            talk=client.put_row,
            repeat=Idempotent(
                how="the row is made together with a metadata id that is made of our id of the referral and unique in "
                "the spreadsheet; later values are absolute"
            ),
            document="https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/batchUpdate",
        ),
    ],
)
