//! Three-valued logic: no, not known, yes — in that order, so that "and" is the least and "or" the greatest.

/// Does it hold?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub(crate) enum Truth {
    No,
    Unknown,
    Yes,
}

impl From<bool> for Truth {
    fn from(it: bool) -> Truth {
        if it { Truth::Yes } else { Truth::No }
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
            Truth::Yes => Truth::No,
        }
    }
}

/// All hold; so do none.
pub(crate) fn all(parts: impl IntoIterator<Item = Truth>) -> Truth {
    parts.into_iter().min().unwrap_or(Truth::Yes)
}

/// One holds; of none, none does.
pub(crate) fn any(parts: impl IntoIterator<Item = Truth>) -> Truth {
    parts.into_iter().max().unwrap_or(Truth::No)
}

/// What is certain, whichever of them it is: not known where they differ, or where there are none.
pub(crate) fn agreed(parts: impl IntoIterator<Item = Truth>) -> Truth {
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { return Truth::Unknown };
    if parts.all(|it| it == first) { first } else { Truth::Unknown }
}
