"""Prevents: a reward paid twice, to the wrong account, or off by a factor; a refund counted twice; a forged webhook."""

import asyncio
import json
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import stripe
from pydantic import SecretStr

from models.contact import Identity
from models.money import Money
from platforms.base import Call, Incoming, Poke, Reply, Round, Upkept
from platforms.capabilities import InvitePayee, PayReward, Receipt, TakeBack, Who
from platforms.errors import BadSignature, InDoubt, Malformed, RateLimited, Rejected, Unauthorized, Unavailable
from platforms.runner import Runner
from platforms.stand_in import Heard
from platforms.stripe import PLATFORM, StripeSettings, amounts, asking, client, payee, signature, upkeep, webhook
from platforms.stripe.problem import judge
from platforms.stripe.stand_in import STAND_IN
from platforms.stripe.stand_in_books import BANK, OPENING, OURS, PROMISED, Account
from sandbox.vendors import Vendor

FIXTURES = Path(webhook.__file__).parent / "fixtures"
SETTINGS = STAND_IN.settings()
assert isinstance(SETTINGS, StripeSettings)
NOW = datetime.fromtimestamp(1766000000, UTC)
KEY = "j_5afm9g0mjvkyzrhj/reward:r_7/pay_reward"
ADA = Who(contact="c_81", email="ada@example.com", first_name="Ada")
INVITE = InvitePayee(
    who=ADA, country="US", return_url="https://o.example/pay/done", refresh_url="https://o.example/pay/again"
)


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


def cash(account: str | None, **change: Any) -> PayReward:
    given = {"reward": "rw_0192", "amount": usd(5000), "account": account, "description": "Referral reward", **change}
    return PayReward(who=ADA, **given)


def back(payment: str, minor: int, **change: Any) -> TakeBack:
    return TakeBack(**{"reward": "rw_0192", "payment": payment, "amount": usd(minor), **change})


class Stripe:
    """The stand-in behind the real runner. `lose` names a request whose answer is lost; `before` runs before one."""

    def __init__(self) -> None:
        self.vendor = Vendor(STAND_IN, SETTINGS, PLATFORM.inbound)
        self.seen: list[httpx.Request] = []
        self.webhooks: list[bytes] = []
        self.lose: tuple[str, str] | None = None
        self.before: tuple[str, str, Callable[[], object]] | None = None
        self.answers: list[httpx.Response] = []

    @property
    def books(self) -> Account:
        books: Account = self.vendor.books
        return books

    def hold(self, talk: Generator[Call, Reply, Any], key: str = KEY) -> Any:
        async def held() -> Any:
            runner = Runner(httpx.AsyncClient(transport=httpx.MockTransport(self)))
            try:
                return await runner.hold(PLATFORM, SETTINGS, talk, key=key)
            finally:
                await runner.close()

        return asyncio.run(held())

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        named = (request.method, request.url.path)
        if self.before is not None and self.before[:2] == named:
            self.before[2]()
            self.before = None
        if self.answers:
            return self.answers.pop(0)
        answer = self.answer(request)
        if self.lose == named:
            self.lose = None
            raise httpx.ReadTimeout("lost", request=request)
        return answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        found = self.vendor.find(request.method, request.url.raw_path.decode().partition("?")[0])
        assert found is not None, f"the stand-in has no {request.method} {request.url.path}"
        handler, params = found
        heard = Heard(
            method=request.method,
            path=request.url.path,
            params=dict(params),
            query=dict(request.url.params),
            headers={k.lower(): v for k, v in request.headers.items()},
            body=request.content,
            json=None,
            form=dict(parse_qsl(request.content.decode(), keep_blank_values=True)),
            settings=SETTINGS,
        )
        answer = STAND_IN.guard(heard) or handler(heard, self.books)
        self.webhooks += [w.body for w in answer.webhooks]
        return httpx.Response(answer.status, json=answer.json, headers=dict(answer.headers))

    def move(self, name: str, **given: Any) -> dict[str, Any]:
        answer = STAND_IN.moves[name](given, self.books)
        assert answer.status == 200, answer.json
        self.webhooks += [w.body for w in answer.webhooks]
        moved: dict[str, Any] = answer.json
        return moved

    def payee(self) -> str:
        receipt = self.hold(payee.invite(INVITE, KEY, SETTINGS))
        self.move("onboard", account=receipt.reference)
        self.seen.clear()
        self.webhooks.clear()
        return str(receipt.reference)

    def told(self) -> list[dict[str, Any]]:
        """Our events of all that Stripe has told us, and forgets them."""
        bodies, self.webhooks = self.webhooks, []
        return [shown for body in bodies for shown in events(body)]

    def posts(self) -> list[tuple[str, dict[str, str]]]:
        return [(r.url.path, dict(parse_qsl(r.content.decode()))) for r in self.seen if r.method == "POST"]

    def keys(self) -> list[str | None]:
        return [r.headers.get("idempotency-key") for r in self.seen if r.method == "POST"]

    def holds(self, place: str) -> int:
        return self.books.balance(place, "usd")


@pytest.fixture
def there() -> Stripe:
    return Stripe()


def pay(action: PayReward, key: str = KEY) -> Generator[Call, Reply, Receipt]:
    return client.pay_reward(action, key, SETTINGS)


def take(action: TakeBack, key: str = "j_1/take/take_back") -> Generator[Call, Reply, Receipt]:
    return client.take_back(action, key, SETTINGS)


def events(body: bytes) -> list[dict[str, Any]]:
    incoming = Incoming("POST", "https://o.example/webhooks/stripe", {}, {}, body)
    read = [webhook.INBOUND.read(name, item, SETTINGS) for name, item in webhook.unpack(incoming)]
    heard = [event for one in read if isinstance(one, list) for event in one]
    return [{**e.model_dump(include={"type", "data"}), "subject": e.subject.text} for e in heard]


# Cash


def test_a_transfer_is_built_field_by_field(there: Stripe) -> None:
    account = there.payee()
    receipt = there.hold(pay(cash(account)))
    assert [(r.method, r.url.path, dict(r.url.params)) for r in there.seen] == [
        ("GET", "/v1/transfers", {"transfer_group": "ovation_rw_0192", "limit": "1"}),
        ("GET", f"/v1/accounts/{account}", {}),
        ("GET", "/v1/balance", {}),
        ("POST", "/v1/transfers", {}),
    ]
    assert there.posts()[0][1] == {
        "amount": "5000",
        "currency": "usd",
        "destination": account,
        "transfer_group": "ovation_rw_0192",
        "metadata[ovation_reward]": "rw_0192",
        "metadata[ovation_effect]": KEY,
        "description": "Referral reward",
    }
    sent = there.seen[-1].headers
    assert sent["authorization"] == "Bearer sk_test_sandbox"
    assert sent["stripe-version"] == "2026-10-28.endive"
    assert sent["idempotency-key"] == "ovation/reward/rw_0192"
    assert sent["content-type"] == "application/x-www-form-urlencoded"
    [transfer] = there.books.transfers
    assert receipt.reference == transfer
    assert set(receipt.facts) == {"transfer", "account", "request"}
    assert there.holds(account) == 5000
    assert there.holds(OURS) == OPENING - 5000


def test_two_journeys_pay_one_reward_once(there: Stripe) -> None:
    account = there.payee()
    first = there.hold(pay(cash(account)))
    assert there.hold(pay(cash(account), "j_other/reward/pay_reward")).reference == first.reference
    assert there.holds(account) == 5000


def test_a_lost_answer_is_asked_again_under_its_key(there: Stripe) -> None:
    account = there.payee()
    there.lose = ("POST", "/v1/transfers")
    with pytest.raises(InDoubt):
        there.hold(pay(cash(account)))
    assert there.hold(pay(cash(account))).reference in there.books.transfers
    assert there.holds(account) == 5000


def test_after_a_weekend_the_key_is_forgotten_and_the_transfer_is_found(there: Stripe) -> None:
    account = there.payee()
    there.lose = ("POST", "/v1/transfers")
    with pytest.raises(InDoubt):
        there.hold(pay(cash(account)))
    there.move("wait", hours=63)
    [transfer] = there.books.transfers
    assert there.hold(client.find_reward(cash(account), KEY, SETTINGS)).reference == transfer
    assert there.hold(pay(cash(account))).reference == transfer
    there.hold(asking.once("/v1/transfers", there.posts()[0][1], "reward/rw_0192"))
    assert there.holds(account) == 10000, "without the look, the same key would have paid again"


def test_what_was_never_paid_is_surely_not_there(there: Stripe) -> None:
    assert there.hold(client.find_reward(cash(there.payee()), KEY, SETTINGS)) is None


def test_an_empty_balance_is_a_persons_matter_and_burns_no_key(there: Stripe) -> None:
    account = there.payee()
    there.move("withdraw", amount=OPENING - 4999)
    with pytest.raises(Unauthorized, match=r"does not cover 50\.00 USD"):
        there.hold(pay(cash(account)))
    assert there.posts() == []
    there.move("top_up", amount=1)
    there.hold(pay(cash(account)))
    assert there.holds(account) == 5000
    assert there.holds(OURS) == 0


def test_a_remembered_refusal_is_followed_by_the_next_key(there: Stripe) -> None:
    account = there.payee()
    there.before = ("POST", "/v1/transfers", lambda: there.move("withdraw", amount=OPENING))
    with pytest.raises(Unauthorized, match="balance_insufficient"):
        there.hold(pay(cash(account)))
    there.move("top_up", amount=5000)
    there.seen.clear()
    there.hold(pay(cash(account)))
    assert there.keys() == ["ovation/reward/rw_0192", "ovation/reward/rw_0192/2"]
    assert there.holds(account) == 5000


def test_no_key_of_the_row_pays_again_when_an_earlier_one_is_forgotten(there: Stripe) -> None:
    """The first key is a day old and forgotten, the second paid: only the look prevents another payment."""
    account = there.payee()
    there.before = ("POST", "/v1/transfers", lambda: there.move("withdraw", amount=OPENING))
    with pytest.raises(Unauthorized):
        there.hold(pay(cash(account)))
    there.move("wait", hours=20)
    there.move("top_up", amount=20_000)
    there.hold(pay(cash(account)))
    there.move("wait", hours=5)
    there.hold(pay(cash(account)))
    assert there.holds(account) == 5000


def test_a_row_of_refusals_ends(there: Stripe) -> None:
    account = there.payee()
    there.move("withdraw", amount=OPENING)
    form = {"amount": "1", "currency": "usd", "destination": account}
    for _ in range(asking.KEYS):
        with pytest.raises(Unauthorized):
            there.hold(asking.once("/v1/transfers", form, "reward/x"))
    with pytest.raises(Unavailable, match="remembers 5 refusals"):
        there.hold(asking.once("/v1/transfers", form, "reward/x"))
    assert len(there.books.kept) == asking.KEYS + 1  # and that of the account


def test_a_lost_answer_never_gets_another_key(there: Stripe) -> None:
    account = there.payee()
    failed = httpx.Response(500, json={"error": {"type": "api_error"}}, headers={"Idempotent-Replayed": "true"})
    with pytest.raises(InDoubt):
        there.answers = [failed]
        there.hold(asking.once("/v1/transfers", {"amount": "1"}, "reward/x"))
    assert there.keys() == ["ovation/reward/x"]
    assert there.holds(account) == 0


def test_an_account_that_is_not_complete_is_waited_for(there: Stripe) -> None:
    account = there.hold(payee.invite(INVITE, KEY, SETTINGS)).reference
    receipt = there.hold(pay(cash(account)))
    assert (receipt.pending, receipt.wakes_on, receipt.reference) == (True, "payee.ready", None)
    assert there.books.transfers == {}
    there.told()
    there.move("onboard", account=account)
    assert there.told() == [{"type": "payee.ready", "subject": "ovation:c_81", "data": {"account": account}}]
    assert there.hold(client.find_reward(cash(account), KEY, SETTINGS)) is None
    assert there.hold(pay(cash(account))).reference in there.books.transfers


@pytest.mark.parametrize("change", [{"amount": usd(6000)}, {"amount": Money(minor=5000, currency="EUR")}])
def test_a_reward_that_was_paid_otherwise_is_refused(there: Stripe, change: dict[str, Any]) -> None:
    account = there.payee()
    paid = there.hold(pay(cash(account)))
    with pytest.raises(Rejected, match=paid.reference):
        there.hold(pay(cash(account, **change)))
    with pytest.raises(Rejected, match="otherwise than asked"):
        there.hold(pay(cash("acct_another")))
    assert there.holds(account) == 5000


def test_other_parameters_under_a_key_are_refused_and_not_paid(there: Stripe) -> None:
    account = there.payee()
    there.hold(pay(cash(account)))
    form = {**there.posts()[0][1], "amount": "6000"}
    with pytest.raises(Rejected, match="idempotency_error"):
        there.hold(asking.once("/v1/transfers", form, "reward/rw_0192"))
    assert there.holds(account) == 5000


def test_who_is_paid_is_taken_from_the_record_or_refused(there: Stripe) -> None:
    account = there.payee()
    names = [Identity(kind="stripe", value="cus_9"), Identity(kind="stripe", value=account)]
    known = cash(None).model_copy(update={"who": ADA.model_copy(update={"identities": names})})
    assert there.hold(pay(known)).facts["account"] == account
    with pytest.raises(Rejected, match="invite the advocate first"):
        there.hold(pay(cash(None)))


@pytest.mark.parametrize("minor", [0, -1])
def test_nothing_is_no_reward(there: Stripe, minor: int) -> None:
    for wallet in ("cash", "credit", "code"):
        with pytest.raises(Rejected, match="not more than nothing"):
            there.hold(pay(cash("acct_1", amount=usd(minor), wallet=wallet)))
    assert there.seen == []


# Cash taken back


def test_a_reversal_is_built_field_by_field_and_is_made_once(there: Stripe) -> None:
    account = there.payee()
    transfer = there.hold(pay(cash(account))).reference
    there.seen.clear()
    first = there.hold(take(back(transfer, 2000)))
    assert there.posts() == [
        (
            f"/v1/transfers/{transfer}/reversals",
            {
                "amount": "2000",
                "metadata[ovation_reward]": "rw_0192",
                "metadata[ovation_effect]": "j_1/take/take_back",
            },
        )
    ]
    assert there.keys() == ["ovation/back/j_1/take/take_back"]
    there.move("wait", hours=48)
    assert there.hold(take(back(transfer, 2000))).reference == first.reference
    assert there.hold(client.find_taken_back(back(transfer, 2000), "j_1/take/take_back", SETTINGS)) == Receipt(
        reference=first.reference, facts={"reversal": first.reference, "transfer": transfer}
    )
    assert there.holds(account) == 3000
    assert there.told() == [], "our own reversal is no news to us"


def test_a_reversal_by_a_colleague_is_told_with_the_total(there: Stripe) -> None:
    account = there.payee()
    transfer = there.hold(pay(cash(account))).reference
    there.hold(take(back(transfer, 2000)))
    there.told()
    there.move("reverse", transfer=transfer, amount=500)
    assert there.told() == [
        {
            "type": "reward.taken_back",
            "subject": f"stripe_send:{transfer}",
            "data": {"reward": "rw_0192", "amount": {"minor": 2500, "currency": "USD"}},
        }
    ]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({"reward": "rw_other"}, "did not pay the reward rw_other"),
        ({"amount": Money(minor=100, currency="EUR")}, "cannot be taken back in EUR"),
        ({"amount": usd(5001)}, "greater than unreversed"),
    ],
)
def test_what_may_not_be_taken_back_is_not(there: Stripe, action: dict[str, Any], words: str) -> None:
    account = there.payee()
    transfer = there.hold(pay(cash(account))).reference
    with pytest.raises(Rejected, match=words):
        there.hold(take(back(transfer, 100, **action)))
    assert there.holds(account) == 5000


def test_money_that_has_gone_to_the_bank_cannot_be_taken_back(there: Stripe) -> None:
    account = there.payee()
    transfer = there.hold(pay(cash(account))).reference
    there.move("pay_out", account=account)
    with pytest.raises(Unauthorized, match="balance_insufficient"):
        there.hold(take(back(transfer, 5000)))
    assert there.hold(client.find_taken_back(back(transfer, 5000), "j_1/take/take_back", SETTINGS)) is None


# Payees


def test_an_account_is_built_field_by_field(there: Stripe) -> None:
    receipt = there.hold(payee.invite(INVITE, KEY, SETTINGS))
    (path, made), (link_path, link) = there.posts()
    assert path == "/v1/accounts"
    assert made == {
        "country": "US",
        "email": "ada@example.com",
        "controller[stripe_dashboard][type]": "express",
        "controller[fees][payer]": "application",
        "controller[losses][payments]": "application",
        "capabilities[transfers][requested]": "true",
        "metadata[ovation_contact]": "c_81",
    }
    assert link_path == "/v1/account_links"
    assert link == {
        "account": receipt.reference,
        "type": "account_onboarding",
        "return_url": "https://o.example/pay/done",
        "refresh_url": "https://o.example/pay/again",
    }
    assert there.keys()[1] is None, "a link that is asked for again is to be a new one"
    assert receipt.facts == {"account": receipt.reference, "payable": False}
    assert receipt.url.startswith("https://connect.stripe.com/setup/")
    assert receipt.identities == [Identity(kind="stripe", value=receipt.reference)]
    assert "ada@example.com" not in json.dumps(receipt.facts)


def test_a_contact_has_one_account_however_often_they_are_invited(there: Stripe) -> None:
    there.lose = ("POST", "/v1/accounts")
    with pytest.raises(InDoubt):
        there.hold(payee.invite(INVITE, KEY, SETTINGS))
    there.move("wait", hours=30)
    first = there.hold(payee.invite(INVITE, KEY, SETTINGS))
    second = there.hold(payee.invite(INVITE, "j_2/invite/invite_payee", SETTINGS))
    assert list(there.books.accounts) == [first.reference] == [second.reference]
    assert first.url != second.url
    found = there.hold(payee.find(INVITE, KEY, SETTINGS))
    assert (found.reference, bool(found.url)) == (first.reference, True)


def test_an_account_is_found_beyond_the_first_page(there: Stripe) -> None:
    first = there.hold(payee.invite(INVITE, KEY, SETTINGS)).reference
    for number in range(100):
        other = INVITE.model_copy(update={"who": Who(contact=f"c_{1000 + number}")})
        there.hold(payee._made(other))
    there.seen.clear()
    assert there.hold(payee.find(INVITE, KEY, SETTINGS)).reference == first
    assert len([r for r in there.seen if r.url.path == "/v1/accounts"]) == 2


def test_too_many_accounts_leave_a_doubt_but_no_advocate_uninvited(
    there: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PAGES", 1)
    monkeypatch.setattr(asking, "PAGE", 1)
    for number in range(2):
        there.hold(payee._made(INVITE.model_copy(update={"who": Who(contact=f"c_{number}")})))
    with pytest.raises(InDoubt):
        there.hold(payee.find(INVITE, KEY, SETTINGS))
    assert there.hold(payee.invite(INVITE, KEY, SETTINGS)).reference in there.books.accounts


def test_nobody_invited_is_nobody_found(there: Stripe) -> None:
    assert there.hold(payee.find(INVITE, KEY, SETTINGS)) is None


def test_a_complete_account_needs_no_page(there: Stripe) -> None:
    account = there.payee()
    receipt = there.hold(payee.invite(INVITE.model_copy(update={"account": account}), KEY, SETTINGS))
    assert (receipt.url, receipt.facts["payable"]) == (None, True)
    assert there.posts() == []


def test_an_account_we_were_told_of_is_marked_and_never_another_contacts(there: Stripe) -> None:
    account = there.payee()
    there.books.accounts[account]["metadata"] = {"theirs": "kept"}
    named = INVITE.model_copy(update={"account": account})
    there.hold(payee.invite(named, KEY, SETTINGS))
    assert there.books.accounts[account]["metadata"] == {"theirs": "kept", "ovation_contact": "c_81"}
    assert there.told() == [], "it could be paid before"
    with pytest.raises(Rejected, match="another contact"):
        there.hold(payee.invite(named.model_copy(update={"who": Who(contact="c_9")}), KEY, SETTINGS))


def test_an_account_that_is_not_ours_to_see_is_a_persons_matter(there: Stripe) -> None:
    with pytest.raises(Unauthorized, match="account_invalid"):
        there.hold(payee.invite(INVITE.model_copy(update={"account": "acct_gone"}), KEY, SETTINGS))


# Credit


def credit(**change: Any) -> PayReward:
    return cash(**{"account": "cus_7", "wallet": "credit", **change})


def test_a_credit_is_built_field_by_field_and_given_once(there: Stripe) -> None:
    there.move("customer", id="cus_7")
    first = there.hold(pay(credit()))
    assert there.posts() == [
        (
            "/v1/customers/cus_7/balance_transactions",
            {
                "amount": "-5000",
                "currency": "usd",
                "metadata[ovation_reward]": "rw_0192",
                "metadata[ovation_effect]": KEY,
                "description": "Referral reward",
            },
        )
    ]
    there.move("wait", hours=72)
    assert there.hold(client.find_reward(credit(), KEY, SETTINGS)).reference == first.reference
    assert there.hold(pay(credit())).reference == first.reference
    assert there.holds("cus_7") == 5000
    assert there.books.customers["cus_7"][0]["ending_balance"] == -5000
    with pytest.raises(Rejected, match="otherwise than asked"):
        there.hold(pay(credit(amount=usd(1))))


def test_credit_is_taken_back_in_parts_and_never_more_than_was_given(there: Stripe) -> None:
    there.move("customer", id="cus_7")
    given = there.hold(pay(credit())).reference
    part = back(given, 3000, wallet="credit", account="cus_7")
    first = there.hold(take(part))
    assert there.posts()[-1][1]["amount"] == "3000"
    there.move("wait", hours=72)
    assert there.hold(take(part)).reference == first.reference
    assert there.hold(client.find_taken_back(part, "j_1/take/take_back", SETTINGS)).reference == first.reference
    with pytest.raises(Rejected, match=r"3000 usd is more than is left of .*: 2000"):
        there.hold(take(part, "j_2/take/take_back"))
    there.hold(take(back(given, 2000, wallet="credit", account="cus_7"), "j_3/take/take_back"))
    assert there.holds("cus_7") == 0
    assert there.holds(PROMISED) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"payment": "cbtxn_other"}, "did not credit"),
        ({"amount": Money(minor=5, currency="EUR")}, "not in EUR"),
        ({"account": None}, "not known"),
    ],
)
def test_a_wrong_credit_is_not_taken_back(there: Stripe, change: dict[str, Any], words: str) -> None:
    there.move("customer", id="cus_7")
    given = there.hold(pay(credit())).reference
    asked = back(given, 5, wallet="credit", account="cus_7").model_copy(update=change)
    with pytest.raises(Rejected, match=words):
        there.hold(take(asked))
    assert there.holds("cus_7") == 5000


def test_a_list_too_long_to_be_read_is_a_doubt(there: Stripe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PAGES", 1)
    monkeypatch.setattr(asking, "PAGE", 1)
    there.move("customer", id="cus_7")
    there.hold(pay(credit()))
    there.hold(asking.once("/v1/customers/cus_7/balance_transactions", {"amount": "9", "currency": "usd"}, "x"))
    with pytest.raises(InDoubt, match="more than"):
        there.hold(client.find_reward(credit(), KEY, SETTINGS))


def test_a_customer_must_be_known(there: Stripe) -> None:
    with pytest.raises(Rejected, match="resource_missing"):
        there.hold(pay(credit()))
    with pytest.raises(Rejected, match="no customer"):
        there.hold(pay(credit(account=None)))


# Codes


def code(**change: Any) -> PayReward:
    return cash(**{"account": None, "wallet": "code", "amount": usd(1000), **change})


def test_a_code_is_built_field_by_field_and_made_once(there: Stripe) -> None:
    there.move("customer", id="cus_7")
    chosen = code(code="ADA-10", account="cus_7")
    first = there.hold(pay(chosen))
    assert there.posts() == [
        (
            "/v1/coupons",
            {
                "id": "ovation-usd-1000",
                "amount_off": "1000",
                "currency": "usd",
                "duration": "once",
                "name": "Referral reward",
            },
        ),
        (
            "/v1/promotion_codes",
            {
                "promotion[type]": "coupon",
                "promotion[coupon]": "ovation-usd-1000",
                "code": "ADA-10",
                "max_redemptions": "1",
                "customer": "cus_7",
                "metadata[ovation_reward]": "rw_0192",
                "metadata[ovation_effect]": KEY,
            },
        ),
    ]
    assert first.facts["code"] == "ADA-10"
    there.move("wait", hours=72)
    assert there.hold(pay(chosen)).reference == first.reference
    assert there.hold(client.find_reward(chosen, KEY, SETTINGS)).reference == first.reference
    assert len(there.books.promotion_codes) == 1


def test_a_code_nobody_chose_follows_from_the_reward_and_shares_its_coupon(there: Stripe) -> None:
    first = there.hold(pay(code(account="acct_of_a_payee")))
    second = there.hold(pay(code(reward="rw_2")))
    assert first.facts["code"] == "THANKS-17CC32B8E5"
    assert second.facts["code"] != first.facts["code"]
    assert len(there.books.coupons) == 1
    assert [promo["customer"] for promo in there.books.promotion_codes.values()] == [None, None]


def test_a_code_that_another_has_is_refused(there: Stripe) -> None:
    there.hold(pay(code(code="ADA-10")))
    with pytest.raises(Rejected, match="another promotion has the code"):
        there.hold(pay(code(code="ada-10", reward="rw_2")))
    with pytest.raises(Rejected, match="for another discount"):
        there.hold(pay(code(code="ADA-10", amount=usd(2000))))


def test_a_coupon_that_is_worth_something_else_is_refused(there: Stripe) -> None:
    there.hold(pay(code()))
    there.books.coupons["ovation-usd-1000"]["amount_off"] = 100_000
    with pytest.raises(Rejected, match=r"not worth 10\.00 USD"):
        there.hold(pay(code(reward="rw_2")))
    there.books.coupons["ovation-usd-1000"] |= {"amount_off": 1000, "valid": False}
    with pytest.raises(Rejected, match="was ended"):
        there.hold(pay(code(reward="rw_2")))


def test_a_coupon_that_another_made_meanwhile_is_used(there: Stripe) -> None:
    theirs = {"id": "ovation-usd-1000", "amount_off": "1000", "currency": "usd"}
    url, headers = "https://api.stripe.com/v1/coupons", client.headers(SETTINGS, None)
    there.before = (
        "POST",
        "/v1/coupons",
        lambda: there.answer(httpx.Request("POST", url, data=theirs, headers=headers)),
    )
    assert there.hold(pay(code())).reference in there.books.promotion_codes
    assert len(there.books.coupons) == 1


def test_a_code_is_withdrawn_once_and_only_while_it_is_unused(there: Stripe) -> None:
    first = there.hold(pay(code()))
    given = back(first.reference, 1000, wallet="code")
    assert there.hold(client.find_taken_back(given, "j_1/take/take_back", SETTINGS)) is None
    for _ in range(2):
        assert there.hold(take(given)).reference == first.reference
    assert there.hold(client.find_taken_back(given, "j_1/take/take_back", SETTINGS)).reference == first.reference
    assert there.posts()[-1][1] == {"active": "false", "metadata[ovation_effect]": "j_1/take/take_back"}
    assert there.told() == [], "our own withdrawal is no news to us"
    used = there.hold(pay(code(reward="rw_2")))
    there.move("redeem", code=used.facts["code"])
    assert there.told() == []
    with pytest.raises(Rejected, match="used already"):
        there.hold(take(back(used.reference, 1000, wallet="code", reward="rw_2")))
    with pytest.raises(Rejected, match="no code of the reward"):
        there.hold(take(back(used.reference, 1000, wallet="code", reward="rw_3")))


def test_a_code_that_a_colleague_ends_is_told(there: Stripe) -> None:
    made = there.hold(pay(code()))
    there.told()
    there.move("end_code", code=made.facts["code"])
    assert there.told() == [
        {"type": "reward.taken_back", "subject": f"stripe_send:{made.reference}", "data": {"reward": "rw_0192"}}
    ]


# Amounts


@pytest.mark.parametrize(
    ("amount", "counted"),
    [
        *((("USD", 5000), 5000), (("JPY", 5000), 5000), (("ISK", 500), 500), (("UGX", 5), 500), (("MGA", 500), 5)),
        *((("KWD", 5120), 5120),),
    ],
)
def test_amounts_are_counted_as_stripe_counts(amount: tuple[str, int], counted: int) -> None:
    ours = Money(minor=amount[1], currency=amount[0])
    assert amounts.minor(ours) == counted
    assert amounts.money(counted, amount[0].lower()) == ours


@pytest.mark.parametrize(("currency", "minor"), [("MGA", 501), ("KWD", 5124), ("LYD", 1000), ("USD", 0)])
def test_what_cannot_be_paid_exactly_is_refused(currency: str, minor: int) -> None:
    with pytest.raises(Rejected):
        amounts.minor(Money(minor=minor, currency=currency))


# The books


def test_every_cent_is_somewhere(there: Stripe) -> None:
    account = there.payee()
    there.move("customer", id="cus_7")
    transfer = there.hold(pay(cash(account))).reference
    there.hold(take(back(transfer, 2000)))
    there.hold(pay(credit(reward="rw_2")))
    sale = there.move("sale", amount=120_000)
    there.move("refund", charge=sale["id"], amount=20_000)
    there.move("pay_out", account=account)
    places = {e.taken_from for e in there.books.entries} | {e.given_to for e in there.books.entries}
    assert sum(there.holds(place) for place in places) == 0
    assert there.holds(OURS) == OPENING - 3000 + 100_000
    assert there.holds(account) == 0
    assert there.holds(BANK) == -OPENING - 100_000 + 3000
    Account.model_validate_json(there.books.model_dump_json())


# Errors


def problem(status: int, body: Any = None, writes: bool = True, **headers: str) -> Any:
    reply = Reply(
        status, json=body, text=json.dumps(body), headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    return judge(reply, Call.post("/v1/transfers") if writes else Call.get("/v1/balance"))


def error(code: str | None = None, kind: str = "invalid_request_error", message: str = "words") -> dict[str, Any]:
    return {"error": {"type": kind, "message": message, **({"code": code} if code else {})}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error("parameter_missing"), "rejected"),
        (400, error(kind="idempotency_error"), "rejected"),
        (400, error("balance_insufficient"), "unauthorized"),
        (401, error(), "unauthorized"),
        (402, error("card_declined", "card_error"), "rejected"),
        (403, error("account_invalid"), "unauthorized"),
        (404, error("resource_missing"), "rejected"),
        (409, error("idempotency_key_in_use", "idempotency_error"), "in doubt"),
        (409, error(), "unavailable"),
        (424, error(), "in doubt"),
        (429, error("rate_limit"), "rate-limited"),
        (500, error(None, "api_error"), "in doubt"),
        (502, None, "in doubt"),
    ],
)
def test_each_error_has_its_kind(status: int, body: Any, kind: str) -> None:
    assert problem(status, body).kind == kind


def test_a_fault_while_reading_is_no_doubt() -> None:
    assert problem(500, error(), writes=False).kind == "unavailable"
    assert problem(409, error("idempotency_key_in_use"), writes=False).kind == "unavailable"
    assert problem(200) is None


def test_stripe_says_that_it_may_be_tried_again() -> None:
    assert problem(400, error(), stripe_should_retry="true").kind == "unavailable"
    assert problem(500, error(), stripe_should_retry="true").kind == "in doubt"


def test_a_lock_is_shorter_than_a_limit() -> None:
    assert problem(429, error("lock_timeout")).retry_after == 1.0
    assert problem(429, error("rate_limit"), stripe_rate_limited_reason="endpoint-rate").retry_after == 5.0


def test_the_message_names_code_and_request() -> None:
    found = problem(400, error("balance_insufficient", message="You have insufficient funds."), request_id="req_9")
    assert found.message == "HTTP 400 (balance_insufficient) [req_9]: You have insufficient funds."
    assert problem(502, "<html>").message == 'HTTP 502: "<html>"'


@pytest.mark.parametrize("body", [None, [], {"error": "x"}, {"error": []}])
def test_an_odd_error_body_is_still_judged(body: Any) -> None:
    assert problem(400, body).kind == "rejected"


def test_the_stand_ins_own_faults_are_judged(there: Stripe) -> None:
    limited, broken = STAND_IN.rate_limited(), STAND_IN.broken()
    there.answers = [httpx.Response(limited.status, json=limited.json, headers=dict(limited.headers))]
    with pytest.raises(RateLimited):
        there.hold(pay(cash("acct_1")))
    there.answers = [httpx.Response(broken.status, json=broken.json)]
    with pytest.raises(InDoubt):
        there.hold(asking.once("/v1/transfers", {}, "x"))


def test_the_doctor_shows_mode_and_balance(there: Stripe) -> None:
    there.move("withdraw", amount=OPENING - 12_050)
    facts = there.hold(client.doctor(SETTINGS)).facts
    assert facts == {"live": False, "available": ["10000.00 EUR", "10000.00 GBP", "120.50 USD"]}


# Signatures

VECTOR_BODY = b'{"id":"evt_1Ovation","object":"event","type":"payment_intent.succeeded"}'
VECTOR = "t=1766000000,v1=859120196e09886f35d7ffd2a86214978aff87f817fd39e9ffa543021b6d9dbe"
VECTOR_SETTINGS = StripeSettings(webhook_secret=SecretStr("whsec_test_ovation"))


def incoming(body: bytes, header: str) -> Incoming:
    return Incoming("POST", "https://o.example/webhooks/stripe", {"stripe-signature": header}, {}, body)


def test_the_documented_vector() -> None:
    signature.verify(incoming(VECTOR_BODY, VECTOR), VECTOR_SETTINGS, NOW)
    assert signature.sign(VECTOR_BODY, VECTOR_SETTINGS, "", NOW) == {"Stripe-Signature": VECTOR}


def test_what_stripes_own_package_signs_is_believed_and_the_other_way_round() -> None:
    body = '{"id":"evt_1","object":"event","note":"Zoë","type":"x"}'
    theirs = stripe.WebhookSignature.generate_signature_header(body, "whsec_test_ovation", 1766000000)
    signature.verify(incoming(body.encode(), theirs), VECTOR_SETTINGS, NOW)
    ours = signature.sign(body.encode(), VECTOR_SETTINGS, "", NOW)["Stripe-Signature"]
    assert stripe.WebhookSignature.verify_header(body, ours, "whsec_test_ovation")
    event = stripe.Webhook.construct_event(VECTOR_BODY, VECTOR, "whsec_test_ovation", tolerance=10**9)
    assert event.id == "evt_1Ovation"


def test_either_endpoints_secret_and_any_of_several_signatures() -> None:
    of_a_payee = b'{"type":"account.updated","account":"acct_1"}'
    header = signature.sign(of_a_payee, SETTINGS, "", NOW)["Stripe-Signature"]
    only_ours = SETTINGS.model_copy(update={"connect_webhook_secret": None})
    signature.verify(incoming(of_a_payee, header), SETTINGS, NOW)
    with pytest.raises(BadSignature):
        signature.verify(incoming(of_a_payee, header), only_ours, NOW)
    assert signature.sign(of_a_payee, only_ours, "", NOW)["Stripe-Signature"] != header
    rolled = VECTOR.replace("v1=", f"v0=old,v1={'0' * 64},v1=")
    signature.verify(incoming(VECTOR_BODY, rolled), VECTOR_SETTINGS, NOW)


@pytest.mark.parametrize(
    "header",
    [
        *("", "t=1766000000", "v1=aa", VECTOR.replace("v1", "v0"), VECTOR.replace("t=1766000000", "t=1766000001")),
        *(VECTOR.replace("t=1766000000", "t=²"), VECTOR[:-1] + "f", VECTOR.replace("1766000000", " 1766000000")),
    ],
)
def test_a_forged_request_is_refused(header: str) -> None:
    with pytest.raises(BadSignature):
        signature.verify(incoming(VECTOR_BODY, header), VECTOR_SETTINGS, NOW)


@pytest.mark.parametrize(("late", "taken"), [(299, True), (301, False), (-299, True), (-301, False)])
def test_five_minutes_and_no_more(late: int, taken: bool) -> None:
    then = NOW + timedelta(seconds=late)
    if taken:
        signature.verify(incoming(VECTOR_BODY, VECTOR), VECTOR_SETTINGS, then)
    else:
        with pytest.raises(BadSignature, match="five minutes"):
            signature.verify(incoming(VECTOR_BODY, VECTOR), VECTOR_SETTINGS, then)


# Events


def test_sales_and_refunds_that_name_a_referral_are_told(there: Stripe) -> None:
    sale = there.move("sale", amount=120_000, metadata={"ovation_referral": "r_7"})
    there.move("refund", charge=sale["id"], amount=20_000)
    there.move("refund", charge=sale["id"])
    there.move("sale", amount=500)
    assert [(e["type"], e["subject"], e["data"]["amount"]["minor"]) for e in there.told()] == [
        ("referral.closed", "ovation_referral:r_7", 120_000),
        ("referral.refunded", "ovation_referral:r_7", 20_000),
        ("referral.refunded", "ovation_referral:r_7", 120_000),
    ]


def spoilt(name: str, **change: Any) -> bytes:
    event = json.loads((FIXTURES / f"{name}.json").read_text())
    event["data"]["object"] |= change
    return json.dumps(event).encode()


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"referral_code": "ADA 10"}},
        {"metadata": {"referral_code": "ADA10"}, "receipt_email": "", "customer": None},
        {"metadata": None},
    ],
)
def test_what_others_write_into_metadata_does_not_disturb(change: dict[str, Any]) -> None:
    assert events(spoilt("payment_intent.succeeded__by_code", **change)) == []


def test_a_buyer_without_an_address_is_known_by_their_customers_id() -> None:
    [event] = events(spoilt("payment_intent.succeeded__by_code", receipt_email=None))
    assert event["subject"] == "stripe:cus_Nff"


@pytest.mark.parametrize("change", [{"amount_received": None}, {"currency": "x"}, {"amount_received": True}])
def test_a_sale_without_its_amount_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        events(spoilt("payment_intent.succeeded__by_code", **change))


def test_an_account_that_loses_and_regains_the_right_is_told_again(there: Stripe) -> None:
    account = there.payee()
    there.move("restrict", account=account)
    there.move("onboard", account=account)
    assert [e["type"] for e in there.told()] == ["payee.ready"]


# Upkeep


def rounds(mark: dict[str, object] | None = None) -> Round:
    return Round(mark=mark or {}, webhook_url="https://o.example/webhooks/stripe", now=datetime.now(UTC))


def kept_up(there: Stripe, name: str, mark: dict[str, object] | None = None) -> Upkept:
    job = next(one for one in upkeep.UPKEEP if one.name == name)
    kept: Upkept = there.hold(job.talk(rounds(mark), SETTINGS))
    return kept


def test_a_dispute_pokes_and_its_charge_tells_the_referral(there: Stripe) -> None:
    sale = there.move("sale", amount=120_000, metadata={"ovation_referral": "r_7"})
    there.move("refund", charge=sale["id"], amount=20_000)
    there.told()
    there.move("dispute", charge=sale["id"])
    there.move("dispute", charge=there.move("sale", amount=900)["id"])
    name, item = webhook.unpack(incoming(there.webhooks[0], ""))[0]
    assert webhook.INBOUND.read(name, item, SETTINGS) == Poke("disputes")
    kept = kept_up(there, "disputes")
    [event] = kept.events
    assert (event.type, event.subject.text) == ("referral.refunded", "ovation_referral:r_7")
    assert event.data == {"referral": "r_7", "amount": {"minor": 120_000, "currency": "USD"}}
    assert event.source_id == item["id"]
    assert kept.again_at is None
    again = kept_up(there, "disputes", kept.mark)
    assert [e.source_id for e in again.events] == [event.source_id], "the last second is read once more, and known"


def test_what_no_endpoint_took_is_read_with_the_same_ids(there: Stripe) -> None:
    sale = there.move("sale", amount=120_000, metadata={"ovation_referral": "r_7"})
    there.told()
    there.move("refund", charge=sale["id"], lost=True)
    assert there.webhooks == []
    kept = kept_up(there, "missed")
    assert [(e.type, e.source_id) for e in kept.events] == [("referral.refunded", there.books.events[-1]["id"])]
    asked = dict(there.seen[0].url.params)
    assert asked["delivery_success"] == "false"
    assert [asked[f"types[{n}]"] for n in range(4)] == [
        *("payment_intent.succeeded", "charge.refunded", "transfer.reversed", "promotion_code.updated"),
    ]


def test_a_long_list_is_swept_page_by_page_and_nothing_new_is_lost(
    there: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "MISSED", 2)
    for number in range(5):
        there.move("sale", amount=100, metadata={"ovation_referral": f"r_{number}"}, lost=True)
    mark: dict[str, object] = {}
    found: list[str] = []
    for expected in (True, True, False):
        kept = kept_up(there, "missed", mark)
        found += [str(e.data["referral"]) for e in kept.events]
        assert (kept.again_at is not None) is expected
        mark = kept.mark
    assert found == ["r_4", "r_3", "r_2", "r_1", "r_0"]
    there.move("wait", hours=1)
    there.move("sale", amount=100, metadata={"ovation_referral": "r_9"}, lost=True)
    assert "r_9" in [e.data["referral"] for e in kept_up(there, "missed", mark).events]


def test_an_event_that_makes_no_sense_holds_up_no_other(there: Stripe) -> None:
    there.move("sale", amount=100, metadata={"ovation_referral": "r_1"}, lost=True)
    there.move("sale", amount=100, metadata={"ovation_referral": "r_2"}, lost=True)
    there.books.events[0]["data"]["object"]["currency"] = "x"
    assert [e.data["referral"] for e in kept_up(there, "missed").events] == ["r_2"]


# The stand-in, against Stripe's own package


class _Transport(stripe.HTTPClient):
    """Stripe's package speaks to the stand-in."""

    name = "stand-in"

    def __init__(self, there: Stripe) -> None:
        super().__init__()
        self.there = there

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> Any:
        answer = self.there(httpx.Request(method, url, headers=headers, content=post_data or b""))
        return answer.content, answer.status_code, answer.headers

    def close(self) -> None: ...


def package(there: Stripe) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_sandbox", http_client=_Transport(there), stripe_version=client.VERSION, max_network_retries=0
    )


def test_stripes_package_pays_and_reverses_at_the_stand_in(there: Stripe) -> None:
    account = there.payee()
    theirs = package(there).v1
    form: Any = {"amount": 700, "currency": "usd", "destination": account, "metadata": {"a": "b"}}
    transfer = theirs.transfers.create(form, {"idempotency_key": "k1"})
    assert theirs.transfers.create(form, {"idempotency_key": "k1"}).id == transfer.id
    reversal = theirs.transfers.reversals.create(transfer.id, {"amount": 200})
    assert (reversal.transfer, reversal.amount) == (transfer.id, 200)
    assert theirs.transfers.retrieve(transfer.id).amount_reversed == 200
    assert [t.id for t in theirs.transfers.list({"destination": account}).auto_paging_iter()] == [transfer.id]
    assert there.holds(account) == 500


def test_stripes_package_understands_the_stand_ins_refusals(there: Stripe) -> None:
    account = there.payee()
    theirs = package(there).v1
    form: Any = {"amount": 700, "currency": "usd", "destination": account}
    theirs.transfers.create(form, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError):
        theirs.transfers.create({**form, "amount": 701}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        theirs.transfers.create({**form, "amount": OPENING})
    assert (refused.value.code, refused.value.http_status) == ("balance_insufficient", 400)
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        theirs.transfers.create({**form, "destinaton": "x"})
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "destinaton")
    with pytest.raises(stripe.PermissionError):
        theirs.accounts.retrieve("acct_gone")
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("sk_test_other", http_client=_Transport(there)).v1.balance.retrieve()


ANSWERS = {
    "accounts": stripe.Account,
    "transfers": stripe.Transfer,
    "coupons": stripe.Coupon,
    "promotion_codes": stripe.PromotionCode,
    "charges": stripe.Charge,
}


def test_what_the_stand_in_keeps_has_the_fields_of_stripes_objects(there: Stripe) -> None:
    account = there.payee()
    there.move("customer", id="cus_7")
    transfer = there.hold(pay(cash(account))).reference
    there.hold(take(back(transfer, 1)))
    there.hold(pay(credit(reward="rw_2")))
    there.hold(pay(code(reward="rw_3")))
    there.move("sale", amount=5)
    kept = [(thing, kind) for name, kind in ANSWERS.items() for thing in getattr(there.books, name).values()]
    kept += [(there.books.customers["cus_7"][0], stripe.CustomerBalanceTransaction)]
    kept += [(there.books.transfers[transfer]["reversals"]["data"][0], stripe.TransferReversal)]
    kept += [(event, stripe.Event) for event in there.books.events]
    assert len(kept) > 10
    for thing, kind in kept:
        assert not set(thing) - set(kind.__annotations__), kind.__name__
        assert thing["object"] == kind.OBJECT_NAME


FORMS = {
    "/v1/transfers": stripe.params.TransferCreateParams,
    "/v1/accounts": stripe.params.AccountCreateParams,
    "/v1/account_links": stripe.params.AccountLinkCreateParams,
    "/v1/coupons": stripe.params.CouponCreateParams,
    "/v1/promotion_codes": stripe.params.PromotionCodeCreateParams,
    "/reversals": stripe.params.TransferCreateReversalParams,
    "/balance_transactions": stripe.params.CustomerCreateBalanceTransactionParams,
}


def test_every_parameter_we_send_is_one_of_stripes(there: Stripe) -> None:
    account = there.hold(payee.invite(INVITE, KEY, SETTINGS)).reference
    there.move("onboard", account=account)
    there.move("customer", id="cus_7")
    there.hold(take(back(there.hold(pay(cash(account))).reference, 1)))
    there.hold(pay(credit(reward="rw_2")))
    there.hold(pay(code(reward="rw_3", account="cus_7")))
    met = set()
    for path, form in there.posts():
        ending = next(e for e in FORMS if path.endswith(e))
        met.add(ending)
        known = FORMS[ending].__annotations__.keys()
        assert not {name.partition("[")[0] for name in form} - known, path
    assert met == FORMS.keys()


WRONG = {
    "no amount": ("/v1/transfers", {"currency": "usd", "destination": "acct_1"}, "parameter_missing", "amount"),
    "a fraction": ("/v1/transfers", {"amount": "1.5"}, "parameter_invalid_integer", "amount"),
    "nothing": (
        *("/v1/transfers", {"amount": "0", "currency": "usd", "destination": "a"}),
        *("parameter_invalid_integer", "amount"),
    ),
    "capitals": ("/v1/transfers", {"amount": "1", "currency": "USD", "destination": "a"}, None, "currency"),
    "nobody": (
        *("/v1/transfers", {"amount": "1", "currency": "usd", "destination": "acct_1"}),
        *("resource_missing", "destination"),
    ),
    "a long value": ("/v1/coupons", {"metadata[a]": "x" * 501}, None, "metadata[a]"),
    "a coupon that is not": (
        *("/v1/promotion_codes", {"promotion[type]": "coupon", "promotion[coupon]": "no"}),
        *("resource_missing", "promotion[coupon]"),
    ),
    "an odd code": (
        *("/v1/promotion_codes", {"promotion[type]": "coupon", "promotion[coupon]": "no", "code": "A B"}, None, "code"),
    ),
    "an odd name": ("/v1/coupons", {"a[b": "1"}, "parameter_unknown", "a[b"),
}


@pytest.mark.parametrize(("path", "form", "code_", "param"), WRONG.values(), ids=WRONG)
def test_a_wrong_form_is_refused_with_its_parameter(
    there: Stripe, path: str, form: dict[str, str], code_: str | None, param: str
) -> None:
    headers = client.headers(SETTINGS, None)
    answer = there(httpx.Request("POST", f"https://api.stripe.com{path}", data=form, headers=headers))
    body = answer.json()["error"]
    assert (answer.status_code, body.get("code")) == (400, code_)
    if param != "currency" or "param" in body:
        assert body["param"].startswith(param)
    assert answer.headers["request-id"].startswith("req_")


def test_json_other_versions_and_no_key_are_refused(there: Stripe) -> None:
    url, headers = "https://api.stripe.com/v1/transfers", client.headers(SETTINGS, None)
    assert there(httpx.Request("POST", url, json={"amount": 1}, headers=headers)).status_code == 400
    older = {**headers, "Stripe-Version": "2020-08-27"}
    assert there(httpx.Request("GET", url, headers=older)).status_code == 400
    assert there(httpx.Request("GET", url)).status_code == 401


def test_a_refusal_of_a_form_is_not_remembered(there: Stripe) -> None:
    account = there.payee()
    url = "https://api.stripe.com/v1/transfers"
    headers = {**client.headers(SETTINGS, None), "Idempotency-Key": "k"}
    form = {"currency": "usd", "destination": account}
    assert there(httpx.Request("POST", url, data=form, headers=headers)).status_code == 400
    again = there(httpx.Request("POST", url, data={**form, "amount": "5"}, headers=headers))
    assert (again.status_code, "idempotent-replayed" in again.headers) == (200, False)


@pytest.mark.parametrize(
    ("name", "given", "status"),
    [
        *(("onboard", {}, 422), ("onboard", {"account": "acct_1"}, 400), ("sale", {"amount": 0}, 422)),
        *(("refund", {"charge": "ch_1"}, 400), ("redeem", {"code": "NO"}, 400), ("withdraw", {"amount": 10**9}, 400)),
    ],
)
def test_a_move_that_cannot_be_made_says_so(there: Stripe, name: str, given: dict[str, Any], status: int) -> None:
    assert STAND_IN.moves[name](given, there.books).status == status
