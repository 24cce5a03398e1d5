// The page for the front of a room. The key P, and a button at the foot of the side bar, ask for it; there, the side bar waits
// behind a button, and a small row at the top holds the language and the way out.

import { element } from "./js/element.js";
import { drawForPaper } from "./js/paper.js";
import { picturesOfPage, savePicture } from "./js/pictures.js";

const TYPING = 'input:not([type="checkbox"], [type="radio"], [type="range"]), textarea, select, [contenteditable="true"]';
const OPEN = 'dialog[open], [data-testid="stPopoverBody"], .stDialog, [role="listbox"], [role="menu"], [role="dialog"]';

const aside = (shown) => document.documentElement.toggleAttribute("data-mg-aside", shown);

function pressed(view, event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.defaultPrevented || event.target.closest?.(TYPING)) return;
  if (event.key.toLowerCase() === "p") view.want(!view.data.on);
  else if (event.key === "Escape" && view.data.on && !document.querySelector(OPEN)) {
    if (document.documentElement.hasAttribute("data-mg-aside")) aside(false);
    else view.want(false);
  }
}

function button(bar, text, label, press) {
  const made = element("button", "", bar, text);
  made.type = "button";
  made.title = label;
  made.setAttribute("aria-label", label);
  made.onclick = press;
  return made;
}

function drawBar(view) {
  const { on, labels, language, languages } = view.data;
  view.bar?.remove();
  view.bar = null;
  if (!on) return aside(false);
  const bar = view.bar = element("div", "mg-projector", document.querySelector('[data-testid="stApp"]'));
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", labels.bar);
  for (const [code, name] of languages) {
    const one = button(bar, code.toUpperCase(), name, () => view.speak(code));
    one.lang = code;
    one.setAttribute("aria-pressed", String(code === language));
  }
  button(bar, "☰", labels.controls, () => aside(!document.documentElement.hasAttribute("data-mg-aside")));
  button(bar, "✕", labels.off, () => view.want(false));
}

// What the page shows now, each with the files that it can become

function showPictures(dialog, labels) {
  dialog.replaceChildren();
  dialog.setAttribute("aria-label", labels.pictures);
  const head = element("div", "mg-pictures-head", dialog), pictures = picturesOfPage();
  element("b", "", head, labels.pictures);
  button(head, "✕", labels.close, () => dialog.close());
  for (const picture of pictures) {
    const line = element("div", "mg-pictures-line", dialog);
    element("span", "", line, picture.title);
    for (const format of ["png", "svg"]) button(line, format.toUpperCase(), `${format.toUpperCase()}: ${picture.title}`, () => savePicture(picture, format));
  }
  element("small", "", dialog, pictures.length ? labels.note : labels.none);
  dialog.showModal();
}

/** A picture of the icons' font: its name is neither read aloud nor translated, which would leave a word instead. */
function icon(parent, name) {
  const made = element("i", "", parent, name);
  made.setAttribute("aria-hidden", "true");
  made.translate = false;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const view = (window.minigptProjector ??= {}), first = !view.data;
  Object.assign(view, { data, want: (on) => setTriggerValue("wanted", on), speak: (code) => setTriggerValue("language", code) });
  const entry = parentElement.querySelector(".mg-project");
  entry.replaceChildren();
  icon(entry, "slideshow");
  element("span", "", entry, data.labels.on);
  entry.onclick = () => view.want(true);
  const save = parentElement.querySelector(".mg-save"), dialog = parentElement.querySelector(".mg-pictures");
  save.replaceChildren();
  icon(save, "image");
  element("span", "", save, data.labels.save);
  save.onclick = () => showPictures(dialog, data.labels);
  drawBar(view);
  if (!first) return;
  document.addEventListener("keydown", (event) => pressed(view, event));
  drawForPaper();
}
