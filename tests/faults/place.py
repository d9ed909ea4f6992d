"""Where a run takes place: a database and a broker that can be taken away."""

import time
from urllib.parse import quote

import psycopg

from zarts import embedded


class OwnServers:
    """Servers of its own in a data folder: they are really stopped, and started again."""

    def __init__(self, home):
        self.home = embedded.attach(home)
        self.host = quote(str(embedded.socket_dir(self.home)))

    def url(self, login):
        return f"postgresql://{login}@/{embedded.DATABASE}?host={self.host}"

    def env(self):
        return {
            "DATA_DIR": str(self.home),
            "DATABASE_URL": self.url("zarts_app"),
            "PORTAL_DATABASE_URL": self.url("zarts_portal"),
            "OWNER_DATABASE_URL": self.url("postgres"),
            "REDIS_URL": embedded.redis_url(self.home),
            "SECRET_KEY": "only-for-this-run-" * 4,
        }

    def connect(self):
        return psycopg.connect(self.url("postgres"), autocommit=True)

    def flush(self):
        self.redis("flushall")

    def restart_broker(self):
        self.redis("shutdown", "nosave")
        time.sleep(2)
        embedded.start_redis(self.home)

    def redis(self, *words):
        tool, socket = embedded.redis_tool("redis-cli"), embedded.redis_socket(self.home)
        embedded.run(self.home, tool, "-s", socket, *words, check=False)

    def stop_database(self):
        """Let it go down as by a power cut, and be away for two seconds."""
        data = self.home / "postgres"
        embedded.run(self.home, embedded.tool("pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop", check=False)
        time.sleep(2)
        embedded.start_postgres(self.home)


class LentServers:
    """A database on servers that others use too: it is closed to everybody for a while, and a broker's room emptied."""

    def __init__(self, name, urls, owner, data_dir):
        self.name, self.urls, self.owner, self.data_dir = name, urls, owner, data_dir

    def env(self):
        return {**self.urls, "DATA_DIR": str(self.data_dir), "SECRET_KEY": "only-for-this-run-" * 4}

    def connect(self):
        return psycopg.connect(**self.owner, dbname=self.name, autocommit=True)

    def flush(self):
        from kombu import Connection

        with Connection(self.urls["REDIS_URL"]) as broker:
            broker.default_channel.client.flushdb()

    restart_broker = flush

    def stop_database(self):
        with psycopg.connect(**self.owner, dbname="postgres", autocommit=True) as server:
            server.execute(f'alter database "{self.name}" allow_connections false')
            server.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()",
                [self.name],
            )
            time.sleep(1)
            server.execute(f'alter database "{self.name}" allow_connections true')
