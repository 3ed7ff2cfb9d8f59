import { assertEquals, assertStringIncludes } from "@std/assert";
import { ownerOf, ownershipRemedy } from "../../src/storage/data_dir.ts";

Deno.test("ownerOf() gives the owner's numbers, also of a name with spaces", async () => {
  const path = await Deno.makeTempDir({ prefix: "the owner's 1 2 3 " });
  const { uid, gid } = await Deno.stat(path);
  assertEquals(await ownerOf(path), { user: uid, group: gid });
  await Deno.remove(path);
});

Deno.test("ownerOf() gives nothing for what is not there", async () => {
  assertEquals(await ownerOf("/there is no such path"), undefined);
});

Deno.test("ownershipRemedy() asks for the mode of what is the server's own", async () => {
  const path = await Deno.makeTempDir();
  assertStringIncludes(
    await ownershipRemedy(path),
    'it belongs to the server: mount it without "ro"',
  );
  await Deno.remove(path);
});

Deno.test({
  name: "ownershipRemedy() offers another owner as the container's user",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const path = await Deno.makeTempDir();
    await Deno.chown(path, 4321, 4322);
    assertEquals(
      await ownershipRemedy(path),
      'it belongs to 4321:4322, the server runs as 0:0: type "sudo chown -R 0:0" and its path on the host, or for the container set APP_UID=4321 and APP_GID=4322',
    );
    await Deno.remove(path);
  },
});
