"""Files that nobody would think of: each is read, or refused in a sentence, and never breaks us."""

import pytest
from django.contrib.auth.models import Group
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opportunities.imports import BadFile, import_leads, read_table
from opportunities.models import User

quick = settings(max_examples=150)


def outcome(read):
    """Return what was read and no words, or nothing and the sentence of the refusal."""
    try:
        return read(), ""
    except BadFile as trouble:
        return None, str(trouble)


@quick
@given(st.binary(max_size=300))
@example(b"\xff\xfe")
@example(b'a,"b\n')
def test_any_bytes_are_a_table_or_a_bad_file(raw):
    table, refusal = outcome(lambda: read_table(raw, "The file"))
    assert refusal.endswith(".") or all(set(row) <= set(table.header) for _, row in table.rows)


@quick
@given(st.text(max_size=300))
def test_any_list_is_counted_row_by_row(growth_ops, text):
    raw = f"Name,Email,Status,Created\n{text}".encode("utf-8", "surrogatepass")
    report = import_leads(raw, owner=growth_ops, dry_run=True)
    assert report.known == 0


@pytest.fixture
def growth_ops(db):
    user = User(username="gro", email="gro@zarts.example", is_staff=True)
    user.save()
    user.groups.add(Group.objects.get(name="Growth ops"))
    return user
