from pathlib import Path

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from opportunities.atonce import AtOnce

SQL = Path(__file__).resolve().parent.parent / "sql"
# Mails that were written before: the link leaves the words, and stays only where it still has to go out.
TAKE_OUT = r"""
update opportunities_message set
  secret_link = case when stage = 'sent' then '' else substring(body from 'https?://\S+/p/[A-Za-z0-9_-]{43}/') end,
  body = regexp_replace(body, 'https?://\S+/p/[A-Za-z0-9_-]{43}/', '[their own link, which only the mail itself shows]')
where template = 'proposal' and body ~ 'https?://\S+/p/[A-Za-z0-9_-]{43}/'
"""


class Migration(migrations.Migration):
    """What is settled stays, and a link that is as good as a signature leaves the words of mails."""

    dependencies = [
        ("opportunities", "0002_words_for_the_client"),
    ]

    operations = [
        AtOnce(
            [
                migrations.RunSQL(
                    (SQL / "settled.sql").read_text(), "drop function if exists public.zarts_keep_settled cascade"
                ),
                migrations.AddField(
                    model_name="message",
                    name="secret_link",
                    field=models.CharField(blank=True, editable=False, max_length=300),
                ),
                migrations.RunSQL(TAKE_OUT, migrations.RunSQL.noop),
                pgtrigger.migrations.AddTrigger(
                    model_name="closing",
                    trigger=pgtrigger.compiler.Trigger(
                        name="frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_forbid()",
                            func="RETURN NEW;",
                            hash="bdc1b2decb009c0ac1cde31feac29673ef0778c5",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_frozen_cb7b8",
                            table="opportunities_closing",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="consent",
                    trigger=pgtrigger.compiler.Trigger(
                        name="withdrawn_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (NOT (OLD.withdrawn_at IS NULL))",
                            execute="public.zarts_forbid()",
                            func="RETURN NEW;",
                            hash="c2e16105ef1b27e60fc4a3d8929952f467bac3c7",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_withdrawn_stays_65c99",
                            table="opportunities_consent",
                            when="BEFORE",
                        ),
                    ),
                ),
                migrations.AddConstraint(
                    model_name="message",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("stage", "sent"), _negated=True), ("secret_link", ""), _connector="OR"
                        ),
                        name="sent_message_keeps_no_secret",
                    ),
                ),
            ]
        ),
    ]
