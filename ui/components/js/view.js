// One view for each place where a component stands. Its script runs again on every new `data`; what it built is found
// again here.

const views = new WeakMap();

/** What `build(root)` has made for this element, once. */
export function viewOf(root, build) {
  if (!views.has(root)) views.set(root, build(root));
  return views.get(root);
}

/** The component has left the page. */
export const forget = (root) => views.delete(root);
