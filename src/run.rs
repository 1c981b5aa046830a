//! The rim: what touches clock, terminal, network and disk, and what the screen and the headless commands share.

pub mod load;
