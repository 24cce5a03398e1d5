// Streamlit's page knows English only: its own words in the reader's language, and which language the page is in, for
// the browser and for screen readers. What we and other people have written is left alone; but where Streamlit names a
// field by its label, the name is what is read there, and not the label's Markdown.

const ATTRIBUTES = ["aria-label", "aria-valuetext", "placeholder", "title"];
const OURS = '.stHtml, [data-testid="stBidiComponentRegular"]';
const CODE = "pre, code, .katex";
const WRITTEN = `[data-testid="stMarkdownContainer"], [translate="no"], [role="listbox"]:not([data-empty]), ${CODE}`;
const SLIDER = '[data-testid="stSliderThumbValue"], [data-testid="stSliderTickBar"]';  // its numbers
const COMMAND = "streamlit run yourscript.py";  // code, but what it says is wrong here
const ESCAPED = /\\([\\`*_{}[\]()<>#+\-.!|~$:&])\u2060?/g;  // as `escape_markdown` in `ui/words/tokens.py` writes it
const GUARDED = /:\u2060(?=(?:material\/)?[\w+-]+:)/g;  // what `escape_markdown` keeps from becoming a picture, once it is drawn
const MENU = '[data-testid="stTopNavSection"], [data-testid="stFileUploader"] button';  // "5 more" and "Upload" look like ours

/** "Help for {label}" → an expression that finds it, with the names of its gaps. */
function pattern(english) {
  const source = english.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{(\w+)\}/g, "(?<$1>.+?)");
  return new RegExp(`^${source}$`);
}

/** "4.7KB" or "4.7" as readers of this language expect it. */
function sized(view, text) {
  if (/^-?\d+\.\d+$/.test(text)) return text.replace(".", view.decimal);
  const [, whole, tenth, unit] = /^(\d+)\.(\d)([KMGT]?B)$/.exec(text) ?? [];
  return unit ? `${whole}${tenth === "0" ? "" : view.decimal + tenth}\u202f${view.units[unit]}` : text;
}

function translated(view, english) {
  const exact = view.exact.get(english);
  if (exact !== undefined) return exact;
  for (const [expression, words] of view.patterns) {
    const found = expression.exec(english);
    if (found) return words.replace(/\{(\w+)\}/g, (gap, name) => sized(view, found.groups[name]));
  }
  return sized(view, english);
}

/** A label as it is read: Streamlit names a field by the Markdown of its label, with what keeps marks from being read so. */
function unescaped(name) {
  return name.replace(ESCAPED, "$1");
}

/** Words in a place of a node, `slot`: the English ones are kept, for another language later. */
function put(view, node, slot, now, write) {
  const slots = view.kept.get(node) ?? {}, kept = slots[slot];
  const english = kept?.shown === now ? kept.english : now;
  const shown = translated(view, slot === "aria-label" ? unescaped(english) : english);
  if (shown === now) return;
  view.kept.set(node, { ...slots, [slot]: { english, shown } });
  write(shown);
}

/** Without what has kept `:cat:` from becoming a picture: a screen reader and whoever copies it get what was written. */
function unguard(node) {
  if (node.data.includes(":\u2060") && !node.parentElement?.closest(CODE)) node.data = node.data.replace(GUARDED, ":");
}

function putText(view, node) {
  unguard(node);
  const now = node.data.trim(), element = node.parentElement;
  if (element && Object.hasOwn(view.languages, now)) element.lang = view.languages[now];  // a language called in itself
  if (!now || !element || (element.closest(WRITTEN) && !element.closest(MENU) && !element.closest(SLIDER) && now !== COMMAND)) return;
  put(view, node, "text", now, (shown) => { node.data = node.data.replace(now, () => shown); });
}

function putAttribute(view, element, name) {
  const now = element.getAttribute(name);
  if (now) put(view, element, name, now, (shown) => element.setAttribute(name, shown));
}

/** A node that is not part of what we have written, and all that stands in it. */
function walk(view, node) {
  if (node.nodeType === Node.TEXT_NODE) putText(view, node);
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches(OURS)) return;
  if (node.matches(CODE)) node.translate = false;  // neither do browsers translate these
  for (const name of ATTRIBUTES) putAttribute(view, node, name);
  for (const child of node.childNodes) walk(view, child);
}

function hear(view, changes) {
  for (const { type, target, addedNodes, attributeName } of changes) {
    if ((target.closest ? target : target.parentElement)?.closest(OURS)) continue;
    if (type === "childList") for (const node of addedNodes) walk(view, node);
    else if (type === "characterData") putText(view, target);
    else putAttribute(view, target, attributeName);
  }
}

export default function ({ data }) {
  document.documentElement.lang = data.lang;
  const view = (window.minigptStreamlitWords ??= { kept: new WeakMap() });
  if (view.lang === data.lang) return;
  view.lang = data.lang;
  view.decimal = data.decimal;
  view.units = data.units;
  view.languages = data.languages;
  const words = Object.entries(data.words);
  view.exact = new Map(words.filter(([english]) => !english.includes("{")));
  view.patterns = words.filter(([english]) => english.includes("{")).map(([english, said]) => [pattern(english), said]);
  view.observer?.disconnect();
  walk(view, document.body);
  view.observer = new MutationObserver((changes) => hear(view, changes));
  view.observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES });
}
