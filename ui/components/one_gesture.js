// A double click is one gesture, and so is a key that is held down: what comes after its first click acts only where that
// one did. A page that is drawn in between puts other buttons there, or gives the button another meaning: Pause would be
// followed by Resume, Delete by the deletion of the next run.

const BUTTONS = 'button, a, summary, label, [role="button"], [role="option"], [role="tab"], [role="menuitem"]';

const SENDS = '[data-testid="stButton"] button, [data-testid="stFormSubmitButton"] button';  // the server hears of these
const WORDS = '[data-testid="stMarkdownContainer"]';  // of a button, without its icon

// What a button is and says: the words of one that is drawn again in the same place differ, or the name of its place does.
const meaning = (button) => button && `${button.closest('[class*="st-key-"]')?.className} ${button.innerText}`;

export default function () {
  if (window.minigptOneGesture) return;
  const view = (window.minigptOneGesture = { meant: null, pressed: null });
  const undo = (event) => { event.preventDefault(); event.stopImmediatePropagation(); };
  const look = (event) => {
    const meant = meaning(event.target.closest(BUTTONS));
    if (event.detail < 2) view.meant = meant;
    else if (meant && meant !== view.meant) return undo(event);
    view.pressed = event.target.closest(SENDS)?.querySelector(WORDS)?.innerText ?? view.pressed;  // see `connection.js`
  };
  window.addEventListener("click", look, true);
  window.addEventListener("keydown", (event) => {
    if (event.repeat && event.key === "Enter" && event.target.closest("button, a, summary")) undo(event);
  }, true);
}
