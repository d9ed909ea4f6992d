"""The search box: what it finds, for whom, in which order, and what it makes of nonsense."""

from datetime import date
from threading import Thread

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from guardian.shortcuts import assign_perm

from handoff.models import Project
from opportunities.models import Client, Contact, Lead, Message, Note, Notice, Opportunity, Task
from opportunities.records import begin, edit, perform
from proposals.models import ApprovalRule, Contract, Proposal
from tests.conftest import person
from tests.makers import a_lead, an_opportunity
from zarts.search import clock, finding
from zarts.search.models import Check, Entry, Kind, Mark

pytestmark = pytest.mark.django_db
FOUND = {
    "client": Client,
    "contact": Contact,
    "lead": Lead,
    "opportunity": Opportunity,
    "proposal": Proposal,
    "contract": Contract,
    "project": Project,
    "message": Message,
    "note": Note,
}


def titles(user, words, kind=""):
    return [(entry.kind, entry.title) for entry in finding.find(user, words, kind).rows]


def seen(user):
    """Return what this person finds, by the search's own rule: kind and number."""
    return {(entry.kind, entry.record_id) for entry in Entry.objects.filter(Entry.reach(user))}


def listed(user):
    """Return what stands in this person's lists."""
    rows = {kind: model._base_manager.filter(model.reach(user)) for kind, model in FOUND.items()}
    return {(kind, pk) for kind, some in rows.items() for pk in some.values_list("pk", flat=True)}


# -- What there is, and whose. -----------------------------------------------------------------------------------------


def test_every_record_has_its_line(world):
    assert {kind for kind, _ in seen(person("max", "Manager", sees="all"))} == set(Kind.values)
    assert seen(person("mia", "Manager", sees="all")) == listed(person("moe", "Manager", sees="all"))


def test_everybody_finds_what_stands_in_their_lists_and_nothing_else(world, ada, ben, cem, dora, eve, ann):
    theirs = an_opportunity(cem)
    a_lead(cem)
    shared = an_opportunity(cem)
    # Cem works on a deal of Ada's client, and Dora may see one deal of Cem's.
    begin(Opportunity(client=world.client, name="Second site", owner=cem, next_action="Call"), by=ben)
    assign_perm("view_opportunity", dora, shared)
    Note.take(theirs, "They like phones.", by=cem)

    for user in (ada, ben, cem, dora, eve, ann):
        assert seen(user) == listed(user), user


def test_what_one_loses_sight_of_is_found_no_more(ada, cem, ben):
    deal = an_opportunity(ada)
    assert (Kind.OPPORTUNITY, deal.name) in titles(ada, deal.name)

    edit(deal, by=ben, owner=cem)

    assert (Kind.OPPORTUNITY, deal.name) not in titles(ada, deal.name)
    assert (Kind.OPPORTUNITY, deal.name) in titles(cem, deal.name)
    # The client, which is hers, she still finds; and he finds it through the deal.
    assert (Kind.CLIENT, deal.client.name) in titles(ada, deal.client.name)
    assert (Kind.CLIENT, deal.client.name) in titles(cem, deal.client.name)


def test_a_new_name_finds_all_that_hangs_on_it(world, ada):
    edit(world.client, by=ada, name="Zimtstern Bakery")

    assert {kind for kind, _ in titles(ada, "zimtstern")} == {
        *("client", "contact", "opportunity", "proposal", "contract", "project", "message", "note")
    }


def test_a_role_finds_only_kinds_that_it_may_see(world, ada):
    ada.groups.clear()

    assert finding.find(ada, world.client.name).rows == []


@pytest.mark.django_db(transaction=True)
def test_a_deal_that_is_opened_while_its_client_changes_hands_and_name_is_found_by_both(ada, ben, cem):
    client = an_opportunity(ada).client

    def open_a_deal():
        deal = Opportunity(client=Client.objects.get(pk=client.pk), name="Second site", owner=ada, next_action="Call")
        begin(deal, by=ada)
        connection.close()

    opening = Thread(target=open_a_deal)
    with transaction.atomic():
        edit(client, by=ben, owner=cem, name="Zimtstern Bakery")
        opening.start()
        opening.join(0.5)
    opening.join()

    line = Entry.objects.get(title="Second site")
    assert (line.about, line.is_guest) == ("Zimtstern Bakery", True)
    assert ("client", "Zimtstern Bakery") in titles(ada, "zimtstern")


@pytest.mark.django_db(transaction=True)
def test_each_night_lines_that_are_off_are_mended_and_told_of(ada, eve, as_user, as_owner, monkeypatch):
    first, second = clients(ada, "Harbour", "Lights")
    as_owner("update search_entry set title = 'Wrong', owner_id = 0 where record_id = %s", [first.pk])
    as_owner("delete from search_entry where record_id = %s", [second.pk])
    monkeypatch.setattr(clock, "AT_ONCE", 1)

    assert clock.nightly() == 2
    assert clock.nightly() == 0
    assert titles(ada, "harbour") + titles(ada, "lights") == [("client", "Harbour"), ("client", "Lights")]
    check = Check.objects.get()
    assert check.drift == 2
    assert check.ended_at
    words = "2 lines of the search were not as their records are, and are mended."
    assert Notice.objects.get(user=eve).words == words
    assert words in as_user(eve).get(reverse("find")).text


# -- In which order. ---------------------------------------------------------------------------------------------------


def clients(owner, *names):
    return [begin(Client(name=name, owner=owner), by=owner) for name in names]


def test_an_exact_name_comes_before_a_beginning_and_that_before_a_word(ada):
    clients(ada, "North Harbour", "Harbour Lights", "Harbour")

    assert [title for _, title in titles(ada, "harbour")] == ["Harbour", "Harbour Lights", "North Harbour"]


def test_what_is_open_comes_before_what_is_closed_and_new_before_old(ada, ben):
    old, lost, new = an_opportunity(ada), an_opportunity(ada), an_opportunity(ada)
    Opportunity.objects.filter(pk__in=[old.pk, lost.pk, new.pk]).update(name="Quince orchard site")
    window = {"reactivate_from": date(2030, 1, 1), "reactivate_to": date(2030, 2, 1)}
    perform(lost.lose, by=ada, reason="price", words="Too dear.", **window)

    rows = finding.find(ada, "quince", "opportunity").rows
    assert [entry.record_id for entry in rows] == [new.pk, old.pk, lost.pk]
    assert rows[-1].ended == "Lost"
    # A lead that became a deal is closed as well, and no loss.
    assert finding.find(ada, lost.leads.get().company, "lead").rows[0].ended == "Qualified"


def test_words_are_found_in_any_order_by_their_beginnings_without_accents(ada):
    clients(ada, "Müller & Söhne Straßenbau")

    for words in ("muller", "söhne müller", "STRAßEN", "soh mul", "Müller & Söhne", "strassenbau", "STRASSE"):
        assert titles(ada, words) == [("client", "Müller & Söhne Straßenbau")], words
    assert titles(ada, "üller") == []


TYPED = {
    "Ørsted Wind": ["Ørsted", "ørsted", "orsted", "ORSTED"],
    "Łódź Dental": ["Łódź", "łódź", "lodz"],
    "Æther": ["Æther", "æther", "aether"],
    "Đuro": ["Đuro", "đuro", "duro"],
    "Œuvre": ["ŒUVRE", "œuvre", "oeuvre"],
    "O'Brien": ["o'brien", "obrien", "brien"],
    "Plant C-0007": ["c0007", "C-0007"],
}


def test_a_name_is_found_as_people_type_it_in_the_box_and_in_its_list(ada, as_user):
    clients(ada, *TYPED)
    browser = as_user(ada)

    for name, ways in TYPED.items():
        for words in ways:
            assert titles(ada, words) == [("client", name)], words
            listed = browser.get("/admin/opportunities/client/", {"q": words}).context["rows"]
            assert [pk for *_, pk in listed] == [Client.objects.get(name=name).pk], words

    deal = an_opportunity(ada)
    edit(deal.client, by=ada, name="Łask Energia")
    assert deal.staff_url() in browser.get(reverse("pipeline"), {"q": "lask"}).text


def test_two_letters_without_a_hit_ask_for_a_third_and_a_ninth_word_is_said_to_be_left_out(ada, as_user):
    clients(ada, "Dr Ng Dental")
    browser = as_user(ada)

    for page in ("find", "find_now"):
        assert "Type a third letter" in browser.get(reverse(page), {"q": "ng"}).text
    assert "first 8 words" in browser.get(reverse("find"), {"q": "dr ng dental a b c d e f"}).text


def test_one_letter_or_two_find_names_that_begin_so_and_no_words(ada):
    clients(ada, "Quartz", "Little Quartz")

    assert titles(ada, "qu") == [("client", "Quartz")]


def test_a_number_and_a_mail_address_are_found_as_they_are_written(world, ada):
    contract, contact = Contract.objects.get(), world.decision_owner

    assert ("contract", str(contract)) in titles(ada, contract.number)
    assert ("contact", contact.name) in titles(ada, contact.email)


@pytest.mark.parametrize("typed", ["+49305557788", "030 5557788", "0305557788", "(0)30/555-7788", "+49 30 5557788"])
def test_a_phone_is_found_however_it_is_written(ada, cem, typed):
    mine = a_lead(ada, phone="+49 30 5557788")
    a_lead(cem, phone="+49 30 5557788")
    contact = an_opportunity(ada).decision_owner
    edit(contact, by=ada, phone="030-555 77 88")
    found = {(entry.kind, entry.record_id) for entry in finding.find(ada, typed).rows}
    assert found == {("lead", mine.pk), ("contact", contact.pk)}
    assert titles(ada, typed, "note") == []


@pytest.mark.parametrize("few", [0, 1, 100])
@pytest.mark.parametrize("sampled", [0, 2, 100])
@pytest.mark.parametrize("reaches_many", [True, False])
def test_a_rare_word_is_found_within_reach_however_much_is_newer_than_it(
    ada, cem, monkeypatch, sampled, reaches_many, few
):
    monkeypatch.setattr(finding, "NEWEST", 3)
    monkeypatch.setattr(finding, "SAMPLED", sampled)
    monkeypatch.setattr(finding, "COMMON", 1)
    monkeypatch.setattr(finding, "HELD_BY_FEW", few)
    ada.reaches_many = reaches_many
    clients(cem, "Older Heron", *(f"Bank {n}" for n in range(6)))
    clients(ada, "Oldest Heron", *(f"Shop {n}" for n in range(6)))

    assert titles(ada, "heron") == [("client", "Oldest Heron")]
    assert titles(ada, "old her") == [("client", "Oldest Heron")]
    assert titles(ada, "her o") == [("client", "Oldest Heron")]


def test_more_than_can_be_shown_says_so(as_user, ada, monkeypatch):
    monkeypatch.setattr(finding, "MOST", 2)
    clients(ada, "Lamp A", "Lamp B", "Lamp C")

    answer = as_user(ada).get(reverse("find"), {"q": "lamp"})

    assert "More than 2 found" in answer.text
    assert "There is more than stands here" in answer.text


# -- Nonsense. ---------------------------------------------------------------------------------------------------------

SIGNS = [
    "foo & | ! :* <-> ( '",
    "'",
    '"',
    "\\",
    "a\0b",
    "%",
    "_",
    "(((",
    ":*",
    "!",
    "🚀",
    "\u200f\u202e",
    "'; drop table",
]


@pytest.mark.parametrize("words", [*SIGNS, "a" * 10_000, "ab " * 3_000, "א" * 300, "%ff", "ﷺ" * 200, "'; drop table"])
@pytest.mark.parametrize("name", ["find", "find_now"])
def test_nonsense_is_answered_in_words(as_user, ada, name, words):
    answer = as_user(ada).get(reverse(name), {"q": words})

    assert answer.status_code == 200
    assert "found" in answer.text.lower() or "Type letters or numbers" in answer.text


def test_signs_alone_say_what_to_type_instead(as_user, ada):
    assert "signs alone cannot be looked for" in as_user(ada).get(reverse("find"), {"q": "& | !"}).text


def test_a_lone_surrogate_is_no_letter(ada):
    assert finding.find(ada, "\ud800").unclear


def test_bytes_that_are_no_text_are_answered(as_user, ada):
    assert as_user(ada).get(reverse("find") + "?q=%ff%fe&kind=%00").status_code == 200


def test_only_spaces_are_an_empty_box(as_user, ada):
    answer = as_user(ada).get(reverse("find"), {"q": "   "})

    assert "Type how a name begins" in answer.text


def test_an_address_with_an_unknown_kind_finds_all_kinds(as_user, ada):
    clients(ada, "Harbour")

    page = as_user(ada).get(reverse("find"), {"q": "harbour", "kind": "nonsense"}).text
    assert "Harbour" in page
    assert "There is no such kind: all of them were looked for." in page


def test_the_box_of_every_page_is_a_form_that_works_without_a_script(as_user, ada):
    clients(ada, "Harbour")
    browser = as_user(ada)

    for page in ("/admin/today/", "/admin/opportunities/client/", reverse("find")):
        assert 'action="/admin/find/" role="search"' in browser.get(page).text
    assert clients_url(ada, "Harbour") in browser.get("/admin/find/?q=harb").text


def clients_url(owner, name):
    return Client.objects.get(owner=owner, name=name).staff_url()


# -- Opened last, and pinned. ------------------------------------------------------------------------------------------


def open_it(browser, record):
    return browser.post(reverse("find_opened"), {"path": record.staff_url()})


def test_what_was_opened_last_and_pinned_stands_below_the_empty_box(as_user, ada):
    first, second = clients(ada, "First", "Second")
    browser = as_user(ada)
    # A browser that looks ahead, as a retest does, opens nothing for a person.
    ahead = browser.post(reverse("find_opened"), {"path": first.staff_url()}, headers={"Purpose": "prefetch"})
    assert (ahead.json()["pinned"], list(finding.recent(ada))) == (False, [])
    for record in (first, second):
        assert open_it(browser, record).json()["pinned"] is False
    entry = open_it(browser, first).json()["entry"]
    browser.post(reverse("find_pin"), {"entry": entry, "pinned": "1"})

    assert [one.title for one in finding.recent(ada)] == ["Second"]
    assert [one.title for one in finding.pinned(ada)] == ["First"]
    assert open_it(browser, first).json()["pinned"] is True
    browser.post(reverse("find_pin"), {"entry": entry, "pinned": "0"})
    assert finding.pinned(ada) == []


def test_what_one_lost_sight_of_is_not_named_among_the_pinned_and_recent(as_user, ada, cem, ben):
    deal = an_opportunity(ada)
    browser = as_user(ada)
    entry = open_it(browser, deal).json()["entry"]
    browser.post(reverse("find_pin"), {"entry": entry, "pinned": "1"})

    edit(deal, by=ben, owner=cem)

    assert finding.recent(ada) == finding.pinned(ada) == []
    assert browser.post(reverse("find_pin"), {"entry": entry, "pinned": "0"}).status_code == 404
    assert open_it(browser, deal).status_code == 404


def test_each_person_has_their_own(as_user, ada, ben):
    (client,) = clients(ada, "Theirs")
    open_it(as_user(ben), client)

    assert finding.recent(ada) == []
    assert Mark.objects.get().user == ben


@pytest.mark.parametrize(
    "path", ["", "/admin/today/", "/admin/opportunities/task/1/change/", "/admin/x/client/1/change/"]
)
def test_what_is_no_records_page_is_not_kept(as_user, ada, path):
    assert as_user(ada).post(reverse("find_opened"), {"path": path}).status_code == 404


@pytest.mark.parametrize("entry", ["", "0", "x", "9" * 40, "\0"])
def test_nothing_is_pinned_by_a_wrong_number(as_user, ada, entry):
    assert as_user(ada).post(reverse("find_pin"), {"entry": entry, "pinned": "1"}).status_code == 404


# -- How much it costs. ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "query"), [("find", {"q": "growth"}), ("find_now", {"q": "gr"}), ("find", {})])
def test_a_search_takes_a_bounded_number_of_queries(world, as_user, ben, name, query):
    browser = as_user(ben)
    browser.get(reverse(name), query)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert browser.get(reverse(name), query).status_code == 200

    assert len(captured) <= 10


# -- In every list. ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["contact", "message", "note", "proposal", "contract", "project", "task", "audit"])
def test_a_list_is_searched_by_the_name_of_the_client(world, as_user, ada, kind):
    model = FOUND.get(kind) or apps.get_model("opportunities", kind)
    edit(world.client, by=ada, name="Zimtstern Bakery")
    page = reverse(f"admin:{model._meta.app_label}_{kind}_changelist")
    browser = as_user(ada)

    assert browser.get(page, {"q": "zimt bak"}).context["rows"] != []
    assert browser.get(page, {"q": "zimt nobody"}).context["rows"] == []
    assert browser.get(page, {"q": "' & !\0 :*"}).status_code == 200


def test_every_list_can_be_searched(world, as_user, ann, eve):
    browser, without = as_user(ann), set()
    for model, page in admin.site._registry.items():
        if hasattr(page, "above"):
            answer = browser.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
            if answer.status_code == 200 and not answer.context["searchable"]:
                without.add(model._meta.model_name)

    assert without == set()
    diary = "/admin/opportunities/event/"
    assert browser.get(diary, {"q": world.client.name}).context["rows"] != []
    assert browser.get(diary, {"q": "nobody"}).context["rows"] == []
    rule = begin(ApprovalRule(aspect="proposal", permission="proposals.approve_proposal"), by=eve)
    rules = "/admin/proposals/approvalrule/"
    found = [
        [pk for *_, pk in browser.get(rules, {"q": words}).context["rows"]] for words in (rule.sentence[:12], "zebra")
    ]
    assert rule.pk in found[0]
    assert found[1] == []


def named(model, words):
    """Return what the list of this kind of record finds."""
    page = admin.site._registry[model]
    return {row.pk for row in page.get_search_results(None, model._base_manager.all(), words)[0]}


WAYS = {
    "by numbers": {},
    "in passing": {"PAGE": 1},
    "by numbers, for none of the newest has it": {"PAGE": 1, "LONG": 0, "fills": False},
    "in passing, for the list is short": {"PAGE": 1, "fills": False},
    "in passing, for too many have it": {"FEW": 0},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_list_finds_the_same_whichever_way_it_looks(ada, monkeypatch, way):
    quince, other = an_opportunity(ada), an_opportunity(ada)
    edit(quince.client, by=ada, name="Quince and Sons")
    edit(other.client, by=ada, name="Somebody else")
    due = {"owner": ada, "due_at": timezone.now()}
    whose = {"opportunity": quince}, {"opportunity": other}, {"lead": a_lead(ada)}
    by_both, by_title, of_a_lead = (begin(Task(title="Weigh the quinces", **about, **due), by=ada) for about in whose)
    by_deal, not_at_all, _ = (begin(Task(title="Call them", **about, **due), by=ada) for about in whose)
    for name, value in WAYS[way].items():
        if name == "fills":
            monkeypatch.setattr(finding.Held, "fills", lambda held, rows, path: False)
        else:
            monkeypatch.setattr(finding, name, value)
    found = named(Task, "quince")
    assert {task.pk for task in quince.tasks.all()} | {by_title.pk, of_a_lead.pk} == found
    assert {by_both.pk, by_deal.pk} < found
    assert not_at_all.pk not in found
    assert named(Task, "quince weigh") == {by_both.pk, by_title.pk, of_a_lead.pk}
    assert named(Opportunity, "quince sons") == {quince.pk}
    assert named(Opportunity, "zebra") == named(Task, "zebra") == set()
