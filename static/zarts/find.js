// The search box. Without this it is a form that leads to a page.
(() => {
  const WAIT = 150;

  const start = () => {
    const place = document.querySelector("[data-find]");
    if (!place) return;
    const box = place.querySelector("input[type=search]");
    const below = place.querySelector("[data-below]");
    const list = place.querySelector("[data-list]");
    const foot = place.querySelector("[data-foot]");
    const said = place.querySelector("[data-find-said]");
    const options = () => [...list.querySelectorAll("[role=option]")];
    let asked = 0;
    let pause;
    let came;

    box.setAttribute("role", "combobox");
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-controls", list.id);
    box.setAttribute("aria-expanded", "false");

    const choose = (option) => {
      for (const one of options()) one.setAttribute("aria-selected", String(one === option));
      if (option) {
        box.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      } else box.removeAttribute("aria-activedescendant");
    };
    const chosen = () => list.querySelector("[aria-selected=true]");

    const show = () => {
      below.hidden = false;
      box.setAttribute("aria-expanded", String(options().length > 0));
    };
    const shut = () => {
      clearTimeout(pause);
      asked += 1;
      below.hidden = true;
      said.textContent = "";
      choose(null);
      box.setAttribute("aria-expanded", "false");
      place.classList.remove("z-open");
    };

    // An answer that was overtaken by a later question is dropped.
    const ask = async () => {
      const mine = ++asked;
      const answer = await fetch(`${place.dataset.find}?${new URLSearchParams({ q: box.value })}`, {
        headers: { "X-Requested-With": "find.js" },
      }).catch(() => null);
      if (mine !== asked) return;
      if (!answer?.ok || answer.redirected) {
        list.replaceChildren();
        foot.textContent = answer?.redirected
          ? "Your sign-in has ended. Press Enter to sign in and look for it."
          : "It could not be looked for just now. Press Enter to try on a page of its own.";
        said.textContent = foot.textContent;
        return show();
      }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine !== asked) return;
      const lines = fresh.querySelector("[data-lines]");
      const kept = chosen()?.id;
      list.replaceChildren(...lines.childNodes);
      foot.replaceChildren(...fresh.querySelector("[data-words]").childNodes);
      list.hidden = !options().length;
      // Whoever chose a line meanwhile keeps it, where it is still found.
      choose(options().find((one) => one.id === kept) || null);
      said.textContent = lines.dataset.said;
      show();
    };

    const open = () => {
      if (!place.contains(document.activeElement)) came = document.activeElement;
      place.classList.add("z-open");
      box.focus();
      box.select();
    };
    // Where whoever closes it was before; Chromium keeps no cursor in what is hidden.
    const leave = () => {
      shut();
      if (came?.isConnected && came !== document.body) came.focus();
      else box.blur();
    };

    box.addEventListener("focus", () => {
      place.classList.add("z-open");
      ask();
    });
    box.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(ask, WAIT);
    });
    box.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const all = options();
      const at = all.indexOf(chosen());
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (below.hidden) return ask();
        const to = event.key === "ArrowDown" ? at + 1 : at < 0 ? all.length - 1 : at - 1;
        choose(all[to] || null);
      } else if (event.key === "Enter" && chosen()) {
        event.preventDefault();
        chosen().click();
      } else if (event.key === "Escape") {
        // It closes this, and not what else is on the page.
        event.preventDefault();
        event.stopPropagation();
        leave();
      }
    });
    list.addEventListener("mousemove", (event) => {
      const option = event.target.closest("[role=option]");
      if (option && option !== chosen()) choose(option);
    });
    place.addEventListener("focusout", (event) => {
      if (!place.contains(event.relatedTarget)) shut();
    });
    // A press on a line must not take the cursor from the box first, for that would close it.
    below.addEventListener("mousedown", (event) => event.preventDefault());
    place.querySelector("[data-find-open]").addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open();
    });
    const typing = (target) =>
      target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return;
      const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey;
      const isK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
      // A slash is also something to type; Ctrl K is not.
      if (!isK && (!isSlash || typing(event.target))) return;
      event.preventDefault();
      open();
    });

    // A record's page: that it was opened is kept, and its star says whether it is pinned.
    const star = place.querySelector("[data-star]");
    const button = star.querySelector("button");
    const send = (url, words) =>
      fetch(url, {
        method: "POST",
        headers: { "X-CSRFToken": place.dataset.token, "X-Requested-With": "find.js" },
        body: new URLSearchParams(words),
      })
        .then((answer) => (answer.ok && !answer.redirected ? answer.json() : null))
        .catch(() => null);
    const tell = ({ entry, pinned }) => {
      star.hidden = false;
      star.dataset.entry = entry;
      button.setAttribute("aria-pressed", String(pinned));
      button.title = pinned ? "Pinned. Press to take the pin away." : "Pin this";
    };
    const page =
      /^\/admin\/(opportunities\/(client|contact|lead|opportunity|message|note)|proposals\/(proposal|contract)|handoff\/project)\/\d+\/change\/$/;
    if (page.test(location.pathname)) {
      send(place.dataset.opened, { path: location.pathname }).then((known) => known && tell(known));
    }
    star.addEventListener("submit", async (event) => {
      event.preventDefault();
      const pinned = button.getAttribute("aria-pressed") !== "true";
      const known = await send(star.action, { entry: star.dataset.entry, pinned: pinned ? "1" : "0" });
      if (!known) return (said.textContent = "It was not pinned. Reload the page and try again.");
      tell(known);
      said.textContent = known.pinned ? "Pinned." : "The pin is gone.";
    });
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
