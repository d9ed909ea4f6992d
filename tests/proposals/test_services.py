"""What a deal is about, before any proposal names it."""

import pytest

from opportunities.models import Event
from opportunities.records import begin
from proposals.models import Service
from tests.makers import an_opportunity

pytestmark = pytest.mark.django_db


def test_the_services_of_a_deal_are_written_down_with_those_before_them(ada):
    deal = an_opportunity(ada)
    speed, paid = (begin(Service(name=name), by=None) for name in ("Speed", "Paid search"))
    Service.want(deal, [speed], by=ada)
    Service.want(deal, [speed, paid], by=ada)
    assert set(deal.services.all()) == {speed, paid}
    newest = Event.objects.filter(verb="opportunity.services").latest("pk")
    assert newest.facts.values == {"services": [["Speed"], ["Paid search", "Speed"]]}


def test_saying_the_same_services_again_writes_nothing(ada):
    deal, speed = an_opportunity(ada), begin(Service(name="Speed"), by=None)
    Service.want(deal, [speed], by=ada)
    Service.want(deal, [speed], by=ada)
    assert Event.objects.filter(verb="opportunity.services").count() == 1
