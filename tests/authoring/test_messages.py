"""Prevents: a customer's name that becomes markup or a second header line, `Dear ,`, and a message that changes from
one rendering to the next."""

import re
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from authoring import markdown, template
from authoring.messages import Messages, read_messages
from authoring.mistakes import Mistakes

EVIL = (
    "[click](http://evil.example) <img src=x onerror=go()> *b* _i_ &lt; ](x)\r\nBcc: all@example.com\n\n# Title\n- item"
)


def written(folder: Path, **files: str) -> Messages:
    for name, text in files.items():
        (folder / f"{name.replace('__', '.').replace('_', '-')}.md").write_text(text)
    messages, mistakes = read_messages(folder)
    assert mistakes == []
    return messages


def message(body: str, subject: str = "Hello", purpose: str = "gratitude") -> str:
    return f"---\nsubject: {subject}\npurpose: {purpose}\n---\n{body}"


@pytest.mark.parametrize(
    "body",
    [
        "{{ contact.name }}",
        "Dear {{ contact.name }}, hello",
        "- {{ contact.name }}",
        "> {{ contact.name }}",
        "**{{ contact.name }}**",
        "`{{ contact.name }}`",
        '<b title="{{ contact.name }}">{{ contact.name }}</b>',
        "<{{ contact.name }}>",
        "# {{ contact.name }}",
        "{% assign who = contact.name | upcase %}{{ who | append: who }}",
        "[{{ contact.name }}]",
    ],
)
def test_a_name_is_never_markup(tmp_path: Path, body: str) -> None:
    html = written(tmp_path, a=message(body)).render("a", {"contact": {"name": EVIL}}).html
    for markup in ("<a", "<img", "<em>", "<h1>Title", "<li>item", "<b "):
        assert markup.lower() not in html.lower()


@settings(deadline=None)
@given(
    name=st.text(
        st.sampled_from("aé1 \t\n\r.-+*_`~#>|<&;:/()[]{}!\\\"'=@%x0") | st.characters(exclude_categories=["C"])
    ),
    around=st.sampled_from(
        ["a{}b", "a **b{}b** a", "- a{}b", "> a{}b", "a *{}* b", "{}{}", "[{}b](https://x.example)"]
    ),
)
def test_any_text_is_shown_as_it_is_and_no_more(name: str, around: str) -> None:
    """What people read is what the variable holds, whatever it holds, and it adds no tag."""
    body = template.rendered(around.replace("{}", "{{ contact.name }}"), {"contact": {"name": name}}, markdown=True)
    still = template.rendered(around.replace("{}", "{{ contact.name }}"), {"contact": {"name": "x"}}, markdown=True)
    tags = re.findall(r"<[^>]*>", markdown.html(body))
    assert [tag for tag in tags if tag not in re.findall(r"<[^>]*>", markdown.html(still))] == []
    if around == "a{}b":
        assert markdown.plain(body) == "a" + re.sub(r"\s+", " ", name) + "b"


def test_a_name_is_shown_as_it_is(tmp_path: Path) -> None:
    rendered = written(tmp_path, a=message("Hi {{ contact.name }}!")).render(
        "a", {"contact": {"name": "A*d*a <_> & 1."}}
    )
    assert rendered.text == "Hi A*d*a <_> & 1.!"
    assert rendered.html == "<p>Hi A*d*a &lt;_&gt; &amp; 1.!</p>\n"


def test_a_subject_is_one_line(tmp_path: Path) -> None:
    messages = written(tmp_path, a=message("x", subject='"For {{ contact.name }}"'))
    subject = messages.render("a", {"contact": {"name": "Ada\r\nBcc: all@example.com\x0b\x85\u2028x"}}).subject
    assert subject == "For Ada Bcc: all@example.com x"


def test_our_own_addresses_are_links(tmp_path: Path) -> None:
    body = "[Your page]({{ hub_url }}) or {{ hub_url }}"
    rendered = written(tmp_path, a=message(body)).render("a", {"hub_url": "https://x.example/h?a=b_c_d&e=*"})
    address = "https://x.example/h?a=b_c_d&e=*"
    assert rendered.text == f"Your page ({address}) or {address}"
    link = '<a href="https://x.example/h?a=b_c_d&amp;e=*">'
    assert rendered.html == f"<p>{link}Your page</a> or {link}https://x.example/h?a=b_c_d&amp;e=*</a></p>\n"


def test_scripts_are_no_links(tmp_path: Path) -> None:
    messages = written(tmp_path, a=message("[x](javascript:go()) [x]({{ hub_url }})"))
    assert "<a" not in messages.render("a", {"hub_url": "javascript:go()"}).html


def test_the_plain_form_reads_without_markup(tmp_path: Path) -> None:
    body = """# Hello

**Two** lines
with `code`.

- one
- two

1. first
2. second

> quoted

[write](mailto:a@example.com), <https://x.example>

---

    code
"""
    assert written(tmp_path, a=message(body)).render("a", {}).text == (
        "Hello\n\nTwo lines\nwith code.\n\n- one\n- two\n\n1. first\n2. second\n\nquoted\n\n"
        "write (a@example.com), https://x.example\n\n---\n\ncode"
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('Hi {{ contact.first_name | default: "there" }}', "Hi there"),
        ("{% if contact.company %}of {{ contact.company }}{% else %}alone{% endif %}", "alone"),
        ("Call {{ contact.first_name }} now", "Call  now"),
        ('{{ event.network | default: "somewhere" }}', "somewhere"),
        ("{{ event.amount }}", ""),
        ("", ""),
    ],
)
def test_what_nobody_knows_is_empty(tmp_path: Path, body: str, text: str) -> None:
    messages = written(tmp_path, a=message(body))
    assert messages.render("a", {"contact": {"first_name": None}, "event": {}}).text == text
    assert messages.render_text(body, {}) == text


def test_an_amount_is_read_as_money() -> None:
    variables = {"event": {"amount": {"minor": 1200050, "currency": "USD"}}}
    assert Messages().render_text("They brought {{ event.amount }}.", variables) == "They brought 12000.50 USD."


def test_a_variable_nobody_has_heard_of_is_a_mistake(tmp_path: Path) -> None:
    messages = written(tmp_path, a=message("Hi\n\n{{ fist_name }}"))
    with pytest.raises(Mistakes, match=r"a\.md:7:4: 'fist_name' is undefined \[template\]"):
        messages.render("a", {"fist_name": "Ada"})
    with pytest.raises(Mistakes, match="unexpected tag 'include'"):
        messages.render_text("{% include '/etc/passwd' %}", {})
    with pytest.raises(Mistakes, match="unknown filter 'date'"):
        messages.render_text("{{ 'now' | date: '%Y' }}", {})


def test_a_template_cannot_run_for_ever(tmp_path: Path) -> None:
    loops = "{% for a in (1..1000) %}{% for b in (1..1000) %}x{% endfor %}{% endfor %}"
    with pytest.raises(Mistakes, match="loop"):
        Messages().render_text(loops, {})


def test_a_language_falls_back(tmp_path: Path) -> None:
    messages = written(tmp_path, hi=message("Hello"), hi__de=message("Hallo"), hi__pt_BR=message("Olá"))
    spoken = {
        locale: messages.render("hi", {}, locale).text for locale in (None, "", "fr", "de", "de-AT", "DE_ch", "pt-BR")
    }
    assert spoken == {
        None: "Hello", "": "Hello", "fr": "Hello", "de": "Hallo", "de-AT": "Hallo", "DE_ch": "Hallo", "pt-BR": "Olá",
    }  # fmt: skip


def test_a_message_is_the_same_twice(tmp_path: Path) -> None:
    messages = written(tmp_path, a=message("{{ contact.name }} {{ hub_url }}", subject="'{{ step }}'"))
    variables = {"contact": {"name": "Ada"}, "hub_url": "https://x.example", "step": "thanks"}
    assert messages.render("a", variables) == messages.render("a", variables)


def test_a_message_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="'thank-yuo' is not a message; did you mean 'thank-you'"):
        written(tmp_path, thank_you=message("x")).render("thank-yuo", {})


def test_the_head_says_what_it_is_for(tmp_path: Path) -> None:
    text = "---\nsubject: A\npurpose: ask\ntemplate: d-1\n---\nx"
    rendered = written(tmp_path, a=text.replace("\n", "\r\n")).render("a", {})
    assert (rendered.purpose, rendered.template, rendered.text) == ("ask", "d-1", "x")
