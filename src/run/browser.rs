//! An address opened in a browser beside the screen.
//!
//! Decides which program is asked and when there is none: one that `BROWSER` names, else the system's own, and on a Linux
//! without a display nobody. It gets neither the terminal nor anything to write to, and is never waited for to its end.

use std::env;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// A program that has not failed after this has opened the address, or is about to.
const FAILS_WITHIN: Duration = Duration::from_secs(2);

/// Hands an address to a browser. The error says why not.
pub(super) async fn open_address(address: &str) -> Result<(), String> {
    // Only what a browser opens: the address comes from a service, and an opener would also start programs.
    if !["https://", "http://"].iter().any(|scheme| address.starts_with(scheme)) {
        return Err("the address is none of the web".to_owned());
    }
    let Some(opener) = opener() else {
        return Err("there is no display here, and BROWSER names no program".to_owned());
    };
    let mut command = Command::new(&opener);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // In a group of its own: what the terminal sends to ours is not for it.
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| format!("{opener} could not be started: {error}"))?;
    match timeout(FAILS_WITHIN, child.wait()).await {
        Ok(Ok(status)) if !status.success() => Err(format!("{opener} failed ({status})")),
        Ok(Err(error)) => Err(format!("{opener} failed: {error}")),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

/// The program that opens addresses.
fn opener() -> Option<String> {
    let named = env::var("BROWSER").ok().filter(|it| !it.is_empty());
    // A list of several, with blanks and placeholders, is left to the program that reads it.
    if let Some(named) = named.filter(|it| !it.contains([':', '%', ' '])) {
        return Some(named);
    }
    if cfg!(target_os = "macos") {
        return Some("open".to_owned());
    }
    let has = |name: &str| env::var_os(name).is_some_and(|it| !it.is_empty());
    ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER"].into_iter().any(has).then(|| "xdg-open".to_owned())
}
