//! Elementary functions of float32 in plain arithmetic, so that loops over them vectorise.

#![allow(clippy::excessive_precision)] // constants as they are published

use learngene_simd::{Isa, exp};

/// log x, within 1.5 units in the last place, also of subnormal numbers (polynomial of Cephes, Moshier).
#[inline(always)]
pub fn log<S: Isa>(x: f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * 8_388_608.0 } else { x };
    let bits = scaled.to_bits();
    let exponent = (bits >> 23) as i32 - if subnormal { 126 + 23 } else { 126 };
    let m = f32::from_bits((bits & 0x007f_ffff) | 0x3f00_0000); // in [1/2, 1)
    let small = m < std::f32::consts::FRAC_1_SQRT_2;
    let e = (exponent - i32::from(small)) as f32;
    let m = if small { m - 1.0 + m } else { m - 1.0 };
    let square = m * m;
    let y = 7.037_683_6e-2;
    let y = S::fma(y, m, -1.151_461e-1);
    let y = S::fma(y, m, 1.167_699_9e-1);
    let y = S::fma(y, m, -1.242_014_1e-1);
    let y = S::fma(y, m, 1.424_932_3e-1);
    let y = S::fma(y, m, -1.666_805_8e-1);
    let y = S::fma(y, m, 2.000_071_5e-1);
    let y = S::fma(y, m, -2.499_999_4e-1);
    let y = S::fma(y, m, 3.333_333e-1);
    let y = S::fma(y * m, square, e * -2.121_944_4e-4);
    let y = S::fma(square, -0.5, y);
    let y = S::fma(e, 0.693_359_375, m + y);
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x < 0.0 || x.is_nan() { f32::NAN } else { y }
}

/// log(1 + x) with full relative precision near 0 (Kahan's correction of the rounded 1 + x).
#[inline(always)]
pub fn log1p<S: Isa>(x: f32) -> f32 {
    let u = 1.0 + x;
    let y = log::<S>(u) * (x / (u - 1.0));
    let y = if u == 1.0 { x } else { y };
    if x == f32::INFINITY { x } else { y }
}

/// e^x - 1 with full relative precision near 0.
#[inline(always)]
pub fn expm1<S: Isa>(x: f32) -> f32 {
    // near 0 the Taylor series to x⁸/8!, below 1e-7 of x there
    let p = 2.480_158_7e-5;
    let p = S::fma(p, x, 1.984_127e-4);
    let p = S::fma(p, x, 1.388_888_9e-3);
    let p = S::fma(p, x, 8.333_333e-3);
    let p = S::fma(p, x, 4.166_666_8e-2);
    let p = S::fma(p, x, 1.666_666_7e-1);
    let p = S::fma(p, x, 0.5);
    let near = S::fma(p * x, x, x);
    let far = exp::<S>(x) - 1.0;
    if x.abs() < 0.5 { near } else { far }
}

/// log(1 + e^x).
#[inline(always)]
pub fn softplus<S: Isa>(x: f32) -> f32 {
    let tail = log1p::<S>(exp::<S>(-x.abs()));
    let positive = if x > 0.0 { x } else { 0.0 };
    if x.is_nan() { x } else { positive + tail }
}

/// The error function, within 1 unit in the last place (minimax polynomials of N. Juffa).
#[inline(always)]
pub fn erf<S: Isa>(x: f32) -> f32 {
    let t = x.abs();
    let s = x * x;
    let r = S::fma(-1.728_534_7e-5, t, 3.831_971_3e-4);
    let u = S::fma(-3.883_964_4e-3, t, 2.425_462_2e-2);
    let r = S::fma(r, s, u);
    let r = S::fma(r, t, -1.067_778_8e-1);
    let r = S::fma(r, t, -6.348_468_7e-1);
    let r = S::fma(r, t, -1.287_175_1e-1);
    let r = S::fma(r, t, -t);
    let large = (1.0 - exp::<S>(if t > 4.0 { -20.0 } else { r })).copysign(x);
    let p = -5.967_617e-4;
    let p = S::fma(p, s, 4.991_194_2e-3);
    let p = S::fma(p, s, -2.676_813_5e-2);
    let p = S::fma(p, s, 1.128_199_25e-1);
    let p = S::fma(p, s, -3.761_253_4e-1);
    let p = S::fma(p, s, 1.283_791_7e-1);
    let small = S::fma(p, x, x);
    let y = if t > 0.927_734_4 { large } else { small };
    if x.is_nan() { x } else { y }
}

/// From here on sine and cosine are left to the standard library.
const TRIGONOMETRIC_LIMIT: f32 = 1e6;

/// sin(x + quarters π/2) by reduction in double precision: within 1 unit in the last place.
#[inline(always)]
fn sine_from(x: f32, quarters: i64) -> f32 {
    const MAGIC: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52: adding it rounds to an integer in the low mantissa bits
    let exact = f64::from(x);
    let shifted = exact * std::f64::consts::FRAC_2_PI + MAGIC;
    let n = shifted - MAGIC;
    let r = exact - n * 1.570_796_326_734_125_6 - n * 6.077_100_506_506_192e-11;
    let quadrant = (shifted.to_bits() as i64).wrapping_add(quarters);
    let s = r * r;
    // Taylor, |r| <= π/4: the first term left out is below 2e-11 of the result
    let sin = r + r
        * s
        * (-1.0 / 6.0 + s * (1.0 / 120.0 + s * (-1.0 / 5040.0 + s * (1.0 / 362_880.0 + s * (-1.0 / 39_916_800.0)))));
    let cos = 1.0
        + s * (-0.5
            + s * (1.0 / 24.0
                + s * (-1.0 / 720.0 + s * (1.0 / 40_320.0 + s * (-1.0 / 3_628_800.0 + s / 479_001_600.0)))));
    let y = if quadrant & 1 == 0 { sin } else { cos };
    (if quadrant & 2 == 0 { y } else { -y }) as f32
}

/// sin x, for |x| below a million as a vector would, else by the standard library.
#[inline(always)]
pub fn sin(x: f32) -> f32 {
    sine_from(x, 0)
}

/// cos x, as [`sin`].
#[inline(always)]
pub fn cos(x: f32) -> f32 {
    sine_from(x, 1)
}

/// Whether all arguments are small enough for [`sin`] and [`cos`] (NaN is).
#[inline(always)]
pub fn trigonometric_range(x: &[f32]) -> bool {
    x.iter().fold(true, |fits, x| fits & (x.is_nan() | (x.abs() <= TRIGONOMETRIC_LIMIT)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use learngene_simd::Scalar;

    fn close(got: f32, want: f64, tolerance: f64, x: f64) {
        let error = (f64::from(got) - want).abs();
        assert!(error <= tolerance * want.abs().max(1e-38), "f({x}) = {want}, got {got}");
    }

    fn sweep() -> impl Iterator<Item = f32> {
        let magnitudes = (-120..120).map(|i| 10f32.powf(i as f32 / 8.0));
        magnitudes.chain((0..4000).map(|i| i as f32 / 200.0 + 1e-3))
    }

    #[test]
    fn logarithms() {
        for x in sweep() {
            close(log::<Scalar>(x), f64::from(x).ln(), 2.5e-7, x.into());
            close(log1p::<Scalar>(x), f64::from(x).ln_1p(), 4e-7, x.into());
            if x < 1.0 {
                close(log1p::<Scalar>(-x), f64::from(-x).ln_1p(), 4e-7, x.into());
            }
        }
        assert_eq!(log::<Scalar>(0.0), f32::NEG_INFINITY);
        assert_eq!(log::<Scalar>(f32::INFINITY), f32::INFINITY);
        assert!(log::<Scalar>(-1.0).is_nan() && log::<Scalar>(f32::NAN).is_nan());
        close(log::<Scalar>(1e-42), f64::from(1e-42f32).ln(), 1e-6, 1e-42);
        assert_eq!(log1p::<Scalar>(-1.0), f32::NEG_INFINITY);
        assert_eq!(log1p::<Scalar>(f32::INFINITY), f32::INFINITY);
        assert!(log1p::<Scalar>(-2.0).is_nan());
    }

    #[test]
    fn exponentials() {
        for x in sweep().filter(|&x| x < 80.0).flat_map(|x| [x, -x]) {
            close(expm1::<Scalar>(x), f64::from(x).exp_m1(), 6e-7, x.into());
            close(softplus::<Scalar>(x), f64::from(x).exp().ln_1p(), 6e-7, x.into());
        }
        assert_eq!(expm1::<Scalar>(f32::NEG_INFINITY), -1.0);
        assert_eq!(expm1::<Scalar>(f32::INFINITY), f32::INFINITY);
        assert_eq!(softplus::<Scalar>(f32::NEG_INFINITY), 0.0);
        assert!(softplus::<Scalar>(f32::NAN).is_nan());
    }

    #[test]
    fn sines() {
        for x in sweep().filter(|&x| x < 1e6).flat_map(|x| [x, -x]) {
            close(sin(x), f64::from(x).sin(), 2e-7, x.into());
            close(cos(x), f64::from(x).cos(), 2e-7, x.into());
        }
        assert!(sin(f32::NAN).is_nan());
        assert!(trigonometric_range(&[1e6, f32::NAN]) && !trigonometric_range(&[0.0, -2e6]));
    }

    #[test]
    fn error_function() {
        // erf x = 2/√π Σ (-1)^k x^(2k+1) / (k! (2k+1))
        for i in 0..400 {
            let x = i as f32 / 100.0;
            let (mut term, mut sum) = (f64::from(x), 0.0);
            for k in 0..120 {
                sum += term / f64::from(2 * k + 1);
                term *= -f64::from(x) * f64::from(x) / f64::from(k + 1);
            }
            let want = sum * std::f64::consts::FRAC_2_SQRT_PI;
            close(erf::<Scalar>(x), want, 2e-7, x.into());
            assert_eq!(erf::<Scalar>(-x), -erf::<Scalar>(x));
        }
        assert_eq!(erf::<Scalar>(f32::INFINITY), 1.0);
        assert!(erf::<Scalar>(f32::NAN).is_nan());
    }
}
