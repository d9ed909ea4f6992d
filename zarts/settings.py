"""Settings of every process, read from the environment. SURFACE says what this process serves.

Nothing insecure is a default: a secret that is missing stops the start. Only where no DATABASE_URL is
given (the demo and the tests, on embedded servers) are secrets made up and kept in DATA_DIR.
"""

import re
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from zarts import mailing, sealkeys

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

SURFACE = env.str("SURFACE", "admin")
if SURFACE not in ("admin", "portal"):
    raise ImproperlyConfigured(f"SURFACE is “{SURFACE}”. Set it to admin or portal.")
PORTAL = SURFACE == "portal"

DEBUG = env.bool("DEBUG", False)
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / ".data")))

# -- Servers. No URL means embedded: a real PostgreSQL and a real Redis from their wheels. ----------------------------

EMBEDDED = not (env.str("DATABASE_URL", "") or env.str("PORTAL_DATABASE_URL", "") or env.str("OWNER_DATABASE_URL", ""))


def needed(name):
    """Return a setting that has no safe default, or stop and say so."""
    if value := env.str(name, ""):
        return value
    raise ImproperlyConfigured(f"Set {name}. See docs/deploy.md.")


def kept_secret(name):
    """Return a secret; with embedded servers, one that is made once and kept in DATA_DIR."""
    if value := env.str(name, ""):
        return value
    if not EMBEDDED:
        return needed(name)
    file = DATA_DIR / name.lower()
    if not file.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(48))
    return file.read_text()


if EMBEDDED:
    from zarts import embedded

    _urls = embedded.database_urls(DATA_DIR)
else:
    _urls = {
        "owner": env.str("OWNER_DATABASE_URL", ""),
        "app": env.str("DATABASE_URL", ""),
        "portal": env.str("PORTAL_DATABASE_URL", ""),
        "reader": env.str("READER_DATABASE_URL", ""),
    }


def database(url, *, pooled=False):
    config = environ.Env.db_url_config(url)
    config["CONN_HEALTH_CHECKS"] = True
    options = config.setdefault("OPTIONS", {})
    config["HOST"] = options.pop("host", config["HOST"])  # ?host=/folder: a server on a socket, as libpq writes it
    options["application_name"] = f"zarts {SURFACE}"
    # What is asked again and again is read once, on the server, and planned for what is asked: a plan for anybody took
    # Today of somebody with 95,000 deals from 0.5 to 1.9 s, from the tenth time on.
    options["server_side_binding"] = True
    options["prepare_threshold"] = 5
    # The numbers of three months at a million deals are grouped in memory: the usual 4 MB send them through files.
    # And no disk turns any more: a page out of order costs hardly more than the next one. To compile a statement that
    # is planned each time takes longer than it saves; the server that comes with the demo and the bench never does.
    settings = {"work_mem": "16MB", "random_page_cost": "1.1", "plan_cache_mode": "force_custom_plan", "jit": "off"}
    options.setdefault("options", " ".join(f"-c {name}={value}" for name, value in settings.items()))
    if pooled:
        config["ENGINE"] = "zarts.postgres"
        options["pool"] = {"min_size": 1, "max_size": env.int("DATABASE_POOL"), "timeout": 10}
    else:
        config["CONN_MAX_AGE"] = None
    return config


# Web processes set DATABASE_POOL; a pool must not be shared by the forks of a Celery worker.
_pooled = env.int("DATABASE_POOL", 0) > 0
_url = _urls["portal" if PORTAL else "app"] or needed("PORTAL_DATABASE_URL" if PORTAL else "DATABASE_URL")
DATABASES = {"default": database(_url, pooled=_pooled)}
if not PORTAL and _urls["owner"]:
    # Only `migrate` uses it, and makes the logins below with the passwords of their URLs.
    DATABASES["owner"] = database(_urls["owner"])
LOGINS = {"zarts_app": _urls["app"], "zarts_portal": _urls["portal"], "zarts_reader": _urls["reader"]}

# -- Addresses and secrets. --------------------------------------------------------------------------------------------

SITE_URL = env.str("SITE_URL", "http://localhost:8000").rstrip("/")
PORTAL_URL = env.str("PORTAL_URL", "http://localhost:8001").rstrip("/")
_own_url = PORTAL_URL if PORTAL else SITE_URL
SECRET_KEY = kept_secret("PORTAL_SECRET_KEY" if PORTAL else "SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[urlsplit(_own_url).hostname, "localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = [_own_url]
# How many proxies stand in front of this surface: so many hops of X-Forwarded-For are ours and can be believed.
PROXIES = env.int("PORTAL_PROXIES" if PORTAL else "SITE_PROXIES", 0)

# What a payment provider signs its calls with. Several, separated by commas, while one takes the place of another.
PAYMENT_SECRETS = env.list("PAYMENT_SECRET", default=[])
if any(len(secret) < 24 for secret in PAYMENT_SECRETS):
    raise ImproperlyConfigured("PAYMENT_SECRET: each secret has 24 letters or more, without a comma among them.")

# Hosts of one's own network, as name or name:port, that webhooks may lead to all the same, by http as well.
HOOKS_OWN_HOSTS = env.list("HOOKS_OWN_HOSTS", default=["localhost", "127.0.0.1"] if DEBUG else [])

HTTPS = _own_url.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Not no-referrer: browsers would then send "Origin: null" with our own forms, and the CSRF check would refuse them.
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "portal.views.refused.csrf" if PORTAL else "zarts.desk.views.refused.csrf"
X_FRAME_OPTIONS = "DENY"
_prefix = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_prefix}zarts_{SURFACE}", f"{_prefix}zarts_{SURFACE}_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 14 * 24 * 3600

# -- What runs. --------------------------------------------------------------------------------------------------------

STAFF_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.forms",
    "zarts.desk.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "guardian",
    "axes",
    "django_fsm",
    "pgtrigger",
    "anymail",
    "portal",
    "opportunities",
    "proposals",
    "handoff",
    "zarts.reads",
    "zarts.api",
    "zarts.search",
    "zarts.numbers",
    "zarts.hooks",
    "zarts.takeout",
    "zarts.retest",
    "zarts.desk",
]
STAFF_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "zarts.desk.middleware.OwnCodeOnly",
    "zarts.desk.middleware.OnlyPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "zarts.desk.middleware.KeepsWords",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "zarts.desk.middleware.OwnTimeZone",
    "zarts.desk.middleware.SaysRefusals",
    "axes.middleware.AxesMiddleware",
]
PORTAL_APPS = ["django.contrib.staticfiles", "portal"]
PORTAL_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.PlainHeaders",
    "portal.wall.ServesBehindTheWall",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "portal.middleware.PreviewWritesNothing",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
INSTALLED_APPS = PORTAL_APPS if PORTAL else STAFF_APPS
MIDDLEWARE = PORTAL_MIDDLEWARE if PORTAL else STAFF_MIDDLEWARE
ROOT_URLCONF = "portal.urls" if PORTAL else "zarts.urls"
WSGI_APPLICATION = "zarts.wsgi.application"

STAFF_CONTEXT = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"] if PORTAL else STAFF_CONTEXT},
    }
]

# -- People. -----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "opportunities.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "opportunities.backends.RoleBackend",
    "guardian.backends.ObjectPermissionBackend",
]
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "today"
# Wrong passwords are counted for a name at an address: nobody can lock a colleague out from elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "zarts.desk.signin.knocker"
AXES_LOCKOUT_CALLABLE = "zarts.desk.signin.closed"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# -- Words, dates, files. ----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = False
FORMAT_MODULE_PATH = "zarts.formats"
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", "UTC")
# The country, as two letters, whose public holidays the agency keeps: hours for an approval do not run on them.
AGENCY_COUNTRY = env.str("AGENCY_COUNTRY", "")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
# Not in the source tree: the tests, which have a DATA_DIR of their own, must not meet what a demo once collected.
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
_manifest = ((STATIC_ROOT / "staticfiles.json").exists() or "collectstatic" in sys.argv) and not DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _manifest
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not _manifest
# The files of evidence, and mail as it came in. Every process of the staff surface sees the same folder; the public
# surface has none.
FILES_DIR = Path(env.str("FILES_DIR", str(DATA_DIR / "files")))
MEDIA_ROOT = FILES_DIR
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

AGENCY_NAME = env.str("AGENCY_NAME", "Zarts")
AGENCY_PERSON = env.str("AGENCY_PERSON", "Dana Whitfield")
# The one colour of the client's pages and mails, as #rrggbb, and the file of the logo that stands there for the name.
AGENCY_COLOUR = env.str("AGENCY_COLOUR", "#1c5d4c").lower()
AGENCY_LOGO = env.str("AGENCY_LOGO", "")
# Within how many hours somebody who asked hears from us.
FIRST_RESPONSE_HOURS = env.int("FIRST_RESPONSE_HOURS", 24)
AGENCY_EMAIL = env.str("AGENCY_EMAIL", "hello@zarts.example")

# -- The seal of what both sides signed. The public surface holds its certificate, and never its key. ------------------


def seal_part(name, kind, made):
    """Return a part of the seal: PEM text, or the path of a file with it; with embedded servers one made once."""
    try:
        return sealkeys.part(sealkeys.read(env.str(name, "", multiline=True)) or made, kind)
    except OSError as error:
        raise ImproperlyConfigured(f"{name} names a file that cannot be read: {error.strerror}.") from error


_made = sealkeys.made_once(DATA_DIR, AGENCY_NAME) if EMBEDDED and not env.str("SEAL_CERT", "") else ""
# The first is the one in use; any that follow were in use before, and what they sealed stays known.
SEAL_CERT = seal_part("SEAL_CERT", "CERTIFICATE", _made)
SEAL_KEY = "" if PORTAL else seal_part("SEAL_KEY", "(?:EC |RSA )?PRIVATE KEY", _made)

# -- Mail and background. ----------------------------------------------------------------------------------------------

MAIL_PROVIDER = env.str("MAIL_PROVIDER", "").strip().lower()
EMAIL_URL = env.str("EMAIL_URL", "smtp://127.0.0.1:8025" if EMBEDDED else "")
if not EMAIL_URL and not MAIL_PROVIDER and not PORTAL:
    needed("EMAIL_URL")
vars().update(environ.Env.email_url_config(EMAIL_URL) if EMAIL_URL else {})
# Shorter than the lease of a mail that is being sent (opportunities/outbox.py).
EMAIL_TIMEOUT = 10
if MAIL_PROVIDER and not PORTAL:
    vars().update(mailing.settings_of(MAIL_PROVIDER, lambda name: env.str(name, ""), timeout=EMAIL_TIMEOUT))
DEFAULT_FROM_EMAIL = f"{AGENCY_NAME} <{AGENCY_EMAIL}>"
# Mail that comes in. Answers go to this address with a key: reply@in.x.example becomes reply+1f…@in.x.example.
INBOUND_ADDRESS = env.str("INBOUND_ADDRESS", "")
if INBOUND_ADDRESS and not all(INBOUND_ADDRESS.rpartition("@")):
    raise ImproperlyConfigured(
        f"INBOUND_ADDRESS is “{INBOUND_ADDRESS}”. Set it to an address, such as reply@in.x.example."
    )
# The mailbox that is looked into: imaps://user:password@host:993/INBOX. Unset: none is.
INBOUND_IMAP_URL = env.str("INBOUND_IMAP_URL", "")
# So many bytes of a mail are read at most; of a larger one, only its headers.
INBOUND_MOST = env.int("INBOUND_MOST", 25 * 1024 * 1024)
# The servers whose Authentication-Results we believe, by the name that they write there. Unset: none is.
MAIL_VOUCHED_BY = [name.strip().lower() for name in env.list("MAIL_VOUCHED_BY", default=[])]
for _name in MAIL_VOUCHED_BY:
    if not re.fullmatch(r"[a-z0-9_.-]+", _name):
        raise ImproperlyConfigured(
            f"MAIL_VOUCHED_BY names “{_name}”, which is no server. Set it to names, such as mx.x.example,mx2.x.example."
        )
# What a mail provider calls us with, as user:password. Unset: the addresses for providers are not there.
MAIL_WEBHOOK_SECRET = env.str("MAIL_WEBHOOK_SECRET", "")
if MAIL_WEBHOOK_SECRET and not all(MAIL_WEBHOOK_SECRET.partition(":")):
    raise ImproperlyConfigured("MAIL_WEBHOOK_SECRET is no name and password. Set it to user:password.")
ANYMAIL = {"WEBHOOK_SECRET": MAIL_WEBHOOK_SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": env.str("MAILGUN_SIGNING_KEY", "")}
# Where the demo's catcher keeps the mails that it caught. Unset: nobody catches, and the page is not there.
CAUGHT_MAIL_DIR = env.str("CAUGHT_MAIL_DIR", "")

if not PORTAL:
    REDIS_URL = env.str("REDIS_URL", "") or (embedded.redis_url(DATA_DIR) if EMBEDDED else needed("REDIS_URL"))
    CELERY_BROKER_URL = REDIS_URL
    CELERY_TASK_IGNORE_RESULT = True
    CELERY_TASK_ACKS_LATE = True
    CELERY_TASK_REJECT_ON_WORKER_LOST = True
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1
    CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 2, "socket_connect_timeout": 2, "visibility_timeout": 300}
    CELERY_TASK_SOFT_TIME_LIMIT = 60
    CELERY_TIMEZONE = TIME_ZONE
    CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat")
    # Every job by the clock, in one place. A poke that nobody took before the next one is worth nothing.
    CELERY_BEAT_SCHEDULE = {
        "a round of due work": {"task": "zarts.desk.tasks.tick", "schedule": 1.0, "options": {"expires": 5}},
    }

# -- Logs: to standard error, for whoever runs the process to keep. ---------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"tokens": {"()": "portal.logs.WithoutTokens"}, "ways": {"()": "portal.logs.WithoutWays"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "plain",
            "filters": ["tokens", "ways"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO" if DEBUG else "WARNING"},
    "loggers": {"zarts": {"level": "INFO"}},
}

UNFOLD = {
    "SITE_TITLE": "ZartsAlgo",
    "SITE_HEADER": "ZartsAlgo",
    "SITE_URL": PORTAL_URL,
    "SITE_SYMBOL": "conversion_path",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "zarts.desk.navigation.favicon"}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": None,
    "DASHBOARD_CALLBACK": None,
    "STYLES": ["zarts.desk.navigation.staff_css"],
    "SCRIPTS": ["zarts.desk.navigation.staff_js"],
    "ACCOUNT": {"navigation": "zarts.desk.navigation.account"},
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": "zarts.desk.navigation.sidebar"},
}
