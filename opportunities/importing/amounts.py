"""How the amounts of a column are written: which sign begins the cents, and which currency stands beside them."""

import re

CODES = "usd|eur|gbp|chf|cad|aud|nzd|jpy|cny|inr|sek|nok|dkk|pln|czk|huf|ron|brl|mxn|zar|sgd|hkd|aed|ils|try"
# A number with its sign, and before or after it the currency.
MONEY = re.compile(
    rf"\s*(?P<minus>-?)\s*(?P<before>[€£$¥]|{CODES})?\s*(?P<minus_too>-?)(?P<number>[0-9.,\s'’]{{0,60}})"
    rf"(?P<after>[€£$¥]|{CODES})?",
    re.IGNORECASE,
)
SIGNS = {".": "1,054.50: a point before the cents", ",": "1.054,50: a comma before the cents"}
# As it can be read with a sign before the cents: thousands split by the other, or by nothing.
READ_WITH = {
    ".": re.compile(r"(\d{1,30}|\d{1,3}(,\d{3})+)(\.\d{1,30})?|\.\d{1,30}", re.ASCII),
    ",": re.compile(r"(\d{1,30}|\d{1,3}(\.\d{3})+)(,\d{1,30})?|,\d{1,30}", re.ASCII),
}


def signs_of(number: str) -> set[str]:
    """Return the signs that may begin the cents of a number: 1.054 may be a thousand, or a little more than one."""
    signs = {sign for sign, shape in READ_WITH.items() if shape.fullmatch(number)}
    # Nobody writes 0.500 for five hundred.
    return signs - {"," if "." in number else "."} if len(signs) > 1 and re.match(r"0[.,]", number) else signs


class Amounts:
    """Which sign begins the cents in one column: told by all of its values, not by the first."""

    def __init__(self):
        self.is_open, self.either = False, set()

    def meet(self, text: str):
        if "." not in text and "," not in text:
            return
        found = MONEY.fullmatch(text)
        signs = signs_of(re.sub(r"[\s'’]", "", found["number"])) if found else set()
        self.is_open |= len(signs) > 1
        self.either |= signs if len(signs) == 1 else set()

    @property
    def sign(self) -> str:
        """Return the sign; a “?” when the person must say; nothing when no value leaves it open."""
        if not self.is_open:
            return ""
        return next(iter(self.either)) if len(self.either) == 1 else "?"
