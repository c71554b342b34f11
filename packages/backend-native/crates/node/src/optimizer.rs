//! AdamW, the moving average and the gradients' norm over all leaves at once.

use learngene_kernels::adamw::{Leaf, Slot, Step, adamw as update, ema as average};
use learngene_kernels::norm::squared_norm;
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::boundary::{Extent, F32, F32Mut, check_len};
use crate::later::later;

/// Fails unless no output shares a byte with another argument; by sorting, since there are hundreds.
fn disjoint_extents(
    outputs: impl Iterator<Item = (usize, usize)>,
    inputs: impl Iterator<Item = (usize, usize)>,
) -> Result<()> {
    let written = outputs.map(|extent| (extent, true));
    let mut all: Vec<_> = written.chain(inputs.map(|extent| (extent, false))).collect();
    all.retain(|((start, end), _)| start < end);
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
        if length != like.len() {
            check_len(&format!("{name}[{index}]"), length, like.len())?;
        }
    }
    Ok(())
}

/// One AdamW step over all leaves. `scalars`: learning rate, beta1, beta2, eps, weight decay, step (from 1), and the largest
/// norm: gradients are multiplied by min(1, that / (norm + 1e-6)) where there is a `norm` [1]. With moving averages `e` also
/// e1 = decay e + (1 - decay) p1; without, `e` and `e1` are empty. An output of p, m, v or e may be the array of its input.
#[napi]
pub fn adamw(
    scalars: Vec<f64>,
    norm: Option<F32>,
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
    let (step, largest) = step_of(&scalars)?;
    let norm = Norm::new(norm, largest)?;
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
    let kept = [(&p, &p1), (&m, &m1), (&v, &v1), (&e, &e1)];
    let read = kept.iter().flat_map(|(old, new)| old.iter().zip(new.iter()).filter(|(old, new)| !is_same(old, new)));
    disjoint_extents(
        kept.iter().flat_map(|(_, new)| new.iter()).map(Extent::extent),
        read.map(|(old, _)| old.extent()).chain(g.iter().map(Extent::extent)).chain(norm.extent()),
    )?;
    later("adamw", move || {
        let mut averages = e.iter().zip(&mut e1);
        let slots = p.iter().zip(&mut p1).zip(m.iter().zip(&mut m1)).zip(v.iter().zip(&mut v1)).zip(&g);
        let mut leaves: Vec<Leaf<'_>> = slots
            .map(|(((p, m), v), g)| Leaf { p: slot(p), g, m: slot(m), v: slot(v), e: averages.next().map(slot) })
            .collect();
        update(&step, norm.clip(), decay, &mut leaves);
        Ok(())
    })
}

/// [`adamw`] where every output is the array of its input.
#[napi]
pub fn adamw_in_place(
    scalars: Vec<f64>,
    norm: Option<F32>,
    decay: f64,
    mut p: Vec<F32Mut>,
    g: Vec<F32>,
    mut m: Vec<F32Mut>,
    mut v: Vec<F32Mut>,
    mut e: Vec<F32Mut>,
) -> Result<()> {
    let (step, largest) = step_of(&scalars)?;
    let norm = Norm::new(norm, largest)?;
    for (name, list) in [("p", &p), ("m", &m), ("v", &v)] {
        check_list(name, list.iter().map(|array| array.len()), &g)?;
    }
    if !e.is_empty() {
        check_list("e", e.iter().map(|array| array.len()), &g)?;
    }
    let written = [&p, &m, &v, &e].into_iter().flatten().map(Extent::extent);
    disjoint_extents(written, g.iter().map(Extent::extent).chain(norm.extent()))?;
    later("adamwInPlace", move || {
        let mut averages = e.iter_mut();
        let mut leaves: Vec<Leaf<'_>> = p
            .iter_mut()
            .zip(m.iter_mut().zip(&mut v))
            .zip(&g)
            .map(|((p, (m, v)), g)| {
                let e = averages.next().map(|e| Slot::Over(e));
                Leaf { p: Slot::Over(p), g, m: Slot::Over(m), v: Slot::Over(v), e }
            })
            .collect();
        update(&step, norm.clip(), decay, &mut leaves);
        Ok(())
    })
}

/// Whether an output is the very array of its input.
fn is_same(old: &F32, new: &F32Mut) -> bool {
    old.extent() == new.extent()
}

fn slot<'a>((old, new): (&'a F32, &'a mut F32Mut)) -> Slot<'a> {
    if is_same(old, new) { Slot::Over(new) } else { Slot::Into { old, new } }
}

fn step_of(scalars: &[f64]) -> Result<(Step, f64)> {
    let &[learning_rate, beta1, beta2, eps, weight_decay, step, largest] = scalars else {
        return Err(Error::new(Status::InvalidArg, format!("scalars: expected 7 numbers, got {}", scalars.len())));
    };
    Ok((Step { learning_rate, beta1, beta2, eps, weight_decay, step }, largest))
}

/// The norm of the gradients, known only when they are computed, and the largest that they may have.
struct Norm {
    norm: Option<F32>,
    largest: f64,
}

impl Norm {
    fn new(norm: Option<F32>, largest: f64) -> Result<Self> {
        if let Some(norm) = &norm {
            check_len("norm", norm.len(), 1)?;
        }
        Ok(Self { norm, largest })
    }

    fn extent(&self) -> Option<(usize, usize)> {
        self.norm.as_ref().map(Extent::extent)
    }

    /// What gradients are multiplied by; NaN where the norm is.
    fn clip(&self) -> f32 {
        let Some(norm) = &self.norm else { return 1.0 };
        let factor = self.largest / (f64::from(norm[0]) + 1e-6);
        if factor > 1.0 { 1.0 } else { factor as f32 }
    }
}

/// e1 = decay e + (1 - decay) p for every leaf.
#[napi]
pub fn ema(decay: f64, e: Vec<F32>, p: Vec<F32>, mut e1: Vec<F32Mut>) -> Result<()> {
    check_list("p", p.iter().map(|array| array.len()), &e)?;
    check_list("e1", e1.iter().map(|array| array.len()), &e)?;
    disjoint_extents(e1.iter().map(Extent::extent), e.iter().chain(&p).map(Extent::extent))?;
    let before: Vec<(&[f32], &[f32])> = e.iter().zip(&p).map(|(e, p)| (&**e, &**p)).collect();
    average(decay, &before, &mut e1.iter_mut().map(|e| &mut **e).collect::<Vec<_>>());
    Ok(())
}

/// sum [1] = the sum of the squares of all elements.
#[napi]
pub fn global_squared_norm(x: Vec<F32>, mut sum: F32Mut) -> Result<()> {
    check_len("sum", sum.len(), 1)?;
    disjoint_extents(std::iter::once(sum.extent()), x.iter().map(Extent::extent))?;
    later("globalSquaredNorm", move || {
        sum[0] = squared_norm(&x.iter().map(|x| &**x).collect::<Vec<_>>()) as f32;
        Ok(())
    })
}
