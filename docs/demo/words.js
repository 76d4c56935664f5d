// What was chosen, in words, shares and colors.

import { at, make, percent } from "./tools.js";

const swatch = (color) => {
  const ink = make("i", { className: "ink" });
  ink.style.background = color;
  return ink;
};

// The edits by name; pressing one shows where it was chosen, alone.
export function listEdits(card, toggle) {
  at("edits").replaceChildren(
    ...card.edits.map((name, n) => {
      const button = make("button", { type: "button", title: name }, swatch(card.colors[n]), make("span", { textContent: name }), make("small"));
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => toggle(n));
      return make("li", {}, button);
    }),
  );
}

export function shares(choice, count) {
  const found = new Array(count).fill(0);
  for (const edit of choice) found[edit]++;
  return found.map((times) => times / choice.length);
}

export function showShares(rows, step) {
  at("shareof").textContent = step ? `share in step ${step}` : "";
  [...at("edits").children].forEach((item, n) => {
    item.querySelector("small").textContent = step && rows[step - 1] ? percent(rows[step - 1][n]) : "";
  });
  [...at("bars").children].forEach((bar, n) => bar.classList.toggle("now", n + 1 === step));
}

export function addBar(row, card, go) {
  const parts = row.map((share, n) => {
    const part = make("span", { title: `${card.edits[n]} ${percent(share)}` });
    Object.assign(part.style, { flex: `${share} 0 0px`, background: card.colors[n] });
    return part;
  });
  const bar = make("div", {}, ...parts);
  bar.addEventListener("click", go);
  at("bars").append(bar);
}

// The edits' colors; with one of them alone, all others are faint.
export function inks({ colors, noop, edits }, alone) {
  if (alone < 0) return colors;
  // The edit that does nothing is light gray, which alone would be hard to see.
  return colors.map((color, n) => (n !== alone ? "#f4f5f7" : edits[n] === noop ? "#5a5a5a" : color));
}

// Levels of a pixel, in 255ths.
const levels = ({ planes }, n) => {
  const told = planes.map((plane) => Math.round(255 * Math.min(1, Math.max(0, plane[n]))));
  return told.every((level) => level === told[0]) ? `${told[0]}` : told.join(" ");
};

// A pixel's history: equal edits in a row are one line.
export function tellPixel(pixel, episode, card, now) {
  const n = pixel.y * episode.frames[0].width + pixel.x;
  const lines = [];
  episode.choices.forEach((choice, step) => {
    const last = lines.at(-1);
    if (last?.edit === choice[n]) last.to = step + 1;
    else lines.push({ edit: choice[n], from: step + 1, to: step + 1 });
  });
  at("pixel-name").textContent = `Pixel ${pixel.x}, ${pixel.y}`;
  at("pixel").textContent = lines.length
    ? `${levels(episode.frames[0], n)} → ${levels(episode.frames.at(-1), n)}`
    : "Nothing is chosen yet.";
  at("history").replaceChildren(
    ...lines.map(({ edit, from, to }) => {
      const when = from === to ? `step ${from}` : `steps ${from}–${to}`;
      const item = make("li", {}, make("small", { textContent: when }), swatch(card.colors[edit]),
        make("span", { textContent: card.edits[edit] }), make("small", { textContent: levels(episode.frames[to], n) }));
      item.classList.toggle("now", from <= now && now <= to);
      return item;
    }),
  );
}
