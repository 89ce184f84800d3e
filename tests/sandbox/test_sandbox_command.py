"""Prevents: a sandbox that cannot be started as documented, or that does not end when it is told to."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.server import listen

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = process.stdout.readline()
    found = re.match(r"sandbox: (http://127\.0\.0\.1:\d+)", said)
    assert found, said
    return found.group(1)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_and_ends_when_told(start: Start, sent: signal.Signals) -> None:
    process = start(OVATION_SANDBOX_PORT="0", OVATION_PUBLIC_URL="http://127.0.0.1:9", OVATION_SLACK__BOT_TOKEN="mine")
    url = address(process)
    token = {"authorization": "Bearer mine"}
    answer = httpx.get(f"{url}/slack/api/auth.test", headers=token, trust_env=False)
    assert answer.json()["ok"] is True
    httpx.post(f"{url}/faults", json={"platform": "slack", "kind": "slow", "seconds": 60}, trust_env=False)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{url}/slack/api/auth.test", headers=token, timeout=0.2, trust_env=False)
    httpx.post(f"{url}/wootric/_move/decline", json={"email": "ada@example.com"}, trust_env=False)  # on its way
    process.send_signal(sent)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_a_taken_port_is_said(start: Start) -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        process = start("--port", str(port))
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert f"port {port} of 127.0.0.1: Address already in use; choose another by --port" in errors


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("--gateway", "127.0.0.1:8080"), {}, "is no URL"),
        (("--port", "many"), {}, "invalid int value"),
        ((), {"OVATION_SLACK__RATE_LIMIT": "fast"}, "settings in the environment cannot be read"),
    ],
)
def test_a_wrong_start_is_told_what_is_wrong(
    start: Start, arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    process = start(*arguments, **environment)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert said in errors
