//! What is wrong with the arguments of a product.

use std::fmt;

/// An argument that does not fit the others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A slice is too short.
    Length {
        /// The argument.
        name: &'static str,
        /// Elements its shape takes.
        expected: usize,
        /// Elements it has.
        got: usize,
    },
    /// A stride is shorter than a row.
    Stride {
        /// The argument.
        name: &'static str,
        /// Elements of a row.
        row: usize,
        /// The stride.
        stride: usize,
    },
    /// A shape is larger than memory.
    Size {
        /// The argument.
        name: &'static str,
    },
    /// The rows are not whole samples.
    Rows {
        /// Rows of the product.
        rows: usize,
        /// Rows of a sample.
        rows_per_sample: usize,
    },
    /// Segments overlap, are out of order or out of range.
    Segment {
        /// Which.
        index: usize,
        /// Its first row.
        start: usize,
        /// One past its last row.
        end: usize,
        /// Rows there are.
        rows: usize,
    },
    /// The processor has no products of bfloat16.
    NoBf16,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Length { name, expected, got } => write!(f, "{name}: expected {expected} elements, got {got}"),
            Error::Stride { name, row, stride } => {
                write!(f, "{name}: expected a stride of at least {row}, got {stride}")
            }
            Error::Size { name } => write!(f, "{name}: its shape is larger than memory"),
            Error::Rows { rows, rows_per_sample } => {
                write!(f, "rows_per_sample: expected a divisor of {rows}, got {rows_per_sample}")
            }
            Error::Segment { index, start, end, rows } => write!(
                f,
                "segments[{index}]: expected an ascending, disjoint and not empty run within {rows} rows, got [{start}, {end})"
            ),
            Error::NoBf16 => write!(f, "this processor has no products of bfloat16"),
        }
    }
}

impl std::error::Error for Error {}

/// Checks a [rows, columns] matrix of the given stride.
pub(crate) fn matrix(
    name: &'static str,
    got: usize,
    (rows, columns): (usize, usize),
    stride: usize,
) -> Result<(), Error> {
    if rows == 0 || columns == 0 {
        return Ok(());
    }
    if stride < columns {
        return Err(Error::Stride { name, row: columns, stride });
    }
    let expected = (rows - 1).checked_mul(stride).and_then(|last| last.checked_add(columns));
    match expected {
        None => Err(Error::Size { name }),
        Some(expected) if got < expected => Err(Error::Length { name, expected, got }),
        Some(_) => Ok(()),
    }
}

/// Checks a vector.
pub(crate) fn vector(name: &'static str, got: usize, expected: usize) -> Result<(), Error> {
    if got < expected { Err(Error::Length { name, expected, got }) } else { Ok(()) }
}
