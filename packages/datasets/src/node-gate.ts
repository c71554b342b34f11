let together = 0;
let single: Promise<void> | undefined;
const waiting: (() => void)[] = [];

/** Runs work beside other such work, but never beside that of {@link runAlone}. */
export async function runTogether<T>(work: () => Promise<T>): Promise<T> {
  while (single !== undefined) await single;
  together++;
  try {
    return await work();
  } finally {
    together--;
    if (together === 0) for (const wake of waiting.splice(0)) wake();
  }
}

/** Runs work while no other work of this module runs; not to be called from within such work. */
export async function runAlone<T>(work: () => Promise<T>): Promise<T> {
  while (single !== undefined) await single;
  let end = () => {};
  single = new Promise<void>((resolve) => {
    end = resolve;
  });
  try {
    if (together > 0) await new Promise<void>((wake) => waiting.push(wake));
    return await work();
  } finally {
    single = undefined;
    end();
  }
}
