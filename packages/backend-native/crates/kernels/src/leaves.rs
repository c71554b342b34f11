//! Work over many arrays at once, split by elements and not by arrays.

use learngene_pool::run;

/// Elements of a block.
pub(crate) const BLOCK: usize = 1 << 15;

/// A block: the array, its first element and the one after its last.
pub(crate) type Block = (usize, usize, usize);

/// The blocks of arrays of these lengths, in order.
pub(crate) fn blocks(lengths: &[usize]) -> Vec<Block> {
    let mut all = Vec::with_capacity(lengths.iter().map(|length| length.div_ceil(BLOCK)).sum());
    for (leaf, &length) in lengths.iter().enumerate() {
        all.extend((0..length).step_by(BLOCK).map(|start| (leaf, start, (start + BLOCK).min(length))));
    }
    all
}

/// Calls `f(index, leaf, start, end)` for every block; runs of neighbouring blocks make a task.
pub(crate) fn for_blocks(blocks: &[Block], f: &(dyn Fn(usize, usize, usize, usize) + Sync)) {
    // Small leaves (biases) are many: a task takes blocks of about one full block's elements together.
    let mut tasks = vec![0];
    let mut elements = 0;
    for (index, &(_, start, end)) in blocks.iter().enumerate() {
        if elements + (end - start) > BLOCK {
            tasks.push(index);
            elements = 0;
        }
        elements += end - start;
    }
    tasks.push(blocks.len());
    run(tasks.len() - 1, &|task| {
        for (index, &(leaf, start, end)) in blocks.iter().enumerate().take(tasks[task + 1]).skip(tasks[task]) {
            f(index, leaf, start, end);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[test]
    fn every_element_belongs_to_one_block() {
        let lengths = [0, 1, BLOCK, 5, 2 * BLOCK + 3, 0, 7];
        let counts = lengths.map(|_| AtomicUsize::new(0));
        let parts = blocks(&lengths);
        for_blocks(&parts, &|index, leaf, start, end| {
            assert_eq!(parts[index], (leaf, start, end));
            counts[leaf].fetch_add(end - start, SeqCst);
        });
        assert_eq!(counts.map(|count| count.load(SeqCst)), lengths);
    }
}
