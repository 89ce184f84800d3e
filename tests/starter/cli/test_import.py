"""Prevents: a list that is half in and nobody knows which half, and one that is in twice after a second try."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from starter.cli import import_
from store.inbox import accept
from tests.starter.cli.conftest import Ovation, aside, told

HEADER = "type,subject,first_name,score,referred_by"
ADA = "nps.answered,email:ada@engines.example,Ada,10,"
BO = "referral.submitted,email:bo@new.example,Bo,,email:ada@engines.example"
WRONG = "nps.answered,email:cy@old.example,Cy,11,"
REFUSED = "nps.answered,email:di@old.example,D\0i,10,"


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OVATION_DATABASE_URL", database_url)
    return database_url


def file(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "people.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return str(path)


async def rows(engine: AsyncEngine, query: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as conn:
        return [tuple(row) for row in (await conn.execute(text(query))).all()]


@pytest.mark.usefixtures("database")
class TestImport:
    """With a database."""

    async def test_everybody_in_the_file_is_on_record_and_waits_to_be_handed_on(
        self, ovation: Ovation, engine: AsyncEngine, tmp_path: Path
    ) -> None:
        result = await aside(ovation, "import", file(tmp_path, ADA, BO), "--json")
        assert result.exit_code == 0, result.output
        assert told(result) == {"accepted": 2, "known_already": 0, "nobody": [], "skipped": []}
        people = await rows(engine, "SELECT first_name, email FROM contacts ORDER BY email")
        assert people == [("Ada", "ada@engines.example"), ("Bo", "bo@new.example")]
        waiting = await rows(engine, "SELECT type FROM inbox WHERE handed_at IS NULL ORDER BY type")
        assert waiting == [("nps.answered",), ("referral.submitted",)]
        made = (
            "SELECT a.first_name, f.first_name FROM referrals r JOIN contacts a ON a.id = r.advocate_id JOIN contacts f"
        )
        assert await rows(engine, f"{made} ON f.id = r.friend_id") == [("Ada", "Bo")]

    async def test_a_second_run_does_nothing_twice(self, ovation: Ovation, engine: AsyncEngine, tmp_path: Path) -> None:
        await aside(ovation, "import", file(tmp_path, ADA, BO))
        result = await aside(ovation, "import", file(tmp_path, ADA, BO))
        assert "0 events accepted, 2 known already" in result.output
        assert await rows(engine, "SELECT count(*) FROM inbox") == [(2,)]

    async def test_what_was_broken_off_is_gone_on_with(
        self, ovation: Ovation, engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada_is_in = asyncio.Event()

        async def dies(engine: AsyncEngine, event: Any) -> Any:
            if event.type == "referral.submitted":
                await ada_is_in.wait()
                raise KeyboardInterrupt
            accepted = await accept(engine, event)
            ada_is_in.set()
            return accepted

        with monkeypatch.context() as broken:
            broken.setattr(import_, "accept", dies)
            assert (await aside(ovation, "import", file(tmp_path, ADA, BO))).exit_code != 0
        assert await rows(engine, "SELECT type FROM inbox") == [("nps.answered",)]
        result = await aside(ovation, "import", file(tmp_path, ADA, BO), "--json")
        assert told(result)["accepted"] == 1
        assert told(result)["known_already"] == 1

    async def test_what_happened_to_one_person_stays_in_its_order(
        self, ovation: Ovation, engine: AsyncEngine, tmp_path: Path
    ) -> None:
        scores = [f"nps.answered,email:p{n % 5}@x.example,,{n // 5}," for n in range(50)]
        await aside(ovation, "import", file(tmp_path, *scores))
        asked = "SELECT array_agg((data->>'score')::int ORDER BY position) FROM inbox GROUP BY contact_id"
        assert await rows(engine, asked) == [([0, 1, 2, 3, 4, 5, 6, 7, 8, 9],)] * 5

    async def test_two_who_refer_each_other_do_not_stand_in_each_others_way(
        self, ovation: Ovation, tmp_path: Path
    ) -> None:
        pairs = [
            f"referral.submitted,email:{a}{n}@x.example,,,email:{b}{n}@x.example"
            for n in range(20)
            for a, b in (("a", "b"), ("b", "a"))
        ]
        result = await aside(ovation, "import", file(tmp_path, *pairs), "--json")
        assert told(result)["accepted"] == 40

    async def test_nothing_of_a_wrong_file_is_imported(
        self, ovation: Ovation, engine: AsyncEngine, tmp_path: Path
    ) -> None:
        result = await aside(ovation, "import", file(tmp_path, ADA, WRONG))
        assert result.exit_code == 1
        assert "people.csv:3:4: score: Input should be less than or equal to 10, found '11'" in result.stderr
        assert "nothing was imported: mend 1 mistake first; --skip-bad imports the other 1 line" in result.stderr
        assert await rows(engine, "SELECT count(*) FROM inbox") == [(0,)]

    async def test_the_rest_of_a_wrong_file_is_imported_where_that_is_wanted(
        self, ovation: Ovation, engine: AsyncEngine, tmp_path: Path
    ) -> None:
        result = await aside(ovation, "import", file(tmp_path, WRONG, BO), "--skip-bad", "--json")
        assert result.exit_code == 0
        assert told(result)["accepted"] == 1
        assert [one["line"] for one in told(result)["skipped"]] == [2]
        assert await rows(engine, "SELECT type FROM inbox") == [("referral.submitted",)]

    async def test_a_line_that_only_the_database_can_refuse_is_a_mistake_and_the_others_go_on(
        self, ovation: Ovation, engine: AsyncEngine, tmp_path: Path
    ) -> None:
        path = file(tmp_path, REFUSED, ADA, BO)
        result = await aside(ovation, "import", path)
        assert (result.exit_code, type(result.exception)) == (1, SystemExit)
        assert "2 events accepted, 0 known already" in result.output
        assert "people.csv:2:1: nps.answered: something in it cannot be kept" in result.output
        assert await rows(engine, "SELECT count(*) FROM inbox") == [(2,)]
        again = await aside(ovation, "import", path, "--skip-bad", "--json")
        assert again.exit_code == 0, "that is what was wanted"
        assert [(one["line"], one["column"]) for one in told(again)["skipped"]] == [(2, 1)]

    async def test_a_line_that_names_nobody_is_said(self, ovation: Ovation, tmp_path: Path) -> None:
        path = tmp_path / "scans.csv"
        path.write_text("type,subject\nqr.scanned,effect:j_1/gift/send_gift\n")
        result = await aside(ovation, "import", str(path))
        assert "stored, but naming nobody we know: line 2" in result.output


def test_a_look_for_mistakes_needs_no_database(
    ovation: Ovation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OVATION_DATABASE_URL", raising=False)
    result = ovation("import", file(tmp_path, ADA, BO), "--check")
    assert result.exit_code == 0
    assert "2 events, no mistakes; nothing imported" in result.output


def test_a_file_that_is_not_there_is_wrong_use(ovation: Ovation) -> None:
    assert ovation("import", "nowhere.csv").exit_code == 2
