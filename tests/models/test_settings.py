"""Prevents: a key in a log, because somebody printed the settings; a proxy that is not believed, and nobody says so."""

import pytest
from pydantic import ValidationError

from models.settings import Settings


def test_printed_settings_tell_no_secret() -> None:
    secret = {"secret_keys": "top-secret,older-secret", "api_keys": "api-secret"}
    settings = Settings(database_url="postgresql://u:dbpass-secret@h/d", **secret)  # type: ignore[arg-type]
    assert "secret" not in repr(settings).replace("secret_keys", "")
    assert "secret" not in str(settings).replace("secret_keys", "")
    assert settings.required_secrets() == ["top-secret", "older-secret"]


def test_wrong_settings_are_refused_without_being_quoted() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(secret_keys={"not": "a-list-secret"}, time_scale=0)  # type: ignore[arg-type]
    assert "time_scale" in str(refused.value)
    assert "a-list-secret" not in str(refused.value)


@pytest.mark.parametrize("proxies", ["127.0.0.1", "10.0.0.5, 172.16.0.0/12", "::1,fd00::/8", "*"])
def test_proxies_are_addresses_and_networks(proxies: str) -> None:
    assert Settings(trusted_proxies=proxies).trusted_proxies == proxies


@pytest.mark.parametrize(("proxies", "wrong"), [("172.16.0.1/12", "172.16.0.1/12"), ("10.0.0.5,proxy", "proxy")])
def test_what_the_server_would_silently_never_believe_is_refused(proxies: str, wrong: str) -> None:
    with pytest.raises(ValidationError, match=f"'{wrong}' is neither an address nor a network"):
        Settings(trusted_proxies=proxies)
