"""HubSpot: the CRM that knows who a contact is and who looks after them, and keeps a deal for each referral."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Findable, Idempotent, Platform, PlatformSettings, Upkeep
from platforms.capabilities import AddToList, AttributeRevenue, CreateTask, FindContact, PutLead, Stage, WriteNote
from platforms.hubspot import client, deal, news, problem, webhook

_DOCS = "https://developers.hubspot.com/docs/api-reference/latest/crm"
_LOOK_UP = "the contact's {} are read back, and compared by the mark with our key at the end of the text"
_SETTLED = timedelta(minutes=1)
"""The look-up reads the records themselves, not the search index, which lags by seconds to minutes. The minute is
room for the link between contact and record, of which HubSpot promises nothing."""


class HubSpotSettings(PlatformSettings):
    """`client_secret` is the app's and verifies its webhooks; `access_token` signs calls in. `api_version` is the date
    in every path. `currency`: the portal's own, and that of the property for referred revenue; others have a property
    of their own. `stages`: our words → ids of stages in `pipeline`; without them deals are not touched."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_HUBSPOT__"})
    required = ("access_token",)
    required_in = ("client_secret",)

    base_url: str = "https://api.hubapi.com"
    access_token: SecretStr | None = None
    client_secret: SecretStr | None = None
    api_version: str = Field(default="2026-09", pattern=r"^\d{4}-\d{2}$")
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    pipeline: str = "default"
    stages: dict[Stage, str] = Field(default_factory=dict)


PLATFORM = Platform(
    name="hubspot",
    label="HubSpot",
    settings=HubSpotSettings,
    limit=3.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=problem.judge,
    actions=[
        Action(
            FindContact,
            talk=client.find_contact,
            repeat=Idempotent(how="it only reads"),
            document=f"{_DOCS}/objects/contacts/guide",
        ),
        Action(
            AddToList,
            talk=client.add_to_list,
            repeat=Idempotent(how="an e-mail address, a list's name and a membership exist once each"),
            document=f"{_DOCS}/lists/guide",
        ),
        Action(
            CreateTask,
            talk=client.create_task,
            repeat=Findable(find=client.find_task, after=_SETTLED, how=_LOOK_UP.format("tasks")),
            document=f"{_DOCS}/objects/tasks/guide",
        ),
        Action(
            WriteNote,
            talk=client.write_note,
            repeat=Findable(find=client.find_note, after=_SETTLED, how=_LOOK_UP.format("notes")),
            document=f"{_DOCS}/objects/notes/guide",
        ),
        Action(
            AttributeRevenue,
            talk=client.attribute_revenue,
            repeat=Idempotent(how="the total is set, not added to"),
            document=f"{_DOCS}/objects/contacts/guide",
        ),
        Action(
            PutLead,
            talk=deal.put_lead,
            repeat=Findable(
                find=deal.find_lead,
                after=_SETTLED,
                how="the deal is read by ovation_referral, which is unique; its note by the mark at its end",
            ),
            document=f"{_DOCS}/objects/deals/guide",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            "deals",
            every=news.EVERY,
            talk=news.deals,
            what="reads the deals of referrals that people moved; at once where a webhook tells that one was",
        ),
    ],
)
