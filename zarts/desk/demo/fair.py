"""A list from a trade fair: most of its rows came in, two wait to be mended."""

from datetime import timedelta

from opportunities.importing import engine, upload
from opportunities.models import Import
from opportunities.records import perform

from .clock import real_now

NAME = "Dental trade fair.csv"
HEADER = "Name,Company,Email,Phone,Status,Notes,Created"
ROWS = [
    "Ines Falk,Falk Kieferorthopädie,ines@falk-ortho.example,+49 30 5550 1101,New,Asked what a month costs",
    "Tom Reyes,Reyes Family Dental,tom@reyesdental.example,+1 512 555 0133,Working,Wants fewer empty Mondays",
    "Hanna Brandt,Zahnwerk Brandt,hanna@zahnwerk.example,+49 40 5550 2210,New,Her old site is from 2014",
    "Luis Ortega,Ortega Implants,luis at ortega,+1 210 555 0178,New,Wrote his address by hand",
    "Mei Tan,Tan & Co. Dental Lab,mei@tanlab.example,+65 5550 4471,New,Sells to dentists only",
    "Paul Sato,Harbor Smiles,paul@harborsmiles.example,+1 619 555 0150,Maybe later,Ask again in spring",
    "Rosa Lind,Lind Pediatric Dental,rosa@lindkids.example,+1 303 555 0162,Lost,Signed with somebody at the stand",
]


def tell(clock, people):
    """Bring the list in, as Ada did some days after the fair."""
    clock.begin_again()
    clock.to(-4, hour=10)
    ada, day = people["ada"], f"{real_now() - timedelta(days=9):%Y-%m-%d}"
    raw = "\n".join([HEADER, *(f"{row},{day}" for row in ROWS)]).encode()
    record = upload.upload("leads", [(NAME, [raw])], owner=ada, by=ada, system="trade fair")
    upload.save_map(record, "Trade fair", by=ada)
    perform(record.map_columns, by=ada)
    engine.work(engine.claim(record.pk))
    perform(Import.objects.get(pk=record.pk).run, by=ada)
    engine.work(engine.claim(record.pk))
