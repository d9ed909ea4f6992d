"""The addresses of the prepared reads: pages, filters, files, tokens, and what is said where something is wrong."""

import csv
import io
import re
from datetime import timedelta

import pytest
import schemathesis
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from handoff.models import ChecklistItem, Project, Report, ReportNote
from opportunities.models import Audit, Event, Lead, Message, Task
from opportunities.models import Client as Customer
from portal.models import Publication
from proposals.models import Summary
from tests.makers import a_lead
from zarts.reads import reading
from zarts.reads.catalogue import VIEWS
from zarts.reads.models import Token

pytestmark = pytest.mark.django_db

LEADS = "/reads/leads/admin"


@pytest.fixture
def leads(ada):
    return [a_lead(ada, name=f"Lead {number}", email=f"l{number}@x.example") for number in range(5)]


def names(answer):
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["rows"]]


def said(answer, status):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()) == {"detail", "see"}
    return answer.json()["detail"]


def lines(answer):
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return list(csv.reader(io.StringIO(content.decode())))


# -- Pages, filters and files. -----------------------------------------------------------------------------------------


def test_pages_follow_each_other_without_a_gap_or_a_row_twice(leads, ada, as_user):
    browser, found, address = as_user(ada), [], f"{LEADS}.json?limit=2"
    sizes = []
    while address:
        page = browser.get(address).json()
        found += [row["name"] for row in page["rows"]]
        sizes.append(len(page["rows"]))
        address = page["next"] and page["next"].removeprefix("http://localhost:8000")
    assert (found, sizes) == ([lead.name for lead in leads], [2, 2, 1])


def test_without_an_ending_it_is_json_unless_a_csv_is_asked_for(leads, ada, as_user):
    browser = as_user(ada)
    assert len(browser.get(LEADS).json()["rows"]) == 5
    assert browser.get(LEADS, headers={"accept": "text/csv"})["Content-Type"].startswith("text/csv")
    assert browser.get(f"{LEADS}.json", headers={"accept": "text/csv"})["Content-Type"] == "application/json"


def test_rows_are_filtered_by_their_columns(leads, ada, as_user):
    browser, (first, *_, last) = as_user(ada), leads
    day = timezone.now().date().isoformat()
    assert names(browser.get(LEADS, {"name": "Lead 1"})) == ["Lead 1"]
    assert names(browser.get(LEADS, {"name__in": "Lead 1,Lead 3"})) == ["Lead 1", "Lead 3"]
    assert names(browser.get(LEADS, {"id__gt": first.pk, "id__lt": last.pk})) == ["Lead 1", "Lead 2", "Lead 3"]
    assert len(names(browser.get(LEADS, {"arrived_at__gte": day, "stage": "new", "merged_into_id__null": "true"}))) == 5
    assert names(browser.get(LEADS, {"arrived_at__lt": day})) == []
    assert names(browser.get(LEADS, {"arrived_at__lte": "2026-01-31T09:30:00+02:00"})) == []
    assert names(browser.get(LEADS, {"name": "x' or '1'='1"})) == []
    # What is rare is found by its index: a page without a filter alone has to walk.
    asked = reading.understand(VIEWS["tasks.admin"], QueryDict("opportunity_id=9"))
    assert reading.statement(asked, None, 2)[2].endswith("enable_sort = on")
    row = browser.get(LEADS, {"fields": "name,stage"}).json()["rows"][0]
    assert list(row) == ["name", "stage"]


@pytest.mark.parametrize("address", ["/reads/", "/reads/leads/", "/reads/leads/admin/", "/reads/leads/admin/9"])
def test_an_address_that_is_no_read_is_refused_as_programs_read_it(ada, as_user, address):
    answer = as_user(ada).get(address)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert "There is no such read." in answer.json()["detail"]


def test_money_is_text_and_moments_have_their_zone(world, ada, as_user):
    row = as_user(ada).get("/reads/projects/contract.json").json()["rows"][0]
    assert (row["value"], row["currency"]) == (format(world.value, "f"), world.currency)
    assert row["contract_signed_at"].endswith("+00:00")
    assert isinstance(row["kickoff_on"], str)


def test_a_csv_has_every_row_and_a_limited_one_a_page(leads, ada, as_user, monkeypatch):
    monkeypatch.setattr(reading.all_of, "__defaults__", (2,))
    browser = as_user(ada)
    whole = browser.get(f"{LEADS}.csv?fields=id,name")
    assert whole.streaming
    assert lines(whole) == [["id", "name"], *([str(lead.pk), lead.name] for lead in leads)]
    assert len(lines(browser.get(f"{LEADS}.csv?limit=3"))) == 4
    assert 'filename="leads_admin.csv"' in whole["Content-Disposition"]
    assert lines(browser.get(f"{LEADS}.csv?name=Nobody&fields=id")) == [["id"]]


@pytest.mark.parametrize("name", ["=1+2", "+HYPERLINK(1)", "@SUM(A1)", "-2+3", " =1"])
def test_a_formula_in_a_name_is_not_calculated(name, ada, as_user):
    a_lead(ada, name=name)
    found = lines(as_user(ada).get(f"{LEADS}.csv?fields=name"))[1][0]
    assert found == f"'{name.strip()}" or found == f"'{name}"


def test_what_did_not_change_is_not_sent_again(leads, ada, as_user):
    browser = as_user(ada)
    for address in (f"{LEADS}.json", f"{LEADS}.csv?limit=2", "/reads/openapi.json"):
        first = browser.get(address)
        again = browser.get(address, headers={"if-none-match": first["ETag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        assert "private" in first["Cache-Control"]
    old = browser.get(f"{LEADS}.json")["ETag"]
    a_lead(ada, name="One more")
    assert browser.get(f"{LEADS}.json", headers={"if-none-match": old}).status_code == 200


def test_each_sees_their_own_and_a_manager_the_teams(leads, ada, ben, cem, eve, as_user):
    seen = {}
    for user in (ada, ben, cem, eve):
        seen[user.username] = len(names(as_user(user).get(LEADS)))
    assert seen == {"ada": 5, "ben": 5, "cem": 0, "eve": 5}


def test_a_page_is_read_in_a_few_questions(leads, ada, as_user, django_assert_max_num_queries):
    browser = as_user(ada)
    for view in VIEWS.values():
        with django_assert_max_num_queries(12):
            assert browser.get(f"{view.address}.json").status_code == 200


# -- What makes no sense. ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"colour": "red"}, "There is no column “colour” in leads.admin to filter by. There are: id, name, company"),
        ({"secret__gte": "1"}, "no column “secret”"),
        ({"fields": "id,password"}, "There is no column “password” in leads.admin. There are: id, name"),
        ({"fields": ""}, "There is no column “”"),
        ({"name__like": "x"}, "“name__like” is no filter of the column name. It can be asked by name, name__in"),
        ({"due_on": "tomorrow"}, "“tomorrow” is no value for due_on: it takes a day, such as 2026-01-31."),
        ({"due_on__gte": "2026-02-30"}, "is no value for due_on__gte"),
        ({"due_on": ""}, "is no value for due_on"),
        ({"arrived_at__gte": "2026-13-01T00:00"}, "a day or a moment"),
        ({"arrived_at__gte": "0001-01-01T00:00:00+23:59"}, ""),
        ({"id": "9" * 30}, "a whole number"),
        ({"id": "9223372036854775808"}, "a whole number"),
        ({"id": "٣"}, "a whole number"),
        ({"id__in": "1,,2"}, "a whole number"),
        ({"id__in": ",".join(["1"] * 101)}, "names 101 values. It takes 100 at most."),
        ({"merged_into_id__null": "maybe"}, "true or false"),
        ({"name": "a\0b"}, "text without signs"),
        ({"limit": "0"}, "“limit” is a number from 1 to 1000."),
        ({"limit": "1001"}, "“limit” is a number"),
        ({"limit": "many"}, "“limit” is a number"),
        ({"after": "leads.admin:5"}, "This page mark is none of ours."),
        ({"after": ""}, "This page mark is none of ours."),
        ({"id__gt__lt": "1"}, "is no filter of the column id"),
        ({"x" * 10_000: "1"}, "…”"),
        ({"name": ["a", "b"]}, "“name” is there twice. Say it once."),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(asked, words, leads, ada, as_user):
    browser = as_user(ada)
    for ending in (".json", ".csv"):
        answer = browser.get(LEADS + ending, asked)
        if words:
            assert words in said(answer, 400)
        else:
            assert answer.status_code in (200, 400)
    assert not Event.objects.filter(verb="user.token").exists()


def test_a_page_mark_of_another_list_is_refused(leads, world, ada, as_user):
    browser = as_user(ada)
    after = reading.mark_of(VIEWS["leads.admin"], 1)
    words = said(browser.get("/reads/clients/admin.json", {"after": after}), 400)
    assert words == "This page mark is of leads.admin, and this is clients.admin. Begin without “after”."
    assert "none of ours" in said(browser.get(LEADS, {"after": f"{after}x"}), 400)


def test_an_address_of_very_many_parameters_is_answered_as_programs_read_it(ada, as_user):
    assert "more than 1000 parameters" in said(as_user(ada).get(LEADS, {f"a{n}": "1" for n in range(1001)}), 400)


def test_a_figure_cannot_be_filtered_by(world, ada, as_user):
    words = said(as_user(ada).get("/reads/reports/admin.json?numbers=1"), 400)
    assert words == "“numbers” is no filter of the column numbers. It cannot be filtered by."


@pytest.mark.parametrize("path", ["leads/all", "bills/admin", "leads/admin.xml", "leads/admin.json.csv", "leads/.json"])
def test_a_read_that_there_is_not_says_which_there_are(path, ada, as_user):
    words = said(as_user(ada).get(f"/reads/{path}"), 404)
    assert "report_notes, leads, clients, projects, tasks, audits, reports, messages" in words


def test_a_filter_that_finds_too_little_among_too_much_is_given_up(leads, ada, as_user, monkeypatch):
    monkeypatch.setattr(reading, "LONGEST", "1ms")
    monkeypatch.setattr(reading, "statement", lambda *_: ("select pg_sleep(1)", [], "select 1"))
    assert "Ask for less" in said(as_user(ada).get(LEADS), 400)


# -- Tokens. -----------------------------------------------------------------------------------------------------------


def a_token(owner, *scopes, **fields):
    fields = {"expires_at": timezone.now() + timedelta(days=30), **fields}
    return Token.mint(name="Figures", owner=owner, scopes=list(scopes), created_by="Eve", **fields)


def ask(token, address=f"{LEADS}.json"):
    return Client(headers={"host": "localhost"}).get(address, headers={"authorization": f"Bearer {token}"})


def test_a_token_of_staff_reads_what_they_may_see(leads, ada, cem):
    row, token = a_token(ada, "read:leads.admin")
    assert len(names(ask(token))) == 5
    row.refresh_from_db()
    assert row.last_used_at
    assert names(ask(a_token(cem, "read:*.*")[1])) == []


def test_a_token_of_a_service_reads_all_that_its_scopes_name(leads, cem):
    assert len(names(ask(a_token(cem, "read:leads.*", is_service=True)[1]))) == 5


@pytest.mark.parametrize(
    ("scope", "opens"),
    [
        ("read:leads.admin", True),
        ("read:*.admin", True),
        ("read:leads.*", True),
        ("read:*.*", True),
        ("read:leads.portal", False),
        ("read:*.portal", False),
        ("read:clients.*", False),
        ("write:leads", False),
        ("write:*.*", False),
    ],
)
def test_a_token_out_of_scope_is_told_which_scope_is_needed(scope, opens, leads, ada):
    answer = ask(a_token(ada, scope)[1])
    if opens:
        assert answer.status_code == 200
    else:
        assert f"It needs read:leads.admin, and has {scope}." in said(answer, 403)


def test_a_token_that_does_not_work_says_why(leads, ada):
    row, token = a_token(ada, "read:*.*")
    assert "none of ours" in said(ask(f"{token}x"), 401)
    Token.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(days=1))
    row.refresh_from_db()
    ended = said(ask(token), 401)
    assert ended.startswith("This token ended on ")
    assert str(row.expires_at.year) in ended
    row.revoke("Eve")
    refused = ask(token)
    assert "was revoked on" in said(refused, 401)
    assert refused["WWW-Authenticate"].startswith("Bearer")


def test_a_token_of_staff_ends_with_their_account_and_a_services_does_not(leads, ada):
    tokens = a_token(ada, "read:*.*")[1], a_token(ada, "read:*.*", is_service=True)[1]
    type(ada).objects.filter(pk=ada.pk).update(is_active=False)
    assert "does not work here any more" in said(ask(tokens[0]), 401)
    assert len(names(ask(tokens[1]))) == 5


def test_somebody_without_a_right_is_refused_by_their_role(leads, ada, as_user):
    _, token = a_token(ada, "read:*.*")
    ada.groups.clear()
    refused = ask(token)
    assert "Your role does not include leads.admin" in said(refused, 403)
    # Another token would not help.
    assert refused.json()["see"].endswith("/admin/catalogue/")
    assert "Your role does not include leads.admin" in said(as_user(ada).get(LEADS), 403)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_read_is_read_and_nothing_else_whatever_a_program_sends(ada, method):
    browser = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
    assert getattr(browser, method)(f"{LEADS}.json", headers={"authorization": "Bearer x"}).status_code == 405


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer ", "Bearer \u00e9", "token"])
def test_whoever_sends_no_token_is_told_how(header, leads):
    answer = Client(headers={"host": "localhost"}).get(f"{LEADS}.json", headers={"authorization": header})
    assert "oken" in said(answer, 401)
    assert "Sign in, or send a token" in said(Client(headers={"host": "localhost"}).get(LEADS), 401)


def test_a_wrong_token_is_not_saved_by_being_signed_in(leads, ada, as_user):
    assert as_user(ada).get(LEADS, headers={"authorization": "Bearer x"}).status_code == 401


# -- What describes them. ----------------------------------------------------------------------------------------------


def test_the_openapi_is_valid_and_names_every_view_and_column(ada, as_user):
    document = as_user(ada).get("/reads/openapi.json").json()
    schemathesis.openapi.from_dict(document).validate()
    assert set(document["paths"]) == {
        f"{view.address}.{ending}" for view in VIEWS.values() for ending in ("json", "csv")
    }
    for view in VIEWS.values():
        told = document["components"]["schemas"][view.table]["properties"]
        assert {name: each["description"] for name, each in told.items()} == {
            column.name: column.words for column in view.columns.values()
        }
        asked = {each["name"] for each in document["paths"][f"{view.address}.json"]["get"]["parameters"]}
        known = {name for column in view.columns.values() for name in column.filters}
        assert asked == known | {"limit", "after", "fields"}


def test_the_openapi_is_for_whoever_has_a_way_in(ada):
    assert Client(headers={"host": "localhost"}).get("/reads/openapi.json").status_code == 401
    assert ask(a_token(ada, "read:leads.portal")[1], "/reads/openapi.json").status_code == 200


# -- Their plans. ------------------------------------------------------------------------------------------------------


def deep(view, user):
    """Return the question for a deep page, its values, and how to go about it."""
    asked = reading.Asked(view, list(view.columns), after=10**6)
    question, *rest = reading.statement(asked, user, 101)
    return question.as_string(), *rest


@pytest.mark.parametrize("name", VIEWS)
def test_a_page_walks_along_an_index_and_sorts_nothing(name, plan_of):
    plan = plan_of(*deep(VIEWS[name], None))
    assert "Sort" not in plan, plan
    assert "Seq Scan" not in plan, plan
    assert re.search(r"Index (Only )?Scan.*\n\s+Index Cond: \(.*id > ", plan), plan


def test_what_hangs_on_a_few_deals_is_found_from_them(world, ada, ben, plan_of):
    for model in (Report, ReportNote, Project, Audit, Summary, ChecklistItem, Publication):
        assert reading.path_to_deal(model), model
    for model in (Lead, Customer, Task, Message):
        assert reading.path_to_deal(model) == "", model
    for user in (ada, ben):
        assert reading.few_deals(user) == [world.pk]
        for view in VIEWS.values():
            assert "Seq Scan on handoff" not in plan_of(*deep(view, user)), view


def test_somebody_with_many_deals_reads_the_same_as_with_few(world, ada, monkeypatch, subtests):
    for name, view in VIEWS.items():
        with subtests.test(name):
            asked = reading.Asked(view, list(view.columns))
            monkeypatch.setattr(reading, "FEW", 1000)
            few = reading.rows_of(asked, ada, 100)
            monkeypatch.setattr(reading, "FEW", 0)
            assert reading.rows_of(asked, ada, 100) == few
