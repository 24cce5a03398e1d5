// Asks the server again and again, until a run has ended or the component has left the page.

const ENDED = ["done", "stopped", "diverged", "failed", "interrupted"];
const NEAR_PX = 200;  // what is so far below or above the window may be scrolled to at any moment

const isNear = (root) => {
  const { top, bottom } = root.getBoundingClientRect();
  return !document.hidden && bottom > -NEAR_PX && top < innerHeight + NEAR_PX;
};

/** Put what `view.data.url` answers into `view.state` and draw it, every `view.data.every` milliseconds.
 *  Nothing is asked while nobody can see it, and nothing is drawn again as long as the answer stays the same. */
export async function poll(view, draw) {
  clearTimeout(view.timer);
  if (!view.root.isConnected) return;
  const { url, every } = view.data, turn = view.turn = {};
  if (isNear(view.root)) {
    try {
      const response = await fetch(new URL(url, document.baseURI), { cache: "no-cache" });
      const tag = `${url} ${response.headers.get("etag")}`;
      if (response.ok && turn === view.turn && (!view.state || tag !== view.tag)) {
        view.state = await response.json();
        await draw(view);
        view.tag = tag;
      }
    } catch { /* Streamlit says so, and the live chart */ }
  }
  if (turn === view.turn && !ENDED.includes(view.state?.status)) view.timer = setTimeout(() => poll(view, draw), every);
}
