// Pictures as numbers: read, made smaller, damaged, and put together again from what agents did.

export const LARGEST = 512; // pixels of the longer side; agents on one core of a browser are slow
const LUMA = [0.299, 0.587, 0.114]; // Y of YCbCr

// Planes of a picture, {width, height, planes: [red, green, blue]}, black 0 and white 1.
export async function read(blob) {
  const bitmap = await createImageBitmap(blob);
  const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(scale * side)));
  const context = sheet(width, height);
  context.fillStyle = "#fff"; // agents see transparency on white
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const found = take(context, width, height);
  return { ...found, from: [bitmap.width, bitmap.height] };
}

function sheet(width, height) {
  return new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
}

function take(context, width, height) {
  const { data } = context.getImageData(0, 0, width, height);
  const planes = [0, 1, 2].map((channel) => {
    return Float32Array.from({ length: width * height }, (_, n) => data[4 * n + channel] / 255);
  });
  return { width, height, planes };
}

// Gaussian noise of a standard deviation in gray levels, each channel its own.
export function addNoise(picture, sigma) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  return { ...picture, planes: picture.planes.map((plane) => plane.map((value) => value + (sigma / 255) * normal())) };
}

const WORDS = "every pixel has an agent that picks one edit from a list people can read".split(" ");

// White words all over, as many as asked for, ten to thirty pixels high.
export function addText(picture, count) {
  const { width, height } = picture;
  const context = sheet(width, height);
  context.putImageData(paint(picture), 0, 0);
  context.fillStyle = "#fff";
  for (let n = 0; n < count; n++) {
    const at = Math.floor(Math.random() * (WORDS.length - 4));
    context.font = `${10 + Math.random() * 14}px sans-serif`;
    context.fillText(WORDS.slice(at, at + 4).join(" "), (Math.random() - 0.2) * width, ((n + Math.random()) / count) * height);
  }
  return { ...picture, ...take(context, width, height) };
}

// What agents see: color, or the gray that is edited in place of it.
export function look({ planes, width, height }, channels) {
  const area = width * height;
  const seen = new Float32Array(channels * area);
  if (channels === 3) planes.forEach((plane, channel) => seen.set(plane, channel * area));
  else for (let n = 0; n < area; n++) seen[n] = planes.reduce((sum, plane, c) => sum + LUMA[c] * plane[n], 0);
  return seen;
}

// The picture after a step: color as it is, or all channels moved as the gray was.
export function finish(picture, seen, edited) {
  const area = picture.width * picture.height;
  const planes = picture.planes.map((plane, channel) => {
    if (seen.length > area) return edited.slice(channel * area, (channel + 1) * area);
    return plane.map((value, n) => value + edited[n] - seen[n]);
  });
  return { ...picture, planes };
}

// As a canvas takes it.
export function paint({ planes, width, height }) {
  const image = new ImageData(width, height);
  const [red, green, blue] = planes;
  for (let n = 0, at = 0; n < width * height; n++, at += 4) {
    image.data[at] = 255 * red[n] + 0.5; // clamped by the array itself
    image.data[at + 1] = 255 * green[n] + 0.5;
    image.data[at + 2] = 255 * blue[n] + 0.5;
    image.data[at + 3] = 255;
  }
  return image;
}

// Every pixel in the color of its edit.
export function paintChoices(choice, width, height, colors) {
  const table = colors.map((code) => [1, 3, 5].map((at) => parseInt(code.slice(at, at + 2), 16)));
  const image = new ImageData(width, height);
  choice.forEach((edit, n) => image.data.set([...table[edit], 255], 4 * n));
  return image;
}

// How near a picture is to a clean one, in dB, of values as they are seen.
export function psnr(one, other) {
  const clamp = (value) => Math.min(1, Math.max(0, value));
  let sum = 0;
  one.planes.forEach((plane, c) => plane.forEach((value, n) => (sum += (clamp(value) - clamp(other.planes[c][n])) ** 2)));
  return -10 * Math.log10(sum / (3 * one.planes[0].length));
}
