"""Microsoft Dynamics 365 Sales: contacts, marketing lists, tasks, and the lead and opportunity of a referral."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Idempotent, Platform, PlatformSettings, SignIn, Upkeep
from platforms.capabilities import (
    AddToList,
    AttributeRevenue,
    CreateTask,
    FindContact,
    PutLead,
    PutRow,
    Stage,
    WriteNote,
)
from platforms.dynamics import client, poll, problem, referral, register, sign_in, webhook

_DOCS = "https://learn.microsoft.com/power-apps/developer/data-platform/webapi"
_OWN_ID = "its id is made from ours, and a row that is there is not written: If-None-Match: *"

_LEADS: dict[Stage, int] = {"submitted": 1, "accepted": 2, "lost": 4, "disqualified": 7}
_ROWS: dict[Stage, str] = {
    "submitted": "Submitted",
    "accepted": "Accepted",
    "qualified": "Qualified",
    "won": "Won",
    "lost": "Lost",
    "disqualified": "Disqualified",
}


class DynamicsSettings(PlatformSettings):
    """`environment_url` is the environment's, `https://acme.crm4.dynamics.com`. `prefix` is the publisher's, before
    every column of ours. `stages` are our words → status reasons of leads, by number; `record_stages` of our own table.
    With `webhook_name` we register a webhook of that name ourselves."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_DYNAMICS__"})
    required = ("environment_url", "tenant", "client_id", "client_secret")

    base_url: str = ""
    environment_url: str = Field(default="", pattern=r"^(https://[\w.-]+/?)?$")
    authority: str = "https://login.microsoftonline.com"
    tenant: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    api_version: str = Field(default="v9.2", pattern=r"^v9\.\d$")
    prefix: str = Field(default="new", pattern=r"^[a-z][a-z0-9]{1,7}$")
    webhook_name: str | None = None
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    lead_source: int = 9
    stages: dict[Stage, int] = _LEADS
    close_opportunities: bool = False
    record_stages: dict[Stage, str] = _ROWS


PLATFORM = Platform(
    name="dynamics",
    label="Microsoft Dynamics 365",
    settings=DynamicsSettings,
    limit=8.0,
    headers=sign_in.headers,
    doctor=client.doctor,
    sign_in=SignIn(call=sign_in.call, read=sign_in.read),
    judge=problem.judge,
    actions=[
        Action(
            FindContact,
            talk=client.find_contact,
            repeat=Idempotent(how="it only reads"),
            document=f"{_DOCS}/query/overview",
        ),
        Action(
            AddToList,
            talk=client.add_to_list,
            repeat=Idempotent(how="a contact is a member of a list once; membership is looked up first"),
            document="https://learn.microsoft.com/power-apps/developer/data-platform/reference/entities/list",
        ),
        Action(
            CreateTask,
            talk=client.create_task,
            repeat=Idempotent(how=_OWN_ID),
            document=f"{_DOCS}/update-delete-entities-using-web-api",
        ),
        Action(
            WriteNote,
            talk=client.write_note,
            repeat=Idempotent(how=_OWN_ID),
            document=f"{_DOCS}/update-delete-entities-using-web-api",
        ),
        Action(
            AttributeRevenue,
            talk=client.attribute_revenue,
            repeat=Idempotent(how="amount and total are set, not added to"),
            document=f"{_DOCS}/update-delete-entities-using-web-api",
        ),
        Action(
            PutLead,
            talk=referral.put_lead,
            repeat=Idempotent(how=f"{_OWN_ID}; an opportunity is closed only while it is open"),
            document=f"{_DOCS}/perform-conditional-operations-using-web-api",
        ),
        Action(
            PutRow,
            talk=referral.put_row,
            repeat=Idempotent(how=_OWN_ID),
            document=f"{_DOCS}/perform-conditional-operations-using-web-api",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            name="changes",
            every=timedelta(minutes=15),
            talk=poll.changes,
            what="reads what changed: tags, opt-outs, referrals, finished tasks; at once when a webhook pokes",
        ),
        Upkeep(
            name="webhook",
            every=timedelta(days=1),
            talk=register.webhook,
            what="registers the webhook of the name WEBHOOK_NAME, and its steps, where they lack",
            needs=lambda settings: ("webhook_secret", "webhook_name"),
        ),
    ],
)
