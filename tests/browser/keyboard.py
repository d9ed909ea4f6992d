"""What bars somebody at a page who has no mouse: whether Tab reaches everything, in order, in sight, and marked."""

# Numbers what Tab has to reach, in the order in which it is read, and notes where it comes by. Of radio buttons that
# belong together Tab reaches one: the one that is chosen, else the first.
BEGIN = """() => {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(
    (one) => one.tabIndex >= 0 && !one.disabled && one.type !== "hidden" && !one.closest("[inert]") &&
      one.checkVisibility({ visibilityProperty: true }));
  const alike = (one) => [...one.form.elements].filter((other) => other.type === "radio" && other.name === one.name);
  const stops = all.filter(
    (one) => one.type !== "radio" || one === (alike(one).find((other) => other.checked) || alike(one)[0]));
  const name = (one) => `${one.localName} “${(one.innerText || one.name || one.id).trim().slice(0, 40)}”`;
  // Somewhere on it, since what is taller than the window never is whole.
  const inSight = (one) => {
    const box = one.getClientRects()[0];
    return Boolean(box) && [4, box.height / 2, box.height - 4].some((down) => {
      const hit = document.elementFromPoint(box.x + box.width / 2, box.y + down);
      return hit && (one.contains(hit) || hit.contains(one));
    });
  };
  const listening = Boolean(window.way);
  window.way = { stops: stops.map(name), came: [], unmarked: [], unseen: [] };
  if (!listening) document.addEventListener("focusin", ({ target }) => {
    if (target === document.body) return;
    const style = getComputedStyle(target);
    const { way } = window;
    way.came.push(name(target));
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) way.unmarked.push(name(target));
    if (!inSight(target)) way.unseen.push(name(target));
  });
  // Begin where a page begins, wherever the cursor stood.
  document.body.tabIndex = -1;
  document.body.focus({ preventScroll: true });
  document.body.removeAttribute("tabindex");
  scrollTo(0, 0);
  return stops.length;
}"""
END = "window.way"
SKIP = "document.activeElement.matches('.skip') && document.activeElement.getBoundingClientRect().left >= 0"
PAST_THE_TOP = """document.activeElement === document.body ||
  Boolean(document.querySelector("#main").compareDocumentPosition(document.activeElement) &
    (Node.DOCUMENT_POSITION_CONTAINED_BY | Node.DOCUMENT_POSITION_FOLLOWING))"""


def barred_without_a_mouse(page) -> list[str]:
    """Go through the open page by Tab alone, and return each thing that is in the way."""
    # What moves on its way to where it is cannot be looked at.
    page.emulate_media(reduced_motion="reduce")
    for _ in range(page.evaluate(BEGIN)):
        page.keyboard.press("Tab")
    last = page.evaluate_handle("document.activeElement")
    way = page.evaluate(END)
    page.keyboard.press("Tab")
    found = [f"no mark at {one}" for one in way["unmarked"]] + [f"out of sight: {one}" for one in way["unseen"]]
    if way["came"] != way["stops"]:
        found.append(f"Tab went to {way['came']}, and the page reads {way['stops']}")
    if last.evaluate("one => one === document.activeElement"):
        found.append("Tab does not leave the last one")
    return [f"keyboard: {one} on {page.url}" for one in found]


def cannot_skip(page) -> list[str]:
    """Take the link past the top of a page, and return whether it leads nowhere."""
    page.evaluate(BEGIN)
    page.keyboard.press("Tab")
    if not page.evaluate(SKIP):
        return [f"keyboard: no way past the top of {page.url}"]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    return [] if page.evaluate(PAST_THE_TOP) else [f"keyboard: the way past the top of {page.url} leads nowhere"]
