// What the pages' forms do, by their data attributes:
//   data-post     where the form is sent, as JSON
//   data-then     go (to where the answer says), reload, show (a link or key), tell (that it is done),
//                 renew (the lists of the page)
//   data-renewed  a part of the page that is fetched again when something was made or changed
//   data-sure     what the button asks before it is meant
//   data-refusals what to say where a field is refused, as JSON, if its length does not tell
//   data-list     within a form: a list of the cards (data-item) in it, but for hidden ones
//   data-map      within a form: an object of the answers in it
//   data-beside   on a form: what is wrong with a field stands under the field
//   data-left     where a guest reads what is left, in these words; data-account: where to ask
//   data-longest  on a field: how many characters it may have; more are not cut, but told of
//   data-export   where the form's file is, data-preview where to ask what it would hold; data-query of both
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

/** Send a body as JSON. What is refused is said of the field in `form` that it is about. */
async function post(address, body, form, options) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    ...options,
  });
  const told = await saidBy(answer);
  if (answer.ok) return told;
  throw refusal(answer, told.error ?? {}, form);
}

/** What an answer says; nothing where a proxy refuses in HTML, whose status alone tells why. */
const saidBy = (answer) => (answer.ok ? answer.json() : answer.json().catch(() => ({})));

/** Why the server refuses, as what is thrown: a sentence, and the field in `form` that it is about. */
function refusal(answer, error, form) {
  const field = form && error.param && fieldOf(form, error.param, error.limit);
  const seconds = answer.headers.get("Retry-After") ?? "60";
  const general = answer.status === 413 ? "refused-size" : `error-${error.code}`;
  const refusals = JSON.parse(form?.dataset.refusals ?? "{}");
  const ofCase = words[error.code === "bad_case" ? `refused-case-${error.param}` : ""];
  const own = refusals[error.param] ?? wrongWith(field, error.limit) ?? ofCase;
  const sentence = words[general] ?? words["error-other"];
  const limit = Number(error.limit).toLocaleString(language);
  const said = own ?? filled(sentence, { seconds, limit, detail: error.message ?? "" });
  return Object.assign(new Error(said), { said, field, code: error.code });
}

// --- what is too long, too many or missing: said with the field's own words, and nothing is cut ------
const lengthOf = (field) => [...field.value].length; // as the server counts
const itemsOf = (list) => all("[data-item]:not([hidden])", list).length;
const titleOf = (field) =>
  (field.dataset.list === undefined
    ? field.closest("label")?.firstElementChild
    : field.previousElementSibling
  )?.textContent ?? field.name;

/** Why a field is refused, in a sentence; undefined where nothing of it tells. */
function wrongWith(field, limit) {
  if (!field) return undefined;
  const values = { field: titleOf(field), limit: Number(limit).toLocaleString(language) };
  if (field.dataset.list !== undefined) {
    return limit && itemsOf(field) > limit ? filled(words["refused-many"], values) : undefined;
  }
  const length = lengthOf(field);
  if (limit && length > limit) {
    return filled(words["refused-long"], { ...values, count: length.toLocaleString(language) });
  }
  return limit !== undefined && !field.value.trim() ? filled(words["refused-missing"], values) : undefined;
}

/** The field of that name, also one of a card ("tasks.title"): the first with something wrong. */
function fieldOf(form, name, limit) {
  const [list, part] = name.split(".").map((piece) => CSS.escape(piece));
  const place = part ? `[data-list="${list}"] [name="${part}"]` : `[name="${list}"], [data-list="${list}"]`;
  const fields = all(place, form).filter((field) => !field.closest("[hidden]"));
  return fields.find((field) => wrongWith(field, limit)) ?? fields[0];
}
const tooLongIn = (form) =>
  all("[data-longest]", form).filter((field) => !field.matches(":disabled") && lengthOf(field) > field.dataset.longest);

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
      // The number on a scale, or the index of an option.
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

/** Say why a form was refused, and mark the field that it is about. */
function warn(form, { said = words["error-other"], field, code }) {
  field?.setAttribute("aria-invalid", "true");
  if (field?.matches("input, textarea, select") && form.dataset.beside !== undefined) return sayBeside(field, said);
  const error = $(".error:not(.beside)", form);
  error.textContent = said;
  if (code === "sign_in_needed") error.append(" ", signInLink());
  error.hidden = false;
}
/** To this page, which asks a visitor without a session to sign in and then leads back. */
function signInLink() {
  const link = document.createElement("a");
  link.href = location.pathname + location.search;
  link.textContent = words["sign-in"];
  return link;
}
let named = 0;
/** In a long form, what is wrong with a field stands under it. */
function sayBeside(field, said) {
  const error = document.createElement("p");
  error.className = "error beside";
  error.id = `beside-${(named += 1)}`;
  error.setAttribute("role", "alert");
  error.textContent = said;
  field.setAttribute("aria-describedby", error.id);
  (field.closest("label") ?? field).after(error); // not within: it would become part of the name
}
function refuse(form, refused) {
  warn(form, refused);
  refused.field?.closest("details")?.setAttribute("open", "");
  refused.field?.focus();
}

function forgive(form) {
  $(".error:not(.beside)", form).hidden = true;
  all(".beside", form).forEach((error) => error.remove());
  all("[aria-invalid]", form).forEach((field) => field.removeAttribute("aria-invalid"));
}
// The browser says itself what is wrong with a number, if it can be seen.
document.addEventListener("invalid", ({ target }) => target.closest("details")?.setAttribute("open", ""), true);

/** What was made or changed is in its list at once; what is typed elsewhere on the page stays. */
async function renew() {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return; // it is there after a reload
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of all("[data-renewed]")) {
    const newer = $(`[data-renewed="${part.dataset.renewed}"]`, page);
    if (newer) part.replaceWith(newer);
    if (newer) showTimes(newer);
  }
}

/** What a guest has left: in each place for it, and never in the way of anything else. */
async function showLeft() {
  const places = all("[data-left]");
  if (!places.length) return;
  const told = await fetch(places[0].dataset.account).then((answer) => (answer.ok ? answer.json() : {}), () => ({}));
  if (told.messages === undefined) return;
  const until = new Date(told.until).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
  for (const place of places) {
    place.textContent = filled(place.dataset.left, { count: told.messages.toLocaleString(language), until });
    place.hidden = false;
  }
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
    $("input", made).value = told.key ?? told.address;
    $("[data-shared]", made).innerHTML = told.html ?? ""; // of a link: its QR code
    $("input", made).select();
    form.reset();
    renew();
  },
  renew,
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
  forgive(form);
  const [field] = tooLongIn(form);
  if (field) return refuse(form, { field, said: wrongWith(field, field.dataset.longest) });
  button.disabled = true;
  try {
    afterwards[form.dataset.then](form, await post(form.dataset.post, valuesOf(form), form));
  } catch (refused) {
    refuse(form, refused);
    form.dispatchEvent(new Event("refused"));
  } finally {
    button.disabled = false;
  }
});

// --- files that are made on demand -------------------------------------------------------------------
const namesIn = (form) => $("[name=names]", form).value;
function addressOf(form, path) {
  const query = new URLSearchParams(form.dataset.query);
  for (const [name, value] of new FormData(form)) if (name !== "names") query.set(name, value);
  return `${path}?${query}`;
}

/** What a download would hold, and what would be masked in it. */
async function preview(form) {
  const said = $("[role=status]", form);
  said.hidden = false;
  said.textContent = said.dataset.busy;
  const told = await post(addressOf(form, form.dataset.preview), { names: namesIn(form) });
  const masked = Object.entries(told.masked).map(([kind, count]) => `[${kind}] ${count}`);
  const found = masked.length ? filled(said.dataset.masked, { masked: masked.join(", ") }) : said.dataset.none;
  said.textContent = [countOf(said, told), found].filter(Boolean).join(" ");
}

/** How much a file would hold; with counts why something is left out, or why there is nothing. */
function countOf(said, told) {
  const patterns = JSON.parse(said.dataset.omissions ?? "{}");
  const ranked = Object.entries(told.omissions ?? {}).sort(([, one], [, other]) => other - one);
  const reasons = ranked.map(([code, count]) => filled(patterns[code], { count }));
  if (!reasons.length) return told.empty ? said.dataset.nothing : filled(said.dataset.told, told);
  const list = new Intl.ListFormat(language, { type: "conjunction" }).format(reasons);
  return filled(said.dataset.why, { ...told, reasons: list });
}

/** A file that the server would refuse as empty is not asked for: a browser names no reason. */
async function refuseEmpty(form) {
  const said = $("[role=status]", form);
  if (!said.dataset.omissions) return;
  const address = `${addressOf(form, form.dataset.preview)}&first=true`;
  const told = await post(address, { names: namesIn(form) });
  if (!told.empty) return;
  said.hidden = false;
  said.textContent = countOf(said, told);
  const why = words["error-nothing_to_export"];
  throw Object.assign(new Error(why), { said: why, counted: true });
}

/** An address; but names go in a body, where no log keeps them. */
async function download(form) {
  await refuseEmpty(form);
  const link = document.createElement("a");
  link.href = addressOf(form, form.dataset.export);
  link.download = "";
  if (namesIn(form).trim()) {
    const answer = await fetch(link.href, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ names: namesIn(form) }),
    });
    if (!answer.ok) throw refusal(answer, (await saidBy(answer)).error ?? {});
    const named = answer.headers.get("Content-Disposition");
    link.download = decodeURIComponent(/filename\*=UTF-8''(\S+)/.exec(named)[1]);
    link.href = URL.createObjectURL(await answer.blob());
  }
  link.click();
}

async function attempt(form, deed) {
  const buttons = all("button", form);
  forgive(form);
  buttons.forEach((button) => (button.disabled = true));
  try {
    await deed(form);
  } catch (refused) {
    $("[role=status]", form).hidden = !refused.counted;
    warn(form, refused);
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}
for (const form of all("form[data-export]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation(); // it is not sent as JSON
    attempt(form, download);
  });
  $("[data-count]", form).addEventListener("click", () => attempt(form, preview));
}

const card = $("[data-secret]");
if (card) {
  const reveal = (kind) => all(`[data-kind="${kind}"]`, card).forEach((part) => (part.hidden = false));
  post(card.dataset.secret, { token: secret }).then(
    (told) => {
      if (told.next) return location.replace(told.next);
      reveal(told.kind);
      all("[data-tell]", card).forEach((part) => (part.textContent = told[part.dataset.tell]));
      for (const time of all("time[data-tell]", card)) time.dateTime = time.textContent;
      showTimes(card);
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
function showTimes(part) {
  for (const time of all("time[datetime]", part)) {
    time.textContent = new Date(time.dateTime).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
  }
}
showTimes(document);
showLeft();
const theme = localStorage.getItem("qwen-chat.theme");
if (theme) document.documentElement.dataset.theme = theme;
