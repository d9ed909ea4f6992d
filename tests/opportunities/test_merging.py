"""Two entries become one: what comes along, what is refused, and how it is explained years later."""

import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from opportunities import merging
from opportunities.models import Client, Consent, Contact, Event, Lead, Objection, Task
from opportunities.reads import timeline
from opportunities.records import Refused, begin, edit, perform
from tests.conftest import person
from tests.makers import a_lead, a_worked_lead, an_opportunity

pytestmark = pytest.mark.django_db


def now(record):
    return type(record).objects.get(pk=record.pk)


def a_client(owner, name="Harbor Dental", **fields):
    return now(begin(Client(name=name, owner=owner, **fields), by=owner))


def a_person(client, by, **fields):
    return begin(Contact(client=client, **{"name": "Mia Sato", "email": "mia@harbor.example", **fields}), by=by)


def a_consent(contact, by, **fields):
    fields = {"purpose": "marketing", "text_version": "1", "source": "A form", **fields}
    return begin(Consent(contact=contact, **fields), by=by)


def told(record):
    """Return the lines of a record's page."""
    return [str(event.past) for event in timeline(record, None).rows]


# -- Leads. ------------------------------------------------------------------------------------------------------------


def test_a_merged_lead_gives_what_the_other_lacks_and_nothing_it_says_itself(ada):
    kept = a_lead(ada, company="Harbor Dental", phone="", words="We lose calls.")
    gone = a_lead(ada, company="Harbour", phone="+1 555 010 0101", words="Call me back.")
    gone = perform(gone.merge, by=ada, into=kept)
    kept = now(kept)
    assert (gone.stage, gone.merged_into, gone.next_action) == ("merged", kept, "")
    assert (kept.company, kept.phone) == ("Harbor Dental", "+1 555 010 0101")
    assert kept.words == "We lose calls.\n\nBo Larsen: Call me back."


def test_facts_come_along_with_who_confirmed_them_and_both_values_stand_in_the_event(ada, ben):
    kept, gone = a_lead(ada), a_lead(ada)
    kept.confirm("urgency", "Before summer", by=ada)
    gone.confirm("urgency", "No hurry", by=ada)
    gone.confirm("budget_signal", "2,000 a month", by=ben)
    perform(gone.merge, by=ada, into=kept)
    facts = {fact.kind: (fact.value, fact.confirmed_by) for fact in kept.facts.all()}
    assert facts == {"urgency": ("Before summer", ada), "budget_signal": ("2,000 a month", ben)}
    values = Event.objects.get(verb="lead.take_in").facts.values
    assert values["lead"] == f"{gone} (#{gone.pk})"
    assert values["Urgency, as it stays and as it was there"] == ["Before summer", "No hurry"]
    assert values["Budget signal"] == ["", "2,000 a month"]


def test_the_story_of_both_is_told_on_the_page_of_the_one_that_goes_on(ada):
    last, middle, first = (a_lead(ada, name=name) for name in ("Last", "Middle", "First"))
    first.confirm("urgency", "Soon", by=ada)
    perform(first.merge, by=ada, into=middle)
    perform(now(middle).merge, by=ada, into=last)
    lines = told(now(last))
    assert "confirmed a fact of" in lines
    assert lines.count("merged") == lines.count("took in") == 2


def test_an_opportunity_tells_what_was_merged_into_its_lead_and_knows_both_people(ada):
    kept, gone = a_worked_lead(ada, company="Harbor"), a_lead(ada, name="Lee Park", company="Harbor")
    perform(gone.merge, by=ada, into=kept)
    opportunity = perform(now(kept).qualify, by=ada, is_new=True).opportunity
    assert {contact.name for contact in opportunity.client.contacts.all()} == {"Bo Larsen", "Lee Park"}
    assert "took in" in told(opportunity)


def test_open_work_goes_on_at_the_one_that_goes_on(ada):
    kept, gone = a_lead(ada), perform(a_lead(ada).work, by=ada)
    task = Task(title="Send the price list", lead=gone, owner=ada, due_at=timezone.now())
    begin(task, by=ada)
    perform(gone.merge, by=ada, into=kept)
    assert now(task).lead == kept
    assert not gone.tasks.filter(stage__in=["open", "paused"]).exists()
    assert kept.tasks.filter(stage="open").exists()


def test_a_lead_that_was_let_go_is_taken_up_again_by_whoever_comes_along_anew(ada):
    kept = perform(a_lead(ada).disqualify, by=ada, reason="No budget.")
    gone = a_lead(ada)
    perform(gone.merge, by=ada, into=kept)
    assert now(kept).stage == "working"
    assert open_titles(kept) == [f"Look at what came with the merged lead: {kept}"]
    other = perform(a_lead(ada).disqualify, by=ada, reason="No budget.")
    let_go = perform(a_lead(ada).disqualify, by=ada, reason="A test.")
    perform(let_go.merge, by=ada, into=other)
    assert now(other).stage == "disqualified", "nothing new came along"


def open_titles(lead):
    return [task.title for task in lead.tasks.filter(stage="open")]


CAME = {"purpose": "marketing", "text_version": "1", "source": "A form", "captured_at": "2026-01-05T10:00:00+00:00"}


@pytest.mark.parametrize("of", ["another person", "the same person"])
def test_whoever_is_merged_into_a_qualified_lead_is_known_at_its_client_with_their_consent(ada, of):
    kept = perform(a_worked_lead(ada).qualify, by=ada)
    who = {"name": "Lee Park", "email": "lee@harbor.example"} if of == "another person" else {"email": kept.email}
    gone = a_lead(ada, consent=CAME, **who)
    perform(gone.merge, by=ada, into=kept)
    contact = kept.opportunity.client.contacts.get(email=gone.email)
    assert contact.agreed_to("marketing")
    assert (contact == kept.opportunity.decision_owner) == (of == "the same person")


def test_each_consent_of_one_person_is_kept_once_when_their_merged_leads_are_qualified(ada):
    kept = a_worked_lead(ada, consent=CAME)
    for purpose in ("marketing", "transactional"):
        perform(a_lead(ada, email=kept.email, consent={**CAME, "purpose": purpose}).merge, by=ada, into=now(kept))
    decides = perform(now(kept).qualify, by=ada).opportunity.decision_owner
    assert sorted(consent.purpose for consent in decides.consents.all()) == ["marketing", "transactional"]


def test_nobody_gets_into_somebody_elses_client_by_a_merge(ada, cem):
    kept = perform(a_worked_lead(ada).qualify, by=ada)
    edit(kept, by=ada, owner=cem)
    with pytest.raises(Refused, match="Somebody else’s client: ask Ada"):
        perform(a_lead(cem).merge, by=cem, into=now(kept))
    assert kept.opportunity.client.contacts.count() == 1


def test_only_whoever_may_change_both_merges_them(ada, ben, cem):
    mine, theirs = a_lead(cem), a_lead(ada)
    with pytest.raises(PermissionDenied, match="ask Ada"):
        perform(mine.merge, by=cem, into=theirs)
    with pytest.raises(PermissionDenied):
        perform(theirs.merge, by=cem, into=mine)
    assert now(mine).stage == now(theirs).stage == "new"
    assert perform(now(theirs).merge, by=person("boss", "Manager", sees="all"), into=mine).stage == "merged"


def test_two_leads_of_one_name_are_told_apart_before_what_cannot_be_undone(ada, as_user):
    lead, *others = (a_lead(ada, company="Harbor Dental") for _ in range(3))
    page = as_user(ada).get(reverse("admin:opportunities_lead_move", args=[lead.pk, "merge"])).content.decode()
    for other in others:
        assert f"(#{other.pk}, new, arrived {timezone.localtime(other.arrived_at):%a %-d %b %Y})" in page
    assert "It cannot be undone." in page


def test_an_opportunity_tells_of_every_lead_that_was_merged_there(ada):
    kept = a_worked_lead(ada)
    opportunity = perform(kept.qualify, by=ada).opportunity
    gone = [a_lead(ada, email="") for _ in range(25)]
    for lead in gone:
        perform(lead.merge, by=ada, into=now(kept))
    assert {lead.diary_id for lead in (kept, *gone)} <= set(now(opportunity).diaries())


def test_what_cannot_be_merged_says_what_to_do(ada):
    one, two, three = a_lead(ada), a_lead(ada), a_lead(ada)
    with pytest.raises(Refused, match="this is the same one"):
        perform(one.merge, by=ada, into=one)
    perform(one.merge, by=ada, into=two)
    with pytest.raises(Refused, match=f"Choose {two} instead"):
        perform(three.merge, by=ada, into=now(one))


@pytest.mark.parametrize("page", ["", "999999", "/lead/abc/", "0", "\0", "9" * 40, "{foreign}", "{itself}", "{client}"])
def test_which_one_goes_on_is_asked_at_the_field(ada, cem, as_user, page):
    lead = a_lead(ada)
    page = page.format(foreign=a_lead(cem).staff_url(), itself=lead.staff_url(), client=a_client(ada).staff_url())
    url = reverse("admin:opportunities_lead_move", args=[lead.pk, "merge"])
    answer = as_user(ada).post(url, {"page": page, "csrf": "x"})
    assert list(answer.context["form"].errors) == ["page"]
    assert now(lead).stage == "new"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_merge_at_once_one_wins_and_neither_waits_for_ever(ada):
    one, two, said = a_lead(ada), a_lead(ada), []

    def merge(lead, into):
        try:
            perform(Lead.objects.get(pk=lead.pk).merge, by=ada, into=Lead.objects.get(pk=into.pk))
            said.append("merged")
        except Refused as refusal:
            said.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=merge, args=pair) for pair in ((one, two), (two, one), (one, two))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert said.count("merged") == 1
    assert len(said) == 3
    assert sorted([now(one).stage, now(two).stage]) == ["merged", "new"]


# -- Clients. ----------------------------------------------------------------------------------------------------------


def test_a_merged_clients_deals_and_people_move_and_the_event_names_each(ada):
    opportunity = an_opportunity(ada)
    gone, kept = opportunity.client, a_client(ada, "Harbor Dental Group")
    merging.merge_clients(gone, kept, by=ada, reason="One company.")
    assert now(opportunity).client == kept
    assert now(opportunity.decision_owner).client == kept
    assert now(gone).merged_into == kept
    values = Event.objects.get(verb="client.take_in").facts.values
    assert values["opportunities"] == [f"{opportunity} (#{opportunity.pk})"]
    assert "took in" in told(now(kept))
    assert "took in" in told(now(opportunity))


def test_one_person_at_both_becomes_one_and_an_opt_out_counts_for_both(ada):
    gone, kept = a_client(ada), a_client(ada, "Harbor Group")
    second, first = a_person(gone, ada, email="MIA@harbor.example"), a_person(kept, ada)
    a_consent(first, ada, captured_at=timezone.now() - timezone.timedelta(days=9))
    a_consent(second, ada).withdraw(by=ada, reason="Opted out.")
    merging.merge_clients(gone, kept, by=ada)
    assert now(second).merged_into == first
    assert not first.agreed_to("marketing")
    assert list(Contact.objects.here().filter(client=kept)) == [first]


def test_an_opt_out_at_the_one_that_goes_on_is_not_undone_by_what_comes_along(ada):
    gone, kept = a_client(ada), a_client(ada, "Harbor Group")
    second, first = a_person(gone, ada), a_person(kept, ada)
    older = a_consent(second, ada, captured_at=timezone.now() - timezone.timedelta(days=9))
    a_consent(first, ada).withdraw(by=ada, reason="Opted out.")
    merging.merge_clients(gone, kept, by=ada)
    assert not first.agreed_to("marketing")
    assert (now(older).contact, now(older).state) == (first, "withdrawn")
    assert a_consent(first, ada).state == "valid", "who agrees again agrees"


def test_no_deal_is_handed_to_somebody_who_left_and_what_only_one_entry_says_stays(ada):
    opportunity = an_opportunity(ada)
    decides, kept = opportunity.decision_owner, a_client(ada, "Harbor Group")
    edit(decides, by=ada, phone="+1 555 010 0101", title="Owner")
    twin = a_person(kept, ada, email=decides.email, title="Founder")
    twin.leave(timezone.localdate(), by=ada)
    merging.merge_clients(opportunity.client, kept, by=ada)
    twin = now(twin)
    assert (now(opportunity).decision_owner, twin.left_on) == (twin, None)
    assert (twin.phone, twin.title, twin.decision_role) == ("+1 555 010 0101", "Founder", "owner")


def test_an_objection_goes_along_with_whoever_raised_it(ada):
    opportunity = an_opportunity(ada)
    decides, kept = opportunity.decision_owner, a_client(ada, "Harbor Group")
    doubt = Objection(opportunity=opportunity, kind="price", words="Too dear.", raised_by=decides, owner=ada)
    doubt = begin(doubt, by=ada)
    twin = a_person(kept, ada, email=decides.email)
    merging.merge_clients(opportunity.client, kept, by=ada)
    assert now(doubt).raised_by == twin
    now(doubt).clean()


def test_only_whoever_may_change_both_clients_merges_them(ada, cem):
    theirs, mine = a_client(ada), a_client(cem, "West Dental")
    for gone, kept in ((theirs, mine), (mine, theirs)):
        with pytest.raises(PermissionDenied, match="ask Ada"):
            merging.merge_clients(gone, kept, by=cem)
    assert not Client.objects.exclude(merged_into=None).exists()


def test_a_client_is_merged_once_and_for_good(ada):
    one, two, three = a_client(ada, "One Dental"), a_client(ada, "Two Dental"), a_client(ada, "Three Dental")
    merging.merge_clients(one, two, by=ada)
    with pytest.raises(Refused, match="merged already, into Two Dental"):
        merging.merge_clients(one, three, by=ada)
    with pytest.raises(Refused, match="Choose Two Dental instead"):
        merging.merge_clients(three, one, by=ada)


def test_a_client_is_merged_on_a_page_that_offers_what_is_alike(ada, as_user):
    gone, kept = a_client(ada, "Harbour Dental"), a_client(ada)
    url = reverse("admin:opportunities_client_merge", args=[gone.pk])
    browser = as_user(ada)
    assert "Almost the same company name: Harbor Dental" in browser.get(url).content.decode()
    assert browser.post(url, {"into": kept.pk}).status_code == 302
    assert now(gone).merged_into == kept
    page = browser.get(gone.staff_url())
    assert page.status_code == 200
    assert kept.staff_url() in page.content.decode()


def test_a_merge_is_offered_to_whoever_may_though_nothing_is_alike(ada, ann, as_user):
    client = a_client(ada)
    url = reverse("admin:opportunities_client_merge", args=[client.pk])
    assert url in as_user(ada).get(client.staff_url()).content.decode()
    assert url not in as_user(ann).get(client.staff_url()).content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_merge_the_same_clients_at_once_one_wins(ada):
    one, two, said = a_client(ada, "One Dental"), a_client(ada, "Two Dental"), []

    def merge(gone, kept):
        try:
            merging.merge_clients(now(gone), now(kept), by=ada)
            said.append("merged")
        except Refused as refusal:
            said.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=merge, args=pair) for pair in ((one, two), (two, one), (one, two))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert said.count("merged") == 1
    assert len(said) == 3
    assert Client.objects.exclude(merged_into=None).count() == 1
