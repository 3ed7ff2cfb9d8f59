const { action, app, core, imaging } = require("photoshop");
const { storage } = require("uxp");
const { connect } = require("./server.js");

const COUNT = 4;
const server = connect();
const element = (id) => document.getElementById(id);
let job;

element("generate").addEventListener("click", generate);
element("cancel").addEventListener("click", () => {
  server.cancel(job).catch((error) => tell(error.message));
});

async function generate() {
  const shown = new Set();
  element("pictures").innerHTML = "";
  element("generate").disabled = true;
  tell("");
  try {
    const references = element("canvas").checked ? [await readCanvas()] : [];
    const prompt = element("prompt").value;
    job = await server.startJob({ prompt, count: COUNT, references });
    element("cancel").disabled = false;
    await server.follow(job, async (candidates) => {
      element("candidates").textContent = candidates.map(describe).join(", ");
      for (const { image_id } of candidates) {
        if (image_id === null || shown.has(image_id)) continue;
        shown.add(image_id);
        show(image_id, await server.fetchPicture(image_id));
      }
    });
  } catch (error) {
    tell(error.message);
  }
  element("generate").disabled = false;
  element("cancel").disabled = true;
}

function describe({ index, phase, elapsed_ms }) {
  return `${index + 1} ${phase} ${Math.round((elapsed_ms ?? 0) / 1000)} s`;
}

function show(name, bytes) {
  const picture = document.createElement("img");
  picture.src = URL.createObjectURL(
    new ImageBlob(bytes, { type: "image/png" }),
  );
  picture.addEventListener("click", () => {
    place(name, bytes).catch((error) => tell(error.message));
  });
  element("pictures").appendChild(picture);
}

/** Photoshop places files only, and sees those of a plugin by a token. */
async function place(name, bytes) {
  const { formats, localFileSystem } = storage;
  const folder = await localFileSystem.getTemporaryFolder();
  const file = await folder.createFile(`${name}.png`, { overwrite: true });
  await file.write(bytes, { format: formats.binary });
  const token = await localFileSystem.createSessionToken(file);
  const placing = {
    _obj: "placeEvent",
    null: { _path: token, _kind: "local" },
    freeTransformCenterState: {
      _enum: "quadCenterState",
      _value: "QCSAverage",
    },
  };
  await core.executeAsModal(
    () => app.activeDocument ? action.batchPlay([placing], {}) : app.open(file),
    { commandName: "Place picture" },
  );
}

/** All visible layers as a reference; transparent places become white. */
async function readCanvas() {
  if (!app.activeDocument) throw new Error("There is no document to show");
  const options = {
    documentID: app.activeDocument.id,
    colorSpace: "RGB",
    componentSize: 8,
    applyAlpha: true,
  };
  const image = await core.executeAsModal(async () => {
    const { imageData } = await imaging.getPixels(options);
    const jpeg = await imaging.encodeImageData({ imageData, base64: true });
    imageData.dispose();
    return `data:image/jpeg;base64,${jpeg}`;
  }, { commandName: "Read canvas" });
  return { image, label: "canvas" };
}

function tell(text) {
  element("message").textContent = text;
}
