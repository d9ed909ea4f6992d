from pathlib import Path

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

from opportunities.atonce import AtOnce

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    """A decision, an author and a bill stay, and nobody decides on what they wrote."""

    dependencies = [
        ("opportunities", "0003_settled"),
        ("proposals", "0004_words_for_the_client"),
    ]

    operations = [
        AtOnce(
            [
                migrations.RunSQL(
                    (SQL / "four_eyes.sql").read_text(), "drop function if exists public.zarts_keep_four_eyes cascade"
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="approval",
                    trigger=pgtrigger.compiler.Trigger(
                        name="decision_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN ((OLD.stage <> 'pending') AND (OLD.decided_by_id IS DISTINCT FROM NEW.decided_by_id OR OLD.decided_at IS DISTINCT FROM NEW.decided_at OR OLD.decision IS DISTINCT FROM NEW.decision))",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="d1caf26943c67e4ecf1c1c275c151ec4801c1e1f",
                            operation="UPDATE",
                            pgid="pgtrigger_decision_stays_593aa",
                            table="proposals_approval",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="approval",
                    trigger=pgtrigger.compiler.Trigger(
                        name="four_eyes",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.stage <> NEW.stage AND NEW.stage IN ('approved', 'rejected', 'changes_requested'))",
                            execute="public.zarts_keep_four_eyes()",
                            func="RETURN NEW;",
                            hash="4ddaabe83dc253466eaa792f8efd3a65f7324eb5",
                            operation="UPDATE",
                            pgid="pgtrigger_four_eyes_b9bcc",
                            table="proposals_approval",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="contract",
                    trigger=pgtrigger.compiler.Trigger(
                        name="author_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.author_id IS DISTINCT FROM NEW.author_id)",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="f5709dd14174c9f0b825208163cb0205afa2eb71",
                            operation="UPDATE",
                            pgid="pgtrigger_author_stays_3be8e",
                            table="proposals_contract",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="payment",
                    trigger=pgtrigger.compiler.Trigger(
                        name="bill_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN ((OLD.stage <> 'not_due') AND (OLD.amount IS DISTINCT FROM NEW.amount OR OLD.currency IS DISTINCT FROM NEW.currency OR OLD.invoice IS DISTINCT FROM NEW.invoice OR OLD.due_on IS DISTINCT FROM NEW.due_on))",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="167b6d64fcc51fa20c21a5124b61dbedf0bb4ade",
                            operation="UPDATE",
                            pgid="pgtrigger_bill_stays_b72e4",
                            table="proposals_payment",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="payment",
                    trigger=pgtrigger.compiler.Trigger(
                        name="paid_grows",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN ((NEW.paid < OLD.paid OR OLD.stage IN ('paid', 'waived', 'refunded')) AND (OLD.paid IS DISTINCT FROM NEW.paid))",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="63cf5d98133c0dbd8bb82919a3d34d969cc16ed5",
                            operation="UPDATE",
                            pgid="pgtrigger_paid_grows_24180",
                            table="proposals_payment",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="proposal",
                    trigger=pgtrigger.compiler.Trigger(
                        name="author_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.author_id IS DISTINCT FROM NEW.author_id)",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="52806568d88dd549d6a949d0ae5fb8311aaddf21",
                            operation="UPDATE",
                            pgid="pgtrigger_author_stays_5e8ef",
                            table="proposals_proposal",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="summary",
                    trigger=pgtrigger.compiler.Trigger(
                        name="author_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.author_id IS DISTINCT FROM NEW.author_id)",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="c3adc9fa9664f32fa2b0006455d3ec998f240f7a",
                            operation="UPDATE",
                            pgid="pgtrigger_author_stays_a721e",
                            table="proposals_summary",
                            when="BEFORE",
                        ),
                    ),
                ),
            ]
        ),
    ]
