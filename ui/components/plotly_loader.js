// Plotly's own JavaScript, fetched once for all charts of a page.

export const loadPlotly = (address) => window.mgPlotly ??= new Promise((resolve, reject) => {
  if (window.Plotly) return resolve(window.Plotly);
  const script = document.createElement("script");
  script.src = new URL(address, document.baseURI);  // relative: works behind a proxy's base path
  script.onload = () => resolve(window.Plotly);
  script.onerror = () => { window.mgPlotly = undefined; script.remove(); reject(new Error("plotly.js")); };
  document.head.appendChild(script);
});

