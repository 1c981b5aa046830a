//! Which columns there is room for, and how wide each is.

use crate::app::table::{Head, Width};

/// Between two columns.
const GAP: u16 = 2;

/// The columns that are shown, by their place, with where they begin and how wide they are. Depends on the width alone,
/// so that nothing jumps while rows come.
pub(super) fn columns(heads: &[&Head], width: u16) -> Vec<(usize, u16, u16)> {
    let mut shown: Vec<usize> = (0..heads.len()).collect();
    let head = |place: &usize| heads.get(*place);
    let total = |shown: &[usize], of: fn(Width) -> u16| -> u16 {
        let texts: u16 = shown.iter().filter_map(head).map(|it| of(it.width)).sum();
        texts + GAP * (shown.len() as u16).saturating_sub(1)
    };
    while total(&shown, |it| it.good) > width {
        let Some(worst) = shown.iter().filter_map(head).map(|it| it.drop).max().filter(|drop| *drop > 0) else { break };
        shown.retain(|place| head(place).is_some_and(|it| it.drop != worst));
    }
    let shares: Vec<Width> = shown.iter().filter_map(head).map(|it| it.width).collect();
    let mut widths: Vec<u16> = shares.iter().map(|it| it.min).collect();
    let mut left = width.saturating_sub(total(&shown, |it| it.min));
    // First all become good, then those that can use it become great.
    grow(&mut widths, &shares, &mut left, |it| it.good);
    grow(&mut widths, &shares, &mut left, |it| it.max);
    let mut x = 0;
    let mut placed = Vec::new();
    for (place, wide) in shown.into_iter().zip(widths) {
        // Where not even the least widths fit, the last column is cut.
        let wide = wide.min(width.saturating_sub(x));
        placed.push((place, x, wide));
        x = x.saturating_add(wide + GAP);
    }
    placed
}

/// Shares out what is left by weight, round by round, since some reach their greatest width on the way.
fn grow(widths: &mut [u16], shares: &[Width], left: &mut u16, most: fn(Width) -> u16) {
    loop {
        let open = |now: u16, share: &Width| now < most(*share);
        let weight = |share: &Width| share.weight.max(1);
        let weights: u16 =
            widths.iter().zip(shares).filter(|(now, it)| open(**now, it)).map(|(_, it)| weight(it)).sum();
        if *left == 0 || weights == 0 {
            return;
        }
        let whole = *left;
        for (now, share) in widths.iter_mut().zip(shares).filter(|(now, it)| open(**now, it)) {
            let more = (whole * weight(share) / weights).max(1).min(most(*share) - *now).min(*left);
            *now += more;
            *left -= more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::pane::Pane;
    use crate::app::table::heads;

    #[test]
    fn columns_never_overlap_and_stay_within_the_width_and_their_limits() {
        for pane in Pane::ALL {
            let heads = heads(pane);
            for width in 0..250 {
                let placed = columns(&heads, width);
                let mut end = 0;
                for (place, x, wide) in &placed {
                    assert!(*x >= end || *wide == 0, "{pane:?} {width} {placed:?}");
                    assert!(x + wide <= width || *wide == 0, "{pane:?} {width} {placed:?}");
                    assert!(*wide <= heads[*place].width.max);
                    end = x + wide;
                }
            }
            assert_eq!(columns(&heads, 400).len(), heads.len(), "all of them where there is room");
        }
    }
}
