// --- who is signed in ----------------------------------------------------------------------------
actions["sign-out"] = async () => {
  const answer = await fetch("api/account/sign-out", { method: "POST" });
  if (!answer.ok) return;
  forgetDrafts();
  sessionStorage.clear(); // whoever comes next uses the same browser
  location.assign((await answer.json()).next);
};

/** What a guest has left, in the menu of the account. */
async function showLeft() {
  const place = $("#account-menu [data-left]");
  if (!place) return;
  const told = await (await fetch(route("api/account"))).json();
  if (told.messages === undefined) return;
  const until = new Date(told.until).toLocaleString(words().lang, { dateStyle: "medium", timeStyle: "short" });
  place.textContent = place.dataset.left.replace("[count]", told.messages).replace("[until]", until);
}

// Whoever was signed out elsewhere is led to the way in by whatever they do next.
const ask = window.fetch.bind(window);
window.fetch = async (...asked) => {
  const answer = await ask(...asked);
  if (answer.status === 401) location.reload();
  return answer;
};
