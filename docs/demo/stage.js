// What stands on the stage: before at the left of the wipe, after at its right.

import { at } from "./tools.js";

export function fit(width, height) {
  const frame = at("stage");
  frame.style.setProperty("--ratio", width / height);
  const room = getComputedStyle(frame);
  const wide = frame.clientWidth - 2 * parseFloat(room.paddingLeft);
  const narrow = innerWidth <= 860;
  const high = narrow ? 0.62 * innerHeight : frame.clientHeight - 2 * parseFloat(room.paddingTop);
  const scale = Math.min(wide / width, high / height);
  Object.assign(at("sheets").style, { width: `${width * scale}px`, height: `${height * scale}px` });
}

export function draw(canvas, image) {
  Object.assign(canvas, { width: image.width, height: image.height });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

export function wipe() {
  const share = Number(at("wipe").value);
  at("after").style.clipPath = `inset(0 0 0 ${share}%)`;
  at("divider").style.left = `${share}%`;
}

// From the pointer to a pixel.
export function pixelAt(event, { width, height }) {
  const box = at("sheets").getBoundingClientRect();
  const inside = (value, side) => Math.min(side - 1, Math.max(0, Math.floor(value)));
  return {
    x: inside(((event.clientX - box.left) / box.width) * width, width),
    y: inside(((event.clientY - box.top) / box.height) * height, height),
  };
}

export function mark(pixel, { width, height }) {
  at("cross").hidden = false;
  Object.assign(at("cross").style, {
    left: `${(100 * (pixel.x + 0.5)) / width}%`, top: `${(100 * (pixel.y + 0.5)) / height}%`,
  });
}
