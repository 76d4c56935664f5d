// What the page carries, unpacked when it is needed and held for one image at a time.

const meta = JSON.parse(document.getElementById("meta").textContent);
const held = { image: -1, parts: new Map() };

function bytes(id) {
  const text = atob(document.getElementById(id).textContent);
  const array = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) array[i] = text.charCodeAt(i);
  return array;
}

async function inflated(id) {
  const stream = new Blob([bytes(id)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Keep a promise per part, so that nothing is unpacked twice.
function part(image, kind, step, unpack) {
  if (held.image !== image) {
    held.image = image;
    held.parts = new Map();
  }
  const id = `${image}-${kind}-${step}`;
  if (!held.parts.has(id)) {
    const entry = { value: null };
    entry.promise = unpack(id).then((value) => (entry.value = value));
    held.parts.set(id, entry);
  }
  return held.parts.get(id);
}

// A picture as a bitmap; kind is frames or target.
const picture = (image, kind, step) =>
  part(image, kind, step, (id) => createImageBitmap(new Blob([bytes(id)])));

// A map as bytes, row by row; kind is choices, doubt (one for all steps), entropy, value or reward.
const plane = (image, kind, step) => part(image, kind, kind === "doubt" ? 0 : step, inflated);

// Unpack all maps of an image, choices first, and tell whenever one is there.
async function unpackAll(image, told) {
  const about = meta.images[image];
  for (const kind of ["choices", ...Object.keys(about.layers)]) {
    for (let step = 0; step < about.steps; step++) {
      if (held.image !== image) return;
      await plane(image, kind, step).promise;
    }
    told();
  }
}

// What a pixel chose and what is known of it at each step, as far as it is unpacked.
function pixelSteps(image, x, y) {
  const about = meta.images[image];
  const steps = [];
  for (let step = 0; step < about.steps; step++) {
    const choices = plane(image, "choices", step).value;
    const found = { edit: choices ? choices[y * about.width + x] : -1 };
    for (const [kind, range] of Object.entries(about.layers)) {
      const values = plane(image, kind, step).value;
      if (!values) continue;
      const across = Math.ceil(about.width / range.block);
      const level = values[Math.floor(y / range.block) * across + Math.floor(x / range.block)];
      const value = range.low + ((range.high - range.low) * level) / 255;
      const open = kind !== "entropy";  // value and reward go on beyond what is shown
      const sign = open && level === 0 ? "≤ " : open && level === 255 ? "≥ " : "";
      found[kind] = sign + value.toFixed(2).replace("-", "−");
    }
    steps.push(found);
  }
  return steps;
}
