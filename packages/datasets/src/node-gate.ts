let together = 0;
let single: Promise<void> | undefined;
const waiting: (() => void)[] = [];

/** Runs work that may overlap with other calls of this function, but never with work of {@link runAlone}. */
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

/** Runs work while no other work of this module runs. Calling it from within such work would wait forever. */
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
