"""Prevents: the address of one page that opens another, and links in old mails that die with a key."""

from dataclasses import replace

from models.links import Links, Opened

LINKS = Links("https://thanks.example.com", ["new", "old"])


def last(url: str) -> str:
    return url.rpartition("/")[2]


def test_a_hub_is_opened_in_full_by_a_mail_and_in_part_by_a_scan() -> None:
    assert LINKS.hub_opened(last(LINKS.hub("c_1"))) == Opened("c_1", own=True)
    assert LINKS.hub_opened(last(LINKS.scanned_hub("c_1"))) == Opened("c_1", own=False)


def test_each_page_has_a_token_of_its_own() -> None:
    pages = {LINKS.hub("c_1"), LINKS.scanned_hub("c_1"), LINKS.payout("c_1"), LINKS.preferences("c_1")}
    assert len({last(page) for page in pages}) == 4
    for page in (LINKS.payout("c_1"), LINKS.preferences("c_1")):
        assert LINKS.hub_opened(last(page)) is None
    for page in (LINKS.hub("c_1"), LINKS.scanned_hub("c_1"), LINKS.preferences("c_1")):
        assert LINKS.contact_of("payout", last(page)) is None


def test_a_link_outlives_the_key_that_signed_it_while_the_key_is_listed() -> None:
    before = replace(LINKS, secrets=["old"])
    assert LINKS.hub_opened(last(before.hub("c_1"))) == Opened("c_1", own=True)
    assert replace(LINKS, secrets=["new"]).hub_opened(last(before.hub("c_1"))) is None


def test_what_nobody_signed_opens_nothing() -> None:
    for token in ("", ".", "c_1", "c_1.", "\0", "c_1.\0", f"c_2{last(LINKS.hub('c_1'))[3:]}"):
        assert LINKS.hub_opened(token) is None


def test_whether_people_reach_us_by_tls_is_in_the_address() -> None:
    assert LINKS.secure
    assert not replace(LINKS, public_url="http://127.0.0.1:8080").secure
