// Forms that a passkey fills in: `data-passkey` says whether it is made ("create") or asked for ("get").
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function answer(form) {
  const got = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
  if (!got.ok || got.redirected) throw new Error("signed out");
  const publicKey = await got.json();
  publicKey.challenge = bytes(publicKey.challenge);
  if (publicKey.user) publicKey.user.id = bytes(publicKey.user.id);
  for (const list of ["excludeCredentials", "allowCredentials"])
    for (const each of publicKey[list] || []) each.id = bytes(each.id);
  const made = await navigator.credentials[form.dataset.passkey]({ publicKey });
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
    if (made.response[part]) response[part] = text(made.response[part]);
  return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {} });
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      if (form.elements.credential.value) return;
      event.preventDefault();
      const trouble = form.querySelector("[data-trouble]"), named = form.elements.name;
      trouble.textContent = "";
      try {
        // Without a name our own page says what to do.
        if (!named || named.value.trim()) form.elements.credential.value = await answer(form);
        form.submit();
      } catch (refusal) {
        trouble.textContent =
          refusal.name === "InvalidStateError"
            ? "This device has a passkey of yours already."
            : "That did not work on this device. Try once more, or use the mail.";
      }
    });
  }
  for (const words of document.querySelectorAll("[data-without]")) words.remove();
}
