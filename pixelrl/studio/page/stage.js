// What stands on the stage: a step's picture, its edits in their colors, what the rules changed, or
// what the agents doubt.

const packed = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const fromHex = (ink) => packed([1, 3, 5].map((at) => parseInt(ink.slice(at, at + 2), 16)));

// 256 colors of Cividis, which readers with any color vision see alike.
const STOPS = [[0, 32, 77], [49, 68, 107], [102, 105, 112], [149, 143, 120], [203, 186, 105], [255, 234, 70]];
const CIVIDIS = Array.from({ length: 256 }, (_, level) => {
  const place = (level / 255) * (STOPS.length - 1);
  const low = Math.min(Math.floor(place), STOPS.length - 2);
  return packed(STOPS[low].map((c, n) => Math.round(c + (STOPS[low + 1][n] - c) * (place - low))));
});

export class Stage {
  constructor(canvas, sheets, frame) {
    this.canvas = canvas;
    this.sheets = sheets;
    this.frame = frame;
    this.asked = 0;
    this.stored = new Map();
    new ResizeObserver(() => this.fit()).observe(frame);
  }

  resize(width, height) {
    Object.assign(this.canvas, { width, height });
    this.stored.clear();
    this.frame.style.setProperty("--ratio", width / height);
    this.fit();
  }

  // As large as there is room for, in the picture's own proportions.
  fit() {
    const { width, height } = this.canvas;
    const room = getComputedStyle(this.frame);
    const wide = this.frame.clientWidth - 2 * parseFloat(room.paddingLeft);
    const high = this.frame.clientHeight - 2 * parseFloat(room.paddingTop);
    const scale = Math.min(wide / width, high / height);
    this.sheets.style.width = `${width * scale}px`;
    this.sheets.style.height = `${height * scale}px`;
  }

  async show(episode, step, kind, inks) {
    const turn = ++this.asked;
    const image = await this.drawn(episode.number, step, kind, inks);
    if (turn === this.asked) this.canvas.getContext("2d").drawImage(image, 0, 0);
  }

  async drawn(number, step, kind, inks) {
    if (kind === "doubt") return this.painted(await this.doubt(number), CIVIDIS);
    if (kind !== "edits" || step === 0) return this.picture(number, kind === "change" ? "change" : "frame", step);
    const pixels = this.canvas.width * this.canvas.height;
    const choices = await this.choices(number);
    return this.painted(choices.subarray((step - 1) * pixels, step * pixels), inks.map(fromHex));
  }

  picture(number, kind, step) {
    return this.once(`episodes/${number}/${kind}-${step}.png`, async (response) =>
      createImageBitmap(await response.blob()),
    );
  }

  // True at each pixel of the region that the task works on.
  async mask(number) {
    const image = await this.once(`episodes/${number}/mask.png`, async (response) =>
      createImageBitmap(await response.blob()),
    );
    const sheet = new OffscreenCanvas(image.width, image.height).getContext("2d");
    sheet.drawImage(image, 0, 0);
    const { data } = sheet.getImageData(0, 0, image.width, image.height);
    return Uint8Array.from({ length: data.length / 4 }, (_, n) => (data[4 * n] >= 128 ? 1 : 0));
  }

  // One byte per pixel and step: which edit it chose.
  choices(number) {
    return this.once(`episodes/${number}/choices.bin`, async (response) =>
      new Uint8Array(await response.arrayBuffer()),
    );
  }

  // One byte per pixel: how far off the agents expect their goal to be.
  doubt(number) {
    return this.once(`episodes/${number}/doubt.bin`, async (response) =>
      new Uint8Array(await response.arrayBuffer()),
    );
  }

  once(path, read) {
    if (!this.stored.has(path)) {
      const found = fetch(path).then(async (response) => {
        if (!response.ok) throw new Error((await response.json()).error);
        return read(response);
      });
      found.catch(() => this.stored.delete(path));
      this.stored.set(path, found);
    }
    return this.stored.get(path);
  }

  // A byte a pixel becomes its color in the table, each ABGR.
  painted(values, table) {
    const { width, height } = this.canvas;
    const sheet = new OffscreenCanvas(width, height);
    const image = new ImageData(width, height);
    const words = new Uint32Array(image.data.buffer);
    for (let n = 0; n < words.length; n++) words[n] = table[values[n]];
    sheet.getContext("2d").putImageData(image, 0, 0);
    return sheet;
  }
}
