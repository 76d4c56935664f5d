// The calibration: mean error of pixels by the agents' doubt, or, without one, the policy's entropy.

function svg(tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

function roundSteps(most) {
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const step = power * [5, 2, 1].find((factor) => factor * power <= most / 4);
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) => +(i * step).toFixed(6));
}

const UNITS = { doubt: "doubt, gray levels", entropy: "entropy of the policy, nats" };
const NAMES = { doubt: "Doubt", entropy: "Entropy" };

function verdict(correlation, measure) {
  const name = NAMES[measure];
  if (correlation == null) return `${name} or error is the same everywhere.`;
  const told = `Rank correlation of ${measure} and error: ${correlation.toFixed(2).replace("-", "−")}. `;
  if (Math.abs(correlation) < 0.2) return `${told}${name} tells little of the error.`;
  return correlation > 0
    ? `${told}It errs most where it is undecided: ${measure} warns of errors.`
    : `${told}It errs most where it is decided: ${measure} does not warn of errors.`;
}

function fillCalibration() {
  const measure = meta.calibration.some((row) => "doubt" in row) ? "doubt" : "entropy";
  const points = meta.calibration.map((row) => ({ at: row[measure], error: row.error }))
    .filter(({ at, error }) => at != null && error != null);
  if (!points.length) return;
  $("calibration").hidden = false;
  $("verdict").textContent = verdict(meta.rank_correlation, measure);
  const [left, top, right, bottom] = [44, 26, 548, 208];
  const most = { x: Math.max(...points.map((p) => p.at), 0.1),
                 y: Math.max(...points.map((p) => p.error), 0.1) };
  const x = (value) => left + (value / most.x) * (right - left);
  const y = (value) => bottom - (value / most.y) * (bottom - top);
  const label = `Mean error by ${measure}: ${points.map((p) =>
    `${p.error.toFixed(1)} at ${p.at.toFixed(2)}`).join(", ")}.`;
  const sheet = svg("svg", { viewBox: "0 0 560 254", role: "img", "aria-label": label });
  for (const value of roundSteps(most.y)) {
    sheet.append(svg("line", { class: "grid", x1: left, x2: right, y1: y(value), y2: y(value) }));
    sheet.append(svg("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, value));
  }
  for (const value of roundSteps(most.x))
    sheet.append(svg("text", { x: x(value), y: bottom + 18, "text-anchor": "middle" }, value));
  sheet.append(svg("text", { x: left, y: 12 }, "mean error, gray levels"));
  sheet.append(svg("text", { x: right, y: bottom + 38, "text-anchor": "end" },
    UNITS[measure]));
  const places = points.map((p) => `${x(p.at)},${y(p.error)}`);
  sheet.append(svg("polyline", { class: "line", points: places.join(" ") }));
  for (const p of points) sheet.append(svg("circle", { cx: x(p.at), cy: y(p.error), r: 4 }));
  $("plot").append(sheet);
}
