// A text while the server writes it: lines of JSON, as many as each piece of the answer brings.

/** Yields lists of what the lines say. Throws what the server complains about; a TypeError if it cannot be reached. */
export async function* streamed(url, signal) {
  const answer = await fetch(new URL(url, document.baseURI), { signal, cache: "no-store" });  // works behind a proxy's base path
  if (!answer.ok) throw new Error((await answer.json()).error ?? answer.status);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    yield lines.map((line) => JSON.parse(line));
  }
}
