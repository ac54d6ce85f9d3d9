// --- files that go with a question: read here, sent once, kept here until the question has gone ---
const FILES = "qwen-chat.files";
const MOST_CHARACTERS = 200_000; // of a question with its files; what has more is not even sent
const MOST_BYTES = 4 * MOST_CHARACTERS;
const MOST_AT_ONCE = 20;
const LONG_PASTE = 8_000; // a longer text is rather a file
const PATIENCE_MS = 20_000;
const attached = new Map(JSON.parse(sessionStorage.getItem(FILES) ?? "[]"));
const unanswered = new Set(); // on their way to the server
let outbox = []; // next on the way
let drawnFiles = null;
let sendings = 0;

// Control characters that no text has; NUL says binary, but for UTF-16.
const BINARY = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f\ufffe\uffff]/;
function decoded(bytes) {
  const mark = bytes[0] * 256 + bytes[1];
  const kinds = { 0xfffe: ["utf-16le"], 0xfeff: ["utf-16be"] }[mark] ?? ["utf-8", "gb18030"];
  for (const kind of kinds) {
    try {
      const text = new TextDecoder(kind, { fatal: true }).decode(bytes);
      if (!BINARY.test(text)) return text;
    } catch {
      // not of this kind
    }
  }
  return null;
}
async function readFile(file) {
  const { name } = file;
  if (file.size > MOST_BYTES) return { name, why: "too-large" };
  try {
    const text = decoded(new Uint8Array(await file.arrayBuffer()));
    return text === null ? { name, why: "binary" } : { name, text };
  } catch {
    return { name, why: "binary" }; // a folder, or gone
  }
}

function keepFiles() {
  try {
    sessionStorage.setItem(FILES, JSON.stringify([...attached]));
  } catch {
    sessionStorage.removeItem(FILES); // no room: they do not outlive a reload
  }
  nameQuestion(); // with other files it is another question
}
const charactersOf = (files) => files.reduce((sum, { text = "" }) => sum + text.length, 0);
function attach(files) {
  let room = MOST_CHARACTERS - charactersOf([...attached.values()]);
  for (const file of files) {
    const id = randomName();
    if (!file.why && file.text.length > room) Object.assign(file, { text: "", why: "too-large" });
    room -= charactersOf([file]);
    if (!file.why) attached.set(id, file);
    outbox.push({ id, ...file });
  }
  keepFiles();
  sendFiles();
}
function sendFiles() {
  if (unanswered.size || !outbox.length) return;
  const files = outbox;
  outbox = [];
  for (const { id } of files) unanswered.add(id);
  setTimeout(() => {
    for (const { id } of files) unanswered.delete(id);
    sendFiles();
  }, PATIENCE_MS);
  sendings += 1;
  trigger("attach", { files, asked: sendings });
}
const attachAgain = () => {
  outbox = [...attached].map(([id, file]) => ({ id, ...file })).filter(({ id }) => !unanswered.has(id));
  sendFiles();
};
const attachFiles = async (files) => attach(await Promise.all([...files].slice(0, MOST_AT_ONCE).map(readFile)));

// What the server has drawn is what it holds.
dressers.push(() => {
  const drawn = $("#files .files");
  const now = drawn && JSON.stringify(drawn.dataset); // the element itself may stay the same
  if (!drawn || now === drawnFiles) return;
  const first = drawnFiles === null;
  drawnFiles = now;
  if (first || "again" in drawn.dataset) return attachAgain();
  const [held, refused] = [drawn.dataset.held, drawn.dataset.refused].map((ids) => new Set(ids.split(" ")));
  for (const id of [...held, ...refused]) unanswered.delete(id);
  for (const chip of drawn.querySelectorAll("[data-text]")) {
    attached.set(chip.dataset.file, { name: $("b", chip).title, text: chip.dataset.text });
  }
  const waiting = new Set(outbox.map(({ id }) => id));
  for (const id of attached.keys()) {
    if (!held.has(id) && !unanswered.has(id) && !waiting.has(id)) attached.delete(id);
  }
  keepFiles();
  sendFiles();
});

// --- button, paste, drop -------------------------------------------------------------------------
const chooser = Object.assign(document.createElement("input"), { type: "file", multiple: true, hidden: true });
chooser.id = "attach";
document.body.append(chooser);
chooser.addEventListener("change", async () => {
  const files = [...chooser.files];
  chooser.value = ""; // so that the same file can be chosen again
  await attachFiles(files);
  box().focus();
});
function letGo(id) {
  attached.delete(id);
  keepFiles();
  trigger("detach", { file: id });
  box().focus();
}
Object.assign(actions, {
  attach: () => chooser.click(),
  detach: ({ dataset }) => letGo(dataset.file),
  "as-text": ({ dataset }) => {
    const { text } = attached.get(dataset.file);
    letGo(dataset.file);
    fill(box().value + text);
  },
});
document.addEventListener(
  "paste",
  (event) => {
    if (event.target !== box()) return;
    const text = event.clipboardData.getData("text/plain");
    const { files } = event.clipboardData; // a table comes as text and as its picture
    if (text.length > LONG_PASTE) attach([{ name: "pasted.txt", text, pasted: true }]);
    else if (!text && files.length) attachFiles(files);
    else return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);
const dropping = (yes) => document.body.classList.toggle("dropping", yes);
const brings = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragover", (event) => {
  if (!brings(event)) return;
  event.preventDefault();
  dropping(true);
});
document.addEventListener("dragleave", (event) => event.relatedTarget || dropping(false));
document.addEventListener("drop", (event) => {
  if (!brings(event)) return;
  event.preventDefault();
  dropping(false);
  attachFiles(event.dataTransfer.files);
});
