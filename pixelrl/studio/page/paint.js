// A brush on a canvas: the region is whatever is painted on it.

const UNDO_PIXELS = 20e6; // so many pixels are remembered to be undone
const PAINT = 0xff882eff; // ABGR

export class Brush {
  // `changed` is called whenever the region is another one.
  constructor(canvas, outline, cursor, changed) {
    this.canvas = canvas;
    this.outline = outline;
    this.cursor = cursor;
    this.changed = () => {
      this.trace();
      changed();
    };
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.erasing = false;
    this.diameter = 24;
    this.undos = [];
    this.at = { x: 0, y: 0 };
    this.listen();
  }

  resize(width, height) {
    Object.assign(this.canvas, { width, height });
    Object.assign(this.outline, { width, height });
    this.undos = [];
    this.at = { x: width / 2, y: height / 2 };
    this.place();
    this.changed();
  }

  // True at each painted pixel.
  inside() {
    const { width, height } = this.canvas;
    const { data } = this.context.getImageData(0, 0, width, height);
    const inside = new Uint8Array(width * height);
    for (let n = 0; n < inside.length; n++) inside[n] = data[4 * n + 3] >= 128 ? 1 : 0;
    return inside;
  }

  show(inside) {
    this.remember();
    this.context.putImageData(filled(inside, this.canvas, PAINT, 0), 0, 0);
    this.changed();
  }

  undo() {
    const last = this.undos.pop();
    if (last) this.context.putImageData(last, 0, 0);
    this.changed();
  }

  clear() {
    this.remember();
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.changed();
  }

  remember() {
    const { width, height } = this.canvas;
    this.undos.push(this.context.getImageData(0, 0, width, height));
    if (this.undos.length * width * height > UNDO_PIXELS) this.undos.shift();
  }

  stroke(from, to, erasing = this.erasing) {
    const { context } = this;
    context.globalCompositeOperation = erasing ? "destination-out" : "source-over";
    context.strokeStyle = "rgb(255 46 136)";
    context.lineWidth = this.diameter;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x + 0.01, to.y);
    context.stroke();
    context.globalCompositeOperation = "source-over";
  }

  // Draw the region's edge: what is painted, less what is painted on all sides too.
  trace() {
    const { width, height } = this.canvas;
    const inner = new OffscreenCanvas(width, height).getContext("2d");
    const line = Math.max(1, Math.round(Math.max(width, height) / 300));
    inner.drawImage(this.canvas, 0, 0);
    inner.globalCompositeOperation = "destination-in";
    for (const [x, y] of [[line, 0], [-line, 0], [0, line], [0, -line]]) inner.drawImage(this.canvas, x, y);
    const edge = this.outline.getContext("2d");
    edge.globalCompositeOperation = "copy";
    edge.drawImage(this.canvas, 0, 0);
    edge.globalCompositeOperation = "destination-out";
    edge.drawImage(inner.canvas, 0, 0);
  }

  // From the pointer to the picture's pixels.
  point(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.canvas.width,
      y: ((event.clientY - box.top) / box.height) * this.canvas.height,
    };
  }

  place() {
    const { width, height } = this.canvas;
    Object.assign(this.cursor.style, {
      left: `${(100 * this.at.x) / width}%`,
      top: `${(100 * this.at.y) / height}%`,
      width: `${(100 * this.diameter) / width}%`,
      aspectRatio: 1,
    });
  }

  listen() {
    let last = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.canvas.setPointerCapture(event.pointerId);
      this.remember();
      this.canvas.classList.add("painting");
      last = this.point(event);
      this.stroke(last, last);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) {
        const next = this.point(each);
        this.stroke(last, next);
        last = next;
      }
    });
    const end = () => {
      this.canvas.classList.remove("painting");
      if (last) this.changed();
      last = null;
    };
    this.canvas.addEventListener("pointerup", end);
    this.canvas.addEventListener("pointercancel", end);
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const stride = Math.max(1, this.diameter / 2);
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (moves[event.key]) {
      const [dx, dy] = moves[event.key];
      this.at.x = Math.min(Math.max(this.at.x + dx * stride, 0), this.canvas.width);
      this.at.y = Math.min(Math.max(this.at.y + dy * stride, 0), this.canvas.height);
    } else if (event.key === " ") {
      this.remember();
      this.stroke(this.at, this.at, event.shiftKey || this.erasing);
      this.changed();
    } else if (event.key === "[" || event.key === "]") {
      this.canvas.dispatchEvent(new CustomEvent("brush", { detail: event.key === "]" ? 4 : -4 }));
    } else return;
    event.preventDefault();
    this.place();
  }
}

function filled(inside, { width, height }, on, off) {
  const image = new ImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  for (let n = 0; n < words.length; n++) words[n] = inside[n] ? on : off;
  return image;
}

// Write a region as the server reads it: a PNG, white on black, in base64.
export async function asMask(inside, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.putImageData(filled(inside, canvas, 0xffffffff, 0xff000000), 0, 0);
  const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
