/** The format of the run folders that are written. Format 1 had other names of fields, see `config/renamed-fields.ts`. */
export const RUN_FORMAT = 2;

/** Whether run folders of a format are read. */
export function isRunFormat(format: unknown): boolean {
  return format === 1 || format === RUN_FORMAT;
}
