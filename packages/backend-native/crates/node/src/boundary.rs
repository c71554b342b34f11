//! Typed arrays as slices, and the checks that make that sound.
//!
//! JavaScript cannot run, and so cannot free or resize an array, while a synchronous addon function runs. Other
//! JavaScript threads could write a SharedArrayBuffer meanwhile: arrays over one are refused.

use std::ops::{Deref, DerefMut};

use napi::bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue};
use napi::{Error, Result, Status, ValueType, sys};

fn invalid(message: String) -> Error {
    Error::new(Status::InvalidArg, message)
}

struct RawArray {
    kind: sys::napi_typedarray_type,
    data: *mut std::ffi::c_void,
    length: usize,
}

/// # Safety
/// `env` and `value` come from the running call.
unsafe fn raw_array(env: sys::napi_env, value: sys::napi_value) -> Result<RawArray> {
    let mut array = RawArray { kind: 0, data: std::ptr::null_mut(), length: 0 };
    let mut buffer = std::ptr::null_mut();
    let mut offset = 0;
    // SAFETY: all out-pointers are to live locals; a value of another kind gives an error status.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env,
            value,
            &mut array.kind,
            &mut array.length,
            &mut array.data,
            &mut buffer,
            &mut offset,
        )
    };
    if status != sys::Status::napi_ok {
        return Err(invalid("expected a typed array".into()));
    }
    Ok(array)
}

macro_rules! arrays {
    ($($(#[$meta:meta])* $name:ident $mutable:ident $element:ty, $kind:path, $title:literal;)*) => {
        $(
            $(#[$meta])*
            pub struct $name {
                data: *const $element,
                length: usize,
            }
            // SAFETY: the memory is JavaScript's, which keeps it until the call is done (see `crate::later`), and is
            // written by one call at a time.
            unsafe impl Send for $name {}
            impl TypeName for $name {
                fn type_name() -> &'static str {
                    $title
                }
                fn value_type() -> ValueType {
                    ValueType::Object
                }
            }
            impl ValidateNapiValue for $name {}
            impl FromNapiValue for $name {
                unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
                    // SAFETY: handed on from the running call.
                    let array = unsafe { raw_array(env, value)? };
                    if array.kind != $kind {
                        return Err(invalid(concat!("expected a ", $title).into()));
                    }
                    let data = if array.length == 0 { std::ptr::NonNull::dangling().as_ptr() } else { array.data.cast() };
                    Ok(Self { data, length: array.length })
                }
            }
            impl Deref for $name {
                type Target = [$element];
                #[inline]
                fn deref(&self) -> &[$element] {
                    // SAFETY: the array lives for the call and JavaScript does not run meanwhile; typed arrays are
                    // aligned to their elements.
                    unsafe { std::slice::from_raw_parts(self.data, self.length) }
                }
            }
            /// As the type it is named after, to be written: it must overlap no other argument ([`disjoint`]).
            pub struct $mutable($name);
            impl TypeName for $mutable {
                fn type_name() -> &'static str {
                    $title
                }
                fn value_type() -> ValueType {
                    ValueType::Object
                }
            }
            impl ValidateNapiValue for $mutable {}
            impl FromNapiValue for $mutable {
                unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
                    // SAFETY: handed on from the running call.
                    unsafe { $name::from_napi_value(env, value) }.map($mutable)
                }
            }
            impl Deref for $mutable {
                type Target = [$element];
                #[inline]
                fn deref(&self) -> &[$element] {
                    &self.0
                }
            }
            impl DerefMut for $mutable {
                #[inline]
                fn deref_mut(&mut self) -> &mut [$element] {
                    // SAFETY: as for reading; that nothing else refers to the memory was checked by `disjoint`.
                    unsafe { std::slice::from_raw_parts_mut(self.0.data.cast_mut(), self.0.length) }
                }
            }
        )*
    };
}

arrays! {
    /// A Float32Array that is read.
    F32 F32Mut f32, sys::TypedarrayType::float32_array, "Float32Array";
    /// An Int32Array that is read.
    I32 I32Mut i32, sys::TypedarrayType::int32_array, "Int32Array";
    /// A Uint32Array that is read.
    U32 U32Mut u32, sys::TypedarrayType::uint32_array, "Uint32Array";
    /// A Uint8Array that is read.
    U8 U8Mut u8, sys::TypedarrayType::uint8_array, "Uint8Array";
    /// A Float64Array that is read.
    F64 F64Mut f64, sys::TypedarrayType::float64_array, "Float64Array";
}

/// The bytes that an array covers.
pub trait Extent {
    /// Addresses of the first byte and of the one after the last.
    fn extent(&self) -> (usize, usize);
}
impl<T> Extent for [T] {
    fn extent(&self) -> (usize, usize) {
        let range = self.as_ptr_range();
        (range.start as usize, range.end as usize)
    }
}

/// Fails unless each output shares no byte with another output or an input.
pub fn disjoint(outputs: &[&dyn Extent], inputs: &[&dyn Extent]) -> Result<()> {
    let overlap = |a: &dyn Extent, b: &dyn Extent| {
        let ((a0, a1), (b0, b1)) = (a.extent(), b.extent());
        a0 < b1 && b0 < a1
    };
    for (index, &output) in outputs.iter().enumerate() {
        let others = outputs[index + 1..].iter().chain(inputs);
        for &other in others {
            if overlap(output, other) {
                return Err(invalid("an output array overlaps another argument".into()));
            }
        }
    }
    Ok(())
}

/// Fails unless `length` is `expected`, naming the argument.
pub fn check_len(name: &str, length: usize, expected: usize) -> Result<()> {
    if length == expected {
        Ok(())
    } else {
        Err(invalid(format!("{name}: expected {expected} elements, got {length}")))
    }
}

/// The product of sizes from JavaScript; fails where it does not fit.
pub fn product(name: &str, sizes: &[u32]) -> Result<usize> {
    sizes
        .iter()
        .try_fold(1usize, |total, &size| total.checked_mul(size as usize))
        .ok_or_else(|| invalid(format!("{name}: {sizes:?} has too many elements")))
}

macro_rules! extents {
    ($($name:ident)*) => {
        $(impl Extent for $name {
            fn extent(&self) -> (usize, usize) {
                (**self).extent()
            }
        })*
    };
}
extents!(F32 F32Mut I32 I32Mut U32 U32Mut U8 U8Mut F64 F64Mut);
