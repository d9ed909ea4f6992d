"""Many clients with all that one can read: one of them came by the real moves, the others are its copies."""

from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connections

from bench.databases import Database, owner
from zarts.settings import database

CLIENTS = 10_000
# So far from the numbers of the clients that came by the real moves.
FIRST = 1_000_000

COPIES = """
create table bench_made as
  select p.*, {first} + n as copy_of_client, n from portal_publication p, generate_series(1, {clients}) n
  where p.client_id = {client};
insert into portal_publication (client_id, kind, ref, title, body, digest, approved_by, published_at, withdrawn_at,
    withdrawn_reason, open_until)
  select copy_of_client, kind, ref || '-' || n, title, body, digest, approved_by, published_at, withdrawn_at,
    withdrawn_reason, open_until
  from bench_made order by id, n;
drop table bench_made;
insert into portal_guest (client_id, client_name, contact_id, name, email, created_at, taken_by)
  select {first} + n, 'Harbor Dental ' || n, n, 'Bo Larsen', 'bo' || n || '@client.example', now(), ''
  from generate_series(1, {clients}) n;
insert into portal_session (guest_id, client_id, email, token_hash, created_at, seen_at, expires_at)
  select id, client_id, email, encode(sha256(convert_to('room ' || contact_id, 'UTF8')), 'hex'), now(), now(),
    now() + interval '10 years'
  from portal_guest where client_id > {first};
insert into portal_clientaction (client_id, publication_id, contact_id, verb, name, role, words, data, digest, address,
    user_agent, at, handled_at, outcome)
  select q.client_id, q.id, a.contact_id, a.verb, a.name, a.role, a.words, a.data, a.digest, a.address, a.user_agent,
    a.at, now(), a.outcome
  from portal_clientaction a
  join portal_publication p on p.id = a.publication_id and p.client_id = {client}
  join portal_publication q on q.client_id > {first} and split_part(q.ref, '-', 1) = p.ref
    and q.published_at = p.published_at;
insert into portal_paper (publication_id, kind, bytes, sha256, made_at)
  select id, 'read', '', digest, now() from portal_publication
  where client_id > {first} and kind in ('proposal', 'contract');
"""


def somebody(name, role):
    from opportunities.models import User

    user = User(username=name, first_name=name.capitalize(), email=f"{name}@zarts.example", is_staff=True)
    user.reach_of = "all"
    user.save()
    user.groups.add(Group.objects.get(name=role))
    return User.objects.get(pk=user.pk)


class Rooms(Database):
    """A database with so many clients, most of them copies of one that has everything."""

    NAME, HOLDS = "bench_clients_{}", "{:,} clients"

    def fill(self):
        from tests.makers_handoff import a_report
        from tests.makers_proposals import a_contract, a_proposal

        mia, ben, dora = somebody("mia", "Growth ops"), somebody("ben", "Manager"), somebody("dora", "Delivery")
        report = a_report(mia, manager=ben, delivery=dora, stage="published")
        a_proposal(mia, approver=ben, stage="sent")
        a_contract(mia, approver=ben, stage="sent")
        with owner(self.name) as server:
            server.execute("set session_replication_role = replica")
            client = report.project.opportunity.client_id
            server.execute(COPIES.format(first=FIRST, clients=self.size, client=client))

    def __init__(self, size=CLIENTS):
        super().__init__(size)
        connections.databases["portal"] = {
            **connections.databases["default"],
            **database(settings.LOGINS["zarts_portal"]),
            "NAME": self.name,
        }
        self.portal = connections.create_connection("portal")
        connections.databases["owner"]["NAME"] = self.name
        self.owner = connections.create_connection("owner")
        with owner(self.name) as server:
            query = "select count(*) from portal_publication"
            self.publications = server.execute(query).fetchone()[0]

    @contextmanager
    def as_login(self, connection):
        """Ask the database with this connection meanwhile."""
        before, connection.alias = connections["default"], "default"
        connections["default"] = connection
        try:
            yield connection
        finally:
            connections["default"] = before


def room(number) -> str:
    """Return the token of the session that is open in a copy's room."""
    return f"room {number}"
