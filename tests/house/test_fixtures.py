"""Prevents: a sample that somebody made up, taken for what the vendor sends; and a source of a sample that is gone.

To do it right: one line for each sample in `fixtures/SOURCES.md`, with its file's name: documented or captured, where,
when.
"""

import re
from pathlib import Path

import pytest

from tests.house.product import ROOT

FOLDERS = sorted(path for path in (ROOT / "platforms").rglob("fixtures") if path.is_dir())
each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=[folder.parent.name for folder in FOLDERS])


def samples(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != "SOURCES.md" and ".out." not in path.name}


def named(folder: Path) -> set[str]:
    """The samples that the sources tell of."""
    return set(re.findall(r"[\w.-]+__[\w-]+\.(?:json|form|xml)", (folder / "SOURCES.md").read_text()))


@each_folder
def test_every_sample_has_a_source(folder: Path) -> None:
    assert samples(folder), "a folder without a sample"
    missing = samples(folder) - named(folder)
    assert not missing, f"{folder.relative_to(ROOT)}/SOURCES.md: say where these are from: {sorted(missing)}"


@each_folder
def test_every_source_has_its_sample(folder: Path) -> None:
    gone = {name for name in named(folder) if ".out." not in name} - samples(folder)
    assert not gone, f"{folder.relative_to(ROOT)}/SOURCES.md tells of samples that are gone: {sorted(gone)}"


@each_folder
def test_sources_say_when(folder: Path) -> None:
    text = (folder / "SOURCES.md").read_text()
    assert re.search(r"\b20\d\d\b", text), (
        f"{folder.relative_to(ROOT)}/SOURCES.md: say when; vendors change their minds"
    )


def test_there_are_folders() -> None:
    assert len(FOLDERS) > 15
