// The part that may touch the document, and may not use the network.
const KEY = "codex-image-server-key";

// Figma loads no scripts beside ui.html: server.html is one, and goes before it.
figma.showUI(__uiFiles__.server + __uiFiles__.panel, {
  width: 320,
  height: 480,
  themeColors: true,
});

figma.ui.onmessage = async (message) => {
  switch (message.type) {
    case "ready": {
      const key = await figma.clientStorage.getAsync(KEY);
      figma.ui.postMessage({ type: "key", key: key ?? "" });
      break;
    }
    case "key":
      await figma.clientStorage.setAsync(KEY, message.key);
      break;
    case "insert":
      await insert(message.bytes, message.name);
      break;
  }
};

/** Puts a picture in the middle of what is seen, as the fill of a rectangle. */
async function insert(bytes, name) {
  const image = figma.createImage(bytes);
  const { width, height } = await image.getSizeAsync();
  const rectangle = figma.createRectangle();
  rectangle.name = name;
  rectangle.resize(width, height);
  rectangle.x = figma.viewport.center.x - width / 2;
  rectangle.y = figma.viewport.center.y - height / 2;
  rectangle.fills = [
    { type: "IMAGE", imageHash: image.hash, scaleMode: "FILL" },
  ];
  figma.currentPage.selection = [rectangle];
}
