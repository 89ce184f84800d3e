"""Prevents: a command that has done its work and dies all the same, so that whoever waits for it believes it failed."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

RUN = """
import atexit, os, runpy, sys
atexit.register(os.abort)  # as a thread of the Temporal SDK does, when the interpreter shuts down
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__")
"""


def ended(*words: str, stdout: int = subprocess.PIPE, **settings: str) -> subprocess.CompletedProcess[str]:
    """A process of ours whose interpreter must not shut down."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OVATION_", "TEMPORAL_"))}
    return subprocess.run(
        [sys.executable, "-c", RUN, *words],
        cwd=ROOT / "tests",  # where no stack is remembered
        env={**clean, "PYTHONPATH": str(ROOT), **settings},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("words", "settings", "status", "said"),
    [
        (["starter.cli.main", "--help"], {}, 0, ""),
        (["starter.cli.main", "journey", "list"], {}, 1, "no Temporal: set TEMPORAL_ADDRESS"),
        (["starter.cli.main", "explain", "garbage"], {}, 2, "names nobody"),
        (["worker"], {}, 1, "no Temporal: set TEMPORAL_ADDRESS"),
        (["worker"], {"TEMPORAL_ADDRESS": "127.0.0.1:9"}, 1, "Temporal does not answer where TEMPORAL_ADDRESS says"),
        (["worker"], {"OVATION_PORT": "abc"}, 2, "OVATION_PORT: Input should be a valid integer"),
    ],
)
def test_a_process_ends_with_its_own_status(words: list[str], settings: dict[str, str], status: int, said: str) -> None:
    result = ended(*words, **settings)
    assert (result.returncode, "Traceback" in result.stderr) == (status, False), result.stderr
    assert said in result.stderr
    assert bool(result.stdout) is (status == 0), "what was written is there"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_an_answer_that_could_not_be_written_is_not_done() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        assert ended("starter.cli.main", "--help", stdout=full).returncode == 1
    finally:
        os.close(full)


def test_the_console_script_ends_so_too() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"ovation": "starter.cli.main:main"}
