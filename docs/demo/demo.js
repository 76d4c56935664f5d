// Open a photograph, damage it, watch the agents, keep the result.

import { at, make, picked } from "./tools.js";
import { LARGEST, addNoise, addText, finish, look, paint, paintChoices, psnr, read } from "./picture.js";
import { draw, fit, mark, pixelAt, wipe } from "./stage.js";
import { addBar, inks, listEdits, shares, showShares, tellPixel } from "./words.js";

const DAMAGE = {
  denoising: { button: "Add noise", amount: "Strength", range: [5, 55, 25], make: addNoise },
  inpainting: { button: "Add text", amount: "Lines", range: [3, 24, 12], make: addText },
};
const worker = new Worker("worker.js", { type: "module" });
let cards = {}; // what the agents' files say about themselves
let original = null; // as it was opened
let shown = null; // as the agents get it
let episode = null; // {number, frames, choices, rows, seen}
let pixel = null;
let alone = -1; // the one edit that is shown; -1 for all
let playing = 0; // counts the presses of play; an older one stops
let opened = 0; // counts pictures; one that was slow to read never takes the place of its successor
let name = "photograph";

const card = () => cards[picked("agents")];
const step = () => Number(at("step").value);

function tell(text, wrong = false) {
  at("status").textContent = text;
  at("status").className = text ? `told ${wrong ? "wrong" : ""}` : "";
}

async function open(blob, called) {
  if (!blob) return false;
  const mine = ++opened;
  const found = await read(blob).catch(() => null);
  if (mine !== opened) return false;
  const refuse = (reason) => (tell(`${called}: ${reason}`, true), false);
  if (!found) return refuse("no picture that this browser can read.");
  const { width, height, from } = found;
  const least = Math.max(...Object.values(cards).map(({ smallest }) => smallest));
  if (Math.min(width, height) < least) return refuse(`${width}×${height} pixels are too few; both sides need ${least}.`);
  original = found;
  name = called.replace(/\.\w+$/, "");
  at("size").textContent = from[0] === width ? `${width}×${height} pixels` :
    `${width}×${height} pixels, made smaller from ${from.join("×")}: this page edits up to ${LARGEST} on the longer side.`;
  at("empty").hidden = true;
  at("sheets").hidden = false;
  fit(width, height);
  put(original);
  return true;
}

// Begin anew with a picture.
function put(picture) {
  shown = picture;
  const number = (episode?.number ?? 0) + 1;
  episode = { number, frames: [picture], choices: [], rows: [], seen: null };
  worker.postMessage({ number });
  playing++;
  at("step").max = card().steps;
  at("step").value = 0;
  at("bars").replaceChildren();
  draw(at("before"), paint(picture));
  tell("");
  show();
}

function damage() {
  put(DAMAGE[picked("agents")].make(original, Number(at("amount").value)));
}

function edit() {
  put(shown);
  const { channels, steps } = card();
  episode.seen = look(shown, channels);
  tell("The agents look at the photograph …");
  worker.postMessage({
    number: episode.number, agents: picked("agents"), seen: episode.seen.slice(), channels, steps,
    width: shown.width, height: shown.height,
  });
}

// A step has come from the agents.
function take({ number, taken, edited, choice, error }) {
  if (number !== episode?.number) return;
  if (error) return tell(`The agents cannot edit: ${error}`, true);
  const following = step() === episode.choices.length; // whoever looks at an older step stays there
  episode.frames.push(finish(shown, episode.seen, edited));
  episode.choices.push(choice);
  const row = shares(choice, card().edits.length);
  episode.rows.push(row);
  addBar(row, card(), () => go(taken));
  tell(taken < card().steps ? `Step ${taken} of ${card().steps} …` : "");
  if (following) at("step").value = taken;
  show();
}

function go(to) {
  at("step").value = Math.min(to, episode.choices.length);
  show();
}

// Show one edit alone, or all again.
function single(edit) {
  alone = alone === edit ? -1 : edit;
  [...at("edits").children].forEach((item, n) => item.firstChild.setAttribute("aria-pressed", String(n === alone)));
  if (alone >= 0) document.querySelector('input[name="show"][value="edits"]').checked = true;
  show();
}

function show() {
  if (!episode) return;
  const now = Math.min(step(), episode.choices.length);
  const { frames, choices, rows } = episode;
  const { width, height } = shown;
  const edits = picked("show") === "edits" && now > 0;
  draw(at("after"), edits ? paintChoices(choices[now - 1], width, height, inks(card(), alone)) : paint(frames[now]));
  at("after").dataset.step = `${now}`;
  at("stepname").value = now ? `step ${now}/${card().steps}` : "start";
  showShares(rows, now);
  showScore(frames[now]);
  if (pixel) tellPixel(pixel, episode, card(), now);
  wipe();
  enable();
}

function showScore(frame) {
  at("score").replaceChildren();
  if (shown === original) return;
  const [from, to] = [shown, frame].map((picture) => psnr(picture, original).toFixed(1));
  at("score").append(`PSNR ${from} → `, make("b", { textContent: `${to} dB` }));
}

function enable() {
  for (const id of ["damage", "edit", "clean", "save"]) at(id).disabled = !original;
  at("clean").disabled ||= shown === original;
  at("play").disabled = at("step").disabled = !episode?.choices.length;
}

async function play() {
  const mine = ++playing;
  const last = episode.choices.length;
  for (let to = step() >= last ? 0 : step() + 1; to <= last; to++) {
    go(to);
    await new Promise((resolve) => setTimeout(resolve, 450));
    if (mine !== playing) return;
  }
}

async function save() {
  const canvas = new OffscreenCanvas(shown.width, shown.height);
  canvas.getContext("2d").putImageData(paint(episode.frames.at(-1)), 0, 0);
  const link = make("a", { href: URL.createObjectURL(await canvas.convertToBlob()), download: `${name}-edited.png` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function choose() {
  const { button, amount, range } = DAMAGE[picked("agents")];
  at("damage").textContent = button;
  at("amount-name").textContent = amount;
  Object.assign(at("amount"), { min: range[0], max: range[1] });
  at("amount").value = range[2];
  at("limits").textContent = card().limits;
  alone = -1;
  listEdits(card(), single);
  if (original) put(original);
}

function inspect(event) {
  if (!shown) return;
  pixel = pixelAt(event, shown);
  mark(pixel, shown);
  tellPixel(pixel, episode, card(), Math.min(step(), episode.choices.length));
}

function listen() {
  const on = (id, event, act) => at(id).addEventListener(event, act);
  on("file", "change", () => open(at("file").files[0], at("file").files[0]?.name).then(() => (at("file").value = "")));
  for (const input of document.querySelectorAll('input[name="show"]')) input.addEventListener("change", show);
  for (const input of document.querySelectorAll('input[name="agents"]')) input.addEventListener("change", choose);
  for (const [id, act] of Object.entries({ damage, edit, play, save, clean: () => put(original) })) on(id, "click", act);
  on("step", "input", () => (playing++, go(step())));
  on("wipe", "input", wipe);
  on("wipe", "pointermove", inspect);
  on("wipe", "pointerdown", inspect);
  for (const event of ["dragover", "dragleave", "drop"]) {
    on("stage", event, (drag) => {
      drag.preventDefault();
      at("stage").classList.toggle("over", event === "dragover");
      if (event === "drop") open(drag.dataTransfer.files[0], drag.dataTransfer.files[0]?.name);
    });
  }
  new ResizeObserver(() => shown && fit(shown.width, shown.height)).observe(at("stage"));
  worker.addEventListener("message", ({ data }) => take(data));
  worker.addEventListener("error", () => tell("The agents could not be loaded; serve this folder over HTTP.", true));
}

async function begin() {
  const { agents, samples } = await (await fetch("demo.json")).json();
  cards = agents;
  at("samples").append(
    ...samples.map(({ file, title }) => {
      const button = make("button", { type: "button" }, make("img", { src: file, alt: "" }), title);
      button.addEventListener("click", async () => open(await (await fetch(file)).blob(), file));
      return button;
    }),
  );
  choose();
  listen();
  enable();
  if (!samples.length) return;
  const sample = await (await fetch(samples[0].file)).blob();
  if (opened || !(await open(sample, samples[0].file))) return;
  damage();
  edit();
}

begin().catch((error) => tell(error.message, true));
