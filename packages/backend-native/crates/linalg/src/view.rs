//! Strided views of matrices.

/// A matrix that is read: element (i, j) is `data[i * rs + j * cs]`.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub data: &'a [f64],
    pub rows: usize,
    pub cols: usize,
    pub rs: usize,
    pub cs: usize,
}

/// A matrix that is written; as [`View`].
pub(crate) struct ViewMut<'a> {
    pub data: &'a mut [f64],
    pub rows: usize,
    pub cols: usize,
    pub rs: usize,
    pub cs: usize,
}

fn fits(length: usize, rows: usize, cols: usize, rs: usize, cs: usize) -> bool {
    rows == 0 || cols == 0 || (rows - 1) * rs + (cols - 1) * cs < length
}

impl<'a> View<'a> {
    /// Any strides; the last element must lie in `data`.
    pub fn new(data: &'a [f64], rows: usize, cols: usize, rs: usize, cs: usize) -> Self {
        assert!(fits(data.len(), rows, cols, rs, cs), "a view lies in its data");
        Self { data, rows, cols, rs, cs }
    }

    /// Columns one after the other, `ld` elements apart.
    pub fn columns(data: &'a [f64], rows: usize, cols: usize, ld: usize) -> Self {
        Self::new(data, rows, cols, 1, ld)
    }

    pub fn t(self) -> Self {
        Self { data: self.data, rows: self.cols, cols: self.rows, rs: self.cs, cs: self.rs }
    }
}

impl<'a> ViewMut<'a> {
    pub fn new(data: &'a mut [f64], rows: usize, cols: usize, rs: usize, cs: usize) -> Self {
        assert!(fits(data.len(), rows, cols, rs, cs), "a view lies in its data");
        Self { data, rows, cols, rs, cs }
    }

    pub fn columns(data: &'a mut [f64], rows: usize, cols: usize, ld: usize) -> Self {
        Self::new(data, rows, cols, 1, ld)
    }

    pub fn t(self) -> Self {
        Self { data: self.data, rows: self.cols, cols: self.rows, rs: self.cs, cs: self.rs }
    }
}

/// Distance between the columns of a working matrix: whole cache lines, and no multiple of 512 bytes, which would put
/// the elements of a row into few cache sets.
pub(crate) fn leading(rows: usize) -> usize {
    let lines = rows.div_ceil(8).max(1);
    8 * if lines.is_multiple_of(8) { lines + 1 } else { lines }
}
