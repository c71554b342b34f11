import type { LowRankFactors, ParamTree } from '@learngene/nn';
import { componentCost, componentEnergies, type FactoredParams } from '@learngene/tensor-svd';
import { type AnyKindConfig, networkOf } from './config-types';
import { BYTES, countDense } from './count-assembled';
import { checkOptionNames } from './option-names';
import { type NetworkParams, subTree, tailorsOf } from './params';
import { openedGates } from './tailor-groups';

/** What an assembled model may cost. The model keeps to every field that is given. */
export interface AssemblyBudget {
  /** Parameters that are shipped, of all parts together. */
  readonly parameters?: number;
  /** Multiply-accumulates of a forward pass of one sample of the most expensive class. */
  readonly macs?: number;
  /** Bytes of the float32 tensors that are shipped, without the headers of files. */
  readonly bytes?: number;
}

interface Model {
  readonly config: AnyKindConfig;
  readonly params: NetworkParams;
}

/** Components to keep, as ascending indices by layer. */
export interface ChosenComponents {
  /** By layer name; at least one component a layer. */
  readonly learngenes: ReadonlyMap<string, readonly number[]>;
  /** By group, then by layer name; a layer without components is absent. */
  readonly tailors: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>;
}

interface Candidate {
  /** Index of the group; -1: learngenes. */
  readonly group: number;
  readonly layer: string;
  readonly component: number;
  /** Score: energy s² divided by the cost in the unit of the budget. */
  readonly score: number;
  readonly parameters: number;
  readonly macs: number;
}

/**
 * Chooses the components with the most energy for their cost. The best learngene of every layer comes first. Then the
 * others are taken by falling score until the next one would exceed the budget; none after that one is tried, so the
 * model of a smaller budget is a part of the model of a larger one. (`selectByBudget` of tensor-svd instead fills the
 * gap with smaller components, and knows no cost of the most expensive class.)
 *
 * The score of a component is energy / cost. Every class has the whole budget of multiply-accumulates for itself, so
 * there a tailor costs as much as a learngene. Parameters and bytes are shared by all classes: there the cost of a
 * tailor is divided by the square root of the share of classes that it serves. The plain share, which minimises the
 * mean loss over the classes, would cut tailors so hard that samples lose their class. With budgets in several units a
 * cost is the sum of its shares of them.
 */
export function chooseComponents(model: Model, budget: AssemblyBudget): ChosenComponents {
  const { config } = model;
  const candidates = listCandidates(model, budget);
  const best = new Map<string, Candidate>();
  for (const candidate of candidates) {
    if (candidate.group < 0 && !best.has(candidate.layer)) best.set(candidate.layer, candidate);
  }
  const minimum = new Set(best.values());
  const dense = countDense(model);
  const soft = config.gate === 'soft';
  const gates = openedGates(config.groups);
  const gateMacs = [0, ...gates].map(() => 0);
  const gatesWith = config.groups.map((_, i) => gates.flatMap((gate, g) => (gate.includes(i) ? [g] : [])));
  let { parameters, macs } = dense; // macs: of a sample that uses learngenes only
  let worst = 0; // of gateMacs
  const take = (candidate: Candidate): boolean => {
    const { group } = candidate;
    const opening = group < 0 ? [] : soft ? [0] : gatesWith[group];
    const nextMacs = macs + (group < 0 ? candidate.macs : 0);
    const nextWorst = Math.max(worst, ...opening.map((gate) => gateMacs[gate] + candidate.macs));
    const nextParameters = parameters + candidate.parameters;
    const next = { parameters: nextParameters, macs: nextMacs + nextWorst };
    if (!fits(next, budget) && !minimum.has(candidate)) return false;
    for (const gate of opening) gateMacs[gate] += candidate.macs;
    [parameters, macs, worst] = [nextParameters, nextMacs, nextWorst];
    return true;
  };
  for (const candidate of minimum) take(candidate);
  const taken = [...minimum];
  for (const candidate of candidates) {
    if (minimum.has(candidate)) continue;
    if (!take(candidate)) break;
    taken.push(candidate);
  }
  return grouped(
    taken,
    config.groups.map((group) => group.name),
  );
}

/**
 * All components by falling score. Among equal scores learngenes come first, then the order is that of groups, layers
 * and components.
 */
function listCandidates({ config, params }: Model, budget: AssemblyBudget): Candidate[] {
  const classes = new Set(config.groups.flatMap((group) => group.classes)).size;
  const shares = [1, ...config.groups.map((group) => group.classes.length / classes)];
  const sources: ParamTree[] = [params.learngenes, ...config.groups.map(({ name }) => tailorsOf(params, name))];
  const candidates = sources.flatMap((source, i) =>
    networkOf(config).layers.flatMap((layer) => {
      const factors = subTree<FactoredParams | LowRankFactors>(source, layer.name);
      if (!factors) return [];
      const parameters = componentCost(layer, 'params');
      const macs = layer.tokens * componentCost(layer, 'macs');
      const cost = relativeCost({ parameters: parameters / Math.sqrt(shares[i]), macs }, budget);
      return Array.from(componentEnergies(factors), (energy, component): Candidate => {
        return { group: i - 1, layer: layer.name, component, score: energy / cost, parameters, macs };
      });
    }),
  );
  return candidates.sort((a, b) => b.score - a.score); // stable
}

/** The sum of the costs, each as a share of its budget. */
function relativeCost({ parameters, macs }: { parameters: number; macs: number }, budget: AssemblyBudget): number {
  const kinds = [
    [parameters, budget.parameters],
    [BYTES * parameters, budget.bytes],
    [macs, budget.macs],
  ] as const;
  return kinds.reduce((sum, [cost, limit]) => (limit === undefined ? sum : sum + cost / limit), 0);
}

/** Whether a model of these counts is within a budget. */
export function fits(have: { readonly parameters: number; readonly macs: number }, budget: AssemblyBudget): boolean {
  const { parameters, macs, bytes } = budget;
  if (parameters !== undefined && !(have.parameters <= parameters)) return false;
  if (bytes !== undefined && !(BYTES * have.parameters <= bytes)) return false;
  return macs === undefined || have.macs <= macs;
}

const UNITS = ['parameters', 'macs', 'bytes'] as const;

/** Throws unless a budget is an object with at least one known unit, each with a number of at least 0. */
export function checkBudget(budget: AssemblyBudget): void {
  checkOptionNames('budget', budget, UNITS);
  const given = UNITS.filter((unit) => budget[unit] !== undefined);
  if (given.length === 0) throw new Error('budget: expected parameters, macs or bytes, got none');
  for (const unit of given) {
    const value: unknown = budget[unit];
    if (typeof value === 'number' && value >= 0) continue;
    throw new Error(
      `budget.${unit}: expected a number of at least 0, got ${typeof value === 'string' ? `'${value}'` : value}`,
    );
  }
}

/**
 * Throws on a budget below the minimum, the dense parts and one learngene component a layer; the message says the
 * minimum. All components of a layer cost the same, so no values are read.
 */
export function checkMinimum(model: Model, budget: AssemblyBudget): void {
  let { parameters, macs } = countDense(model);
  for (const layer of networkOf(model.config).layers) {
    parameters += componentCost(layer, 'params');
    macs += layer.tokens * componentCost(layer, 'macs');
  }
  const minimum = { parameters, macs, bytes: BYTES * parameters };
  for (const unit of UNITS) {
    const value = budget[unit];
    if (value === undefined || value >= minimum[unit]) continue;
    const why = 'the dense parts and one learngene component a layer';
    throw new Error(`budget.${unit}: expected at least ${minimum[unit]} (${why}), got ${value}`);
  }
}

function grouped(taken: readonly Candidate[], groups: readonly string[]): ChosenComponents {
  const maps = [-1, ...groups.keys()].map(() => new Map<string, number[]>());
  for (const { group, layer, component } of taken) {
    const layers = maps[group + 1];
    const list = layers.get(layer);
    if (list) list.push(component);
    else layers.set(layer, [component]);
  }
  for (const layers of maps) for (const list of layers.values()) list.sort((a, b) => a - b);
  return { learngenes: maps[0], tailors: new Map(groups.map((name, i) => [name, maps[i + 1]])) };
}
