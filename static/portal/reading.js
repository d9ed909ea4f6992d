// What a page of a proposal adds when scripts run: totals that follow the choices, and for how long each part was read.
// Nothing depends on it. It knows no person, and sends nothing anywhere but here.
(() => {
  const reading = document.querySelector("[data-reading]");
  if (!reading) return;
  const every = 15_000;
  // Seconds in sight are counted while somebody is there: a page that nobody touches for a minute is not read.
  const awake = 60_000;
  let touched = 0;
  let seen = {};
  const inSight = new Map();

  for (const kind of ["pointermove", "pointerdown", "touchstart", "wheel", "keydown", "scroll"]) {
    addEventListener(kind, (event) => { if (event.isTrusted) touched = Date.now(); }, { passive: true, capture: true });
  }
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) inSight.set(entry.target.dataset.part, entry.isIntersecting && entry.intersectionRect.height);
  }, { threshold: [0, 0.1, 0.25, 0.5, 0.75, 1] });
  const watch = () => {
    watcher.disconnect();
    inSight.clear();
    document.querySelectorAll("[data-part]").forEach((part) => watcher.observe(part));
  };
  watch();

  // Each second goes to the part that fills most of the window.
  setInterval(() => {
    if (document.hidden || !touched || Date.now() - touched > awake) return;
    const [part, height] = [...inSight].reduce((most, one) => (one[1] > most[1] ? one : most), ["", 0]);
    if (height) seen[part] = Math.min((seen[part] || 0) + 1, 60);
  }, 1000);

  const tell = () => {
    if (!Object.keys(seen).length) return;
    const body = new FormData(reading);
    for (const [part, seconds] of Object.entries(seen)) body.append("seen", `${part}=${seconds}`);
    seen = {};
    navigator.sendBeacon(reading.action, body);
  };
  setInterval(tell, every);
  document.addEventListener("visibilitychange", () => { if (document.hidden) tell(); });
  addEventListener("pagehide", tell);

  // The totals follow by themselves: no button is needed for it.
  document.querySelectorAll("[data-choices] button").forEach((button) => { button.hidden = true; });

  // The server counts; the page takes over what it says.
  let asked = 0;
  document.addEventListener("change", async (event) => {
    const form = event.target.closest("[data-choices]");
    if (!form) return;
    const mine = ++asked;
    const said = form.querySelector("[data-said]");
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
      if (mine !== asked) return;
      if (!answer.ok) return location.reload();
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const place of ["#price", "[data-chosen]", ".bar"]) {
        const [old, now] = [document.querySelector(place), fresh.querySelector(place)];
        if (old && now) old.replaceWith(now);
      }
      said.textContent = `First year: ${document.querySelector(".bar-total strong").textContent}`;
      watch();
    } catch {
      said.textContent = "The line is down. Your choice is kept here; update the totals once it is back.";
    }
  });
})();
