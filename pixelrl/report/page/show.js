// State, and what is shown of it: everything on the page follows from `state` through `show`.

const LAYERS = ["image", "choices", "entropy", "value", "reward", "doubt"];
const state = { image: 0, step: 0, layer: "image", wipe: 50, against: "start", alone: -1,
                zoom: 1, pixel: null, order: "name", playing: 0 };
const about = () => meta.images[state.image];
const available = (layer) => ["image", "choices"].includes(layer) || layer in about().layers;

// Showing

let drawn = 0;  // counts drawings, so that a late one never overpaints its successor

async function show() {
  const mine = ++drawn;
  const { image, step, layer, against } = state;
  const { width, height, layers } = about();
  showControls();
  const left = against === "target" ? picture(image, "target", 0) : picture(image, "frames", 0);
  const empty = layer !== "image" && !step;
  const kind = layer === "image" ? "frames" : layer;
  const right = layer === "image" ? picture(image, kind, step)
    : empty ? null : plane(image, kind, step - 1);
  const [under, over] = await Promise.all([left.promise, right?.promise]);
  if (mine !== drawn) return;
  paintBitmap($("before"), under);
  $("empty").hidden = !empty;
  $("view").hidden = empty;
  if (layer === "image") paintBitmap($("view"), over);
  else if (layer === "choices") paintPlane($("view"), over ?? [], width, height, editTable(state.alone));
  else if (over) {
    const { block } = layers[layer];
    paintPlane($("view"), over, Math.ceil(width / block), Math.ceil(height / block), RAMPS[layer]);
  }
  showSize();
  showPixel();
  document.body.dataset.shown = [image, step, layer, against, state.alone].join(" ");
}

function showControls() {
  const { image, step, layer, against } = state;
  const { steps, layers, target, exact } = about();
  $("step").max = steps;
  $("step").value = step;
  $("step-told").textContent = step ? `${step} of ${steps}` : "start";
  $("step").setAttribute("aria-valuetext", $("step-told").textContent);
  for (const button of $("layers").children) {
    const chosen = button.dataset.layer === layer;
    button.setAttribute("aria-checked", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
    button.hidden = !available(button.dataset.layer);
  }
  $("against").value = against;
  $("against").lastElementChild.hidden = !target;
  const range = layers[layer];
  $("scale").hidden = !range && exact;
  for (const id of ["low", "ramp", "high"]) $(id).hidden = !range;
  $("scale-note").textContent = range ? scaleNote(layer, range)
    : "A large image: the pictures are slightly compressed, the choices are exact.";
  if (range) {
    $("low").textContent = range.low.toFixed(1).replace("-", "−");
    $("high").textContent = range.high.toFixed(1);
    paintRamp($("ramp"), RAMPS[layer]);
  }
  updateLegend(image, step, state.alone);
  [...$("bars").children].forEach((bar, index) => bar.classList.toggle("now", index + 1 === step));
  for (const button of $("thumbs").querySelectorAll("button"))
    button.setAttribute("aria-current", String(Number(button.dataset.image) === image));
  showWipe();
  remember();
}

const NOTES = { doubt: "gray levels that the result may be off; yellow is much",
                entropy: "nats; yellow is undecided", value: "the return expected before the step",
                reward: "what the step earned; orange is better, blue worse" };
const scaleNote = (layer, { block }) =>
  NOTES[layer] + (block > 1 ? `; means of ${block}×${block} pixels` : "");

function showWipe() {
  $("wipe").value = state.wipe;
  $("wipe-told").textContent = `${state.wipe} %`;
  $("view").style.clipPath = `inset(0 0 0 ${state.wipe}%)`;
  $("divider").hidden = false;
  $("divider").style.left = `${state.wipe}%`;
}

// Fit the image into the stage, then enlarge it by the zoom.
function showSize() {
  const { width, height } = about();
  const stage = $("stage");
  const room = stage.clientWidth;
  const tall = Math.max(240, innerWidth > 720 ? innerHeight - 270 : innerHeight * 0.62);
  const fit = Math.min(room / width, tall / height);
  const scale = fit * state.zoom;
  Object.assign($("sheet").style, { width: `${width * scale}px`, height: `${height * scale}px` });
  $("before").classList.toggle("pixels", scale >= 2);
  $("view").classList.toggle("pixels", scale >= 2 || state.layer !== "image");
  showCross();
}

function showCross() {
  const { pixel } = state;
  $("cross").hidden = !pixel?.pinned;
  if (!pixel?.pinned) return;
  const { width, height } = about();
  const side = $("sheet").clientWidth / width;
  const size = Math.max(side, 9);
  Object.assign($("cross").style, {
    left: `${((pixel.x + 0.5) / width) * 100}%`, top: `${((pixel.y + 0.5) / height) * 100}%`,
    width: `${size}px`, height: `${size}px`, margin: `${-size / 2}px` });
}

function showPixel() {
  fillPixel(state.image, state.pixel, state.step);
  showCross();
}

// The address remembers what is shown, so that a finding can be passed on.

function remember() {
  const told = new URLSearchParams({ image: about().name, step: state.step, layer: state.layer });
  history.replaceState(null, "", `#${told}`);
}
