"""Prevents: a page that was true last year; a command, verb, event, setting or platform that stands on no page; a link
that leads nowhere; an example that the product refuses.

Generated parts are mended by `make docs`. What is missing elsewhere is yours to write.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from authoring.shelf import check, load
from authoring.stories import run_stories
from models.effect import EFFECTS
from models.event import EVENTS
from models.journey import SEARCH_ATTRIBUTES
from models.playbook import Playbook
from models.settings import Settings
from platforms import all_platforms
from store.fraud import RULES
from tests.docs.operators import every_command
from tests.docs.pages import ROOT, all_pages, parts_of, written
from tests.docs.parts import PARTS
from tests.docs.pictures import pictures
from tests.docs.platforms import anchor, variable

DOCS = ROOT / "docs"
LINKED = [
    *all_pages(),
    ROOT / "CHANGELOG.md",
    *sorted((DOCS / "decisions").glob("*.md")),
    *sorted((ROOT / "platforms").glob("*/README.md")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def short(page: Path) -> str:
    return str(page.relative_to(ROOT))


# What is generated.


@pytest.mark.parametrize("page", all_pages(), ids=short)
def test_generated_parts_say_what_the_code_says(page: Path) -> None:
    for name, text in parts_of(page).items():
        assert name in PARTS, f"{short(page)}: nothing writes the part {name!r}; there are: {', '.join(PARTS)}"
        assert text == written(name, PARTS), f"{short(page)}: the part {name!r} is stale; run `make docs`"


def test_every_generated_part_stands_on_one_page() -> None:
    found = [name for page in all_pages() for name in parts_of(page)]
    assert sorted(found) == sorted(PARTS)


@pytest.mark.parametrize("picture", pictures(), ids=short)
def test_every_playbook_has_its_timeline_as_it_is_now(picture: Path) -> None:
    assert picture.exists(), f"{short(picture)} is missing; run `make docs`"
    assert picture.read_text() == pictures()[picture], f"{short(picture)} is stale; run `make docs`"


# What must be told.


def missing(page: str, rows: list[str]) -> list[str]:
    text = text_of(page)
    return [row for row in rows if f"\n| `{row}` |" not in text]


def test_every_verb_has_its_row() -> None:
    verbs = [name for name, kind in EFFECTS.items() if not kind.internal]
    assert not missing("docs/playbooks.md", verbs)


def test_every_event_has_its_row() -> None:
    assert not missing("docs/playbooks.md", list(EVENTS))


def test_every_word_of_a_playbook_is_explained() -> None:
    parts = text_of("docs/playbooks.md").partition("## The parts")[2].partition("## Verbs")[0]
    told = set(re.findall(r"`([a-z_]+)`", parts))
    filled_in_when_loaded = {"qualify_platforms", "alert_platforms"}
    assert not set(Playbook.model_fields) - filled_in_when_loaded - told


def test_every_command_has_its_row() -> None:
    assert not missing("docs/operators.md", [f"ovation {name}" for name in every_command()])


def test_every_command_has_an_example() -> None:
    bare = [name for name, command in every_command().items() if "Example:" not in (command.help or "")]
    assert not bare, "end their docstrings with `Example: ovation …`"


def test_every_fraud_rule_has_its_row() -> None:
    assert not missing("docs/referrals.md", [rule.__name__ for rule in RULES])


def test_every_platform_has_its_section_with_everything_it_declares() -> None:
    page = text_of("docs/platforms.md")
    for name, platform in all_platforms().items():
        section = page.partition(f"\n### {platform.label}\n")[2].partition("\n### ")[0]
        wanted = [f"../platforms/{name}/README.md", *(f"| `{a.takes.__name__}` |" for a in platform.actions)]
        wanted += [f"| `{job.name}` |" for job in platform.upkeep]
        assert not [words for words in wanted if words not in section], f"docs/platforms.md, {platform.label}"


def test_every_platform_is_in_the_matrix_of_what_is_proved() -> None:
    matrix = text_of("docs/platforms.md").partition("\n## What is proved\n")[2]
    assert matrix, "the heading is there"
    for name in all_platforms():
        assert matrix.count(f"\n| {name} | ") == 2, f"{name}: a row for what comes in, and one for what goes out"


def test_every_setting_is_on_the_settings_page() -> None:
    page = text_of("docs/settings.md")
    for name, platform in all_platforms().items():
        fields = set(platform.settings.model_fields) - {"webhook_secret"} | set(platform.settings.required_in)
        fields |= {"webhook_secret"} if platform.settings.verified_by else set()
        if platform.inbound is None:
            fields -= set(platform.settings.required_in) - set(platform.settings.required)
        assert not [v for f in sorted(fields) if f"`{(v := variable(platform.settings, f))}`" not in page], name


def test_the_settings_page_tells_the_true_defaults() -> None:
    rows = dict(re.findall(r"^\| `OVATION_([A-Z_]+)` \|.*\| ([^|]+) \|$", text_of("docs/settings.md"), re.MULTILINE))
    for name, field in Settings.model_fields.items():
        default: Any = field.default
        if default in (None, "", []):
            assert "`" not in rows[name.upper()] or "ovation up" in rows[name.upper()], name
        else:
            said = f"{default:g}" if isinstance(default, float) else str(default)
            assert rows[name.upper()] == f"`{said}`", name


# What is written must work.


@pytest.mark.parametrize("page", LINKED, ids=short)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCED.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{short(page)}: {target} is not there"
        assert there.is_relative_to(ROOT), f"{short(page)}: {target} leads out of the repository"
        if fragment:
            assert fragment in anchors(there), f"{short(page)}: {short(there)} has no heading #{fragment}"


def anchors(page: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)}


@pytest.mark.parametrize("page", all_pages(), ids=short)
def test_commands_that_are_named_exist(page: Path) -> None:
    known = set(every_command())
    groups = {name.partition(" ")[0] for name in known}
    for line in re.findall(r"(?:`|^    |exec gateway )ovation ([a-z][a-z -]*)", page.read_text(), re.MULTILINE):
        words = line.split(" --")[0].split()
        named = " ".join(words[:2]) if words[0] in groups - known else words[0]
        assert named in known | groups, f"{short(page)}: there is no `ovation {line.strip()}`"


@pytest.mark.parametrize("page", all_pages(), ids=short)
def test_variables_and_search_attributes_that_are_named_exist(page: Path) -> None:
    known = {f"OVATION_{name.upper()}" for name in Settings.model_fields} | {"OVATION_VERSION"}
    for platform in all_platforms().values():
        known |= {variable(platform.settings, field) for field in platform.settings.model_fields}
    text = page.read_text()
    assert not set(re.findall(r"\bOVATION_[A-Z][A-Z_]*[A-Z]\b", text)) - known, short(page)
    assert not set(re.findall(r"\bOvation[A-Z]\w+", text)) - SEARCH_ATTRIBUTES.keys(), short(page)


def test_the_example_of_a_playbook_is_one_and_its_story_holds(tmp_path: Path) -> None:
    page = text_of("docs/playbooks.md")
    example = re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[0]
    story = re.findall(r"^    - story:.*?\n\n", page, re.DOTALL | re.MULTILINE)[0]
    shutil.copytree(ROOT / "playbooks" / "messages", tmp_path / "messages")
    (tmp_path / "renewal-thanks.yaml").write_text(example)
    (tmp_path / "renewal-thanks.stories.yaml").write_text(f"stories:\n{story}")
    here = Settings(program=ROOT / "program.yaml", playbooks=tmp_path, time_scale=1.0)
    assert [str(mistake) for mistake in check(here)] == []
    told = run_stories(tmp_path, load(here).playbooks)
    assert [str(result) for result in told if not result.passed] == []
    assert len(told) == 1


# The first page.


def test_the_first_page_is_two_minutes_long_with_one_picture_and_two_commands() -> None:
    text = text_of("README.md")
    assert re.findall(r"^    (.+)$", text, re.MULTILINE) == ["make demo", "make test"]
    assert re.findall(r"!\[.+\]\((.+)\)", text) == ["docs/pictures/one-event.svg"]
    assert len(text.split()) <= 450, "a stranger reads it in two minutes"


def test_pictures_can_be_read_in_the_dark_and_aloud() -> None:
    for picture in sorted((DOCS / "pictures").glob("*.svg")):
        content = picture.read_text()
        assert "prefers-color-scheme:dark" in content, picture.name
        assert "<title" in content and "<desc" in content, picture.name
