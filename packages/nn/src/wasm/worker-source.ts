/** Words of 4 bytes in the pool's part of the heap, each in a cache line of its own. */
export const WORD = { ticket: 0, pending: 16, sleepers: 32, failed: 48, waiting: 49 } as const;

/** Words before the arguments of the parts. */
export const WORDS = 64;

/** Numbers of float64 that each part has for its arguments: the kernel first. */
export const ARGUMENTS = 18;

/** The low bits of the ticket count the parts that nobody has taken; the bits above number the jobs. */
export const PART_BITS = 8;

/**
 * How often a worker looks for the next job before it sleeps: chosen to last from one kernel of a training step to the
 * next, not measured.
 */
const LOOKS = 20_000;

/**
 * What a worker runs, a script without imports for browsers and for Node. It says `ready`, gets the memory and the compiled
 * kernels, says `joined`, and then takes parts of jobs until it is terminated.
 */
export const WORKER_SOURCE = `
const inNode = typeof importScripts !== 'function';
const port = inNode ? require('node:worker_threads').parentPort : self;
const receive = ({ memory, modules, names, at }) => {
  const functions = {};
  for (const module of modules) {
    Object.assign(functions, new WebAssembly.Instance(module, { env: { memory } }).exports);
  }
  const kernels = names.map((name) => functions[name]);
  const words = new Int32Array(memory.buffer, at, ${WORDS});
  const parameters = new Float64Array(memory.buffer, at + ${4 * WORDS}, ${ARGUMENTS << PART_BITS});
  port.postMessage('joined');
  for (let looks = 0; ; ) {
    const ticket = Atomics.load(words, ${WORD.ticket});
    const left = ticket & ${(1 << PART_BITS) - 1};
    if (left === 0) {
      if (++looks < ${LOOKS}) continue;
      Atomics.add(words, ${WORD.sleepers}, 1);
      Atomics.wait(words, ${WORD.ticket}, ticket);
      Atomics.sub(words, ${WORD.sleepers}, 1);
      looks = 0;
    } else if (Atomics.compareExchange(words, ${WORD.ticket}, ticket, ticket - 1) === ticket) {
      // The arguments are this job's: it cannot end before its part has.
      try {
        const start = (left - 1) * ${ARGUMENTS};
        kernels[parameters[start]](...parameters.subarray(start + 1, start + ${ARGUMENTS}));
      } catch {
        Atomics.store(words, ${WORD.failed}, 1);
      }
      const last = Atomics.sub(words, ${WORD.pending}, 1) === 1;
      if (last && Atomics.load(words, ${WORD.waiting}) !== 0) Atomics.notify(words, ${WORD.pending});
      looks = 0;
    }
  }
};
if (inNode) port.once('message', receive);
else port.onmessage = ({ data }) => receive(data);
port.postMessage('ready');
`;
