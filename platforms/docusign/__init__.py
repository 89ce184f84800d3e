"""DocuSign eSignature: an agreement for the advocate to sign, and the news that it is signed or will not be."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Findable, Platform, PlatformSettings, SignIn, Upkeep
from platforms.capabilities import RequestSignature
from platforms.docusign import client, problem, sign_in, upkeep, webhook


class DocuSignSettings(PlatformSettings):
    """`account` and `account_uri` as *Apps and Keys* shows them; `user` is the one who sends. `private_key` is the RSA
    key of the integration, PEM. `webhook_secret` is a Connect key. A `base_url` that is set replaces every host."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_DOCUSIGN__"})
    required = ("integration_key", "user", "account", "account_uri", "private_key")

    base_url: str = "https://account.docusign.com"
    auth_host: str = Field(default="account.docusign.com", pattern=r"^[a-z0-9.-]+$")
    integration_key: str | None = None
    user: str | None = None
    account: str | None = None
    account_uri: str | None = Field(default=None, pattern=r"^https://[^/?#\s]+/?$")
    private_key: SecretStr | None = None


PLATFORM = Platform(
    name="docusign",
    label="DocuSign",
    settings=DocuSignSettings,
    limit=0.2,
    headers=sign_in.headers,
    doctor=client.doctor,
    judge=problem.judge,
    sign_in=SignIn(call=sign_in.call, read=sign_in.read),
    actions=[
        Action(
            RequestSignature,
            talk=client.request_signature,
            repeat=Findable(
                find=client.find_envelope,
                after=timedelta(minutes=2),
                how="the envelope is looked up by transactionId, after a week by its field ovation_effect = our key",
            ),
            document="https://developers.docusign.com/docs/esign-rest-api/reference/envelopes/envelopes/create/",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            name="signed",
            every=timedelta(hours=12),
            talk=upkeep.look_for_ended,
            what="reads which envelopes were completed, declined or voided, in case Connect was down or switched off",
        ),
    ],
)
