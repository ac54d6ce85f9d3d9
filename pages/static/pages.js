// What the pages' forms do, by their data attributes:
//   data-post     where the form is sent, as JSON
//   data-then     go (to where the answer says), reload, show (a link or key), tell (that it is done)
//   data-sure     what the button asks before it is meant
//   data-list     within a form: a list of the cards (data-item) in it, but for hidden ones
//   data-map      within a form: an object of the answers in it
//   data-copied   on a button: copies the input beside it, then says so
//   data-secret   on a card: where to ask what the secret in the address is for; data-kind inside
"use strict";
const $ = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const language = document.documentElement.lang;
const words = JSON.parse($("#words").textContent);
const secret = location.hash.slice(1);

/** A sentence with its places filled; of "{count:answer|answers}" the first is for one. */
function filled(sentence, values) {
  return sentence.replace(/\{(\w+)(?::([^|{}]*)\|([^{}]*))?\}/g, (place, name, one, more) => {
    if (!(name in values)) return place;
    if (one === undefined) return values[name];
    return String(values[name]) === "1" ? one : more;
  });
}

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
  const said = filled(sentence, {
    seconds: answer.headers.get("Retry-After") ?? "60",
    detail: told.error?.message ?? "",
  });
  throw Object.assign(new Error(said), { field: told.error?.param });
}

function valueOf(input) {
  if (input.type === "number") return input.valueAsNumber;
  if (input.type === "datetime-local") return input.value ? new Date(input.value).toISOString() : null;
  return input.value || null;
}

/** What stands in the fields of `part`, but for those in cards and maps within it. */
function fieldsIn(part) {
  const values = {};
  for (const input of all("[name]", part)) {
    if (input.closest("[data-item], [data-map]") !== (part.matches("[data-item], [data-map]") ? part : null)) continue;
    if (input.type === "checkbox") {
      values[input.name] ??= [];
      if (input.checked) values[input.name].push(input.value);
    } else if (input.type === "radio") {
      if (input.checked) values[input.name] = Number(input.value);
    } else {
      values[input.name] = valueOf(input);
    }
  }
  return values;
}

function valuesOf(form) {
  const values = { ...(form.closest("[data-secret]") && { token: secret }), ...fieldsIn(form) };
  for (const list of all("[data-list]", form)) {
    values[list.dataset.list] = all("[data-item]:not([hidden])", list).map(fieldsIn);
  }
  for (const map of all("[data-map]", form)) values[map.dataset.map] = fieldsIn(map);
  for (const name of ["name", "password", "next"]) {
    if (name in values) values[name] ??= "";
  }
  return values;
}

/** Lead to the field that was refused. */
function pointAt(form, name) {
  const field = name && $(`[name="${CSS.escape(name)}"], [data-list="${CSS.escape(name)}"]`, form);
  field?.setAttribute("aria-invalid", "true");
  field?.focus();
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
    said.textContent = filled(told.rows === undefined ? words["done"] : words["rows-deleted"], told);
    form.replaceWith(said);
  },
};

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = $("button:not([type])", form);
  if (form.dataset.sure && button.textContent !== form.dataset.sure) {
    button.textContent = form.dataset.sure;
    return;
  }
  const error = $(".error", form);
  error.hidden = button.disabled = true;
  all("[aria-invalid]", form).forEach((field) => field.removeAttribute("aria-invalid"));
  try {
    afterwards[form.dataset.then](form, await post(form.dataset.post, valuesOf(form)));
  } catch (refused) {
    error.textContent = refused instanceof TypeError ? words["error-other"] : refused.message;
    error.hidden = false;
    pointAt(form, refused.field);
  } finally {
    button.disabled = false;
  }
});

const card = $("[data-secret]");
if (card) {
  const reveal = (kind) => all(`[data-kind="${kind}"]`, card).forEach((part) => (part.hidden = false));
  post(card.dataset.secret, { token: secret }).then(
    (told) => {
      if (told.next) return location.replace(told.next);
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
