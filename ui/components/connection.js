// A tab whose connection was lost for a while, or whose server was restarted, has a new session there when it comes back,
// which knows nothing of what is on the screen: a click inside a dialog, say, would do nothing. So the page is drawn anew
// at once, with everything that was typed and chosen. A button that was pressed just before is neither: it is said that the
// server may not have heard of it.

const APP = '[data-testid="stApp"]';

export default function ({ setTriggerValue }) {
  const view = (window.minigptConnection ??= { lost: false, unheard: null });
  view.drawAnew = () => setTriggerValue("renewed", view.unheard ?? true);
  if (view.observer) return;
  const app = document.querySelector(APP);
  view.observer = new MutationObserver(() => {
    const connected = app.dataset.testConnectionState === "CONNECTED", clicks = window.minigptOneGesture ?? {};
    if (!connected && !view.lost) view.unheard = clicks.pressed;
    if (connected && view.lost) view.drawAnew();
    if (app.dataset.testScriptState === "running" || !connected) clicks.pressed = null;
    view.lost = !connected;
  });
  view.observer.observe(app, { attributes: true, attributeFilter: ["data-test-connection-state", "data-test-script-state"] });
}
