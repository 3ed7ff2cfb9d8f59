import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { DisposableDatabase } from "../../src/library/database.ts";

const SCHEMA = "CREATE TABLE notes (text TEXT)";

/** What may lie where the database is to be. */
const OBSTACLES: Readonly<Record<string, (path: string) => unknown>> = {
  "a text": (path) => Deno.writeTextFileSync(path, "no database"),
  "a directory": (path) =>
    Deno.mkdirSync(join(path, "deep"), { recursive: true }),
  "a database of another version": (path) =>
    write(path, `${SCHEMA}; PRAGMA user_version = 7`),
  "a database without the table": (path) =>
    write(path, "PRAGMA user_version = 3"),
  "a database without the column": (path) =>
    write(path, "CREATE TABLE notes (words TEXT); PRAGMA user_version = 3"),
};

for (const [name, put] of Object.entries(OBSTACLES)) {
  Deno.test(`DisposableDatabase makes a new file in place of ${name}`, async () => {
    await using temp = await openTemp();
    put(temp.path);
    using database = temp.open();
    add(database, "a");
    assertEquals(count(database), 1);
  });
}

Deno.test("DisposableDatabase keeps what it holds", async () => {
  await using temp = await openTemp();
  for (let time = 1; time <= 2; time++) {
    using database = temp.open();
    add(database, "a");
    assertEquals(count(database), time);
  }
});

Deno.test("DisposableDatabase goes on without a file that another program has locked", async () => {
  await using temp = await openTemp();
  add(temp.open(), "a");
  using other = new DatabaseSync(temp.path);
  using database = temp.open();
  other.exec("BEGIN IMMEDIATE");
  add(database, "b");
  assertEquals([count(database), temp.damages], [1, 1]);
});

Deno.test("DisposableDatabase opens where another program has locked the file", async () => {
  await using temp = await openTemp();
  temp.open()[Symbol.dispose]();
  using other = new DatabaseSync(temp.path);
  other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  using database = temp.open();
  add(database, "a");
  assertEquals(count(database), 1);
});

Deno.test("DisposableDatabase goes on without a file that cannot grow", async () => {
  await using temp = await openTemp();
  using database = temp.open();
  database.use((database) => database.exec("PRAGMA max_page_count = 1"));
  add(database, "a".repeat(100_000));
  assertEquals([count(database), temp.damages], [1, 1]);
});

Deno.test("DisposableDatabase goes on in memory where no file can be made", async () => {
  await using temp = await openTemp();
  using database = new DisposableDatabase({
    ...temp.options,
    path: join(temp.path, "nowhere", "notes.sqlite"),
  });
  add(database, "a");
  assertEquals(count(database), 1);
});

function write(path: string, sql: string): void {
  using database = new DatabaseSync(path);
  database.exec(sql);
}

function add(database: DisposableDatabase, text: string): void {
  database.use((database) =>
    database.prepare("INSERT INTO notes VALUES (?)").run(text)
  );
}

function count(database: DisposableDatabase): unknown {
  return database.use((database) =>
    database.prepare("SELECT count(*) AS notes FROM notes").get()?.notes
  );
}

async function openTemp() {
  const directory = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  const path = join(directory, "notes.sqlite");
  const temp = {
    path,
    damages: 0,
    options: {
      path,
      schema: SCHEMA,
      probe: "SELECT text FROM notes",
      version: 3,
      onDamage: () => temp.damages++,
    },
    open: () => new DisposableDatabase(temp.options),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
  return temp;
}
