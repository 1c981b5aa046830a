//! Which columns there is room for, and how wide each is.

use crate::app::table::Head;

/// Between two columns.
const GAP: u16 = 2;

/// The columns that are shown, by their place, with where they begin and how wide they are. Depends on the width alone,
/// so that nothing jumps while rows come.
pub(super) fn columns(heads: &[&Head], width: u16) -> Vec<(usize, u16, u16)> {
    let mut shown: Vec<usize> = (0..heads.len()).collect();
    let head = |place: &usize| heads.get(*place);
    let least = |shown: &[usize]| -> u16 {
        let texts: u16 = shown.iter().filter_map(head).map(|it| it.width.min).sum();
        texts + GAP * (shown.len() as u16).saturating_sub(1)
    };
    while least(&shown) > width {
        let Some(worst) = shown.iter().filter_map(head).map(|it| it.drop).max().filter(|drop| *drop > 0) else { break };
        shown.retain(|place| head(place).is_some_and(|it| it.drop != worst));
    }
    let mut widths: Vec<u16> = shown.iter().filter_map(head).map(|it| it.width.min).collect();
    let mut left = width.saturating_sub(least(&shown));
    // What is left over goes by weight, round by round, since some reach their greatest width on the way.
    loop {
        let open: Vec<(usize, u16)> = (shown.iter().filter_map(head).zip(&widths).enumerate())
            .filter(|(_, (it, now))| it.width.weight > 0 && **now < it.width.max)
            .map(|(at, (it, _))| (at, it.width.weight))
            .collect();
        let weights: u16 = open.iter().map(|(_, weight)| weight).sum();
        if left == 0 || weights == 0 {
            break;
        }
        let share = left;
        for (at, weight) in open {
            let most = shown.get(at).and_then(head).map_or(0, |it| it.width.max);
            let Some(now) = widths.get_mut(at) else { continue };
            let more = (share * weight / weights).max(1).min(most - *now).min(left);
            *now += more;
            left -= more;
        }
    }
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
