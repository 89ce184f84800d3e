"""What Google's double takes: of the published document the kinds of request that we send, with the fields we use."""

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class Range(Strict):
    sheetId: int = 0
    dimension: Literal["ROWS", "COLUMNS"]
    startIndex: int = Field(ge=0)
    endIndex: int


class _Grid(Strict):
    sheetId: int = 0
    startRowIndex: int | None = None
    endRowIndex: int | None = None
    startColumnIndex: int | None = None
    endColumnIndex: int | None = None


class _Location(Strict):
    dimensionRange: Range


class Lookup(Strict):
    metadataId: int | None = None
    metadataKey: str | None = None
    metadataValue: str | None = None


class Filter(Strict):
    """Exactly one of the two that we use."""

    gridRange: _Grid | None = None
    developerMetadataLookup: Lookup | None = None

    @model_validator(mode="after")
    def _one(self) -> "Filter":
        if (self.gridRange is None) == (self.developerMetadataLookup is None):
            raise ValueError("exactly one filter must be set")
        return self


class Metadata(Strict):
    """The id may be left to Google; we never do."""

    metadataId: int = Field(ge=1, lt=2**31)
    metadataKey: str = Field(min_length=1)
    metadataValue: str | None = None
    visibility: Literal["DOCUMENT", "PROJECT"]
    location: _Location


class _Entered(Strict):
    stringValue: str | None = Field(default=None, max_length=50_000)
    numberValue: int | float | None = None
    boolValue: bool | None = None
    formulaValue: str | None = None


class Cell(Strict):
    userEnteredValue: _Entered | None = None

    def value(self) -> Any:
        given = self.userEnteredValue.model_dump(exclude_none=True) if self.userEnteredValue else {}
        return next(iter(given.values()), "")


class _Row(Strict):
    values_: list[Cell] = Field(alias="values")


class _Start(Strict):
    sheetId: int = 0
    rowIndex: int = Field(ge=0)
    columnIndex: int = Field(default=0, ge=0)


class _Insert(Strict):
    range: Range
    inheritFromBefore: bool = False


class _Update(Strict):
    start: _Start
    rows: list[_Row]
    fields: Literal["userEnteredValue"]


class _Create(Strict):
    developerMetadata: Metadata


class _Delete(Strict):
    dataFilter: Filter


class _Request(Strict):
    insertDimension: _Insert | None = None
    updateCells: _Update | None = None
    createDeveloperMetadata: _Create | None = None
    deleteDeveloperMetadata: _Delete | None = None

    @model_validator(mode="after")
    def _one(self) -> "_Request":
        if len(self.model_fields_set) != 1:
            raise ValueError("exactly one kind of request must be set")
        return self

    def only(self) -> str:
        return next(iter(self.model_fields_set))


class BatchRequest(Strict):
    requests: list[_Request] = Field(min_length=1)


class ReadRequest(Strict):
    dataFilters: list[Filter] = Field(min_length=1)
    majorDimension: Literal["ROWS", "COLUMNS"] = "ROWS"


class _Written(Strict):
    dataFilter: Filter
    majorDimension: Literal["ROWS"] = "ROWS"
    values: list[list[str | int | float | bool | None]]


class WriteRequest(Strict):
    valueInputOption: Literal["RAW", "USER_ENTERED"]
    data: list[_Written] = Field(min_length=1)


class EditMove(Strict):
    """The move `edit`: somebody types into a cell of a referral's row."""

    referral: str
    column: str
    value: str


class RowMove(Strict):
    """The moves `delete` and `cut`: somebody deletes a referral's row; cuts its cells and pastes them at the end."""

    referral: str


class SortMove(Strict):
    """The move `sort`: somebody sorts the rows by a column."""

    column: str = "Ovation ref"
    descending: bool = False


Request = TypeVar("Request", bound=Strict)


def read(model: type[Request], given: Any) -> Request:
    """Raises ValueError in Google's words."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"Invalid JSON payload received. {first['msg']} at '{where}'") from None
