from pathlib import Path

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

SQL = Path(__file__).parents[1] / "sql"


def earlier(file, *names):
    """Return doors as they were written before this migration."""
    written = (SQL / file).read_text()
    starts = [written.index(f"create function public.{name}(") for name in names]
    doors = [written[start : written.index("\n$$;\n", start) + 5] for start in starts]
    return "\n".join(door.replace("create function", "create or replace function", 1) for door in doors)


BEFORE = "\n".join(
    [
        (SQL / "guests_down.sql").read_text(),
        earlier("wall.sql", "portal_live_session", "portal_client"),
        earlier("doors.sql", "portal_request_sign_in", "portal_sign_in", "portal_session", "portal_my_actions"),
        "drop function public.portal_client_name(bigint, text);",
        "drop function public.portal_seeing(text);",
    ]
)


class Migration(migrations.Migration):
    """Guests sign in by a link, a code or a passkey, and are persons: of several clients, with sessions of their own."""

    dependencies = [
        ("portal", "0007_reading"),
    ]

    operations = [
        migrations.CreateModel(
            name="Passkey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.CharField(db_index=True, max_length=254)),
                ("name", models.CharField(max_length=80)),
                ("credential", models.CharField(max_length=1400, unique=True)),
                ("public_key", models.BinaryField()),
                ("sign_count", models.BigIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Preview",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("client_id", models.BigIntegerField()),
                ("client_name", models.CharField(max_length=200)),
                ("publication_id", models.BigIntegerField(blank=True, null=True)),
                ("made_by", models.CharField(max_length=200)),
                ("entry_hash", models.CharField(max_length=64, unique=True)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("enter_until", models.DateTimeField()),
                ("token_hash", models.CharField(blank=True, max_length=64, null=True, unique=True)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="UsedChallenge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.RemoveIndex(
            model_name="signinrequest",
            name="portal_signinrequest_address",
        ),
        migrations.AddField(
            model_name="guest",
            name="client_name",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="guest",
            name="taken_by",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="session",
            name="address",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="session",
            name="email",
            field=models.CharField(blank=True, db_default="", default="", max_length=254),
        ),
        migrations.AddField(
            model_name="session",
            name="user_agent",
            field=models.CharField(blank=True, db_default="", default="", max_length=400),
        ),
        migrations.AddField(
            model_name="signinlink",
            name="code_hash",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="signinlink",
            name="request",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="links",
                to="portal.signinrequest",
            ),
        ),
        migrations.AddField(
            model_name="signinrequest",
            name="network",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="signinrequest",
            name="nonce_hash",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="signinrequest",
            name="tried_hash",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="signinrequest",
            name="tried_in",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="signinrequest",
            name="tries",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name="guest",
            index=models.Index(fields=["email"], name="portal_guest_by_email"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                condition=models.Q(("revoked_at", None)), fields=["email"], name="portal_session_by_email"
            ),
        ),
        migrations.AddIndex(
            model_name="signinrequest",
            index=models.Index(fields=["network", "at"], name="portal_signinrequest_network"),
        ),
        migrations.AddIndex(
            model_name="signinrequest",
            index=models.Index(
                condition=models.Q(("nonce_hash", ""), _negated=True),
                fields=["nonce_hash"],
                name="portal_signinrequest_nonce",
            ),
        ),
        migrations.RunSQL((SQL / "guests.sql").read_text(), BEFORE),
    ]
