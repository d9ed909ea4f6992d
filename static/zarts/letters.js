// Writing a mail or a template: fields are put in where the cursor stands, and the mail is shown as one types.
// Every button of the page works without it.
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const wait = 700;
  let timer = 0;
  let asked = 0;
  let last = null;

  // The word that was typed in last gets the field.
  const put = (form, name) => {
    const place = last || one("[name=body]", form);
    const words = `{${name}}`;
    place.setRangeText(words, place.selectionStart, place.selectionEnd, "end");
    place.focus();
    place.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const show = async (form) => {
    const mine = ++asked;
    const body = new FormData(form);
    body.set("do", "preview");
    body.delete("once");
    const answer = await fetch(form.getAttribute("action") || location.href, { method: "POST", body });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = one("[data-preview]", page);
    if (mine === asked && fresh) one("[data-preview]").replaceChildren(...fresh.childNodes);
  };

  const soon = (form) => {
    clearTimeout(timer);
    timer = setTimeout(() => show(form), wait);
  };

  document.addEventListener("DOMContentLoaded", () => {
    const form = one("form[data-letter]");
    if (!form) return;
    const written = () => ["subject", "body"].some((name) => form.elements[name].value.trim());
    let before = form.elements.template?.value;
    form.addEventListener("focusin", (event) => {
      if (event.target.matches("[name=body], [name=subject]")) last = event.target;
    });
    form.addEventListener("input", () => soon(form));
    form.addEventListener("change", (event) => {
      if (event.target.name !== "template" || !event.target.value) return soon(form);
      // What somebody wrote by hand is not lost to a choice from a list.
      if (written() && !confirm("Put the template’s words in place of what is written here?")) {
        event.target.value = before;
        return;
      }
      form.requestSubmit(one("[data-use]", form));
    });
    form.addEventListener("click", (event) => {
      const field = event.target.closest("[data-field]");
      if (field) put(form, field.dataset.field);
    });
    // The picker of a deal is the theme's own, which tells of a choice in its own way.
    window.django?.jQuery?.(form).on("select2:select select2:clear", () => soon(form));
    if (form.elements.body?.value.trim() && !one("[data-preview] .z-envelope")) show(form);
  });
})();
