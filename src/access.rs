//! What follows from the facts: pure, totally ordered, unknown propagated.

pub mod identity;
