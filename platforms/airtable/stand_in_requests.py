"""What Airtable's double takes: bodies with what the Web API documents for our calls, and nothing else."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Source = Literal[
    "client", "publicApi", "formSubmission", "formPageSubmission", "automation", "system", "sync",
    "anonymousUser", "unknown",
]  # fmt: skip


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Merge(Strict):
    fieldsToMergeOn: list[str] = Field(min_length=1, max_length=3)


class _Record(Strict):
    id: str | None = None
    fields: dict[str, Any]


class UpsertBody(Strict):
    performUpsert: _Merge
    records: list[_Record] = Field(min_length=1, max_length=10)
    returnFieldsByFieldId: bool = False
    typecast: bool = False


class _Filters(Strict):
    dataTypes: list[Literal["tableData", "tableFields", "tableMetadata"]] = Field(min_length=1)
    recordChangeScope: str | None = None
    changeTypes: list[Literal["add", "remove", "update"]] | None = None
    fromSources: list[Source] | None = None
    watchDataInFieldIds: list[str] | None = None


class _Includes(Strict):
    includeCellValuesInFieldIds: list[str] | Literal["all"] | None = None
    includePreviousCellValues: bool = False
    includePreviousFieldDefinitions: bool = False


class _Options(Strict):
    filters: _Filters
    includes: _Includes | None = None


class _Specification(Strict):
    options: _Options


class HookBody(Strict):
    notificationUrl: str | None = Field(default=None, pattern=r"^https?://")
    specification: _Specification


class Switch(Strict):
    enable: bool


class StatusMove(Strict):
    """The move `status`: somebody picks a status for the row of a referral, and may write down what it is worth."""

    referral: str
    status: str
    amount: int | float | None = None
    currency: str | None = None


class RowMove(Strict):
    """The move `duplicate`: somebody duplicates the row of a referral."""

    referral: str
