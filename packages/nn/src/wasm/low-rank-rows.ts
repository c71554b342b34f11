import type { Call } from './instance';
import { PARTS_A_THREAD, rangesOf, up } from './ranges';

/** Factors u [out, r], s [r] and v [width, r], as byte offsets in the heap. */
export interface Factors {
  readonly r: number;
  readonly u: number;
  readonly s: number;
  readonly v: number;
}

/** Rows that have factors of their own. */
export interface Segment {
  readonly from: number;
  readonly to: number;
  readonly factors: Factors;
  /** Numbers before this segment's in the hidden rows of the segments. */
  readonly before: number;
}

/** A layer and the rows that go through it. */
export interface Layer {
  readonly rows: number;
  readonly width: number;
  readonly out: number;
  readonly common: Factors;
  /** Disjoint and ascending. */
  readonly segments: readonly Segment[];
}

/** Byte offsets of what a pass reads and writes: x [rows, width], y [rows, out], a bias or 0, and hidden rows. */
export interface Places {
  readonly x: number;
  readonly y: number;
  readonly bias: number;
  /** [rows, r] of the common factors, and those of the segments one after another. */
  readonly hidden: number;
  readonly own: number;
}

/** Rows below which the factors are packed too often to be worth it. */
const FEWEST_ROWS = 32;

/** Rows from which on a block no longer stays in the second-level cache. */
const MOST_ROWS = 128;

/** The pass with the factors exchanged: from the gradient of y to that of x. */
export function turnedAround({ rows, width, out, common, segments }: Layer): Layer {
  const turn = ({ r, u, s, v }: Factors): Factors => ({ r, u: v, s, v: u });
  const turned = segments.map((segment) => ({ ...segment, factors: turn(segment.factors) }));
  return { rows, width: out, out: width, common: turn(common), segments: turned };
}

/** A block of rows, and the factors that it goes through. */
interface Block {
  readonly from: number;
  readonly to: number;
  readonly common: boolean;
  readonly segment?: Segment | undefined;
}

/**
 * The jobs of a pass through a layer, one after another. Blocks of rows are its parts, which end where a segment does.
 * Where the segments are short, the common factors have a job before them.
 */
export class RowJobs {
  /** Numbers that all parts together need to work with. */
  readonly floats: number;
  readonly #layer: Layer;
  readonly #jobs: readonly (readonly Block[])[];
  /** Numbers of each part. */
  readonly #room: number;

  constructor(layer: Layer, threads: number) {
    this.#layer = layer;
    const most = Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, up(layer.rows / (PARTS_A_THREAD * threads), 4)));
    const pieces = piecesOf(layer);
    const short = pieces.length > 1 && layer.rows / pieces.length < FEWEST_ROWS;
    const whole: Block = { from: 0, to: layer.rows, common: true };
    const own = pieces.filter(({ segment }) => segment);
    const jobs = short ? [[whole], own.map((piece) => ({ ...piece, common: false }))] : [pieces];
    this.#jobs = jobs.map((blocks) => blocks.flatMap((block) => split(block, most)));
    this.#room = roomOf(layer, Math.min(most, layer.rows));
    this.floats = this.#room * Math.max(...this.#jobs.map(({ length }) => length));
  }

  /** @param work - offset of room for `floats` numbers. */
  calls({ x, y, bias, hidden, own }: Places, work: number): Call[][] {
    const { width, out, common } = this.#layer;
    return this.#jobs.map((blocks) =>
      blocks.map((block, part): Call => {
        const { from, to, segment } = block;
        const rows = [to - from, width, out, x + 4 * from * width, y + 4 * from * out, block.common ? bias : 0];
        const first = [block.common ? common.r : 0, common.u, common.s, common.v, hidden + 4 * from * common.r];
        const second = [0, 0, 0, 0, 0];
        if (segment) {
          const { r, u, s, v } = segment.factors;
          second.splice(0, 5, r, u, s, v, own + 4 * (segment.before + (from - segment.from) * r));
        }
        return ['lowRankRows', ...rows, ...first, ...second, work + 4 * part * this.#room];
      }),
    );
  }
}

/** All rows in the runs that the segments make of them. */
function piecesOf({ rows, segments }: Layer): Block[] {
  const pieces: Block[] = [];
  let at = 0;
  for (const segment of segments) {
    if (segment.from > at) pieces.push({ from: at, to: segment.from, common: true });
    pieces.push({ from: segment.from, to: segment.to, common: true, segment });
    at = segment.to;
  }
  if (at < rows) pieces.push({ from: at, to: rows, common: true });
  return pieces;
}

function split(block: Block, most: number): Block[] {
  const { from, to } = block;
  const count = Math.ceil((to - from) / most);
  return rangesOf(to - from, count).map(([start, end]) => ({ ...block, from: from + start, to: from + end }));
}

/** Numbers that a call of `lowRankRows` needs: the scaled hidden rows, and what the products pack. */
function roomOf({ width, out, common, segments }: Layer, rows: number): number {
  const r = Math.max(common.r, ...segments.map(({ factors }) => factors.r));
  const into = (up(rows, 4) + up(r, 8)) * Math.min(width, 256);
  const from = (up(rows, 4) + up(out, 8)) * Math.min(r, 256);
  return up(rows * r + 4, 4) + 32 + up(Math.max(into, from), 4);
}
