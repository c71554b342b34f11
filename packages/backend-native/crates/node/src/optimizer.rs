//! AdamW, the moving average and the gradients' norm over all leaves at once.

use learngene_kernels::adamw::{Leaf, LeafMut, Step, adamw as update, ema as average};
use learngene_kernels::norm::squared_norm;
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::boundary::{Extent, F32, F32Mut, check_len};

/// Fails unless no output shares a byte with another argument; by sorting, since there are hundreds.
fn disjoint_lists(outputs: &[&[F32Mut]], inputs: &[&[F32]]) -> Result<()> {
    let written = outputs.iter().flat_map(|list| list.iter()).map(|array| (array.extent(), true));
    let read = inputs.iter().flat_map(|list| list.iter()).map(|array| (array.extent(), false));
    let mut all: Vec<_> = written.chain(read).filter(|((start, end), _)| start < end).collect();
    all.sort_unstable();
    let (mut written_to, mut used_to) = (0, 0);
    for ((start, end), is_output) in all {
        if start < written_to || (is_output && start < used_to) {
            return Err(Error::new(Status::InvalidArg, "an output array overlaps another argument"));
        }
        used_to = used_to.max(end);
        if is_output {
            written_to = written_to.max(end);
        }
    }
    Ok(())
}

fn check_list(name: &str, lengths: impl ExactSizeIterator<Item = usize>, like: &[F32]) -> Result<()> {
    if lengths.len() != like.len() {
        let message = format!("{name}: expected {} arrays, got {}", like.len(), lengths.len());
        return Err(Error::new(Status::InvalidArg, message));
    }
    for (index, (length, like)) in lengths.zip(like).enumerate() {
        check_len(&format!("{name}[{index}]"), length, like.len())?;
    }
    Ok(())
}

/// One AdamW step over all leaves, of the gradients times `clip`. `scalars`: learning rate, beta1, beta2, eps, weight
/// decay, step (from 1). With moving averages `e` also e1 = decay e + (1 - decay) p1; without, `e` and `e1` are empty.
#[napi]
pub fn adamw(
    scalars: Vec<f64>,
    clip: f64,
    decay: f64,
    p: Vec<F32>,
    g: Vec<F32>,
    m: Vec<F32>,
    v: Vec<F32>,
    e: Vec<F32>,
    mut p1: Vec<F32Mut>,
    mut m1: Vec<F32Mut>,
    mut v1: Vec<F32Mut>,
    mut e1: Vec<F32Mut>,
) -> Result<()> {
    let step = step_of(&scalars)?;
    for (name, list) in [("g", &g), ("m", &m), ("v", &v)] {
        check_list(name, list.iter().map(|array| array.len()), &p)?;
    }
    for (name, list) in [("p1", &p1), ("m1", &m1), ("v1", &v1)] {
        check_list(name, list.iter().map(|array| array.len()), &p)?;
    }
    if !e.is_empty() {
        check_list("e", e.iter().map(|array| array.len()), &p)?;
    }
    check_list("e1", e1.iter().map(|array| array.len()), &e)?;
    disjoint_lists(&[&p1, &m1, &v1, &e1], &[&p, &g, &m, &v, &e])?;
    let before: Vec<Leaf<'_>> =
        (0..p.len()).map(|i| Leaf { p: &p[i], g: &g[i], m: &m[i], v: &v[i], e: e.get(i).map(|e| &**e) }).collect();
    let mut averages = e1.iter_mut();
    let outputs = p1.iter_mut().zip(&mut m1).zip(&mut v1);
    let mut after: Vec<LeafMut<'_>> =
        outputs.map(|((p, m), v)| LeafMut { p, m, v, e: averages.next().map(|e| &mut **e) }).collect();
    update(&step, clip as f32, decay, &before, &mut after);
    Ok(())
}

fn step_of(scalars: &[f64]) -> Result<Step> {
    let &[learning_rate, beta1, beta2, eps, weight_decay, step] = scalars else {
        return Err(Error::new(Status::InvalidArg, format!("scalars: expected 6 numbers, got {}", scalars.len())));
    };
    Ok(Step { learning_rate, beta1, beta2, eps, weight_decay, step })
}

/// e1 = decay e + (1 - decay) p for every leaf.
#[napi]
pub fn ema(decay: f64, e: Vec<F32>, p: Vec<F32>, mut e1: Vec<F32Mut>) -> Result<()> {
    check_list("p", p.iter().map(|array| array.len()), &e)?;
    check_list("e1", e1.iter().map(|array| array.len()), &e)?;
    disjoint_lists(&[&e1], &[&e, &p])?;
    let before: Vec<(&[f32], &[f32])> = e.iter().zip(&p).map(|(e, p)| (&**e, &**p)).collect();
    average(decay, &before, &mut e1.iter_mut().map(|e| &mut **e).collect::<Vec<_>>());
    Ok(())
}

/// The sum of the squares of all elements.
#[napi]
pub fn global_squared_norm(x: Vec<F32>) -> f64 {
    squared_norm(&x.iter().map(|x| &**x).collect::<Vec<_>>())
}
