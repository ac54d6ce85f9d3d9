// A campaign as it goes: what is new is put in place, without a reload, while the page is seen.
"use strict";
const LIVE_MS = 4000;
const MOST_MS = 60_000; // between two attempts while the server does not answer
const liveFrom = $("[data-live-from]");
const livePart = (name) => $(`[data-live-part="${name}"]`);
const drawn = {};
let news = {};
let tag = "";
let waitMs = LIVE_MS;
let waiting = 0;
let asking = false;

const localTimes = (part) => {
  for (const time of all("time", part)) {
    time.textContent = new Date(time.dateTime).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
  }
};
/** Whether somebody types, chooses, selects text or has something open there. */
function isInUse(part) {
  const chosen = getSelection();
  const selects = !chosen.isCollapsed && part.contains(chosen.anchorNode);
  return selects || Boolean($("details[open], :is(input, select, textarea):focus", part));
}
/** Put in what is new; what is in use waits for the next time, and the focus stays at its link. */
function show() {
  for (const [name, html] of Object.entries(news)) {
    const part = livePart(name);
    if (!part || drawn[name] === html || isInUse(part)) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    drawn[name] = html;
    part.innerHTML = html;
    localTimes(part);
    if (focused) $(`a[href="${CSS.escape(focused)}"]`, part)?.focus();
  }
}
async function look() {
  clearTimeout(waiting);
  if (document.hidden || asking) return;
  asking = true;
  const answer = await fetch(liveFrom.dataset.liveFrom, {
    cache: "no-store",
    headers: tag ? { "If-None-Match": tag } : {},
  }).catch(() => null);
  asking = false;
  const isGood = answer?.ok || answer?.status === 304;
  waitMs = isGood ? LIVE_MS : Math.min(2 * waitMs, MOST_MS);
  if (answer?.ok) {
    const told = await answer.json();
    tag = answer.headers.get("ETag") ?? "";
    news = told.parts;
    for (const [name, value] of Object.entries(told.figures)) {
      const figure = $(`[data-figures] [data-figure="${name}"]`);
      if (figure) figure.textContent = value;
    }
  }
  show();
  waiting = setTimeout(look, waitMs);
}
// What the host does is seen at once, and what is shown to testers leaves its box.
afterwards.look = (form) => {
  const notice = $("textarea[name=notice]", form);
  if (notice) notice.value = "";
  look();
};
document.addEventListener("visibilitychange", look);
look();
