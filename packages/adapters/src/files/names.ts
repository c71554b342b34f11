/** The names of the files of an adapter's folder; the first two are PEFT's. */
export const FILES = {
  /** Method and settings, as PEFT writes and reads them. */
  config: 'adapter_config.json',
  /** Trained tensors of the layers. */
  tensors: 'adapter_model.safetensors',
  /** What PEFT's files cannot hold: the full config, the group and its classes. */
  own: 'learngene.json',
  /** Label rows of the group. */
  label: 'label.safetensors',
} as const;

/** A file of an adapter cannot be read. The message is `<file>: <problem>`. */
export class AdapterFileError extends Error {
  /** Always `'AdapterFileError'`. */
  override readonly name = 'AdapterFileError';
  /** The file's name in the adapter's folder. */
  readonly file: string;

  /** Makes the error `<file>: <problem>`. */
  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options);
    this.file = file;
  }
}
