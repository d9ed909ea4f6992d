"""Nothing is deleted by anybody: not by a page, not by a shell of the application, not by SQL under its login."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import DatabaseError, connection, transaction
from django.db.models import ProtectedError
from django.urls import reverse

from opportunities.records import Kept
from tests.test_matrix import browser_of
from tests.world import a_row_of
from zarts.desk.logins import DELETABLE

KEPT = [model for model in apps.get_models() if issubclass(model, Kept)]
# Written into a proposal that is not sent yet, or a questionnaire nobody was asked; a wall keeps them from then on.
# The diary keeps what was taken out.
DRAFTED = {
    "proposals_scopeitem",
    "proposals_milestone",
    "proposals_priceline",
    "proposals_claim",
    "proposals_signatory",
    "opportunities_question",
    # What a look at a file found; each look reads it anew, until the file comes in.
    "opportunities_importrow",
}


def test_no_record_stands_among_what_may_be_deleted():
    assert {model._meta.db_table for model in KEPT} & DELETABLE <= DRAFTED


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["ada", "ben", "cem", "dora", "eve", "ann", "root"])
def test_no_role_deletes_a_record_by_its_page(role, world, ada, ben, cem, dora, eve, ann):
    people = {"ada": ada, "ben": ben, "cem": cem, "dora": dora, "eve": eve, "ann": ann, "root": ben}
    user = people[role]
    if role == "root":
        user.is_superuser = True
        user.save()
    client, tried = browser_of(user), 0
    for model in KEPT:
        if model not in admin.site._registry or not (row := model._base_manager.order_by("-pk").first()):
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        tried += 1
        assert client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code in (403, 404), model
        action = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
        client.post(reverse(f"{name}_changelist"), action)
        assert model._base_manager.filter(pk=row.pk).exists(), model
    assert tried > 25


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["delete from {} where id = %s", "truncate {} cascade"])
def test_no_statement_of_the_application_deletes_a_record(how, world, subtests):
    for model in KEPT:
        table = model._meta.db_table
        if table in DRAFTED and how.startswith("delete"):
            continue
        with subtests.test(table):
            row = a_row_of(model, world) if model._base_manager.exists() else None
            given = [row.pk if row else 0] if "%s" in how else None
            refused = pytest.raises(DatabaseError, match="permission denied")
            with refused, transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(how.format(table), given)


@pytest.mark.django_db
def test_no_shell_of_the_application_deletes_a_record(world, subtests):
    for model in KEPT:
        if model._meta.db_table in DRAFTED or not model._base_manager.exists():
            continue
        with subtests.test(model._meta.db_table):
            row = a_row_of(model, world)
            with pytest.raises((DatabaseError, ProtectedError)), transaction.atomic():
                row.delete()
            assert model._base_manager.filter(pk=row.pk).exists()
