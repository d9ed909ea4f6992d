"""What the pages of delivery ask of the database: no more for a long list than for a short one, and not too much."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from handoff.models import ChecklistItem, LaunchBlocker, ReportNote
from opportunities.models import Message, Note, Objection, UnwrittenPromise
from opportunities.records import begin, perform
from tests.makers_handoff import a_change, a_report

pytestmark = pytest.mark.django_db


def fill(report, ada, ben, dora, many):
    """Put so many rows into every list that these pages show."""
    project, deal = report.project, report.project.opportunity
    excluded = project.handoff.promises.filter(kind="exclusion").first()
    talk = {"client": deal.client, "contact": deal.decision_owner, "opportunity": deal, "owner": ada}
    for number in range(many):
        title = f"{excluded} {number}" if excluded else f"Thing {number}"
        begin(ChecklistItem(project=project, title=title[:160], owner=dora), by=dora)
        begin(ReportNote(report=report, words=f"Internal {number}.", author=dora), by=dora)
        a_change(report.cadence, dora, approver=ben, day=number + 1)
        blocker = begin(LaunchBlocker(project=project, words=f"Stone {number}", owner=dora), by=dora)
        if number % 2:
            perform(blocker.clear, by=dora, reason="It rolled away.")
        begin(Objection(kind="price", words=f"Dear {number}.", opportunity=deal, owner=ada), by=ada)
        begin(UnwrittenPromise(words=f"Aloud {number}.", said_by="Ada", opportunity=deal, owner=ada), by=ada)
        Note.take(deal, f"Their developer leaves {number}.", by=ada, kind="call")
        begin(
            Message(channel="call", happened_at=timezone.now(), subject=f"Call {number}", body="Nine.", **talk), by=ada
        )


def asked(browser, url) -> int:
    browser.get(url)
    with CaptureQueriesContext(connection) as found:
        assert browser.get(url).status_code == 200
    return len(found)


# A page of a record may ask fifteen. These show more lists than that, and ask of each list once. Besides, each asks who
# is there with their rights, what they may here (their shares of this deal, those of their groups), and who else could
# own it.
#   project: onboarding list, what of it was excluded, blockers, accesses, late reports, days of reports and three kinds
#   of changes of them, all reports, exclusions touched, change orders, promises, claims, diary, what was let pass.
#   handover: promises, disputes, contacts, guests, said aloud, talks, notes, objections, evidence, claims, prices, days
#   of reports, why it was won, blockers, discovery, answers, receipt, when it went live and past what.
#   report: periods before, readers, guests, claims, evidence, and what the lint holds its words against.
MOST = {"project": 21, "handover": 24, "report": 18}


def test_a_page_of_delivery_asks_of_each_list_once_however_long_it_is(ada, ben, dora, as_user, subtests):
    counts = []
    for many in (2, 7):
        report = a_report(ada, manager=ben, delivery=dora, stage="published")
        fill(report, ada, ben, dora, many)
        urls = {
            "project": report.project.staff_url(),
            "handover": reverse("handoff_handoff_handover", args=[report.project.handoff_id]),
            "report": report.staff_url(),
        }
        counts.append({page: asked(as_user(dora), url) for page, url in urls.items()})
    for page, most in MOST.items():
        with subtests.test(page):
            assert [count[page] for count in counts] == [most, most]
