// --- files that go with a question: read here, sent once, kept here until the question has gone ---
const FILES = "qwen-chat.files";
const MOST_CHARACTERS = 200_000; // of a question with its files; what has more is not even sent
const MOST_BYTES = 4 * MOST_CHARACTERS;
const MOST_AT_ONCE = 20;
const LONG_PASTE = 8_000; // a longer text is rather a file
const PATIENCE_MS = 20_000;
const attached = new Map(JSON.parse(sessionStorage.getItem(FILES) ?? "[]"));
for (const file of attached.values()) delete file.readings; // without its bytes it cannot be read anew
const unanswered = new Set(); // on their way to the server
let outbox = []; // next on the way
let drawnFiles = null;
let sendings = 0;

// --- reading a file: what it is encoded with is certain for Unicode alone --------------------------
const SAMPLE_BYTES = 65_536;
const SHOWN = 24; // characters of a file that tell one encoding from another
// Encodings of files, the most common first; the browser knows them all.
const ENCODINGS = [
  ...["windows-1252", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "windows-1251", "koi8-u", "windows-1250"],
  ...["iso-8859-2", "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258"],
  ...["windows-874", "ibm866", "macintosh", "iso-2022-jp", "utf-16le", "utf-16be"],
];
const bytesOf = new Map(); // of files whose encoding can be chosen, by id
// Control characters that no text has; NUL says binary, but for UTF-16.
const BINARY = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f\ufffe\uffff]/;
const UNUSED = /[\u0080-\u0084\u0086-\u009f\ufffd]/; // what a wrong encoding makes of bytes
const JIS = /\u001b\$[@B]/; // ISO-2022-JP is ASCII that changes its meaning
const LETTERS = /[^\0-\u007f]/;
function decodedAs(encoding, bytes, fatal = true) {
  try {
    const text = new TextDecoder(encoding, { fatal }).decode(bytes);
    return BINARY.test(text) ? null : text;
  } catch {
    return null; // not of this kind
  }
}
function unicode(bytes) {
  const marks = { 0xfffe: "utf-16le", 0xfeff: "utf-16be" };
  const marked = marks[bytes[0] * 256 + bytes[1]];
  if (marked) return decodedAs(marked, bytes);
  const text = decodedAs("utf-8", bytes);
  return text !== null && JIS.test(text) ? null : text;
}
/** UTF-8 with little damage, such as a last character that was cut off: no other encoding is likelier. */
function damagedUtf8(bytes) {
  const text = decodedAs("utf-8", bytes, false);
  const count = (pattern) => text?.match(pattern)?.length ?? 0;
  const whole = count(/[^\0-\u007f\ufffd]/g);
  return whole && 10 * count(/\ufffd(?!$)/g) <= whole ? text : null;
}
/** The lines that tell: those with more than ASCII. Of UTF-16, and where there are none, the beginning. */
function sampleOf(bytes) {
  if (bytes.length <= SAMPLE_BYTES || bytes.includes(0)) return bytes.subarray(0, SAMPLE_BYTES);
  const telling = [];
  let begin = 0;
  for (let place = 0; place < bytes.length && telling.length < SAMPLE_BYTES; place += 1) {
    if (bytes[place] !== 10 && place < bytes.length - 1) continue;
    const line = bytes.subarray(begin, place + 1);
    if (line.some((byte) => byte > 127)) telling.push(...line.subarray(0, SAMPLE_BYTES / 16));
    begin = place + 1;
  }
  return telling.length ? Uint8Array.from(telling.slice(0, SAMPLE_BYTES)) : bytes.subarray(0, SAMPLE_BYTES);
}
async function likelyEncoding(bytes) {
  const sample = btoa(Array.from(sampleOf(bytes), (byte) => String.fromCharCode(byte)).join(""));
  try {
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ sample, language: words().lang ?? "" });
    const answer = await fetch(route("api/encoding"), { method: "POST", headers, body });
    return answer.ok ? (await answer.json()).encoding : ENCODINGS[0];
  } catch {
    return ENCODINGS[0];
  }
}
/** Every way to read the file that makes text of it, with the first letters that differ. */
function readingsOf(bytes, likely) {
  const texts = new Map();
  for (const encoding of new Set([likely, ...ENCODINGS])) {
    const text = decodedAs(encoding, bytes);
    if (text === null || (encoding !== likely && UNUSED.test(text)) || [...texts.values()].includes(text)) continue;
    texts.set(encoding, text);
  }
  return [...texts].map(([encoding, text]) => {
    const from = Math.max(0, text.search(LETTERS) - SHOWN / 3);
    const sample = Array.from(text.slice(from, from + 2 * SHOWN)).slice(0, SHOWN).join("").replace(/\s+/g, " ");
    return { encoding, sample: sample.toWellFormed?.() ?? sample };
  });
}
async function readFile(file) {
  const { name } = file;
  if (file.size > MOST_BYTES) return { name, why: "too-large" };
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const certain = unicode(bytes);
    if (certain !== null) return { name, text: certain };
    const damaged = damagedUtf8(bytes);
    if (damaged !== null) return { name, text: damaged, encoding: "utf-8" };
    const encoding = await likelyEncoding(bytes);
    const text = encoding ? decodedAs(encoding, bytes) : null;
    if (text === null) return { name, why: "binary" };
    return { name, text, encoding, readings: readingsOf(bytes, encoding), bytes };
  } catch {
    return { name, why: "binary" }; // a folder, or gone
  }
}
/** Reads a file anew, with an encoding that was chosen: as another file, so that no question takes the old one. */
function readAs(replaces, encoding) {
  const [bytes, file] = [bytesOf.get(replaces), attached.get(replaces)];
  attached.delete(replaces);
  attach([{ ...file, bytes, encoding, text: decodedAs(encoding, bytes), replaces }]);
  chosenAnew = true;
}
let chosenAnew = false; // the focus stays on the encoding that was chosen
document.addEventListener("change", ({ target }) => {
  if (target.dataset.encoding) readAs(target.dataset.encoding, target.value);
});

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
  for (const { bytes, replaces, ...file } of files) {
    const id = randomName();
    if (bytes) bytesOf.set(id, bytes);
    if (!file.why && file.text.length > room) Object.assign(file, { text: "", why: "too-large" });
    room -= charactersOf([file]);
    if (!file.why) attached.set(id, file);
    outbox.push({ id, ...file, ...(replaces && { replaces }) });
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
  for (const id of bytesOf.keys()) if (!attached.has(id)) bytesOf.delete(id);
  if (chosenAnew && !waiting.size) $("#files .file:last-child select")?.focus();
  chosenAnew = false;
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
