import { assertEquals } from "@std/assert";
import { joinAnywhere } from "../src/util.ts";

Deno.test("joinAnywhere() writes a path as its directory is written", () => {
  const cases = [
    ["/srv/pictures/", "/srv/pictures/a.png"],
    ["C:\\pictures", "C:\\pictures\\a.png"],
    ["C:\\", "C:\\a.png"],
    [
      "\\\\wsl.localhost\\Debian\\home\\",
      "\\\\wsl.localhost\\Debian\\home\\a.png",
    ],
  ];
  for (const [directory, path] of cases) {
    assertEquals(joinAnywhere(directory, "a.png"), path);
  }
});
