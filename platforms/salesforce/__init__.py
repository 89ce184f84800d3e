"""Salesforce: the CRM of contacts, campaigns, tasks, leads and deals, with one record of its own for each referral."""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Findable, Idempotent, Platform, PlatformSettings, SignIn, Upkeep
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
from platforms.salesforce import client, poll, problem, referral, sign_in, webhook

_REST = "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest"
_OBJECTS = "https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects"
_BY_KEY = "look for Task.Ovation_Key__c = our key, also among deleted tasks"
_BY_REF = "an upsert by Ovation_Ref__c, which is unique"


_LEADS: dict[Stage, str] = {
    "submitted": "Open - Not Contacted",
    "accepted": "Working - Contacted",
    "lost": "Closed - Not Converted",
    "disqualified": "Closed - Not Converted",
}
_ROWS: dict[Stage, str] = {
    "submitted": "Submitted",
    "accepted": "Accepted",
    "qualified": "Qualified",
    "won": "Won",
    "lost": "Lost",
    "disqualified": "Disqualified",
}


class SalesforceSettings(PlatformSettings):
    """`base_url` is the org's My Domain, `https://acme.my.salesforce.com`; there is no other address to sign in at.

    With `private_key` (PEM) and `username` the JWT bearer flow signs in, else client credentials. `stages` are our
    words → statuses of leads, `opportunity_stages` of deals, `record_stages` of `Referral__c`. `org_id`: of which org
    webhooks are believed. `namespace` stands before every custom name where a managed package brought them."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_SALESFORCE__"})
    required = ("base_url", "client_id", "client_secret")

    base_url: str = ""
    client_id: str | None = None
    client_secret: SecretStr | None = None
    username: str | None = None
    private_key: SecretStr | None = None
    audience: str = "https://login.salesforce.com"
    api_version: str = Field(default="68.0", pattern=r"^\d{2,3}\.0$")
    org_id: str | None = None
    namespace: str = Field(default="", pattern=r"^\w{0,15}$")
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    multi_currency: bool = False
    country_codes: bool = False
    lead_source: str = "Customer Referral"
    stages: dict[Stage, str] = _LEADS
    opportunity_stages: dict[Stage, str] = Field(default_factory=dict)
    record_stages: dict[Stage, str] = _ROWS

    def missing(self, names: Sequence[str] | None = None) -> list[str]:
        """With a private key it is the user who is needed, not the client's secret."""
        if names is None and self.private_key is not None:
            names = ("base_url", "client_id", "username")
        return super().missing(names)


PLATFORM = Platform(
    name="salesforce",
    label="Salesforce",
    settings=SalesforceSettings,
    limit=5.0,
    headers=sign_in.headers,
    doctor=client.doctor,
    sign_in=SignIn(call=sign_in.call, read=sign_in.read),
    judge=problem.judge,
    actions=[
        Action(
            FindContact,
            talk=client.find_contact,
            repeat=Idempotent(how="it only reads"),
            document=f"{_REST}/resources_query.htm",
        ),
        Action(
            AddToList,
            talk=client.add_to_list,
            repeat=Idempotent(how="a contact is a member of a campaign once; a second time is refused"),
            document=f"{_OBJECTS}/object-campaignmember.html",
        ),
        Action(
            CreateTask,
            talk=client.create_task,
            repeat=Findable(find=client.find_task, after=timedelta(), how=_BY_KEY),
            document=f"{_OBJECTS}/object-task.html",
        ),
        Action(
            WriteNote,
            talk=client.write_note,
            repeat=Findable(find=client.find_note, after=timedelta(), how=_BY_KEY),
            document=f"{_OBJECTS}/object-task.html",
        ),
        Action(
            AttributeRevenue,
            talk=client.attribute_revenue,
            repeat=Idempotent(how="amount and total are set, not added to"),
            document=f"{_REST}/dome_update_fields.htm",
        ),
        Action(
            PutLead,
            talk=referral.put_lead,
            repeat=Idempotent(how=_BY_REF),
            document=f"{_REST}/dome_upsert.htm",
        ),
        Action(
            PutRow,
            talk=referral.put_row,
            repeat=Idempotent(how=_BY_REF),
            document=f"{_REST}/dome_upsert.htm",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            name="changes",
            every=timedelta(minutes=15),
            talk=poll.changes,
            what="looks for tags, opt-outs, changes of referrals and finished tasks that no flow told of",
        )
    ],
)
