/** A stage of a demo that begins. */
export interface DemoStage {
  /** Its place, from 1. */
  number: number;
  /** A word for it. */
  name: string;
  /** What is done, in a sentence. */
  title: string;
  /** Seconds since the demo began. */
  seconds: number;
}

/** What {@link Stages} tells, and what stops it. */
export interface StagesOptions {
  /** Stops before the next stage. */
  signal: AbortSignal;
  /** Called when a stage begins. */
  onStage?: (stage: DemoStage) => void;
}

/** Works through the stages, with the time that each takes. */
export class Stages {
  /** Seconds of each stage, by its name. */
  readonly seconds: Record<string, number> = {};
  #started = performance.now();
  #count = 0;
  #options: StagesOptions;

  constructor(options: StagesOptions) {
    this.#options = options;
  }

  /** Works through one stage. */
  async run<T>(name: string, title: string, work: () => Promise<T>): Promise<T> {
    this.#options.signal.throwIfAborted();
    this.#options.onStage?.({ number: ++this.#count, name, title, seconds: this.total() });
    const begin = performance.now();
    const result = await work();
    this.seconds[name] = (performance.now() - begin) / 1000;
    return result;
  }

  /** Seconds since the first. */
  total(): number {
    return (performance.now() - this.#started) / 1000;
  }
}
