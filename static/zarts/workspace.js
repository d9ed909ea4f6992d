// What an opportunity's page does in place: small forms in a dialog, its parts, its story, its keys.
// Every link and form here leads somewhere without it.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const here = () => location.pathname + location.search;
  const typing = (target) => target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  let dialog = null;
  let opener = null;

  const read = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");

  // -- The page, anew. -----------------------------------------------------------------------------------------------

  // What the focus stood on, so that it can return to the same thing on the new page.
  const track = (thing) => {
    if (!thing || !thing.isConnected) return null;
    const within = thing.closest("[id]");
    const address = thing.getAttribute("href") || thing.closest("form")?.getAttribute("action") || "";
    return { id: thing.id, address: address.split("?")[0], words: thing.textContent.trim(), within: within?.id };
  };

  const find = (mark) => {
    if (!mark) return null;
    if (mark.id && document.getElementById(mark.id)) return document.getElementById(mark.id);
    const same = all("#content a[href], #content button").filter((thing) => {
      const address = thing.getAttribute("href") || thing.closest("form")?.getAttribute("action") || "";
      return address.split("?")[0] === mark.address;
    });
    const place = mark.within && document.getElementById(mark.within);
    return same.find((thing) => thing.textContent.trim() === mark.words) || same[0] || (place?.tabIndex === -1 ? place : null);
  };

  const show = (page, mark) => {
    const content = one("#content", page);
    if (!one("[data-workspace]", page) || !content) return false;
    one("#content").replaceWith(document.adoptNode(content));
    // The region stays, so that what comes into it is read aloud.
    one("#told").replaceChildren(...one("#told", page).childNodes);
    document.title = page.title;
    const thing = find(mark) || one("#moves :is(a, button, [tabindex])") || one("#title");
    thing.focus({ preventScroll: true });
    if (mark?.far) thing.scrollIntoView();
    reveal();
    return true;
  };

  // On a narrow screen the row of parts scrolls: the open one is brought into sight. The page stays where it is.
  const reveal = () => {
    const [row, open] = [one(".z-sections ul"), one(".z-sections [aria-current]")];
    if (!open) return;
    const aside = open.getBoundingClientRect().left - row.getBoundingClientRect().left;
    row.scrollLeft += aside - (row.clientWidth - open.offsetWidth) / 2;
  };

  const go = async (address, { push = true, mark = null } = {}) => {
    const answer = await fetch(address, { headers: { "X-Requested-With": "workspace.js" } });
    if (!answer.ok || !show(await read(answer), mark)) return location.assign(address);
    if (push) history.pushState(null, "", answer.redirected ? answer.url : address);
  };

  // -- Small forms. --------------------------------------------------------------------------------------------------

  const fill = (page) => {
    const body = one("[data-dialog-page]", page);
    if (!body) return false;
    const title = one("h1", body);
    dialog.replaceChildren(...body.childNodes);
    const shut = document.createElement("button");
    shut.type = "button";
    shut.className = "z-shut";
    shut.dataset.close = "";
    shut.setAttribute("aria-label", "Close");
    shut.textContent = "×";
    title.id = "dialog-title";
    dialog.prepend(shut);
    if (!dialog.open) dialog.showModal();
    const wrong = one(".z-bad :is(input, select, textarea)", dialog);
    // Where there are words to write, they come first: what kind they are has its usual value already.
    const first = one("form :is(input:not([type=hidden]), select, textarea)", dialog);
    const start = first?.matches("select") ? one("form textarea", dialog) || first : first;
    (wrong || start || one("form button", dialog) || shut).focus();
    dialog.dataset.before = typed();
    return true;
  };

  const typed = () => new URLSearchParams(all("form", dialog).flatMap((form) => [...new FormData(form)])).toString();
  const mayGo = () => typed() === dialog.dataset.before || confirm("Throw away what you typed here?");

  const close = () => {
    dialog.close();
    dialog.replaceChildren();
  };

  const withBack = (address) => {
    const url = new URL(address, location.href);
    url.searchParams.set("back", here());
    return url;
  };

  const open = async (address, fallback) => {
    const answer = await fetch(withBack(address));
    dialog.dataset.address = withBack(address);
    if (!fill(await read(answer))) location.assign(fallback);
  };

  const send = async (form, button) => {
    const body = new FormData(form, button);
    body.set("back", here());
    const inside = dialog.contains(form);
    const target = form.getAttribute("action") || (inside ? dialog.dataset.address : here());
    if (button) button.disabled = true;
    const answer = await fetch(target, { method: "POST", body });
    if (button) button.disabled = false;
    const page = await read(answer);
    if (answer.redirected && answer.ok) {
      const mark = opener;
      if (dialog.open) close();
      if (!show(page, mark)) location.assign(answer.url);
      return;
    }
    if (!inside) dialog.dataset.address = new URL(target, location.href);
    if (!fill(page)) location.reload();
  };

  // -- The story. ----------------------------------------------------------------------------------------------------

  const older = async (link) => {
    const page = await read(await fetch(link.href));
    const story = one("#happened ol");
    const first = one("#happened ol > li", page);
    story.append(...all("#happened ol > li", page));
    const more = one("#happened [data-older]", page);
    if (more) link.replaceWith(more);
    else link.remove();
    first.tabIndex = -1;
    first.focus();
  };

  // -- Keys. ---------------------------------------------------------------------------------------------------------

  const KEYS = [
    ["a", "what can be added"],
    ["n", "add a note"],
    [".", "the next step"],
    ["1 – 9, 0", "the parts, from the left"],
    ["← →", "from part to part, in their row"],
    ["h", "what happened"],
    ["Esc", "close what is open"],
    ["?", "these keys"],
  ];
  const keysAreOn = () => localStorage.getItem("zarts-keys") !== "off";

  const explain = () => {
    const rows = KEYS.map(([key, words]) => `<div><dt><kbd>${key}</kbd></dt><dd>${words}</dd></div>`).join("");
    dialog.innerHTML = `<button type="button" class="z-shut" data-close aria-label="Close">×</button>
      <h1 class="z-title" id="dialog-title">Keys</h1><dl class="z-keylist">${rows}</dl>
      <label class="z-tick"><input type="checkbox" id="keys-on"> Use these keys on this computer</label>`;
    const box = one("#keys-on", dialog);
    box.checked = keysAreOn();
    box.addEventListener("change", () => localStorage.setItem("zarts-keys", box.checked ? "on" : "off"));
    dialog.showModal();
    box.focus();
  };

  const act = (key) => {
    if (key === "a") return one("#add a");
    if (key === "n") return one("#add [data-key=n]");
    if (key === ".") return one("#moves :is(a, button, [tabindex])");
    if (key === "h") return one("#happened select");
    return /^[0-9]$/.test(key) ? all(".z-sections a")[(Number(key) + 9) % 10] : null;
  };

  const keys = (event) => {
    const parts = event.target.closest(".z-sections") && all(".z-sections a");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (parts && step) {
      event.preventDefault();
      const at = parts.indexOf(event.target.closest("a"));
      return parts[(at + step + parts.length) % parts.length].focus();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || typing(event.target)) return;
    if (event.key === "?") return explain();
    const thing = keysAreOn() && act(event.key);
    if (!thing) return;
    event.preventDefault();
    if ("n123456789".includes(event.key)) thing.click();
    else thing.focus();
  };

  // -- All of it. ----------------------------------------------------------------------------------------------------

  const pressed = (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("[data-close]") && dialog.contains(event.target)) {
      event.preventDefault();
      return mayGo() && close();
    }
    const link = event.target.closest("a[href]");
    if (!link || dialog.contains(link) || !one("#content").contains(link)) return;
    if (link.matches("[data-older]")) {
      event.preventDefault();
      older(link);
    } else if (link.matches("[data-dialog]")) {
      event.preventDefault();
      opener = track(link);
      open(link.dataset.dialog || link.href, link.href);
    } else if (link.pathname === location.pathname && link.search) {
      event.preventDefault();
      go(link.href, { mark: link.closest(".z-sections") ? track(link) : { id: link.hash.slice(1), far: true } });
    }
  };

  const submitted = (event) => {
    const form = event.target;
    if (form.matches("[data-swap]")) {
      event.preventDefault();
      const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
      go(`${location.pathname}?${asked}`, { mark: { id: document.activeElement?.id, within: "happened" } });
    } else if (form.matches("[data-dialog]") || dialog.contains(form)) {
      event.preventDefault();
      if (!dialog.contains(form)) opener = track(event.submitter);
      send(form, event.submitter);
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    if (!one("[data-workspace]")) return;
    dialog = document.createElement("dialog");
    dialog.className = "z-dialog";
    dialog.setAttribute("aria-labelledby", "dialog-title");
    one("#main").append(dialog);
    dialog.addEventListener("close", () => find(opener)?.focus());
    dialog.addEventListener("cancel", (event) => mayGo() || event.preventDefault());
    document.addEventListener("click", pressed);
    document.addEventListener("submit", submitted);
    document.addEventListener("keydown", keys);
    document.addEventListener("change", (event) => event.target.closest("form[data-swap]")?.requestSubmit());
    window.addEventListener("popstate", () => go(here(), { push: false }));
    reveal();
  });
})();
