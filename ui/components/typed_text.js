// What is typed and not yet handed over stays in the tab: a reload gives it back, a server that comes back does, and so does
// a dialog that is opened again. It stands in the browser alone, for as long as its tab, and for the one who typed it.

const KEPT = "minigpt_typed ", TYPED_BY = "minigpt_typed_by";
const FIELDS = ".stTextArea textarea, .stTextInput input";
const CONNECTED = '[data-testid="stApp"][data-test-connection-state="CONNECTED"]';
const LONG = 300; // characters: there may be no room in the address for more, so a text in force stays here, too
const LONGEST = 4_000_000; // characters; browsers keep about five million a tab
const NOTICE_SECONDS = 20;

// A field is known by its key, in whichever language it is drawn.
const nameOf = (field) => field.closest('[class*="st-key-"]')?.className.match(/st-key-[\w-]+/)?.[0];
const fieldOf = (name) => document.querySelector(`.${name} :is(textarea, input)`);
const inForm = (field) => field.closest('[data-testid="stForm"]') !== null;

function storage() {
  try {
    return window.sessionStorage;
  } catch {
    return { getItem: () => null, removeItem: () => {}, setItem: () => { throw new Error("refused"); } };
  }
}

function found() {
  const typed = {};
  for (const key of Object.keys(storage()).filter((name) => name.startsWith(KEPT))) {
    try {
      typed[key.slice(KEPT.length)] = JSON.parse(storage().getItem(key));
    } catch {
      storage().removeItem(key);
    }
  }
  return typed;
}

// { was, is, inForce }: what stood in the field before, what is typed, and whether the server has heard of it.
const view = (window.minigptTyped ??= {
  typed: found(), before: new WeakMap(), met: new WeakSet(), unwritten: new Set(),
  accepted: new WeakMap(), encoder: new TextEncoder(),
});

function write() {
  for (const name of view.unwritten) {
    storage().removeItem(KEPT + name);
    const entry = view.typed[name];
    try {
      if (entry && entry.is.length > LONGEST) continue;
      if (entry) storage().setItem(KEPT + name, JSON.stringify(entry));
      view.unwritten.delete(name);
    } catch {
      // refused or full: whoever leaves is asked
    }
  }
}

function change(name, entry) {
  if (entry) view.typed[name] = entry;
  else delete view.typed[name];
  view.unwritten.add(name);
  clearTimeout(view.writing);
  view.writing = setTimeout(write, 300);
}

function bytesOf(text) {
  return text.length < 10_000 ? text.length : view.encoder.encode(text).length;
}

/** More than a server takes at once would be sent again and again: the field stays as it was, and says why. */
function refused(field, event) {
  const bytes = [...document.querySelectorAll(FIELDS)].reduce((sum, { value }) => sum + bytesOf(value), 0);
  view.notice?.remove();
  if (bytes < view.limit) return false;
  event.stopImmediatePropagation();
  setValue(field, view.accepted.get(field) ?? "");
  say(view.tooLong.replace("{size}", (bytes / 1e6).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 })));
  return true;
}

function say(sentence) {
  const notice = view.notice = document.createElement("div");
  notice.className = "mg-refused";
  notice.setAttribute("role", "alert");
  notice.popover = "manual"; // above a dialog
  notice.textContent = sentence;
  document.querySelector(".stApp").append(notice);
  notice.showPopover();
  setTimeout(() => notice.remove(), NOTICE_SECONDS * 1000);
}

function noteTyped(field, event) {
  if (refused(field, event)) return;
  view.accepted.set(field, field.value);
  const name = nameOf(field);
  if (!name) return;
  const was = view.typed[name]?.was ?? view.before.get(field) ?? "";
  view.met.add(field);
  change(name, field.value === was ? null : { was, is: field.value });
}

// The server has what was typed when its field is left. A form hands over when its button is pressed.
function noteLeft(field) {
  const name = nameOf(field), entry = view.typed[name];
  if (!entry || inForm(field) || !document.querySelector(CONNECTED)) return;
  change(name, entry.is.length > LONG ? { ...entry, inForce: true } : null);
}

function setValue(field, value) {
  const kind = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(field, value); // as typing does it, for React
}

function giveBack(field, entry) {
  setValue(field, entry.is);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  if (entry.inForce) setTimeout(() => field.dispatchEvent(new FocusEvent("focusout", { bubbles: true })), 50);
  else if (!inForm(field)) field.focus({ preventScroll: true }); // leaving it hands it over, as before
}

function meet(name, entry) {
  const field = fieldOf(name);
  if (!field || field.disabled) return;
  if (view.met.has(field)) {
    const changed = entry.inForce && field !== document.activeElement && field.value !== entry.is;
    if (changed) change(name, null); // a button has put something else there
    return;
  }
  view.met.add(field);
  if (field.value === entry.was) giveBack(field, entry);
  else if (field.value === entry.is && !inForm(field) && !entry.inForce) change(name, null);
}

function look() {
  view.looking = null;
  for (const [name, entry] of Object.entries(view.typed)) meet(name, entry);
}

const inAField = (then) => (event) => {
  if (event.target instanceof Element && event.target.matches(FIELDS)) then(event.target, event);
};

function noteEntered(field) {
  view.before.set(field, field.value);
  view.accepted.set(field, field.value);
}

function listen() {
  window.addEventListener("focusin", inAField(noteEntered), true);
  window.addEventListener("input", inAField(noteTyped), true);
  window.addEventListener("focusout", inAField(noteLeft), true);
  window.addEventListener("pagehide", write);
  window.addEventListener("beforeunload", (event) => {
    write();
    if ([...view.unwritten].some((name) => view.typed[name])) event.preventDefault();
  });
  view.observer = new MutationObserver(() => { view.looking ??= setTimeout(look, 150); });
  view.observer.observe(document.body, { childList: true, subtree: true });
  look();
}

function belongTo(whose) {
  if (storage().getItem(TYPED_BY) === whose) return;
  for (const name of Object.keys(view.typed)) change(name, null);
  write();
  try {
    storage().setItem(TYPED_BY, whose);
  } catch {
    // refused: then nothing was kept
  }
}

export default function ({ data }) {
  Object.assign(view, { limit: data.limit, tooLong: data.tooLong });
  belongTo(data.whose);
  if (data.done.time !== view.done) for (const name of data.done.keys) change(`st-key-${name}`, null);
  view.done = data.done.time;
  if (!view.observer) listen();
}
