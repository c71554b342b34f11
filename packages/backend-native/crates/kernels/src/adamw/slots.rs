//! Where the values of a step come from and go to.

use std::ops::Range;

use learngene_pool::SendPtr;

use crate::stream::Streams;

/// Values before the step and where they go.
pub enum Slot<'a> {
    /// The new values take the place of the old.
    Over(&'a mut [f32]),
    /// The new values go elsewhere.
    Into {
        /// Before the step.
        old: &'a [f32],
        /// After it.
        new: &'a mut [f32],
    },
}

impl Slot<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Slot::Over(values) => values.len(),
            Slot::Into { old, new } => {
                assert_eq!(old.len(), new.len());
                old.len()
            }
        }
    }

    pub(super) fn raw(&mut self) -> Raw {
        match self {
            Slot::Over(values) => {
                let new = SendPtr::new(values);
                Raw { old: new, new, over: true }
            }
            Slot::Into { old, new } => {
                Raw { old: SendPtr(old.as_ptr().cast_mut()), new: SendPtr::new(new), over: false }
            }
        }
    }
}

/// A [`Slot`] that tasks share; `old` is only read.
#[derive(Clone, Copy)]
pub(super) struct Raw {
    old: SendPtr<f32>,
    new: SendPtr<f32>,
    /// Whether the new values take the place of the old.
    pub over: bool,
}

impl Raw {
    /// The values before the step.
    ///
    /// # Safety
    /// The range is within the slot and belongs to this task; no slice of `store` is alive.
    pub unsafe fn load<'a>(&self, range: Range<usize>) -> &'a [f32] {
        // SAFETY: promised by the caller.
        unsafe { std::slice::from_raw_parts(self.old.0.add(range.start), range.len()) }
    }

    /// The values, where the new ones take their place.
    ///
    /// # Safety
    /// The slot is [`Raw::over`]; the range is within it and belongs to this task; no other slice of it is alive.
    pub unsafe fn over<'a>(&self, range: Range<usize>) -> &'a mut [f32] {
        // SAFETY: promised by the caller.
        unsafe { self.new.slice_mut(range) }
    }

    /// Stores values after the step.
    ///
    /// # Safety
    /// The range, which starts at `start`, is within the slot and belongs to this task; no slice of `load` is alive.
    pub unsafe fn store(&self, start: usize, values: &[f32], streams: Streams) {
        // SAFETY: promised by the caller.
        let new = unsafe { self.new.slice_mut(start..start + values.len()) };
        // lines that were just read are in the cache already
        if self.over { new.copy_from_slice(values) } else { streams.copy(values, new) }
    }
}
