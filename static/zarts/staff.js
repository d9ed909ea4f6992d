// What the keyboard and the mouse add. Every page works without it.
(() => {
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // The theme's script looks for a field of its own around every file input, and stumbles where there is none.
  const files = () => {
    const ours = (event) => event.target.matches(".z-inline [type=file]") && event.stopImmediatePropagation();
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
        if (event.target.matches("select")) form.requestSubmit();
      });
      form.addEventListener("submit", () => {
        for (const field of all("input, select", form)) if (!field.value) field.disabled = true;
      });
    }
  };

  // j and k go through the rows, e does the row's one action.
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
      else if (deciding && "acr".includes(event.key)) {
        const button = page.querySelector(`[data-key="${event.key}"]`);
        const reason = page.querySelector("#id_reason");
        if (!button) return;
        event.preventDefault();
        // Rejecting needs a reason first: the key brings the cursor there, the button decides.
        if (event.key !== "a" && reason && !reason.value.trim()) reason.focus();
        else button.focus();
      }
    });
  };

  // Deals move by dragging; a refusal returns the card and says beside it what is missing.
  const board = () => {
    const place = document.querySelector("[data-board]");
    if (!place) return;
    let dragged = null;
    const token = place.querySelector("[name=csrfmiddlewaretoken]").value;
    const send = async (deal, to) => {
      all(".z-refused", place).forEach((box) => box.remove());
      const body = new FormData();
      body.set("opportunity", deal.dataset.deal);
      body.set("to", to);
      const headers = { "X-CSRFToken": token, "X-Requested-With": "staff.js" };
      const answer = await fetch(place.dataset.board, { method: "POST", body, headers });
      if (answer.ok) {
        const { go } = await answer.json();
        if (go) location.assign(go);
        else location.reload();
      } else if (answer.status === 409) {
        deal.insertAdjacentHTML("beforeend", await answer.text());
        deal.querySelector(".z-refused").focus();
      } else {
        location.reload();
      }
    };
    for (const deal of all("[data-deal]", place)) {
      deal.addEventListener("dragstart", (event) => {
        dragged = deal;
        deal.classList.add("z-drag");
        event.dataTransfer.setData("text/plain", deal.dataset.deal);
      });
      deal.addEventListener("dragend", () => deal.classList.remove("z-drag"));
      deal.querySelector(".z-mover")?.addEventListener("submit", (event) => {
        event.preventDefault();
        send(deal, event.target.elements.to.value);
      });
    }
    for (const column of all("[data-stage]", place)) {
      column.addEventListener("dragover", (event) => {
        if (!dragged) return;
        event.preventDefault();
        column.classList.add("z-over");
      });
      column.addEventListener("dragleave", () => column.classList.remove("z-over"));
      column.addEventListener("drop", (event) => {
        event.preventDefault();
        column.classList.remove("z-over");
        if (dragged && dragged.closest("[data-stage]") !== column) send(dragged, column.dataset.stage);
        dragged = null;
      });
    }
  };

  // Where people write: Ctrl or Cmd with Enter saves, a link to a field puts the cursor in it, nobody leaves by accident.
  const writing = () => {
    const form = document.querySelector("form[data-writing]");
    if (!form) return;
    const fields = () => [...form.elements].filter((field) => field.name && field.matches("input, select, textarea"));
    const text = () => JSON.stringify(fields().map((field) => field.type === "checkbox" ? field.checked : field.value));
    let before = text();
    let leaving = false;
    const go = () => {
      const field = location.hash && document.getElementById(location.hash.slice(1));
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
        place.innerHTML = await answer.text();
        place.querySelector(".z-bad textarea, details[open] textarea")?.focus();
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

  // A sheet prints by the browser's own way; the button is only there where it does something.
  const print = () => {
    for (const button of all("[data-print]")) {
      button.hidden = false;
      button.addEventListener("click", () => window.print());
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    writing();
    hearing();
    order();
    files();
    print();
    new MutationObserver(pickers).observe(document.body, { childList: true, subtree: true });
    filters();
    rows();
    board();
  });
})();
