//! The gradients of the layers, chunk by chunk.

use super::outer::Outer;
use super::sums::{Slot, add_up, factors_rank, slots};
use super::{CHUNK, Chunk, chunks, cut_up};
use crate::column_sums::{column_dots, column_sums};
use crate::epilogue::SharedEpilogue;
use crate::gemm::product_of;
use crate::low_rank::{FactorGrads, Factors, LowRank, widening};
use crate::pack::Matrix;
use crate::product::{Product, Tail};
use crate::scratch;
use crate::tile::Kernels;
use learngene_pool::SendPtr;

/// A layer whose gradients are computed.
pub(crate) struct Backward<'a> {
    pub layer: LowRank<'a>,
    /// [rows, out].
    pub dy: &'a [f32],
    /// The hidden rows of the forward pass.
    pub hidden: &'a [f32],
    /// Of the common factors, then of every segment; None where they are not wanted.
    pub factors: Vec<Option<FactorGrads<'a>>>,
    /// [out], if wanted.
    pub bias: Option<&'a mut [f32]>,
}

impl<'a> Backward<'a> {
    /// `segments`: the gradients of all segments' factors, or none.
    pub fn new(
        layer: LowRank<'a>,
        (dy, hidden): (&'a [f32], &'a [f32]),
        common: Option<FactorGrads<'a>>,
        segments: Vec<FactorGrads<'a>>,
        bias: Option<&'a mut [f32]>,
    ) -> Self {
        let unwanted = layer.segments.len() - segments.len();
        let own = segments.into_iter().map(Some).chain(std::iter::repeat_with(|| None).take(unwanted));
        Self { layer, dy, hidden, factors: std::iter::once(common).chain(own).collect(), bias }
    }
}

/// Computes the gradients of layers of the same x [rows, in] and the same segments in `parts` parts. `dx` [rows, in], if
/// wanted, gets the sum of the layers' gradients. `sums` has [`sums_len`](super::sums_len) words.
pub(crate) fn backward(
    kernels: Kernels,
    parts: usize,
    x: &[f32],
    calls: &mut [Backward<'_>],
    dx: Option<SendPtr<f32>>,
    sums: &mut [f32],
) {
    let layers: Vec<LowRank<'_>> = calls.iter().map(|call| call.layer).collect();
    let (slots, _) = slots(&layers, parts);
    let to = SendPtr::new(sums);
    let sweep = Sweep { kernels, x, dx, slots: &slots, sums: to };
    {
        let calls = &*calls;
        learngene_pool::run(parts, &|part| sweep.part(calls, parts, part));
    }
    let mut factors: Vec<_> = calls.iter_mut().map(|call| std::mem::take(&mut call.factors)).collect();
    let mut biases: Vec<_> = calls.iter_mut().map(|call| call.bias.take()).collect();
    add_up(kernels.level, &layers, &slots, sums, &mut factors, &mut biases);
}

struct Sweep<'a> {
    kernels: Kernels,
    x: &'a [f32],
    dx: Option<SendPtr<f32>>,
    slots: &'a [Slot],
    sums: SendPtr<f32>,
}

/// What a part works with.
struct Buffers<'a> {
    /// The gradient of the scaled hidden rows of a chunk, common and own.
    g: [&'a mut [f32]; 2],
    /// See [`Outer`].
    edge: &'a mut [f32],
    /// Sums of columns on their way.
    columns: &'a mut [f32],
}

impl Sweep<'_> {
    fn part(&self, calls: &[Backward<'_>], parts: usize, part: usize) {
        let packs: Vec<[usize; 2]> = calls
            .iter()
            .map(|call| {
                let g = std::ptr::null();
                [
                    self.narrow(call, 0, &(0..1), SendPtr(std::ptr::null_mut())).packed_len(),
                    self.widen(call, 0, g).packed_len(),
                ]
            })
            .collect();
        let most = |of: &dyn Fn(&LowRank<'_>) -> usize| calls.iter().map(|call| of(&call.layer)).max().unwrap_or(0);
        let own = |layer: &LowRank<'_>| layer.segments.iter().map(|s| s.factors.rank).max().unwrap_or(0);
        let edge = most(&|layer| {
            let edge = |width| Outer::edge_len(&self.kernels, width, CHUNK);
            edge(layer.inputs).max(edge(layer.outputs))
        });
        let columns = most(&|layer| layer.outputs.max(layer.common.rank).max(own(layer)));
        let sizes = [CHUNK * most(&|layer| layer.common.rank), CHUNK * most(&own), edge, columns];
        let sizes = sizes.map(|words| words.next_multiple_of(16));
        scratch::with([packs.iter().flatten().sum(), sizes.iter().sum(), 0], |[mut rest, buffers, _]| {
            let [common, own, edge, columns] = cut_up(buffers, sizes);
            let mut buffers = Buffers { g: [common, own], edge, columns };
            let mut packed = Vec::with_capacity(calls.len());
            for (call, &[u, v]) in calls.iter().zip(&packs) {
                let [u, v, others] = cut_up(rest, [u, v, rest.len() - u - v]);
                let none = SendPtr(std::ptr::null_mut());
                // SAFETY: the factors have the lengths that were checked at the door.
                unsafe {
                    self.narrow(call, 0, &(0..1), none).pack(u);
                    self.widen(call, 0, std::ptr::null()).pack(v);
                }
                packed.push([&*u, &*v]);
                rest = others;
            }
            for (index, chunk) in chunks(&calls[0].layer, parts, part).iter().enumerate() {
                for (layer, (call, &packed)) in calls.iter().zip(&packed).enumerate() {
                    // SAFETY: the rows and the slots of a part are its own.
                    unsafe {
                        self.hidden_gradients(call, chunk, packed[0], &mut buffers.g);
                        self.input_gradient(call, chunk, packed[1], &buffers.g, layer > 0);
                        self.weight_gradients((call, layer), part, chunk, index == 0, &mut buffers);
                    }
                }
            }
        });
    }

    /// dy times the u of a term, for a chunk.
    fn narrow<'b>(
        &self,
        call: &Backward<'b>,
        term: usize,
        rows: &std::ops::Range<usize>,
        to: SendPtr<f32>,
    ) -> Product<'b> {
        let (layer, factors) = (&call.layer, call.layer.factors(term));
        let a = Matrix::new(&call.dy[rows.start * layer.outputs..], layer.outputs, false);
        let b = Matrix::new(factors.u, factors.rank, false);
        let epilogue = SharedEpilogue { n: factors.rank, ..SharedEpilogue::PLAIN };
        product_of(self.kernels, (rows.len(), factors.rank, layer.outputs), (a, b), to, epilogue)
    }

    /// The gradient of the common hidden rows `g` of a chunk times v.
    fn widen<'b>(&self, call: &Backward<'b>, rows: usize, g: *const f32) -> Product<'b> {
        let (inputs, factors) = (call.layer.inputs, call.layer.common);
        Product {
            kernels: self.kernels,
            m: rows,
            n: inputs,
            base: widening(&factors, g, factors.v),
            tails: &[],
            c: SendPtr(std::ptr::null_mut()),
            c_stride: inputs,
            c_transposed: false,
            add: false,
            epilogue: SharedEpilogue { n: inputs, ..SharedEpilogue::PLAIN },
            next: None,
        }
    }

    /// # Safety
    /// The rows of the chunk are this thread's.
    unsafe fn hidden_gradients(&self, call: &Backward<'_>, chunk: &Chunk, u: &[f32], g: &mut [&mut [f32]; 2]) {
        let terms = [(0, Some(u)), (chunk.segment.map_or(0, |segment| segment + 1), None)];
        for (i, (term, packed)) in terms.into_iter().enumerate().take(1 + usize::from(chunk.segment.is_some())) {
            let product = self.narrow(call, term, &chunk.rows, SendPtr::new(g[i]));
            // SAFETY: the buffer holds a chunk of the widest hidden rows.
            unsafe { product.block(0..product.m, 0..product.n, packed) };
        }
    }

    /// # Safety
    /// As [`Sweep::hidden_gradients`].
    unsafe fn input_gradient(&self, call: &Backward<'_>, chunk: &Chunk, v: &[f32], g: &[&mut [f32]; 2], add: bool) {
        let Some(dx) = self.dx else { return };
        let rows = chunk.rows.len();
        let own = chunk.segment.map(|segment| {
            let factors: Factors<'_> = call.layer.segments[segment].factors;
            Tail { rows: 0..rows, term: widening(&factors, g[1].as_ptr(), factors.v) }
        });
        let product = Product {
            tails: own.as_slice(),
            // SAFETY: the rows are within dx.
            c: SendPtr(unsafe { dx.0.add(chunk.rows.start * call.layer.inputs) }),
            add,
            ..self.widen(call, rows, g[0].as_ptr())
        };
        // SAFETY: as promised by the caller.
        unsafe { product.block(0..rows, 0..product.n, Some(v)) };
    }

    /// # Safety
    /// As [`Sweep::hidden_gradients`], and the slots of `part` are this thread's.
    unsafe fn weight_gradients(
        &self,
        (call, index): (&Backward<'_>, usize),
        part: usize,
        chunk: &Chunk,
        first: bool,
        buffers: &mut Buffers<'_>,
    ) {
        let (layer, rows) = (&call.layer, chunk.rows.len());
        let x = &self.x[chunk.rows.start * layer.inputs..chunk.rows.end * layer.inputs];
        let dy = &call.dy[chunk.rows.start * layer.outputs..chunk.rows.end * layer.outputs];
        for (i, term) in std::iter::once(0).chain(chunk.segment.map(|segment| segment + 1)).enumerate() {
            let wanted = call.factors.get(term).is_some_and(Option::is_some);
            let biased = term == 0 && call.bias.is_some();
            if !wanted && !biased {
                continue;
            }
            let slot = self.slots.iter().find(|s| (s.part, s.layer, s.term) == (part, index, term));
            let [u, v, s, bias] = slot.map(|slot| slot.ranges(layer)).unwrap_or_default();
            // SAFETY: the slot is this thread's, and its pieces are apart.
            let [u, v, s, bias] = [u, v, s, bias].map(|range| unsafe { self.sums.slice_mut(range) });
            let add = if term == 0 { !first } else { !chunk.first };
            let rank = factors_rank(layer, term);
            let (start, at) = layer.hidden_rows(term);
            let hidden = &call.hidden[at + (chunk.rows.start - start) * rank..][..rows * rank];
            let g = &buffers.g[i][..rows * rank];
            if wanted {
                let outer = |width| Outer { kernels: self.kernels, rank, width, rows };
                // SAFETY: all slices have the lengths of their shapes.
                unsafe {
                    outer(layer.outputs).run(hidden, dy, u, add, buffers.edge);
                    outer(layer.inputs).run(g, x, v, add, buffers.edge);
                }
                let columns = &mut buffers.columns[..rank];
                column_dots(g, hidden, rank, 0, columns);
                gather(s, columns, add);
            }
            if biased {
                let columns = &mut buffers.columns[..layer.outputs];
                column_sums(dy, layer.outputs, 0, columns);
                gather(bias, columns, add);
            }
        }
    }
}

fn gather(to: &mut [f32], from: &[f32], add: bool) {
    if !add {
        return to.copy_from_slice(from);
    }
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
