"""What looks like a secret: nobody hands us one, and none is kept.

The same expression is asked by forms, by moves, by the portal's doors and by the database, so it holds to what Python
and PostgreSQL share; letters count alike, large or small.
"""

import re

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
FOUND = re.compile(SECRET, re.IGNORECASE)


def looks_secret(words) -> bool:
    return bool(FOUND.search(words or ""))
