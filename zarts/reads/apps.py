from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class Reads(AppConfig):
    name = "zarts.reads"

    def ready(self):
        post_migrate.connect(comment, sender=self)


def comment(using, **kwargs):
    """Write the catalogue's sentences into the database, for whoever reads the views there."""
    from psycopg import sql

    from .catalogue import VIEWS

    with connections[using].cursor() as cursor:
        cursor.execute("select count(*) from pg_views where schemaname = 'reads'")
        if not cursor.fetchone()[0]:
            return
        for view in VIEWS.values():
            table = sql.Identifier("reads", view.table)
            said = [(sql.SQL("view {}").format(table), view.words)]
            for name, column in view.columns.items():
                said.append((sql.SQL("column {}.{}").format(table, sql.Identifier(name)), column.words))
            for what, words in said:
                cursor.execute(sql.SQL("comment on {} is {}").format(what, sql.Literal(words)))
