"""The catalogue of the prepared reads, and the page where tokens for them are made and revoked."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from opportunities.models import Event
from portal.tokens import token_hash
from tests.makers import a_lead
from zarts.desk.demo import programs
from zarts.reads.catalogue import VIEWS
from zarts.reads.models import Token

pytestmark = pytest.mark.django_db

PAGE = "/admin/tokens/"
FIGURES = {"name": "Weekly figures", "sources": ["leads", "clients"], "kinds": ["admin"], "days": "90"}


def test_the_catalogue_leads_to_every_view_and_each_names_its_columns(ann, as_user):
    browser = as_user(ann)
    page = browser.get("/admin/catalogue/").content.decode()
    for view in VIEWS.values():
        address = f"/admin/catalogue/{view.source}/{view.kind}/"
        assert address in page
        told = browser.get(address).content.decode()
        assert all(column.words in told for column in view.columns.values()), address
        assert f"{view.address}.json?limit=100" in told
        assert view.scope in told


def test_the_example_is_a_row_that_one_may_see(ada, cem, as_user):
    a_lead(ada, name="Mine alone")
    assert "Mine alone" in as_user(ada).get("/admin/catalogue/leads/admin/").content.decode()
    told = as_user(cem).get("/admin/catalogue/leads/admin/").content.decode()
    assert "Mine alone" not in told
    assert "No row to show" in told


def test_a_view_that_there_is_not_is_not_there(ada, as_user):
    assert as_user(ada).get("/admin/catalogue/leads/all/").status_code == 404


def test_a_token_is_shown_in_the_answer_that_made_it_and_never_again(ada, as_user):
    browser = as_user(ada)
    made = browser.post(PAGE, FIGURES)
    row, token = Token.objects.get(), made.context["token"]
    assert token in made.content.decode()
    assert (row.token_hash, row.owner, row.is_service) == (token_hash(token), ada, False)
    assert row.scopes == ["read:leads.admin", "read:clients.admin"]
    assert timedelta(days=89) < row.expires_at - timezone.now() < timedelta(days=91)
    assert token not in browser.get(PAGE).content.decode()
    assert "no-store" in made["Cache-Control"]


def test_making_and_revoking_stand_in_the_diary_without_the_token(ada, as_user):
    browser = as_user(ada)
    token = browser.post(PAGE, FIGURES).context["token"]
    row = Token.objects.get()
    for _ in range(2):
        assert browser.post(f"{PAGE}{row.pk}/revoke/").status_code == 302
    row.refresh_from_db()
    assert (row.revoked_by, row.works) == (str(ada), False)
    told = Event.objects.filter(verb="user.token").order_by("pk")
    assert [event.past for event in told] == ["made a token as", "revoked a token as"]
    assert not any(token in str(event.facts.values) for event in told)


def test_only_an_administrator_makes_one_of_a_service_and_sees_those_of_others(ada, cem, eve, as_user):
    as_user(ada).post(PAGE, {**FIGURES, "reads_for": "service", "owner": cem.pk})
    mine = Token.objects.get()
    assert (mine.is_service, mine.owner) == (False, ada)
    assert as_user(cem).post(f"{PAGE}{mine.pk}/revoke/").status_code == 404
    assert "Weekly figures" not in as_user(cem).get(PAGE).content.decode()

    browser = as_user(eve)
    browser.post(PAGE, {**FIGURES, "sources": ["*", "leads"], "kinds": ["*"], "reads_for": "service", "owner": cem.pk})
    service = Token.objects.latest("pk")
    assert (service.is_service, service.owner, service.scopes) == (True, cem, ["read:*.*"])
    assert service in as_user(cem).get(PAGE).context["tokens"]
    assert as_user(eve).post(f"{PAGE}{mine.pk}/revoke/").status_code == 302
    mine.refresh_from_db()
    assert mine.revoked_by == str(eve)


def test_one_that_ends_soon_and_one_that_nobody_answers_for_say_so(eve, cem, as_user):
    made = {"scopes": ["read:*.*"], "created_by": "Eve", "owner": cem, "is_service": True}
    Token.mint(name="Soon", expires_at=timezone.now() + timedelta(days=3), **made)
    type(cem).objects.filter(pk=cem.pk).update(is_active=False)
    page = as_user(eve).get(PAGE).content.decode()
    assert "Ends soon" in page
    assert "Nobody answers for it" in page


def test_those_that_work_are_seen_however_many_were_revoked(ada, as_user):
    until = timezone.now() + timedelta(days=30)
    fields = {"owner": ada, "scopes": ["read:*.*"], "expires_at": until, "created_by": "Ada"}
    works = [Token.mint(name=f"Works {number}", **fields)[0] for number in range(60)]
    gone = [Token.mint(name=f"Gone {number}", revoked_at=timezone.now(), **fields)[0] for number in range(3)]
    browser = as_user(ada)
    first = browser.get(PAGE).context["page"]
    second = browser.get(PAGE, {"before": first.older}).context["page"]
    assert (first.rows + second.rows, second.older) == (works[::-1], None)
    assert browser.get(f"{PAGE}?revoked").context["tokens"] == gone[::-1]


def test_no_token_works_for_longer_than_a_year(ada):
    until = timezone.now() + timedelta(days=400)
    with pytest.raises(IntegrityError, match="token_ends_within_a_year"), transaction.atomic():
        Token.mint(name="For ever", owner=ada, scopes=["read:*.*"], expires_at=until, created_by="Ada")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Name the program"),
        ("name", "a\0b", "Remove what is no letter here"),
        ("name", "x" * 81, "80"),
        ("sources", [], "Choose what it may read."),
        ("sources", ["bills"], "Choose one from the list."),
        ("kinds", [], "Choose at least one view."),
        ("days", "4000", "Choose one from the list."),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_nothing_is_made(field, value, words, ada, as_user):
    page = as_user(ada).post(PAGE, {**FIGURES, field: value})
    assert page.status_code == 422
    assert words in str(page.context["form"].errors[field])
    assert not Token.objects.exists()


def test_the_demo_has_programs_in_every_state(ada, eve):
    programs.tell({"ada": ada, "eve": eve})
    states = {row.name: (row.works, row.ends_soon) for row in Token.objects.all()}
    assert states == {
        "Board figures": (True, False),
        "Client status page": (True, True),
        "My sheet of leads": (True, False),
        "Trial of a dashboard": (False, False),
    }
