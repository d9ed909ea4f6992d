"""Whether everybody can use a page: a retest asks the same of an installation that runs."""

from collections import defaultdict
from hashlib import md5

from tests.kept import SHELF
from zarts.retest.looking import KNOWN, only_colours, violations, violations_but_colours

__all__ = ["KNOWN", "once", "only_colours", "violations", "violations_but_colours"]

# What a page is made of: each kind of thing with all that it stands in, which is what lies behind it, what it says of
# itself, and whether it has words.
PARTS = """() => {
    const ways = new Map([[null, ""]]);
    const parts = new Set();
    for (const thing of document.querySelectorAll("*")) {
        const said = [...thing.attributes].filter(it => it.value).map(it => it.name).sort().join();
        const role = [thing.getAttribute("role"), thing.getAttribute("type"), thing.getAttribute("aria-hidden")].join();
        const way = `${ways.get(thing.parentElement)}>${thing.tagName}.${thing.getAttribute("class") || ""}`;
        ways.set(thing, way);
        parts.add([way, said, role, Boolean(thing.textContent.trim())].join("|"));
    }
    return [matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light", ...parts];
}"""
# By how it is looked at, in which scheme and how wide: the parts of the pages that were found good.
_good: dict = defaultdict(set)


def once(looks):
    """Look at a page unless each of its parts stood on one that was found good: looking takes half of a browser's time.

    The workers of a run tell each other, by a file for each way to look.
    """

    def look(page) -> list[str]:
        scheme, *parts = page.evaluate(PARTS)
        way = f"{looks.__name__}-{scheme}-{page.viewport_size['width']}"
        new = {md5(part.encode()).hexdigest() for part in parts} - _good[way]
        told = SHELF / way if SHELF else None
        if new and told and told.exists():
            _good[way].update(told.read_text().split())
            new -= _good[way]
        found = looks(page) if new else []
        if new and not found:
            _good[way] |= new
            if told:
                SHELF.mkdir(parents=True, exist_ok=True)
                with told.open("a") as file:
                    file.write("\n".join(new) + "\n")
        return found

    return look
