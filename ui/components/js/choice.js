// Buttons side by side of which one is pressed: the one whose value stands in `view[of]`.

import { element } from "./element.js";

/** Buttons for [[value, name of its word], …]; `choose(value)` is called at a click. */
export function buildChoice(view, parent, name, of, values, choose) {
  const box = element("div", name, parent);
  for (const [value, word] of values) {
    const button = element("button", "", box);
    button.type = "button";
    button.onclick = () => choose(value);
    (view.choices ??= []).push({ button, of, value, word });
  }
  return box;
}

/** Write on all of them, and show which are pressed. */
export function showChoices(view) {
  for (const { button, of, value, word } of view.choices) {
    button.textContent = view.data.labels[word];
    button.setAttribute("aria-pressed", String(view[of] === value));
  }
}
