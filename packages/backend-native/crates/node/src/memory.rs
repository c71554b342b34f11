//! Memory for tensors: aligned to cache lines, with huge pages where that pays.

use std::alloc::{Layout, alloc, dealloc};
use std::mem::MaybeUninit;

use learngene_pool::{HUGE_PAGE, advise_huge};
use napi::bindgen_prelude::{Float32Array, Result};
use napi::{Error, Status};
use napi_derive::napi;

/// One cache line, and one AVX-512 register.
const ALIGNMENT: usize = 64;

fn layout(elements: usize) -> Option<Layout> {
    let bytes = elements.checked_mul(size_of::<f32>())?.max(ALIGNMENT);
    Layout::from_size_align(bytes, if bytes >= HUGE_PAGE { HUGE_PAGE } else { ALIGNMENT }).ok()
}

/// A Float32Array of zeros, aligned to 64 bytes, freed when JavaScript collects it.
#[napi]
pub fn allocate(elements: u32) -> Result<Float32Array> {
    let elements = elements as usize;
    let fail = || Error::new(Status::GenericFailure, format!("out of memory for {elements} float32 elements"));
    let layout = layout(elements).ok_or_else(fail)?;
    // SAFETY: the size is not zero.
    let pointer = unsafe { alloc(layout) };
    if pointer.is_null() {
        return Err(fail());
    }
    // SAFETY: the memory is `layout.size()` bytes long; nothing is said about what they hold.
    advise_huge(unsafe { std::slice::from_raw_parts_mut(pointer.cast::<MaybeUninit<u8>>(), layout.size()) });
    // SAFETY: the memory is `layout.size()` bytes long; writing it makes it initialised.
    unsafe { pointer.write_bytes(0, layout.size()) };
    let free = move |data: *mut f32, _length: usize| {
        // A thread of JavaScript that is ended frees its arrays before its cleanup hooks run: what it began may use them.
        learngene_pool::wait();
        // SAFETY: allocated above with this layout; called once, when the array is collected.
        unsafe { dealloc(data.cast(), layout) };
    };
    // SAFETY: the memory is aligned, initialised, long enough, and lives until `free` is called.
    Ok(unsafe { Float32Array::with_external_data(pointer.cast(), elements, free) })
}
