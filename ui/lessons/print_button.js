// A button that opens the browser's own way to print.

export default function ({ data, parentElement }) {
  const box = parentElement.querySelector(".mg-print"), button = box.querySelector("button") ?? document.createElement("button");
  button.type = "button";
  button.textContent = data.label;
  button.onclick = () => window.print();
  box.replaceChildren(button);
}
