/** What the browser keeps for the page: small values, and pictures. Where it forbids that, they last as long as the page. */

const DATABASE = "studio";
const STORE = "references";
/** How many reference pictures are kept, the newest. */
const MAX_KEPT = 60;

/** A reference picture as it is kept. */
export interface KeptPicture {
  readonly key: string;
  readonly blob: Blob;
  readonly usedAt: number;
}

const memory = new Map<string, KeptPicture>();
let opened: Promise<IDBDatabase> | undefined;

/** Reads a small value; the other one where there is none. */
export function readValue<Value>(name: string, other: Value): Value {
  try {
    const text = localStorage.getItem(name);
    return text === null ? other : JSON.parse(text);
  } catch {
    // Forbidden, or written by somebody else: as good as not there.
    return other;
  }
}

/** Keeps a small value; false where the browser has no room or forbids it. */
export function keepValue(name: string, value: unknown): boolean {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Keeps a picture; false where it lasts only as long as the page. */
export async function keepPicture(key: string, blob: Blob): Promise<boolean> {
  const picture = { key, blob, usedAt: Date.now() };
  memory.set(key, picture);
  try {
    await inStore("readwrite", (store) => store.put(picture));
    const keys = await inStore<IDBValidKey[]>(
      "readonly",
      (store) => store.index("usedAt").getAllKeys(),
    );
    for (const old of keys.slice(0, -MAX_KEPT)) {
      await inStore("readwrite", (store) => store.delete(old));
    }
    return true;
  } catch {
    return false;
  }
}

/** Finds a kept picture. */
export async function findPicture(key: string): Promise<Blob | undefined> {
  const known = memory.get(key);
  if (known !== undefined) return known.blob;
  try {
    const found = await inStore<KeptPicture | undefined>(
      "readonly",
      (store) => store.get(key),
    );
    return found?.blob;
  } catch {
    return undefined;
  }
}

async function inStore<Result>(
  mode: IDBTransactionMode,
  use: (store: IDBObjectStore) => IDBRequest,
): Promise<Result> {
  opened ??= settle<IDBDatabase>(() => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () =>
      request.result.createObjectStore(STORE, { keyPath: "key" })
        .createIndex("usedAt", "usedAt");
    return request;
  });
  const database = await opened;
  return settle(() =>
    use(database.transaction(STORE, mode).objectStore(STORE))
  );
}

function settle<Result>(ask: () => IDBRequest): Promise<Result> {
  return new Promise((resolve, reject) => {
    const request = ask();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
