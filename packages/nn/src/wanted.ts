let wanted: ReadonlySet<string> | undefined;

/** Runs `f`, the gradient function of an op of which only the gradients of the inputs `names` will be asked for. */
export function wanting<T>(names: Iterable<string>, f: () => T): T {
  const before = wanted;
  wanted = new Set(names);
  try {
    return f();
  } finally {
    wanted = before;
  }
}

/** Whether the gradient of an input may be asked for; true where nobody said. */
export function isWanted(name: string): boolean {
  return wanted?.has(name) ?? true;
}
