// Asks again and again how a run goes, until it has ended or the component has left the page.

const ENDED = ["done", "stopped", "diverged", "failed", "interrupted"];

/** Put what `view.data.url` answers into `view.state` and draw it, every `view.data.every` milliseconds. */
export async function poll(view, draw) {
  clearTimeout(view.timer);
  if (!view.root.isConnected) return;
  const { url, every } = view.data;
  if (!document.hidden) {
    try {
      const response = await fetch(new URL(url, document.baseURI));
      if (response.ok && url === view.data.url) {
        view.state = await response.json();
        await draw(view);
      }
    } catch { /* the live chart says that the program cannot be reached */ }
  }
  if (!ENDED.includes(view.state?.status)) view.timer = setTimeout(() => poll(view, draw), every);
}
