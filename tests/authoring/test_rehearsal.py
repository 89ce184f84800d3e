"""Prevents a rehearsal that tells something else than the running journey would do, or that never comes to an end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authoring import source
from authoring.rehearsal import JOURNEY, Answer, Moment, all_goes_well, rehearse, starts
from journeys.happenings import EventCame, OperatorSaid
from models.effect import Order, Outcome
from models.playbook import Playbook

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def thank_you() -> Playbook:
    path = Path(__file__).parents[2] / "playbooks" / "advocate-thank-you.yaml"
    return Playbook.model_validate(source.read_file(path).content)


def event(kind: str, at: datetime = START, **data: object) -> EventCame:
    return EventCame(id=f"{kind}@{at}", type=kind, at=at, data=data)


PROMOTER = event("nps.answered", score=9)


def when(moments: list[Moment], step: str, effect: str, what: str) -> list[timedelta]:
    return [m.at - START for m in moments if (m.step, m.effect, m.what) == (step, effect, what)]


def test_the_gift_is_sent_at_once_and_after_its_video() -> None:
    moments = list(rehearse(thank_you(), PROMOTER))
    (video,) = when(moments, "gift", "make_video", "done")
    (gift,) = when(moments, "gift", "send_gift", "begun")
    assert timedelta() < video <= gift < timedelta(hours=1)


def test_nothing_is_delivered_unless_it_is_said() -> None:
    moments = list(rehearse(thank_you(), PROMOTER))
    assert not [m for m in moments if m.effect == "gift.delivered" or m.step == "check_in"]


def test_moments_come_in_order_and_end_with_the_journey() -> None:
    given = [(START + n * DAY, event("gift.delivered", START + n * DAY)) for n in (5, 6)]
    moments = list(rehearse(thank_you(), PROMOTER, given))
    assert [m.at for m in moments] == sorted(m.at for m in moments)
    assert [(m.step, m.effect, m.what) for m in moments[-1:]] == [("journey", "end_journey", "done")]
    assert [m.detail for m in moments if m.what == "ends"] == ["quiet"]


def test_it_stops_at_the_horizon() -> None:
    horizon = START + 10 * DAY
    given = [(START + 5 * DAY, event("gift.delivered", START + 5 * DAY))]
    moments = list(rehearse(thank_you(), PROMOTER, given, until=horizon))
    assert when(moments, "check_in", "send", "begun") == [8 * DAY]
    assert moments[-1].at <= horizon


@pytest.mark.parametrize("kind", ["withheld", "refused", "unsure"])
def test_an_effect_that_is_not_done_is_told_with_its_reason(kind: str) -> None:
    def answers(order: Order) -> Answer:
        if order.effect == "send_gift":
            return Answer(Outcome.model_validate({"kind": kind, "reason": "no address"}), timedelta(hours=1))
        return all_goes_well(order)

    moments = list(rehearse(thank_you(), PROMOTER, answers=answers))
    told = [m for m in moments if (m.step, m.effect, m.what) == ("gift", "send_gift", kind)]
    assert [m.detail for m in told] == ["no address"]
    alerts = [m.detail for m in moments if m.effect == "alert" and m.what == "begun"]
    assert ("deadline near" in alerts) is (kind != "withheld")


def test_an_answer_may_lead_to_events() -> None:
    """A delivery follows a gift by itself where that is assumed, and moves the clocks by its own instant."""

    def answers(order: Order) -> Answer:
        well = all_goes_well(order)
        if order.effect != "send_gift":
            return well
        return Answer(well.outcome, well.after, [(4 * DAY, event("gift.delivered", gift=order.key))])

    moments = list(rehearse(thank_you(), PROMOTER, answers=answers))
    (delivered,) = when(moments, "", "gift.delivered", "event")
    assert when(moments, "check_in", "send", "begun") == [delivered + 3 * DAY]


def test_a_proof_settles_a_doubt() -> None:
    def answers(order: Order) -> Answer:
        return Answer(Outcome(kind="unsure")) if order.effect == "send_gift" else all_goes_well(order)

    proof = event("gift.delivered", START + 4 * DAY, gift=f"{JOURNEY}/gift/send_gift")
    moments = list(rehearse(thank_you(), PROMOTER, [(START + 4 * DAY, proof)], answers))
    assert when(moments, "gift", "send_gift", "begun") == [timedelta(minutes=2), 4 * DAY], (
        "it is looked for, and booked"
    )
    assert len(when(moments, "gift", "send_gift", "done")) == 1
    assert moments[-1].effect == "end_journey"


def test_what_an_operator_may_not_do_changes_nothing_and_is_told() -> None:
    given = [(START + DAY, OperatorSaid(command="retry", step="gift"))]
    moments = list(rehearse(thank_you(), PROMOTER, given))
    (said,) = [m for m in moments if m.what == "operator"]
    assert "not possible" in said.detail
    assert len(when(moments, "gift", "send_gift", "begun")) == 1


def test_a_doubt_that_nobody_answers_does_not_run_for_ever() -> None:
    def answers(order: Order) -> Answer:
        return Answer(Outcome(kind="unsure")) if order.effect == "send_gift" else all_goes_well(order)

    moments = list(rehearse(thank_you(), PROMOTER, answers=answers))
    assert [m.detail for m in moments if m.what == "ends"] == ["at its longest"]
    assert moments[-1].effect != "end_journey"


def test_which_events_start_it() -> None:
    assert starts(thank_you(), PROMOTER)
    assert starts(thank_you(), event("contact.tagged", tag="referral_given"))
    assert not starts(thank_you(), event("nps.answered", score=8))
    assert not starts(thank_you(), event("contact.tagged"))
