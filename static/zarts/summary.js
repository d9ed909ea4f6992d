// Writing for a client: the words are checked as one types, and a suggestion is taken with a key. The page works without it.
(() => {
  const wait = 500;
  let timer = 0;
  let asked = 0;

  const check = async (form) => {
    const mine = ++asked;
    const body = new FormData();
    for (const name of ["csrfmiddlewaretoken", "title", "words"]) body.set(name, form.elements[name].value);
    body.set("deal", form.elements.opportunity?.value || form.dataset.deal || "");
    body.set("about", form.elements.about?.value || "");
    if (!body.get("deal")) return;
    try {
      const answer = await fetch(form.dataset.lint, { method: "POST", body, headers: { "X-Requested-With": "summary.js" } });
      if (mine !== asked || !answer.ok || answer.redirected) return;
      const place = document.querySelector("[data-marks]");
      const open = place.querySelector("details")?.open;
      place.innerHTML = await answer.text();
      if (open) place.querySelector("details")?.setAttribute("open", "");
    } catch {
      // The line is down: the words are checked again as soon as something else is typed, and when they are submitted.
    }
  };

  const soon = (form) => {
    clearTimeout(timer);
    asked++;
    timer = setTimeout(() => check(form), wait);
  };

  // Places are counted in letters as the house counts them: a browser counts some letters as two.
  const place = (words, at) => [...words].slice(0, at).join("").length;

  const take = (form, button) => {
    const field = form.elements[button.dataset.field];
    const [start, end] = [button.dataset.start, button.dataset.end].map((at) => place(field.value, Number(at)));
    // Something was typed meanwhile: the marks stand elsewhere now.
    if (field.value.slice(start, end) !== button.dataset.found) return check(form);
    field.setRangeText(button.dataset.words, start, end, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    for (const other of document.querySelectorAll("[data-take]")) other.disabled = true;
    clearTimeout(timer);
    check(form);
  };

  document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("form[data-lint]");
    if (!form) return;
    form.addEventListener("input", (event) => {
      if (event.target.matches("[name=title], [name=words]")) soon(form);
    });
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-take]");
      if (!button) return;
      event.preventDefault();
      take(form, button);
    });
    document.addEventListener("keydown", (event) => {
      const button = event.key === "F2" && document.querySelector("[data-take]:not(:disabled)");
      if (!button) return;
      event.preventDefault();
      take(form, button);
    });
  });
})();
