// Every way in which a page can read: pictures, lists, events. Each tells what the page gets to see.

export function showPicture({ image }) {
  return load("img", { src: image });
}

export function showPictureWithCors({ image }) {
  return load("img", { crossOrigin: "anonymous", src: image });
}

export function showObject({ image }) {
  return load("object", { data: image, type: "image/png" });
}

export function runAsScript({ base }) {
  return load("script", { src: `${base}/v1/jobs` });
}

export function useAsStyle({ base }) {
  return load("link", { href: `${base}/healthz`, rel: "stylesheet" });
}

export function fetchPicture({ image }) {
  return read(image);
}

export function fetchPictureWithoutCors({ image }) {
  return read(image, { mode: "no-cors" });
}

export function fetchHealth({ base }) {
  return read(`${base}/healthz`);
}

export function fetchJobs({ base }) {
  return read(`${base}/v1/jobs`);
}

export function fetchImages({ base }) {
  return read(`${base}/v1/images`);
}

export function fetchMetrics({ base }) {
  return read(`${base}/metrics`);
}

export function followEvents({ base, job }) {
  const source = new EventSource(`${base}/v1/jobs/${job}/events`);
  return outcome(source, "open").finally(() => source.close());
}

export function openSocket({ base }) {
  const socket = new WebSocket(`${base.replace("http", "ws")}/v1/jobs`);
  return outcome(socket, "open").finally(() => socket.close());
}

function load(name, properties) {
  const element = Object.assign(document.createElement(name), properties);
  const loaded = outcome(element, "load");
  document.body.append(element);
  return loaded;
}

async function read(url, options) {
  const response = await fetch(url, options);
  const { size } = await response.blob();
  return `${response.status} ${size > 0 ? "with" : "without"} a body`;
}

/** Waits for an event or an error. */
function outcome(target, event) {
  return new Promise((resolve) => {
    for (const type of [event, "error"]) {
      target.addEventListener(type, () => resolve(type), { once: true });
    }
  });
}
