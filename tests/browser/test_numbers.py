"""The numbers, read on a desktop and on a phone: charts with their tables, filters, a file, the mail of the week."""

import pytest

from opportunities.records import edit, perform
from tests.browser.axe import violations
from tests.conftest import person
from tests.makers import an_opportunity
from tests.numbers.test_counters import LOSE

pytestmark = pytest.mark.slow


def test_a_manager_reads_how_the_team_is_doing(house, at_browser):
    ada, ben = person("ada", "Growth ops", team="East"), person("ben", "Manager", team="East", sees="team")
    an_opportunity(ada, decision_on="2027-03-12")
    edit(an_opportunity(ada), by=ada, currency="EUR")
    perform(an_opportunity(ada).lose, by=ada, **LOSE)
    page = at_browser(ben, looks=violations)
    page.open("/admin/numbers/").sees("Forecast").sees("Mar 2027").sees("since last week").sees("The price")
    page.press("Owner", within="#forecast").sees("Ada")
    page.press("Send it to me each Monday").sees("You get the numbers each Monday.")
    page.open("/admin/numbers/?currency=XXX").sees("This filter is left out.")
