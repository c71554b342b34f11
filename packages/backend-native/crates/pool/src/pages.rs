//! Large memory in huge pages: over pages of 4 KiB, and in a virtual machine above all, a walk waits for addresses.

/// The size of a huge page on x86-64 and AArch64 Linux.
pub const HUGE_PAGE: usize = 2 << 20;

/// Asks the system to hold memory in huge pages, as far as whole ones lie in it; best before it is first touched. Where a
/// system has none, or refuses, nothing changes.
pub fn advise_huge<T>(memory: &mut [T]) {
    let start = memory.as_mut_ptr().cast::<u8>();
    let skipped = start.addr().next_multiple_of(HUGE_PAGE) - start.addr();
    let whole = size_of_val(memory).saturating_sub(skipped) / HUGE_PAGE * HUGE_PAGE;
    if whole == 0 {
        return;
    }
    #[cfg(all(target_os = "linux", not(miri)))]
    // SAFETY: advice about pages that lie within the slice; their contents stay.
    unsafe {
        libc::madvise(start.add(skipped).cast(), whole, libc::MADV_HUGEPAGE)
    };
}

/// Zeros in huge pages. Fresh memory of the system is zero as it is, and not touched here.
pub fn zeros<T: Copy + Default>(length: usize) -> Vec<T> {
    let mut memory = vec![T::default(); length];
    advise_huge(&mut memory);
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_of_any_length() {
        for length in [0, 1, 1000, HUGE_PAGE / 8 - 1, 3 * HUGE_PAGE / 8 + 5] {
            let mut memory: Vec<f64> = zeros(length);
            assert!(memory.len() == length && memory.iter().all(|&x| x == 0.0));
            memory.fill(1.0);
            advise_huge(&mut memory);
            assert!(memory.iter().all(|&x| x == 1.0));
        }
    }
}
