"""The pages of sequences: their plan and who runs it, a run's steps, and starting one from the page of a deal."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from opportunities import optout, sequences
from opportunities.models import Sequence, SequenceRun
from opportunities.records import begin, perform
from tests.makers import an_opportunity
from tests.makers_series import a_call, a_sequence, a_template, done

pytestmark = pytest.mark.django_db


def page_of(browser, url):
    return browser.get(url).content.decode()


def words_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def rows(*steps, there=()):
    """What the form of a sequence sends of its steps: (position, days, channel, template, title)."""
    names = ("position", "wait_days", "channel", "template", "title")
    data = {"rows-TOTAL_FORMS": len(steps), "rows-INITIAL_FORMS": len(there)}
    for number, step in enumerate(steps):
        data |= {f"rows-{number}-{name}": value for name, value in zip(names, step, strict=False)}
        data[f"rows-{number}-id"] = there[number].pk if number < len(there) else ""
    return data


def head(**fields):
    return {"name": "Three letters", "purpose": "transactional", "starts_with": "", **fields}


# -- The plan. ---------------------------------------------------------------------------------------------------------


def test_a_sequence_is_written_with_its_steps_and_one_without_a_number_is_the_last(ben, as_user):
    template = a_template(ben)
    sent = rows(("2", "3", "mail", template.pk, ""), ("", "4", "call", "", "Call them"), ("1", "0", "task", "", "Look"))
    answer = as_user(ben).post(reverse("admin:opportunities_sequence_add"), head() | sent)
    assert answer.status_code == 302
    sequence = Sequence.objects.get()
    assert [(step.position, step.what) for step in sequence.rows.all()] == [
        (1, "Look"),
        (2, "Mail “How did it go?”"),
        (3, "Call them"),
    ]


def test_what_is_missing_in_a_step_is_said_at_its_field(ben, as_user):
    sent = rows(("1", "3", "mail", "", ""), ("2", "400", "call", "", ""))
    answer = as_user(ben).post(reverse("admin:opportunities_sequence_add"), head() | sent)
    page = answer.content.decode()
    assert answer.status_code == 200
    for words in ("Choose the template that is mailed.", "Say what is to be done.", "Write 365 or less."):
        assert words in page
    assert not Sequence.objects.exists()


def test_a_step_is_taken_out_and_the_diary_keeps_it(ben, as_user):
    sequence = a_sequence(ben, steps=[a_call("One"), a_call("Two")])
    there = list(sequence.rows.all())
    sent = rows(*[(step.position, step.wait_days, "call", "", step.title) for step in there], there=there)
    answer = as_user(ben).post(sequence.staff_url(), head() | sent | {"rows-0-DELETE": "on"})
    assert answer.status_code == 302
    assert [step.title for step in sequence.rows.all()] == ["Two"]
    assert "removed a step from" in page_of(as_user(ben), sequence.staff_url())


def test_mail_of_another_kind_is_refused_at_its_field(ben, as_user):
    news = a_template(ben, "News", purpose="marketing")
    answer = as_user(ben).post(
        reverse("admin:opportunities_sequence_add"), head() | rows(("1", "3", "mail", news.pk, ""))
    )
    assert "“News” is marketing mail. Choose one of transactional mail." in answer.content.decode()


def test_a_template_that_is_out_of_use_is_offered_to_no_new_step(ben, as_user):
    template = a_template(ben)
    sequence = a_sequence(ben)
    perform(template.retire, by=ben)
    assert "How did it go?" not in page_of(as_user(ben), sequence.staff_url())


def test_its_page_shows_the_words_who_runs_it_and_how_it_ended(ada, ben, as_user):
    sequence = a_sequence(ben)
    runs = []
    for _ in range(3):
        opportunity = an_opportunity(ada)
        runs.append(sequences.start(sequence, opportunity, opportunity.decision_owner, by=ada))
    sequences.stop(contact=runs[0].contact, reason="They replied.", ended=SequenceRun.Ended.REPLY)
    done(runs[1].tasks.get())
    page = words_of(page_of(as_user(ada), sequence.staff_url()))
    assert "Good morning. One short question." in page
    assert "Running now 2 Finished 0 They replied 1" in page
    assert "step 2 of 3" in page
    assert "none is taken twice" in page


def test_nobody_reads_there_whom_they_may_not_see(ada, ben, cem, as_user):
    sequence = a_sequence(ben)
    opportunity = an_opportunity(ada)
    sequences.start(sequence, opportunity, opportunity.decision_owner, by=ada)
    page = page_of(as_user(cem), sequence.staff_url())
    assert opportunity.name not in page
    assert "Nobody of those whom you see" in page


def test_the_page_of_a_run_shows_what_was_done_and_what_comes(ada, ben, as_user):
    opportunity = an_opportunity(ada)
    sequence = a_sequence(ben, steps=[a_call("One"), a_call("Two"), a_call("Three")])
    run = sequences.start(sequence, opportunity, opportunity.decision_owner, by=ada)
    done(run.tasks.get())
    page = words_of(page_of(as_user(ada), run.staff_url()))
    assert re.search("One Done .*Two Open .*Three After 2 days", page)
    run = perform(SequenceRun.objects.get().stop, by=ada, reason="I call them.")
    assert "Somebody stopped it: “I call them.”" in words_of(page_of(as_user(ada), run.staff_url()))


@pytest.mark.parametrize("kind", ["sequence", "run"])
def test_a_long_plan_asks_no_more_questions_than_a_short_one(ada, ben, as_user, kind):
    counts = []
    for length in (2, 12):
        opportunity = an_opportunity(ada)
        sequence = a_sequence(ben, name=f"Of {length}", days=(1,) * length)
        run = sequences.start(sequence, opportunity, opportunity.decision_owner, by=ada)
        browser = as_user(ada)
        with CaptureQueriesContext(connection) as asked:
            page_of(browser, (sequence if kind == "sequence" else run).staff_url())
        counts.append(len(asked))
    assert counts[1] <= counts[0] + 1


# -- Starting one. -----------------------------------------------------------------------------------------------------


def start_url(opportunity):
    return reverse("admin:opportunities_opportunity_sequence", args=[opportunity.pk])


def chosen(sequence, opportunity, **more):
    return {"sequence": sequence.pk, "contact": opportunity.decision_owner_id, **more}


def test_the_steps_are_read_with_their_days_and_words_before_it_starts(ada, ben, as_user):
    opportunity, sequence = an_opportunity(ada), a_sequence(ben)
    browser, url = as_user(ada), start_url(opportunity)
    assert browser.get(url).status_code == 200

    looked = browser.post(url, chosen(sequence, opportunity, start="1"))
    assert (looked.status_code, SequenceRun.objects.exists()) == (200, False), "nobody has read what it does yet"
    page = words_of(looked.content.decode())
    assert "After 3 days" in page
    assert "Good morning. One short question." in page
    seen = re.search(r'name="seen" value="([^"]+)"', looked.content.decode())[1]

    started = browser.post(url, chosen(sequence, opportunity, start="1", seen=seen))
    assert started.status_code == 302
    run = SequenceRun.objects.get()
    assert (run.contact, run.tasks.count()) == (opportunity.decision_owner, 1)


def test_what_was_read_of_one_starts_no_other(ada, ben, as_user):
    opportunity = an_opportunity(ada)
    first, second = a_sequence(ben), a_sequence(ben, name="Two letters")
    seen = f"{first.pk} {opportunity.decision_owner_id}"
    answer = as_user(ada).post(start_url(opportunity), chosen(second, opportunity, start="1", seen=seen))
    assert (answer.status_code, SequenceRun.objects.exists()) == (200, False)


def test_what_is_in_the_way_is_said_with_its_links(ada, ben, as_user):
    opportunity, sequence = an_opportunity(ada), a_sequence(ben)
    sequences.start(sequence, opportunity, opportunity.decision_owner, by=ada)
    perform(type(opportunity).objects.get().pause, by=ada, reason="Holiday")
    answer = as_user(ada).post(start_url(opportunity), chosen(sequence, opportunity))
    assert answer.status_code == 409
    assert "Resume the opportunity first: it is paused." in answer.content.decode()
    assert "already." in answer.content.decode()


@pytest.mark.parametrize("sent", [{}, {"sequence": "x", "contact": "0"}, {"sequence": "\0", "contact": "9" * 30}])
def test_nonsense_is_refused_in_words(ada, ben, as_user, sent):
    opportunity = an_opportunity(ada)
    a_sequence(ben)
    answer = as_user(ada).post(start_url(opportunity), sent)
    assert answer.status_code == 422
    assert not SequenceRun.objects.exists()


@pytest.mark.parametrize("contact", ["x", "9" * 30, "-1", "%00"])
def test_an_address_with_nonsense_shows_the_form(ada, ben, as_user, contact):
    a_sequence(ben)
    assert as_user(ada).get(f"{start_url(an_opportunity(ada))}?contact={contact}").status_code == 200


def test_another_clients_contact_and_an_empty_sequence_are_not_offered(ada, ben, as_user):
    opportunity, other = an_opportunity(ada), an_opportunity(ada)
    empty, sequence = a_sequence(ben, name="Empty", days=()), a_sequence(ben)
    browser = as_user(ada)
    for sent in (chosen(empty, opportunity), chosen(sequence, opportunity, contact=other.decision_owner_id)):
        assert browser.post(start_url(opportunity), sent).status_code == 422


def test_where_there_is_no_sequence_it_says_where_one_is_written(ada, as_user):
    page = page_of(as_user(ada), start_url(an_opportunity(ada)))
    assert "No sequence is in use yet." in page


def test_a_reader_is_told_who_may(ada, ben, ann, as_user):
    opportunity, sequence = an_opportunity(ada), a_sequence(ben)
    assert as_user(ann).post(start_url(opportunity), chosen(sequence, opportunity)).status_code == 403


# -- On the deal's page and the contact's. -----------------------------------------------------------------------------


def test_people_show_what_runs_for_them_and_what_they_stopped(ada, ben, as_user):
    opportunity = an_opportunity(ada)
    contact = opportunity.decision_owner
    sequences.start(a_sequence(ben), opportunity, contact, by=ada)
    optout.stop(contact, contact.email, purpose="marketing", at=timezone.now(), mailed_at=timezone.now())
    page = words_of(page_of(as_user(ada), opportunity.staff_url("people").partition("#")[0]))
    assert "Three letters runs: step 1 of 3" in page
    assert "Marketing mail stopped" in page
    page = words_of(page_of(as_user(ada), contact.staff_url()))
    assert "Mail that they stopped Marketing mail stopped" in page


def test_many_runs_and_people_ask_no_more_questions(ada, ben, as_user):
    opportunity = an_opportunity(ada)
    browser, url = as_user(ada), opportunity.staff_url("people").partition("#")[0]
    sequences.start(a_sequence(ben, name="First"), opportunity, opportunity.decision_owner, by=ada)
    page_of(browser, url)
    counts = []
    for number in range(2):
        with CaptureQueriesContext(connection) as asked:
            page_of(browser, url)
        counts.append(len(asked))
        for each in range(5):
            contact = opportunity.client.contacts.model(
                client=opportunity.client, name=f"Kim {number}{each}", email=f"kim{number}{each}@harbor.example"
            )
            begin(contact, by=ada)
            sequences.start(a_sequence(ben, name=f"{number} {each}"), opportunity, contact, by=ada)
    assert counts[0] == counts[1]
    assert counts[0] <= 15
