// Back leads to the page before. Streamlit adds an entry to the browser's history for every value that a page writes
// into its own address, so that Back would have to be pressed three times.

export default function () {
  if (window.minigptOneEntryAPage) return;
  window.minigptOneEntryAPage = true;
  const push = window.history.pushState.bind(window.history);
  window.history.pushState = (data, unused, address) => {
    const samePage = new URL(address, window.location.href).pathname === window.location.pathname;
    if (samePage) window.history.replaceState(data, unused, address);
    else push(data, unused, address);
  };
}
