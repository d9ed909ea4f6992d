import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from opportunities.atonce import AtOnce

# Providers that were typed freely: the word stays, among us.
NAME_OTHERS = """
update handoff_connector set account = provider, provider = 'Another account'
where provider <> all (array['Google Analytics', 'Google Ads', 'Google Business Profile', 'Google Search Console',
  'Google Tag Manager', 'Meta Ads', 'LinkedIn Ads', 'HubSpot', 'Salesforce', 'Pipedrive', 'Mailchimp', 'Klaviyo',
  'Shopify', 'WooCommerce', 'WordPress', 'Webflow', 'Squarespace', 'Wix', 'Stripe', 'Calendly', 'CallRail', 'Zapier'])
"""


class Migration(migrations.Migration):
    """What was promised or published stays, and a provider is one of the list."""

    dependencies = [
        ("opportunities", "0003_settled"),
        ("handoff", "0002_words_for_the_client"),
    ]

    operations = [
        AtOnce(
            [
                migrations.RemoveConstraint(
                    model_name="connector",
                    name="connector_once_a_provider",
                ),
                migrations.AddField(
                    model_name="connector",
                    name="account",
                    field=models.CharField(
                        blank=True,
                        help_text="Clients do not read this. Needed for “Another account”.",
                        max_length=80,
                        verbose_name="which account",
                    ),
                ),
                migrations.RunSQL(NAME_OTHERS, migrations.RunSQL.noop),
                migrations.AlterField(
                    model_name="connector",
                    name="provider",
                    field=models.CharField(
                        choices=[
                            ("Google Analytics", "Google Analytics"),
                            ("Google Ads", "Google Ads"),
                            ("Google Business Profile", "Google Business Profile"),
                            ("Google Search Console", "Google Search Console"),
                            ("Google Tag Manager", "Google Tag Manager"),
                            ("Meta Ads", "Meta Ads"),
                            ("LinkedIn Ads", "LinkedIn Ads"),
                            ("HubSpot", "HubSpot"),
                            ("Salesforce", "Salesforce"),
                            ("Pipedrive", "Pipedrive"),
                            ("Mailchimp", "Mailchimp"),
                            ("Klaviyo", "Klaviyo"),
                            ("Shopify", "Shopify"),
                            ("WooCommerce", "WooCommerce"),
                            ("WordPress", "WordPress"),
                            ("Webflow", "Webflow"),
                            ("Squarespace", "Squarespace"),
                            ("Wix", "Wix"),
                            ("Stripe", "Stripe"),
                            ("Calendly", "Calendly"),
                            ("CallRail", "CallRail"),
                            ("Zapier", "Zapier"),
                            ("Another account", "Another account"),
                        ],
                        max_length=80,
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="promise",
                    trigger=pgtrigger.compiler.Trigger(
                        name="words_stay",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN (OLD.handoff_id IS DISTINCT FROM NEW.handoff_id OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.title IS DISTINCT FROM NEW.title OR OLD.words IS DISTINCT FROM NEW.words OR OLD.record_type IS DISTINCT FROM NEW.record_type OR OLD.record_id IS DISTINCT FROM NEW.record_id OR OLD.sold_by_id IS DISTINCT FROM NEW.sold_by_id)",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="b04cfa37d87f1d364a36aad8cb3a8d99d39afbb4",
                            operation="UPDATE",
                            pgid="pgtrigger_words_stay_f6a7f",
                            table="handoff_promise",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="promise",
                    trigger=pgtrigger.compiler.Trigger(
                        name="agreed_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN ((OLD.stage <> 'disputed') AND (OLD.settled_as IS DISTINCT FROM NEW.settled_as))",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="5edd09c66b36985288b26b1fdb0b44ee6df51188",
                            operation="UPDATE",
                            pgid="pgtrigger_agreed_stays_d8ae8",
                            table="handoff_promise",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="report",
                    trigger=pgtrigger.compiler.Trigger(
                        name="published_stays",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            condition="WHEN ((OLD.stage IN ('published')) AND (OLD.summary_id IS DISTINCT FROM NEW.summary_id OR OLD.numbers IS DISTINCT FROM NEW.numbers OR OLD.next_steps IS DISTINCT FROM NEW.next_steps OR OLD.written_by_id IS DISTINCT FROM NEW.written_by_id OR OLD.approved_by_id IS DISTINCT FROM NEW.approved_by_id OR OLD.approved_digest IS DISTINCT FROM NEW.approved_digest OR OLD.published_at IS DISTINCT FROM NEW.published_at OR OLD.publication_id IS DISTINCT FROM NEW.publication_id))",
                            execute="public.zarts_keep_settled()",
                            func="RETURN NEW;",
                            hash="381b8eee0a92f5c3bd6e4a625bccb9e43aab9ba5",
                            operation="UPDATE",
                            pgid="pgtrigger_published_stays_f86cc",
                            table="handoff_report",
                            when="BEFORE",
                        ),
                    ),
                ),
                pgtrigger.migrations.AddTrigger(
                    model_name="reportnote",
                    trigger=pgtrigger.compiler.Trigger(
                        name="frozen",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            execute="public.zarts_forbid()",
                            func="RETURN NEW;",
                            hash="2348d539d46badddd11d3fb05f84da64836e5b3b",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_frozen_0c8c4",
                            table="handoff_reportnote",
                            when="BEFORE",
                        ),
                    ),
                ),
                migrations.AddConstraint(
                    model_name="connector",
                    constraint=models.UniqueConstraint(
                        fields=("project", "provider", "account"), name="connector_once_an_account"
                    ),
                ),
            ]
        ),
    ]
