use std::fmt;

/// Why a decomposition was not made.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// Sizes or lengths that do not go together.
    Sizes(String),
    /// An element that is NaN or infinite.
    NotFinite {
        /// Its row.
        row: usize,
        /// Its column.
        col: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// Cholesky met a pivot that is not positive.
    NotPositiveDefinite {
        /// The column of the pivot.
        col: usize,
    },
    /// An iteration did not end; not known to happen.
    NoConvergence {
        /// Sweeps made.
        sweeps: usize,
        /// Size of the matrix.
        values: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Sizes(message) => f.write_str(message),
            Error::NotFinite { row, col, value } => {
                write!(f, "a: expected finite values, got {value} at [{row}, {col}]")
            }
            Error::NotPositiveDefinite { col } => {
                write!(f, "a: expected a positive definite matrix, got a pivot that is not positive in column {col}")
            }
            Error::NoConvergence { sweeps, values } => {
                write!(f, "the iteration did not converge in {sweeps} sweeps for {values} values")
            }
        }
    }
}

impl std::error::Error for Error {}
