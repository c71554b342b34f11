//! Convolutions, pooling, resizing and normalisation of images.

use learngene_kernels::batch_norm;
use learngene_kernels::conv::{self, After, Conv};
use learngene_kernels::depthwise::{self, Depthwise};
use learngene_kernels::pool2d::{self, Pool};
use learngene_kernels::resize::{self, Method, Resize};
use learngene_kernels::unary::Unary;
use learngene_kernels::window::{Axis, Window};
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::boundary::{F32, F32Mut, I32, check_len, disjoint};
use crate::elementwise::operation;

/// Every size of a window is below this: products of sizes that have arrays behind them cannot overflow.
const LIMIT: i32 = 1 << 28;

fn invalid(message: String) -> Error {
    Error::new(Status::InvalidArg, message)
}

/// `[batch, height, width, channels, out height, out width, filter height, filter width, stride down, stride across,
/// dilation down, dilation across, padding above, padding left, filters or multiplier]`.
fn window(sizes: &I32) -> Result<(Window, usize)> {
    let given: &[i32; 15] =
        sizes[..].try_into().map_err(|_| invalid(format!("sizes: expected 15 numbers, got {}", sizes.len())))?;
    if given.iter().any(|size| !(0..LIMIT).contains(size)) || given[8..12].contains(&0) {
        return Err(invalid(format!("sizes: expected sizes below {LIMIT} and steps of at least 1, got {given:?}")));
    }
    let at = |index: usize| given[index] as usize;
    let axis = |d: usize| Axis {
        size: at(1 + d),
        out: at(4 + d),
        kernel: at(6 + d),
        stride: at(8 + d),
        dilation: at(10 + d),
        pad: at(12 + d),
    };
    let window = Window { batch: at(0), rows: axis(0), columns: axis(1), channels: at(3) };
    let product = |sizes: &[usize]| sizes.iter().try_fold(1usize, |total, &size| total.checked_mul(size));
    let fits = [
        product(&[at(0), at(1), at(2), at(3)]),
        product(&[at(0), at(4), at(5), at(3), at(14)]),
        product(&[at(6), at(7), at(3), at(14)]),
    ];
    if fits.contains(&None) {
        return Err(invalid(format!("sizes: {given:?} are too large")));
    }
    Ok((window, at(14)))
}

fn conv_of(sizes: &I32, x: usize, w: usize, y: usize) -> Result<Conv> {
    let (window, filters) = window(sizes)?;
    let conv = Conv { window, filters };
    check_len("x", x, window.inputs())?;
    check_len("filter", w, conv.weights())?;
    check_len("y", y, conv.outputs())?;
    Ok(conv)
}

/// y = activation(x * filter + bias + residual); an empty bias or residual is none, an activation of -1 too.
#[napi(js_name = "conv2d")]
pub fn conv2d(
    sizes: I32,
    x: F32,
    filter: F32,
    mut y: F32Mut,
    bias: F32,
    activation: i32,
    parameter: f64,
    residual: F32,
) -> Result<()> {
    let conv = conv_of(&sizes, x.len(), filter.len(), y.len())?;
    let has_bias = !bias.is_empty();
    if has_bias {
        check_len("bias", bias.len(), conv.filters)?;
    }
    let has_residual = !residual.is_empty();
    if has_residual {
        check_len("residual", residual.len(), y.len())?;
    }
    disjoint(&[&y], &[&x, &filter, &bias, &residual])?;
    let activation = match u32::try_from(activation) {
        Ok(number) => Some((operation(Unary::ALL, number)?, parameter as f32)),
        Err(_) => None,
    };
    let bias = has_bias.then_some(&bias[..]);
    let residual = has_residual.then_some(&residual[..]);
    conv::conv2d(&conv, &x, &filter, After { bias, residual, activation }, &mut y);
    Ok(())
}

/// The gradient of `conv2d` by its input.
#[napi(js_name = "conv2dInputGrad")]
pub fn conv2d_input_grad(sizes: I32, dy: F32, filter: F32, mut dx: F32Mut) -> Result<()> {
    let conv = conv_of(&sizes, dx.len(), filter.len(), dy.len())?;
    disjoint(&[&dx], &[&dy, &filter])?;
    conv::conv2d_input_grad(&conv, &dy, &filter, &mut dx);
    Ok(())
}

/// The gradient of `conv2d` by its filter.
#[napi(js_name = "conv2dFilterGrad")]
pub fn conv2d_filter_grad(sizes: I32, x: F32, dy: F32, mut dw: F32Mut) -> Result<()> {
    let conv = conv_of(&sizes, x.len(), dw.len(), dy.len())?;
    disjoint(&[&dw], &[&x, &dy])?;
    conv::conv2d_filter_grad(&conv, &x, &dy, &mut dw);
    Ok(())
}

fn depthwise_of(sizes: &I32, x: usize, w: usize, y: usize) -> Result<Depthwise> {
    let (window, multiplier) = window(sizes)?;
    let depthwise = Depthwise { window, multiplier };
    check_len("x", x, window.inputs())?;
    check_len("filter", w, depthwise.weights())?;
    check_len("y", y, depthwise.outputs())?;
    Ok(depthwise)
}

/// y = x * filter, channel by channel.
#[napi]
pub fn depthwise(sizes: I32, x: F32, filter: F32, mut y: F32Mut) -> Result<()> {
    let depthwise = depthwise_of(&sizes, x.len(), filter.len(), y.len())?;
    disjoint(&[&y], &[&x, &filter])?;
    depthwise::depthwise(&depthwise, &x, &filter, &mut y);
    Ok(())
}

/// The gradient of `depthwise` by its input.
#[napi]
pub fn depthwise_input_grad(sizes: I32, dy: F32, filter: F32, mut dx: F32Mut) -> Result<()> {
    let depthwise = depthwise_of(&sizes, dx.len(), filter.len(), dy.len())?;
    disjoint(&[&dx], &[&dy, &filter])?;
    depthwise::depthwise_input_grad(&depthwise, &dy, &filter, &mut dx);
    Ok(())
}

/// The gradient of `depthwise` by its filter.
#[napi]
pub fn depthwise_filter_grad(sizes: I32, x: F32, dy: F32, mut dw: F32Mut) -> Result<()> {
    let depthwise = depthwise_of(&sizes, x.len(), dw.len(), dy.len())?;
    disjoint(&[&dw], &[&x, &dy])?;
    depthwise::depthwise_filter_grad(&depthwise, &x, &dy, &mut dw);
    Ok(())
}

fn pool_of(max: bool) -> Pool {
    if max { Pool::Max } else { Pool::Average }
}

/// The largest numbers, or the means, of windows.
#[napi(js_name = "pool2d")]
pub fn pool2d(max: bool, sizes: I32, x: F32, mut y: F32Mut) -> Result<()> {
    let (window, _) = window(&sizes)?;
    check_len("x", x.len(), window.inputs())?;
    check_len("y", y.len(), window.pixels() * window.channels)?;
    disjoint(&[&y], &[&x])?;
    pool2d::pool2d(pool_of(max), &window, &x, &mut y);
    Ok(())
}

/// The gradient of `pool2d`; a mean does not look at x, which may then be empty.
#[napi(js_name = "pool2dGrad")]
pub fn pool2d_grad(max: bool, sizes: I32, x: F32, dy: F32, mut dx: F32Mut) -> Result<()> {
    let (window, _) = window(&sizes)?;
    check_len("dx", dx.len(), window.inputs())?;
    if max {
        check_len("x", x.len(), window.inputs())?;
    }
    check_len("dy", dy.len(), window.pixels() * window.channels)?;
    disjoint(&[&dx], &[&x, &dy])?;
    pool2d::pool2d_grad(pool_of(max), &window, &x, &dy, &mut dx);
    Ok(())
}

/// `[batch, height, width, channels, new height, new width, bilinear, align corners, half-pixel centres]`.
fn resize_of(sizes: &I32) -> Result<Resize> {
    let given: &[i32; 9] =
        sizes[..].try_into().map_err(|_| invalid(format!("sizes: expected 9 numbers, got {}", sizes.len())))?;
    let product = |d: [usize; 4]| d.iter().try_fold(1usize, |total, &d| total.checked_mul(given[d].max(0) as usize));
    let fits = product([0, 1, 2, 3]).is_some() && product([0, 4, 5, 3]).is_some();
    if given.iter().any(|&size| size < 0) || !fits {
        return Err(invalid(format!("sizes: expected sizes, got {given:?}")));
    }
    let at = |index: usize| given[index] as usize;
    Ok(Resize {
        method: if given[6] != 0 { Method::Bilinear } else { Method::Nearest },
        batch: at(0),
        from: (at(1), at(2)),
        to: (at(4), at(5)),
        channels: at(3),
        align_corners: given[7] != 0,
        half_pixel_centers: given[8] != 0,
    })
}

/// Images at another size.
#[napi]
pub fn resize(sizes: I32, x: F32, mut y: F32Mut) -> Result<()> {
    let resize = resize_of(&sizes)?;
    check_len("x", x.len(), resize.inputs())?;
    check_len("y", y.len(), resize.outputs())?;
    if x.is_empty() && !y.is_empty() {
        return Err(invalid("x: expected pixels, got none".into()));
    }
    disjoint(&[&y], &[&x])?;
    resize::resize(&resize, &x, &mut y);
    Ok(())
}

/// The gradient of `resize`.
#[napi]
pub fn resize_grad(sizes: I32, dy: F32, mut dx: F32Mut) -> Result<()> {
    let resize = resize_of(&sizes)?;
    check_len("dx", dx.len(), resize.inputs())?;
    check_len("dy", dy.len(), resize.outputs())?;
    disjoint(&[&dx], &[&dy])?;
    resize::resize_grad(&resize, &dy, &mut dx);
    Ok(())
}

/// y = (x - mean) scale / √(variance + ε) + offset; an empty scale or offset is none.
#[napi]
pub fn batch_norm(
    x: F32,
    mean: F32,
    variance: F32,
    scale: F32,
    offset: F32,
    mut y: F32Mut,
    epsilon: f64,
) -> Result<()> {
    let channels = mean.len();
    check_len("y", y.len(), x.len())?;
    check_len("variance", variance.len(), channels)?;
    let (has_scale, has_offset) = (!scale.is_empty(), !offset.is_empty());
    if has_scale {
        check_len("scale", scale.len(), channels)?;
    }
    if has_offset {
        check_len("offset", offset.len(), channels)?;
    }
    if !x.is_empty() && (channels == 0 || !x.len().is_multiple_of(channels)) {
        return Err(invalid(format!("x: expected a multiple of {channels} elements, got {}", x.len())));
    }
    disjoint(&[&y], &[&x, &mean, &variance, &scale, &offset])?;
    let affine = (has_scale.then_some(&scale[..]), has_offset.then_some(&offset[..]));
    batch_norm::batch_norm(&x, (&mean, &variance), affine, epsilon as f32, &mut y);
    Ok(())
}
