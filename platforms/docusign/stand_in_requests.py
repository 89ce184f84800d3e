"""What DocuSign's double takes: an envelope from a template, its sending and voiding, and what its moves are told.

Booleans and numbers are texts, as DocuSign has them. Unknown fields are refused everywhere.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from models.base import Instant, Model
from platforms.docusign.stand_in_books import Refused

Truth = Literal["true", "false"]
Text = Annotated[str, Field(min_length=1)]


class Strict(Model):
    model_config = ConfigDict(strict=True, alias_generator=to_camel, populate_by_name=False)


class TextTab(Strict):
    tab_label: Text
    value: str


class Tabs(Strict):
    text_tabs: list[TextTab] = Field(default_factory=list)


class TemplateRole(Strict):
    role_name: Text
    name: str = Field(min_length=1, max_length=100)
    email: str = Field(max_length=100)
    routing_order: str | None = Field(default=None, pattern=r"^[0-9]+$")
    client_user_id: str | None = None
    tabs: Tabs | None = None


class TextCustomField(Strict):
    name: str = Field(min_length=1, max_length=50)
    value: str = Field(max_length=100)
    show: Truth = "false"
    required: Truth = "false"


class CustomFields(Strict):
    text_custom_fields: list[TextCustomField] = Field(default_factory=list)


class NewEnvelope(Strict):
    """An envelope from a template. As `sent` it is mailed at once."""

    template_id: Text
    status: Literal["created", "sent"] = "created"
    email_subject: str = Field(min_length=1, max_length=100)
    transaction_id: str | None = None
    template_roles: list[TemplateRole] = Field(min_length=1)
    custom_fields: CustomFields = Field(default_factory=CustomFields)


class Change(Strict):
    """An update: to send a draft, or to void what is under way."""

    status: Literal["sent", "voided"]
    voided_reason: str | None = Field(default=None, min_length=1)


class Exchange(Model):
    """The sign-in's form."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assertion: Text


class Chosen(Strict):
    """Which envelope a move is about: by its id, by our custom field, or the newest. `at`: now, unless it is said."""

    envelope_id: str | None = None
    ovation_effect: str | None = Field(default=None, alias="ovation_effect")
    at: Annotated[Instant | None, Field(strict=False)] = None
    reason: str | None = None


class NewTemplate(Strict):
    """The move `template`: one more template, with the roles that a sender has to fill."""

    template_id: Text
    roles: list[Text] = Field(min_length=1)


Asked = TypeVar("Asked", bound=Model)


def read(model: type[Asked], given: Any) -> Asked:
    """Raises Refused naming the first field that is wrong."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        words = f"The request body is missing or improperly formatted. {where}: {first['msg']}"
        raise Refused(400, "INVALID_REQUEST_BODY", words) from None
