// What the pages' forms do, by their data attributes:
//   data-post     where the form is sent, as JSON
//   data-then     go (to where the answer says), reload, show (a link or key), tell (that it is done)
//   data-sure     what the button asks before it is meant
//   data-copied   on a button: copies the input beside it, then says so
//   data-secret   on a card: where to ask what the secret in the address is for; data-kind inside
"use strict";
const $ = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const language = document.documentElement.lang;
const words = JSON.parse($("#words").textContent);
const secret = location.hash.slice(1);

async function post(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (answer.ok) return told;
  const code = told.error?.code;
  const sentence = words[`error-${code}`] ?? words["error-other"];
  throw new Error(sentence.replace("{seconds}", answer.headers.get("Retry-After") ?? "60"));
}

function valuesOf(form) {
  const values = form.closest("[data-secret]") ? { token: secret } : {};
  for (const input of all("[name]", form)) {
    if (input.type === "checkbox") {
      values[input.name] ??= [];
      if (input.checked) values[input.name].push(input.value);
      continue;
    }
    values[input.name] = input.type === "number" ? input.valueAsNumber : input.value || null;
  }
  for (const name of ["name", "password", "next"]) {
    if (name in values) values[name] ??= "";
  }
  return values;
}

const afterwards = {
  // The address a page was asked for may have had a conversation's id, which no server sees.
  go: (form, told) => {
    const kept = form.closest("[data-secret]") || told.next.includes("#") ? "" : location.hash;
    location.replace(told.next + kept);
  },
  reload: () => location.reload(),
  show: (form, told) => {
    const made = $(".made");
    made.hidden = false;
    $("input", made).value = told.key ?? new URL(told.link, location.href).href;
    $("input", made).select();
    form.reset();
  },
  tell: (form, told) => {
    const said = document.createElement("p");
    said.setAttribute("role", "status");
    said.textContent = (told.rows === undefined ? words["done"] : words["rows-deleted"]).replace("{rows}", told.rows);
    form.replaceWith(said);
  },
};

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = $("button", form);
  if (form.dataset.sure && button.textContent !== form.dataset.sure) {
    button.textContent = form.dataset.sure;
    return;
  }
  const error = $(".error", form);
  error.hidden = button.disabled = true;
  try {
    afterwards[form.dataset.then](form, await post(form.dataset.post, valuesOf(form)));
  } catch (refused) {
    error.textContent = refused instanceof TypeError ? words["error-other"] : refused.message;
    error.hidden = false;
  } finally {
    button.disabled = false;
  }
});

const card = $("[data-secret]");
if (card) {
  const reveal = (kind) => all(`[data-kind="${kind}"]`, card).forEach((part) => (part.hidden = false));
  post(card.dataset.secret, { token: secret }).then(
    (told) => {
      reveal(told.kind);
      all("[data-tell]", card).forEach((part) => (part.textContent = told[part.dataset.tell]));
      $("div:not([hidden]) input", card)?.focus();
    },
    () => reveal("none"),
  );
}

for (const button of all("[data-copied]")) {
  button.addEventListener("click", () => {
    $("input", button.parentElement).select();
    // The old way, because the new one is only there under HTTPS.
    if (document.execCommand("copy")) button.textContent = button.dataset.copied;
  });
}
for (const button of all("[data-language]")) {
  button.addEventListener("click", () => {
    localStorage.setItem("qwen-chat.language", button.dataset.language);
    document.cookie = `qwen_chat_language=${button.dataset.language}; path=/; max-age=31536000; samesite=lax`;
    location.reload();
  });
}
for (const time of all("time")) {
  time.textContent = new Date(time.dateTime).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
}
const theme = localStorage.getItem("qwen-chat.theme");
if (theme) document.documentElement.dataset.theme = theme;
