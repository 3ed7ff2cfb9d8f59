/** The page's modules and what they import as few scripts: one in the page, and those that are loaded later. */
import { stripTypeScriptTypes } from "node:module";

/** Modules by what they call each other, such as `./dom.ts`. */
export type Modules = Readonly<Record<string, string>>;

/** The module that a page begins with; its script holds all that it needs at once. */
export const MAIN = "./main.ts";

const IMPORT = /^import (?:\* as (\w+)|\{([^}]*)\}) from "([^"]+)";$/gm;
const EXPORT = /^export ((?:async )?(?:const|class|function\*?) (\w+))/gm;
const LATER = /\bimport\("([^"]+)"\)/g;

/** What minified libraries import, give on, and export. */
const LIBRARY_IMPORT = /\bimport\{([^}]*)\}from"([^"]+)";/g;
const LIBRARY_EXPORT = /\bexport\{([^}]*)\}(?:from"([^"]+)")?;/g;

/** What {@linkcode joinModules} needs to know beside the modules. */
export interface JoinOptions {
  /** What they import by other names than `./…`, minified, each after those that it imports. */
  readonly libraries: Modules;
  /** Where the page finds the scripts that are loaded later, such as `./studio/`. */
  readonly folder: string;
}

/** Names the scripts that are loaded later. */
export function laterNames(modules: Modules): readonly string[] {
  const later = Object.values(modules).flatMap((source) =>
    Array.from(source.matchAll(LATER), ([, name]) => name)
  );
  return [...new Set(later)];
}

/** Removes types, comments that stand by themselves, and empty lines. */
export function stripTypes(source: string): string {
  return stripTypeScriptTypes(source)
    .replace(/^ *\/\*\*.*?\*\/$/gms, "")
    .replace(/^ *\/\/.*$/gm, "")
    .replace(/\s+$/gm, "")
    .trim();
}

/**
 * Joins modules into one script for the beginning, which stands in the page, and one for each part that is loaded later.
 *
 * Each module becomes a function that is called once, in the order of their imports, and every script finds what another
 * has loaded already. Imports must be of names or of all, and lead in no circle; exports must be declarations.
 *
 * @param modules With their types
 */
export function joinModules(
  modules: Modules,
  { folder, libraries }: JoinOptions,
): Modules {
  const stripped = Object.fromEntries(
    Object.entries(modules).map(([name, source]) => [name, stripTypes(source)]),
  );
  const first = withImports(MAIN, stripped);
  const scripts: Record<string, string> = {
    [MAIN]: [
      "const modules = globalThis.modules = {};",
      ...Object.entries(libraries).map(([name, source]) =>
        defineLibrary(name, source)
      ),
      ...first.map((name) =>
        define(
          name,
          stripped[name].replace(
            LATER,
            (_, later) => `import("${folder}${later.slice(2)}")`,
          ),
        )
      ),
    ].join("\n"),
  };
  for (const name of laterNames(modules)) {
    const missing = withImports(name, stripped)
      .filter((one) => !first.includes(one));
    scripts[name] = [
      "const { modules } = globalThis;",
      ...missing.map((name) => define(name, stripped[name])),
      `export const { ${exportsOf(stripped[name])} } = modules["${name}"];`,
    ].join("\n");
  }
  return scripts;
}

/** Lists a module after all that it imports. */
function withImports(
  name: string,
  modules: Modules,
  found: string[] = [],
): string[] {
  for (const [, , , other] of modules[name].matchAll(IMPORT)) {
    if (other in modules && !found.includes(other)) {
      withImports(other, modules, found);
    }
  }
  found.push(name);
  return found;
}

function define(name: string, source: string): string {
  const body = source
    .replace(
      IMPORT,
      (_, all, names, from) =>
        `const ${
          all ?? `{${names.replaceAll(" as ", ": ")}}`
        } = modules["${from}"];`,
    )
    .replace(EXPORT, "$1");
  return `modules["${name}"] ??= (() => {\n${body}\nreturn { ${
    exportsOf(source)
  } };\n})();`;
}

function defineLibrary(name: string, source: string): string {
  const given: string[] = [];
  const body = source
    .replace(
      LIBRARY_IMPORT,
      (_, names, from) =>
        `const {${names.replaceAll(" as ", ":")}} = modules["${from}"];`,
    )
    .replace(LIBRARY_EXPORT, (_, names, from) => {
      given.push(
        from === undefined
          ? names.replace(/([^,]+) as ([^,]+)/g, "$2:$1")
          : `...modules["${from}"]`,
      );
      return "";
    })
    // It names a file that is not there.
    .replace(/\/\/# sourceMappingURL=.*/, "");
  return `modules["${name}"] = (() => {${body}\nreturn {${given}};\n})();`;
}

function exportsOf(source: string): string {
  return Array.from(source.matchAll(EXPORT), ([, , name]) => name).join(", ");
}
