"""The bell, the list of notices, and the choice of how each is told."""

import pytest
from django.urls import reverse
from django.utils import timezone

from opportunities import followups, notices
from opportunities.models import Notice, NoticeChoice, User
from opportunities.records import perform
from proposals.models import Approval
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal, decide
from tests.opportunities.test_followups import a_follow_up

pytestmark = pytest.mark.django_db


def tell(user, number=1, url="/admin/pipeline/"):
    for each in range(number):
        notices.tell(user, Notice.Kind.BREACH, f"Number {each}.", url, key=f"{each}")


def test_the_bell_counts_what_is_unread_and_is_on_every_page(ada, as_user):
    tell(ada, 3)
    browser = as_user(ada)
    assert browser.get(reverse("notices_unread")).json() == {"unread": 3}
    for page in ("/admin/today/", an_opportunity(ada).staff_url(), "/admin/opportunities/lead/"):
        assert reverse("notices_unread") in browser.get(page).content.decode(), page


def test_an_empty_list_says_what_will_come(ada, as_user):
    assert "Nothing yet" in as_user(ada).get("/admin/notices/").content.decode()


def test_a_notice_leads_to_its_page_and_is_read_with_that(ada, as_user):
    tell(ada)
    notice, browser = Notice.objects.get(), as_user(ada)
    assert browser.get(reverse("notice_open", args=[notice.pk])).url == "/admin/pipeline/"
    assert browser.get(reverse("notices_unread")).json() == {"unread": 0}


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose"])
def test_a_browser_that_looks_ahead_reads_no_notice(ada, as_user, header):
    tell(ada)
    address, browser = reverse("notice_open", args=[Notice.objects.get().pk]), as_user(ada)
    answer = browser.get(address, headers={header: "prefetch;prerender"})
    assert answer.status_code == 503
    assert "no-store" in answer["Cache-Control"], "so that it is asked for again"
    assert Notice.objects.get().read_at is None
    assert browser.get(address).url == "/admin/pipeline/"
    assert Notice.objects.get().read_at


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/admin"])
def test_a_notice_leads_nowhere_else(ada, as_user, url):
    tell(ada, url=url)
    answer = as_user(ada).get(reverse("notice_open", args=[Notice.objects.get().pk]))
    assert answer.url == reverse("notices")


def test_nobody_opens_or_marks_the_notices_of_another(ada, ben, as_user):
    tell(ada)
    notice, browser = Notice.objects.get(), as_user(ben)
    assert browser.get(reverse("notice_open", args=[notice.pk])).status_code == 404
    browser.post(reverse("notices_read"))
    assert Notice.objects.get().read_at is None
    assert "Number 0." not in browser.get("/admin/notices/").content.decode()


def test_all_are_marked_as_read_by_a_post(ada, as_user):
    tell(ada, 3)
    browser = as_user(ada)
    assert browser.get(reverse("notices_read")).status_code == 405
    browser.post(reverse("notices_read"))
    assert not Notice.objects.filter(read_at=None).exists()


def test_older_ones_are_pages_further(ada, as_user):
    tell(ada, 55)
    first = as_user(ada).get("/admin/notices/").content.decode()
    assert "Number 54." in first
    assert "Number 3." not in first
    assert "Older" in first
    older = as_user(ada).get(f"/admin/notices/?before={Notice.objects.order_by('pk')[5].pk}").content.decode()
    assert "Number 3." in older


def choices(**changed):
    return {**{kind: how.value for kind, how in notices.USUAL.items()}, "digest_at": "07:30", **changed}


def test_each_chooses_how_they_are_told(ada, as_user):
    browser = as_user(ada)
    page = browser.get("/admin/my/notices/").content.decode()
    assert "Your time zone is UTC" in page
    browser.post("/admin/my/notices/", choices(breach="off", digest_at="06:15"))
    assert NoticeChoice.objects.get(user=ada, kind="breach").how == "off"
    assert User.objects.get(pk=ada.pk).digest_at.hour == 6
    browser.post("/admin/my/notices/", choices(breach="digest", digest_at=""))
    assert NoticeChoice.objects.get(user=ada, kind="breach").how == "digest"
    assert User.objects.get(pk=ada.pk).digest_at is None


@pytest.mark.parametrize("wrong", [{"breach": "loud"}, {"digest_at": "25:00"}, {"digest_at": "noon"}])
def test_a_choice_that_there_is_not_is_refused_in_words(ada, as_user, wrong):
    answer = as_user(ada).post("/admin/my/notices/", choices(**wrong))
    assert answer.status_code == 422
    assert "Choose" in answer.content.decode()
    assert not NoticeChoice.objects.exists()


def test_what_is_unread_further_back_can_be_marked_from_the_first_page(ada, as_user):
    tell(ada, 55)
    Notice.objects.filter(pk__in=Notice.objects.order_by("-pk")[:50].values("pk")).update(read_at=timezone.now())
    assert "Mark all as read" in as_user(ada).get("/admin/notices/").content.decode()


def test_what_was_settled_meanwhile_says_so(ada, ben, as_user):
    proposal = perform(a_proposal(ada).submit, by=ada)
    questions = Approval.objects.filter(proposal=proposal).order_by("pk")
    page = as_user(ben).get("/admin/notices/").content.decode()
    assert "New</span>" in page
    assert 'z-tag">Approved' not in page
    decide(questions[0], by=ben)
    assert as_user(ben).get("/admin/notices/").content.decode().count('z-tag">Approved') == 1
    # Its answer tells as much in its words.
    assert 'z-tag">Approved' not in as_user(ada).get("/admin/notices/").content.decode()


def test_a_task_that_was_done_meanwhile_says_so(ada, as_user):
    task = a_follow_up(ada, contact=None)
    followups.send_due()
    assert 'z-tag">Done' not in as_user(ada).get("/admin/notices/").content.decode()
    perform(task.finish, by=ada, outcome="They called.")
    assert 'z-tag">Done' in as_user(ada).get("/admin/notices/").content.decode()


def test_what_was_read_here_is_not_mailed_again(ada, as_user):
    NoticeChoice.objects.create(user=ada, kind="breach", how="digest")
    tell(ada, 2)
    first, second = Notice.objects.order_by("pk")
    browser = as_user(ada)
    browser.get(reverse("notice_open", args=[first.pk]))
    assert list(Notice.objects.filter(in_digest=True)) == [second]
    browser.post(reverse("notices_read"))
    assert not Notice.objects.filter(in_digest=True).exists()
