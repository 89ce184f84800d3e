"""Prevents: a compose file that sets a variable nobody reads, leaves out one that is needed, or starts too early."""

import ipaddress
import re
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from models.settings import Settings
from platforms import all_platforms

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / "docs" / "env.example"

OTHERS = {"POSTGRES_PASSWORD", "OVATION_VERSION", "OVATION_BIND"}
"""Variables of the compose file itself."""

SERVICE_KEYS = {
    *("image", "build", "restart", "env_file", "environment", "volumes", "command", "depends_on", "ports"),
    *("healthcheck", "entrypoint", "stop_grace_period"),
}
"""What we use of the compose specification's services."""


def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return content


def known_variables() -> set[str]:
    ours = {f"OVATION_{name.upper()}" for name in Settings.model_fields}
    for platform in all_platforms().values():
        prefix = platform.settings.model_config.get("env_prefix") or ""
        ours |= {f"{prefix}{name.upper()}" for name in platform.settings.model_fields}
    return ours


def test_it_has_every_part_a_production_needs() -> None:
    services = compose()["services"]
    assert {"postgres", "temporal", "temporal-ui", "migrate", "gateway", "worker"} <= services.keys()
    assert "container_name" not in services["worker"], "a named container cannot be scaled"
    assert "ports" not in services["worker"], "a published port cannot be scaled"


def test_its_services_use_the_specification() -> None:
    for name, service in compose()["services"].items():
        assert service.keys() <= SERVICE_KEYS, name
        assert "image" in service, name
        for volume in service.get("volumes", []):
            assert re.match(r"^[./a-z].*:/", volume), (name, volume)
        for needed, condition in service.get("depends_on", {}).items():
            assert needed in compose()["services"], (name, needed)
            assert condition["condition"] in ("service_healthy", "service_completed_successfully", "service_started")
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in compose()["services"][needed], f"{needed} has no healthcheck to wait for"


def test_the_gateway_believes_a_proxy_on_its_host_and_nobody_from_afar() -> None:
    said = compose()["services"]["gateway"]["environment"]["OVATION_TRUSTED_PROXIES"]
    networks = Settings(trusted_proxies=said.partition(":-")[2].removesuffix("}")).trusted_proxies.split(",")
    believed = [ipaddress.ip_network(network.strip()) for network in networks]
    assert any(ipaddress.ip_address("172.18.0.1") in network for network in believed), "Docker's own network"
    assert all(network.is_private for network in believed)


def test_every_variable_is_one_we_read() -> None:
    known = known_variables()
    for service in ("gateway", "worker", "migrate"):
        for name in compose()["services"][service]["environment"]:
            assert name in known or name.startswith("TEMPORAL_"), (service, name)
    for name in re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text()):
        assert name in known | OTHERS, name


def test_the_example_of_an_environment_names_real_settings_and_all_that_the_program_needs() -> None:
    names = set(re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))
    assert names <= known_variables() | OTHERS, names - known_variables() - OTHERS
    bound: dict[str, Any] = yaml.safe_load((ROOT / "program.yaml").read_text())["platforms"]
    for name in chain.from_iterable([one] if isinstance(one, str) else one for one in bound.values()):
        platform = all_platforms()[name]
        prefix = platform.settings.model_config.get("env_prefix") or ""
        missing = {f"{prefix}{field.upper()}" for field in platform.settings.required} - names
        assert not missing, f"{name} needs {missing}"


def test_the_settings_page_explains_every_setting_and_no_other() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    explained = set(re.findall(r"^\| `(OVATION_[A-Z_]+)`", page, re.MULTILINE))
    assert explained == {f"OVATION_{name.upper()}" for name in Settings.model_fields}
