"""The rules of the house, kept by machine. README's "Where is…" says where each rule lives."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, models
from django.utils.module_loading import import_string
from importlinter.cli import lint_imports

from opportunities import walls
from opportunities.records import REACTIONS, Gate, Kept, Output, who_may

ROOT = Path(__file__).resolve().parent.parent
RECORDS = walls.records()
STEPS = [(model, step) for model in RECORDS for step in model.steps()]
names = lambda pair: f"{pair[0].__name__}.{pair[1].name} from {pair[1].source}"  # noqa: E731


def test_imports_run_one_way():
    assert lint_imports() == 0


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


NAMES = {model.__name__ for model in RECORDS}
WRITES = {"update", "create", "get_or_create", "update_or_create", "setattr"}


def writes_of_a_stage(tree):
    """Yield the lines of a module that write a stage, however many lines each takes."""
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Attribute) and target.attr == "stage" for target in targets):
            yield node.lineno
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            named = {keyword.arg for keyword in node.keywords}
            named |= {value.value for value in node.args if isinstance(value, ast.Constant)}
            if called in WRITES | NAMES | {"cls"} and "stage" in named:
                yield node.lineno


def test_a_stage_is_set_by_moves_alone():
    """Nothing in the product writes a stage: not by assignment, not by update, not when a record is made."""
    wrong = [
        f"{file.relative_to(ROOT)}:{line}"
        for app in ("opportunities", "proposals", "handoff", "zarts")
        for file in (ROOT / app).rglob("*.py")
        if "migrations" not in file.parts
        for line in writes_of_a_stage(ast.parse(file.read_text()))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "deal.stage = 'won'",
        "deal.stage: str = 'won'",
        "rows.filter(pk=1).update(\n    due_on=day(\n        3),\n    stage='won',\n)",
        "Lead.objects.create(\n    name='Bo', stage='working')",
        "begin(Lead(\n    name='Bo',\n    stage='working'), by=ada)",
        "setattr(deal, 'stage', 'won')",
    ],
)
def test_a_stage_that_is_written_is_found_over_several_lines(text):
    assert list(writes_of_a_stage(ast.parse(text)))


@pytest.mark.parametrize("pair", STEPS, ids=names)
def test_every_move_says_what_it_does_and_who_may(pair):
    model, step = pair
    assert step.method.__doc__, "a move has a docstring"
    assert step.custom["label"][0].isupper()
    assert step.custom["past"][0].islower()
    assert callable(step.permission), "a move has a policy"
    assert all(isinstance(gate, Gate) and gate.sentence.endswith(".") for gate in step.custom["gates"])
    if step.custom["asks"]:
        assert import_string(step.custom["asks"])


@pytest.mark.django_db
@pytest.mark.parametrize("pair", STEPS, ids=names)
def test_every_move_can_say_in_words_who_may_make_it(pair):
    model, step = pair
    assert who_may(step.permission) not in ("", "Nobody yet"), "some role holds its permission"


@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)
def test_every_record_lists_its_stages_in_its_docstring(model):
    assert "→" in model.__doc__ or len(model.Stage) == 1
    assert set(model.CLOSED) <= set(model.Stage)


@pytest.mark.django_db
def test_every_state_machine_has_its_walls_in_the_database():
    with connection.cursor() as cursor:
        cursor.execute(
            "select tgrelid::regclass::text, tgname from pg_trigger where not tgisinternal and tgenabled = 'O'"
        )
        there = {(table, re.sub(r"^pgtrigger_|_[0-9a-f]{5}$", "", name)) for table, name in cursor.fetchall()}
    for model in RECORDS:
        for wall in ("stage_edge", "stage_told", "birth_told"):
            assert (model._meta.db_table, wall) in there, f"{model.__name__} lacks {wall}"


def test_every_state_column_belongs_to_a_record():
    """A state machine that is no Record would have no walls."""
    from django_fsm import FSMFieldMixin

    for model in apps.get_models():
        if any(isinstance(field, FSMFieldMixin) for field in model._meta.concrete_fields):
            assert model in RECORDS


@pytest.mark.parametrize("model", [model for model in RECORDS if issubclass(model, Output)], ids=lambda m: m.__name__)
def test_every_open_output_is_owned_and_has_a_next_action(model):
    assert not model._meta.get_field("owner").null
    if set(model.Stage) - set(model.CLOSED):
        constraints = [c for c in model._meta.constraints if isinstance(c, models.CheckConstraint)]
        assert any("next_action" in str(c.condition) for c in constraints), "the database keeps it"


def test_the_portal_points_at_nothing_of_ours():
    for model in apps.get_app_config("portal").get_models():
        for field in model._meta.get_fields():
            related = field.related_model
            assert related is None or related._meta.app_label == "portal", field


def test_only_publishing_writes_publications():
    writing = re.compile(
        r"Publication\((?!\))|Publication\.publish\(|Publication\.objects\.(create|bulk_create|update|get_or)"
    )
    ours = [file for app in ("opportunities", "proposals", "handoff", "zarts") for file in (ROOT / app).rglob("*.py")]
    writers = [str(file.relative_to(ROOT)) for file in ours if writing.search(file.read_text())]
    assert writers == ["proposals/publishing.py"]


def test_everything_kept_says_whom_it_belongs_to():
    for model in apps.get_models():
        if issubclass(model, Kept):
            assert model.lineage() is not None
            assert model._meta.default_permissions == ("view", "add", "change"), "nothing is deleted"


def test_everything_scheduled_exists():
    for name, job in settings.CELERY_BEAT_SCHEDULE.items():
        assert callable(import_string(job["task"])), name


def in_the_order_in_which_they_run(app):
    """Return an app's files of SQL. One that only undoes another is none of them."""
    found = {}
    for migration in sorted((ROOT / app / "migrations").glob("0*.py")):
        names = re.findall(r'"(\w+\.sql)"', migration.read_text())
        found |= {name: ROOT / app / "sql" / name for name in names if not name.endswith("_down.sql")}
    return found


@pytest.mark.parametrize("app", ["opportunities", "proposals", "portal"])
def test_a_function_of_the_database_that_is_written_anew_says_where_it_stands_now(app):
    """Migrations go back to the older text, so it stays; nobody should read it for the one that runs."""
    written = {}
    for file, path in in_the_order_in_which_they_run(app).items():
        lines = path.read_text().splitlines()
        for before, line in zip(["", *lines], lines, strict=False):
            if made := re.match(r"create (?:or replace )?function (?:public\.)?(\w+)", line):
                written.setdefault(made[1], []).append((file, before))
    wrong = []
    for name, [*earlier, (now, above)] in written.items():
        wrong += [f"{name} in {file}: “-- Now in {now}.”" for file, said in earlier if said != f"-- Now in {now}."]
        wrong += [f"{name} in {now}: it is the newest"] if above.startswith("-- Now in ") else []
    assert wrong == []


def test_every_reaction_stands_in_the_list_of_them():
    listed = (ROOT / "docs" / "reactions.md").read_text()
    ours = {reaction.__name__ for reactions in REACTIONS.values() for reaction in reactions}
    assert {name for name in ours if f"`{name}`" not in listed} == set(), "docs/reactions.md lists every reaction"


def test_every_reaction_answers_a_move_that_there_is():
    verbs = {f"{model._meta.model_name}.{step.name}" for model, step in STEPS}
    verbs |= {f"{model._meta.model_name}.{how}" for model in apps.get_models() for how in ("create", "edit")}
    # What is told and no move, and announced so that the apps above react to it: announce(audit, "correct", …).
    said = "".join(file.read_text() for app in ("opportunities", "proposals") for file in (ROOT / app).rglob("*.py"))
    verbs |= {f"{record}.{how}" for record, how in re.findall(r'announce\((?:self\.)?(\w+), "(\w+)"', said)}
    assert set(REACTIONS) - verbs == set()


def test_migrations_and_checks_need_no_network_and_name_no_registry():
    for file in [
        *ROOT.glob("requirements/*"),
        *(ROOT / n for n in ("pyproject.toml", "Makefile", "Dockerfile", "docker-compose.yml")),
    ]:
        assert not re.search(r"https?://[^ ]*(pypi|simple|index|mirror)", file.read_text()), file


# What only the demo sets.
OF_THE_DEMO = {"CAUGHT_MAIL_DIR"}


def test_every_setting_stands_in_the_page_about_deploying():
    code = "".join((ROOT / "zarts" / name).read_text() for name in ("settings.py", "gunicorn.py"))
    names = set(re.findall(r'(?:env\.\w+|needed|kept_secret|seal_part|environ\.get)\(\s*"([A-Z_]+)"', code))
    assert {"PORTAL_URL", "SEAL_CERT", "WEB_WORKERS"} <= names
    page = (ROOT / "docs" / "deploy.md").read_text()
    assert {name for name in names - OF_THE_DEMO if f"`{name}`" not in page} == set()


def test_no_stylesheet_locks_the_way_a_device_is_held():
    """The browser's tests leave this one rule of accessibility out: it would fetch every stylesheet once more."""
    sheets = [*(ROOT / "static").rglob("*.css"), *(ROOT / "templates").rglob("*.html")]
    assert sheets
    assert [sheet.name for sheet in sheets if "orientation:" in sheet.read_text()] == []


def test_clean_removes_the_folder_that_it_looks_into(tmp_path):
    """A folder that no demo made is not removed at all."""
    data = tmp_path / "data"
    data.mkdir()
    clean = ["make", "-C", str(ROOT), "clean", f"DATA_DIR={data}"]
    listed = subprocess.run([*clean, "-n"], capture_output=True, text=True).stdout
    (removes,) = [line.split() for line in listed.splitlines() if line.startswith("rm ")]
    assert f'"{data}"' in removes
    assert ".data" not in removes

    refused = subprocess.run(clean, capture_output=True, text=True)
    assert refused.returncode
    assert "is no demo's folder" in refused.stdout
    assert data.exists()


def test_the_portal_process_starts_with_its_own_settings_alone():
    """The public process needs no staff secret and loads no staff app."""
    code = "import django as d; d.setup(); print(sorted(app.label for app in d.apps.apps.get_app_configs()))"
    environment = {
        "PATH": "/usr/bin:/bin",
        "DJANGO_SETTINGS_MODULE": "zarts.settings",
        "SURFACE": "portal",
        "PORTAL_DATABASE_URL": "postgres://zarts_portal@localhost/none",
        "PORTAL_SECRET_KEY": "k" * 50,
        "PORTAL_URL": "https://clients.example",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "['portal', 'staticfiles']", done.stderr
