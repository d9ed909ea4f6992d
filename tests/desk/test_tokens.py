"""The tokens of programs: made by an administrator, shown once, revoked for good."""

import pytest

from opportunities.models import Event
from portal.models import IntakeToken
from portal.tokens import token_hash

pytestmark = pytest.mark.django_db

PAGE = "/admin/intake-tokens/"
WEBSITE = {"name": "Website", "source_name": "Website form"}


def test_a_token_is_shown_in_the_answer_that_made_it_and_never_again(eve, as_user):
    browser = as_user(eve)
    made = browser.post(PAGE, WEBSITE)
    row, token = IntakeToken.objects.get(), made.context["token"]
    assert token in made.content.decode()
    assert row.token_hash == token_hash(token)
    assert row.created_by == str(eve)
    assert token not in browser.get(PAGE).content.decode()
    assert "no-store" in made["Cache-Control"]


def test_making_and_revoking_stand_in_the_diary_without_the_token(eve, as_user):
    browser = as_user(eve)
    token = browser.post(PAGE, WEBSITE).context["token"]
    row = IntakeToken.objects.get()
    for _ in range(2):
        assert browser.post(f"{PAGE}{row.pk}/revoke/").status_code == 302
    row.refresh_from_db()
    assert (row.revoked_by, row.revoked_at is not None) == (str(eve), True)
    told = Event.objects.filter(verb="user.token").order_by("pk")
    assert [event.past for event in told] == ["made an intake token as", "revoked an intake token as"]
    assert not any(token in str(event.facts.values) for event in told)


@pytest.mark.parametrize("name", ["ben", "ada", "ann"])
def test_only_an_administrator_sees_makes_and_revokes_them(name, request, as_user):
    row, _ = IntakeToken.mint(**WEBSITE, created_by="Eve")
    browser = as_user(request.getfixturevalue(name))
    assert browser.get(PAGE).status_code == 403
    assert browser.post(PAGE, WEBSITE).status_code == 403
    assert browser.post(f"{PAGE}{row.pk}/revoke/").status_code == 403
    row.refresh_from_db()
    assert (IntakeToken.objects.count(), row.revoked_at) == (1, None)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Name the program"),
        ("name", "x" * 81, "80"),
        ("source_name", " ", "Name the source"),
        ("name", "\u200b", "Name the program"),
        ("name", "a\0b", "Remove what is no letter here"),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost(eve, as_user, field, value, said):
    page = as_user(eve).post(PAGE, {**WEBSITE, field: value})
    assert page.status_code == 422
    assert said in str(page.context["form"].errors[field])
    assert not IntakeToken.objects.exists()
    assert "Website" in page.content.decode()
