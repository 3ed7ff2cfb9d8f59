// How a page uses the image server where it may.

/** Fetches, and tells of the answer what a script gets to see. */
export async function call(url, init) {
  const response = await fetch(url, init);
  const text = await response.text();
  const headers = Object.fromEntries(response.headers);
  return { status: response.status, headers, text };
}

/** Fetches, and tells the status or, where the page may not see it, the error. */
export async function tryToCall(url, init) {
  try {
    return (await fetch(url, init)).status;
  } catch (error) {
    return error.name;
  }
}

/** Sends a drawing as a file. */
export async function generateFromDrawing(base, headers = {}) {
  const drawing = await draw();
  const body = new FormData();
  body.set("prompt", "a fox");
  body.set("reference", drawing, "drawing.png");
  const url = `${base}/v1/images/generate`;
  const answer = await call(url, { method: "POST", headers, body });
  const digest = await crypto.subtle.digest("SHA-256", await drawing.bytes());
  return { ...answer, sha256: new Uint8Array(digest).toHex() };
}

/** Fetches a picture with headers, and decodes it. */
export async function decode(url, headers) {
  const response = await fetch(url, { headers });
  return sizeOf(await createImageBitmap(await response.blob()));
}

/** Shows a picture, and tells its size. */
export async function show(url) {
  const image = Object.assign(new Image(), { crossOrigin: "anonymous" });
  image.src = url;
  await image.decode();
  return `${image.naturalWidth}x${image.naturalHeight}`;
}

/** Shows a picture as pages do that know nothing of origins, and tells its size. */
export async function showPlainly(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return `${image.naturalWidth}x${image.naturalHeight}`;
}

/** Generates as a stream, and reads until the first picture has arrived; then it goes away. */
export async function streamFirstPicture(base, body) {
  const caller = new AbortController();
  const response = await fetch(`${base}/v1/images/generate`, {
    method: "POST",
    headers: {
      accept: "text/event-stream",
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
    signal: caller.signal,
  });
  let text = "";
  for await (const bytes of response.body) {
    text += new TextDecoder().decode(bytes);
    if (/^event: ?image\s*$/m.test(text)) break;
  }
  caller.abort();
  return Array.from(text.matchAll(/^event: ?(\w+)/gm), ([, name]) => name);
}

/** Generates until {@linkcode leave} is called, and tells how that ended. */
export async function generateUntilLeaving(base, body) {
  globalThis.leaving = new AbortController();
  try {
    await fetch(`${base}/v1/images/generate`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: globalThis.leaving.signal,
    });
    return "answered";
  } catch (error) {
    return error.name;
  }
}

/** Lets {@linkcode generateUntilLeaving} leave. */
export function leave() {
  globalThis.leaving.abort();
}

/** Opens a window. */
export function openWindow(url) {
  globalThis.opened = open(url);
}

/** Looks into the window of {@linkcode openWindow}. */
export function lookIntoWindow() {
  try {
    return globalThis.opened.document.title;
  } catch (error) {
    return error.name;
  }
}

/** Draws a picture with the page's own means. */
export async function draw() {
  const canvas = new OffscreenCanvas(96, 64);
  const context = canvas.getContext("2d");
  context.fillStyle = "teal";
  context.fillRect(10, 10, 50, 30);
  return await canvas.convertToBlob({ type: "image/png" });
}

function sizeOf({ height, width }) {
  return `${width}x${height}`;
}
