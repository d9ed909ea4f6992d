// What the keyboard and the mouse add. Every page works without it.
(() => {
  const typing = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // The theme's script looks for a field of its own around every file input, and stumbles where there is none.
  const files = () => {
    const ours = (event) => event.target.matches(":is(.z-inline, .z-upload) [type=file]") && event.stopImmediatePropagation();
    document.addEventListener("change", ours, true);
  };

  // A picker that is still empty has no name of its own: it takes that of its field.
  const pickers = () => {
    for (const picker of all(".select2-selection:not([aria-label])")) {
      const field = picker.closest(".select2-container").previousElementSibling;
      const name = field?.getAttribute("aria-label") || field?.labels?.[0]?.textContent.trim();
      if (!name) continue;
      picker.setAttribute("aria-label", name);
      picker.querySelector("[role=textbox]")?.setAttribute("aria-label", name);
    }
  };

  // Filters answer at once; the button stays for whoever has no script.
  const filters = () => {
    for (const form of all("form[data-submit]")) {
      form.addEventListener("change", (event) => {
        if (event.target.matches("select, [type=checkbox]")) form.requestSubmit();
      });
      form.addEventListener("submit", () => {
        for (const field of all("input, select", form)) if (!field.value) field.disabled = true;
      });
    }
  };

  // j and k go through the rows, e does the row's one action, x picks the row, b leads to the bar for those picked.
  const rows = () => {
    const page = document.querySelector("[data-keys]");
    if (!page) return;
    const lines = all("[data-row]", page);
    const deciding = page.dataset.keys === "approvals";
    let at = lines.findIndex((line) => line.querySelector("[aria-current]"));
    const go = (to) => {
      if (!lines.length) return;
      lines[at]?.classList.remove("z-at");
      at = Math.max(0, Math.min(lines.length - 1, to));
      lines[at].classList.add("z-at");
      lines[at].scrollIntoView({ block: "nearest" });
      const link = lines[at].querySelector("a");
      if (deciding) link.click();
      else link.focus();
    };
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      if (event.key === "j") go(at + 1);
      else if (event.key === "k") go(at - 1);
      else if (event.key === "e" && !deciding) lines[at]?.querySelector(".z-do button, .z-do a")?.click();
      else if (event.key === "s" && !deciding) lines[at]?.querySelector("[data-snooze]")?.click();
      else if (event.key === "x") lines[at]?.querySelector("[name=pick]")?.click();
      else if (event.key === "b") document.querySelector("#several:not([hidden]) button")?.focus();
      else if (deciding && "acrl".includes(event.key)) {
        const button = page.querySelector(`[data-key="${event.key}"]`);
        const reason = page.querySelector("#id_reason");
        if (!button) return;
        event.preventDefault();
        // Rejecting needs a reason first: the key brings the cursor there, the button decides.
        if ("cr".includes(event.key) && reason && !reason.value.trim()) reason.focus();
        else button.focus();
      }
    });
  };

  // Deals move by dragging, by keys and by their list of moves. A refusal says beside the deal what is missing.
  const board = () => {
    const place = document.querySelector("[data-moves]");
    if (!place) return;
    const said = document.querySelector("[data-said]");
    const cardOf = (thing) =>
      thing?.closest?.("[data-deal]") || thing?.closest?.(".z-refusal")?.previousElementSibling;
    const linkOf = (deal) => deal?.querySelector("[data-card]");
    let dragged = null;

    // The page as it is now: the rest of it may have changed with the deal, its sums and its order.
    const again = async (pk) => {
      const fresh = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
      const there = fresh.querySelector("[data-moves]");
      if (!there) return location.reload();
      place.replaceChildren(...there.childNodes);
      document.querySelector(".z-whole")?.replaceWith(fresh.querySelector(".z-whole"));
      linkOf(place.querySelector(`[data-deal="${pk}"]`))?.focus();
    };
    // On a card below what it says, in the table in a row of its own below the deal's.
    const refuse = (deal, words) => {
      if (deal.cells) {
        deal.insertAdjacentHTML("afterend", '<tr class="z-refusal"><td></td></tr>');
        deal.nextElementSibling.cells[0].colSpan = deal.cells.length;
      }
      const at = deal.cells ? deal.nextElementSibling.cells[0] : deal;
      at.insertAdjacentHTML("beforeend", words);
      at.querySelector(".z-refused").focus();
    };
    const tidy = () => all(".z-refusal, .z-refused", place).forEach((box) => box.remove());
    const send = async (deal, to) => {
      tidy();
      const body = new FormData();
      const pk = deal.dataset.deal;
      body.set("opportunity", pk);
      body.set("to", to);
      body.set("back", location.pathname + location.search);
      const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
      const headers = { "X-CSRFToken": token, "X-Requested-With": "staff.js" };
      const answer = await fetch(place.dataset.moves, { method: "POST", body, headers });
      if (answer.ok) {
        const words = await answer.json();
        if (words.go) return location.assign(words.go);
        await again(pk);
        said.textContent = words.said;
      } else if (answer.status === 409) {
        refuse(deal, await answer.text());
      } else {
        location.reload();
      }
    };

    place.addEventListener("dragstart", (event) => {
      dragged = cardOf(event.target);
      dragged?.classList.add("z-drag");
      event.dataTransfer.setData("text/plain", dragged?.dataset.deal || "");
    });
    place.addEventListener("dragend", () => {
      dragged?.classList.remove("z-drag");
      dragged = null;
    });
    place.addEventListener("submit", (event) => {
      if (!event.target.matches(".z-mover")) return;
      event.preventDefault();
      send(cardOf(event.target), event.target.elements.to.value);
    });
    const columnOf = (event) => dragged && event.target.closest("[data-stage]");
    place.addEventListener("dragover", (event) => {
      const column = columnOf(event);
      if (!column) return;
      event.preventDefault();
      column.classList.add("z-over");
    });
    place.addEventListener("dragleave", (event) => event.target.closest("[data-stage]")?.classList.remove("z-over"));
    place.addEventListener("drop", (event) => {
      const column = columnOf(event);
      if (!column) return;
      event.preventDefault();
      all(".z-over", place).forEach((over) => over.classList.remove("z-over"));
      if (dragged.closest("[data-stage]") !== column) send(dragged, column.dataset.stage);
    });

    // Arrows go from card to card; with Shift they move the deal; m brings the cursor to its list of moves.
    const step = (deal, key) => {
      const columns = all("[data-stage]", place);
      const cards = (column) => all("[data-deal]", column);
      const column = deal.closest("[data-stage]");
      const at = cards(column).indexOf(deal);
      if (key === "ArrowDown" || key === "ArrowUp") return cards(column)[at + (key === "ArrowDown" ? 1 : -1)];
      const way = key === "ArrowRight" ? 1 : -1;
      for (let other = columns.indexOf(column) + way; columns[other]; other += way) {
        const there = cards(columns[other]);
        if (there.length) return there[Math.min(at, there.length - 1)];
      }
    };
    const aside = (deal, key) => {
      const columns = all("[data-stage]", place);
      return columns[columns.indexOf(deal.closest("[data-stage]")) + (key === "ArrowRight" ? 1 : -1)];
    };
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const deal = cardOf(event.target);
      if (event.key === "Escape" && deal) {
        tidy();
        linkOf(deal).focus();
        return;
      }
      if (typing(event.target)) return;
      if (event.key === "t") document.querySelector("[data-look]:not([aria-current])").click();
      else if (event.key === "m" && deal) {
        event.preventDefault();
        deal.querySelector(".z-mover select")?.focus();
      } else if (deal?.closest("[data-stage]") && event.key.startsWith("Arrow")) {
        event.preventDefault();
        if (!event.shiftKey) linkOf(step(deal, event.key))?.focus();
        else if (deal.draggable && /Left|Right/.test(event.key)) {
          const to = aside(deal, event.key);
          if (to) send(deal, to.dataset.stage);
        }
      }
    });
  };

  // Rows are picked for something that is done to all of them: how many is said where it is done.
  const picking = () => {
    const several = document.querySelector("[data-several-tasks]");
    if (!several) return;
    const boxes = () => all("[name=pick]");
    const count = () => {
      const picked = boxes().filter((box) => box.checked).length;
      document.querySelector("[data-picked]").textContent = several.elements.all?.checked ? "All" : picked;
      // The bar is there while some are picked; without a script it always is.
      several.hidden = !picked;
      const whole = document.querySelector("[data-pick-all]");
      if (!whole) return;
      whole.checked = picked > 0 && picked === boxes().length;
      whole.indeterminate = picked > 0 && !whole.checked;
    };
    document.addEventListener("change", (event) => {
      if (event.target.matches("[data-pick-all]")) boxes().forEach((box) => (box.checked = event.target.checked));
      if (event.target.matches("[data-pick-all], [name=pick], [name=all]")) count();
    });
    count();
  };

  // The panel of a list's views closes by Escape and by a click beside it; the view that is shown is in sight.
  const views = () => {
    const menu = document.querySelector("details.z-menu");
    const now = document.querySelector(".z-views .z-tabs [aria-current]");
    // Sideways alone: the page stays where it is.
    if (now) now.parentElement.scrollLeft = now.offsetLeft - (now.parentElement.clientWidth - now.offsetWidth) / 2;
    if (!menu) return;
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      event.preventDefault();
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  };

  // Where people write: Ctrl or Cmd with Enter saves, a link to a field puts the cursor in it, nobody leaves by accident.
  const writing = () => {
    const form = document.querySelector("form[data-writing]");
    if (!form) return;
    const fields = () => [...form.elements].filter((field) => field.name && field.matches("input:not([type=hidden]), select, textarea"));
    const text = () => JSON.stringify(fields().map((field) => field.type === "checkbox" ? field.checked : field.value));
    let before = text();
    let leaving = false;
    const go = () => {
      const field = document.getElementById(location.hash.slice(1));
      if (field?.matches("textarea, input")) field.focus();
    };
    window.addEventListener("hashchange", go);
    go();
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      const heard = event.target.closest("[data-heard] details");
      if (!heard && !form.contains(event.target)) return;
      event.preventDefault();
      if (heard) heard.querySelector("button").click();
      else form.requestSubmit();
    });
    window.addEventListener("beforeunload", (event) => {
      if (!leaving && text() !== before) event.preventDefault();
    });
    // Back to where the cursor was, when the same page comes again after a save.
    const place = `writing ${location.pathname}`;
    form.addEventListener("submit", () => {
      leaving = true;
      sessionStorage.setItem(place, JSON.stringify([document.activeElement?.id, scrollY]));
    });
    const [at, height] = JSON.parse(sessionStorage.getItem(place) || "[]");
    sessionStorage.removeItem(place);
    const wrong = document.querySelector(".z-refused[role=alert]");
    if (wrong) wrong.focus();
    else if (height !== undefined) {
      if (at) document.getElementById(at)?.focus({ preventScroll: true });
      scrollTo(0, height);
    }
  };

  // What is heard while talking is added without leaving the page; what else is typed there stays.
  const hearing = () => {
    const place = document.querySelector("[data-heard]");
    const form = document.getElementById("write");
    if (!place || !form) return;
    place.addEventListener("click", async (event) => {
      const button = event.target.closest("button[name=heard]");
      if (!button) return;
      event.preventDefault();
      button.disabled = true;
      const body = new FormData();
      for (const field of all("input, select, textarea", place)) body.set(field.name, field.value);
      body.set("heard", button.value);
      const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
      const headers = { "X-CSRFToken": token, "X-Requested-With": "staff.js" };
      const answer = await fetch(form.action, { method: "POST", body, headers }).catch(() => null);
      if (answer?.ok || answer?.status === 422) {
        const words = await answer.text();
        // Whoever writes on elsewhere meanwhile keeps the cursor.
        const here = document.activeElement === document.body || place.contains(document.activeElement);
        place.innerHTML = words;
        if (here) place.querySelector(".z-bad textarea, details[open] textarea")?.focus();
      } else {
        button.disabled = false;
        place.querySelector("[role=status]").textContent = "It was not added. Reload the page, or save and try again.";
      }
    });
  };

  // Alt with an arrow key moves a row among the rows that have numbers, and numbers them anew.
  const order = () => {
    document.addEventListener("keydown", (event) => {
      const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      const row = event.altKey && by && event.target.closest("[id$='-group'] .form-row, [id$='-group'] tbody.template");
      const number = (one) => one.querySelector(".field-position input");
      if (!row || !number(row)) return;
      event.preventDefault();
      const rows = all(`#${row.closest("[id$='-group']").id} .form-row`).filter((one) => number(one) && !one.closest(".empty-form"));
      rows.sort((one, other) => Number(number(one).value) - Number(number(other).value));
      const from = rows.indexOf(row);
      const to = from + by;
      if (to < 0 || to >= rows.length) return;
      rows.splice(to, 0, ...rows.splice(from, 1));
      rows.forEach((one, place) => (number(one).value = place + 1));
      event.target.focus();
    });
  };

  // A page that asks for something begins in its first field, or in the first that is wrong, or at its button where it
  // has no field: the browser itself looks for that while the theme still hides the page. Escape leaves it again.
  const asking = () => {
    const writes = "#content form:not([data-writing])";
    const fields = ":is(input:not([type=hidden]), select, textarea):not([disabled], [readonly], .admin-autocomplete)";
    const asks = document.querySelector(".z-narrow form.z-form, form#letter");
    const form = asks || (location.pathname.endsWith("/add/") && document.querySelector(`${writes}[id$=_form]`));
    const seen = (field) => field.offsetParent && !field.closest(".empty-form");
    const wrong = all(`${writes} ${fields}[aria-invalid=true]`).find(seen);
    const first = form && (all(fields, form).find(seen) || form.querySelector("button[autofocus]"));
    const chosen = first?.type === "radio" && all(`[name="${first.name}"]`, form).find((one) => one.checked);
    // Where fingers type, a field that has the cursor hides half the page behind the keys.
    const start = wrong || (matchMedia("(hover: hover)").matches && (chosen || first));
    // What is to be read before it is answered stays in sight.
    if (start && !location.hash && document.activeElement === document.body)
      start.focus({ preventScroll: start !== wrong });

    const way = asks?.querySelector(".z-actions a.z-link:last-child");
    if (!way) return;
    const typed = () => JSON.stringify([...new FormData(asks)].map(([, value]) => value));
    const before = typed();
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      if (document.querySelector("dialog[open], .select2-container--open")) return;
      if (typed() === before || confirm("Throw away what you typed here?")) way.click();
    });
  };

  // A sheet prints by the browser's own way; the button is only there where it does something.
  const print = () => {
    for (const button of all("[data-print]")) {
      button.hidden = false;
      button.addEventListener("click", () => window.print());
    }
  };

  // Who is here already is said while a lead or a client is still being typed.
  const alike = () => {
    const place = document.querySelector("[data-alike]");
    if (!place) return;
    const names = ["name", "company", "email", "phone", "website"];
    let asked = 0;
    const ask = async (field) => {
      const typed = names.map((name) => [name, document.querySelector(`#id_${name}`)?.value.trim() ?? ""]);
      const mine = ++asked;
      const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
      const sent = { method: "POST", headers: { "X-CSRFToken": token }, body: new URLSearchParams(typed) };
      const answer = await fetch(place.dataset.alike, sent);
      if (!answer.ok || mine !== asked) return;
      const found = (await answer.text()).trim();
      place.querySelector("[data-found]").innerHTML = found;
      // Below what is typed: there it is seen on a phone too, and moves nothing away from under the fingers.
      field.closest("[class*='field-']")?.after(place);
      place.hidden = !found;
    };
    let pause;
    for (const [typing, wait] of [["input", 400], ["change", 0]]) {
      document.addEventListener(typing, (event) => {
        if (!names.some((name) => event.target.id === `id_${name}`)) return;
        clearTimeout(pause);
        pause = setTimeout(() => ask(event.target), wait);
      });
    }
  };

  // A file that is at work tells how far it came; when its stage is behind it, the page is read anew.
  const progress = () => {
    const place = document.querySelector("[data-progress]");
    if (!place) return;
    const look = async () => {
      try {
        const answer = await fetch(place.dataset.progress);
        if (!answer.ok) throw new Error(answer.status);
        const { stage, percent, words } = await answer.json();
        if (stage !== place.dataset.stageNow) return location.reload();
        place.querySelector("progress").value = percent;
        place.querySelector("[data-words]").textContent = words;
      } catch {
        // The next look may reach it.
      }
      setTimeout(look, 1000);
    };
    setTimeout(look, 700);
  };

  // The bell says how many notices are unread, and looks again each minute while somebody looks.
  const bell = () => {
    const link = document.querySelector("[data-unread]");
    if (!link) return;
    const look = async () => {
      if (document.hidden) return;
      const answer = await fetch(link.dataset.unread).catch(() => null);
      if (!answer?.ok || answer.redirected) return;
      const { unread } = await answer.json();
      const count = link.querySelector("[data-count]");
      count.hidden = !unread;
      count.textContent = unread > 99 ? "99+" : unread;
      link.querySelector("[data-words]").textContent = unread ? `Notices, ${unread > 99 ? "more than 99" : unread} unread` : "Notices";
    };
    look();
    setInterval(look, 60000);
  };

  // A campaign that runs says how far it has come; when it ends, the page is read anew.
  const campaign = () => {
    const place = document.querySelector("[data-campaign]");
    if (!place) return;
    const look = async () => {
      const answer = await fetch(place.dataset.campaign).catch(() => null);
      if (answer?.ok) {
        const { stage, rows, all: whole } = await answer.json();
        if (stage !== place.dataset.stageNow) return location.reload();
        all("li", place).forEach((line, at) => {
          const meter = line.querySelector("meter");
          meter.max = whole || 1;
          meter.value = rows[at][1];
          line.querySelector("[data-number]").textContent = rows[at][1];
        });
      }
      setTimeout(look, 2000);
    };
    setTimeout(look, 2000);
  };

  document.addEventListener("DOMContentLoaded", () => {
    bell();
    campaign();
    progress();
    writing();
    hearing();
    order();
    files();
    print();
    asking();
    new MutationObserver(pickers).observe(document.body, { childList: true, subtree: true });
    filters();
    alike();
    rows();
    board();
    picking();
    views();
  });
})();
