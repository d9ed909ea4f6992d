from django.db import migrations, models

# What looks like a secret, as it was asked then.
VAULT = (
    r"https://(?:[a-z0-9-]+\.)*(?:1password\.(?:com|ca|eu)|bitwarden\.(?:com|eu)|lastpass\.(?:com|eu)|dashlane\.com"
    r"|keepersecurity\.(?:com|eu|ca|jp))/|(?:onepassword|bitwarden|lastpass|dashlane|keeper)://"
)
NUMBER = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
CALLED = r"(?:pass(?:word|wd|phrase|code)?|pwd|pw|pin|kennwort|passwort|secret|token)"

LOOKS = (
    # "password: hunter2", "api key = …", but not "1Password: Harbor Dental".
    rf"(?<![a-z0-9])(?:{CALLED}|(?:api|access|private|client)[ _-]?(?:key|secret))\s*(?:=|:|->|→)\s*\S",
    r"(?<![a-z0-9])(?:password|passphrase|passcode|pin|token|secret)\s+is\s+(?!in |kept |at |with |stored |held )\S",
    # "pw hunter2", "PIN 4711", but not "pass harbor/ga4", which is a place.
    rf"(?<![a-z0-9])(?:{CALLED}|login|logon)\s+(?=[^\s/-]*[0-9])[^\s/-]{{4,}}(?!\S)",
    r"(?<![a-z0-9])(?:pw|pwd|passwd)\s+(?!in |is |kept |at |with |stored |held |for |of |manager|safe|vault)\S",
    # "login bo / Sommer2026".
    r"(?<![a-z0-9])(?:login|logon|user(?:name)?)(?:\s*:\s*|\s+)\S+\s*[/|,;: ]\s*"
    r"(?=[^\s/-]*[a-z])(?=[^\s/-]*[0-9])[^\s/-]{6,}(?!\S)",
    # An address that signs in by itself.
    r"[a-z][a-z0-9+.-]*://[^\s/@:]*:[^\s/@]+@",
    r"[?&](?:key|token|sig|signature|secret|password|pwd|auth|code|access_token|api_key)=\S",
    # Keys as providers write them.
    r"(?<![a-z0-9])(?:sk|pk|rk|whsec|xox[abeoprs]|gh[oprsu]|github_pat|glpat|hf|npm|shpat|shpss|sg|ya29)"
    r"[-_.][a-z0-9_-]*[0-9][a-z0-9_-]{6,}",
    r"(?<![a-z0-9])(?:akia|asia)[a-z0-9]{12,}",
    r"(?<![a-z0-9])(?:aiza|eyj)[a-z0-9_-]{20,}",
    r"-----begin ",
    # A number as keys have it, unless a vault is named before it, or its link leads there.
    rf"[a-z0-9]-{NUMBER}",
    rf"^(?!(?:.|\n)*(?:1password|bitwarden|lastpass|dashlane|keeper)[^0-9]{{0,40}}{NUMBER})"
    rf"(?:(?:.|\n)*\s)?(?!{VAULT})\S*{NUMBER}",
    rf"(?<!\S)(?!{VAULT})\S*(?=[a-z+=]*[0-9])(?=[0-9+=]*[a-z])[a-z0-9+=]{{20,}}",
    # A word as passwords are: letters, figures and a sign that words have not.
    r"(?<!\S)(?!\S*://)(?=\S*[a-z])(?=\S*[0-9])(?=\S*[!$^*#])\S{8,}",
)
SECRET = "|".join(LOOKS)

SENTENCE = "Write where it is kept, not the secret itself: the vault, and the name of its entry."
TYPED = ("account", "access_holder", "secret_kept_at", "said_name", "said_to")

# What looks like a secret goes: it should never have been there.
TAKE_OUT = rf"""
update handoff_connector set secret_kept_at = 'It looked like a secret and was taken out'
 where secret_kept_at ~* '{SECRET}';
update handoff_connector set access_holder = '' where access_holder ~* '{SECRET}';
update handoff_connector set account = 'Account ' || id where account ~* '{SECRET}';
set constraints all immediate;
set constraints all deferred;
"""  # noqa: S608 - the words are ours

NO_SECRET = models.Q()
for name in TYPED:
    NO_SECRET &= ~models.Q(**{f"{name}__iregex": SECRET})


class Migration(migrations.Migration):
    """What looks like a secret is seen where it stands behind a word such as pw or login; links of vaults pass."""

    dependencies = [
        ("handoff", "0010_a_shorter_pause"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="connector", name="connector_holds_no_secret"),
        migrations.RunSQL(TAKE_OUT, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="connector",
            constraint=models.CheckConstraint(
                condition=NO_SECRET, name="connector_holds_no_secret", violation_error_message=SENTENCE
            ),
        ),
    ]
