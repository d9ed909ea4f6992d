"""The embedded servers and the demo: whoever starts them, however often, and what a lesser owner may do."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.core.management import get_commands
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from tests.browser.people import two_ports
from zarts import demo, embedded

ROOT = Path(__file__).resolve().parent.parent
ATTACH = "from zarts import embedded; print(embedded.database_urls('{home}')['owner'])"


@pytest.fixture
def home():
    """A data folder of its own. Its servers stop by themselves when nobody uses them."""
    folder = Path(tempfile.mkdtemp(prefix="zarts-"))
    yield folder
    embedded._held.pop(folder, None)
    embedded.lock(folder / "users", embedded.fcntl.LOCK_EX).close()  # its keeper has to be through first
    shutil.rmtree(folder)


def run(*words, home, expect=0, before=(), **env):
    """Run a process of the product in this data folder, and return what it said."""
    env = {name: value for name, value in os.environ.items() if not name.endswith("_URL")} | env
    done = subprocess.run(
        [*before, sys.executable, *words],
        cwd=ROOT,
        env=env | {"DATA_DIR": str(home)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    assert (done.returncode == 0) == (expect == 0), done.stdout
    return done.stdout


def test_a_second_demo_says_that_one_runs(home):
    first = demo.Demo(home, two_ports())
    first.claim()
    assert "A demo is running already" in run("-m", "zarts.demo", home=home, expect=1)


def test_a_demo_whose_port_is_taken_says_which(home):
    with demo.socket.socket() as taken:
        taken.bind((demo.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} is taken" in run("-m", "zarts.demo", home=home, expect=1, PORT=str(port))


def as_nobody(home):
    """Return the words that make root an ordinary user, who may still read a checkout in root's own folder."""
    os.chown(home, *embedded.server_user())
    ids = [f"--re{kind}={number}" for kind, number in zip(("uid", "gid"), embedded.server_user(), strict=True)]
    power = ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override", "--securebits=+no_setuid_fixup"]
    return ["setpriv", *ids, "--clear-groups", *power]


def test_what_was_written_is_there_when_the_servers_start_again_and_an_ordinary_user_may_start_them(home):
    before = as_nobody(home) if os.geteuid() == 0 else []
    if os.geteuid() == 0:
        assert run("-c", "import os; print(os.geteuid())", home=home, before=before).strip() != "0"
    write = ATTACH + "; import psycopg; psycopg.connect('{url}', autocommit=True).execute('create table kept ()')"
    url = run("-c", ATTACH.format(home=home), home=home, before=before).strip()
    run("-c", write.format(home=home, url=url), home=home, before=before)
    embedded.lock(home / "users", embedded.fcntl.LOCK_EX).close()  # nobody is left: wait until they have stopped
    assert not embedded.answers(embedded.postgres_socket(home))

    run("-c", write.replace("create table kept ()", "table kept").format(home=home, url=url), home=home, before=before)


@pytest.mark.slow
def test_an_owner_who_may_not_create_roles_is_told_the_command_that_helps(home):
    embedded.attach(home)
    host = quote(str(embedded.socket_dir(home)))
    with psycopg.connect(f"postgresql://postgres@/postgres?host={host}", autocommit=True) as administrator:
        administrator.execute("create role weak login")
        administrator.execute("create database weak owner weak")
        urls = {
            "OWNER_DATABASE_URL": f"postgresql://weak@/weak?host={host}",
            "DATABASE_URL": f"postgresql://zarts_app:one@/weak?host={host}",
            "PORTAL_DATABASE_URL": f"postgresql://zarts_portal:two@/weak?host={host}",
            "REDIS_URL": embedded.redis_url(home),
            "EMAIL_URL": "smtp://127.0.0.1:2525",
            **dict.fromkeys(["SECRET_KEY", "PORTAL_SECRET_KEY"], "x" * 60),
        }

        assert "manage.py sql_logins" in run("manage.py", "migrate", home=home, expect=1, **urls)

        said = run("manage.py", "sql_logins", home=home, **urls)
        for line in re.findall("create role .*;", said):
            administrator.execute(line)
        run("manage.py", "migrate", home=home, **urls)

    with psycopg.connect(urls["DATABASE_URL"]) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("delete from opportunities_event")


def test_every_command_that_the_pages_name_is_there():
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), ROOT / "portal" / "README.md"]
    words = "\n".join(page.read_text() for page in pages)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"[`/ ]manage\.py ([a-z_]+)", words)) <= set(get_commands())
    assert set(re.findall(r"(?:`|^    )make ([a-z]+)", words, re.M)) <= targets


def test_a_long_address_reaches_a_page_of_ours(monkeypatch):
    """What is wrong with it is said there in words; gunicorn has a bare page for it."""
    monkeypatch.setenv("DATABASE_POOL", "1")
    config = Config()
    config.set("limit_request_line", import_module("zarts.gunicorn").limit_request_line)
    asked = f"GET /admin/find/?q={'a' * 10_000} HTTP/1.1\r\nHost: zarts.example\r\n\r\n"
    request = next(RequestParser(config, [asked.encode()], ("127.0.0.1", 1)))
    assert len(request.query) > 10_000
