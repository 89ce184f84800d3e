"""Prevents: a key that means something else than what was written, and a mistake that cannot say where it is."""

import pytest

from authoring.mistakes import Mistakes
from authoring.source import MOST_CHARACTERS, Place, read


def mistakes(text: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        read(text, "x.yaml")
    return [str(mistake) for mistake in caught.value.found]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on: off", {"on": "off"}),
        ("yes: no", {"yes": "no"}),
        ("y: True", {"y": "True"}),
        ("a: 20:00", {"a": "20:00"}),
        ("a: 2026-11-24", {"a": "2026-11-24"}),
        ("a: 2026-11-24T10:00:00Z", {"a": "2026-11-24T10:00:00Z"}),
        ("a: 010", {"a": "010"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 0x1F", {"a": "0x1F"}),
        ("a: .inf", {"a": ".inf"}),
        ("9: ten", {"9": "ten"}),
        ("a: [true, false, null, ~, 7, -3, 2.5]", {"a": [True, False, None, None, 7, -3, 2.5]}),
        ("a:", {"a": None}),
        ("a: '7'", {"a": "7"}),
        ("<<: {b: 1}", {"<<": {"b": 1}}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("", None),
    ],
)
def test_words_stay_words(written: str, meant: object) -> None:
    assert read(written, "x.yaml").content == meant


def test_every_key_and_value_has_its_place() -> None:
    document = read("title: Thanks\nstarts:\n  - on: nps.answered\n    when: x\nunless: qr.scanned\n", "x.yaml")
    assert document.place(["title"]) == Place(1, 8)
    assert document.place(["title"], key=True) == Place(1, 1)
    assert document.place(["starts", 0, "when"]) == Place(4, 11)
    assert document.place(["starts", 0, "missing"]) == Place(3, 5)
    assert document.place(["unless", 0]) == Place(5, 9), "a word alone stands for a list"
    assert document.place(["nowhere", "at all"]) == Place(1, 1)


def test_a_part_of_a_file_counts_its_lines_from_the_file() -> None:
    assert read("a: 1\nb: 2", "x.md", first_line=2).place(["b"]) == Place(3, 4)


def test_a_key_written_twice_is_told_each_time() -> None:
    assert mistakes("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n") == [
        "x.yaml:4:3: 'c' is written twice; the first is on line 3 [yaml]",
        "x.yaml:5:1: 'a' is written twice; the first is on line 1 [yaml]",
    ]


def test_what_cannot_be_read_says_where() -> None:
    assert mistakes("a: 1\nb: [1, 2\n") == ["x.yaml:3:1: expected ',' or ']', but got '<stream end>' [yaml]"]
    assert mistakes("a: *nobody\n") == ["x.yaml:1:4: found undefined alias 'nobody' [yaml]"]
    assert mistakes("? [a, b]\n: 1\n") == ["x.yaml:1:3: a key must be a plain word [yaml]"]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!mine x"])
def test_a_file_runs_nothing(tag: str) -> None:
    (mistake,) = mistakes(f"a: {tag}")
    assert mistake.startswith("x.yaml:1:4: the tag ")


def test_a_tag_that_is_not_true_is_a_mistake() -> None:
    assert mistakes("a: !!int many") == ["x.yaml:1:4: 'many' is not what its tag says [yaml]"]


def test_aliases_cannot_fill_the_memory() -> None:
    laughs = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    laughs += [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    assert "holds more than 20000 values" in mistakes("\n".join(laughs))[0]


@pytest.mark.parametrize("text", ["a: &a [*a]", "[" * 5000, "a: " + "{b: " * 60 + "1" + "}" * 60])
def test_depth_is_bounded(text: str) -> None:
    assert "is nested deeper than 30 levels" in mistakes(text)[0]


def test_length_is_bounded() -> None:
    assert "is longer than" in mistakes("#" * (MOST_CHARACTERS + 1))[0]
