//! What follows the sums of a convolution.

use learngene_gemm::{Epilogue, Then};
use learngene_pool::SendPtr;

use super::After;
use crate::elementwise::for_parts;
use crate::unary::{Unary, unary};

/// The activations that are applied to sums in registers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Nothing,
    Relu,
    Silu,
}

/// [`After`], sorted by where each part is done.
#[derive(Clone, Copy)]
pub(super) struct Ending<'a> {
    pub bias: Option<&'a [f32]>,
    pub residual: Option<&'a [f32]>,
    pub last: Last,
    activation: Option<(Unary, f32)>,
}

impl<'a> Ending<'a> {
    pub fn of(After { bias, residual, activation }: After<'a>) -> Self {
        let last = match activation {
            Some((Unary::Relu, _)) => Last::Relu,
            Some((Unary::Silu, _)) => Last::Silu,
            _ => Last::Nothing,
        };
        Self { bias, residual, last, activation }
    }

    /// What a product does of it.
    pub fn epilogue(&self) -> Epilogue<'a> {
        let then = if self.silu_in_product() { Then::Silu } else { Then::Store };
        Epilogue { bias: self.bias, then, ..Epilogue::default() }
    }

    fn silu_in_product(&self) -> bool {
        self.residual.is_none() && self.last == Last::Silu
    }

    /// What [`Self::epilogue`] leaves of it, for the numbers of y from `start` on.
    pub fn after_product(&self, start: usize, y: &mut [f32]) {
        if let Some(residual) = self.residual {
            y.iter_mut().zip(&residual[start..]).for_each(|(y, &x)| *y += x);
        }
        if let Some((function, parameter)) = self.activation.filter(|_| !self.silu_in_product()) {
            in_place(function, parameter, y);
        }
    }

    /// [`Self::after_product`] of all of y, on all threads.
    pub fn after_product_on_all(&self, y: &mut [f32]) {
        if self.residual.is_none() && (self.activation.is_none() || self.silu_in_product()) {
            return;
        }
        let out = SendPtr::new(y);
        for_parts(y.len(), &|range| {
            // SAFETY: parts are disjoint.
            self.after_product(range.start, unsafe { out.slice_mut(range.clone()) });
        });
    }

    /// The activation where it is none of [`Last`], for all of y.
    pub fn other_activation(&self, y: &mut [f32]) {
        if let (Last::Nothing, Some(_)) = (self.last, self.activation) {
            Ending { residual: None, ..*self }.after_product_on_all(y);
        }
    }
}

fn in_place(function: Unary, parameter: f32, y: &mut [f32]) {
    const STEP: usize = 1024;
    let mut copy = [0.0; STEP];
    for part in y.chunks_mut(STEP) {
        let copy = &mut copy[..part.len()];
        copy.copy_from_slice(part);
        unary(function, copy, part, parameter, 0.0);
    }
}
