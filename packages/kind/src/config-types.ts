import type { DitConfig } from '@learngene/dit';
import { ditNetwork } from './dit-network';
import type { KindNetwork } from './network';
import type { TailorGroup } from './tailor-groups';

/** Ranks, groups and gate: what a KIND model has on any network. Plain JSON. */
export interface KindSettings {
  /** N_G: rank-1 components of every factored layer that all classes use. */
  readonly learngeneRank: number;
  /** N_t: rank-1 components of every factored layer that a group owns, unless it has a `tailorRank` of its own. */
  readonly tailorRank: number;
  /** The groups of classes, one set of tailors each. A class in several groups uses the tailors of all of them. */
  readonly groups: readonly TailorGroup[];
  /**
   * How tailors are chosen. 'binary': a sample uses the tailors of its own group. 'soft': it uses those of all groups,
   * weighted by softmax(G(class embedding)), where G is a linear layer.
   */
  readonly gate: 'binary' | 'soft';
  /**
   * What a sample uses whose label was dropped for classifier-free guidance. 'learngenes': no tailors, so the
   * unconditional branch is the class-agnostic model. 'own-class': the null embedding with the tailors of the class it
   * had.
   */
  readonly nullGate: 'learngenes' | 'own-class';
  /** True after an assembly to a budget: a layer may hold fewer components than N_G and N_t. */
  readonly pruned: boolean;
}

/** Everything that determines the shapes and numbers of a KIND model of a Diffusion Transformer. Plain JSON. */
export type KindConfig = KindSettings & {
  /**
   * The Diffusion Transformer. The six main weights of each of its blocks are factored. Its null label is
   * `dit.classes`.
   */
  readonly dit: DitConfig;
};

/** Everything that determines the shapes of a KIND model of another network. Plain JSON. */
export type NetworkKindConfig = KindSettings & {
  /** The network's factored layers and dense parameters. Its null label is `network.classes`. */
  readonly network: KindNetwork;
};

/** The configuration of a KIND model of any network. */
export type AnyKindConfig = KindConfig | NetworkKindConfig;

/** The fields of {@link KindSettings}, in the order of files. */
export const SETTINGS_FIELDS = ['learngeneRank', 'tailorRank', 'groups', 'gate', 'nullGate', 'pruned'];

/** Whether a configuration is of a Diffusion Transformer. */
export function isDitConfig(config: AnyKindConfig): config is KindConfig {
  return !('network' in config);
}

/** The network that a configuration is for. */
export function networkOf(config: Pick<KindConfig, 'dit'> | Pick<NetworkKindConfig, 'network'>): KindNetwork {
  return 'network' in config ? config.network : ditNetwork(config.dit);
}

/** The same configuration with another number of classes. It is not checked here; `validateKindConfig` does that. */
export function withClasses<C extends AnyKindConfig>(config: C, classes: number): C {
  if (isDitConfig(config)) return { ...config, dit: { ...config.dit, classes } };
  return { ...config, network: { ...config.network, classes } };
}

/** N_t of a group: its own, or that of the config. */
export function tailorRankOf(config: Pick<KindSettings, 'tailorRank'>, group: TailorGroup): number {
  return group.tailorRank ?? config.tailorRank;
}

/** The highest N_t of a group, at least that of the config. */
export function highestTailorRank({ tailorRank, groups }: Pick<KindSettings, 'tailorRank' | 'groups'>): number {
  return groups.reduce((most, group) => Math.max(most, group.tailorRank ?? 0), tailorRank);
}
