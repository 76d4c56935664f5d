// The agents, in a thread of their own: the beginning once, then step by step.

import * as ort from "./ort/ort.wasm.min.mjs";

ort.env.wasm.numThreads = 1; // more would need headers that not every server sends
ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;

const sessions = new Map();
let latest = 0; // what was asked for last; all else is given up

function load(path) {
  if (!sessions.has(path)) {
    const session = ort.InferenceSession.create(path, { executionProviders: ["wasm"] });
    session.catch(() => sessions.delete(path));
    sessions.set(path, session);
  }
  return sessions.get(path);
}

const rest = () => new Promise((resolve) => setTimeout(resolve)); // hear whether something newer is asked for

async function edit({ number, agents, seen, channels, width, height, steps }) {
  const [begin, step] = await Promise.all(["begin", "step"].map((kind) => load(`agents/${agents}.${kind}.onnx`)));
  let image = new ort.Tensor("float32", seen, [1, channels, height, width]);
  let { state } = await begin.run({ image });
  for (let taken = 1; taken <= steps; taken++) {
    await rest();
    if (number !== latest) return;
    const { edited, choice, next } = await step.run({ image, state });
    [image, state] = [edited, next];
    postMessage({ number, taken, edited: edited.data.slice(), choice: choice.data.slice() });
  }
}

addEventListener("message", ({ data }) => {
  latest = data.number;
  if (data.agents) edit(data).catch((error) => postMessage({ number: data.number, error: error.message }));
});
