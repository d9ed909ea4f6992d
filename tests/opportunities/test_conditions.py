"""The four conditions of every touch, at their edges."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from opportunities import conditions, followups
from opportunities.models import Consent, Contact, Message, QuietDate, Source, Task
from opportunities.records import Refused, begin, edit, perform
from tests.makers import a_lead, an_opportunity
from tests.makers_series import another_day
from tests.opportunities.test_followups import a_follow_up

pytestmark = pytest.mark.django_db


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def deal(ada):
    return an_opportunity(ada)


@pytest.fixture
def bo(deal, ada):
    """Bo works in Berlin from nine to five, Monday to Friday."""
    hours = {"works_from": time(9), "works_to": time(17), "works_on": "12345", "country": "DE"}
    return edit(deal.decision_owner, by=ada, time_zone="Europe/Berlin", **hours)


def opens(contact, moment):
    """Return until when a touch waits, in UTC, or nothing."""
    found = conditions.timing(contact, at(moment))
    return found[0].until.astimezone(UTC).isoformat(timespec="minutes") if found else None


# -- Timing. -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-11-26T08:00", None),  # nine in Berlin
        ("2026-11-26T07:59", "2026-11-26T08:00+00:00"),
        ("2026-11-26T15:59", None),
        ("2026-11-26T16:00", "2026-11-27T08:00+00:00"),  # five in Berlin is past
        ("2026-11-27T16:00", "2026-11-30T08:00+00:00"),  # a Friday evening
        ("2026-11-29T12:00", "2026-11-30T08:00+00:00"),  # a Sunday
        ("2026-07-01T07:00", None),  # nine in summer
        ("2026-07-01T06:59", "2026-07-01T07:00+00:00"),
        # Germany puts its clocks forward on Sunday 29 March 2026 and back on Sunday 25 October.
        ("2026-03-27T16:00", "2026-03-30T07:00+00:00"),
        ("2026-10-23T15:00", "2026-10-26T08:00+00:00"),
        ("2026-12-24T16:00", "2026-12-28T08:00+00:00"),  # two holidays and a weekend
        ("2026-12-31T16:00", "2027-01-04T08:00+00:00"),  # over the end of a year
    ],
)
def test_a_touch_goes_in_the_working_hours_of_whoever_gets_it(bo, moment, until):
    assert opens(bo, moment) == until


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-11-26T21:00", None),  # ten in the evening, a Thursday
        ("2026-11-26T20:59", "2026-11-26T21:00+00:00"),
        ("2026-11-26T23:30", None),  # half past midnight: the night goes on
        ("2026-11-27T04:59", None),
        ("2026-11-27T05:00", "2026-11-27T21:00+00:00"),
        ("2026-11-28T02:00", None),  # Saturday morning belongs to Friday's night
        ("2026-11-28T05:00", "2026-11-30T21:00+00:00"),
        ("2026-11-30T02:00", "2026-11-30T21:00+00:00"),  # Monday morning belongs to Sunday, when they do not work
        ("2026-12-24T23:30", "2026-12-28T21:00+00:00"),  # no night goes on into a holiday
        ("2026-03-29T00:30", "2026-03-30T20:00+00:00"),  # the night of a Saturday
    ],
)
def test_whoever_works_at_night_works_after_midnight_too(bo, ada, moment, until):
    bo = edit(bo, by=ada, works_from=time(22), works_to=time(6))
    assert opens(bo, moment) == until


def test_hours_on_the_day_of_a_change_are_those_of_the_clock_on_the_wall(bo, ada):
    bo = edit(bo, by=ada, works_from=time(1), works_to=time(4), works_on="1234567")
    assert opens(bo, "2026-03-28T23:59") == "2026-03-29T00:00+00:00", "one o'clock, an hour before the change"
    assert opens(bo, "2026-03-29T01:59") is None, "one minute to four, an hour after"
    assert opens(bo, "2026-03-29T02:00") == "2026-03-29T23:00+00:00"
    assert opens(bo, "2026-10-25T02:59") is None, "the hour that comes twice counts twice"
    assert opens(bo, "2026-10-25T03:00") == "2026-10-26T00:00+00:00"


def test_an_hour_that_the_clocks_leave_out_is_none_at_which_nobody_ever_works(bo, ada):
    bo = edit(bo, by=ada, works_from=time(2, 30), works_to=time(4), works_on="7")
    assert opens(bo, "2026-03-29T00:00") == "2026-03-29T01:30+00:00", "half past three, when the clock jumped to three"


def test_a_wait_for_the_right_time_says_why_and_until_when(bo):
    (sunday,) = conditions.timing(bo, at("2026-11-29T12:00"))
    assert sunday.words == "Bo Larsen does not work on Sundays: it goes on Monday 30 November at 09:00 (Europe/Berlin)."
    (holiday,) = conditions.timing(bo, at("2026-12-25T12:00"))
    assert holiday.words.startswith("Holiday of Bo Larsen: Christmas Day: it goes on Monday 28 December at 09:00")
    assert sunday.condition == holiday.condition == "timing"


def test_holidays_are_those_of_the_contact_else_those_of_the_client(bo, ada):
    assert opens(bo, "2026-10-02T16:00") == "2026-10-05T07:00+00:00"
    bo = edit(bo, by=ada, country="")
    assert opens(bo, "2026-05-01T10:00") is None, "nobody knows where they are"
    edit(bo.client, by=ada, country="Germany")
    assert opens(Contact.objects.get(pk=bo.pk), "2026-05-01T10:00") == "2026-05-04T07:00+00:00"


def test_a_country_that_nobody_knows_has_no_holidays(bo, ada):
    bo = edit(bo, by=ada, country="")
    edit(bo.client, by=ada, country="Middle-earth")
    assert opens(Contact.objects.get(pk=bo.pk), "2026-12-25T10:00") is None


def test_quiet_dates_of_everybody_and_of_a_client_keep_touches_back(bo, ben, ada):
    begin(QuietDate(words="Trade fair", first_on=date(2026, 12, 1), last_on=date(2026, 12, 2)), by=ben)
    other = an_opportunity(ada).client
    begin(QuietDate(words="Moving", first_on=date(2026, 12, 3), last_on=date(2026, 12, 3), client=bo.client), by=ben)
    begin(QuietDate(words="Theirs", first_on=date(2026, 12, 4), last_on=date(2026, 12, 4), client=other), by=ben)
    (wait,) = conditions.timing(bo, at("2026-12-01T10:00"))
    assert wait.words.startswith("Quiet: Trade fair: it goes on Friday 4 December")


@pytest.mark.parametrize("nonsense", ["Mars/Olympus", "", "../etc/passwd", "Europe", "\x00", "x" * 40])
def test_a_time_zone_that_does_not_exist_keeps_the_touch_back_and_says_what_to_do(bo, nonsense):
    bo.time_zone = nonsense
    (wait,) = conditions.timing(bo, at("2026-11-26T10:00"))
    assert wait.until is None
    assert "does not exist: choose another" in wait.words
    assert bo.staff_url() in wait.url


def test_a_follow_up_to_a_nonsense_time_zone_pauses_and_goes_on_when_it_is_mended(ada, deal):
    Contact.objects.filter(pk=deal.decision_owner_id).update(time_zone="Mars/Olympus")
    task = a_follow_up(ada, deal)
    followups.send_due()
    task = Task.objects.get(pk=task.pk)
    assert (task.stage, task.waits_for) == ("paused", "timing")
    edit(task.contact, by=ada, time_zone="UTC")
    followups.send_due()
    assert Message.objects.get(task=task).stage in ("queued", "sent")


def test_what_was_promised_until_a_time_does_not_go_after_it(bo):
    late = conditions.timing(bo, at("2026-11-26T10:00"), at("2026-11-26T09:59"))
    assert "decide what to do" in late[0].words
    assert late[0].until is None
    weekend = conditions.timing(bo, at("2026-11-27T17:00"), at("2026-11-29T12:00"))
    assert "no working hour is left before" in weekend[0].words
    assert conditions.timing(bo, at("2026-11-26T10:00"), at("2026-11-26T10:00")) == []


def test_somebody_who_works_on_no_day_is_never_reached_and_says_so(bo):
    bo.works_on = "8"
    assert "look at their hours" in conditions.timing(bo, at("2026-11-26T10:00"))[0].words


@pytest.mark.parametrize("days", ["", "54321", "11", "0", "8", "Monday"])
def test_days_that_are_no_days_are_refused(bo, days):
    bo.works_on = days
    with pytest.raises(ValidationError):
        bo.full_clean()


def test_the_hours_of_somebody_are_changed_where_a_wait_for_them_leads(as_user, ada, deal, bo):
    page = as_user(ada)
    (wait,) = conditions.timing(bo, at("2026-11-28T12:00"))
    for anchor in (wait.url, bo.staff_url("id_works_on")):
        address, _, name = anchor.partition("#")
        assert f'id="{name}"' in page.get(address).text
    small = reverse("admin:opportunities_contact_fields", args=[bo.pk])
    assert page.get(small).context["form"]["works_from"].value() == time(9)
    kept = {"name": bo.name, "email": bo.email, "decision_role": bo.decision_role, "time_zone": bo.time_zone}
    hours = {"works_on": ["6", "2"], "works_from": "10:30", "works_to": "12:00", "country": "DE"}
    assert page.post(small, kept | hours).status_code == 302
    bo = Contact.objects.get(pk=bo.pk)
    assert (bo.works_on, bo.works_from, bo.works_to) == ("26", time(10, 30), time(12))
    assert opens(bo, "2026-11-28T10:00") is None, "a Saturday"


def test_somebody_works_on_one_day_at_least(as_user, ada, bo):
    small = reverse("admin:opportunities_contact_fields", args=[bo.pk]) + "?name=works_on"
    for days in ([], ["8"], ["Monday"]):
        assert as_user(ada).post(small, {"works_on": days}).context["form"].errors["works_on"]
    assert Contact.objects.get(pk=bo.pk).works_on == "12345"


def test_a_time_of_waiting_ends_when_they_work_at_another(as_user, ada, deal, bo):
    edit(bo, by=ada, works_on=another_day(), country="", works_from=time(0), works_to=time(0))
    task = a_follow_up(ada, deal)
    followups.send_due()
    assert Task.objects.get(pk=task.pk).waits_for == "timing"
    small = reverse("admin:opportunities_contact_fields", args=[bo.pk]) + "?name=works_on"
    as_user(ada).post(small, {"works_on": list("1234567")})
    followups.send_due()
    assert Task.objects.get(pk=task.pk).stage == "done"


# -- Consent. ----------------------------------------------------------------------------------------------------------


def test_a_consent_that_expires_between_planning_and_sending_keeps_the_mail_back(ada, deal, mail_server):
    task = a_follow_up(ada, deal)
    followups.take_touches()
    message = Message.objects.get(task=task)
    assert message.stage == "queued", "when it fell due, they had agreed"
    for consent in deal.decision_owner.consents.filter(purpose="transactional"):
        consent.withdraw(by=ada, reason="It was until today.")
    catcher = mail_server()
    followups.send_due()
    message, task = Message.objects.get(), Task.objects.get(pk=task.pk)
    assert (message.stage, message.waits_for, catcher.got) == ("held", "consent", [])
    assert (task.stage, task.waits_for) == ("paused", "consent")

    agreed = {"purpose": "transactional", "text_version": "2026-01", "source": "Said on the phone"}
    begin(Consent(contact=deal.decision_owner, **agreed), by=ada)
    followups.send_due()
    assert Message.objects.get().stage == "sent", "it went by itself, and once"
    assert Task.objects.get(pk=task.pk).stage == "done"
    assert len(catcher.got) == 1


def test_a_consent_counts_until_the_moment_at_which_it_expires(deal, ada):
    bo, end = deal.decision_owner, timezone.now() + timedelta(days=3)
    agreed = {"purpose": "marketing", "text_version": "1", "source": "Form", "expires_at": end}
    begin(Consent(contact=bo, **agreed), by=ada)
    assert conditions.consent(bo, "marketing", end - timedelta(microseconds=1)) == []
    assert conditions.consent(bo, "marketing", end)[0].words == "Bo Larsen has not agreed to marketing mail."


def test_each_purpose_wants_a_consent_of_its_own(deal, ada):
    bo, now = deal.decision_owner, timezone.now()
    for consent in bo.consents.filter(purpose="transactional"):
        consent.withdraw(by=ada, reason="No more.")
    assert conditions.consent(bo, "transactional", now)
    assert conditions.consent(bo, "contractual", now) == []


def test_who_stopped_it_is_told_apart_from_who_never_agreed(ada, deal):
    bo = deal.decision_owner
    assert conditions.consent(bo, "marketing", timezone.now())[0].words == "Bo Larsen has not agreed to marketing mail."
    for day in (1, 27):
        at_ = datetime(2026, 3, day, 12, tzinfo=UTC)
        given = {"captured_at": at_ - timedelta(hours=1), "text_version": "1", "source": "Said so"}
        consent = begin(Consent(contact=bo, purpose="marketing", **given), by=ada)
        consent.withdraw(by=ada, reason="No more.", at=at_)
    assert conditions.consent(bo, "marketing", timezone.now())[0].words == (
        "Bo Larsen stopped marketing mail on 27 Mar 2026."
    )


# -- Source context and decision path. ---------------------------------------------------------------------------------


def test_a_source_counts_to_the_end_of_its_last_day(deal, ada):
    source = begin(Source(name="Spring fair", valid_until=date(2026, 11, 26)), by=ada)
    a_lead(ada, source=source, opportunity=deal)
    assert conditions.source(deal, at("2026-11-26T23:59")) == []
    (wait,) = conditions.source(deal, at("2026-11-27T00:00"))
    assert (wait.condition, wait.words) == ("source", "The source that it came from is no longer valid: Spring fair.")
    assert wait.url == source.staff_url()


def test_the_decision_path_is_known_active_and_reachable(deal, ada):
    bo = deal.decision_owner
    colleague = begin(Contact(client=deal.client, name="Ida", email="ida@harbor.example"), by=ada)
    assert conditions.path(colleague, deal) == []
    deal.decision_owner = None
    assert conditions.path(colleague, deal)[0].words == "Nobody is known to decide: name the decision owner."
    deal.decision_owner = edit(bo, by=ada, email="", phone="")
    assert conditions.path(colleague, deal)[0].words.startswith("Bo Larsen, who decides, cannot be reached")
    assert conditions.path(deal.decision_owner, deal)[0].words.startswith("Bo Larsen cannot be reached")


def test_mail_that_comes_back_is_no_path(deal, ada):
    bo = edit(deal.decision_owner, by=ada, mail_failed_at=timezone.now(), mail_trouble="No such user")
    assert conditions.path(bo, deal)[0].words == "Mail to Bo Larsen comes back: write down another address."


# -- Going on. ---------------------------------------------------------------------------------------------------------


def test_a_follow_up_that_waits_for_the_morning_goes_on_in_the_morning(ada, deal, mail_server, time_machine):
    edit(deal.decision_owner, by=ada, works_from=time(9), works_to=time(17), works_on="12345", time_zone="Asia/Tokyo")
    # A Friday after today, 18:00 in Tokyo: nothing that happened today counts as a touch of that day.
    friday = date.today() + timedelta(days=7 + (4 - date.today().weekday()) % 7)
    monday = friday + timedelta(days=3)
    time_machine.move_to(f"{friday}T09:00Z", tick=False)
    task = a_follow_up(ada, deal)
    catcher = mail_server()
    followups.send_due()
    task = Task.objects.get(pk=task.pk)
    assert (task.stage, task.again_at) == ("paused", at(f"{monday}T00:00"))
    assert f"it goes on {monday:%A %-d %B} at 09:00 (Asia/Tokyo)" in task.paused_because
    time_machine.move_to(f"{monday - timedelta(days=1)}T23:59Z", tick=False)
    followups.send_due()
    assert to(task.contact, catcher) == 0
    time_machine.move_to(f"{monday}T00:00Z", tick=False)
    followups.send_due()
    assert to(task.contact, catcher) == 1
    assert Task.objects.get(pk=task.pk).stage == "done"


def to(contact, catcher) -> int:
    """Return how many mails a contact got."""
    return sum(contact.email in envelope.rcpt_tos for envelope in catcher.got)


def test_a_cured_follow_up_that_lacks_something_else_says_what(ada, deal):
    for consent in deal.decision_owner.consents.filter(purpose="transactional"):
        consent.withdraw(by=ada, reason="No more.")
    task = a_follow_up(ada, deal)
    followups.send_due()
    edit(deal, by=ada, decision_owner=None)
    Task.objects.filter(pk=task.pk).update(again_at=timezone.now())
    followups.send_due()
    task = Task.objects.get(pk=task.pk)
    assert (task.stage, task.waits_for) == ("paused", "path")
    assert task.paused_because.startswith("Nobody is known to decide")


def test_a_task_that_would_wait_again_says_so_beside_resume(as_user, ada, deal):
    contact = deal.decision_owner
    for consent in contact.consents.filter(purpose="transactional"):
        consent.withdraw(by=ada, reason="No more.")
    task = a_follow_up(ada, deal)
    followups.send_due()
    task = Task.objects.get(pk=task.pk)
    (resume,) = (move for move in task.moves_for(ada) if move.name == "resume")
    (lack,) = resume.lacks
    assert "stopped transactional mail on" in lack.words
    assert lack.url == contact.staff_url()
    with pytest.raises(Refused):
        perform(task.resume, by=ada)
    begin(Consent(contact=contact, purpose="transactional", text_version="2", source="Said so"), by=ada)
    assert perform(task.resume, by=ada).stage == "open"


def test_somebody_is_followed_up_once_a_day_for_a_purpose(ada, deal, mail_server):
    catcher = mail_server()
    first, second = a_follow_up(ada, deal), a_follow_up(ada, deal)
    other = a_follow_up(ada, deal, purpose="contractual")
    followups.send_due()
    followups.send_due()
    assert len(catcher.got) == 2
    stages = {task.pk: (task.stage, task.waits_for) for task in Task.objects.filter(contact__isnull=False)}
    assert sorted([stages[first.pk], stages[second.pk]]) == [("done", ""), ("paused", "timing")]
    assert stages[other.pk] == ("done", ""), "another purpose has a day of its own"


def test_two_entries_of_one_person_get_one_touch_a_day(ada, mail_server):
    catcher = mail_server()
    one, other = an_opportunity(ada), an_opportunity(ada)
    edit(other.decision_owner, by=ada, email=one.decision_owner.email.upper())
    a_follow_up(ada, one)
    a_follow_up(ada, other)
    followups.send_due()
    assert len(catcher.got) == 1
