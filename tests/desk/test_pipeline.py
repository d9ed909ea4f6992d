"""The pipeline: what its address filters, sums, sorts and saves, and what is done to several deals at once."""

import re
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from itertools import product
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone
from guardian.shortcuts import assign_perm

from opportunities.models import BulkChange, Event, Opportunity, SavedView, Source, Task, Team, User
from opportunities.records import begin, edit, perform
from proposals.house import furnish
from proposals.models import Service
from tests.makers import an_opportunity
from zarts.desk import board, table
from zarts.desk.filters import Filters

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


def again(record):
    return type(record).objects.get(pk=record.pk)


def pipeline(client, **query):
    return client.get(reverse("pipeline"), query)


def shown(client, **query):
    """Return the deals of the table that an address shows, in its order."""
    return pipeline(client, look="table", **query).context["table"].rows


@pytest.fixture
def early(ada):
    return an_opportunity(ada, due_on=TODAY() - timedelta(days=3), value=Decimal(500), next_action="Call them")


@pytest.fixture
def later(ada):
    return an_opportunity(ada, stage="discovery", value=None)


# -- Filters. ----------------------------------------------------------------------------------------------------------


def test_board_and_table_show_the_same_deals(as_user, ada, early, later):
    browser = as_user(ada)

    for query in ({}, {"due": "overdue"}, {"stage": "discovery"}, {"owner": "me", "due": "overdue"}, {"q": "harbor"}):
        cards = [deal for column in pipeline(browser, **query).context["stages"] for deal in column.cards]
        assert {deal.pk for deal in cards} == {deal.pk for deal in shown(browser, **query)}, query


def test_filters_are_combined(as_user, ada, early, later):
    browser = as_user(ada)

    assert shown(browser, owner="me", due="overdue", stage="qualified") == [early]
    assert shown(browser, owner="me", due="overdue", stage="discovery") == []


def test_each_filter_lets_its_deals_through(as_user, ada, ben, cem, early, later):
    furnish()
    service = Service.objects.first()
    Service.want(later, [service], by=ada)
    source = begin(Source(name="Trade fair"), by=ada)
    edit(early.leads.get(), by=ada, source=source)
    west = an_opportunity(cem)
    User.objects.filter(pk=ben.pk).update(reach_of="all")
    browser = as_user(User.objects.get(pk=ben.pk))

    assert shown(browser, source=source.pk) == [early]
    assert shown(browser, service=service.pk) == [later]
    assert shown(browser, team=Team.objects.get(name="West").pk) == [west]
    assert shown(browser, owner=cem.pk) == [west]
    assert shown(browser, q="harbor", stage="discovery") == [later]
    assert shown(browser, q=early.client.name, owner=ada.pk) == [early]


def test_due_is_said_in_days(as_user, ada, early, later):
    browser = as_user(ada)
    edit(later, by=ada, due_on=TODAY())

    assert shown(browser, due="today") == [later]
    assert later in shown(browser, due="week")
    edit(later, by=ada, due_on=None)
    assert shown(browser, due="none") == [later]
    assert shown(browser, due="overdue") == [early]


def test_a_deal_without_a_task_or_with_a_late_one_has_no_next_action(as_user, ada, early, later):
    sound = an_opportunity(ada, stage="discovery")
    waits = an_opportunity(ada, stage="discovery")
    for task in waits.tasks.open():
        perform(task.pause, by=ada, reason="Their fair is on.")
    for task in later.tasks.open():
        perform(task.finish, by=ada)
    browser = as_user(ada)

    assert set(shown(browser, adrift="1")) == {early, later}
    assert set(pipeline(browser, adrift="1").context["stages"][1].cards) == {later}
    assert {deal.pk for deal in as_user(ada).get(reverse("today")).context["adrift"]} == {early.pk, later.pk}
    assert sound.pk
    assert waits.pk


def test_a_paused_deal_is_found_where_it_stands(as_user, ada, early, later):
    perform(later.pause, by=ada, reason="They move.", until=TODAY() + timedelta(days=9))

    assert shown(as_user(ada), paused="1") == [later]
    assert shown(as_user(ada), paused="1", stage="discovery") == [later]


def test_a_deal_is_stale_when_nothing_happened_for_longer_than_its_stage_allows(
    as_user, ada, early, later, time_machine
):
    time_machine.move_to(timezone.now() + timedelta(days=8))
    browser = as_user(ada)

    assert shown(browser, stale="1") == [early]
    assert "Stale: quiet for 8 days" in pipeline(browser).text
    time_machine.move_to(timezone.now() + timedelta(days=3))
    assert set(shown(browser, stale="1")) == {early, later}
    edit(early, by=ada, next_action="Ask again")
    assert shown(browser, stale="1") == [later]


def test_a_paused_deal_is_not_stale(as_user, ada, early, time_machine):
    perform(early.pause, by=ada, reason="They move.")
    time_machine.move_to(timezone.now() + timedelta(days=60))

    assert shown(as_user(ada), stale="1") == []


@pytest.mark.parametrize(
    "query",
    [
        {"owner": "99999"},
        {"owner": "9" * 40},
        {"owner": "' or 1=1"},
        {"team": "nothing"},
        {"stage": "nowhere"},
        {"stage": "a\0b"},
        {"source": "\u202e1"},
        {"service": "-1"},
        {"due": "someday"},
        {"stale": "yes"},
        {"q": "!!!"},
        {"sort": "nothing", "look": "table"},
        {"after": "nothing", "look": "table"},
        {"after": "2026-99-99~1", "look": "table"},
        {"after": "NaN~1", "sort": "value", "look": "table"},
        {"after": "1e99~1", "sort": "value", "look": "table"},
        {"after": "7~1", "sort": "stage", "look": "table"},
        {"after": "99~1", "sort": "stage", "look": "table"},
        {"after": "2026-01-01~1", "sort": "quiet", "look": "table"},
        {"after": "0001-01-01T00:00:00+14:00~1", "sort": "quiet", "look": "table"},
        {"after": "~1", "sort": "client", "look": "table"},
        {"look": "upside down"},
        {"colour": "red"},
    ],
)
def test_what_is_not_there_is_left_out_with_a_sentence(as_user, ada, early, query):
    answer = pipeline(as_user(ada), **query)

    assert answer.status_code == 200
    if query.get("sort") not in ("stage", "quiet") and "look" not in query:
        assert "left out" in answer.text
        assert early.client.name in answer.text
    if "colour" in query:
        assert "This list has no filter “colour”. It is left out." in answer.text
        assert "That page is not there." in pipeline(as_user(ada), before="9").text


def test_a_deal_that_is_not_mine_is_found_by_no_filter(as_user, ada, cem, early):
    browser = as_user(cem)

    for query in ({}, {"q": early.client.name}, {"owner": ada.pk}, {"stage": "qualified"}, {"adrift": "1"}):
        assert shown(browser, **query) == [], query
    assert str(ada.pk) not in dict(Filters.read({}, cem).choices["owner"])


def test_lost_deals_are_shown_when_they_are_asked_for(as_user, ada, early):
    lose(early, ada)
    browser = as_user(ada)

    assert shown(browser) == []
    assert shown(browser, stage="lost") == [early]
    assert "Reopen" in pipeline(browser, stage="lost").text


def lose(deal, by, **fields):
    window = {"reactivate_from": TODAY() + timedelta(days=90), "reactivate_to": TODAY() + timedelta(days=180)}
    return perform(deal.lose, by=by, **({"reason": "price", "words": "Too dear."} | window | fields))


# -- Sums. -------------------------------------------------------------------------------------------------------------


def test_amounts_of_two_currencies_are_never_added(ada, early, later):
    edit(early, by=ada, value=Decimal(1000), probability=10)
    edit(later, by=ada, value=Decimal(300), currency="EUR", probability=50)
    pounds = an_opportunity(ada, value=Decimal(50), currency="EUR", probability=100)

    stages = board.totals(Filters.read({}, ada))
    whole = board.all_of(stages)

    assert [(a.currency, a.value, a.weighted) for a in stages[0].amounts] == [("EUR", 50, 50), ("USD", 1000, 100)]
    assert [(a.currency, a.value, a.weighted) for a in whole.amounts] == [("EUR", 350, 200), ("USD", 1000, 100)]
    assert (whole.count, stages[0].count) == (3, 2)
    assert [amount.share for amount in stages[0].amounts] == [17, 100]
    assert pounds.pk


def test_the_sums_follow_the_filters(as_user, ada, early, later):
    context = pipeline(as_user(ada), look="table", due="overdue").context

    assert context["whole"].count == 1
    assert [amount.value for amount in context["whole"].amounts] == [500]


def by_hand(filters):
    sums = defaultdict(lambda: [0, Decimal(), Decimal()])
    for deal in filters.rows():
        line, value = sums[deal.place, deal.currency], deal.value or Decimal()
        line[:] = [line[0] + 1, line[1] + value, line[2] + value * deal.probability / 100]
    return sums


def test_whoever_sees_all_reads_from_the_counters_what_the_deals_come_to(ada, cem, eve, early, later):
    an_opportunity(ada, currency="EUR", value=Decimal("700.50"), probability=33)
    an_opportunity(cem, stage="audit", value=Decimal(900))
    an_opportunity(ada, stage="contract")
    perform(an_opportunity(ada, stage="discovery").pause, by=ada, reason="They are away.")
    lose(an_opportunity(cem), cem)
    for asked in ({}, {"owner": str(ada.pk)}, {"owner": "me"}, {"team": str(cem.team_id)}, {"stage": "audit"},
                  {"stage": "lost"}, {"due": "overdue"}):  # fmt: skip
        filters = Filters.read(asked, eve)
        assert {(row[0], row[1]): [*row[2:]] for row in board.sums_of(filters)} == by_hand(filters), asked
        assert bool(by_hand(filters)) == (asked != {"owner": "me"}), asked


# -- The table. --------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(ada, monkeypatch):
    """Deals with equal and missing values, and pages of two."""
    monkeypatch.setattr(table, "PAGE", 2)
    values, days = [None, 500, 500, 900, None, 100, 500], [None, 1, 1, -2, 5, None, 1]
    deals = []
    for value, day in zip(values, days, strict=True):
        due = TODAY() + timedelta(days=day) if day is not None else None
        deals.append(an_opportunity(ada, stage="discovery" if value else "qualified", value=value, due_on=due))
    return deals


@pytest.mark.parametrize("sort", table.ORDERS)
def test_every_deal_is_on_exactly_one_page_of_every_order(as_user, ada, many, sort):
    browser, rows, query = as_user(ada), [], {"look": "table", "sort": sort}
    for _ in range(9):
        answer = pipeline(browser, **query)
        rows += answer.context["table"].rows
        if not answer.context["next_url"]:
            break
        query = dict(parse_qsl(urlsplit(answer.context["next_url"]).query))

    assert [deal.pk for deal in rows] == [deal.pk for deal in in_order(many, sort)]


def in_order(deals, sort):
    """Return the deals as the order says: what has no value comes last, or first when the order is turned round."""
    deals = [Opportunity.objects.select_related("client", "diary").get(pk=deal.pk) for deal in deals]
    keys = {
        "client": lambda deal: deal.client.name,
        "stage": lambda deal: deal.place,
        "value": lambda deal: deal.value,
        "due": lambda deal: deal.due_on,
        "quiet": lambda deal: deal.diary.last_at,
    }
    name = sort.removeprefix("-")
    down = (name == "value") != sort.startswith("-")
    valued = sorted((d for d in deals if keys[name](d) is not None), key=lambda d: (keys[name](d), d.pk), reverse=down)
    empty = sorted((d for d in deals if keys[name](d) is None), key=lambda d: d.pk, reverse=down)
    return [*empty, *valued] if sort.startswith("-") else [*valued, *empty]


def test_the_heads_say_how_the_table_is_sorted_and_turn_it_round(as_user, ada, early):
    heads = {head["name"]: head for head in pipeline(as_user(ada), look="table").context["heads"]}

    assert heads["due"]["aria"] == "ascending"
    assert "sort=-due" in heads["due"]["url"]
    heads = {head["name"]: head for head in pipeline(as_user(ada), look="table", sort="value").context["heads"]}
    assert (heads["value"]["aria"], heads["due"]["aria"]) == ("descending", "")


def test_changing_the_look_keeps_the_filters(as_user, ada, early):
    context = pipeline(as_user(ada), due="overdue", q="harbor").context

    assert dict(parse_qsl(urlsplit(context["table_url"]).query)) == {"due": "overdue", "q": "harbor", "look": "table"}


# -- Several at once. --------------------------------------------------------------------------------------------------


def several(client, do, deals, query="?look=table", **fields):
    """Say what the bar says, and yes to the question below it."""
    said = {"pick": [deal.pk for deal in deals], "do": do, "sure": "1", "count": len(deals), **fields}
    return client.post(reverse("pipeline_several") + query, said, follow=True)


def test_deals_are_given_to_somebody_each_with_its_event_and_taken_back(as_user, ada, cem, early, later):
    told = Event.objects.filter(verb="opportunity.edit", actor=ada, record_id__in=[early.pk, later.pk])
    before, browser = told.count(), as_user(ada)

    picked = [early.pk, later.pk, an_opportunity(cem).pk]
    asked = browser.post(reverse("pipeline_several") + "?look=table", {"do": "give", "pick": picked})
    assert "Give 2 opportunities to somebody else?" in asked.text
    answer = several(browser, "give", [early, later], owner=cem.pk)

    assert "2 opportunities given to Cem." in answer.text
    assert answer.redirect_chain[-1][0] == f"{reverse('pipeline')}?look=table", "back to the table"
    assert again(early).owner == again(later).owner == cem
    assert told.count() == before + 2
    assert not Task.objects.filter(opportunity__in=[early, later], stage="open").exclude(owner=cem).exists()
    browser.post(reverse("list_undo", args=[BulkChange.objects.get().pk]))
    assert again(early).owner == again(later).owner == ada


def test_all_that_match_the_filters_of_the_pipeline_are_changed(as_user, ada, cem, early, later):
    query = f"?look=table&stage={early.stage}&q={early.client.name}"
    shown = as_user(ada).get(reverse("pipeline") + query)
    assert "opportunities" in several(as_user(ada), "give", [], query, owner=cem.pk, all="1", count=9).text
    several(as_user(ada), "give", [], query, owner=cem.pk, all="1", count=len(shown.context["table"].rows))
    assert (again(early).owner, again(later).owner) == (cem, ada)


def test_the_same_again_adds_nothing(as_user, ben, cem, early, later):
    several(as_user(ben), "give", [early], owner=cem.pk)
    User.objects.filter(pk=ben.pk).update(reach_of="all")
    before = Event.objects.count()

    answer = several(as_user(User.objects.get(pk=ben.pk)), "give", [early], owner=cem.pk)

    assert "1 opportunity had it so already." in answer.text
    assert Event.objects.count() == before


def test_a_next_action_is_set_for_all_and_promised_where_nothing_was(as_user, ada, early, later):
    for task in early.tasks.open():
        perform(task.finish, by=ada)
    due = TODAY() + timedelta(days=4)
    browser = as_user(ada)

    several(browser, "next", [early, later], next_action="Send the summary", due_on=due)
    events = Event.objects.count()
    several(browser, "next", [early, later], next_action="Send the summary", due_on=due)

    assert [(deal.next_action, deal.due_on) for deal in (again(early), again(later))] == [("Send the summary", due)] * 2
    assert early.tasks.open().get().title.startswith("Send the summary")
    assert Event.objects.count() == events


def test_each_deal_is_asked_on_its_own(as_user, ada, cem, early, later):
    foreign, shared = an_opportunity(cem), an_opportunity(cem)
    assign_perm("view_opportunity", ada, shared)
    lost = lose(later, ada)
    rests = perform(an_opportunity(ada).pause, by=ada, reason="They move.")
    deals, due = [early, foreign, shared, lost, rests], TODAY() + timedelta(days=1)

    answer = several(as_user(ada), "next", deals, next_action="Call", due_on=due, count=4)

    assert "1 opportunity with a new next action. 3 opportunities stayed as they were." in answer.text
    page = as_user(ada).get(reverse("list_change", args=[BulkChange.objects.get().pk])).text
    for reason in ("You may read it, but not change it.", "It is lost", "Resume it first."):
        assert reason in page
    assert str(foreign) not in page
    assert [again(deal).next_action == "Call" for deal in deals] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("do", "fields", "words"),
    [
        ("give", {}, "Choose who takes them."),
        ("give", {"owner": "99999"}, "Choose somebody from the list."),
        ("give", {"owner": "a\0b"}, "Choose somebody from the list."),
        ("next", {"next_action": " ", "due_on": "2150-01-01"}, "Say what happens next."),
        ("next", {"next_action": "Call"}, "Choose the day by which it is owed."),
        ("next", {"next_action": "Call", "due_on": "2020-01-01"}, "Choose a day that is still to come."),
        ("next", {"next_action": "Call", "due_on": "9999-01-01"}, "Check the year."),
        ("next", {"next_action": "a\0b", "due_on": "2030-01-01"}, "Remove what is no letter here"),
        ("next", {"next_action": "x" * 201, "due_on": "2030-01-01"}, "Shorten this to 200 letters"),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_the_rows_stay_picked(as_user, ada, early, do, fields, words):
    before = Event.objects.count()

    answer = several(as_user(ada), do, [early], **fields)

    assert answer.status_code == 409
    assert words in answer.text
    assert answer.context["picked"] == [early.pk]
    assert Event.objects.count() == before


def test_who_may_change_no_deal_changes_none(as_user, ann, dora, cem, early):
    for person in (ann, dora):
        assert several(as_user(person), "give", [early], owner=cem.pk).status_code == 403
        assert 'form="several"' not in as_user(person).get(reverse("pipeline"), {"look": "table"}).text


# -- Saved views. ------------------------------------------------------------------------------------------------------


def save(client, name, query="due=overdue", **fields):
    return client.post(f"{reverse('pipeline_save')}?{query}", {"name": name, **fields})


def names(client):
    return [tab.name for tab, _, _ in pipeline(client).context["tabs"]]


def test_a_saved_view_is_a_tab_with_its_filters(as_user, ada, early, later):
    browser = as_user(ada)

    save(browser, "Late ones", "due=overdue&look=table&sort=-value&owner=me&nonsense=1")

    view = SavedView.objects.get()
    assert view.filters == {"due": "overdue", "look": "table", "sort": "-value", "owner": "me"}
    assert names(browser) == ["Everything", "Mine", "Overdue", "Stale", "Late ones"]
    answer = browser.get(next(url for tab, url, _ in pipeline(browser).context["tabs"] if tab.view))
    assert answer.context["table"].rows == [early]
    assert answer.context["current"].name == "Late ones"
    assert Event.objects.filter(verb="savedview.create", actor=ada, record_id=view.pk).exists()


def test_a_view_is_mine_until_i_share_it(as_user, ada, ben, cem):
    save(as_user(ada), "Late ones")
    assert "Late ones" not in names(as_user(cem))

    view = SavedView.objects.get()
    as_user(ada).post(view.staff_url(), {"name": "Late ones", "shared": "on"})
    assert "Late ones" in names(as_user(cem))
    assert as_user(cem).post(view.staff_url(), {"name": "Mine now", "shared": "on"}).status_code == 403
    as_user(ben).post(view.staff_url(), {"name": "Late, all of us", "shared": "on"})
    assert "Late, all of us" in names(as_user(cem))
    assert Event.objects.filter(verb="savedview.edit", record_id=view.pk).count() == 2


def test_a_manager_has_no_hand_in_what_is_not_shared(as_user, ada, ben):
    save(as_user(ada), "Late ones")
    view = SavedView.objects.get()

    assert as_user(ben).get(view.staff_url()).status_code == 404


def test_a_removed_view_is_kept_and_comes_back(as_user, ada, cem):
    browser = as_user(ada)
    save(browser, "Late ones", shared="on")
    view = SavedView.objects.get()
    with pytest.raises(PermissionDenied):
        perform(view.remove, by=cem)

    browser.post(reverse("admin:opportunities_savedview_move", args=[view.pk, "remove"]))
    assert "Late ones" not in names(browser)
    assert save(browser, "Late ones").status_code == 302
    perform(SavedView.objects.latest("pk").remove, by=ada)
    perform(again(view).bring_back, by=ada)
    assert "Late ones" in names(browser)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Give the view a name."),
        ("LATE ONES", "You have a view of that name."),
        ("x" * 61, "Shorten this to 60 letters"),
        ("a\0b", "Remove what is no letter here"),
    ],
)
def test_a_view_that_cannot_be_saved_says_so_at_its_name(as_user, ada, name, words):
    save(as_user(ada), "Late ones")

    answer = save(as_user(ada), name, "due=today")

    assert answer.status_code == 409
    assert words in answer.text
    assert SavedView.objects.count() == 1


def test_two_removed_views_do_not_come_back_under_one_name(as_user, ada):
    browser = as_user(ada)
    save(browser, "Late ones")
    first = perform(SavedView.objects.get().remove, by=ada)
    save(browser, "Late ones")

    answer = browser.post(reverse("admin:opportunities_savedview_move", args=[first.pk, "bring_back"]))

    assert answer.status_code == 409
    assert "Rename it first" in answer.text
    assert browser.post(first.staff_url(), {"name": "Late ones, too"}).status_code == 302
    second = SavedView.objects.get(stage="kept")
    first = perform(first.bring_back, by=ada)
    assert "There is a view of that name already." in browser.post(first.staff_url(), {"name": second.name}).text


def test_the_pipeline_opens_with_the_view_that_was_chosen(as_user, ada, early, later):
    browser = as_user(ada)
    save(browser, "Late ones")
    key = str(SavedView.objects.get().pk)

    browser.post(reverse("pipeline_open_with"), {"view": key})

    assert pipeline(browser).url == reverse("pipeline") + "?due=overdue"
    assert pipeline(browser, view="all").status_code == 200
    perform(SavedView.objects.get().remove, by=ada)
    assert pipeline(browser).status_code == 200


def test_of_views_with_equal_filters_one_is_marked_the_one_that_it_opens_with(as_user, ada):
    browser = as_user(ada)
    save(browser, "Late ones", "due=overdue")
    save(browser, "Late again", "due=overdue")
    marked = lambda: [tab.name for tab, _, now in pipeline(browser, due="overdue").context["tabs"] if now]  # noqa: E731

    assert marked() == ["Overdue"]
    browser.post(reverse("pipeline_open_with"), {"view": str(SavedView.objects.get(name="Late again").pk)})
    assert marked() == ["Late again"]
    assert pipeline(browser, due="overdue").context["current"].name == "Late again"


@pytest.mark.parametrize("key", ["", "99999", "a\0b", "nothing"])
def test_a_view_that_is_not_there_opens_nothing(as_user, ada, cem, key):
    answer = as_user(ada).post(reverse("pipeline_open_with"), {"view": key})

    assert answer.status_code == 409
    assert again(ada).opens_with == {}


def test_a_shared_view_that_names_somebody_i_do_not_see_says_so(as_user, ada, cem, ben):
    save(as_user(ben), "Ada's", f"owner={ada.pk}", shared="on")
    an_opportunity(ada)
    SavedView.objects.update(filters={"owner": str(ada.pk)})

    assert "This filter is left out." in pipeline(as_user(cem), owner=ada.pk).text


# -- Bounded queries. --------------------------------------------------------------------------------------------------

EVERY_FILTER = {"q": "harbor", "owner": "me", "due": "week", "stale": "1", "adrift": "1", "paused": "1"}


QUERIES = [{}, EVERY_FILTER, {"stage": "discovery"}, {"sort": "client"}, {"sort": "quiet"}]


def test_board_and_table_ask_no_more_for_fifty_deals(as_user, ada, subtests, django_assert_max_num_queries):
    browser = as_user(ada)
    first = an_opportunity(ada, stage="discovery")
    before = []
    for look, query in product(("board", "table"), QUERIES):
        query = {"look": look, **query}
        pipeline(browser, **query)
        with django_assert_max_num_queries(12) as asked:
            pipeline(browser, **query)
        before.append((query, len(asked)))
    for _ in range(5):
        an_opportunity(ada, stage="discovery")
    copies(first, 50)
    for query, most in before:
        with subtests.test(str(query)), django_assert_max_num_queries(most):
            pipeline(browser, **query)


def copies(deal, count):
    """Make many deals like one, as a file would bring them."""
    for number in range(count):
        fields = {name: getattr(deal, name) for name in ("client", "owner", "source", "value", "next_action", "due_on")}
        begin(Opportunity(name=f"{deal.name} {number}", **fields), by=deal.owner)


# -- Two deals of one client. ------------------------------------------------------------------------------------------


def faces(page):
    """Return what the link and the controls of each deal are called, as a screen reader says them."""
    found = {}
    for pk, row in re.findall(r'data-deal="(\d+)"(.*?)</form>', page.text, re.DOTALL):
        parts = re.findall(r"<(?:a|label)[^>]*>(.*?)</(?:a|label)>", row, re.DOTALL)
        found[pk] = [" ".join(re.sub(r"<[^>]+>", " ", part).split()) for part in parts]
    return found


@pytest.mark.parametrize("look", ["board", "table"])
def test_no_two_deals_of_one_client_look_alike(ada, as_user, look):
    first = an_opportunity(ada)
    same = begin(type(first)(client=first.client, name=first.name, owner=ada, next_action="Call"), by=ada)
    other = begin(type(first)(client=first.client, name="A new shop", owner=ada, next_action="Call"), by=ada)

    shown = faces(as_user(ada).get(reverse("pipeline"), {"look": look}))

    assert len(shown) == 3
    assert f"{first.name}, no. {first.pk}" in shown[str(first.pk)][-1]
    assert f"{same.name}, no. {same.pk}" in shown[str(same.pk)][-1]
    assert shown[str(other.pk)][-1] == f"Move {first.client}: A new shop"
    names = [name for face in shown.values() for name in face]
    assert len(set(names)) == len(names)


def test_a_move_that_nobody_chose_is_asked_for(ada, as_user):
    answer = as_user(ada).post(reverse("pipeline_move"), {"opportunity": an_opportunity(ada).pk, "to": ""})

    assert answer.status_code == 409
    assert "Choose where the deal goes." in answer.text
