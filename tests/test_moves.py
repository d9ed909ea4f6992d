"""Every move of every kind of record, asked for by every role: by the page's own POST, and through `perform`."""

import logging

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from opportunities import walls
from opportunities.models import Event
from opportunities.records import Refused, perform
from tests.conftest import person
from tests.test_matrix import browser_of
from tests.world import a_row_of


@pytest.fixture(autouse=True)
def quiet():
    """A refusal is logged, and here are hundreds."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def stage_of(row):
    return type(row)._base_manager.values_list("stage", flat=True).get(pk=row.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["ada", "ben", "cem", "dora", "finn", "eve", "ann"])
def test_a_move_is_refused_to_whoever_may_not_make_it(role, world, ada, ben, cem, dora, eve, ann):
    people = {"ada": ada, "ben": ben, "cem": cem, "dora": dora, "eve": eve, "ann": ann}
    user = people.get(role) or person("finn", "Delivery", team="West")
    client, tried = browser_of(user), 0
    for model in walls.records():
        row = a_row_of(model, world)
        seen = model._base_manager.filter(model.reach(user), pk=row.pk).exists()
        for move in row.moves_for(user):
            if move.allowed:
                continue
            tried += 1
            events = Event.objects.count()
            answer = client.post(move.url, {"reason": "Because.", "override": "Because."})
            assert answer.status_code == (403 if seen else 404), f"{role} {move.url}"
            with pytest.raises(PermissionDenied):
                perform(getattr(row, move.name), by=user)
            assert stage_of(row) == row.stage
            assert Event.objects.count() == events
    assert tried > 5, "there is something that is not theirs"


@pytest.mark.django_db
def test_whoever_sees_all_and_may_nothing_moves_nothing(world, ann, cem):
    """The auditor sees every record and the other team none: neither is offered a single move of Ada's."""
    for model in walls.records():
        row = a_row_of(model, world)
        for user in (ann, cem):
            assert [move.name for move in row.moves_for(user) if move.allowed] == [], f"{user} {model.__name__}"


@pytest.mark.django_db
def test_a_move_that_does_not_leave_the_present_stage_is_refused_in_words(world, ben):
    for model in walls.records():
        row = a_row_of(model, world)
        open_now = {step.name for step in row.moves()}
        for name in {step.name for step in model.steps()} - open_now:
            with pytest.raises(Refused, match="is already"), transaction.atomic():
                perform(getattr(row, name), by=ben)


@pytest.mark.django_db
def test_a_get_of_a_move_changes_nothing(world, ada):
    client = browser_of(ada)
    for model in walls.records():
        row = a_row_of(model, world)
        for move in row.moves_for(ada):
            client.get(move.url)
        assert stage_of(row) == row.stage


@pytest.mark.django_db
def test_every_form_wants_its_token(world, ada):
    """Without the token of the page that it came from, no POST gets in."""
    from django.test import Client

    client = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    client.force_login(ada)
    for model in walls.records():
        row = a_row_of(model, world)
        for move in row.moves_for(ada):
            assert client.post(move.url).status_code == 403
    assert client.post("/admin/pipeline/move/").status_code == 403
