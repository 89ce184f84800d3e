"""Pipedrive: a referral as a deal that moves through a pipeline, and tasks for the colleagues who sell."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Findable, Platform, PlatformSettings, Upkeep
from platforms.capabilities import CreateTask, PutLead, Stage
from platforms.pipedrive import client, problem, upkeep, webhook

_DOCS = "https://developers.pipedrive.com/docs/api/v1"
_SETTLED = timedelta(minutes=1)
"""Look-ups read the records themselves beside the search index, which lags by seconds. The minute is room for a write
that was still under way when we gave up waiting for its answer."""

FieldCode = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
Word = Annotated[str, StringConstraints(pattern=r"^(won|lost|[1-9][0-9]{0,9})$")]


class PipedriveSettings(PlatformSettings):
    """`company` as in acme.pipedrive.com. `referral_field` and `stage_field` are the keys of two text fields on deals.

    `stages`: our word → the number of a stage of `pipeline_id`, or `won` or `lost`."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_PIPEDRIVE__"})
    required = ("company", "api_token", "referral_field", "stage_field")

    base_url: str = "https://{company}.pipedrive.com"
    company: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    api_token: SecretStr | None = None
    referral_field: FieldCode | None = None
    stage_field: FieldCode | None = None
    pipeline_id: int | None = Field(default=None, ge=1)
    stages: dict[Stage, Word] = Field(default={"won": "won", "lost": "lost"})

    @model_validator(mode="after")
    def _stages_have_a_pipeline(self) -> "PipedriveSettings":
        if self.pipeline_id is None and any(word.isdigit() for word in self.stages.values()):
            raise ValueError("stages by number need OVATION_PIPEDRIVE__PIPELINE_ID, the pipeline that they belong to")
        return self


PLATFORM = Platform(
    name="pipedrive",
    label="Pipedrive",
    settings=PipedriveSettings,
    limit=1.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=problem.judge,
    actions=[
        Action(
            PutLead,
            talk=client.put_lead,
            repeat=Findable(
                find=client.find_lead,
                after=_SETTLED,
                how="look for the deal whose referral field holds our id of the referral, also among deleted deals",
            ),
            document=f"{_DOCS}/Deals",
        ),
        Action(
            CreateTask,
            talk=client.create_task,
            repeat=Findable(
                find=client.find_task,
                after=_SETTLED,
                how="look at the person's activities: a note that ends with [ovation:our key] is ours",
            ),
            document=f"{_DOCS}/Activities",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            "webhooks",
            every=timedelta(days=1),
            talk=upkeep.keep_webhooks,
            what="registers the webhooks for deals, activities and persons, and puts back those that Pipedrive deleted",
            needs=lambda settings: ("webhook_secret",),
        ),
        Upkeep(
            "deals",
            every=timedelta(minutes=30),
            talk=upkeep.read_deals,
            what="reads the deals that changed, for what a webhook that was banned did not tell",
        ),
        Upkeep(
            "activities",
            every=timedelta(minutes=30),
            talk=upkeep.read_activities,
            what="reads the activities that were done, for what a webhook that was banned did not tell",
        ),
    ],
)
