//! Group normalisation.

use learngene_kernels::group_norm::{self, Activation, GroupNorm, Saved};
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::boundary::{F32, F32Mut, check_len, disjoint};
use crate::elementwise::operation;

fn sizes_of(x: usize, channels: usize, batch: u32, groups: u32, epsilon: f64, activation: u32) -> Result<GroupNorm> {
    let (batch, groups) = (batch as usize, groups as usize);
    if groups == 0 || !channels.is_multiple_of(groups) {
        let message = format!("groups: expected a divisor of {channels}, got {groups}");
        return Err(Error::new(Status::InvalidArg, message));
    }
    let row = batch.saturating_mul(channels);
    let pixels = x.checked_div(row).unwrap_or(0);
    check_len("x", x, row * pixels)?;
    let activation = operation(Activation::ALL, activation)?;
    Ok(GroupNorm { batch, pixels, channels, groups, epsilon: epsilon as f32, activation })
}

/// y, and mean and 1 / standard deviation of every group, [N, G]; x and y [N, S, C], gamma and beta [C]. The activation:
/// 0 none, 1 ReLU, 2 SiLU.
#[napi]
pub fn group_norm(
    x: F32,
    gamma: F32,
    beta: F32,
    mut y: F32Mut,
    mut mean: F32Mut,
    mut rstd: F32Mut,
    batch: u32,
    groups: u32,
    epsilon: f64,
    activation: u32,
) -> Result<()> {
    let sizes = sizes_of(x.len(), gamma.len(), batch, groups, epsilon, activation)?;
    check_len("beta", beta.len(), sizes.channels)?;
    check_len("y", y.len(), x.len())?;
    check_len("mean", mean.len(), sizes.batch * sizes.groups)?;
    check_len("rstd", rstd.len(), sizes.batch * sizes.groups)?;
    disjoint(&[&y, &mean, &rstd], &[&x, &gamma, &beta])?;
    group_norm::group_norm(&sizes, &x, &gamma, &beta, &mut y, &mut mean, &mut rstd);
    Ok(())
}

/// The gradients of `group_norm` by x, gamma and beta.
#[napi]
pub fn group_norm_grad(
    x: F32,
    dy: F32,
    gamma: F32,
    beta: F32,
    mean: F32,
    rstd: F32,
    mut dx: F32Mut,
    mut dgamma: F32Mut,
    mut dbeta: F32Mut,
    batch: u32,
    groups: u32,
    activation: u32,
) -> Result<()> {
    let sizes = sizes_of(x.len(), gamma.len(), batch, groups, 0.0, activation)?;
    check_len("beta", beta.len(), sizes.channels)?;
    check_len("dy", dy.len(), x.len())?;
    check_len("dx", dx.len(), x.len())?;
    check_len("mean", mean.len(), sizes.batch * sizes.groups)?;
    check_len("rstd", rstd.len(), sizes.batch * sizes.groups)?;
    check_len("dgamma", dgamma.len(), sizes.channels)?;
    check_len("dbeta", dbeta.len(), sizes.channels)?;
    disjoint(&[&dx, &dgamma, &dbeta], &[&x, &dy, &gamma, &beta, &mean, &rstd])?;
    let saved = Saved { x: &x, gamma: &gamma, beta: &beta, mean: &mean, rstd: &rstd };
    group_norm::group_norm_grad(&sizes, saved, &dy, &mut dx, &mut dgamma, &mut dbeta);
    Ok(())
}
