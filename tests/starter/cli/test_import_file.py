"""Prevents: a misspelt column left out for everybody, a mistake without its place, one line that becomes two events."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.event import Event
from starter.cli.import_file import Mistake, Sheet, read

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sheet(tmp_path: Path, *lines: str, name: str = "people.csv", encoding: str = "utf-8") -> Sheet:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return read(path, NOW)


def only(found: Sheet) -> Event:
    assert found.mistakes == []
    [line] = found.lines
    return line.event


def test_a_line_is_the_event_that_a_service_would_have_reported(tmp_path: Path) -> None:
    event = only(
        sheet(
            tmp_path,
            "type,subject,id,time,first_name,company,score,comment",
            'nps.answered,email:Ada@Engines.example,a-1,2026-02-28T09:00:00+01:00,Ada,"Engines, Ltd",9,"Good,\nso far"',
        )
    )
    assert (event.type, event.source, event.source_id) == ("nps.answered", "events:import", "a-1")
    assert (event.subject.text, event.at) == ("email:ada@engines.example", datetime(2026, 2, 28, 8, tzinfo=UTC))
    assert event.data == {"score": 9, "comment": "Good,\nso far"}
    assert event.person is not None
    assert event.person.model_dump(exclude_unset=True) == {"first_name": "Ada", "company": "Engines, Ltd"}


def test_a_referral_names_its_advocate_and_its_amount_in_words(tmp_path: Path) -> None:
    event = only(
        sheet(
            tmp_path,
            "type,subject,referred_by,amount",
            "ovation.referral.closed,email:bo@new.example,email:ada@engines.example,12000.50 USD",
        )
    )
    assert event.type == "referral.closed"
    assert event.at == NOW, "without a time it happened now"
    assert event.data == {
        "referred_by": "email:ada@engines.example",
        "amount": {"minor": 1_200_050, "currency": "USD"},
    }


@pytest.mark.parametrize(
    ("header", "column", "words"),
    [
        ("type,subject,scroe", 3, "no column is called 'scroe'; did you mean 'score'? "),
        ("type,subject,score,score", 4, "'score' is there twice"),
        ("type,score", 1, "there is no column 'subject': every line needs one"),
    ],
)
def test_a_wrong_header_is_told_by_column(tmp_path: Path, header: str, column: int, words: str) -> None:
    found = sheet(tmp_path, header, "nps.answered,email:ada@engines.example,9,9")
    assert not found.readable
    assert found.lines == []
    assert (found.mistakes[0].line, found.mistakes[0].column) == (1, column)
    assert found.mistakes[0].words.startswith(words)


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        (
            "nps.answred,email:a@b.example,,9,,",
            1,
            "type: no event is called 'nps.answred'; did you mean nps.answered? ",
        ),
        (",email:a@b.example,,9,,", 1, "type: is empty"),
        ("nps.answered,a@b.example,,9,,", 2, "subject: subject 'a@b.example' is not of the form kind:value"),
        ("nps.answered,email:a@b.example,yesterday,9,,", 3, "time: Input should be a valid datetime"),
        ("nps.answered,email:a@b.example,,11,,", 4, "score: Input should be less than or equal to 10, found '11'"),
        ("nps.answered,email:a@b.example,,9,vip,", 5, "tag: nps.answered has no such field; it may have: comment, "),
        ("nps.answered,email:a@b.example,,9,", 1, "5 cells, but the header has 6: is a comma not in quotes?"),
        ("referral.closed,email:a@b.example,,,,100", 6, "amount: '100' is not an amount of money"),
    ],
)
def test_a_mistake_is_told_by_line_and_column_and_its_neighbors_are_read(
    tmp_path: Path, line: str, column: int, words: str
) -> None:
    good = "nps.answered,email:ada@engines.example,,10,,"
    found = sheet(tmp_path, "type,subject,time,score,tag,amount", good, "", line, good.replace("ada", "bo"))
    [mistake] = found.mistakes
    assert (mistake.line, mistake.column) == (4, column)
    assert mistake.words.startswith(words)
    assert [line.number for line in found.lines] == [2, 5]


def test_a_day_without_an_hour_is_told_how_to_be_written(tmp_path: Path) -> None:
    found = sheet(tmp_path, "type,subject,time", "review.held,email:a@b.example,2026-03-01")
    assert found.mistakes[0].words.endswith("found '2026-03-01'; write it like 2026-03-01T09:00:00Z")


def test_a_line_after_one_that_runs_over_several_keeps_its_number(tmp_path: Path) -> None:
    found = sheet(
        tmp_path,
        "type,subject,score,comment",
        'nps.answered,email:a@b.example,9,"two',
        'lines"',
        "nps.answered,email:c@d.example,12,",
    )
    assert [(one.line, one.column) for one in found.mistakes] == [(4, 3)]


def test_spreadsheets_write_semicolons_and_a_mark_before_the_first_word(tmp_path: Path) -> None:
    event = only(
        sheet(tmp_path, "type;subject;score", "nps.answered;email:ada@engines.example;9", encoding="utf-8-sig")
    )
    assert event.data == {"score": 9}


def test_another_encoding_is_refused_instead_of_spoiling_names(tmp_path: Path) -> None:
    found = sheet(tmp_path, "type,subject,first_name", "review.held,email:a@b.example,Zoë", encoding="latin-1")
    assert found.mistakes == [Mistake(1, 1, "the file is not UTF-8: save it as CSV UTF-8")]


def test_a_line_is_the_same_event_wherever_it_moves_in_its_file(tmp_path: Path) -> None:
    ada, bo = "review.held,email:ada@engines.example", "review.held,email:bo@new.example"
    before = sheet(tmp_path, "type,subject", ada, bo)
    after = sheet(tmp_path, "subject,type", *(",".join(reversed(line.split(","))) for line in (bo, ada)))
    ids = [line.event.source_id for line in before.lines]
    assert [line.event.source_id for line in after.lines] == ids[::-1]
    assert len(set(ids)) == 2
    elsewhere = sheet(tmp_path, "type,subject", ada, name="next-year.csv")
    assert elsewhere.lines[0].event.source_id not in ids, "the same line of another file is another event"


def test_one_id_for_two_things_is_a_mistake(tmp_path: Path) -> None:
    found = sheet(tmp_path, "type,subject,id", "review.held,email:a@b.example,1", "review.held,email:c@d.example,1")
    [mistake] = found.mistakes
    assert (mistake.line, mistake.column) == (3, 3)
    assert mistake.words == "id: '1' is the id of line 2 already, which says something else"
