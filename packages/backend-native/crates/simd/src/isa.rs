//! Markers for the instruction sets a kernel is compiled for.

/// An instruction set, as far as portable code must know it.
pub trait Isa: Copy + Send + Sync + 'static {
    /// Whether a fused multiply-add is one instruction.
    const FMA: bool;

    /// a b + c, in one rounding where that is one instruction, in two elsewhere (never a library call).
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        if Self::FMA { a.mul_add(b, c) } else { a * b + c }
    }
}

macro_rules! isa {
    ($($(#[$meta:meta])* $name:ident $fma:literal;)*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;
            impl Isa for $name {
                const FMA: bool = $fma;
            }
        )*
    };
}
isa! {
    /// What every processor of the architecture has.
    Scalar false;
    /// AArch64 with NEON.
    Neon true;
    /// x86-64 with AVX2 and FMA.
    Avx2 true;
    /// x86-64 with AVX-512 F, BW, DQ and VL.
    Avx512 true;
}
