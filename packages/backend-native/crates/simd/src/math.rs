//! Elementary functions in plain arithmetic, so that loops over them vectorise.

use crate::Isa;

/// e^x, within 2 units in the last place; 0 below -87.4, infinity above 88.7, NaN for NaN.
#[inline(always)]
pub fn exp<S: Isa>(x: f32) -> f32 {
    // e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln 2 / 2; Cephes' polynomial for e^r.
    const MAGIC: f32 = 12_582_912.0; // 1.5 · 2^23: adding it rounds to an integer held in the low mantissa bits
    let clamped = if x > 88.8 { 88.8 } else { x };
    let clamped = if clamped < -87.4 { -87.4 } else { clamped };
    let shifted = S::fma(clamped, std::f32::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = S::fma(n, -0.693_359_4, clamped);
    let r = S::fma(n, 2.121_944_4e-4, r);
    let p = 1.987_569_1e-4;
    let p = S::fma(p, r, 1.398_199_9e-3);
    let p = S::fma(p, r, 8.333_452e-3);
    let p = S::fma(p, r, 4.166_579_6e-2);
    let p = S::fma(p, r, 1.666_666_5e-1);
    let p = S::fma(p, r, 5e-1);
    let e = S::fma(p * r, r, r) + 1.0;
    // 2^n in two factors: n reaches 128, one past the largest exponent.
    let bits = shifted.to_bits().wrapping_sub(MAGIC.to_bits()) as i32;
    let half = bits >> 1;
    let low = f32::from_bits(((half + 127) << 23) as u32);
    let high = f32::from_bits(((bits - half + 127) << 23) as u32);
    let y = e * low * high;
    let y = if x < -87.4 { 0.0 } else { y };
    if x.is_nan() { x } else { y }
}

/// 1 / (1 + e^-x); 0 below -87, NaN for NaN.
#[inline(always)]
pub fn sigmoid<S: Isa>(x: f32) -> f32 {
    let limited = if x > 87.0 { 87.0 } else { x };
    let limited = if limited < -87.0 { -87.0 } else { limited };
    let (e, power) = exp_parts::<S>(-limited);
    let y = reciprocal::<S>(S::fma(e, power, 1.0));
    if x < -87.0 { 0.0 } else { y }
}

/// e^x as two factors, the second a power of two; |x| at most 87.
#[inline(always)]
fn exp_parts<S: Isa>(x: f32) -> (f32, f32) {
    // e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln 2 / 2; Cephes' polynomial for e^r.
    const MAGIC: f32 = 12_582_912.0; // as in `exp`
    let shifted = S::fma(x, std::f32::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = S::fma(n, -0.693_359_4, x);
    let r = S::fma(n, 2.121_944_4e-4, r);
    let p = S::fma(1.987_569_1e-4, r, 1.398_199_9e-3);
    let p = S::fma(p, r, 8.333_452e-3);
    let p = S::fma(p, r, 4.166_579_6e-2);
    let p = S::fma(p, r, 1.666_666_5e-1);
    let p = S::fma(p, r, 0.5);
    let e = S::fma(p * r, r, r) + 1.0;
    (e, f32::from_bits(shifted.to_bits().wrapping_sub(MAGIC.to_bits()).wrapping_add(127) << 23))
}

/// 1 / d for d from 1 to 2^126, within a unit in the last place: a division takes as long as all the rest of a sigmoid.
#[inline(always)]
fn reciprocal<S: Isa>(d: f32) -> f32 {
    // The exponent changes its sign, and so about does the mantissa: within 12%, which every step of Newton's squares.
    let mut y = f32::from_bits(0x7ef3_11c7u32.wrapping_sub(d.to_bits()));
    for _ in 0..3 {
        y = S::fma(y, S::fma(-d, y, 1.0), y);
    }
    y
}

/// tanh x, within 1.5e-7 absolutely and exact in sign near 0.
#[inline(always)]
pub fn tanh<S: Isa>(x: f32) -> f32 {
    // Near 0, 1 - 2 / (e^2x + 1) cancels: an odd polynomial there (Cephes).
    let z = x * x;
    let p = S::fma(-5.704_988_7e-3, z, 2.063_909e-2);
    let p = S::fma(p, z, -5.373_971e-2);
    let p = S::fma(p, z, 1.333_144_1e-1);
    let p = S::fma(p, z, -3.333_328e-1);
    let small = S::fma(p * z, x, x);
    let large = 1.0 - 2.0 / (exp::<S>(2.0 * x) + 1.0);
    if x.abs() < 0.625 { small } else { large }
}

const GELU_SCALE: f32 = 1.595_769; // 2 sqrt(2 / π)
const GELU_CUBIC: f32 = 0.044_715;

/// x sigmoid(2 sqrt(2/π) (x + 0.044715 x³)): GELU in its tanh form.
#[inline(always)]
pub fn gelu<S: Isa>(x: f32) -> f32 {
    let inner = GELU_SCALE * S::fma(GELU_CUBIC * x * x, x, x);
    x * sigmoid::<S>(inner)
}

/// The derivative of [`gelu`].
#[inline(always)]
pub fn gelu_grad<S: Isa>(x: f32) -> f32 {
    let square = x * x;
    let inner = GELU_SCALE * S::fma(GELU_CUBIC * square, x, x);
    let gate = sigmoid::<S>(inner);
    let slope = GELU_SCALE * S::fma(3.0 * GELU_CUBIC, square, 1.0);
    // where the gate is 0 or 1 the slope may overflow; the product's limit is 0
    let bend = gate * (1.0 - gate);
    let tail = if bend == 0.0 { 0.0 } else { x * bend * slope };
    gate + tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;

    fn sweep(low: f32, high: f32) -> impl Iterator<Item = f32> {
        (0..=4000).map(move |i| low + (high - low) * i as f32 / 4000.0)
    }

    #[test]
    fn exp_is_accurate_and_bounded() {
        for x in sweep(-87.0, 88.7) {
            let want = f64::from(x).exp();
            assert!(((f64::from(exp::<Scalar>(x)) - want) / want).abs() < 3e-7, "{x}");
        }
        assert_eq!(exp::<Scalar>(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp::<Scalar>(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp::<Scalar>(0.0), 1.0);
        assert!(exp::<Scalar>(f32::NAN).is_nan());
    }

    #[test]
    fn tanh_and_sigmoid() {
        for x in sweep(-30.0, 30.0) {
            assert!((f64::from(tanh::<Scalar>(x)) - f64::from(x).tanh()).abs() < 2e-7, "{x}");
            let want = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(sigmoid::<Scalar>(x)) - want).abs() < 2e-7, "{x}");
        }
        assert_eq!(tanh::<Scalar>(f32::INFINITY), 1.0);
        assert_eq!(tanh::<Scalar>(f32::NEG_INFINITY), -1.0);
        assert_eq!(tanh::<Scalar>(1e-20), 1e-20);
        for x in sweep(-86.0, 86.0) {
            let want = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!(((f64::from(sigmoid::<Scalar>(x)) - want) / want).abs() < 4e-7, "{x}");
        }
        for (x, want) in
            [(f32::NEG_INFINITY, 0.0), (-1e9, 0.0), (0.0, 0.5), (60.0, 1.0), (1e9, 1.0), (f32::INFINITY, 1.0)]
        {
            assert_eq!(sigmoid::<Scalar>(x), want);
        }
        assert!(sigmoid::<Scalar>(f32::NAN).is_nan());
    }

    #[test]
    fn gelu_and_its_slope() {
        let reference =
            |x: f64| x / (1.0 + (-2.0 * (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).exp());
        for x in sweep(-12.0, 12.0) {
            let exact = f64::from(x);
            assert!((f64::from(gelu::<Scalar>(x)) - reference(exact)).abs() < 2e-6, "{x}");
            let slope = (reference(exact + 1e-5) - reference(exact - 1e-5)) / 2e-5;
            assert!((f64::from(gelu_grad::<Scalar>(x)) - slope).abs() < 3e-6, "{x}");
        }
        assert_eq!(gelu_grad::<Scalar>(1e15), 1.0);
        assert_eq!(gelu_grad::<Scalar>(-1e15), 0.0);
    }
}
