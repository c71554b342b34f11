import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeLora, loraOfTailors } from '@learngene/adapters';
import { type DitConfig, ditConfigToDiffusers, ditToDiffusers, gatherRows } from '@learngene/dit';
import { assembleDense, type KindConfig, type KindModel, mixTailorsAsync, type TailorGroup } from '@learngene/kind';
import { disposeParams, type ParamTree, paramsToTensorData } from '@learngene/nn';
import { writeFolderAtomic, writeSafetensors } from '@learngene/tensor-io/node';
import { ConfigError } from '../../errors';
import { noProgress, type Progress } from '../../progress';
import { classLabels } from '../../recipe/class-labels';
import { classNamesOf } from '../../recipe/class-names';
import { recipeOf } from '../../recipe/recipe';
import { denseMetadata } from '../dense-model';
import { DIFFUSERS_FILE } from '../identify';
import { describeModel, loadModel } from '../load-model';
import { noteText, PEFT_FILES, type PeftNote } from '../peft-folder';
import { modelBase } from './model-base';

/** Options of {@link exportPeft}. */
export interface ExportPeftOptions {
  /** Names of classes of one group (default none: the learngenes alone, as a model to train adapters on). */
  readonly classes?: readonly string[];
  /** Whether to replace a folder that exists already (default false: that is an error). */
  readonly replace?: boolean;
  /** Called before weights are read; it must select a tfjs backend. */
  readonly needEngine: () => Promise<unknown>;
  /** Receives a warning where Python has to set what diffusers' config cannot say. */
  readonly progress?: Progress;
}

/** What {@link exportPeft} wrote. */
export interface ExportedPeft extends PeftNote {
  /** Rank of the adapter; null without one. */
  readonly rank: number | null;
  /** Shapes of the model. */
  readonly config: DitConfig;
}

/**
 * Writes the learngenes as a model of diffusers, and the tailors of a class as a LoRA adapter of PEFT for it. Both are exact: a
 * tailor of rank N_t is a LoRA of that rank, whose lora_B is u diag(s) and whose lora_A is vᵀ. The rows of the classes are in the
 * table of the model, and then the null row.
 *
 * Classes in several groups have the components of all of them in their adapter.
 *
 * @param from - the folder of a bundle or a run.
 * @param out - the folder to write, whole or not at all: `transformer/`, `adapter/` and `learngene.json`.
 * @throws ConfigError for a class that is not there, for classes of several groups, for a soft gate, and for a network that
 *   diffusers cannot express
 */
export async function exportPeft(from: string, out: string, options: ExportPeftOptions): Promise<ExportedPeft> {
  const { classes = [], replace = false, needEngine, progress = noProgress } = options;
  const { model: described } = await describeModel(from);
  if (described.gate === 'soft') {
    throw new ConfigError(
      `${from}: expected a binary gate, got a soft one, which mixes the tailors of all groups by the class: no adapter does that`,
    );
  }
  const chosen = chosenClasses(described, classes);
  const description = transformerConfig(from, { ...described.dit, classes: chosen?.rows.length ?? 1 });
  await needEngine();
  const loaded = await loadModel(from, chosen?.groups ?? []);
  const { model, config } = loaded;
  try {
    const note: PeftNote = {
      base: await modelBase(from, loaded),
      group: chosen?.name ?? null,
      classes: chosen?.classNames ?? ['learngenes'],
      nullGate: model.config.nullGate,
      downscale_freq_shift: model.config.dit.frequencyShift,
      recipe: recipeOf(config),
    };
    const dense = await learngeneModel(model, chosen);
    // Without its tailors a class is another one, so that only the class-agnostic model says how it is sampled from.
    const sampled = chosen === undefined ? agnosticMetadata(dense.config, note) : {};
    const metadata = { ...sampled, format: 'pt' };
    const adapter = chosen === undefined ? undefined : await adapterOf(model, chosen);
    await writeFolderAtomic(
      out,
      async (folder) => {
        const at = join(folder, PEFT_FILES.model);
        await mkdir(at);
        await writeFile(join(at, 'config.json'), `${JSON.stringify(description, null, 2)}\n`);
        await writeSafetensors(join(at, DIFFUSERS_FILE), ditToDiffusers(dense.tensors, dense.config), { metadata });
        if (adapter) await mkdir(join(folder, PEFT_FILES.adapter));
        for (const [file, bytes] of adapter?.files ?? [])
          await writeFile(join(folder, PEFT_FILES.adapter, file), bytes);
        await writeFile(join(folder, PEFT_FILES.note), noteText(note));
      },
      { replace },
    );
    if (note.downscale_freq_shift !== 1) {
      progress.warn(
        `${out}: diffusers embeds timesteps by other frequencies than this model; in Python set downscale_freq_shift of each block's norm1.emb.time_proj to ${note.downscale_freq_shift}, as docs/peft.md shows`,
      );
    }
    return { ...note, rank: adapter?.rank ?? null, config: dense.config };
  } finally {
    disposeParams(model.params as unknown as ParamTree);
  }
}

/** What `learngene sample` needs of a dense model. */
function agnosticMetadata(dit: DitConfig, { classes, recipe }: PeftNote): Record<string, string> {
  return denseMetadata(dit, { classes, recipe: JSON.stringify(recipe) });
}

/** What was exported, in words. */
export function exportWords({ rank, group, base }: ExportedPeft): string {
  const adapter = rank === null || group === null ? 'no adapter' : `LoRA of rank ${rank} for ${group}`;
  return `model of the learngenes, ${adapter}, base ${base.slice(0, 12)}`;
}

/** Classes of one weight. */
interface ChosenClasses {
  /** The first group of the classes, which has their label rows. */
  readonly group: TailorGroup;
  /** Names of all groups whose tailors add to their weight. */
  readonly groups: readonly string[];
  readonly ids: readonly number[];
  /** What the adapter is called: the group, or the one class that is taken of it. */
  readonly name: string;
  readonly classNames: readonly string[];
  /** Their rows in the group. */
  readonly rows: readonly number[];
}

function chosenClasses(config: KindConfig, classes: readonly string[]): ChosenClasses | undefined {
  if (classes.length === 0) return undefined;
  const names = classNamesOf(config);
  const ids = classLabels(names, classes, { owner: 'the model', argument: 'classes' });
  const groupsOf = (id: number) => config.groups.filter((each) => each.classes.includes(id));
  const all = groupsOf(ids[0]);
  const [group] = all;
  const stranger = ids.find(
    (id) => String(groupsOf(id).map(({ name }) => name)) !== String(all.map(({ name }) => name)),
  );
  if (group === undefined || stranger !== undefined) {
    const [first, other] = [ids[0], stranger ?? ids[0]].map((id) => JSON.stringify(names[id]));
    const got = group === undefined ? `${first}, which has no tailors` : `${first} and ${other} of another`;
    throw new ConfigError(`classes: expected classes of one group, whose tailors the adapter has, got ${got}`, {
      argument: 'classes',
    });
  }
  const rows = ids.map((id) => group.classes.indexOf(id));
  const isOne = rows.length === 1 && (group.classes.length > 1 || all.length > 1);
  const groups = all.map(({ name }) => name);
  return { group, groups, ids, name: isOne ? names[ids[0]] : group.name, classNames: ids.map((id) => names[id]), rows };
}

/** The config.json of diffusers. It cannot say the frequencies of the timesteps, which are told beside it. */
function transformerConfig(from: string, dit: DitConfig) {
  try {
    return ditConfigToDiffusers({ ...dit, frequencyShift: 1 });
  } catch (cause) {
    throw new ConfigError(`${from}: diffusers has no such network`, { cause });
  }
}

/** The dense DiT of the learngenes, with the rows of some classes and the null row. */
async function learngeneModel({ config, params }: KindModel, chosen: ChosenClasses | undefined) {
  const groups = chosen === undefined ? [] : [chosen.group];
  const dense = assembleDense({ config: { ...config, groups }, params }, { tailors: false });
  const { table } = dense.params.label;
  const rows = chosen === undefined ? [0, 1] : [...chosen.rows, dense.config.classes]; // the last is the null row
  const label = { table: gatherRows(table, Int32Array.from(rows)) };
  try {
    const tensors = await paramsToTensorData({ ...dense.params, label });
    return { tensors, config: { ...dense.config, classes: rows.length - 1 } };
  } finally {
    disposeParams({ ...dense.params, taken: label });
  }
}

/** The files of the adapter of some classes of one weight, and its rank, which is the sum of those of their groups. */
async function adapterOf(model: KindModel, { groups, ids: [id] }: ChosenClasses) {
  const { dit } = model.config;
  if (groups.length === 1) return encodedTailors(model.params.tailors[groups[0]], dit);
  const name = 'class';
  const joined = await mixTailorsAsync(model, [{ name, parts: [{ class: id, weight: 1 }] }]);
  try {
    return await encodedTailors(joined.params.tailors[name], dit);
  } finally {
    disposeParams(joined.params as unknown as ParamTree);
  }
}

async function encodedTailors(tailors: ParamTree, dit: DitConfig) {
  const lora = loraOfTailors(tailors, dit);
  try {
    const files = await encodeLora(lora, { dit, modules: 'diffusers' });
    return { files, rank: lora.config.rank };
  } finally {
    disposeParams(lora.layers);
  }
}
