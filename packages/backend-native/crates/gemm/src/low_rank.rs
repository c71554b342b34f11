//! Linear layers whose weight is a product of narrow factors, with factors of their own for runs of rows.

use crate::epilogue::{Epilogue, SharedEpilogue};
use crate::error::{Error, matrix, vector};
use crate::gemm::{check_epilogue, product_of, shared_epilogue};
use crate::pack::Matrix;
use crate::product::{Product, Tail, Term, run_many};
use crate::sweep;
use crate::tile::{Kernels, bf16_kernels, kernels};
use learngene_pool::SendPtr;
use std::ops::Range;

/// The factors of a weight U diag(s) Vᵀ.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a> {
    /// Columns of the factors.
    pub rank: usize,
    /// [out, rank].
    pub u: &'a [f32],
    /// [rank].
    pub s: &'a [f32],
    /// [in, rank].
    pub v: &'a [f32],
}

/// A run of rows with factors of its own, beside the common ones.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// First row.
    pub start: usize,
    /// One past the last row.
    pub end: usize,
    /// Its factors.
    pub factors: Factors<'a>,
}

/// y = ((x v) s) uᵀ for all rows, plus ((x v_c) s_c) u_cᵀ for the rows of segment c: KIND's class gate, or without
/// segments a plain low-rank layer.
///
/// The hidden rows are kept for the gradient in one slice of [`LowRank::hidden_len`] words: x v [rows, rank], then x v_c
/// [rows of c, rank of c] of every segment.
#[derive(Clone, Copy, Debug)]
pub struct LowRank<'a> {
    /// Rows of x and y.
    pub rows: usize,
    /// Columns of x.
    pub inputs: usize,
    /// Columns of y.
    pub outputs: usize,
    /// The factors of all rows.
    pub common: Factors<'a>,
    /// Ascending, disjoint, not empty.
    pub segments: &'a [Segment<'a>],
}

/// Gradients of a set of [`Factors`], of the same shapes.
#[derive(Debug)]
pub struct FactorGrads<'a> {
    /// [out, rank].
    pub u: &'a mut [f32],
    /// [rank].
    pub s: &'a mut [f32],
    /// [in, rank].
    pub v: &'a mut [f32],
}

/// Where [`crate::low_rank_backward`] stores; every element is written.
#[derive(Debug)]
pub struct LowRankGrads<'a> {
    /// [rows, in], if wanted.
    pub x: Option<&'a mut [f32]>,
    /// [out], if wanted.
    pub bias: Option<&'a mut [f32]>,
    /// Of the common factors, if wanted.
    pub common: Option<FactorGrads<'a>>,
    /// Of the factors of every segment, in order; or none at all.
    pub segments: Vec<FactorGrads<'a>>,
}

impl<'a> LowRank<'a> {
    /// Words of the hidden rows.
    pub fn hidden_len(&self) -> usize {
        let own: usize = self.segments.iter().map(|s| s.end.saturating_sub(s.start) * s.factors.rank).sum();
        self.rows * self.common.rank + own
    }

    /// The factors, the rows they are for and where their hidden rows start: the common ones first.
    pub(crate) fn terms(&self) -> impl Iterator<Item = (Factors<'a>, Range<usize>, usize)> + '_ {
        let mut at = self.rows * self.common.rank;
        let own = self.segments.iter().map(move |segment| {
            let start = at;
            at += (segment.end - segment.start) * segment.factors.rank;
            (segment.factors, segment.start..segment.end, start)
        });
        std::iter::once((self.common, 0..self.rows, 0)).chain(own)
    }

    /// The factors of all rows, or where `term` is not 0 those of segment `term - 1`.
    pub(crate) fn factors(&self, term: usize) -> Factors<'a> {
        if term == 0 { self.common } else { self.segments[term - 1].factors }
    }

    /// The first row of a term, and where its hidden rows start.
    pub(crate) fn hidden_rows(&self, term: usize) -> (usize, usize) {
        self.terms().nth(term).map_or((0, 0), |(_, rows, at)| (rows.start, at))
    }

    pub(crate) fn check_segments(&self) -> Result<(), Error> {
        let mut last = 0;
        for (index, &Segment { start, end, .. }) in self.segments.iter().enumerate() {
            if start < last || start >= end || end > self.rows {
                return Err(Error::Segment { index, start, end, rows: self.rows });
            }
            last = end;
        }
        Ok(())
    }

    /// Whether the lengths of all factors and the segments fit.
    ///
    /// # Errors
    /// When a slice is too short for its shape, or segments are not ascending, disjoint, not empty and in range.
    pub fn check(&self) -> Result<(), Error> {
        self.check_segments()?;
        for (Factors { rank, u, s, v }, ..) in self.terms() {
            matrix("u", u.len(), (self.outputs, rank), rank)?;
            vector("s", s.len(), rank)?;
            matrix("v", v.len(), (self.inputs, rank), rank)?;
        }
        Ok(())
    }

    pub(crate) fn check_forward(&self, x: &[f32], hidden: &[f32], y: &[f32]) -> Result<(), Error> {
        self.check()?;
        matrix("x", x.len(), (self.rows, self.inputs), self.inputs)?;
        vector("hidden", hidden.len(), self.hidden_len())?;
        matrix("y", y.len(), (self.rows, self.outputs), self.outputs)
    }

    /// `to` [rows, columns] = hidden diag(s) wideᵀ with the own terms of the segments added in the registers; or, where
    /// words are pairs, added to what [`LowRank::tails_first`] stored.
    pub(crate) fn widen<'b>(
        &self,
        kernels: Kernels,
        columns: usize,
        hidden: *const f32,
        tails: &'b [Tail<'b>],
        wide: impl Fn(&Factors<'a>) -> &'a [f32],
        to: SendPtr<f32>,
        epilogue: SharedEpilogue<'b>,
    ) -> Product<'b>
    where
        'a: 'b,
    {
        Product {
            kernels,
            m: self.rows,
            n: columns,
            base: widening(&self.common, hidden, wide(&self.common)),
            tails: if kernels.pairs { &[] } else { tails },
            c: to,
            c_stride: columns,
            c_transposed: false,
            add: kernels.pairs && !tails.is_empty(),
            epilogue,
            next: None,
        }
    }

    /// Factors of pairs are packed, which the own terms of a tile are not: where words are pairs, stores those terms in
    /// `to` [rows, columns], and 0 in the rows of no segment, for [`LowRank::widen`] to add to.
    pub(crate) fn tails_first(kernels: Kernels, threads: usize, columns: usize, tails: &[Tail<'a>], to: &mut [f32]) {
        if !kernels.pairs || tails.is_empty() {
            return;
        }
        let starts = tails.iter().map(|tail| tail.rows.start).chain(std::iter::once(to.len() / columns.max(1)));
        let ends = std::iter::once(0).chain(tails.iter().map(|tail| tail.rows.end));
        for (from, until) in ends.zip(starts) {
            to[from * columns..until * columns].fill(0.0);
        }
        let to = SendPtr::new(to);
        let products: Vec<Product<'_>> = tails
            .iter()
            .map(|Tail { rows, term }| Product {
                kernels,
                m: rows.len(),
                n: columns,
                base: *term,
                tails: &[],
                // SAFETY: the rows are within `to`.
                c: SendPtr(unsafe { to.0.add(rows.start * columns) }),
                c_stride: columns,
                c_transposed: false,
                add: false,
                epilogue: SharedEpilogue { n: columns, ..SharedEpilogue::PLAIN },
                next: None,
            })
            .collect();
        run_many(&products, threads, 0, &|_| {});
    }

    pub(crate) fn tails(&self, hidden: *const f32, wide: impl Fn(&Factors<'a>) -> &'a [f32]) -> Vec<Tail<'a>> {
        let term = |factors, at| widening(&factors, hidden.wrapping_add(at), wide(&factors));
        self.terms().skip(1).map(|(factors, rows, at)| Tail { rows, term: term(factors, at) }).collect()
    }

    /// rows [rows, width] times the narrow [width, rank] of every set of factors, into the layout of the hidden rows.
    pub(crate) fn narrow(
        &self,
        kernels: Kernels,
        (rows, width): (&'a [f32], usize),
        narrow: impl Fn(&Factors<'a>) -> &'a [f32],
        to: SendPtr<f32>,
    ) -> Vec<Product<'a>> {
        self.terms()
            .map(|(factors, range, at)| {
                let a = Matrix::new(&rows[range.start * width..], width, false);
                let b = Matrix::new(narrow(&factors), factors.rank, false);
                let size = (range.len(), factors.rank, width);
                // SAFETY: the hidden rows of the term start there.
                let to = SendPtr(unsafe { to.0.add(at) });
                product_of(kernels, size, (a, b), to, SharedEpilogue { n: factors.rank, ..SharedEpilogue::PLAIN })
            })
            .collect()
    }
}

/// hidden [rows, rank] diag(s) wideᵀ.
pub(crate) fn widening<'a>(factors: &Factors<'a>, hidden: *const f32, wide: &'a [f32]) -> Term<'a> {
    let rank = factors.rank;
    let (a, b) = (Matrix { at: hidden, row: rank, column: 1 }, Matrix::new(wide, rank, true));
    Term { k: rank, a, b, scale: Some(factors.s) }
}

/// Computes y [rows, out] = epilogue(the layer), and the hidden rows.
///
/// # Errors
/// When a slice is too short for its shape, or segments are not ascending, disjoint, not empty and in range; nothing is
/// written then.
pub fn low_rank_forward<'a>(
    layer: LowRank<'a>,
    x: &'a [f32],
    hidden: &'a mut [f32],
    y: &'a mut [f32],
    epilogue: Epilogue<'a>,
) -> Result<(), Error> {
    forward_with(kernels(learngene_simd::level()), learngene_pool::threads(), layer, x, hidden, y, epilogue)
}

/// As [`low_rank_forward`], with all factors of products rounded to bfloat16 and sums in f32; see
/// [`gemm_bf16`](crate::gemm_bf16).
///
/// # Errors
/// As [`low_rank_forward`], and where [`learngene_simd::has_bf16`] is false.
pub fn low_rank_forward_bf16<'a>(
    layer: LowRank<'a>,
    x: &'a [f32],
    hidden: &'a mut [f32],
    y: &'a mut [f32],
    epilogue: Epilogue<'a>,
) -> Result<(), Error> {
    let kernels = bf16_kernels().ok_or(Error::NoBf16)?;
    forward_with(kernels, learngene_pool::threads(), layer, x, hidden, y, epilogue)
}

pub(crate) fn forward_with<'a>(
    kernels: Kernels,
    threads: usize,
    layer: LowRank<'a>,
    x: &'a [f32],
    hidden: &'a mut [f32],
    y: &'a mut [f32],
    epilogue: Epilogue<'a>,
) -> Result<(), Error> {
    layer.check_forward(x, hidden, y)?;
    check_epilogue(&epilogue, layer.rows, layer.outputs)?;
    if let Some(parts) = sweep::parts(&kernels, threads, &[layer]) {
        let epilogue = shared_epilogue(epilogue, layer.outputs, 1.0);
        let call = sweep::Forward { layer, hidden: SendPtr::new(hidden), y: SendPtr::new(y), epilogue };
        sweep::forward(kernels, parts, x, &[call]);
        return Ok(());
    }
    run_many(&layer.narrow(kernels, (x, layer.inputs), |f| f.v, SendPtr::new(hidden)), threads, 0, &|_| {});
    let hidden = hidden.as_ptr();
    let tails = layer.tails(hidden, |f| f.u);
    LowRank::tails_first(kernels, threads, layer.outputs, &tails, &mut y[..layer.rows * layer.outputs]);
    let epilogue = shared_epilogue(epilogue, layer.outputs, 1.0);
    layer.widen(kernels, layer.outputs, hidden, &tails, |f| f.u, SendPtr::new(y), epilogue).run(threads);
    Ok(())
}
