"""The opportunity's own page: what it shows to whom, what can be done in place, and what it costs."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from opportunities import reads
from opportunities.inplace import NEW
from opportunities.models import (
    Closing,
    Contact,
    Event,
    Message,
    Note,
    Objection,
    Task,
    UnwrittenPromise,
)
from opportunities.records import begin, edit, perform
from proposals.models import Proposal
from tests.makers import an_opportunity
from tests.makers_proposals import a_proposal
from zarts.desk import workspace

pytestmark = pytest.mark.django_db
TABS = [tab.name for tab in workspace.TABS]


def again(record):
    return type(record).objects.get(pk=record.pk)


def show(browser, opportunity, **query):
    return browser.get(opportunity.staff_url(), query)


def fields_of(opportunity, *names):
    address = reverse("admin:opportunities_opportunity_fields", args=[opportunity.pk])
    return f"{address}?{'&'.join(f'name={name}' for name in names)}"


def new(opportunity, name):
    return reverse("admin:opportunities_opportunity_new", args=[opportunity.pk, name])


# -- The page. ---------------------------------------------------------------------------------------------------------


def test_the_page_says_where_it_stands_and_what_is_missing(as_user, ada):
    opportunity = edit(an_opportunity(ada, stage="discovery"), by=ada, close_risk="Their cousin builds sites.")

    text = show(as_user(ada), opportunity).text

    for words in (str(opportunity), "$12,000.00", "20%", "Their cousin builds sites.", "Write the pain points."):
        assert words in text


@pytest.mark.parametrize("tab", TABS)
def test_only_the_part_that_the_address_names_is_read(as_user, ada, tab):
    answer = show(as_user(ada), an_opportunity(ada), tab=tab)

    assert f'id="{tab}"' in answer.text
    assert [name for name in TABS if f'id="{name}"' in answer.text] == [tab]
    assert answer.text.count('aria-current="true"') == 1


@pytest.mark.parametrize(
    ("stage", "tab"),
    [("qualified", "discovery"), ("discovery", "discovery"), ("audit", "audit"), ("proposal", "proposals")],
)
def test_without_a_name_the_part_that_is_worked_on_is_open(as_user, ada, stage, tab):
    assert show(as_user(ada), an_opportunity(ada, stage=stage)).context["tab"].name == tab


@pytest.mark.parametrize("odd", ["nothing", "\x00", "x" * 5000, "discovery' or 1=1"])
def test_what_is_no_part_kind_or_person_is_ignored(as_user, ada, odd):
    answer = show(as_user(ada), an_opportunity(ada), tab=odd, kind=odd, who=odd, before=odd)

    assert answer.status_code == 200
    assert answer.context["story"].rows


def test_whoever_may_only_read_gets_nothing_to_press(as_user, ada, ann):
    text = show(as_user(ann), an_opportunity(ada, stage="discovery")).text

    assert 'id="add"' not in text
    assert "data-dialog" not in text
    assert "Edit all fields" not in text


def test_a_part_opens_from_every_link_to_it(ada):
    opportunity = an_opportunity(ada)

    assert opportunity.staff_url("audit").endswith("/change/?tab=audit#audit")
    assert opportunity.staff_url("moves").endswith("/change/#moves")
    assert opportunity.staff_url("id_value").endswith("/edit/#id_value")


def test_a_paused_deal_says_why_and_until_when_and_offers_to_resume(as_user, ada):
    until = timezone.localdate() + timedelta(days=30)
    opportunity = perform(an_opportunity(ada).pause, by=ada, reason="They move offices.", until=until)

    text = show(as_user(ada), opportunity).text

    assert "They move offices." in text
    assert "in 30 days" in text
    assert "/move/resume/" in text


def test_a_lost_deal_shows_how_it_ended_and_can_be_reopened(as_user, ada):
    window = {"reactivate_from": timezone.localdate(), "reactivate_to": timezone.localdate() + timedelta(days=60)}
    lost = {"reason": Closing.Reason.PRICE, "words": "Too dear.", "must_change": "A new budget.", **window}
    opportunity = perform(an_opportunity(ada).lose, by=ada, competitor="Alto Web", **lost)

    text = show(as_user(ada), opportunity).text

    for words in ("Too dear.", "Alto Web", "A new budget.", "Try again from", "/move/reopen/"):
        assert words in text


def test_the_full_form_keeps_an_address_of_its_own(as_user, ada, ann):
    opportunity = an_opportunity(ada)
    address = reverse("admin:opportunities_opportunity_edit", args=[opportunity.pk])

    assert 'name="close_risk"' in as_user(ada).get(address).text
    assert as_user(ann).post(address, {"name": "Mine"}).status_code == 403


def test_nobody_sees_the_page_of_somebody_elses_deal(as_user, ada, cem):
    opportunity = an_opportunity(ada)
    browser = as_user(cem)

    assert show(browser, opportunity).status_code == 404
    for address in (fields_of(opportunity, "value"), new(opportunity, "task")):
        assert browser.get(address).status_code == 404
        assert browser.post(address, {"value": 1}).status_code == 404


# -- A few fields, in place. -------------------------------------------------------------------------------------------


def test_one_save_changes_what_was_changed_and_tells_it_once(as_user, ada):
    opportunity = an_opportunity(ada)
    day = timezone.localdate() + timedelta(days=9)
    fields = {"next_action": "Call Bo", "due_on": day, "probability": 35, "close_risk": "", "back": "/admin/today/"}

    answer = as_user(ada).post(fields_of(opportunity, "next_action", "due_on", "probability", "close_risk"), fields)

    assert answer.url == "/admin/today/"
    opportunity = again(opportunity)
    assert (opportunity.next_action, opportunity.due_on, opportunity.probability) == ("Call Bo", day, 35)
    told = Event.objects.filter(verb="opportunity.edit").latest("pk")
    assert set(told.facts.values) == {"next_action", "due_on", "probability"}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("probability", "101", "100 or less"),
        ("probability", "-1", "0 or more"),
        ("probability", "half", "Write a number"),
        ("value", "-5", "0 or more"),
        ("value", "1e30", "smaller number"),
        ("value", "NaN", "Write a number"),
        ("due_on", "2026-02-31", "a day that there is"),
        ("due_on", "0001-01-01", "Check the year"),
        ("due_on", "2020-01-01", "still to come"),
        ("decision_on", "9999-12-31", "Check the year"),
        ("decision_on", "2020-01-01", "still to come"),
        ("next_action", "", "Say what happens next"),
        ("next_action", "\u202e \u200b", "Say what happens next"),
        ("next_action", "a\x00b", "Remove what is no letter"),
        ("close_risk", "x" * 1_000_000, "Shorten this to 200"),
        ("decision_owner", "999999", "Choose one from the list"),
        ("owner", "nobody", "Choose one from the list"),
    ],
)
def test_a_wrong_field_says_at_the_field_what_to_do(as_user, ada, name, value, sentence):
    opportunity = an_opportunity(ada)
    before = Event.objects.count()

    answer = as_user(ada).post(fields_of(opportunity, name), {name: value})

    assert answer.status_code == 200
    assert sentence in str(answer.context["form"].errors[name])
    assert Event.objects.count() == before


def test_an_owner_who_left_is_no_choice(as_user, ada, dora):
    opportunity = an_opportunity(ada)
    type(dora).objects.filter(pk=dora.pk).update(is_active=False)

    answer = as_user(ada).post(fields_of(opportunity, "owner"), {"owner": dora.pk})

    assert "Whoever left" in str(answer.context["form"].errors["owner"])
    assert again(opportunity).owner == ada


def test_letters_that_turn_the_words_around_are_left_out(as_user, ada):
    opportunity = an_opportunity(ada)

    as_user(ada).post(fields_of(opportunity, "close_risk"), {"close_risk": "safe\u202egnp.exe"})

    assert again(opportunity).close_risk == "safegnp.exe"


def test_only_the_fields_that_were_opened_to_it_change(as_user, ada):
    opportunity = an_opportunity(ada)

    as_user(ada).post(fields_of(opportunity, "stage", "close_risk"), {"stage": "won", "close_risk": "x", "value": "1"})

    assert (again(opportunity).stage, again(opportunity).value) == ("qualified", opportunity.value)


def test_a_field_that_is_missing_is_written_in_place(as_user, ada):
    opportunity = an_opportunity(ada, stage="discovery")
    discovery = opportunity.discoveries.get()
    browser = as_user(ada)
    address = reverse("admin:opportunities_discovery_fields", args=[discovery.pk])

    assert f'data-dialog="{address}?name=pain_points"' in show(browser, opportunity).text
    browser.post(f"{address}?name=pain_points", {"pain_points": "No calls on Fridays."})
    assert again(discovery).pain_points == "No calls on Fridays."
    assert "Write the pain points." not in show(browser, opportunity).text


def test_what_is_complete_is_not_written_over_in_place(as_user, ada):
    discovery = an_opportunity(ada, stage="audit").discoveries.get()
    address = reverse("admin:opportunities_discovery_fields", args=[discovery.pk])

    as_user(ada).post(f"{address}?name=pain_points", {"pain_points": "Other.", "next_action": "None"})

    assert again(discovery).pain_points == discovery.pain_points


# -- Quick actions. ----------------------------------------------------------------------------------------------------


def quick(opportunity, owner):
    tomorrow = timezone.localtime(timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    bo = opportunity.decision_owner_id
    return {
        "note": (Note, {"note-kind": "call", "note-words": "They like short mails."}),
        "task": (Task, {"title": "Call Bo", "due_at": tomorrow, "owner": owner.pk, "kind": "other"}),
        "talk": (Message, {"channel": "call", "contact": bo, "subject": "Budget", "body": "Two thousand is fine."}),
        "objection": (Objection, {"objection-kind": "price", "objection-words": "Too dear."}),
        "promise": (UnwrittenPromise, {"unwrittenpromise-words": "We look at the newsletter."}),
        "contact": (Contact, {"name": "Mia", "email": "mia@x.example", "decision_role": "billing"}),
    }


@pytest.mark.parametrize("name", list(NEW))
def test_a_quick_action_writes_one_record_with_its_line(as_user, ada, ann, name):
    opportunity = an_opportunity(ada)
    model, fields = quick(opportunity, ada)[name]
    browser, before = as_user(ada), model.objects.count()

    assert 'name="' in browser.get(new(opportunity, name)).text
    assert browser.post(new(opportunity, name), fields).status_code == 302
    assert model.objects.count() == before + 1
    row = model.objects.latest("pk")
    assert Event.objects.filter(record_type=row.label(), record_id=row.pk, actor=ada).exists()
    assert browser.post(new(opportunity, name), {}).context["form"].errors
    assert as_user(ann).post(new(opportunity, name), fields).status_code == 403
    assert model.objects.count() == before + 1


def test_a_talk_is_filed_and_a_mail_is_written_on_its_own_page(as_user, ada):
    opportunity = an_opportunity(ada)
    as_user(ada).post(new(opportunity, "talk"), quick(opportunity, ada)["talk"][1])
    assert list(Message.objects.values_list("channel", "stage")) == [("call", "received")]

    write = reverse("admin:opportunities_opportunity_write", args=[opportunity.pk])
    page = as_user(ada).get(f"{opportunity.staff_url()}?tab=messages").text
    assert page.count(f'href="{write}?back=') == 2, "among what is added, and beside the messages"
    assert as_user(ada).get(new(opportunity, "message")).status_code == 404, "there is one way to write a mail"


def test_an_address_that_somebody_there_has_is_refused(as_user, ada):
    opportunity = an_opportunity(ada)
    known = opportunity.decision_owner.email.upper()
    mia = {"name": "Mia", "decision_role": "billing"}

    answer = as_user(ada).post(new(opportunity, "contact"), {**mia, "email": known})

    assert "has this address already" in str(answer.context["form"].errors["email"])
    contact = begin(Contact(client=opportunity.client, name="Mia"), by=ada)
    address = reverse("admin:opportunities_contact_fields", args=[contact.pk])
    answer = as_user(ada).post(f"{address}?name=email", {"email": known})
    assert "has this address already" in str(answer.context["form"].errors["email"])


def test_a_quick_task_is_due_tomorrow_unless_somebody_says_otherwise(as_user, ada):
    opportunity = an_opportunity(ada)
    browser, tomorrow = as_user(ada), timezone.localdate() + timedelta(days=1)
    form = browser.get(new(opportunity, "task")).context["form"]
    assert f'value="{tomorrow:%Y-%m-%d}' in str(form["due_at"])

    nothing = quick(opportunity, ada)["task"][1] | {"due_at": ""}
    assert browser.post(new(opportunity, "task"), nothing).context["form"].errors["due_at"]


@pytest.mark.parametrize("due", ["2020-01-01T10:00", "9999-12-31T23:59", "soon", "2026-02-30T10:00"])
def test_a_task_is_due_at_a_time_that_is_still_to_come(as_user, ada, due):
    opportunity = an_opportunity(ada)
    fields = quick(opportunity, ada)["task"][1] | {"due_at": due}

    assert as_user(ada).post(new(opportunity, "task"), fields).context["form"].errors["due_at"]


# -- The story. --------------------------------------------------------------------------------------------------------


def test_the_story_is_its_own_its_leads_and_its_clients(ada):
    opportunity = an_opportunity(ada)
    kinds = {event.record_type for event in reads.story(opportunity, size=99).rows}

    assert {"opportunities.opportunity", "opportunities.lead", "opportunities.client"} <= kinds


def test_the_story_is_narrowed_by_kind_and_by_person(ada, ben):
    opportunity = an_opportunity(ada, stage="proposal")
    edit(opportunity, by=ben, close_risk="Time.")
    begin(Objection(opportunity=opportunity, kind="price", words="Dear.", owner=ada), by=ada, past="noted")
    ways = {kind: reads.story(opportunity, kind=kind, size=99).rows for kind in reads.KINDS}

    assert all(event.stage_from != event.stage_to for event in ways["moves"])
    assert {event.verb for event in ways["edits"]} == {"opportunity.edit", "discovery.edit", "contact.edit"}
    assert {event.record_type for event in ways["tasks"]} == {"opportunities.task"}
    assert [event.verb for event in ways["notes"]] == ["objection.create"]
    assert [event.verb for event in reads.story(opportunity, who=str(ben)).rows] == ["opportunity.edit"]


def test_older_pages_go_on_where_the_last_one_ended(as_user, ada):
    opportunity = an_opportunity(ada, stage="proposal")
    whole = [event.pk for event in reads.story(opportunity, size=500).rows]
    found, before = [], None
    while True:
        page = reads.story(opportunity, before=before, size=7)
        found += [event.pk for event in page.rows]
        if not (before := page.older):
            break

    assert found == whole
    assert "before=" in show(as_user(ada), opportunity).text


# -- Bounded queries. --------------------------------------------------------------------------------------------------


def crowd(opportunity, owner):
    """Hang fifty more of each kind on a deal."""
    mine = {"opportunity": opportunity, "owner": owner}
    soon = timezone.now() + timedelta(days=2)
    contact = opportunity.decision_owner
    for n in range(50):
        begin(Objection(kind="price", words=f"Dear {n}", **mine), by=owner)
        begin(UnwrittenPromise(words=f"Said {n}", **mine), by=owner)
        begin(Task(title=f"Do {n}", due_at=soon, **mine), by=owner)
        words = {"client": opportunity.client, "contact": contact, "subject": f"Mail {n}", "body": "Words"}
        begin(Message(**words, **mine), by=owner)
        begin(Contact(client=opportunity.client, name=f"Person {n}"), by=owner)
    for n in range(3):
        begin(Proposal(title=f"Offer {n}", author=owner, next_action="Write", **mine), by=owner)


def test_each_part_costs_the_same_with_one_row_and_with_fifty(
    as_user, ada, ben, subtests, django_assert_max_num_queries
):
    opportunity = a_proposal(ada).opportunity
    browser = as_user(ben)
    show(browser, opportunity)
    before = {}
    for tab in TABS:
        with django_assert_max_num_queries(15) as asked:
            show(browser, opportunity, tab=tab)
        before[tab] = len(asked)
    crowd(opportunity, ada)
    for tab, most in before.items():
        with subtests.test(tab), django_assert_max_num_queries(most):
            show(browser, opportunity, tab=tab)


@pytest.mark.parametrize("stage", ["qualified", "discovery", "audit", "proposal"])
def test_the_page_is_bounded_at_each_stage(as_user, ada, stage, django_assert_max_num_queries):
    opportunity = an_opportunity(ada, stage=stage)
    browser = as_user(ada)
    show(browser, opportunity)
    with django_assert_max_num_queries(15):
        show(browser, opportunity)


def test_the_page_of_a_won_deal_is_bounded(as_user, world, ada, django_assert_max_num_queries):
    browser = as_user(ada)
    show(browser, world)
    for tab in TABS:
        with django_assert_max_num_queries(15):
            show(browser, world, tab=tab)


def test_a_fingerprint_stands_among_the_particulars(as_user, ada, ben):
    proposal = a_proposal(ada, stage="in_review")
    asked = proposal.approvals.first()
    perform(asked.approve, by=ben, digest=asked.digest)
    text = as_user(ada).get(asked.staff_url()).text
    assert f'<span class="z-fact">{asked.digest}' not in text
    assert asked.digest in text.partition("<summary>Particulars</summary>")[2]


def test_who_changes_nothing_is_not_sent_to_the_next_step(as_user, ada, ann):
    deal = an_opportunity(ada)
    url = f"{deal.staff_url()}?tab=discovery"
    assert "Go to the next step" in as_user(ada).get(url).text
    assert "Go to the next step" not in as_user(ann).get(url).text


def test_the_value_of_a_deal_is_said_to_be_an_estimate(as_user, world, ada):
    assert '$12,000.00 <span class="z-quiet">estimate</span>' in as_user(ada).get(world.staff_url()).text
