//! Random numbers.

use learngene_kernels::normal::{TABLE, normal as fill};
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::boundary::{F32Mut, U32Mut, check_len, disjoint};

/// Fills `values`, 16 or more, with normal numbers from a table of MT19937, which is moved on. Returns the new position.
#[napi]
pub fn normal(mut table: U32Mut, position: u32, mut values: F32Mut, mean: f64, std: f64) -> Result<u32> {
    check_len("table", table.len(), TABLE)?;
    disjoint(&[&table, &values], &[])?;
    if position as usize > TABLE || values.len() < 16 {
        let message = format!("expected a position up to {TABLE} and 16 values, got {position} and {}", values.len());
        return Err(Error::new(Status::InvalidArg, message));
    }
    let table: &mut [u32; TABLE] = (&mut *table).try_into().expect("its length was checked");
    Ok(fill(table, position as usize, &mut values, mean as f32, std as f32) as u32)
}
