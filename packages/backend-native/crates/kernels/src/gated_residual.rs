//! x + gate y with one gate a sample and channel.

use learngene_pool::SendPtr;
use learngene_simd::{Isa, dispatch};

use crate::modulate::Tokens;

dispatch! {
    fn add_gated(x: &[f32], gate: &[f32], y: &[f32], out: &mut [f32]) = add_gated_with;
}
#[inline(always)]
fn add_gated_with<S: Isa>(x: &[f32], gate: &[f32], y: &[f32], out: &mut [f32]) {
    let width = gate.len();
    let rows = x.chunks_exact(width).zip(y.chunks_exact(width)).zip(out.chunks_exact_mut(width));
    for ((x, y), out) in rows {
        for (((out, &x), &y), &gate) in out.iter_mut().zip(x).zip(y).zip(gate) {
            *out = S::fma(gate, y, x);
        }
    }
}

dispatch! {
    fn grad_rows(dy: &[f32], gate: &[f32], y: &[f32], dbranch: &mut [f32], dgate: &mut [f32]) = grad_rows_with;
}
#[inline(always)]
fn grad_rows_with<S: Isa>(dy: &[f32], gate: &[f32], y: &[f32], dbranch: &mut [f32], dgate: &mut [f32]) {
    let width = gate.len();
    let rows = dy.chunks_exact(width).zip(y.chunks_exact(width)).zip(dbranch.chunks_exact_mut(width));
    for ((dy, y), dbranch) in rows {
        let columns = dbranch.iter_mut().zip(dgate.iter_mut()).zip(dy).zip(y).zip(gate);
        for ((((dbranch, dgate), &dy), &y), &gate) in columns {
            *dbranch = dy * gate;
            *dgate = S::fma(dy, y, *dgate);
        }
    }
}

/// out = x + gate y; x, y, out [N, T, D], gate [N, D].
pub fn gated_residual(sizes: Tokens, x: &[f32], gate: &[f32], y: &[f32], out: &mut [f32]) {
    let (grouping, width) = (sizes.grouping(), sizes.width);
    assert!(x.len() == grouping.elements() && y.len() == x.len() && out.len() == x.len());
    assert_eq!(gate.len(), sizes.samples * width);
    if x.is_empty() {
        return;
    }
    let out = SendPtr::new(out);
    grouping.for_chunks(&|sample, _, first, last| {
        let range = first * width..last * width;
        // SAFETY: chunks are disjoint runs of rows within the output.
        let out = unsafe { out.slice_mut(range.clone()) };
        add_gated(&x[range.clone()], &gate[sample * width..(sample + 1) * width], &y[range], out);
    });
}

/// The gradient of [`gated_residual`]: dgate [N, D] = Σ_t dy y, dbranch [N, T, D] = dy gate. That of x is dy.
pub fn gated_residual_grad(sizes: Tokens, dy: &[f32], gate: &[f32], y: &[f32], dgate: &mut [f32], dbranch: &mut [f32]) {
    let (grouping, width) = (sizes.grouping(), sizes.width);
    assert!(dy.len() == grouping.elements() && y.len() == dy.len() && dbranch.len() == dy.len());
    assert!(gate.len() == sizes.samples * width && dgate.len() == gate.len());
    if dy.is_empty() {
        dgate.fill(0.0);
        return;
    }
    let dbranch = SendPtr::new(dbranch);
    grouping.reduce([dgate], &|sample, first, last, dgate| {
        let range = first * width..last * width;
        // SAFETY: chunks are disjoint runs of rows within the output.
        let dbranch = unsafe { dbranch.slice_mut(range.clone()) };
        grad_rows(&dy[range.clone()], &gate[sample * width..(sample + 1) * width], &y[range], dbranch, dgate);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::{close, values};

    #[test]
    fn forward_and_gradient_of_any_size() {
        for (samples, tokens, width) in [(0, 3, 4), (2, 0, 4), (1, 1, 1), (3, 5, 17), (2, 300, 96), (4, 64, 384)] {
            let sizes = Tokens { samples, tokens, width };
            let size = samples * tokens * width;
            let (x, y, gate) = (values(size, 1, 1.0), values(size, 2, 1.0), values(samples * width, 3, 1.0));
            let at = |i: usize| i / (tokens * width) * width + i % width;
            let mut out = vec![f32::NAN; size];
            gated_residual(sizes, &x, &gate, &y, &mut out);
            let want = |f: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..size).map(f).collect() };
            close(&out, &want(&|i| f64::from(x[i]) + f64::from(gate[at(i)]) * f64::from(y[i])), 1e-6);
            let (mut dgate, mut dbranch) = (vec![f32::NAN; gate.len()], vec![f32::NAN; size]);
            gated_residual_grad(sizes, &x, &gate, &y, &mut dgate, &mut dbranch);
            close(&dbranch, &want(&|i| f64::from(x[i]) * f64::from(gate[at(i)])), 1e-6);
            let mut sums = vec![0.0; gate.len()];
            (0..size).for_each(|i| sums[at(i)] += f64::from(x[i]) * f64::from(y[i]));
            close(&dgate, &sums, 1e-5);
        }
    }
}
