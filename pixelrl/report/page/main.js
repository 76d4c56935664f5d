// What changes the state: pointer, keys, sliders, and the address the page was opened with.

// Changing

function open(image) {
  const same = image === state.image && held.image === image;
  Object.assign(state, { image, pixel: same ? state.pixel : null });
  const { name, steps, target } = about();
  state.step = Math.min(state.step, steps);
  if (!available(state.layer)) state.layer = "image";
  if (!target) state.against = "start";
  $("name").textContent = name;
  $("scores").textContent = mainScores.map(({ name: score }) => {
    const input = `input_${score}`;
    const before = scoreCalled(input) ? `${scoreText(score, scoreOf(image, input))} → ` : "";
    return `${title(score)} ${before}${scoreText(score, scoreOf(image, score))}`;
  }).join(" · ");
  $("stage").setAttribute("aria-label", `${name}, ${about().width} by ${about().height} pixels`);
  fillBars(image, go);
  show().then(() => unpackAll(image, showPixel));
  $("thumbs").querySelector(`[data-image="${image}"]`)?.scrollIntoView({ block: "nearest" });
}

function go(step) {
  state.step = Math.max(0, Math.min(step, about().steps));
  show();
}

function choose(layer) {
  if (!available(layer)) return;
  state.layer = layer;
  show();
}

function beside(by) {
  const row = ordered(state.order);
  open(row[(row.indexOf(state.image) + by + row.length) % row.length]);
}

function wipe(share) {
  state.wipe = Math.round(Math.max(0, Math.min(100, share)));
  showWipe();
}

function zoom(factor) {
  const stage = $("stage");
  const middle = [(stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth,
                  (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight];
  state.zoom = factor ? Math.max(1, Math.min(32, state.zoom * factor)) : 1;
  showSize();
  stage.scrollLeft = middle[0] * stage.scrollWidth - stage.clientWidth / 2;
  stage.scrollTop = middle[1] * stage.scrollHeight - stage.clientHeight / 2;
}

function alone(edit) {
  state.alone = state.alone === edit ? -1 : edit;
  if (state.alone >= 0) state.layer = "choices";
  if (state.alone >= 0 && !state.step) state.step = 1;
  show();
}

function play() {
  clearInterval(state.playing);
  state.playing = state.playing ? 0 : setInterval(() => {
    if (state.step < about().steps) go(state.step + 1);
    if (state.step === about().steps) play();
  }, 900);
  if (state.playing) go(state.step === about().steps ? 0 : state.step);
  $("play").textContent = state.playing ? "Pause" : "Play";
  $("play").setAttribute("aria-pressed", String(Boolean(state.playing)));
}

// Pointing

function pixelAt(event) {
  const box = $("sheet").getBoundingClientRect();
  const { width, height } = about();
  const x = Math.floor(((event.clientX - box.left) / box.width) * width);
  const y = Math.floor(((event.clientY - box.top) / box.height) * height);
  return x >= 0 && y >= 0 && x < width && y < height ? { x, y, pinned: false } : null;
}

function hover(event) {
  const pixel = pixelAt(event);
  $("tip").hidden = !pixel;
  if (!pixel) return;
  $("tip").replaceChildren(...historyWords(pixelSteps(state.image, pixel.x, pixel.y), state.step));
  const tip = $("tip").getBoundingClientRect();
  const x = Math.min(event.clientX + 16, innerWidth - tip.width - 8);
  const y = event.clientY + 20 + tip.height > innerHeight ? event.clientY - tip.height - 12
    : event.clientY + 20;
  Object.assign($("tip").style, { left: `${x}px`, top: `${y}px` });
  if (state.pixel?.pinned) return;
  state.pixel = pixel;
  showPixel();
}

function pin(event) {
  const pixel = pixelAt(event);
  if (!pixel) return;
  const { pixel: old } = state;
  const again = old?.pinned && old.x === pixel.x && old.y === pixel.y;
  state.pixel = { ...pixel, pinned: !again };
  showPixel();
}

function movePixel(dx, dy) {
  const { width, height } = about();
  const { x, y } = state.pixel ?? { x: Math.floor(width / 2), y: Math.floor(height / 2) };
  const inside = (value, size) => Math.max(0, Math.min(size - 1, value));
  state.pixel = { x: inside(x + dx, width), y: inside(y + dy, height), pinned: true };
  showPixel();
}

function drag(event) {
  const box = $("sheet").getBoundingClientRect();
  wipe(((event.clientX - box.left) / box.width) * 100);
}

// Keys

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = { " ": play, w: () => wipe(state.wipe ? 0 : 50), "+": () => zoom(2), "=": () => zoom(2),
               "-": () => zoom(0.5), 0: () => zoom(0),
               Escape: () => { state.pixel = null; showPixel(); } };

function press(event) {
  const at = event.target;
  const own = at.matches("select, input") || (at.matches("button, summary") && event.key === " ");
  if (own || event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = ARROWS[event.key];
  if (arrow) {
    if (event.shiftKey) movePixel(...arrow);
    else if (at.getAttribute("role") === "radio" && arrow[0]) stepLayer(arrow[0]);
    else if (arrow[0]) go(state.step + arrow[0]);
    else beside(arrow[1]);
  } else if (LAYERS[event.key - 1]) choose(LAYERS[event.key - 1]);
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
}

// The arrows go from layer to layer while a layer's button has the focus, as radio buttons do.
function stepLayer(by) {
  const shown = LAYERS.filter(available);
  choose(shown[(shown.indexOf(state.layer) + by + shown.length) % shown.length]);
  $("layers").querySelector('[aria-checked="true"]').focus();
}

// Take up what the address remembers.
function recall() {
  const told = new URLSearchParams(location.hash.slice(1));
  const image = meta.images.findIndex(({ name }) => name === told.get("image"));
  state.image = image >= 0 ? image : ordered(state.order)[0];
  const step = Number(told.get("step") ?? about().steps);
  state.step = Number.isInteger(step) && step >= 0 ? Math.min(step, about().steps) : about().steps;
  if (LAYERS.includes(told.get("layer"))) state.layer = told.get("layer");
}

function start() {
  fillHeader();
  fillOrders();
  state.order = $("order").value;
  LAYERS.forEach((layer, index) => {
    const word = layer[0].toUpperCase() + layer.slice(1);
    const button = make("button", { type: "button", title: `${word} (${index + 1})`,
      onclick: () => choose(layer), attrs: { role: "radio" } }, word);
    button.dataset.layer = layer;
    $("layers").append(button);
  });
  $("against").append(make("option", { value: "start" }, "start"), make("option", { value: "target" }, "target"));
  fillLegend(alone);
  fillGallery(state.order, open);
  fillTable(open);
  fillFacts();
  fillCalibration();
  recall();
  $("order").onchange = () => {
    state.order = $("order").value;
    fillGallery(state.order, open);
    open(ordered(state.order)[0]);
  };
  $("step").oninput = () => go(Number($("step").value));
  $("wipe").oninput = () => wipe(Number($("wipe").value));
  $("against").onchange = () => { state.against = $("against").value; show(); };
  $("play").onclick = play;
  $("larger").onclick = () => zoom(2);
  $("smaller").onclick = () => zoom(0.5);
  $("fit").onclick = () => zoom(0);
  $("sheet").onpointermove = (event) => event.pointerType === "mouse" && !event.buttons && hover(event);
  $("sheet").onpointerleave = () => {
    $("tip").hidden = true;
    if (!state.pixel?.pinned) { state.pixel = null; showPixel(); }
  };
  $("sheet").onclick = pin;
  $("divider").onclick = (event) => event.stopPropagation();
  $("divider").onpointerdown = (event) => $("divider").setPointerCapture(event.pointerId);
  $("divider").onpointermove = (event) =>
    $("divider").hasPointerCapture(event.pointerId) && drag(event);
  document.addEventListener("keydown", press);
  addEventListener("resize", showSize);
  open(state.image);
}

start();
