import { join } from "@std/path";
import { Codex } from "./codex/codex.ts";
import type { Config } from "./config.ts";
import { FairQueue } from "./generation/fair_queue.ts";
import { Durations, Generator } from "./generation/generator.ts";
import { BodyBudget } from "./http/body.ts";
import { type Listening, serve } from "./http/serve.ts";
import { SseLimiter } from "./http/sse.ts";
import { probeUnfinished } from "./images/probe.ts";
import { ImageStore } from "./images/store.ts";
import { JobFiles } from "./jobs/job_store.ts";
import { Jobs } from "./jobs/jobs.ts";
import { Replay } from "./jobs/replay.ts";
import { Library } from "./library/library.ts";
import { limitedLog, type Log } from "./log.ts";
import { Metrics } from "./observability/metrics.ts";
import { describeImage, generateAnswer } from "./routes/generate.ts";
import { createApp } from "./routes/index.ts";
import { Links } from "./routes/links.ts";
import { createReadiness } from "./routes/readiness.ts";
import type { Service } from "./routes/route.ts";
import { startSandbox } from "./sandbox/backend.ts";
import { writeSandboxLogin } from "./sandbox/login.ts";
import {
  claimDataDir,
  ensureOwnedDirectory,
  openSecret,
} from "./storage/data_dir.ts";
import { createStorageCheck } from "./storage/free_space.ts";

/** What a {@linkcode Server} is started with. */
export interface ServerOptions {
  readonly config: Config;
  /** The environment that workers get a part of. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: Log;
}

/** A running server. */
export interface Server {
  /** Its address. */
  readonly url: string;
  /** Ends all work in order and lets go of everything. */
  stop(): Promise<void>;
}

/** Puts the parts together and starts to listen. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { config, env, log } = options;
  await using parts = new AsyncDisposableStack();
  await ensureOwnedDirectory(config.outputDir, { setting: "OUTPUT_DIR" });
  const instance = parts.use(await claimDataDir(config.dataDir));
  const workDir = join(config.dataDir, "work");
  const upstream = config.sandbox
    ? await openSandbox(config, parts)
    : { authHome: config.authHome, upstreamUrl: config.upstreamUrl };
  const codex = await Codex.open({
    ...config,
    ...upstream,
    env,
    log,
    instance: instance.id,
    check: probeUnfinished,
  });
  // Not before the processes of a former life are gone, which may still write there.
  await emptyDirectory(workDir);
  const store = await ImageStore.open({
    directory: config.outputDir,
    instance: instance.name,
    storePrompts: config.storePrompts,
    waitingDirectory: join(config.dataDir, "waiting"),
  });
  const library = parts.use(await Library.open({ ...config, log, store }));
  const durations = new Durations();
  const slots = new FairQueue({
    max: config.maxWorkers,
    maxQueue: config.maxQueue,
    probeMs: config.probeIntervalMs,
    loginId: () => codex.loginId(),
    retryAfter: () => Math.ceil((durations.median ?? 30_000) / 1000),
  });
  const generator = new Generator({
    ...config,
    checkStorage: createStorageCheck({ ...config, folder: store.folder }),
    codex,
    durations,
    instance: instance.id,
    log,
    slots,
    store,
    workDir,
  });
  let listening: Listening | undefined = undefined;
  const secret = await openSecret(config.dataDir);
  const links = new Links({ ...config, secret });
  const metrics = new Metrics();
  const jobs = await Jobs.open({
    describe: (generation) => generateAnswer(generation, links),
    describeImage: (candidate) => describeImage(candidate, links),
    durations,
    files: new JobFiles(join(config.dataDir, "jobs"), config.storePrompts),
    generator,
    keepMs: config.jobTtlMs,
    log,
    observer: metrics,
  });
  const service: Service = {
    codex,
    config,
    jobs,
    library,
    links,
    log,
    limitedLog: parts.use(limitedLog(log)),
    metrics,
    readiness: createReadiness({
      ...config,
      codex,
      folder: store.folder,
      slots,
    }),
    replay: new Replay(jobs),
    slots,
    startedAt: performance.now(),
    store,
    budget: new BodyBudget(config.maxInflightBytes),
    streams: new SseLimiter(config.maxStreams),
  };
  const app = createApp(service, () => listening?.port ?? config.port);
  listening = serve(app, { ...config, log });
  const { url } = listening;
  log("info", "server.listen", {
    url,
    output_dir: config.outputDir,
    codex_version: codex.version ?? null,
    sandbox: config.sandbox,
  });
  const held = parts.move();
  return {
    url,
    stop: async () => {
      generator.stop();
      jobs.feed.close();
      await listening?.stop();
      await generator.idle();
      slots.close();
      await codex.close();
      await jobs.idle();
      await held.disposeAsync();
    },
  };
}

// The login of the sandbox is no login of the user's, whatever is in their home.
async function openSandbox(
  config: Config,
  parts: AsyncDisposableStack,
): Promise<{ readonly authHome: string; readonly upstreamUrl: string }> {
  const sandbox = parts.use(startSandbox());
  const authHome = join(config.dataDir, "sandbox-login");
  await writeSandboxLogin(authHome);
  return { authHome, upstreamUrl: sandbox.url };
}

async function emptyDirectory(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  for await (const { name } of Deno.readDir(path)) {
    await Deno.remove(join(path, name), { recursive: true });
  }
}
