// From bytes to colors. A table of 256 colors per layer, packed as canvas memory has them.

const little = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const packed = (r, g, b) =>
  little ? (255 << 24) | (b << 16) | (g << 8) | r : (r << 24) | (g << 16) | (b << 8) | 255;
const fromHex = (code) => [1, 3, 5].map((at) => parseInt(code.slice(at, at + 2), 16));

// Cividis, which readers with any color vision see alike; and blue to orange around white, as the
// filmstrips have it.
const CIVIDIS = ["#00204d", "#31446b", "#666970", "#958f78", "#cbba69", "#ffea46"].map(fromHex);
const DIVERGING = ["#0063b0", "#ffffff", "#e06000"].map(fromHex);

function ramp(stops) {
  const table = new Uint32Array(256);
  for (let level = 0; level < 256; level++) {
    const at = (level / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const mixed = stops[low].map((c, i) => Math.round(c + (stops[low + 1][i] - c) * (at - low)));
    table[level] = packed(...mixed);
  }
  return table;
}

const RAMPS = { entropy: ramp(CIVIDIS), value: ramp(DIVERGING), reward: ramp(DIVERGING),
                doubt: ramp(CIVIDIS) };

// The edits' colors; with one of them alone, all others are faint.
function editTable(alone) {
  const table = new Uint32Array(256);
  meta.colors.forEach((code, edit) => {
    const faint = alone >= 0 && alone !== edit;
    table[edit] = faint ? packed(244, 245, 247) : packed(...fromHex(code));
  });
  // The edit that does nothing is light gray, which alone would be hard to see.
  if (alone >= 0) table[alone] = packed(...seen(fromHex(meta.colors[alone])));
  return table;
}
const seen = (color) => (Math.min(...color) > 200 ? [90, 90, 90] : color);

function paintPlane(canvas, values, width, height, table) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const out = new Uint32Array(image.data.buffer);
  for (let i = 0; i < values.length; i++) out[i] = table[values[i]];
  context.putImageData(image, 0, 0);
}

function paintBitmap(canvas, bitmap) {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
}

function paintRamp(canvas, table) {
  paintPlane(canvas, Uint8Array.from({ length: 256 }, (_, i) => i), 256, 1, table);
}
