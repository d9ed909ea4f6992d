"""How days and times are written where Django writes them, as our own pages do: Fri 4 Dec 2026, 14:05 CET."""

DATE_FORMAT = "D j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "D j M Y, H:i T"
