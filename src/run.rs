//! The rim: the only room that knows clock, terminal, tasks and signals, and that may name all others.
//!
//! - [`screen`]: the loop that owns the state, and what it selects among;
//! - [`effects`]: what the state wants done, as tasks; [`terminal`]: the terminal, given back whatever happens.
//!
//! Decides nothing about access or about what is shown. A new effect is an arm in [`effects`].

pub mod effects;
pub mod screen;
pub mod terminal;
