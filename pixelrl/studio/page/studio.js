// Open a picture, watch the agents, paint a region, make rules, replay, save.

import { ask, at, chain, make, percent, picked } from "./tools.js";
import { Brush, asMask } from "./paint.js";
import { Stage } from "./stage.js";

let about = null; // what the server works with
let base = null; // the episode without rules
let episode = null; // the one with them
let rules = []; // {kind, edits, bias, steps, region}
let regions = []; // {inside, name}
let painted = null; // the region on the canvas; null while nothing is painted
let target = null; // the region that the task works on; null if it knows none
let waiting = 0; // counts the work asked for and not done
let done = Promise.resolve(); // once all of it is
let playing = 0; // counts the presses of play; an older one stops

const stage = new Stage(at("picture"), at("sheets"), at("stage"));
const brush = new Brush(at("mask"), at("outline"), at("cursor"), repainted);

// Do one thing at a time, in the order in which it was asked for, and tell what went wrong.
function during(told, work) {
  waiting++;
  enable();
  return (done = done.then(() => attempt(told, work)));
}

async function attempt(told, work) {
  tell(told);
  document.body.classList.add("busy");
  try {
    await work();
    tell("");
  } catch (error) {
    tell(error instanceof TypeError ? "The studio does not answer; is it still running?" : error.message, true);
  } finally {
    waiting--;
    document.body.classList.toggle("busy", waiting > 0);
    enable();
  }
}

function tell(text, wrong = false) {
  at("status").textContent = text;
  at("status").className = text ? `told ${wrong ? "wrong" : ""}` : "";
}

async function open(file) {
  if (!file) return;
  if (!about.formats.includes(file.type)) return tell(`${file.name}: open a PNG, JPEG, WebP, BMP or TIFF.`, true);
  if (file.size > about.bytes) return tell(`${file.name}: larger than ${about.bytes / 1e6} MB.`, true);
  await during(`The agents edit ${file.name} …`, async () => {
    opened(await ask(`open?name=${encodeURIComponent(file.name)}`, file, file.type));
  });
}

async function replay(wanted) {
  const used = regions.filter((region) => wanted.some((rule) => rule.region === region));
  const { width, height } = base;
  const masks = await Promise.all(used.map(({ inside }) => asMask(inside, width, height)));
  const sent = wanted.map((rule) => ({ ...rule, region: rule.region ? used.indexOf(rule.region) : null }));
  episode = await ask("rollout", JSON.stringify({ rules: sent, regions: masks }));
  rules = wanted;
  regions = used;
  at("files").replaceChildren();
  at("command").hidden = at("copy").hidden = true;
  at("without").checked = false;
  listRules();
  await show();
}

// Let the task work on another region.
async function retarget() {
  const { inside } = painted;
  const mask = await asMask(inside, base.width, base.height);
  base = episode = await ask("rollout", JSON.stringify({ mask }));
  target = inside;
  await replay(rules);
}

// What is shown

// Show the region that the task works on, to be painted over.
async function aim() {
  target = await stage.mask(base.number);
  brush.show(target);
}

function opened(found) {
  base = episode = found;
  [rules, regions] = [[], []];
  at("empty").hidden = true;
  at("sheets").hidden = false;
  at("about").textContent = `${about.task} · ${found.name}, ${found.width}×${found.height}`;
  document.title = `${found.name} – pixelrl studio`;
  at("doubtful").hidden = found.doubtful === null;
  stage.resize(found.width, found.height);
  at("size").max = Math.round(Math.max(found.width, found.height) / 3);
  at("size").value = brush.diameter = Math.round(Math.min(found.width, found.height) / 6);
  brush.resize(found.width, found.height);
  if (about.masked) aim().catch((error) => tell(error.message, true));
  at("step").value = about.steps;
  at("files").replaceChildren();
  at("command").hidden = at("copy").hidden = true;
  listRules();
  show();
}

async function show() {
  if (!episode) return;
  const step = Number(at("step").value);
  const shown = at("without").checked ? base : episode;
  at("stepname").value = step ? `step ${step}/${about.steps}` : "start";
  at("shareof").textContent = step ? `share in step ${step}` : "";
  about.edits.forEach((edit, n) => {
    const share = step ? shown.shares[step - 1][n] : null;
    at("edits").children[n].querySelector("small").textContent = share === null ? "" : percent(share);
  });
  const pixels = base.width * base.height;
  const changed = episode.changed[about.steps];
  at("outcome").textContent = rules.length
    ? `The rules changed ${changed.toLocaleString("en")} of ${pixels.toLocaleString("en")} pixels (${percent(changed / pixels)}).`
    : "No rules: the agents do as they like.";
  enable();
  const inks = about.edits.map((edit) => edit.ink);
  at("sheets").dataset.show = picked("show");
  at("scale").hidden = picked("show") !== "doubt";
  at("scale").querySelector("output").textContent = Math.round(shown.doubtful);
  await stage.show(shown, step, picked("show"), inks).catch((error) => tell(error.message, true));
}

function listEdits() {
  at("edits").replaceChildren(
    ...about.edits.map(({ name, ink }) => {
      const swatch = make("i", { className: "ink" });
      swatch.style.background = ink;
      const button = make("button", { type: "button", title: name }, swatch, make("span", { textContent: name }), make("small"));
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") === "false"));
        enable();
      });
      return make("li", {}, button);
    }),
  );
}

function chosen() {
  return about.edits.filter((_, n) => at("edits").children[n].firstChild.getAttribute("aria-pressed") === "true").map(({ name }) => name);
}

function listRules() {
  regions.forEach((region, n) => (region.name = `region ${n + 1}`));
  at("rules").replaceChildren(
    ...rules.map((rule) => {
      const verb = { forbid: "Forbid", only: "Force", prefer: "Prefer" }[rule.kind];
      const by = rule.kind === "prefer" ? ` by ${rule.bias}` : "";
      const where = rule.region ? `in ${rule.region.name}` : "everywhere";
      const when = rule.steps ? `, ${rule.steps.includes("-") ? "steps" : "step"} ${rule.steps}` : "";
      const text = `${verb} ${rule.edits.join(", ")}${by} ${where}${when}`;
      const remove = make("button", { type: "button", textContent: "✕", ariaLabel: `Remove: ${text}` });
      remove.addEventListener("click", () =>
        during("The agents edit again …", () => replay(rules.filter((other) => other !== rule))),
      );
      const parts = [make("span", { textContent: text })];
      if (rule.region) {
        const see = make("button", { type: "button", textContent: "Show", ariaLabel: `Show ${rule.region.name}` });
        see.addEventListener("click", () => brush.show(rule.region.inside));
        parts.push(see);
      }
      return make("li", {}, ...parts, remove);
    }),
  );
}

function repainted() {
  const inside = brush.inside();
  const count = inside.reduce((sum, on) => sum + on, 0);
  painted = count ? { inside } : null;
  at("painted").textContent = count ? `${percent(count / inside.length)} of the picture` : "nothing painted yet";
  enable();
}

function enable() {
  const ready = Boolean(episode) && !waiting;
  for (const id of ["play", "step", "undo", "clear", "invert", "save", "without"]) at(id).disabled = !ready;
  at("undo").disabled ||= !brush.undos.length;
  at("clear").disabled ||= !painted;
  const aimed = Boolean(painted && target && painted.inside.every((on, n) => on === target[n]));
  at("retarget").disabled = !ready || !painted || aimed;
  at("aimed").textContent = aimed ? "The agents edit for it." : "";
  const edits = about ? chosen() : [];
  for (const id of ["forbid", "only", "prefer"]) at(id).disabled = !ready || !edits.length;
  at("where").textContent = edits.length
    ? `${edits.join(", ")}: ${painted ? "in the painted region" : "in the whole picture, as nothing is painted"}.`
    : "Choose one or more edits above.";
}

// What people do

async function addRule(kind) {
  const [first, last] = [Number(at("first").value), Number(at("last").value)];
  if (first > last) return tell("The first step comes after the last.", true);
  const bias = Number(at("bias").value);
  if (kind === "prefer" && !(Number.isFinite(bias) && bias)) return tell("Prefer by how many nats? For example 2.", true);
  const all = first === 1 && last === about.steps;
  const steps = all ? null : first === last ? `${first}` : `${first}-${last}`;
  const same = painted && regions.find(({ inside }) => inside.every((on, n) => on === painted.inside[n]));
  const region = same || (painted && { inside: painted.inside });
  const rule = { kind, edits: chosen(), bias: kind === "prefer" ? bias : 0, steps, region };
  if (region && !same) regions.push(region);
  await during("The agents edit again …", () => replay([...rules, rule]));
}

async function playSteps() {
  const turn = ++playing;
  for (let step = 0; step <= about.steps && turn === playing; step++) {
    at("step").value = step;
    await show();
    await new Promise((done) => setTimeout(done, 500));
  }
}

async function save() {
  await during("Saving …", async () => {
    const kept = await ask("save", JSON.stringify({ episode: episode.number }));
    at("command").textContent = kept.command;
    at("command").hidden = at("copy").hidden = false;
    at("files").replaceChildren(...kept.files.map((file) => make("li", { textContent: file })));
  });
}

function inspect(event) {
  if (!episode) return;
  const { x, y } = brush.point(event);
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= base.width || row >= base.height) return;
  const shown = at("without").checked ? base : episode;
  stage.choices(shown.number).then((choices) => {
    const names = Array.from({ length: about.steps }, (_, step) => {
      return about.edits[choices[(step * base.height + row) * base.width + column]].name;
    });
    return chain(names);
  }).then(async (text) => {
    const levels = shown.doubtful === null ? null : await stage.doubt(shown.number);
    const off = levels && ((levels[row * base.width + column] / 255) * shown.doubtful).toFixed(1);
    const told = off === null ? "" : `, perhaps off by ${off} gray levels`;
    at("pixel").textContent = `Pixel ${column}, ${row}${told}: ${text}`;
  }).catch(() => {});
}

function listen() {
  const on = (id, event, act) => at(id).addEventListener(event, act);
  on("file", "change", () => open(at("file").files[0]).then(() => (at("file").value = "")));
  for (const input of document.querySelectorAll('input[name="show"]')) input.addEventListener("change", show);
  for (const input of document.querySelectorAll('input[name="tool"]')) {
    input.addEventListener("change", () => (brush.erasing = picked("tool") === "erase"));
  }
  on("step", "input", () => (playing++, show()));
  on("without", "change", show);
  on("play", "click", playSteps);
  on("size", "input", () => ((brush.diameter = Number(at("size").value)), brush.place()));
  on("mask", "brush", (event) => {
    at("size").value = Number(at("size").value) + event.detail;
    brush.diameter = Number(at("size").value);
  });
  on("mask", "pointermove", inspect);
  on("retarget", "click", () => during("The agents edit for this region …", retarget));
  on("undo", "click", () => brush.undo());
  on("clear", "click", () => brush.clear());
  on("invert", "click", () => brush.show(brush.inside().map((on_) => 1 - on_)));
  for (const kind of ["forbid", "only", "prefer"]) on(kind, "click", () => addRule(kind));
  on("save", "click", save);
  on("copy", "click", () => navigator.clipboard.writeText(at("command").textContent).then(() => tell("Copied.")));
  for (const event of ["dragover", "dragleave", "drop"]) {
    on("stage", event, (drag) => {
      drag.preventDefault();
      at("stage").classList.toggle("over", event === "dragover");
      if (event === "drop") open(drag.dataTransfer.files[0]);
    });
  }
}

async function begin() {
  about = await (await fetch("about.json")).json();
  at("about").textContent = `${about.task} · ${about.told}`;
  at("file").accept = about.formats.join(",");
  at("step").max = about.steps;
  for (const id of ["first", "last"]) {
    at(id).append(...Array.from({ length: about.steps }, (_, n) => new Option(n + 1)));
  }
  at("last").value = about.steps;
  at("aim").hidden = !about.masked;
  listEdits();
  listen();
  repainted();
  if (about.episode) opened(about.episode);
}

begin().catch((error) => tell(error.message, true));
