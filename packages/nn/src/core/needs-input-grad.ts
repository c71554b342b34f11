let needed: ReadonlySet<string> | undefined;

/** Runs `f`, the gradient function of an op. Only the gradients of the inputs `names` are needed. */
export function withNeededGrads<T>(names: Iterable<string>, f: () => T): T {
  const before = needed;
  needed = new Set(names);
  try {
    return f();
  } finally {
    needed = before;
  }
}

/** Whether the gradient of an input may be needed; true outside withNeededGrads. */
export function needsInputGrad(name: string): boolean {
  return needed?.has(name) ?? true;
}
