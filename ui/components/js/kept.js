// What was chosen in a component, where a reload of the tab finds it again: in the tab's own storage.

const storedUnder = (name) => `mini-gpt.${name}`;

/** Keep these fields of a view under the component's name, for a model, or for all (null). */
export function keepChoices(view, name, fields, model = null) {
  const kept = Object.fromEntries(fields.map((field) => [field, view[field]]));
  try {
    sessionStorage.setItem(storedUnder(name), JSON.stringify({ model, kept }));
  } catch {
    // a browser that keeps nothing: the choice lasts as long as the page
  }
}

/** Put back what was kept under the name for this model, of the same kind as what the view has. */
export function recallChoices(view, name, fields, model = null) {
  let found = null;
  try {
    found = JSON.parse(sessionStorage.getItem(storedUnder(name)));
  } catch {
    // nothing, or not ours
  }
  if (!found?.kept || found.model !== model) return;
  for (const field of fields) if (typeof found.kept[field] === typeof view[field]) view[field] = found.kept[field];
}
