"""How money, numbers and dates are written on the client's pages."""

from datetime import date, datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from portal.offer import amount

register = template.Library()

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "CA$", "AUD": "A$"}


@register.filter
def money(value, currency="", cents=False):
    """Write an amount with its currency's sign and thousands; cents only where there are any, or are asked for."""
    number = amount(value)
    if number is None:
        return value if value is not None else ""
    sign = SIGNS.get(currency, f"{currency} " if currency else "")
    figures = f"{abs(number):,.2f}" if cents or number != number.to_integral_value() else f"{abs(number):,.0f}"
    return f"{'−' if number < 0 else ''}{sign}{figures}"


@register.simple_tag(takes_context=True)
def price(context, value):
    """Write an amount of an offer: with cents where one of its amounts has some, so that all align on the point."""
    return money(value, context.get("currency", ""), context.get("cents", False))


@register.filter
def figure(value):
    """Write a number with thousands and without idle zeros; anything else as it is."""
    number = amount(value)
    if number is None or isinstance(value, bool):
        return value if value is not None else ""
    figures = f"{number:,f}"
    return figures.rstrip("0").rstrip(".") if "." in figures else figures


def as_date(value):
    """Return the day of a date, a time or either as text; nothing when it is none of them."""
    try:
        if isinstance(value, str):
            value = (parse_date(value) if len(value) <= 10 else parse_datetime(value)) or value
    except ValueError:
        return None
    if isinstance(value, datetime):
        return (timezone.localtime(value) if timezone.is_aware(value) else value).date()
    return value if isinstance(value, date) else None


@register.filter
def day(value):
    """Write a day with its weekday: Friday 4 December 2026."""
    on = as_date(value)
    return f"{on:%A} {on.day} {on:%B %Y}" if on else value or ""


@register.filter
def last_day(value):
    """Return the last whole day before a moment at which something ends, by the agency's days."""
    return timezone.localdate(value - timedelta(microseconds=1), timezone.get_default_timezone()) if value else None


@register.filter
def short_day(value):
    """Write a day for narrow places: Fri 4 Dec; with its year where it is another one."""
    on = as_date(value)
    if not on:
        return value or ""
    year = "" if on.year == timezone.localdate().year else f" {on.year}"
    return f"{on:%a} {on.day} {on:%b}{year}"


@register.filter
def away(value):
    """Say how far away a day is, to stand beside it."""
    on = as_date(value)
    if not on:
        return ""
    days = (on - timezone.localdate()).days
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}
    if days in near:
        return near[days]
    return f"in {days} days" if days > 0 else f"{-days} days ago"


@register.filter
def is_over(value):
    """Whether a day lies behind us."""
    on = as_date(value)
    return bool(on) and on < timezone.localdate()


@register.filter
def moment(value):
    """Write a time of day with its zone beside the day, where it binds somebody."""
    if isinstance(value, str):
        try:
            value = parse_datetime(value) or value
        except ValueError:
            return value
    if not isinstance(value, datetime):
        return day(value)
    at = timezone.localtime(value)
    return f"{day(at)}, {at:%H:%M %Z}"


@register.inclusion_tag("portal/parts/field.html")
def field(bound):
    """Show a field with its label, and what is wrong with it beneath."""
    return {"field": bound}
