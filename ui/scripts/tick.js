// --- what changes without being asked for: the model's state, the list's dots, other tabs ----------
// A tick costs the server as much as two updates of an answer, so a tab that is left alone asks
// seldom and a hidden one never; both ask at once when somebody comes back to them.
const TICK_MS = 2_000;
const WRITING_TICK_MS = 6_000; // while an answer comes into this page, its stream shows what changes
const IDLE_TICK_MS = 60_000;
const LEFT_ALONE_MS = 60_000; // so long after the last sign of somebody
let somebodyAt = Date.now();
let tickedAt = Date.now();
const isAwaited = () =>
  Date.now() - somebodyAt < LEFT_ALONE_MS || $("#state .dot.loading") || $("#conversation-list .live");
const tickMs = () => (!isAwaited() ? IDLE_TICK_MS : isAnswering() ? WRITING_TICK_MS : TICK_MS);
function tick() {
  tickedAt = Date.now();
  trigger("tick");
}
setInterval(() => {
  if (document.hidden) return;
  if (Date.now() - tickedAt >= tickMs()) tick();
}, TICK_MS / 4);
function somebody() {
  const wasAwaited = isAwaited();
  somebodyAt = Date.now();
  if (!wasAwaited && !document.hidden) tick();
}
for (const sign of ["pointermove", "pointerdown", "wheel", "keydown"])
  window.addEventListener(sign, somebody, { capture: true, passive: true });
document.addEventListener("visibilitychange", () => !document.hidden && tick());
