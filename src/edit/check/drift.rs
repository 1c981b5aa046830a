//! Was a thing changed since it was read? Known only when it is read again, so the rim does that and this judges it.
//!
//! Decides that a difference blocks: what was reviewed is then not what would be done. That it could not be read again is
//! only noted, for applying reads it once more and begins nothing when it differs; a question that nobody can answer
//! would be answered with yes each time.

use super::{Check, CheckId};
use crate::edit::compare::differences;
use crate::edit::draft::Change;
use crate::edit::state::{State, Subject};

/// What follows from a thing as it was read again; `Err` is why it was not.
pub fn drift(subject: &Subject, change: &Change, read: Result<Option<&State>, &str>) -> Option<Check> {
    let check = |id, because: String| Some(Check::new(id, Some(subject), because));
    let is = match read {
        Ok(is) => is,
        Err(why) => {
            let because = format!("whether {subject} was changed since it was read is not known: {why}");
            return check(CheckId::DriftUnknown, because);
        }
    };
    let differs = differences(change.before.as_ref(), is);
    if differs.is_empty() {
        return None;
    }
    let remedy = match (&change.before, is) {
        // What was to be changed is gone, and nothing is made anew unasked.
        (Some(_), None) if change.after.is_some() => "take the change back, or stage it as new",
        _ => "refresh (ctrl-r) and look at it again",
    };
    let because =
        format!("{subject} was changed by somebody else since it was read: {}. To go on: {remedy}", differs.join("; "));
    check(CheckId::Drift, because)
}
