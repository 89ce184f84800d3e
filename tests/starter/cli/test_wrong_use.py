"""Prevents: a traceback where somebody mistyped a name, a file or a setting, and a script that asked for JSON and got
none."""

import socket
from pathlib import Path

import pytest
from temporalio.client import Client

from starter.cli import platform_new
from tests.docs.operators import every_command
from tests.starter.cli.conftest import Ovation, aside, told
from tests.world import PLAYBOOKS, PROGRAM

NAMES = ("garbage", "", ":", "Foo:x", "\\", "email:ada", "c_", "c_'", "\udcff@x")


@pytest.fixture(autouse=True)
def _marketers_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVATION_PROGRAM", str(PROGRAM))
    monkeypatch.setenv("OVATION_PLAYBOOKS", str(PLAYBOOKS))


def refused(ovation: Ovation, *words: str, status: int) -> str:
    """The reason of a command that fails: one sentence, the same to people and to scripts."""
    plain = ovation(*words)
    assert (plain.exit_code, plain.stdout) == (status, ""), plain.output
    assert "Traceback" not in plain.stderr
    for_scripts = ovation(*words, "--json")
    assert for_scripts.exit_code == status
    said = told(for_scripts)
    assert list(said) == ["error"]
    assert "\n" not in said["error"].strip()
    return str(said["error"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "command",
    [
        ("explain", "NAME"),
        ("journey", "show", "NAME"),
        ("journey", "pause", "NAME"),
        ("contact", "export", "NAME"),
        ("contact", "erase", "NAME", "--yes"),
        ("referral", "attribute", "r_1", "--to", "NAME", "--reason", "x"),
    ],
    ids=lambda words: "-".join(words[:2]),
)
def test_a_name_that_nobody_can_have(ovation: Ovation, command: tuple[str, ...], name: str) -> None:
    said = refused(ovation, *(name if word == "NAME" else word for word in command), status=2)
    assert "write" in said and "an e-mail address, kind:value like hubspot:123, or c_…" in said


@pytest.mark.parametrize("command", [("reward", "list"), ("journey", "list")], ids=lambda words: words[0])
def test_an_option_that_names_nobody(ovation: Ovation, command: tuple[str, ...]) -> None:
    assert "names nobody" in refused(ovation, *command, "--contact", "\\", status=2)


@pytest.mark.parametrize("command", [("referral", "list"), ("journey", "list")], ids=lambda words: words[0])
def test_fewer_than_one(ovation: Ovation, command: tuple[str, ...]) -> None:
    assert "greater than or equal to 1" in refused(ovation, *command, "--limit", "-3", status=2)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OVATION_PORT", "abc", "OVATION_PORT: Input should be a valid integer"),
        ("OVATION_TIME_SCALE", "0", "OVATION_TIME_SCALE: Input should be greater than 0"),
        ("OVATION_DATABASE_URL", "nonsense", "write it like postgresql://user@host/ovation"),
        ("OVATION_DATABASE_URL", "mysql://root:hunter2@a/b", "OVATION_DATABASE_URL is no address of a PostgreSQL"),
        ("OVATION_DATABASE_URL", "postgresql://h:hunter2/y", "OVATION_DATABASE_URL is no address of a PostgreSQL"),
    ],
)
@pytest.mark.parametrize("command", [("explain", "a@b.example"), ("migrate",)], ids=lambda words: words[0])
def test_a_setting_that_cannot_be(
    ovation: Ovation, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    found = refused(ovation, *command, status=2)
    assert said in found
    assert "hunter2" not in found, "what was set may be a secret"


@pytest.mark.parametrize("command", [("platform", "list"), ("doctor", "--offline"), ("serve",)], ids=lambda w: w[0])
def test_a_platforms_setting_that_cannot_be(
    ovation: Ovation, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    for name, value in {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/x", "SECRET_KEYS": "x", "PORT": "0"}.items():
        monkeypatch.setenv(f"OVATION_{name}", value)
    monkeypatch.setenv("OVATION_HUBSPOT__RATE_LIMIT", "abc")
    assert "OVATION_HUBSPOT__RATE_LIMIT: Input should be a valid number" in refused(ovation, *command, status=2)


def test_a_database_that_is_away(ovation: Ovation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVATION_DATABASE_URL", "postgresql://ann:hunter2@127.0.0.1:9/x")
    said = refused(ovation, "explain", "a@b.example", status=1)
    assert said.startswith("the database does not answer: ")
    assert "hunter2" not in said


def test_a_port_that_is_taken(ovation: Ovation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVATION_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/x")
    monkeypatch.setenv("OVATION_SECRET_KEYS", "x")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("OVATION_PORT", str(port))
        said = refused(ovation, "serve", status=1)
    assert said.startswith(f"port {port} of 127.0.0.1 cannot be had: ")


async def test_a_namespace_that_temporal_does_not_have(
    ovation: Ovation, temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.service_client.config.target_host)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nope")
    for command in (("journey", "list"), ("referral", "approve", "r_1", "--reason", "x")):
        result = await aside(ovation, *command, "--json")
        assert result.exit_code == 1
        assert "set TEMPORAL_NAMESPACE" in told(result)["error"]


# Files.


def test_a_folder_is_no_file(ovation: Ovation, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (
        ("event", "send", "."),
        ("playbook", "simulate", "."),
        ("playbook", "draw", "referral", "--to", "."),
    ):
        assert "directory" in refused(ovation, *command, status=2)


def test_events_that_are_no_text(ovation: Ovation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVATION_API_KEYS", "key")
    (tmp_path / "events.json").write_bytes(b'{"id": "\xff"}')
    assert refused(ovation, "event", "send", "events.json", status=2) == (
        "events.json:1: the file is not UTF-8: save it as UTF-8"
    )


def test_an_address_that_is_none(ovation: Ovation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVATION_API_KEYS", "key")
    (tmp_path / "events.json").write_text("{}")
    for gateway in ("gopher://x", "http://[::1"):
        assert "write it like" in refused(ovation, "event", "send", "events.json", "--gateway", gateway, status=2)


def test_a_place_where_nothing_can_be_written(ovation: Ovation, tmp_path: Path) -> None:
    said = refused(ovation, "playbook", "draw", "referral", "--to", "/nonexistent/x.svg", status=1)
    assert said == "/nonexistent/x.svg: No such file or directory"
    (tmp_path / "file").write_text("")
    assert "is a file" in refused(ovation, "playbook", "schema", "--to", "file", status=2)


# Words.


@pytest.mark.parametrize("words", [("nope",), ("journey", "nope"), ("journey", "list", "--nope"), ("journey", "show")])
def test_a_command_that_is_not_there(ovation: Ovation, words: tuple[str, ...]) -> None:
    refused(ovation, *words, status=2)


def test_a_playbook_that_is_not_there(ovation: Ovation) -> None:
    for command in ("test", "draw"):
        assert "no playbook 'nope'; there are: " in refused(ovation, "playbook", command, "nope", status=2)


def test_a_mistake_in_a_playbook_is_told_in_json(
    ovation: Ovation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong.yaml").write_text("playbook: wrong\n")
    monkeypatch.setenv("OVATION_PLAYBOOKS", str(tmp_path))
    result = ovation("playbook", "draw", "wrong", "--json")
    assert result.exit_code == 1
    assert "wrong.yaml:1:1: " in told(result)["error"]


def test_a_fault_of_ours_is_told_in_json_and_keeps_its_traceback(
    ovation: Ovation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slip(*_: object) -> None:
        raise KeyError("ada@example.com")

    monkeypatch.setattr(platform_new, "write", slip)
    result = ovation("platform", "new", "pigeon_post", "--json")
    assert told(result) == {"error": "a fault of ours: KeyError"}
    assert (result.exit_code, type(result.exception)) == (1, KeyError)


def test_every_command_answers_in_json() -> None:
    without = [name for name, command in every_command().items() if not _takes(command, "--json")]
    assert not without


def _takes(command: object, option: str) -> bool:
    return any(option in param.opts for param in command.params)  # type: ignore[attr-defined]
