// The keys of the calendar of reports. Its links do the same.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const link = { ArrowLeft: "[rel=prev]", ArrowRight: "[rel=next]", t: "[data-now]" }[event.key];
  document.querySelector(link || "none")?.click();
});
