//! mapAccounts: a list that go-yaml decodes into texts at once, so that `012345678901` keeps its zero.

use super::{AwsAuth, KeyProblem, MAX_EXPANDED, not_a_list};
use crate::model::go_yaml::{Resolved, YamlKind, YamlWalk, parse_first_document};

/// Reads mapAccounts; answers where the first document ends.
pub(super) fn read_accounts(text: &str, out: &mut AwsAuth) -> Result<usize, KeyProblem> {
    let document = parse_first_document(text)?;
    let Some(root) = document.root else { return Ok(document.end) };
    let mut walk = YamlWalk::new(&document);
    let items = match document.follow(root).map(|(_, node)| &node.kind) {
        Some(YamlKind::Sequence(items)) => items,
        Some(YamlKind::Scalar(_)) => {
            walk.decode_any(root)?;
            return if *walk.value(root) == Resolved::Null {
                Ok(document.end)
            } else {
                Err(not_a_list(&document, root))
            };
        }
        _ => return Err(not_a_list(&document, root)),
    };
    let mut left_out = None;
    let mut expanded = 0;
    for item in items {
        match walk.decode_text(*item) {
            Ok(Some(account)) => {
                expanded += account.len();
                if expanded > MAX_EXPANDED {
                    out.accounts.clear();
                    return Err(too_large());
                }
                out.accounts.push(account);
            }
            Ok(None) => left_out = left_out.or(Some(walk.line(*item))),
            Err(fault) => {
                // go-yaml has made room for all items by then; those that are not read stay empty texts.
                let message = fault.message.into_owned();
                out.accounts.resize(items.len(), String::new());
                return Err(KeyProblem::CutShort { line: fault.line, message });
            }
        }
    }
    match left_out {
        Some(line) => Err(KeyProblem::ItemLeftOut { line }),
        None => Ok(document.end),
    }
}

/// A key that its aliases make larger than this program follows.
pub(super) fn too_large() -> KeyProblem {
    KeyProblem::Undetermined { message: "its aliases make it larger than 64 MiB".into() }
}
