//! `eksplorer explain`: a message, from the command line or from standard input, held against a cluster.
//!
//! Decides what is read for it: everything, since whoever is behind a username may be anybody; and the facts of whom the
//! message names once more by themselves.

use super::super::source::Source;
use super::super::{Trouble, load};
use super::Printed;
use crate::access::explain::{Ground, read_message};
use crate::cli::{Options, Output};
use crate::edit::fix::Explained;
use crate::model::principal::Asked;
use crate::report;

/// `eksplorer explain MESSAGE`
pub async fn explain_message(options: &Options, given: &str) -> Result<Printed, Trouble> {
    let given = if given == "-" { standard_input()? } else { given.to_owned() };
    let message = read_message(&given).map_err(|error| Trouble::bad_input(error.to_string()))?;
    let source = Source::open(options, None).await?;
    let id = source.cluster(options.cluster.as_deref()).await?;
    let snapshot = match &source {
        Source::File(snapshot) => (**snapshot).clone(),
        Source::Live { session, .. } => {
            let mut snapshot = load::whole(session, id.clone()).await;
            // The lists may be refused where the principal's own facts are not.
            let caller = || Asked::from_arn(&snapshot.caller.value()?.arn).ok();
            if let Some(asked) = message.message.asked().or_else(caller) {
                load::add(&mut snapshot, |tx| load::ask(session, id.clone(), asked, load::AlreadyRead::default(), tx))
                    .await;
            }
            snapshot
        }
    };
    source.check_cluster(&snapshot, &id).await?;
    let snapshot = snapshot.settled();
    let facts = snapshot.cluster(&id);
    let caller = snapshot.caller.value().and_then(|it| Asked::from_arn(&it.arn).ok());
    let ground = Ground::new(&facts, &snapshot.iam, &id, caller);
    let explained = Explained::new(&ground, &message);
    let out = match options.output {
        Output::Text => report::explain::text(&id, &explained),
        Output::Json | Output::Sarif => {
            report::explain::json(&id, ground.permissions(), &explained).map_err(Trouble::failure)?
        }
    };
    Ok(Printed::answer(out, report::explain::exit(&explained.explanation)))
}

/// What is piped in; a message is short, and what is longer is cut.
fn standard_input() -> Result<String, Trouble> {
    use std::io::Read as _;
    const MOST: u64 = 1024 * 1024;
    let mut bytes = Vec::new();
    let read = std::io::stdin().take(MOST).read_to_end(&mut bytes);
    read.map_err(|error| Trouble::failure(format!("could not read standard input: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
