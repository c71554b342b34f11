//! Values and gradients against f64, at any sizes.

use super::*;
use crate::support::testing::{close, values};

type Results = [Vec<f64>; 5];

/// out, log sums, dq, dk, dv in f64.
fn reference(sizes: &Heads, [q, k, v, dy]: [&[f32]; 4]) -> Results {
    let zeros = |length: usize| vec![0.0f64; length];
    let (mut out, mut logs) = (zeros(q.len()), zeros(sizes.samples * sizes.heads * sizes.queries));
    let (mut dq, mut dk, mut dv) = (zeros(q.len()), zeros(k.len()), zeros(v.len()));
    let (channels, scale) = (sizes.channels(), f64::from(sizes.scale));
    for head in 0..sizes.samples * sizes.heads {
        let qa = |t: usize| sizes.start(head, sizes.queries) + t * sizes.width;
        let ka = |s: usize| sizes.start(head, sizes.keys) + s * sizes.width;
        let dot = |x: &[f32], at: usize, y: &[f32], other: usize| -> f64 {
            (0..channels).map(|c| f64::from(x[at + c]) * f64::from(y[other + c])).sum()
        };
        for t in 0..sizes.queries {
            let logits: Vec<f64> = (0..sizes.keys).map(|s| scale * dot(q, qa(t), k, ka(s))).collect();
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = logits.iter().map(|x| (x - top).exp()).sum();
            logs[head * sizes.queries + t] = top + total.ln();
            let p: Vec<f64> = logits.iter().map(|x| (x - top).exp() / total).collect();
            let dp: Vec<f64> = (0..sizes.keys).map(|s| dot(dy, qa(t), v, ka(s))).collect();
            let delta: f64 = p.iter().zip(&dp).map(|(p, dp)| p * dp).sum();
            for s in 0..sizes.keys {
                let ds = p[s] * (dp[s] - delta) * scale;
                for c in 0..channels {
                    out[qa(t) + c] += p[s] * f64::from(v[ka(s) + c]);
                    dq[qa(t) + c] += ds * f64::from(k[ka(s) + c]);
                    dk[ka(s) + c] += ds * f64::from(q[qa(t) + c]);
                    dv[ka(s) + c] += p[s] * f64::from(dy[qa(t) + c]);
                }
            }
        }
    }
    [out, logs, dq, dk, dv]
}

#[test]
fn any_sizes_agree_with_f64() {
    let cases = [
        (1, 1, 1, 1, 1),
        (2, 3, 5, 6, 2),
        (1, 64, 64, 64, 1),
        (3, 17, 33, 40, 2),
        (2, 65, 130, 48, 3),
        (1, 200, 129, 144, 2),
        (20, 16, 16, 32, 2),
        // sizes of few tokens: padded queries, more keys than queries, several groups of queries
        (3, 8, 20, 48, 3),
        (2, 36, 4, 64, 2),
        (2, 60, 64, 32, 1),
        // samples enough for a task each, however many threads
        (1100, 4, 4, 32, 2),
        // one token or channel more than those take
        (2, 68, 64, 32, 2),
        (2, 16, 18, 32, 2),
        (2, 16, 16, 34, 2),
    ];
    for (samples, queries, keys, width, heads) in cases {
        let scale = 1.0 / ((width / heads) as f32).sqrt();
        let sizes = Heads { samples, queries, keys, width, heads, scale };
        let (q, dy) = (values(samples * queries * width, 1, 3.0), values(samples * queries * width, 4, 1.0));
        let (k, v) = (values(samples * keys * width, 2, 3.0), values(samples * keys * width, 3, 1.0));
        let [out, logs, dq, dk, dv] = reference(&sizes, [&q, &k, &v, &dy]);
        let (mut y, mut log_sums) = (vec![f32::NAN; q.len()], vec![f32::NAN; logs.len()]);
        attention(sizes, &q, &k, &v, &mut y, &mut log_sums);
        close(&y, &out, 2e-6);
        close(&log_sums, &logs, 2e-6);
        let (mut gq, mut gk, mut gv) = (vec![f32::NAN; q.len()], vec![f32::NAN; k.len()], vec![f32::NAN; k.len()]);
        let saved = AttentionSaved { dy: &dy, q: &q, k: &k, v: &v, out: &y, log_sums: &log_sums };
        attention_grad(sizes, saved, &mut gq, &mut gk, &mut gv);
        // one key: the softmax is constant and the gradients of q and k are rounding errors around 0
        close(&gq, &dq, if keys == 1 { 1.0 } else { 1e-5 });
        close(&gk, &dk, if keys == 1 { 1.0 } else { 1e-5 });
        close(&gv, &dv, 1e-5);
        let (mut again, mut logs_again) = (vec![0.0; q.len()], log_sums.clone());
        attention(sizes, &q, &k, &v, &mut again, &mut logs_again);
        assert!(again == y, "not the same bits");
    }
}

#[test]
fn nothing_to_attend() {
    for (samples, queries, keys) in [(0, 3, 3), (2, 0, 3), (2, 3, 0)] {
        let sizes = Heads { samples, queries, keys, width: 4, heads: 2, scale: 0.5 };
        let (q, k) = (vec![1.0; samples * queries * 4], vec![1.0; samples * keys * 4]);
        let (mut out, mut logs) = (vec![f32::NAN; q.len()], vec![f32::NAN; samples * queries * 2]);
        attention(sizes, &q, &k, &k, &mut out, &mut logs);
        assert!(out.iter().all(|&x| x == 0.0));
        let (mut dq, mut dk, mut dv) = (vec![f32::NAN; q.len()], vec![f32::NAN; k.len()], vec![f32::NAN; k.len()]);
        let saved = AttentionSaved { dy: &q, q: &q, k: &k, v: &k, out: &out, log_sums: &logs };
        attention_grad(sizes, saved, &mut dq, &mut dk, &mut dv);
        assert!(dq.iter().chain(&dk).chain(&dv).all(|&x| x == 0.0));
    }
}

#[test]
fn large_logits_do_not_overflow() {
    let sizes = Heads { samples: 1, queries: 2, keys: 100, width: 1, heads: 1, scale: 1.0 };
    let k: Vec<f32> = (0..100).map(|s| s as f32).collect();
    let (mut out, mut logs) = ([0.0; 2], [0.0; 2]);
    attention(sizes, &[1000.0, -1000.0], &k, &k, &mut out, &mut logs);
    assert_eq!(out, [99.0, 0.0]);
    assert_eq!(logs, [99_000.0, 0.0]);
}
