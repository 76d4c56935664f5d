// What stands on the stage: a step's picture, its edits in their colors, or what the rules changed.

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
    const image =
      kind === "edits" && step > 0
        ? this.painted(await this.choices(episode.number), step, inks)
        : await this.picture(episode.number, kind === "change" ? "change" : "frame", step);
    if (turn === this.asked) this.canvas.getContext("2d").drawImage(image, 0, 0);
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

  painted(choices, step, inks) {
    const { width, height } = this.canvas;
    const sheet = new OffscreenCanvas(width, height);
    const image = new ImageData(width, height);
    const words = new Uint32Array(image.data.buffer);
    const colors = inks.map((ink) => {
      const [red, green, blue] = [1, 3, 5].map((n) => parseInt(ink.slice(n, n + 2), 16));
      return (255 << 24) | (blue << 16) | (green << 8) | red;
    });
    const start = (step - 1) * width * height;
    for (let n = 0; n < words.length; n++) words[n] = colors[choices[start + n]];
    sheet.getContext("2d").putImageData(image, 0, 0);
    return sheet;
  }
}
