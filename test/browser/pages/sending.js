// Every way in which a page can send a prompt, or take something away. `page` is where the page comes from.

const TEXT = '{"prompt":"a fox"}';
const TYPE = { "content-type": "application/json" };
const GENERATE = "/v1/images/generate";

export function fetchJson({ base }) {
  return send(base + GENERATE, { body: TEXT, headers: TYPE });
}

export function fetchJsonForOpenAi({ base }) {
  const url = `${base}/v1/images/generations`;
  return send(url, { body: TEXT, headers: TYPE });
}

export function fetchText({ base }) {
  return send(base + GENERATE, { body: TEXT, mode: "no-cors" });
}

export function fetchForm({ base }) {
  return send(base + GENERATE, { body: form() });
}

export function fetchFormWithoutCors({ base }) {
  return send(base + GENERATE, { body: form(), mode: "no-cors" });
}

export function fetchFormThatOutlivesThePage({ base }) {
  const options = { keepalive: true, mode: "no-cors" };
  return send(base + GENERATE, { body: form(), ...options });
}

export async function fetchFormForOpenAi({ base }) {
  const canvas = new OffscreenCanvas(64, 64);
  canvas.getContext("2d");
  const body = form();
  body.set("image", await canvas.convertToBlob(), "a.png");
  return send(`${base}/v1/images/edits`, { body, mode: "no-cors" });
}

export function fetchFormByRedirect({ base, page }) {
  const url = `${page}/redirect?to=${base}${GENERATE}`;
  return send(url, { body: form(), mode: "no-cors" });
}

export function beaconOfJson({ base }) {
  const body = new Blob([TEXT], { type: "application/json" });
  return navigator.sendBeacon(base + GENERATE, body);
}

export function beaconOfText({ base }) {
  return navigator.sendBeacon(base + GENERATE, TEXT);
}

export function beaconOfForm({ base }) {
  return navigator.sendBeacon(base + GENERATE, form());
}

export function submitForm({ base }) {
  return submit(base + GENERATE, "multipart/form-data");
}

export function submitText({ base }) {
  return submit(base + GENERATE, "text/plain");
}

export function submitFormByRedirect({ base, page }) {
  const url = `${page}/redirect?to=${base}${GENERATE}`;
  return submit(url, "multipart/form-data");
}

export function removePicture({ image }) {
  return send(image.replace(/\/file$/, ""), { method: "DELETE" });
}

async function send(url, options) {
  const { status } = await fetch(url, { method: "POST", ...options });
  return status;
}

function form() {
  const data = new FormData();
  data.set("prompt", "a fox");
  return data;
}

/** Posts a form whose answer goes into a frame. */
function submit(action, enctype) {
  const frame = document.createElement("iframe");
  frame.name = `frame-${document.forms.length}`;
  const element = document.createElement("form");
  Object.assign(element, { action, enctype, method: "post" });
  element.target = frame.name;
  const field = document.createElement("input");
  // As text, a field and its value make JSON together.
  const [name, value] = enctype === "text/plain"
    ? ['{"prompt":"', 'a fox"}']
    : ["prompt", "a fox"];
  Object.assign(field, { name, value });
  element.append(field);
  document.body.append(frame, element);
  return new Promise((resolve) => {
    frame.addEventListener("load", () => resolve("loaded"), { once: true });
    element.submit();
  });
}
