"""What row security costs a client's page: the portal's own queries under its login, against the owner's."""

from django.db import connection, transaction

from bench.measure import Ratio, compare
from bench.rooms import FIRST, Rooms, room

# So many rooms are looked into in turn: no answer is in the server's cache because it was asked for a moment ago.
LOOKED_AT = 97
# The owner passes every wall. While this view is here, in its session alone, it reads one client's by their number.
ONE_CLIENT = """
create temporary view portal_publication as select * from public.portal_publication
  where client_id = current_setting('bench.client')::bigint
"""


def what_pages_read(proposal):
    """Ask what the pages of a room ask of publications: home, the proposal with its paper, history."""
    from portal.models import Paper, Publication
    from portal.views.room import newest

    shown = Publication.objects.newest()
    paper = Paper.objects.of(newest("proposal", proposal).pk)
    return shown, paper, list(Publication.objects.shown())


def portal_page(small, large) -> Ratio:
    """The same SELECTs for the same client: by the session's token behind the wall, and by the client's number."""
    from portal.models import Publication
    from portal.rights import portal_rights

    rooms = Rooms()
    with rooms:
        found = Publication.objects.filter(client_id__gt=FIRST, client_id__lte=FIRST + LOOKED_AT, kind="proposal")
        proposals = dict(found.values_list("client_id", "id"))
    turns = {"guest": 0, "owner": 0}

    def next_room(who):
        turns[who] += 1
        return turns[who] % LOOKED_AT + 1

    def guest():
        number = next_room("guest")
        with rooms.as_login(rooms.portal), portal_rights(room(number)):
            return what_pages_read(proposals[FIRST + number])

    def by_owner():
        number = next_room("owner")
        with rooms.as_login(rooms.owner), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "select set_config('bench.client', %s, true), set_config('transaction_read_only', 'on', true)",
                    [str(FIRST + number)],
                )
            return what_pages_read(proposals[FIRST + number])

    with rooms.owner.cursor() as cursor:
        cursor.execute(ONE_CLIENT)
    for _ in range(LOOKED_AT):
        mine, theirs = guest(), by_owner()
        assert mine == theirs, "both read the same"
        assert len(mine[2]) > 5, "a room with all that one can have"
    print(f"  {rooms.publications:,} publications of {rooms.size:,} clients")
    found = compare(by_owner, guest, times=60)
    rooms.owner.close()
    return found
