// What a new address means in the browser. Back leads to the page before: Streamlit adds an entry to the history for every
// value that a page writes into its own address, so that Back would have to be pressed three times. And where the drawer
// with the menu covers the page, it closes when a page has been chosen from it.

const NARROW = "(max-width: 768px)";  // from here on the side bar is a drawer
const CLOSE = '[data-testid="stSidebarCollapseButton"] button';

export default function () {
  if (window.minigptOneEntryAPage) return;
  window.minigptOneEntryAPage = true;
  const push = window.history.pushState.bind(window.history);
  window.history.pushState = (data, unused, address) => {
    const samePage = new URL(address, window.location.href).pathname === window.location.pathname;
    if (samePage) return window.history.replaceState(data, unused, address);
    push(data, unused, address);
    if (window.matchMedia(NARROW).matches) document.querySelector(CLOSE)?.click();
  };
}
