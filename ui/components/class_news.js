// A pupil's page asks, every two seconds while somebody sees it, whether the teacher has asked for something: that is also how
// the class knows who is here. The answer is a number; where it is another one than the page was drawn with, the script runs.

const EVERY_MS = 1500, SPREAD_MS = 1000;  // thirty pages do not ask at the same moment

async function ask(view) {
  clearTimeout(view.timer);
  view.timer = setTimeout(() => ask(view), EVERY_MS + SPREAD_MS * Math.random());
  if (document.hidden) return;
  try {
    const answer = await fetch(new URL(view.url, document.baseURI), { cache: "no-store" });
    const version = answer.ok ? await answer.text() : view.version;
    if (version !== view.version) view.tell(version);
  } catch { /* the server is away: Streamlit says so */ }
}

export default function ({ data, setTriggerValue }) {
  const first = !window.minigptNews, view = (window.minigptNews ??= {});
  Object.assign(view, data, { tell: (version) => setTriggerValue("version", version) });
  if (!first) return;
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(view); });
  ask(view);
}
