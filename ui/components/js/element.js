// What every component does: make elements, and put words into them.

export const element = (tag, name, parent, text) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;  // never markup: it may be what somebody typed
  if (tag === "bdi") made.translate = false;
  parent?.appendChild(made);
  return made;
};

/** An element whose words are no language: a browser's translator leaves them alone. */
export const verbatim = (made) => { made.translate = false; return made; };

/** An element inside a drawing (SVG). */
export const shape = (tag, attributes, parent, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
};

const lastWritten = new WeakMap();

/** New words, only where they are others: what is selected stays selected, and nothing is read aloud twice.
 *  What was written counts, not what stands there: that may be the browser's translation. */
export const write = (target, text) => {
  if (lastWritten.get(target) === text && (target.firstChild || !text)) return;
  lastWritten.set(target, text);
  target.textContent = text;
};

/** A sentence whose `{name}` are replaced by values. */
export const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);
