// What stands around the image: gallery, legend, bars, the pixel's history, tables.

const $ = (id) => document.getElementById(id);

// Make an element; text is always set as text, whatever an image is called.
function make(tag, props = {}, ...children) {
  const { style = {}, attrs = {}, ...rest } = props;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.style, style);
  for (const [name, value] of Object.entries(attrs)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const swatch = (edit) =>
  make("span", { className: "swatch", style: { background: meta.colors[edit] } });
const percent = (share) =>
  share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;

const title = (name) => name.replaceAll("_", " ").replace(/psnr|ssim/, (word) => word.toUpperCase());
const scoreCalled = (name) => meta.scores.find((score) => score.name === name);
const numberText = (name, value) => {
  if (value == null) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const digits = scoreCalled(name)?.digits ?? (Math.abs(value) < 2 ? 4 : 3);
  return value.toFixed(digits).replace("-", "−");
};
const scoreText = (name, value) => {
  const unit = scoreCalled(name)?.unit;
  return value == null || !unit ? numberText(name, value) : `${numberText(name, value)} ${unit}`;
};

// An image's score, null where it has none.
function scoreOf(image, name) {
  const { scores, infinite } = meta.images[image];
  return name in infinite ? infinite[name] * Infinity : scores[name];
}

// The scores of the results, without those of the inputs and the oracle, which go beside them.
const mainScores = meta.scores.filter((score) => !/^(input|oracle)_/.test(score.name));
// Those that declare what is better; no image is the best by another.
const rankedScores = mainScores.filter(({ higher }) => higher !== null);
const meanOf = (name) => scoreCalled(name)?.mean;

function fillHeader() {
  $("title").textContent = meta.task;
  const count = meta.images.length;
  const split = meta.facts.split ? `, ${meta.facts.split} split` : "";
  $("subtitle").textContent = `${count} image${count > 1 ? "s" : ""}${split} · pixelrl ${meta.version}`;
  for (const { name, mean } of mainScores) {
    const from = meanOf(`input_${name}`);
    const best = meanOf(`oracle_${name}`);
    const told = make("dd");
    if (from !== undefined)
      told.append(make("span", { className: "from" }, `${scoreText(name, from)} → `));
    told.append(scoreText(name, mean));
    if (best !== undefined)
      told.append(make("span", { className: "from" }, ` · oracle ${scoreText(name, best)}`));
    $("means").append(make("div", {}, make("dt", {}, `mean ${title(name)}`), told));
  }
}

// The images' numbers in an order: by a score, worst or best first, or by name.
function ordered(order) {
  const [name, end] = order.split("|");
  const all = meta.images.map((_, index) => index);
  const score = rankedScores.find((each) => each.name === name);
  if (!score) return all;
  const sign = (end === "best" ? -1 : 1) * (score.higher ? 1 : -1);
  const known = (index) => scoreOf(index, name) ?? null;
  return all.sort((a, b) => {
    const [one, other] = [known(a), known(b)];
    if (one === null || other === null) return (one === null) - (other === null);
    return one === other ? 0 : sign * (one - other);
  });
}

function fillOrders() {
  for (const { name } of rankedScores)
    for (const end of ["worst", "best"])
      $("order").append(make("option", { value: `${name}|${end}` }, `${title(name)}, ${end} first`));
  $("order").append(make("option", { value: "name" }, "as evaluated"));
}

function fillGallery(order, open) {
  const shown = order.split("|")[0];
  const score = mainScores.some(({ name }) => name === shown) ? shown : mainScores[0]?.name;
  $("thumbs").replaceChildren(...ordered(order).map((index) => {
    const { name, thumbnail } = meta.images[index];
    const button = make("button", { type: "button", onclick: () => open(index) },
      make("img", { src: thumbnail, alt: "", loading: "lazy" }), make("span", {}, name));
    if (score) button.append(make("span", { className: "soft" }, scoreText(score, scoreOf(index, score))));
    button.dataset.image = index;
    return make("li", {}, button);
  }));
}

function fillLegend(toggle) {
  $("legend").replaceChildren(...meta.edits.map((name, edit) =>
    make("li", {}, make("button", { type: "button", attrs: { "aria-pressed": "false" },
      onclick: () => toggle(edit) },
      swatch(edit), make("span", { className: "name" }, name), make("span", { className: "share" })))));
}

function updateLegend(image, step, alone) {
  const { shares } = meta.images[image];
  const mean = meta.edits.map((_, edit) =>
    shares.reduce((sum, row) => sum + row[edit], 0) / shares.length);
  const row = step ? shares[step - 1] : mean;
  $("legend").querySelectorAll("button").forEach((button, edit) => {
    button.setAttribute("aria-pressed", String(edit === alone));
    button.querySelector(".share").textContent = percent(row[edit]);
  });
}

function fillBars(image, go) {
  const { shares } = meta.images[image];
  $("bars").replaceChildren(...shares.map((row, step) => {
    const parts = row.map((share, edit) => make("span", {
      title: `step ${step + 1}: ${meta.edits[edit]} ${percent(share)}`,
      style: { background: meta.colors[edit], flex: `${share} 0 0px` } }));
    const column = make("div", { onclick: () => go(step + 1) }, ...parts);
    column.append(make("small", {}, String(step + 1)));
    return column;
  }));
  const told = shares.map((row, step) => {
    const most = row.indexOf(Math.max(...row));
    return `step ${step + 1}: mostly ${meta.edits[most]}, ${percent(row[most])}`;
  });
  $("bars").setAttribute("aria-label", told.join("; "));
}

// A pixel's whole history in words, the step shown now in bold.
function historyWords(steps, now) {
  return steps.flatMap(({ edit }, index) => {
    const word = meta.edits[edit] ?? "…";
    return [...(index ? [", "] : []), index + 1 === now ? make("b", {}, word) : word];
  });
}

function fillPixel(image, pixel, now) {
  $("pixel").hidden = !pixel;
  if (!pixel) {
    $("pixel-title").textContent = "Pixel";
    $("history").textContent = "Point at the image, or tap it, to read what a pixel chose.";
    return;
  }
  const steps = pixelSteps(image, pixel.x, pixel.y);
  const kinds = Object.keys(meta.images[image].layers);
  $("pixel-title").textContent = `Pixel ${pixel.x}, ${pixel.y}${pixel.pinned ? " (kept)" : ""}`;
  $("history").replaceChildren(...historyWords(steps, now));
  $("pixel-head").replaceChildren(...["", "edit", ...kinds].map((word) =>
    make("th", { scope: "col" }, word)));
  $("pixel-rows").replaceChildren(...steps.map((step, index) => {
    const edit = make("td", {}, ...(step.edit < 0 ? ["…"] : [swatch(step.edit), meta.edits[step.edit]]));
    const cells = kinds.map((kind) => make("td", {}, step[kind] ?? "…"));
    return make("tr", { className: index + 1 === now ? "now" : "" },
      make("td", {}, String(index + 1)), edit, ...cells);
  }));
}

function fillTable(open) {
  if (!meta.scores.length) return;
  $("table-card").hidden = false;
  const names = meta.scores.map(({ name }) => name);
  const row = (first, values) =>
    make("tr", {}, make("td", {}, first), ...names.map((name) => make("td", {}, numberText(name, values(name)))));
  const rows = meta.images.map(({ name }, index) =>
    row(make("button", { type: "button", onclick: () => open(index) }, name), (score) => scoreOf(index, score)));
  const heads = meta.scores.map(({ name, unit }) => title(name) + (unit ? ` (${unit})` : ""));
  const notes = meta.scores.filter(({ note }) => note).map(({ name, note }) => `${title(name)}: ${note}`);
  $("table-note").textContent = notes.join("; ");
  $("table").append(
    make("thead", {}, make("tr", {}, ...["image", ...heads].map((name) =>
      make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...rows), make("tfoot", {}, row(`mean of ${rows.length}`, meanOf)));
}

function fillFacts() {
  for (const [name, value] of Object.entries(meta.facts))
    $("facts").append(make("dt", {}, name), make("dd", {}, value || "–"));
}
