"""Prevents: a new vendor's folder that breaks everybody's tests, or whose tests do not say what to write next.

In a copy of the tree without the other vendors: a folder is found by being there, so it must not lie in the tree that
other tests look at.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from platforms import all_platforms

ROOT = Path(__file__).parents[3]
VENDORS = tuple(sorted(all_platforms()))
ROOMS = ("activities", "authoring", "journeys", "models", "platforms", "sandbox", "starter", "store", "workflows")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product with a new platform, and the contract every platform has to keep."""
    copy: Path = tmp_path_factory.mktemp("tree")
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__", *VENDORS))
    (copy / "tests" / "platforms").mkdir(parents=True)
    shutil.copy(ROOT / "tests/platforms/test_contract.py", copy / "tests/platforms")
    shutil.copy(ROOT / "pyproject.toml", copy)
    made = run(copy, "starter.cli.main", "platform", "new", "pigeon_post", "--can", "texts")
    assert made.returncode == 0, made.stdout + made.stderr
    assert "pytest -x tests/platforms/test_contract.py -k pigeon_post" in made.stdout
    return copy


def run(tree: Path, module: str, *words: str) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("OVATION_")}
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, env={**outside, "COLUMNS": "200"})


def contract(tree: Path, *more: str) -> str:
    """What the contract says about the new folder."""
    words = ("-p", "no:cacheprovider", "--tb=line", "tests/platforms/test_contract.py", "-k", "pigeon_post", *more)
    return run(tree, "pytest", *words).stdout


def write(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text, f"{path.name} does not have {before!r}"
    path.write_text(text.replace(before, after, 1))


def test_the_folder_is_well_formed(tree: Path) -> None:
    assert run(tree, "ruff", "check", "platforms/pigeon_post").returncode == 0
    assert run(tree, "ruff", "format", "--check", "platforms/pigeon_post").returncode == 0
    folder = tree / "platforms/pigeon_post"
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert [name for name in names if not name.endswith(".pyc")] == [
        *("README.md", "__init__.py", "client.py", "fixtures/SOURCES.md", "stand_in.py", "webhook.py")
    ]
    assert all("$" not in (folder / name).read_text() for name in names if not name.endswith(".pyc"))


def test_each_failure_says_what_to_write_next(tree: Path) -> None:
    first = contract(tree, "-x")
    assert "platforms/pigeon_post/client.py, headers: what signs a call in" in first
    assert "1 failed" in first
    said = contract(tree)
    for words in (
        "SendText: name the vendor's document it follows",
        "platforms/pigeon_post/README.md does not explain ['OVATION_PIGEON_POST__",
        "platforms/pigeon_post/client.py, doctor: ask one question",
        "platforms/pigeon_post/stand_in.py, rate_limited: the vendor's 429",
        "platforms/pigeon_post/fixtures/ has no sample; begin with one",
        "platforms/pigeon_post/webhook.py, unpack: the vendor's name of each event",
        "platforms/pigeon_post/webhook.py, sign: the headers",
    ):
        assert words in said


def test_what_was_written_is_asked_for_no_more(tree: Path) -> None:
    folder = tree / "platforms/pigeon_post"
    _body(folder / "client.py", "headers", 'return {"authorization": settings.base_url}')
    _body(folder / "client.py", "doctor", '"""GET /v1/me"""')
    _body(folder / "stand_in.py", "rate_limited", "return Answer(429)")
    write(folder / "__init__.py", 'document=""', 'document="pigeon.example/api"')
    explained = "".join(f"`OVATION_PIGEON_POST__{name}` " for name in ("BASE_URL", "API_KEY", "WEBHOOK_SECRET"))
    write(folder / "README.md", "## Actions", f"{explained}\n\n## Actions")
    (folder / "fixtures/landed__home.json").write_text('{"event": "landed"}')
    said = contract(tree)
    for done in ("headers:", "doctor:", "rate_limited:", "README.md", "name the vendor's document"):
        assert done not in said
    assert "send_text says which operation it follows" in said
    assert "platforms/pigeon_post/stand_in.py, broken: the vendor's 500" in said
    assert "landed__home.json: write the events you expect beside it" in said


def _body(path: Path, function: str, body: str) -> None:
    """Writes a function, as somebody would who was told to: in the place of its first statement."""
    text = path.read_text()
    start = text.index("    raise NotImplementedError(", text.index(f"def {function}("))
    depth, end = 0, text.index("(", start)
    while True:
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
        if depth == 0:
            break
    path.write_text(text[:start] + f"    {body}" + text[end:])
