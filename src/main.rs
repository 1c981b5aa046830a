//! eksplorer
fn main() {}
