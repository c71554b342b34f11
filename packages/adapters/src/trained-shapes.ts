import { type DitConfig, ditTensorShapes, linearShape } from '@learngene/dit';
import { adaptedLayers } from './core/layer-settings';
import { type AdapterConfig, methodOf } from './methods';

/**
 * Shapes of what a group trains, by dotted name below its `layers`.
 *
 * @param base - architecture of the base model, or of the descendant that Heur-LG and Auto-LG make.
 */
export function trainedShapes(adapter: AdapterConfig, base: DitConfig): Map<string, readonly number[]> {
  const method = methodOf(adapter);
  if (method.kind === 'layer') {
    const layers = adaptedLayers(adapter, base).map(
      ({ name, config }) => [name, method.trained(linearShape(base, name), config)] as const,
    );
    return new Map(
      layers.flatMap(([name, shapes]) =>
        Object.entries(shapes).map(([leaf, shape]): [string, readonly number[]] => [`${name}.${leaf}`, shape]),
      ),
    );
  }
  const dit = method.architecture?.(base, adapter) ?? base;
  const shapes = new Map<string, readonly number[]>([
    ...ditTensorShapes(dit, 'learngene'),
    ['label.null', [1, dit.hiddenSize]],
  ]);
  shapes.delete('label.table');
  return new Map([...shapes].filter(([name]) => method.trains(name, adapter)));
}
