"""Files as providers really export them."""

import io
import json
import zipfile

from opportunities.records import perform
from tests.makers import an_opportunity

QUERIES = """Top queries,Clicks,Impressions,CTR,Position
harbor dental,120,400,30%,1.4
"dentist, near me",14,"2,100",0.67%,8.3
emergency dentist,0,500,0%,21.9
"""
PAGES = """Top pages,Clicks,Impressions,CTR,Position
https://harbor-dental.example/,100,900,11.11%,2.1
https://harbor-dental.example/prices,20,300,6.67%,6
"""
METRICS = """metric,value,unit,captured_at,provider,confidence,note
Bookings from phones,41,a month,2026-10-31,Interview,high,Bo counted them
Cost of a lead,"38.50",USD,2026-10-31,Google Ads,medium,
"""


def an_audit_to_fill(owner):
    return perform(an_opportunity(owner, stage="audit").audits.get().collect, by=owner)


def a_report(**changes) -> dict:
    """A Lighthouse report of a phone, of a day that tests move to."""
    report = {
        "lighthouseVersion": "13.4.1",
        "fetchTime": "2026-11-20T10:00:00.000Z",
        "finalDisplayedUrl": "https://harbor-dental.example/",
        "configSettings": {"formFactor": "mobile"},
        "categories": {"performance": {"title": "Performance", "score": 0.32}, "seo": {"title": "SEO", "score": None}},
        "audits": {
            "largest-contentful-paint": {"numericValue": 10884.681},
            "cumulative-layout-shift": {"numericValue": 0.099576},
            "total-blocking-time": {"numericValue": 1055.198},
            "speed-index": {"numericValue": 8296},
        },
    }
    return {**report, **changes}


def raw(value) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def a_zip(**files) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.csv", text)
    return out.getvalue()
