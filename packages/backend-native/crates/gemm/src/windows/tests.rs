//! Windows against plain loops.

use super::*;
use crate::epilogue::Then;
use crate::testing::{close, levels, random, reference};

#[test]
fn windows_of_every_step_against_plain_loops() {
    for (rows, n, lines, width, step) in
        [(1, 1, 1, 1, 1), (7, 48, 3, 9, 3), (64, 48, 3, 9, 3), (13, 50, 5, 4, 2), (30, 100, 2, 10, 12), (5, 3, 3, 6, 6)]
    {
        let data = random(lines * ((rows - 1) * step + width), 1);
        let each: Vec<&[f32]> = data.chunks(data.len() / lines).collect();
        let (filter, bias) = (random(lines * width * n, 2), random(n, 3));
        // the first line is left out where there are several
        let first = usize::from(lines > 1);
        let present: Vec<(usize, &[f32])> = each.iter().copied().enumerate().skip(first).collect();
        let value = |i: usize, l: usize| if l / width < first { 0.0 } else { each[l / width][i * step + l % width] };
        let want = reference((rows, n, lines * width), value, |l, j| filter[l * n + j]);
        let biased: Vec<f64> = want.iter().enumerate().map(|(e, &v)| v + f64::from(bias[e % n])).collect();
        let silu: Vec<f64> = biased.iter().map(|&v| v / (1.0 + (-v).exp())).collect();
        for kernels in levels() {
            let packed = WindowFilter::with(kernels, &filter, lines, width, n).expect("a right filter");
            let bias = Some(&bias[..]);
            for (epilogue, want) in [
                (Epilogue::default(), &want),
                (Epilogue { bias, ..Epilogue::default() }, &biased),
                (Epilogue { bias, then: Then::Silu, ..Epilogue::default() }, &silu),
            ] {
                let mut c = vec![f32::NAN; rows * n];
                let windows = Windows { rows, step, lines: &present };
                packed.multiply(windows, &mut c, epilogue).expect("right windows");
                close(&c, want, 1e-5, &format!("{:?} {rows} {n} {lines} {width} {step}", kernels.level));
            }
        }
    }
}

#[test]
fn gradients_of_filters_against_plain_loops() {
    for (rows, n, lines, width, step) in [(1, 16, 1, 1, 1), (64, 48, 3, 9, 3), (13, 80, 5, 20, 2)] {
        let data = random(lines * ((rows - 1) * step + width), 1);
        let each: Vec<(usize, &[f32])> = data.chunks(data.len() / lines).enumerate().skip(lines / 2).collect();
        let (dy, before) = (random(rows * n, 2), random(lines * width * n, 3));
        let value = |l: usize, i: usize| match l / width < lines / 2 {
            true => 0.0,
            false => data[l / width * (data.len() / lines) + i * step + l % width],
        };
        let mut want = reference((lines * width, n, rows), value, |i, j| dy[i * n + j]);
        want.iter_mut().zip(&before).for_each(|(want, &before)| *want += f64::from(before));
        for kernels in levels() {
            let (mut to, windows) = (before.clone(), Windows { rows, step, lines: &each });
            window_gradient_with(kernels, windows, width, &dy, n, &mut to).expect("right windows");
            close(&to, &want, 1e-5, &format!("{:?} {rows} {n} {lines} {width} {step}", kernels.level));
        }
    }
}

#[test]
fn wrong_arguments_are_refused_by_name() {
    let (line, mut c) = (vec![0.0; 11], vec![0.0; 10]);
    let message = |result: Result<(), Error>| result.expect_err("wrong").to_string();
    assert_eq!(
        WindowFilter::new(&line, 2, 3, 2).err().expect("too short").to_string(),
        "filter: expected 12 elements, got 11"
    );
    let filter = WindowFilter::new(&line, 1, 3, 2).expect("a right filter");
    let windows = |rows, lines| Windows { rows, step: 2, lines };
    let right = [(0, &line[..])];
    assert_eq!(
        message(filter.multiply(windows(6, &right), &mut c, Epilogue::default())),
        "c: expected 12 elements, got 10"
    );
    let short = [(0, &line[..10])];
    assert_eq!(
        message(filter.multiply(windows(5, &short), &mut c, Epilogue::default())),
        "lines: expected 11 elements, got 10"
    );
    let far = [(1, &line[..])];
    assert_eq!(
        message(filter.multiply(windows(5, &far), &mut c, Epilogue::default())),
        "filter: expected 6 elements, got 3"
    );
    let gradient = |n, to: &mut [f32]| add_window_gradient(windows(2, &right), 3, &line, n, to);
    assert_eq!(message(gradient(6, &mut c)), "dy: expected 12 elements, got 11");
}
