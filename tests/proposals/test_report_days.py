"""The first report that a contract names comes on one of the days that it names."""

from datetime import date

import pytest
import time_machine

from opportunities.records import Refused, perform
from tests.makers_proposals import a_contract


@pytest.fixture(autouse=True)
def in_november():
    with time_machine.travel("2026-11-02 12:00+00:00"):
        yield


@pytest.mark.parametrize(
    ("terms", "right"),
    [
        ({"report_day": 31}, "Thu 31 Dec 2026"),
        ({"report_day": 4}, "Mon 4 Jan 2027"),
        ({"report_every": "weekly", "report_weekday": 4}, "Fri 11 Dec 2026"),
        ({"report_every": "quarterly", "report_on_last_working_day": True}, "Thu 31 Dec 2026"),
    ],
)
def test_a_first_report_on_a_day_that_its_days_do_not_name_is_refused(ada, ben, terms, right):
    contract = a_contract(ada, approver=ben, first_report_on=date(2026, 12, 8), **terms)
    with pytest.raises(Refused) as refusal:
        perform(contract.submit, by=ada)
    words = f"Choose {right} for the first report, or other days: by these none comes on Tue 8 Dec 2026."
    assert refusal.value.reasons == [words]


@pytest.mark.parametrize(
    ("terms", "first"),
    [
        ({}, date(2027, 1, 1)),
        ({"report_day": 31}, date(2027, 1, 31)),
        ({"report_every": "weekly"}, date(2027, 1, 4)),
    ],
)
def test_a_contract_is_drawn_up_with_a_first_report_on_its_own_days(ada, ben, terms, first):
    contract = a_contract(ada, approver=ben, **terms)
    assert contract.first_report_on == first
    assert perform(contract.submit, by=ada).stage == "in_review"
