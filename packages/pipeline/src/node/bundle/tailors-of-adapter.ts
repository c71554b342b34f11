import { dirname, join, resolve } from 'node:path';
import { type LayerCut, tailorsOfLoraAsync } from '@learngene/adapters';
import { loadAdapter } from '@learngene/adapters/node';
import { type DitConfig, mlpWidth } from '@learngene/dit';
import { encodeTailors, type KindConfig, type KindModel, type TailorGroup, type TailorParams } from '@learngene/kind';
import { disposeParams, type ParamTree, paramsFromTensorData } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '../../errors';
import { expectArtifact } from '../identify';
import { loadModel } from '../load-model';
import { PEFT_FILES, readNote } from '../peft-folder';
import { type ModelClasses, readLearngeneModel } from './learngene-model';
import { modelBase } from './model-base';

/** Options of {@link tailorsOfAdapter}. */
export interface TailorsOfAdapterOptions {
  /** The folder of the model that the adapter was trained on (default: `transformer` of an exported folder). */
  readonly model?: string;
  /** Name of the class, or of a group of several (default: that in an exported folder). */
  readonly as?: string;
  /** The most components of a layer; an adapter of a higher rank is cut (default: N_t of the bundle). */
  readonly tailorRank?: number;
}

/** The tailors of an adapter. */
export interface AdapterTailors {
  /** A file of tailors, which names its base. */
  readonly file: Uint8Array;
  /** The layers that were cut, with the relative error of each; empty where the tailors are exactly the adapter. */
  readonly cut: readonly LayerCut[];
}

/**
 * Makes tailors for a bundle of a LoRA adapter of PEFT that was trained on its learngenes, the way back of `exportPeft`. Up to the
 * rank that is asked for they are exactly the adapter; a layer of a higher rank is cut by SVD.
 *
 * A tfjs backend must be there.
 *
 * @param bundle - the folder of the bundle.
 * @param source - a folder that `exportPeft` wrote, or an adapter's folder.
 * @throws ConfigError for an adapter of another kind (DoRA, OFT, PiSSA, ...), one on other layers than the six, one that also trains
 *   biases or whole modules, for a model that is not that of the bundle's learngenes, and where a name is missing
 */
export async function tailorsOfAdapter(
  bundle: string,
  source: string,
  options: TailorsOfAdapterOptions = {},
): Promise<AdapterTailors> {
  const isExport = readNote(source) !== undefined;
  const adapter = isExport ? join(source, PEFT_FILES.adapter) : source;
  const path = options.model ?? (isExport ? join(source, PEFT_FILES.model) : undefined);
  if (path === undefined) {
    throw new ConfigError(
      'model: expected the folder of the model that the adapter was trained on (transformer of an export), got none; it has the rows of the classes',
      { argument: 'model' },
    );
  }
  await expectArtifact(path, { option: 'model', kinds: ['dense'], expected: 'a model of diffusers' });
  const loaded = await loadModel(bundle, []);
  const { model } = loaded;
  try {
    const rank = cutRank(model.config, options.tailorRank);
    const classes = await readLearngeneModel(path, model);
    const note = readNote(dirname(resolve(path)));
    const base = await modelBase(bundle, loaded);
    if (note !== undefined && note.base !== base) {
      const [mine, theirs] = [base, note.base].map((hash) => hash.slice(0, 12));
      throw new ConfigError(
        `${path}: another base: expected a model of base ${mine}, as the bundle has, got one of ${theirs}`,
      );
    }
    const group = groupOf(classes.count, { as: options.as, known: note });
    const { tailors, ...found } = await readTailors(adapter, { dit: classes.dit, rank });
    try {
      const file = await encoded(model, { ...group, tailorRank: found.rank }, { tailors, classes, base });
      return { file, cut: found.cut };
    } finally {
      disposeParams(tailors);
    }
  } finally {
    disposeParams(model.params as unknown as ParamTree);
  }
}

function cutRank({ dit, tailorRank }: KindConfig, asked: number | undefined): number {
  const most = Math.min(dit.hiddenSize, mlpWidth(dit));
  if (asked === undefined || (Number.isSafeInteger(asked) && asked >= 1 && asked <= most)) return asked ?? tailorRank;
  throw new ConfigError(`tailorRank: expected a whole number from 1 to ${most}, got ${asked}`, {
    argument: 'tailorRank',
  });
}

/** The group of the adapter's classes, with the ids 0, 1, ... */
function groupOf(
  count: number,
  { as, known }: { as?: string; known?: { readonly group: string | null; readonly classes: readonly string[] } },
): TailorGroup {
  const isNamed = known !== undefined && known.group !== null && known.classes.length === count;
  const name = as ?? (isNamed ? known.group : undefined);
  if (typeof name !== 'string') {
    throw new ConfigError('as: expected a name for the class, which the adapter does not say, got none', {
      argument: 'as',
    });
  }
  if (count > 1 && !isNamed) {
    throw new ConfigError(
      `model: expected one class beside the null label, got ${count}, whose names nothing tells; an exported folder names them`,
      { argument: 'model' },
    );
  }
  const classNames = count > 1 ? known!.classes : [as ?? known!.classes[0]];
  return { name, classes: classNames.map((_, id) => id), classNames };
}

/** The tailors of an adapter's folder; the caller disposes them. */
async function readTailors(folder: string, { dit, rank }: { dit: DitConfig; rank: number }) {
  const { adapter, layers } = await loadAdapter(folder, dit, { modules: 'diffusers' }).catch((cause: unknown) => {
    throw new ConfigError(folder, { cause });
  });
  if (adapter.method !== 'lora') {
    throw new ConfigError(
      `${folder}: expected a LoRA adapter, got ${adapter.method}: tailors are added to the weights as LoRA is, and nothing else`,
    );
  }
  const tensors = paramsFromTensorData(layers);
  try {
    return await tailorsOfLoraAsync({ config: adapter, layers: tensors }, { dit, rank });
  } finally {
    disposeParams(tensors);
  }
}

/** The file of one group's tailors for the base of a bundle. */
async function encoded(
  { config, params }: KindModel,
  group: TailorGroup,
  { tailors, classes: { rows }, base }: { tailors: ParamTree; classes: ModelClasses; base: string },
): Promise<Uint8Array> {
  const table = tf.tensor2d(rows.data as Float32Array, rows.shape as [number, number]);
  try {
    const own = { ...tailors, label: { rows: table } } as unknown as TailorParams;
    const alone = { ...config, groups: [group], pruned: false };
    return await encodeTailors(
      { config: alone, params: { ...params, tailors: { [group.name]: own } } },
      group.name,
      base,
    );
  } finally {
    table.dispose();
  }
}
