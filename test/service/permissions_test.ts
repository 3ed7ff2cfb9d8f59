import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { openPlace } from "../support/place.ts";
import { serverArguments } from "../../scripts/start.ts";
import { readConfig } from "../../src/config.ts";
import { runDeno } from "../support/server_process.ts";

const PROBE = "test/support/permission_probe.ts";

Deno.test("without any check of ours the server can read and reach nothing but its own", async () => {
  await using place = await openPlace();
  const { authHome, dataDir, directory, outputDir } = place;
  for (const path of [outputDir, dataDir]) await Deno.mkdir(path);
  await Deno.writeTextFile(join(outputDir, "a.png"), "a");
  const env = place.environment({});
  const allowed = [
    `read ${join(outputDir, "a.png")}`,
    `read ${join(authHome, "auth.json")}`,
    `write ${dataDir}/a`,
  ];
  const refused = [
    "read /etc/passwd",
    `read ${outputDir}/../../../etc/passwd`,
    "read /proc/self/environ",
    "read deno.json",
    `write ${join(authHome, "auth.json")}`,
    `write ${join(directory, "a")}`,
    "write src/main.ts",
    "connect 192.0.2.1:80",
  ];
  const { config } = readConfig(env, directory);
  const args = serverArguments(config, PROBE);
  const { stdout } = await runDeno([...args, ...allowed, ...refused], env);
  assertEquals(JSON.parse(stdout), {
    ...Object.fromEntries(allowed.map((one) => [one, "allowed"])),
    ...Object.fromEntries(refused.map((one) => [one, "NotCapable"])),
  });
});
