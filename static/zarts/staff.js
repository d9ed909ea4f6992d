// What the keyboard and the mouse add. Every page works without it.
(() => {
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
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

  document.addEventListener("DOMContentLoaded", () => {
    progress();
    files();
    new MutationObserver(pickers).observe(document.body, { childList: true, subtree: true });
    filters();
    rows();
    board();
  });
})();
