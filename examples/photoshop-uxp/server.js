// What the panel asks of the image server. It starts a job and looks after it now and then, because Photoshop's
// fetch hands over an answer only when it is whole.
const POLL_MS = 1000;

/**
 * Connects to a server.
 *
 * @param url One of the domains in manifest.json.
 * @param key The server's CODEX_IMAGE_SERVER_API_KEY, if it has one.
 */
function connect(url = "http://localhost:17341", key = "") {
  async function ask(path, { headers, ...init } = {}) {
    const response = await fetch(url + path, {
      ...init,
      headers: { ...headers, "x-api-key": key },
    });
    if (response.ok) return response;
    throw new Error((await response.json()).error.message);
  }

  return {
    /** Starts a job, such as { prompt, count: 4 }, and gives its id. */
    async startJob(request) {
      const response = await ask("/v1/images/generate", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "prefer": "respond-async",
        },
        body: JSON.stringify(request),
      });
      return (await response.json()).id;
    },

    /** Tells how every candidate stands, again and again until the job is over, and throws why there is no answer. */
    async follow(id, onProgress) {
      while (true) {
        const job = await (await ask(`/v1/jobs/${id}`)).json();
        await onProgress(job.candidates);
        if (job.error !== null) throw new Error(job.error.message);
        if (job.answer !== null) return job.answer;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },

    /** Ends a job, and gives it as it stands then; what is finished stays. */
    async cancel(id) {
      return await (await ask(`/v1/jobs/${id}`, { method: "DELETE" })).json();
    },

    /** Gives the bytes of a picture. */
    async fetchPicture(imageId) {
      return await (await ask(`/v1/images/${imageId}/file`)).arrayBuffer();
    },
  };
}

module.exports = { connect };
