import { blockLinearNames } from '@learngene/dit';
import { shown } from '../core/checks';
import { AdapterFileError, FILES } from './names';
import type { PeftTarget } from './peft-config';
import { failField, type Json } from './peft-fields';
import { pythonPattern } from './python-pattern';

/** The longest pattern that is accepted: even on short names, matching a long pattern may take very long. */
const MAX_PATTERN = 1000;

/** A regular expression of Python as one of JavaScript; throws {@link AdapterFileError} that names the field where it is none. */
function pattern(field: string, source: unknown, wrap: (source: string) => string): RegExp {
  if (typeof source !== 'string' || source.length > MAX_PATTERN) {
    failField(field, `patterns of at most ${MAX_PATTERN} characters`, source);
  }
  try {
    return new RegExp(wrap(pythonPattern(source)), 'u');
  } catch (cause) {
    const why = cause instanceof SyntaxError ? '' : `: ${(cause as Error).message}`;
    throw new AdapterFileError(FILES.config, `${field}: ${shown(source)} is no pattern that is read here${why}`, {
      cause,
    });
  }
}

/** `re.fullmatch`. */
const whole = (source: string) => `^(?:${source})$`;

/** A list of module names or one pattern, as a test of a name; PEFT's rule for target_modules and exclude_modules. */
function matcher(
  field: string,
  value: unknown,
): (name: string) => { readonly matches: boolean; readonly exact: boolean } {
  if (typeof value === 'string') {
    const regexp = pattern(field, value, whole);
    return (name) => ({ matches: regexp.test(name), exact: true });
  }
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) {
    return failField(field, 'a list of names or a pattern', value);
  }
  return (name) => {
    const exact = value.includes(name);
    return { exact, matches: exact || value.some((suffix) => name.endsWith(`.${suffix}`)) };
  };
}

/** Whether a layer of that name is among layers_to_transform, as PEFT finds its number (`check_target_module_exists`). */
function layerFilter({ layers_to_transform: wanted, layers_pattern: given }: Json): (name: string) => boolean {
  const isList = Array.isArray(wanted);
  if (wanted === undefined || wanted === null || (isList && wanted.length === 0)) {
    if (given !== undefined && given !== null && (given as string).length !== 0) {
      failField('layers_pattern', 'none without layers_to_transform', given);
    }
    return () => true;
  }
  const numbers = isList ? wanted : [wanted];
  if (!numbers.every((number) => Number.isSafeInteger(number))) {
    failField('layers_to_transform', 'a number or a list of numbers', wanted);
  }
  const names = given === undefined || given === null ? [] : Array.isArray(given) ? given : [given];
  const find =
    names.length === 0 || names[0] === ''
      ? [/^.*?\.[^.]*\.(\d+)\./]
      : names.map((name) => pattern('layers_pattern', name, (source) => `^(?:|.*?\\.)(?:${source})\\.(\\d+)\\.`));
  return (name) => {
    const found = find.map((regexp) => regexp.exec(name)).find((match) => match !== null);
    return found !== undefined && numbers.includes(Number(found[found.length - 1]));
  };
}

/**
 * The main layers that an adapter_config.json names by target_modules, exclude_modules and layers_to_transform, by
 * PEFT's rules. A config without target_modules stands for all main layers; the tensors in the file must agree.
 *
 * @throws on a value that is no list or pattern, where no main layer is named, and where another module is named
 */
export function targetedLayers(json: Json, { dit, names: modules }: PeftTarget): Set<string> {
  const { target_modules: target, exclude_modules: exclude, layers_to_transform: numbers } = json;
  const isAll = target === undefined || target === null || (typeof target === 'string' && /^all-linear$/i.test(target));
  if (typeof target === 'string' && numbers !== undefined && numbers !== null) {
    failField('layers_to_transform', 'none with target_modules as a pattern', numbers);
  }
  const isTarget = isAll ? () => ({ matches: true, exact: true }) : matcher('target_modules', target);
  const isNone = exclude === undefined || exclude === null || (exclude as string).length === 0;
  const isExcluded = isNone ? () => ({ matches: false }) : matcher('exclude_modules', exclude);
  const inLayers = layerFilter(json);
  const names = blockLinearNames(dit);
  const isNamed = (module: string): boolean => {
    if (isExcluded(module).matches) return false;
    const { matches, exact } = isTarget(module);
    return matches && (exact || inLayers(module));
  };
  const other = isAll ? undefined : modules.others.find(isNamed);
  if (other !== undefined) {
    const problem = `target_modules: expected only the six main layers of a block, such as ${modules.of(names[0])}, got ${other}`;
    throw new AdapterFileError(FILES.config, problem);
  }
  const found = names.filter((name) => isNamed(modules.of(name)));
  if (found.length === 0) {
    throw new AdapterFileError(
      FILES.config,
      `target_modules: matches no main layer of this model, such as ${modules.of(names[0])}`,
    );
  }
  return new Set(found);
}

/**
 * The value of rank_pattern or alpha_pattern for a layer (PEFT's `get_pattern_key`); undefined where no entry matches
 * the layer.
 */
export function patternValues(field: string, value: unknown): (name: string) => number | undefined {
  if (value === undefined || value === null) return () => undefined;
  if (typeof value !== 'object' || Array.isArray(value)) return failField(field, 'an object of numbers by name', value);
  const entries = Object.entries(value).map(([source, number]) => {
    if (typeof number !== 'number') failField(`${field}.${source.slice(0, 80)}`, 'a number', number);
    return { regexp: pattern(field, source, (own) => `^(.*\\.)?(${own})$`), number };
  });
  return (name) => entries.find(({ regexp }) => regexp.test(name))?.number;
}
