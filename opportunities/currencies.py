"""Which currencies amounts can be in, and how many decimals each has: the one place that knows.

The decimals are those of ISO 4217's list one (https://www.six-group.com/en/products-services/financial-information/
market-reference-data/data-standards.html), of which only the exceptions to two stand here. pycountry knows the codes,
and no decimals.
"""

from decimal import ROUND_HALF_UP, Decimal

import pycountry
from django.core.exceptions import ValidationError

CURRENCIES = {currency.alpha_3 for currency in pycountry.currencies}
# Without decimals, as sentences name them.
WHOLE = {
    "BIF": "Burundi francs",
    "CLP": "Chilean pesos",
    "DJF": "Djibouti francs",
    "GNF": "Guinean francs",
    "ISK": "Iceland kronur",
    "JPY": "Yen",
    "KMF": "Comorian francs",
    "KRW": "Won",
    "PYG": "Guaranis",
    "RWF": "Rwanda francs",
    "UGX": "Uganda shillings",
    "UYI": "Uruguayan index units",
    "VND": "Dong",
    "VUV": "Vatu",
    "XAF": "Central African francs",
    "XOF": "West African francs",
    "XPF": "CFP francs",
}
# With more decimals than the two that an amount is kept with.
FINER = {"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3, "CLF": 4, "UYW": 4}
# Metals, shares in funds, and codes for tests and for no currency: no decimals are theirs, and nobody pays in them.
NO_MONEY = {"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"}
CENT = Decimal("0.01")
# The same for the database, which counts what an approval on a condition stands for.
IN_SQL = f"""
create or replace function zarts_decimals(currency text) returns integer language sql immutable as $$
  select case when currency = any ('{{{",".join(WHOLE)}}}') then 0 else 2 end
$$;
"""


def decimals(currency: str) -> int:
    """Return how many decimals amounts in a currency have."""
    return 0 if currency in WHOLE else 2


def rounded(value, currency: str) -> Decimal:
    """Return an amount rounded half up to what its currency can be paid in. It is kept with two decimals, always."""
    return Decimal(value).quantize(Decimal(10) ** -decimals(currency), ROUND_HALF_UP).quantize(CENT)


def has_too_many(value, currency: str) -> bool:
    """Whether an amount has decimals that its currency does not have."""
    return value is not None and currency in WHOLE and value % 1 != 0


def refuse_decimals(value, currency: str):
    """Refuse an amount that nobody can pay in its currency."""
    if has_too_many(value, currency):
        words = f"{WHOLE[currency]} have no decimals. Write {rounded(value, currency):.0f}."
        raise ValidationError(words, code="decimals")


def known_currency(code):
    """Refuse what is no currency by its three letters, and one that our amounts cannot hold."""
    if code not in CURRENCIES - NO_MONEY:
        raise ValidationError(f"“{code}” is no currency. Type its three letters, such as EUR.", code="currency")
    if code in FINER:
        words = f"{code} has {FINER[code]} decimals, and amounts here have two. Choose another currency."
        raise ValidationError(words, code="currency")
