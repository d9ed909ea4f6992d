"""Measure, and print ratios: machines differ, ratios hold. `make bench`, or `python -m bench --large 1000000`.

Both sides of a ratio are measured in the same run, in turn. Beside them runs a control, the same thing against
itself: where that strays from 1 by more than 5 percent, the machine was too busy and the round does not count.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("DATA_DIR", str(Path(__file__).resolve().parent.parent / ".data" / "bench"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zarts.settings")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--small", type=int, default=1_000, help="opportunities in the small database")
    parser.add_argument("--large", type=int, default=100_000, help="opportunities in the large one")
    parser.add_argument("-k", default="", help="only the lines whose name holds this")
    options = parser.parse_args()

    import django

    django.setup()
    from bench import lines

    return lines.run(options)


if __name__ == "__main__":
    sys.exit(main())
