"""Whether everybody can use a page: a retest asks the same of an installation that runs."""

from zarts.retest.looking import BUT_COLOURS, KNOWN, LEVELS, ONLY_COLOURS, violations, violations_but_colours

__all__ = ["BUT_COLOURS", "KNOWN", "LEVELS", "ONLY_COLOURS", "once", "violations", "violations_but_colours"]

# What a page is made of: each kind of thing in each kind of place, what it says of itself, and whether it has words.
PARTS = """() => {
    const kind = thing => thing ? `${thing.tagName}.${thing.getAttribute("class") || ""}` : "";
    const parts = new Set([matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"]);
    for (const thing of document.querySelectorAll("*")) {
        const said = [...thing.attributes].filter(it => it.value).map(it => it.name).sort().join();
        const role = [thing.getAttribute("role"), thing.getAttribute("type"), thing.getAttribute("aria-hidden")].join();
        parts.add([kind(thing.parentElement), kind(thing), said, role, Boolean(thing.textContent.trim())].join("|"));
    }
    return [...parts].sort().join("\\n");
}"""
_judged: set = set()


def once(looks):
    """Look at a page unless one made of the very same parts was found good: looking takes half of a browser's time."""

    def look(page) -> list[str]:
        made_of = (looks, page.viewport_size["width"], hash(page.evaluate(PARTS)))
        found = [] if made_of in _judged else looks(page)
        if not found:
            _judged.add(made_of)
        return found

    return look
