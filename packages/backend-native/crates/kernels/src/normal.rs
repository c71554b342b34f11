//! Normal numbers from MT19937 in blocks of 16, as torch draws 16 or more on the CPU (Box and Muller 1958), with the bits
//! of `normal` of `@learngene/random`.
//!
//! torch fuses products and sums. Here, as in JavaScript, they are computed in f64 and rounded once, so that every level
//! of instructions gives the same bits.
#![expect(clippy::excessive_precision, reason = "the coefficients are as published")]
#![allow(clippy::extra_unused_type_parameters, reason = "`dispatch!` names the instruction set")]

use learngene_pool::{SendPtr, run, split};
use learngene_simd::{Isa, dispatch};

/// Words in the table of MT19937.
pub const TABLE: usize = 624;
const SHIFT: usize = 397;

/// Numbers that are transformed together; the first half gives the radii, the second the angles.
const BLOCK: usize = 16;
const HALF: usize = BLOCK / 2;

/// Blocks of a task: 16 KiB, so that the words of a task stay in the first-level cache.
const TASK: usize = 256;

dispatch! {
    fn twist(table: &mut [u32; TABLE]) = twist_with;
}
/// Replaces the table by the next 624 words.
#[inline(always)]
fn twist_with<S: Isa>(table: &mut [u32; TABLE]) {
    let mix = |high: u32, low: u32| {
        (((high & 0x8000_0000) | (low & 0x7fff_ffff)) >> 1) ^ if low & 1 == 1 { 0x9908_b0df } else { 0 }
    };
    for i in 0..TABLE - SHIFT {
        table[i] = table[i + SHIFT] ^ mix(table[i], table[i + 1]);
    }
    for i in TABLE - SHIFT..TABLE - 1 {
        table[i] = table[i + SHIFT - TABLE] ^ mix(table[i], table[i + 1]);
    }
    table[TABLE - 1] = table[SHIFT - 1] ^ mix(table[TABLE - 1], table[0]);
}

dispatch! {
    fn uniform(words: &[u32], values: &mut [f32]) = uniform_with;
}
/// The low 24 bits of the tempered words, as numbers in [0, 1).
#[inline(always)]
fn uniform_with<S: Isa>(words: &[u32], values: &mut [f32]) {
    for (value, &word) in values.iter_mut().zip(words) {
        let mut y = word ^ (word >> 11);
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^= y >> 18;
        *value = (y & 0xff_ffff) as i32 as f32 * (1.0 / 16_777_216.0);
    }
}

/// Fills `values` with uniform numbers; returns the new position in the table.
fn fill_uniform(table: &mut [u32; TABLE], mut position: usize, values: &mut [f32]) -> usize {
    let mut rest = values;
    while !rest.is_empty() {
        if position == TABLE {
            twist(table);
            position = 0;
        }
        let (now, later) = rest.split_at_mut(rest.len().min(TABLE - position));
        uniform(&table[position..position + now.len()], now);
        position += now.len();
        rest = later;
    }
    position
}

/// a b + c in one rounding: the product of two f32 is exact in f64.
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    (f64::from(a) * f64::from(b) + f64::from(c)) as f32
}

/// log(x) of a normal positive f32: the polynomial of Cephes (Moshier).
#[inline(always)]
fn log(x: f32) -> f32 {
    const COEFFICIENTS: [f32; 9] = [
        7.037_683_629_2e-2,
        -1.151_461_031e-1,
        1.167_699_874e-1,
        -1.242_014_084_6e-1,
        1.424_932_278_7e-1,
        -1.666_805_766_5e-1,
        2.000_071_476_5e-1,
        -2.499_999_399_3e-1,
        3.333_333_117_4e-1,
    ];
    const LN2_HIGH: f32 = 0.693_359_375;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let bits = x.to_bits();
    let half = f32::from_bits((bits & 0x7f_ffff) | 0x3f00_0000); // in [1/2, 1)
    let small = half < std::f32::consts::FRAC_1_SQRT_2;
    let exponent = ((bits >> 23) as i32 - 126 - i32::from(small)) as f32;
    let m = half - 1.0 + if small { half } else { 0.0 };
    let square = m * m;
    let mut y = COEFFICIENTS[0];
    for coefficient in &COEFFICIENTS[1..] {
        y = fused(y, m, *coefficient);
    }
    let y = fused(y * m, square, exponent * LN2_LOW);
    let y = fused(square, -0.5, y);
    fused(exponent, LN2_HIGH, m + y)
}

/// cos(x) and sin(x), x in [0, 8192): the polynomials of Cephes (Moshier).
#[inline(always)]
fn cos_sin(x: f32) -> (f32, f32) {
    const QUARTER_PI: [f32; 3] = [0.785_156_25, 2.418_756_484_985_351_6e-4, 3.774_894_977_445_941e-8];
    let octant = (f64::from(x * (4.0 / std::f64::consts::PI) as f32) + 1.0) as i32 & !1;
    let turns = octant as f32;
    let mut r = x;
    for part in QUARTER_PI {
        r = fused(-turns, part, r); // in [-pi/4, pi/4]
    }
    let square = r * r;
    let c = fused(2.443_315_711_809_948e-5, square, -1.388_731_625_493_765e-3);
    let c = fused(c, square, 4.166_664_568_298_827e-2) * square;
    let c = (f64::from(fused(c, square, -(square * 0.5))) + 1.0) as f32;
    let s = fused(-1.951_529_589_1e-4, square, 8.332_160_873_6e-3);
    let s = fused(s, square, -1.666_665_461_1e-1) * square;
    let s = fused(s, r, r);
    let (cos, sin) = if octant & 2 == 0 { (c, s) } else { (s, c) };
    (if (octant + 2) & 4 == 0 { cos } else { -cos }, if octant & 4 == 0 { sin } else { -sin })
}

dispatch! {
    fn transform(values: &mut [f32], mean: f32, std: f32) = transform_with;
}
/// Turns blocks of uniform numbers into normal ones: the cosines come first, then the sines.
#[inline(always)]
fn transform_with<S: Isa>(values: &mut [f32], mean: f32, std: f32) {
    const TWO_PI: f32 = (2.0 * std::f64::consts::PI) as f32;
    for block in values.as_chunks_mut::<BLOCK>().0 {
        let (radii, angles) = block.split_at_mut(HALF);
        for (first, second) in radii.iter_mut().zip(angles) {
            let radius = (-2.0 * log(1.0 - *first)).sqrt();
            let (cos, sin) = cos_sin(TWO_PI * *second);
            *first = fused(radius * cos, std, mean);
            *second = fused(radius * sin, std, mean);
        }
    }
}

/// Fills `values` with normal numbers of a mean and a standard deviation. The table is moved on; returns the new position
/// in it, 0..=624.
///
/// # Panics
/// Where there are fewer than 16 values, which torch draws another way, or the position is beyond the table.
pub fn normal(table: &mut [u32; TABLE], position: usize, values: &mut [f32], mean: f32, std: f32) -> usize {
    let total = values.len();
    assert!(total >= BLOCK && position <= TABLE);
    let position = fill_uniform(table, position, values);
    let blocks = total / BLOCK;
    let shared = SendPtr::new(values);
    let tasks = blocks.div_ceil(TASK);
    run(tasks, &|task| {
        let part = split(blocks, tasks, task);
        // SAFETY: the ranges of different tasks are disjoint and within the values.
        transform(unsafe { shared.slice_mut(part.start * BLOCK..part.end * BLOCK) }, mean, std);
    });
    if total.is_multiple_of(BLOCK) {
        return position;
    }
    let last = &mut values[total - BLOCK..]; // drawn anew
    let position = fill_uniform(table, position, last);
    transform(last, mean, std);
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeded(seed: u32) -> [u32; TABLE] {
        let mut table = [seed; TABLE];
        for i in 1..TABLE {
            let before = table[i - 1] ^ (table[i - 1] >> 30);
            table[i] = 1_812_433_253_u32.wrapping_mul(before).wrapping_add(i as u32);
        }
        table
    }

    #[test]
    fn words_are_those_of_the_paper() {
        // The 10000th word of seed 5489 is 4123659995 (C++ standard, [rand.predef]).
        let mut values = vec![0.0; 10_000];
        let mut table = seeded(5489);
        assert_eq!(fill_uniform(&mut table, TABLE, &mut values), 10_000 % TABLE);
        assert_eq!(values[9999], (4_123_659_995_u32 & 0xff_ffff) as f32 / 16_777_216.0);
    }

    #[test]
    fn functions_are_close_to_those_of_f64() {
        for i in 1..10_000u16 {
            let x = f32::from(i) / 10_000.0;
            assert!((f64::from(log(x)) - f64::from(x).ln()).abs() < 1e-6);
            let (cos, sin) = cos_sin(7.0 * x);
            assert!((f64::from(cos) - f64::from(7.0 * x).cos()).abs() < 1e-6);
            assert!((f64::from(sin) - f64::from(7.0 * x).sin()).abs() < 1e-6);
        }
    }

    #[test]
    fn numbers_do_not_depend_on_the_cut_into_tasks() {
        for total in [16, 17, 31, 624, 100_003] {
            let (mut whole, mut table) = (vec![0.0; total], seeded(1));
            let position = normal(&mut table, TABLE, &mut whole, 2.0, 3.0);
            let mean = whole.iter().map(|&x| f64::from(x)).sum::<f64>() / total as f64;
            assert!((mean - 2.0).abs() < 12.0 / (total as f64).sqrt());
            let (mut alone, mut again) = (vec![0.0; total], seeded(1));
            assert_eq!(learngene_pool::alone(|| normal(&mut again, TABLE, &mut alone, 2.0, 3.0)), position);
            assert!(table == again && whole == alone);
        }
    }
}
