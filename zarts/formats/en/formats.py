"""How days and times are written where Django writes them, as our own pages do: Fri 4 Dec 2026, 14:05 CET."""

DATE_FORMAT = "D j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "D j M Y, H:i T"

# How they are typed: the first is how a field shows what is there. Nobody promises a second.
TIME_INPUT_FORMATS = ["%H:%M", "%H:%M:%S", "%H:%M:%S.%f"]
