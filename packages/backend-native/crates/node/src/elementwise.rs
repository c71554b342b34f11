//! Elementwise kernels.

use learngene_kernels::binary::{self, Arithmetic, Comparison, Logical};
use learngene_kernels::broadcast::{Broadcast, MAX_RANK};
use learngene_kernels::elementwise;
use learngene_kernels::unary::{self, Unary};
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::boundary::{F32, F32Mut, I32, I32Mut, U8, U8Mut, check_len, disjoint};
use crate::later::later;

/// The operation of a number from JavaScript.
pub fn operation<T: Copy>(all: &[T], number: u32) -> Result<T> {
    all.get(number as usize)
        .copied()
        .ok_or_else(|| Error::new(Status::InvalidArg, format!("op: expected less than {}, got {number}", all.len())))
}

/// The operations of a family (`arithmetic`, `comparison`, `logical`, `unary`, `reduction`) by their number.
#[napi]
pub fn operation_names(family: String) -> Vec<String> {
    fn names<T: std::fmt::Debug>(all: &[T]) -> Vec<String> {
        all.iter().map(|op| format!("{op:?}")).collect()
    }
    match family.as_str() {
        "arithmetic" => names(Arithmetic::ALL),
        "comparison" => names(Comparison::ALL),
        "logical" => names(Logical::ALL),
        "unary" => names(Unary::ALL),
        "reduction" => names(learngene_kernels::reduce::Reduction::ALL),
        _ => Vec::new(),
    }
}

/// The plan for two operands, from `[rank of a, rank of b, sizes of a, sizes of b]` (what follows is not looked at);
/// empty where the lengths say everything.
fn plan(shapes: &I32, a: usize, b: usize, y: usize) -> Result<Broadcast> {
    let invalid = || Error::new(Status::InvalidArg, format!("shapes: expected two shapes, got {:?}", &shapes[..]));
    let plan = if shapes.is_empty() {
        Broadcast::new(&[a], &[b])
    } else {
        let mut sizes = [0; 2 * MAX_RANK];
        let rank = |at: usize| shapes.get(at).and_then(|&rank| usize::try_from(rank).ok()).filter(|&r| r <= MAX_RANK);
        let (a_rank, b_rank) = (rank(0).ok_or_else(invalid)?, rank(1).ok_or_else(invalid)?);
        let given = shapes.get(2..2 + a_rank + b_rank).ok_or_else(invalid)?;
        for (size, &given) in sizes.iter_mut().zip(given) {
            *size = usize::try_from(given).map_err(|_| invalid())?;
        }
        let (a_shape, b_shape) = sizes[..a_rank + b_rank].split_at(a_rank);
        let count = |shape: &[usize]| shape.iter().try_fold(1usize, |total, &size| total.checked_mul(size));
        check_len("a", a, count(a_shape).unwrap_or(usize::MAX))?;
        check_len("b", b, count(b_shape).unwrap_or(usize::MAX))?;
        Broadcast::new(a_shape, b_shape)
    };
    let plan = plan.ok_or_else(|| Error::new(Status::InvalidArg, "shapes: cannot be broadcast".to_string()))?;
    check_len("y", y, plan.len())?;
    Ok(plan)
}

macro_rules! binary_functions {
    ($($(#[$meta:meta])* $name:ident $kind:ident $in:ty => $out:ty;)*) => {
        $(
            $(#[$meta])*
            #[napi]
            pub fn $name(op: u32, shapes: I32, a: $in, b: $in, mut y: $out) -> Result<()> {
                let plan = plan(&shapes, a.len(), b.len(), y.len())?;
                disjoint(&[&y], &[&a, &b])?;
                let op = operation($kind::ALL, op)?;
                later(stringify!($name), move || {
                    binary::$name(op, &plan, &a, &b, &mut y);
                    Ok(())
                })
            }
        )*
    };
}
binary_functions! {
    /// y = op(a, b). `shapes`: `[rank of a, rank of b, sizes of a, sizes of b]`, or empty for arrays of one length or of length 1.
    arithmetic Arithmetic F32 => F32Mut;
    /// As `arithmetic`, for comparisons.
    comparison Comparison F32 => U8Mut;
    /// As `arithmetic`, for booleans.
    logical Logical U8 => U8Mut;
}

/// y = f(x; p, q).
#[napi]
pub fn unary(op: u32, x: F32, mut y: F32Mut, p: f64, q: f64) -> Result<()> {
    check_len("y", y.len(), x.len())?;
    disjoint(&[&y], &[&x])?;
    let op = operation(Unary::ALL, op)?;
    later("unary", move || {
        unary::unary(op, &x, &mut y, p as f32, q as f32);
        Ok(())
    })
}

/// y = a + b over arrays of one length.
#[napi]
pub fn add(a: F32, b: F32, mut y: F32Mut) -> Result<()> {
    check_len("b", b.len(), a.len())?;
    check_len("y", y.len(), a.len())?;
    disjoint(&[&y], &[&a, &b])?;
    elementwise::add_n(&[&a, &b], &mut y);
    Ok(())
}

/// The sum of arrays of one length, in their order.
#[napi]
pub fn add_n(terms: Vec<F32>, mut y: F32Mut) -> Result<()> {
    if terms.is_empty() {
        return Err(Error::new(Status::InvalidArg, "terms: expected at least one".to_string()));
    }
    for term in &terms {
        check_len("terms", term.len(), y.len())?;
        disjoint(&[&y], &[term])?;
    }
    later("addN", move || {
        let slices: Vec<&[f32]> = terms.iter().map(|term| &term[..]).collect();
        elementwise::add_n(&slices, &mut y);
        Ok(())
    })
}

/// y = t where the condition holds, e elsewhere; an element of the condition may rule several neighbours.
#[napi]
pub fn select(condition: U8, t: F32, e: F32, mut y: F32Mut) -> Result<()> {
    check_len("t", t.len(), y.len())?;
    check_len("e", e.len(), y.len())?;
    if !y.is_empty() && (condition.is_empty() || !y.len().is_multiple_of(condition.len())) {
        return Err(Error::new(
            Status::InvalidArg,
            format!("condition: expected a divisor of {} elements, got {}", y.len(), condition.len()),
        ));
    }
    disjoint(&[&y], &[&condition, &t, &e])?;
    elementwise::select(&condition, &t, &e, &mut y);
    Ok(())
}

/// y = value everywhere.
#[napi]
pub fn fill(value: f64, mut y: F32Mut) -> Result<()> {
    later("fill", move || {
        elementwise::fill(value as f32, &mut y);
        Ok(())
    })
}

macro_rules! casts {
    ($($(#[$meta:meta])* $name:ident $function:ident $in:ty => $out:ty;)*) => {
        $(
            $(#[$meta])*
            #[napi]
            pub fn $name(x: $in, mut y: $out) -> Result<()> {
                check_len("y", y.len(), x.len())?;
                disjoint(&[&y], &[&x])?;
                elementwise::$function(&x, &mut y);
                Ok(())
            }
        )*
    };
}
casts! {
    /// Truncated, modulo 2^32, as JavaScript converts.
    float_to_int f32_to_i32 F32 => I32Mut;
    /// 1 for all but 0.
    float_to_bool f32_to_bool F32 => U8Mut;
    /// The nearest floats.
    int_to_float i32_to_f32 I32 => F32Mut;
    /// 0 and 1 as floats.
    bool_to_float u8_to_f32 U8 => F32Mut;
    /// Logical negation.
    logical_not not U8 => U8Mut;
}
