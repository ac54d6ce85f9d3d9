// What the host tells the testers of a campaign: asked for while the page is seen.
"use strict";
const NOTICE_MS = 10_000;
const noticed = $("[data-notice-from]");
let takesPart = true;
async function askForNotice() {
  if (document.hidden || !takesPart) return;
  const answer = await fetch(noticed.dataset.noticeFrom).catch(() => null);
  if (!answer?.ok) return; // the next time will do
  const { html } = await answer.json();
  if (noticed.innerHTML !== html) noticed.innerHTML = html;
}
setInterval(askForNotice, NOTICE_MS);
document.addEventListener("visibilitychange", askForNotice);
/** Who has declined or taken everything back is told nothing more. */
const tellOutcome = afterwards.tell;
afterwards.tell = (form, told) => {
  takesPart = false;
  tellOutcome(form, told);
};
