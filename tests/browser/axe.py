"""Whether everybody can use a page, as far as a program can tell: WCAG 2.2, levels A and AA."""

from axe_playwright_python.sync_playwright import Axe

LEVELS = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    # What passes is most of a page, and nobody reads it.
    "resultTypes": ["violations"],
    # To fetch every stylesheet anew serves one rule, that none locks how a device is held: tests/test_house.py asks.
    "preload": False,
}
# Two thirds of the time go into colours.
BUT_COLOURS = LEVELS | {"rules": {"color-contrast": {"enabled": False}}}
ONLY_COLOURS = LEVELS | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
# What the theme does and we cannot mend from outside: (rule, what its selector holds, why it harms nobody).
KNOWN: list[tuple[str, str, str]] = []
SCRIPT = Axe().axe_script


def violations(page, options=LEVELS) -> list[str]:
    """Return each thing on the open page that bars somebody, with where it stands."""
    # Half a megabyte, once a page.
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT)
    lines = []
    for rule in page.evaluate("options => axe.run(options)", options)["violations"]:
        for node in rule["nodes"]:
            where, why = " ".join(map(str, node["target"])), " ".join(node["failureSummary"].split())
            if not any(rule["id"] == known and part in where for known, part, _ in KNOWN):
                lines.append(f"axe: {rule['id']} at {where} on {page.url}: {why}")
    return lines


def violations_but_colours(page) -> list[str]:
    """Return the same of a page whose colours are looked at on another screen."""
    return violations(page, BUT_COLOURS)
