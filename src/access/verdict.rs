//! The answer to a question that facts may leave open: no, not known, yes.
//!
//! The one three-valued type of the crate: whether a principal gets in, whether a request is allowed, whether a policy's
//! statement applies, whether a workload gets its role. Decides how such answers add up, after Kleene: "and" is the
//! least of them, "or" the greatest. What an answer rests on (evidence, reasons, what is missing) stands beside it, in the
//! types that hold one; how a report spells it is `report`'s.

use super::Mark;

/// No, not known, yes, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// No: all that could say yes was read, and does not.
    #[default]
    No,
    /// A named fact is missing that could change the answer.
    Unknown,
    /// Yes.
    Yes,
}

impl Verdict {
    /// Yes or no; `None` where it is not known.
    pub fn known(self) -> Option<bool> {
        match self {
            Verdict::No => Some(false),
            Verdict::Unknown => None,
            Verdict::Yes => Some(true),
        }
    }

    /// Its sign.
    pub fn mark(self) -> Mark {
        match self {
            Verdict::Yes => Mark::InForce,
            Verdict::No => Mark::Dead,
            Verdict::Unknown => Mark::Unknown,
        }
    }

    /// Whether all hold; of none, all do.
    pub fn all(parts: impl IntoIterator<Item = Verdict>) -> Verdict {
        parts.into_iter().min().unwrap_or(Verdict::Yes)
    }

    /// Whether one holds; of none, none does.
    pub fn any(parts: impl IntoIterator<Item = Verdict>) -> Verdict {
        parts.into_iter().max().unwrap_or(Verdict::No)
    }

    /// What is certain, whichever of them it is: not known where they differ, or where there are none.
    pub fn agreed(parts: impl IntoIterator<Item = Verdict>) -> Verdict {
        let mut parts = parts.into_iter();
        let Some(first) = parts.next() else { return Verdict::Unknown };
        if parts.all(|it| it == first) { first } else { Verdict::Unknown }
    }
}

impl From<bool> for Verdict {
    fn from(it: bool) -> Verdict {
        if it { Verdict::Yes } else { Verdict::No }
    }
}

impl std::ops::Not for Verdict {
    type Output = Verdict;

    fn not(self) -> Verdict {
        match self {
            Verdict::No => Verdict::Yes,
            Verdict::Unknown => Verdict::Unknown,
            Verdict::Yes => Verdict::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{self, No, Unknown, Yes};

    /// Kleene's strong logic.
    #[test]
    fn what_is_not_known_stays_so_unless_the_rest_decides() {
        for (one, other, and, or, agreed) in [
            (No, No, No, No, No),
            (No, Unknown, No, Unknown, Unknown),
            (No, Yes, No, Yes, Unknown),
            (Unknown, Unknown, Unknown, Unknown, Unknown),
            (Unknown, Yes, Unknown, Yes, Unknown),
            (Yes, Yes, Yes, Yes, Yes),
        ] {
            for both in [[one, other], [other, one]] {
                assert_eq!(
                    (Verdict::all(both), Verdict::any(both), Verdict::agreed(both)),
                    (and, or, agreed),
                    "{both:?}"
                );
                // De Morgan.
                assert_eq!(!Verdict::all(both), Verdict::any(both.map(|it| !it)), "{both:?}");
            }
        }
        assert_eq!((Verdict::all([]), Verdict::any([]), Verdict::agreed([])), (Yes, No, Unknown));
    }
}
