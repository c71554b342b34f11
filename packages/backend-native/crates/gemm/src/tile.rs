//! The micro-kernel: a tile of C that stays in registers over the whole of K.

use crate::vector::{Portable, Vector};
use learngene_simd::Level;

/// One summand of a tile: `k` columns of A times `k` rows of B.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub k: usize,
    /// Word (i, l) of A is at `a + i a_rows + l a_step`.
    pub a: *const f32,
    pub a_rows: usize,
    pub a_step: usize,
    /// Row l of B starts at `b + l b_step`, `vectors` registers of words.
    pub b: *const f32,
    pub b_step: usize,
    /// While row l of B is used, the words so far behind it are asked for.
    pub b_ahead: usize,
}

/// Where a tile goes.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub at: *mut f32,
    pub rows: usize,
    /// Columns written, at most `vectors · LANES` and more than `(vectors - 1) · LANES`.
    pub columns: usize,
    /// Add to what is there.
    pub add: bool,
    /// What every row of sums begins with, `vectors` registers; or null for 0.
    pub start: *const f32,
    /// Where the tile goes in the end, if `at` is only on the way: those lines are asked for. Null: nothing is.
    pub home: *const f32,
    /// Words from a row of `home` to the next.
    pub home_rows: usize,
    /// What the epilogue of the product reads or writes beside the tile: those lines are asked for too, unless it is null.
    pub beside: *const f32,
    /// Words from a row of `beside` to the next.
    pub beside_rows: usize,
    /// What is needed next: with every row of B, a line is asked for, `next_step` words after the last.
    pub next: *const f32,
    pub next_step: usize,
}

/// A micro-kernel of fixed height and width.
///
/// # Safety
/// The processor has the instruction set; all words that the parts describe for the kernel's height and width are
/// readable, those of the target writable.
pub(crate) type Kernel = unsafe fn(&[Part], &Target);

/// The kernels of one instruction set.
#[derive(Clone, Copy)]
pub(crate) struct Kernels {
    /// The level, for what is not the micro-kernel.
    pub level: Level,
    /// Words in a register.
    pub lanes: usize,
    /// Registers in the widest tile.
    pub vectors: usize,
    /// Rows of the highest tile that is 1, 2 or 3 registers wide (0: there is none).
    pub heights: [usize; 3],
    /// Whether words are pairs of bfloat16.
    pub pairs: bool,
    table: fn(usize, usize) -> Kernel,
    /// The kernels for panels that fill at most half of one register, as high as those of a whole one: registers of half the
    /// width, of which the processor multiplies at least as many in the same time.
    half: Option<fn(usize, usize) -> Kernel>,
}

impl Kernels {
    /// The kernel for `rows` rows and `vectors` registers, of which `columns` words are wanted.
    #[inline]
    pub fn get(&self, rows: usize, vectors: usize, columns: usize) -> Kernel {
        debug_assert!(rows >= 1 && rows <= self.heights[vectors - 1]);
        match self.half {
            Some(half) if 2 * columns <= self.lanes => half(rows, vectors),
            _ => (self.table)(rows, vectors),
        }
    }
}

/// Words of a cache line.
const LINE: usize = 16;

/// # Safety
/// As [`Kernel`]; inlined into a function that enables the target features of `V`.
#[inline(always)]
unsafe fn tile<V: Vector, const ROWS: usize, const VECTORS: usize>(parts: &[Part], target: &Target) {
    let lines = (VECTORS * V::LANES).div_ceil(LINE);
    // SAFETY: all pointers stay within what the caller describes.
    unsafe {
        for (at, rows) in [(target.home, target.home_rows), (target.beside, target.beside_rows)] {
            if !at.is_null() {
                for i in 0..ROWS {
                    for line in 0..lines {
                        V::prefetch(at.wrapping_add(i * rows + line * LINE));
                    }
                }
            }
        }
        let mut start = [V::zero(); VECTORS];
        if !target.start.is_null() {
            for (j, register) in start.iter_mut().enumerate() {
                *register = V::load(target.start.add(j * V::LANES));
            }
        }
        let mut sums = [start; ROWS];
        let mut next = target.next;
        for part in parts {
            // A pointer for every four rows: as one chain of additions the addresses would take longer than the sums.
            let mut a = [part.a; 4];
            for (group, a) in a.iter_mut().enumerate().take(ROWS.div_ceil(4)) {
                *a = V::apart(part.a.add(group * 4 * part.a_rows));
            }
            let mut b = part.b;
            let mut ahead = b.wrapping_add(part.b_ahead);
            for _ in 0..part.k {
                for line in 0..lines {
                    V::prefetch(ahead.wrapping_add(line * LINE));
                }
                V::prefetch_far(next);
                ahead = ahead.wrapping_add(part.b_step);
                next = next.wrapping_add(target.next_step);
                let mut row = [V::zero(); VECTORS];
                for (j, register) in row.iter_mut().enumerate() {
                    *register = V::load(b.add(j * V::LANES));
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    let word = V::splat(*a[i / 4].add(i % 4 * part.a_rows));
                    for (sum, &register) in sums.iter_mut().zip(&row) {
                        *sum = V::multiply_add(word, register, *sum);
                    }
                }
                for a in a.iter_mut().take(ROWS.div_ceil(4)) {
                    *a = a.add(part.a_step);
                }
                b = b.add(part.b_step);
            }
        }
        let last = target.columns - (VECTORS - 1) * V::LANES;
        for (i, sums) in sums.iter().enumerate() {
            for (j, &sum) in sums.iter().enumerate() {
                let to = target.at.add(i * target.rows + j * V::LANES);
                let count = if j + 1 == VECTORS { last } else { V::LANES };
                if target.add { V::store_add(to, sum, count) } else { V::store(to, sum, count) }
            }
        }
    }
}

macro_rules! kernels {
    ($(#[$feature:meta])* $table:ident $kernel:ident $vector:ty { $($vectors:literal: $($rows:literal)*;)* }) => {
        $(#[$feature])*
        unsafe fn $kernel<const ROWS: usize, const VECTORS: usize>(parts: &[Part], target: &Target) {
            // SAFETY: promised by the caller; the features are enabled here.
            unsafe { tile::<$vector, ROWS, VECTORS>(parts, target) }
        }
        fn $table(rows: usize, vectors: usize) -> Kernel {
            match (rows, vectors) {
                $($(($rows, $vectors) => $kernel::<$rows, $vectors>,)*)*
                _ => unreachable!("no tile of {rows} rows and {vectors} registers"),
            }
        }
    };
}

kernels! { portable_table portable_kernel Portable { 1: 1 2 3 4; 2: 1 2 3 4; } }

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use crate::vector::x86::{Avx2, Avx512, Avx512Bf16};

    kernels! {
        #[target_feature(enable = "avx2,fma,bmi2")]
        avx2_table avx2_kernel Avx2 { 1: 1 2 3 4 5 6 7 8 9 10 11 12; 2: 1 2 3 4 5 6; }
    }
    kernels! {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
        avx512_table avx512_kernel Avx512 {
            1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16;
            2: 1 2 3 4 5 6 7 8 9 10 11 12;
            3: 1 2 3 4 5 6 7 8;
        }
    }
    kernels! {
        // 16 rows of sums need the 32 registers of AVX-512.
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
        half_table half_kernel Avx2 { 1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; }
    }
    kernels! {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,bmi2")]
        bf16_table bf16_kernel Avx512Bf16 {
            1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16;
            2: 1 2 3 4 5 6 7 8 9 10 11 12;
            3: 1 2 3 4 5 6 7 8;
        }
    }

    pub(super) const AVX2: Kernels = Kernels {
        level: Level::Avx2,
        lanes: 8,
        vectors: 2,
        heights: [12, 6, 0],
        pairs: false,
        table: avx2_table,
        half: None,
    };
    pub(super) const AVX512: Kernels = Kernels {
        level: Level::Avx512,
        lanes: 16,
        vectors: 3,
        heights: [16, 12, 8],
        pairs: false,
        table: avx512_table,
        half: Some(half_table),
    };
    pub(super) const BF16: Kernels = Kernels { pairs: true, table: bf16_table, half: None, ..AVX512 };
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::*;
    use crate::vector::arm::Neon;

    kernels! {
        neon_table neon_kernel Neon {
            1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16;
            2: 1 2 3 4 5 6 7 8 9 10 11 12;
            3: 1 2 3 4 5 6 7 8;
        }
    }
    pub(super) const NEON: Kernels = Kernels {
        level: Level::Neon,
        lanes: 4,
        vectors: 3,
        heights: [16, 12, 8],
        pairs: false,
        table: neon_table,
        half: None,
    };
}

const PORTABLE: Kernels = Kernels {
    level: Level::Scalar,
    lanes: 4,
    vectors: 2,
    heights: [4, 4, 0],
    pairs: false,
    table: portable_table,
    half: None,
};

/// The f32 kernels of `level`, which the processor has.
pub(crate) fn kernels(level: Level) -> Kernels {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => x86::AVX512,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => x86::AVX2,
        #[cfg(target_arch = "aarch64")]
        Level::Neon => arm::NEON,
        _ => PORTABLE,
    }
}

/// The bfloat16 kernels, where the processor has them.
pub(crate) fn bf16_kernels() -> Option<Kernels> {
    #[cfg(target_arch = "x86_64")]
    if learngene_simd::has_bf16() {
        return Some(x86::BF16);
    }
    None
}
