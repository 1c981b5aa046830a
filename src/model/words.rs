//! Numbers and names in words, the same on the screen and in reports.
//!
//! Decides how a number of things is told, and what of an ARN is its name. Knows nothing of what is counted.

/// `1 row`, `3 rows`.
pub fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// What stands behind the last slash: the name in the ARN of a policy or a role.
pub fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
