import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import opportunities.words
from opportunities.atonce import at_once

# What looks like a secret, as it was asked then.
LOOKS = (
    # "password: hunter2", "api key = …", but not "1Password: Harbor Dental".
    r"(?<![a-z0-9])(?:pass(?:word|wd|phrase|code)?|pwd|pw|pin|kennwort|passwort|secret|token"
    r"|(?:api|access|private|client)[ _-]?(?:key|secret))\s*(?:=|:|->)\s*\S",
    r"(?<![a-z0-9])(?:password|passphrase|passcode|pin|token|secret)\s+is\s+(?!in |kept |at |with |stored |held )\S",
    # An address that signs in by itself.
    r"[a-z][a-z0-9+.-]*://[^\s/@:]*:[^\s/@]+@",
    r"[?&](?:key|token|sig|signature|secret|password|pwd|auth|code|access_token|api_key)=\S",
    # Keys as providers write them.
    r"(?<![a-z0-9])(?:sk|pk|rk|whsec|xox[abeoprs]|gh[oprsu]|github_pat|glpat|hf|npm|shpat|shpss|sg|ya29)"
    r"[-_.][a-z0-9_-]*[0-9][a-z0-9_-]{6,}",
    r"(?<![a-z0-9])(?:akia|asia)[a-z0-9]{12,}",
    r"(?<![a-z0-9])(?:aiza|eyj)[a-z0-9_-]{20,}",
    r"-----begin ",
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"(?=[a-z+=]*[0-9])(?=[0-9+=]*[a-z])[a-z0-9+=]{20,}",
    # A word as passwords are: letters, figures and a sign that words have not.
    r"(?<!\S)(?!\S*://)(?=\S*[a-z])(?=\S*[0-9])(?=\S*[!$^*#])\S{8,}",
)
SECRET = "|".join(LOOKS)

# What the house knew until now, with how each lets somebody in.
INVITE = "Open the settings of your account, and invite us by our mail address as a user."
ADMIN = "Invite us by our mail address as a user who may change things. You can take it back at any time."
GOOGLE = "Open Admin, then Access management.\nPress the plus sign, add our mail address"

PROVIDERS = [
    ("Google Analytics", f"{GOOGLE}, and choose Viewer.", "google analytics, ga4"),
    ("Google Ads", f"{GOOGLE}, and choose Standard.", "google ads, adwords"),
    (
        "Google Business Profile",
        "Open Settings, then People and access.\nAdd our mail address as a manager.",
        "google business, google my business",
    ),
    (
        "Google Search Console",
        "Open Settings, then Users and permissions.\nAdd our mail address with full rights.",
        "search console",
    ),
    (
        "Google Tag Manager",
        "Open Admin, then User management.\nAdd our mail address, and let us publish.",
        "tag manager, gtm",
    ),
    (
        "Meta Ads",
        "Open the Business settings, then People.\nInvite our mail address, and choose your ad account.",
        "meta ads, facebook ads, instagram ads",
    ),
    (
        "LinkedIn Ads",
        "Open Account settings, then Manage access.\nAdd our mail address as a campaign manager.",
        "linkedin ads",
    ),
    ("HubSpot", "Open Settings, then Users and teams.\nCreate a user with our mail address.", "hubspot"),
    ("Salesforce", ADMIN, "salesforce"),
    ("Pipedrive", INVITE, "pipedrive"),
    ("Mailchimp", INVITE, "mailchimp"),
    ("Klaviyo", INVITE, "klaviyo"),
    ("Shopify", "Open Settings, then Users.\nSend an invitation to our mail address.", "shopify"),
    ("WooCommerce", ADMIN, "woocommerce"),
    ("WordPress", "Open Users, then Add new.\nUse our mail address, and choose Editor.", "wordpress"),
    ("Webflow", INVITE, "webflow"),
    ("Squarespace", INVITE, "squarespace"),
    ("Wix", INVITE, "wix"),
    ("Stripe", "Open Settings, then Team.\nInvite our mail address with the right to view.", "stripe"),
    ("Calendly", INVITE, "calendly"),
    ("CallRail", INVITE, "callrail"),
    ("Zapier", INVITE, "zapier"),
]
OTHER = "Another account"
OTHER_HOW = "We have talked about which one. Invite us by our mail address as a user."

# A connector says its provider by name; whoever holds it is named where exactly one contact is called so; who granted
# and verified it, and when, says its diary. What looks like a secret goes: it should never have been there.
POINT_AT_THEM = rf"""
update handoff_connector c set provider_id = p.id from handoff_provider p where p.name = c.provider_name;
update handoff_connector set account = left(provider_name, 80)
 where provider_id is null and account = '' and provider_name <> '';
update handoff_connector set provider_id = (select id from handoff_provider where names_account limit 1)
 where provider_id is null;
update handoff_connector c set holder_contact_id = found.id
  from handoff_project p, (
    select client_id, name, min(id) as id from opportunities_contact where merged_into_id is null
    group by client_id, name having count(*) = 1) found
 where p.id = c.project_id and found.client_id = p.client_id and found.name = c.access_holder and c.access_holder <> '';
update handoff_connector c set granted_at = e.at, granted_by_id = e.actor_id from (
  select distinct on (record_id) record_id, at, actor_id from opportunities_event
   where record_type = 'handoff.connector' and verb = 'connector.grant' order by record_id, id desc) e
 where e.record_id = c.id and c.stage in ('granted', 'verified', 'broken');
update handoff_connector c set verified_at = e.at, verified_by_id = e.actor_id from (
  select distinct on (record_id) record_id, at, actor_id from opportunities_event
   where record_type = 'handoff.connector' and verb = 'connector.verify' order by record_id, id desc) e
 where e.record_id = c.id and c.stage = 'verified';
update handoff_connector set secret_kept_at = 'It looked like a secret and was taken out'
 where secret_kept_at ~* '{SECRET}';
update handoff_connector set access_holder = '' where access_holder ~* '{SECRET}';
update handoff_connector set account = 'Account ' || id where account ~* '{SECRET}';
set constraints all immediate;
set constraints all deferred;
"""  # noqa: S608 - the words are ours


def know_the_providers(apps, schema_editor):
    """Write them down where an agency works already. A new installation is furnished with them."""
    names = (("handoff", "Provider"), ("opportunities", "Diary"), ("proposals", "Service"), ("handoff", "Connector"))
    provider, diary, *used = (
        apps.get_model(*name)._base_manager.using(schema_editor.connection.alias) for name in names
    )
    if any(rows.exists() for rows in used):
        for name, how, called in PROVIDERS:
            provider.create(name=name, how=how, called=called, diary=diary.create())
        provider.create(name=OTHER, how=OTHER_HOW, names_account=True, diary=diary.create())


class Migration(migrations.Migration):
    """Providers are data, an access has a holder who may leave, and the client ticks off and grants in the portal."""

    dependencies = [
        ("handoff", "0007_promises_settled"),
        ("opportunities", "0028_questions"),
        ("proposals", "0021_change_orders"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Provider",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="Clients read it in their portal.",
                        max_length=80,
                        unique=True,
                        validators=[opportunities.words.plain_words],
                    ),
                ),
                (
                    "how",
                    models.TextField(
                        blank=True,
                        help_text="Clients read it beside the access. One step a line.",
                        max_length=600,
                        validators=[opportunities.words.plain_words],
                        verbose_name="how to let us in",
                    ),
                ),
                (
                    "called",
                    models.CharField(
                        blank=True,
                        help_text="Words by which discovery names it, with commas between. Without one it is only chosen by hand.",
                        max_length=200,
                        verbose_name="what people call it",
                    ),
                ),
                ("is_offered", models.BooleanField(default=True, verbose_name="can be chosen")),
                (
                    "names_account",
                    models.BooleanField(
                        default=False,
                        help_text="For one that stands for many. Clients do not read which.",
                        verbose_name="has to say which account",
                    ),
                ),
            ],
            options={
                "ordering": ["names_account", "name"],
                "abstract": False,
                "default_permissions": ("view", "add", "change"),
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="checklistitem",
            name="stage_edge",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="connector",
            name="stage_edge",
        ),
        migrations.AddField(
            model_name="checklistitem",
            name="group",
            field=models.CharField(
                blank=True,
                help_text="The heading on the list. Clients read it.",
                max_length=80,
                validators=[opportunities.words.plain_words],
                verbose_name="under",
            ),
        ),
        migrations.AddField(
            model_name="checklistitem",
            name="reopened_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="connector",
            name="did_not_work",
            field=models.BooleanField(default=False, editable=False, verbose_name="we could not get in"),
        ),
        migrations.AddField(
            model_name="connector",
            name="granted_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="connector",
            name="granted_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="connector",
            name="holder_contact",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="opportunities.contact",
                verbose_name="who at the client holds it",
            ),
        ),
        migrations.AddField(
            model_name="connector",
            name="holder_user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="who of us holds it",
            ),
        ),
        migrations.AddField(
            model_name="connector",
            name="said_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="connector",
            name="said_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="opportunities.contact",
            ),
        ),
        migrations.AddField(
            model_name="connector",
            name="said_name",
            field=models.CharField(blank=True, editable=False, max_length=80, verbose_name="who let us in"),
        ),
        migrations.AddField(
            model_name="connector",
            name="said_to",
            field=models.CharField(blank=True, editable=False, max_length=120, verbose_name="which address was let in"),
        ),
        migrations.AddField(
            model_name="connector",
            name="verified_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="connector",
            name="verified_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="kickoff_time",
            field=models.TimeField(
                blank=True,
                help_text="By the client’s clock: that of their time zone.",
                null=True,
                verbose_name="kickoff at",
            ),
        ),
        migrations.AlterField(
            model_name="connector",
            name="access_holder",
            field=models.CharField(blank=True, editable=False, max_length=160, verbose_name="who held it"),
        ),
        migrations.AddField(
            model_name="provider",
            name="diary",
            field=models.OneToOneField(
                editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="opportunities.diary"
            ),
        ),
        migrations.RemoveConstraint(model_name="connector", name="connector_once_an_account"),
        migrations.RenameField(model_name="connector", old_name="provider", new_name="provider_name"),
        migrations.AddField(
            model_name="connector",
            name="provider",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="connectors", to="handoff.provider"
            ),
        ),
        migrations.RunPython(know_the_providers, migrations.RunPython.noop),
        migrations.RunSQL(POINT_AT_THEM, migrations.RunSQL.noop),
        migrations.RemoveField(model_name="connector", name="provider_name"),
        migrations.AlterField(
            model_name="connector",
            name="provider",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="connectors", to="handoff.provider"
            ),
        ),
        migrations.AddConstraint(
            model_name="connector",
            constraint=models.UniqueConstraint(
                fields=("project", "provider", "account"), name="connector_once_an_account"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="checklistitem",
            trigger=pgtrigger.compiler.Trigger(
                name="stage_edge",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="public.zarts_keep_stage('open', 'done>open', 'open>done', 'open>waived')",
                    func="RETURN NEW;",
                    hash="823d37043f31fd05459bba3adfd7947a34c39bb0",
                    operation='INSERT OR UPDATE OF "stage"',
                    pgid="pgtrigger_stage_edge_5ca34",
                    table="handoff_checklistitem",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="connector",
            trigger=pgtrigger.compiler.Trigger(
                name="who_and_when_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.stage = NEW.stage) AND (OLD.granted_at IS DISTINCT FROM NEW.granted_at OR OLD.granted_by_id IS DISTINCT FROM NEW.granted_by_id OR OLD.verified_at IS DISTINCT FROM NEW.verified_at OR OLD.verified_by_id IS DISTINCT FROM NEW.verified_by_id))",
                    execute="public.zarts_keep_settled()",
                    func="RETURN NEW;",
                    hash="2c3ebcf6c98cef9854976e534a1161e3d2b285e5",
                    operation="UPDATE",
                    pgid="pgtrigger_who_and_when_stay_0a0b3",
                    table="handoff_connector",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="connector",
            trigger=pgtrigger.compiler.Trigger(
                name="said_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.said_at IS NOT NULL AND NEW.said_at IS NOT NULL) AND (OLD.said_at IS DISTINCT FROM NEW.said_at OR OLD.said_by_id IS DISTINCT FROM NEW.said_by_id OR OLD.said_name IS DISTINCT FROM NEW.said_name OR OLD.said_to IS DISTINCT FROM NEW.said_to))",
                    execute="public.zarts_keep_settled()",
                    func="RETURN NEW;",
                    hash="69c8365277dd67115580020d1273d5485bf9eeac",
                    operation="UPDATE",
                    pgid="pgtrigger_said_stays_e606c",
                    table="handoff_connector",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="connector",
            trigger=pgtrigger.compiler.Trigger(
                name="stage_edge",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="public.zarts_keep_stage('requested', 'broken>broken', 'broken>granted', 'broken>revoked', 'granted>broken', 'granted>revoked', 'granted>verified', 'requested>granted', 'requested>requested', 'requested>revoked', 'revoked>requested', 'verified>broken', 'verified>revoked')",
                    func="RETURN NEW;",
                    hash="4619fd7cb5cede3ff5a7c64f7f2ba87955987120",
                    operation='INSERT OR UPDATE OF "stage"',
                    pgid="pgtrigger_stage_edge_07c75",
                    table="handoff_connector",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="connector",
            constraint=models.CheckConstraint(
                condition=models.Q(("holder_contact", None), ("holder_user", None), _connector="OR"),
                name="connector_has_one_holder",
                violation_error_message="Choose one who holds it: somebody at the client, or one of us.",
            ),
        ),
        migrations.AddConstraint(
            model_name="connector",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("account__iregex", SECRET), _negated=True),
                    models.Q(("access_holder__iregex", SECRET), _negated=True),
                    models.Q(("secret_kept_at__iregex", SECRET), _negated=True),
                    models.Q(("said_name__iregex", SECRET), _negated=True),
                    models.Q(("said_to__iregex", SECRET), _negated=True),
                ),
                name="connector_holds_no_secret",
                violation_error_message="Write where it is kept, not the secret itself: the vault, and the name of its entry.",
            ),
        ),
    ]
    operations = at_once(operations)
