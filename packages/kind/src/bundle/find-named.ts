import { listNames } from '@learngene/nn';
import { classNamesIn, sameName, type TailorGroup } from '../tailor-groups';
import { BundleRequestError } from './bundle-error';

/** What a name is of: a group of classes, or one class. */
export type NamedIn = 'group' | 'class';

/** A group, or one of its classes. */
export interface Named {
  readonly group: TailorGroup;
  /** The row of the class in the group; undefined for the group as a whole. */
  readonly row?: number;
}

/**
 * The group or the class of a name. The one class of a group is the group; a class in several groups is found in the first.
 *
 * @throws BundleRequestError where there is none, and where a group of several classes and a class have that name and `of` does not say
 *   which is meant
 */
export function findNamed(
  at: string,
  groups: readonly TailorGroup[],
  { name, of }: { readonly name: string; readonly of?: NamedIn },
): Named {
  if (typeof name !== 'string') throw new BundleRequestError(`${at}: expected a name, got ${JSON.stringify(name)}`);
  if (of !== undefined && of !== 'group' && of !== 'class') {
    throw new BundleRequestError(`of: expected group or class, got ${JSON.stringify(of)}`);
  }
  const group = of === 'class' ? undefined : groups.find((each) => sameName(each.name, name));
  const classes = of === 'group' ? [] : groups.flatMap((each) => classesNamed(each, name));
  const [first, second] = classes.filter((found, i) => {
    const id = idOf(found);
    return id !== (group && idOf({ group })) && classes.findIndex((other) => idOf(other) === id) === i;
  });
  if (second !== undefined)
    throw new BundleRequestError(`${at}: '${name}' is the name of several classes; name their group`);
  if (group !== undefined && first !== undefined) {
    throw new BundleRequestError(
      `${at}: '${name}' is a group of ${group.classes.length} classes and a class; say which by \`of\``,
    );
  }
  const found = group === undefined ? first : { group };
  if (found) return found;
  const known = [...new Set(groups.flatMap((each) => [each.name, ...classNamesIn(each)]))];
  throw new BundleRequestError(`${at}: expected one of ${listNames(known)}, got '${name.slice(0, 80)}'`);
}

/** The id of a class, also of the one class of a group; undefined for several. */
function idOf({ group: { classes }, row }: Named): number | undefined {
  return row === undefined ? (classes.length === 1 ? classes[0] : undefined) : classes[row];
}

/** The classes of a group with that name; the one class of a group is the group as a whole. */
function classesNamed(group: TailorGroup, name: string): Named[] {
  const { classes, classNames } = group;
  if (classes.length === 1) return sameName(classNamesIn(group)[0], name) ? [{ group }] : [];
  return (classNames ?? []).flatMap((each, row) => (sameName(each, name) ? [{ group, row }] : []));
}
