// Writing a proposal: rows open in place and save by themselves, others' words follow, the client's page beside it.
// Every link and form here leads somewhere without it.
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const HEADERS = { "X-Requested-With": "composer.js" };
  const PAUSE = 1000;
  const LOOK = 4000;
  // The parts around the open forms, by the names under which the server sends them.
  const PLACES = { held: "held", top: "top", moves: "moves-part", where: "where", approvals: "decided" };
  const SIGN_IN = "Not saved: you are signed out. Sign in in another tab; your words stay here and are saved then.";
  const NO_MORE = "Not saved: you may not write here any more. Copy your words.";
  // What no second try mends.
  class Stopped extends Error {}
  let page = null;
  // Whether what was saved in an open row is still to be asked about: it is when the row is shut, or the page left.
  let unasked = false;
  // Why nothing can be written any more; and whether it waits for somebody to sign in.
  let over = "";
  let isSignedOut = false;
  // Saves go one after the other: each says what the row said before it.
  let queue = Promise.resolve();

  const read = (html) => new DOMParser().parseFromString(html, "text/html");
  const rowOf = (thing) => thing?.closest?.("[data-row]");
  const formIn = (row) => one("form[data-write]", row);
  const typed = (form) => JSON.stringify([...new FormData(form)].filter(([name]) => !["csrfmiddlewaretoken", "seen", "row", "once"].includes(name)));
  const isChanged = (form) => form.isConnected && typed(form) !== form.dataset.before;
  const say = (words, isWrong = false) => {
    const place = one("#saved");
    place.textContent = words;
    place.classList.toggle("z-late", isWrong);
  };

  // -- What the server says. -----------------------------------------------------------------------------------------

  // Take the rows as they are now, and leave those that are being written.
  const takeRows = (html) => {
    const fresh = one("#rows", read(html));
    const focused = document.activeElement?.closest("#rows") ? mark(document.activeElement) : null;
    // A form that is moved would lose its cursor: the other rows move around it.
    const isKept = (row) => formIn(row) || one(".z-clash", row) || row.dataset.opening;
    for (const section of all("#rows .z-part-of")) {
      const title = section.getAttribute("aria-labelledby");
      const now = one(`[aria-labelledby="${title}"]`, fresh);
      if (!now) continue;
      const list = one(".z-row-list", section);
      const there = all(":scope > li", one(".z-row-list", now));
      const mine = all(":scope > li", list).filter(isKept);
      for (const row of all(":scope > li", list)) if (!mine.includes(row)) row.remove();
      let at = 0;
      for (const row of there) {
        const place = mine.findIndex((own) => own.dataset.row === row.dataset.row);
        if (place >= at) at = place + 1;
        else if (place < 0) mine[at] ? mine[at].before(row) : list.append(row);
      }
      for (const part of [".z-row-none", ".z-taken"]) all(part, section).forEach((it) => it.remove());
      const last = one(".z-row-add", section);
      for (const it of all(".z-row-none, .z-taken", now)) last ? last.before(it) : section.append(it);
      const [count, counted] = [one("h2", section), one("h2", now)];
      if (count.textContent !== counted.textContent) count.replaceChildren(...counted.childNodes);
    }
    draggable();
    if (focused && !document.activeElement?.closest("#rows")) find(focused)?.focus({ preventScroll: true });
  };

  const mark = (thing) => ({ row: rowOf(thing)?.dataset.row, value: thing.value, label: thing.getAttribute("href") });
  const find = ({ row, value, label }) => {
    const place = row && document.getElementById(row);
    return place && (all("button, a", place).find((it) => (value && it.value === value && !it.disabled) || it.getAttribute("href") === label) || one("a", place));
  };

  // What something newer has overtaken would take the rows back to what they were.
  const isOld = (answer) => answer.at < Number(page.dataset.at);

  const take = (answer) => {
    if (isOld(answer)) return;
    if (answer.at) page.dataset.at = answer.at;
    if (answer.writers) {
      const names = answer.writers.join(", ");
      const words = names ? `${names} ${answer.writers.length > 1 ? "are" : "is"} writing here, too.` : "";
      if (one("#writers").textContent !== words) one("#writers").textContent = words;
    }
    if (!answer.parts) return;
    takeRows(answer.parts.rows);
    for (const [name, id] of Object.entries(PLACES)) {
      const [here, now] = [document.getElementById(id), one("body", read(answer.parts[name])).firstElementChild];
      if (here && now && !here.contains(document.activeElement)) here.replaceWith(document.adoptNode(now));
    }
    follow();
    page.dataset.stage = answer.stage;
    if (!answer.over || !one("#act")) return;
    // Whoever has a row open keeps it, to copy what it says.
    if (one("form[data-write]")) end(`${answer.over} Copy your words.`);
    else location.reload();
  };

  const end = (words) => {
    over = words;
    say(over, true);
  };

  // The client's page follows, and stays where it was scrolled to.
  const follow = () => {
    const frame = one("#preview iframe");
    if (frame?.contentWindow) frame.contentWindow.location.reload();
  };

  const post = (fields, how = {}) => {
    const body = fields instanceof FormData ? fields : new URLSearchParams(fields);
    body.set("csrfmiddlewaretoken", one("#act [name=csrfmiddlewaretoken]").value);
    return fetch(location.pathname, { method: "POST", body, headers: HEADERS, ...how });
  };

  const send = async (fields, isAgain = false) => {
    const answer = await post(fields);
    if (answer.redirected) {
      isSignedOut = true;
      throw new Stopped(SIGN_IN);
    }
    if (!(answer.headers.get("Content-Type") || "").includes("json")) {
      // Whoever signed in again meanwhile has another token.
      if (answer.status === 403 && !isAgain && (await renew())) return send(fields, true);
      throw answer.status === 403 || answer.status === 404 ? new Stopped((over = NO_MORE)) : new Error(answer.status);
    }
    const words = await answer.json();
    if (words.over === true) throw new Stopped((over = words.said));
    return [answer, words];
  };

  const renew = async () => {
    const answer = await fetch(location.pathname, { headers: HEADERS });
    const token = answer.ok && !answer.redirected && one("#act [name=csrfmiddlewaretoken]", read(await answer.text()));
    if (token) for (const it of all("[name=csrfmiddlewaretoken]")) it.value = token.value;
    return !!token;
  };

  // Return the page as it is now, or as much as is newer than `since`; nothing when we may not see it any more.
  const now = async (since) => {
    for (;;) {
      const answer = await fetch(`${page.dataset.now}?since=${since}`, { headers: HEADERS });
      if (!answer.ok || answer.redirected) return null;
      if (isSignedOut && (await renew())) {
        isSignedOut = false;
        all("form[data-write]:not([data-clash])").filter(isChanged).forEach((form) => save(form));
      }
      const words = await answer.json();
      if (!isOld(words)) return words;
    }
  };

  // -- Saving. -------------------------------------------------------------------------------------------------------

  // Each save has a key of its own: sent twice, it is done once.
  const saveOf = (form, does, stays) => {
    const body = new FormData(form);
    body.set("do", does);
    if (stays) body.set("stays_open", "1");
    body.set("once", crypto.getRandomValues(new Uint32Array(4)).join("-"));
    return { body, sent: typed(form) };
  };

  const saveNow = async (form, does, stays) => {
    if (!form.isConnected || (!form.lost && does !== "keep" && !form.matches("[data-clash]") && !isChanged(form))) return true;
    if (over) {
      say(over, true);
      return false;
    }
    const row = rowOf(form);
    // A save that was not answered may have arrived: the same is sent again before anything newer.
    const isAgain = !!form.lost;
    const { body, sent } = (form.lost ||= saveOf(form, does, stays));
    say("Saving…");
    let answer, words;
    try {
      [answer, words] = await send(body);
    } catch (trouble) {
      if (trouble instanceof Stopped) {
        // It did not arrive: what is typed by then is sent, if ever.
        delete form.lost;
        say(trouble.message, true);
        return false;
      }
      say("Not saved: the server was not reached. Your words stay here; it is tried again.", true);
      setTimeout(() => save(form, does, stays), 5000);
      return false;
    }
    delete form.lost;
    if (answer.ok) {
      unasked = body.has("stays_open");
      form.dataset.before = sent;
      const mark = one("[name=seen]", form);
      if (mark) mark.value = words.seen;
      // A new row is an old one from now on.
      if (row && row.dataset.row !== words.key) {
        row.dataset.row = row.id = words.key;
        one("[name=row]", form).value = words.key;
        all("[name=once], [data-discard]", form).forEach((it) => it.remove());
      }
      wrong(form, null);
      say(words.said);
      const said = one("[data-said]", form);
      if (said) said.textContent = words.said;
      if (form.matches("[data-clash]")) form.closest(".z-clash").remove();
      take(words);
      return isAgain ? saveNow(form, does, stays) : true;
    }
    if (words.form && isAgain && typed(form) !== sent) return saveNow(form, does, stays);
    if (words.form) wrong(form, read(words.form));
    if (words.clash && row) {
      clearTimeout(form.pause);
      row.innerHTML = words.clash;
      one(".z-clash", row).focus();
    }
    // Last: a field that goes out of the page says that it was changed.
    say(words.said, true);
    if (words.stopped) form.dataset.before = sent;
    return false;
  };

  // `stays`: the row stays open, so that nobody is asked yet about what changed in it.
  const save = (form, does = "save", stays = true) => {
    clearTimeout(form.pause);
    const done = queue.then(() => saveNow(form, does, stays));
    queue = done.catch(() => false);
    return done;
  };

  // Say at each field what is wrong with it, and leave what stands in it.
  const wrong = (form, said) => {
    for (const field of all(".z-field", form)) {
      all(".z-wrong", field).forEach((it) => it.remove());
      field.classList.remove("z-bad");
      const input = one("input, select, textarea", field);
      input?.removeAttribute("aria-invalid");
      const now = said && (field.id ? said.getElementById(field.id) : said.getElementById(input.id)?.closest(".z-field"));
      const troubles = now ? all(".z-wrong", now) : [];
      if (!troubles.length) continue;
      field.classList.add("z-bad");
      field.append(...troubles);
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", `${input.id}_error`);
    }
  };

  // -- Opening and closing. ------------------------------------------------------------------------------------------

  const open = async (name, row, field) => {
    // What comes back meanwhile leaves the row where it is.
    row.dataset.opening = "1";
    let answer;
    try {
      answer = await fetch(`${page.dataset.now}?open=${name}`, { headers: HEADERS });
    } catch {
      delete row.dataset.opening;
      if (name.startsWith("new-")) row.remove();
      return say("Not opened: the server was not reached. Try again.", true);
    }
    if (!answer.ok) return location.assign(`?open=${name}#${name}`);
    row.innerHTML = await answer.text();
    delete row.dataset.opening;
    begin(formIn(row), field);
  };

  const begin = (form, field) => {
    form.dataset.before = typed(form);
    const fields = all("input:not([type=hidden]), select, textarea", form);
    const start = (field && document.getElementById(field)) || one(".z-bad :is(input, select, textarea)", form) || fields.find((it) => !it.matches("select")) || fields[0];
    start?.focus();
  };

  // The row as text again, once it is saved.
  const shut = async (form) => {
    const row = rowOf(form);
    const isLast = all("form[data-write]").length === 1;
    if (!(await save(form, "save", !isLast))) return;
    if (isLast && unasked) await act("shut");
    if (row.dataset.row.startsWith("new-")) {
      const section = row.closest(".z-part-of");
      row.remove();
      one("[data-add]", section)?.focus();
      return;
    }
    const name = row.dataset.row;
    const words = await now(0);
    if (!words) return;
    // Whoever has gone on elsewhere meanwhile keeps the cursor there.
    const here = row.contains(document.activeElement) || document.activeElement === document.body;
    row.replaceChildren();
    take(words);
    // The row is shorter than its form was: without this the page would stand far below it.
    if (here) document.getElementById(name)?.scrollIntoView({ block: "nearest" });
    if (here) one("a", document.getElementById(name))?.focus({ preventScroll: true });
  };

  // A new row that was not saved goes, with whatever stands in it. One that was saved meanwhile is shut as any other.
  const discard = async (form) => {
    const row = rowOf(form);
    clearTimeout(form.pause);
    await queue;
    if (!row.dataset.row.startsWith("new-")) return shut(form);
    const section = row.closest(".z-part-of");
    row.remove();
    say("The new row was discarded.");
    one("[data-add]", section)?.focus();
  };

  const add = async (section) => {
    const list = one(`[data-section="${section}"]`);
    const begun = one(`[data-row="new-${section}"] form`, list);
    if (begun) return begin(begun);
    const row = document.createElement("li");
    row.id = row.dataset.row = `new-${section}`;
    row.className = "z-row";
    list.append(row);
    one(".z-row-none", list.parentElement)?.remove();
    await open(row.dataset.row, row);
  };

  const act = async (does, after) => {
    let answer, words;
    try {
      [answer, words] = await send({ do: does });
    } catch (trouble) {
      const isStopped = trouble instanceof Stopped;
      return say(isStopped ? trouble.message.replace("Not saved", "Not done") : "Not done: the server was not reached. Try again.", true);
    }
    say(words.said, !answer.ok);
    if (!answer.ok) return;
    if (does === "shut") unasked = false;
    take(words);
    after?.(words);
  };

  // Whoever leaves with a row open is done with it.
  const leave = () => {
    if (unasked) post({ do: "shut" }, { keepalive: true });
    unasked = false;
  };

  // -- What people do. -----------------------------------------------------------------------------------------------

  const clicked = (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("a, button");
    if (!link) return;
    const row = rowOf(link);
    const go = (doing) => {
      event.preventDefault();
      doing();
    };
    if (link.matches("a.z-row-open")) go(() => open(row.dataset.row, row));
    else if (link.matches("[data-add]")) go(() => add(link.dataset.add));
    else if (link.matches("[data-shut]")) go(() => shut(link.closest("form")));
    else if (link.matches("[data-discard]")) go(() => discard(link.closest("form")));
    else if (link.matches("[data-theirs]")) go(() => (row.dataset.row.startsWith("new-") ? location.reload() : look(true, row)));
    else if (link.matches(".z-switch a")) go(() => turn(link));
    else if (link.matches("button[form=act]")) {
      go(() => {
        const section = link.closest(".z-part-of");
        const [does, name] = link.value.split(":");
        act(link.value, (words) => {
          const place = document.getElementById(words.key);
          if (does === "remove") one(".z-taken button", section)?.focus();
          else if (does === "back") one("a", place)?.focus();
          else (one(`[value="${does}:${name}"]:not(:disabled)`) || one("a", place))?.focus();
        });
      });
    } else if (link.closest("#moves") && (unasked || all("form[data-write]").some(isChanged))) {
      // What is still being written is saved first, and asked about.
      go(async () => {
        const saved = await Promise.all(all("form[data-write]").filter(isChanged).map((form) => save(form, "save", false)));
        if (!saved.every(Boolean)) return;
        if (unasked) await act("shut");
        unasked = false;
        const again = link.matches("a") ? one(`#moves a[href="${link.getAttribute("href")}"]`) : one(`#moves form[action="${link.closest("form")?.getAttribute("action")}"] button`);
        (again || link).click();
      });
    } else if (link.matches('a[href*="#"]') && link.pathname === location.pathname && link.closest("#moves")) {
      event.preventDefault();
      history.replaceState(null, "", link.hash);
      arrive();
    }
  };

  const submitted = (event) => {
    const form = event.target;
    if (!form.matches("[data-write]")) return;
    event.preventDefault();
    if (event.submitter?.value === "keep") save(form, "keep");
    else if (form.matches("[data-clash]")) keepMine(form);
    else shut(form);
  };

  const keepMine = async (form) => {
    const row = rowOf(form);
    if (await save(form, "save", all("form[data-write]").length > 1)) {
      row.replaceChildren();
      look(true);
    }
  };

  const keyed = (event) => {
    const form = event.target.closest("form[data-write]");
    if (event.key === "Escape" && form && !form.matches("[data-clash]")) {
      event.preventDefault();
      shut(form);
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key)) {
      const row = rowOf(event.target);
      if (!row || !/-\d+$/.test(row.dataset.row)) return;
      event.preventDefault();
      const inside = document.activeElement;
      act(`${event.key === "ArrowUp" ? "up" : "down"}:${row.dataset.row}`, () => {
        if (formIn(row)) order(row, event.key === "ArrowUp" ? -1 : 1, inside);
        else one("a", document.getElementById(row.dataset.row))?.focus();
      });
    }
  };

  // An open row goes to its new place among the others, with its cursor.
  const order = (row, by, inside) => {
    const other = by < 0 ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    if (by < 0) row.after(other);
    else row.before(other);
    inside.focus();
  };

  const typing = (event) => {
    const form = event.target.closest("form[data-write]:not([data-clash])");
    if (!form) return;
    clearTimeout(form.pause);
    // A new row waits until all is there that it cannot be without.
    const ready = !one("[name=row]", form).value.startsWith("new-") || form.checkValidity();
    if (ready && !over && !isSignedOut) form.pause = setTimeout(() => save(form), PAUSE);
    if (isChanged(form)) say(over || (isSignedOut ? SIGN_IN : "Not saved yet…"), !!over || isSignedOut);
  };

  const left = (event) => {
    const form = event.target.closest("form[data-write]:not([data-clash])");
    if (form && event.relatedTarget && !form.contains(event.relatedTarget) && isChanged(form)) save(form);
  };

  // -- Dragging. -----------------------------------------------------------------------------------------------------

  let dragged = null;
  const draggable = () => {
    for (const row of all("#rows [data-section] > [data-row]")) row.draggable = !!one("button[form=act]", row);
  };
  const dragging = () => {
    const rows = one("#rows").parentElement;
    rows.addEventListener("dragstart", (event) => {
      dragged = event.target.closest?.("[data-section] > [data-row]");
      if (!dragged) return;
      dragged.classList.add("z-drag");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", dragged.dataset.row);
    });
    rows.addEventListener("dragover", (event) => {
      const over = event.target.closest("[data-section] > [data-row]");
      if (!dragged || !over || over.parentElement !== dragged.parentElement) return;
      event.preventDefault();
      const box = over.getBoundingClientRect();
      if (over !== dragged) event.clientY > box.top + box.height / 2 ? over.after(dragged) : over.before(dragged);
    });
    rows.addEventListener("drop", (event) => dragged && event.preventDefault());
    rows.addEventListener("dragend", () => {
      if (!dragged) return;
      dragged.classList.remove("z-drag");
      const likes = all(":scope > [data-row]", dragged.parentElement).filter((row) => /-\d+$/.test(row.dataset.row));
      act(`place:${dragged.dataset.row}:${likes.indexOf(dragged)}`);
      dragged = null;
    });
  };

  // -- What others do. -----------------------------------------------------------------------------------------------

  const look = async (whole = false, row = null) => {
    if (document.hidden && !whole) return;
    try {
      const words = await now(whole ? 0 : page.dataset.at);
      if (!words) return;
      if (row) row.replaceChildren();
      take(words);
      if (row) one("a", document.getElementById(row.dataset.row))?.focus();
    } catch {
      // The next look may reach it.
    }
  };

  // -- On a phone: write, or read what the client will see. ----------------------------------------------------------

  const turn = (link) => {
    const to = link.hash.slice(1);
    if (to === page.dataset.turned) return;
    page.dataset[`${page.dataset.turned}At`] = scrollY;
    all(".z-switch a").forEach((it) => it.removeAttribute("aria-current"));
    link.setAttribute("aria-current", "true");
    page.dataset.turned = to;
    // Where one was on that side; the first time at its beginning, which may lie above.
    const at = page.dataset[`${to}At`];
    if (at) scrollTo({ top: at, behavior: "instant" });
    else document.getElementById(to).scrollIntoView({ block: "start", behavior: "instant" });
  };

  // A link from elsewhere names a field, a row or a section: it is opened where it can be written.
  const arrive = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (location.hash === "#preview") return turn(one('.z-switch a[href="#preview"]'));
    target.scrollIntoView({ block: "start" });
    const row = rowOf(target);
    if (target.id.startsWith("id_") && row && !formIn(row) && one("a.z-row-open", row)) open(row.dataset.row, row, target.id);
    else if (target.matches(".z-row-group")) one("[data-add]", target)?.focus({ preventScroll: true });
  };

  document.addEventListener("DOMContentLoaded", () => {
    page = one("[data-compose]");
    if (!page) return;
    page.dataset.turned = "write";
    page.dataset.scripts = "";
    document.addEventListener("click", clicked);
    window.addEventListener("hashchange", arrive);
    setInterval(look, LOOK);
    if (!one("#act")) return arrive();
    document.addEventListener("submit", submitted);
    document.addEventListener("keydown", keyed);
    document.addEventListener("input", typing);
    document.addEventListener("change", typing);
    document.addEventListener("focusout", left);
    window.addEventListener("pagehide", leave);
    window.addEventListener("beforeunload", (event) => {
      if (all("form[data-write]:not([data-clash])").some(isChanged)) event.preventDefault();
    });
    all("form[data-write]:not([data-clash])").forEach((form) => begin(form));
    dragging();
    draggable();
    arrive();
  });
})();
