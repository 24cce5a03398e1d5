// A pupil's page asks, while somebody sees it, whether the teacher has asked for something: that is also how the class knows
// who is here. The answer is a number; where it is another one than the page was drawn with, the script runs. The server holds
// the answer back for up to one and a half seconds while there is nothing new, so that what is asked of all is there at once.

const PAUSE_MS = 300, SPREAD_MS = 300, AWAY_MS = 2000;

async function ask(view) {
  clearTimeout(view.timer);
  if (document.hidden || view.asking) return;
  view.asking = true;
  let pause = AWAY_MS;
  try {
    const asked = view.version, address = new URL(view.url, document.baseURI);
    address.searchParams.set("version", asked);
    const answer = await fetch(address, { cache: "no-store" });
    if (answer.ok) {
      const version = await answer.text();
      if (version !== view.version) view.tell(version);
      pause = version === asked ? PAUSE_MS : AWAY_MS;  // what is new needs its time: the script runs
    }
  } catch { /* the server is away: Streamlit says so */ }
  view.asking = false;
  view.timer = setTimeout(() => ask(view), pause + SPREAD_MS * Math.random());
}

export default function ({ data, setTriggerValue }) {
  const first = !window.minigptNews, view = (window.minigptNews ??= {});
  Object.assign(view, data, { tell: (version) => setTriggerValue("version", version) });
  if (!first) return;
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(view); });
  ask(view);
}
