/** Lets the clock of this process be wrong until it is disposed. */
export function setClock(ms: number): Disposable {
  const Right = Date;
  globalThis.Date = class extends Right {
    constructor(...args: unknown[]) {
      super(...(args.length === 0 ? [Right.now() + ms] : args) as [number]);
    }
    static override now = () => Right.now() + ms;
  } as DateConstructor;
  return { [Symbol.dispose]: () => void (globalThis.Date = Right) };
}
