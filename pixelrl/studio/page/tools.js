// Small tools: elements, numbers, requests.

export const at = (id) => document.getElementById(id);
export const picked = (name) => document.querySelector(`input[name="${name}"]:checked`).value;
export const make = (tag, props = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...children);
  return element;
};

export function percent(share) {
  if (share === 0) return "0%";
  return share < 0.01 ? "<1%" : `${Math.round(100 * share)}%`;
}

// "keep, keep, +1" as "keep ×2 → +1".
export function chain(names) {
  const runs = [];
  for (const name of names) {
    if (runs.at(-1)?.name === name) runs.at(-1).count++;
    else runs.push({ name, count: 1 });
  }
  return runs.map(({ name, count }) => (count > 1 ? `${name} ×${count}` : name)).join(" → ");
}

// Send something; an answer that is an error is thrown as one.
export async function ask(path, body, type = "application/json") {
  const response = await fetch(path, { method: "POST", body, headers: { "Content-Type": type } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
