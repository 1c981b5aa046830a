//! What stands after a plan, as Terraform resources, with import blocks for what then exists.

use std::collections::BTreeMap;

use super::{Place, quoted, remark};
use crate::edit::draft::Draft;
use crate::edit::state::{AssociationState, EntryState, State, Subject};
use crate::model::mapping::ScopeKind;
use crate::model::principal::Principal;
use crate::model::visible::is_deceptive;
use crate::model::words::last_part;

/// The resources of everything that a draft makes or changes, as it stands `after`; what it removes is named in a
/// comment. `id` tells the id of an association, where that is known.
pub(super) fn terraform<'a>(
    place: &Place,
    draft: &Draft,
    after: &str,
    id: impl Fn(&Subject) -> Option<&'a str>,
) -> String {
    let head = format!("Cluster {} in {}, as it stands after {after}.", place.cluster, place.region);
    let mut out = format!("# {}\n", remark(&head));
    if draft.is_empty() {
        out.push_str("# Nothing was changed.\n");
    }
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    let head = out.len();
    for (subject, change) in draft.changes() {
        let name = name(subject, &mut used);
        match (subject, &change.after) {
            (Subject::Entry(arn), Some(State::Entry(state))) => entry(&mut out, place, &name, arn, state),
            (Subject::Association(namespace, account), Some(State::Association(state))) => {
                association(&mut out, place, &name, (namespace, account), state, id(subject));
            }
            _ => out.push_str(&format!("\n# Remove from your configuration: {}\n", remark(&subject.to_string()))),
        }
    }
    let resources = out.split_off(head);
    out + &aligned(&resources)
}

/// As `terraform fmt` lays it out: the equals signs of consecutive lines stand below each other. A line that opens a map
/// ends a block and is not of it.
fn aligned(text: &str) -> String {
    let argument = |line: &'_ str| -> Option<(String, String)> {
        if line.ends_with('{') || line.starts_with('#') {
            return None;
        }
        // A quoted name may hold an equals sign of its own; the first quote that is not escaped ends it.
        let start = if line.trim_start().starts_with('"') { end_of_quoted(line)? } else { 0 };
        let (rest, value) = line.get(start..)?.split_once(" = ")?;
        Some((format!("{}{}", line.get(..start)?, rest.trim_end()), value.to_owned()))
    };
    let mut out = String::new();
    let mut block: Vec<(String, String)> = Vec::new();
    let flush = |block: &mut Vec<(String, String)>, out: &mut String| {
        let width = block.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, value) in block.drain(..) {
            out.push_str(&format!("{name:width$} = {value}\n"));
        }
    };
    for line in text.lines() {
        match argument(line) {
            Some(it) => block.push(it),
            None => {
                flush(&mut block, &mut out);
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    flush(&mut block, &mut out);
    out
}

fn name(subject: &Subject, used: &mut BTreeMap<String, usize>) -> String {
    let text = match subject {
        Subject::Entry(arn) => Principal::from_arn(arn).map_or_else(|_| arn.clone(), |(it, _)| it.name),
        Subject::Association(namespace, account) => format!("{namespace}_{account}"),
    };
    let mut name: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.insert_str(0, "it_");
    }
    let times = used.entry(name.clone()).or_default();
    *times += 1;
    if *times > 1 { format!("{name}_{times}") } else { name }
}

/// A string of Terraform: `${` and `%{` would begin an expression.
fn text(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_deceptive(c) && u32::from(c) <= 0xffff => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c if is_deceptive(c) => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out.replace("${", "$${").replace("%{", "%%{")
}

fn list<'a>(all: impl Iterator<Item = &'a String>) -> String {
    format!("[{}]", all.map(|it| text(it)).collect::<Vec<_>>().join(", "))
}

fn tags(out: &mut String, tags: &BTreeMap<String, String>) {
    if !tags.is_empty() {
        out.push_str("  tags = {\n");
        for (key, value) in tags {
            out.push_str(&format!("    {} = {}\n", text(key), text(value)));
        }
        out.push_str("  }\n");
    }
}

fn import(out: &mut String, to: &str, id: &str) {
    out.push_str(&format!("\nimport {{\n  to = {to}\n  id = {}\n}}\n", text(id)));
}

fn entry(out: &mut String, place: &Place, name: &str, arn: &str, state: &EntryState) {
    import(out, &format!("aws_eks_access_entry.{name}"), &format!("{}:{arn}", place.cluster));
    out.push_str(&format!("\nresource \"aws_eks_access_entry\" \"{name}\" {{\n"));
    out.push_str(&format!(
        "  cluster_name  = {}\n  principal_arn = {}\n  type          = {}\n",
        text(&place.cluster),
        text(arn),
        text(&state.kind)
    ));
    if state.kind == "STANDARD" {
        if !state.groups.is_empty() {
            out.push_str(&format!("  kubernetes_groups = {}\n", list(state.groups.iter())));
        }
        if let Some(username) = &state.username {
            out.push_str(&format!("  user_name     = {}\n", text(username)));
        }
    }
    tags(out, &state.tags);
    out.push_str("}\n");
    for (policy, scope) in &state.policies {
        let of: String = last_part(policy)
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
            .collect();
        let to = format!("{name}_{of}");
        import(out, &format!("aws_eks_access_policy_association.{to}"), &format!("{}#{arn}#{policy}", place.cluster));
        out.push_str(&format!(
            "\nresource \"aws_eks_access_policy_association\" \"{to}\" {{\n  cluster_name  = {}\n  principal_arn = aws_eks_access_entry.{name}.principal_arn\n  policy_arn    = {}\n\n  access_scope {{\n",
            text(&place.cluster),
            text(policy)
        ));
        match scope.kind {
            ScopeKind::Cluster => out.push_str("    type = \"cluster\"\n"),
            ScopeKind::Namespace => {
                out.push_str(&format!(
                    "    type       = \"namespace\"\n    namespaces = {}\n",
                    list(scope.namespaces.iter())
                ));
            }
        }
        out.push_str("  }\n}\n");
    }
}

fn association(
    out: &mut String,
    place: &Place,
    name: &str,
    at: (&str, &str),
    state: &AssociationState,
    id: Option<&str>,
) {
    let to = format!("aws_eks_pod_identity_association.{name}");
    match id {
        Some(id) => import(out, &to, &format!("{},{id}", place.cluster)),
        // EKS gives the id when the association is made, and no import goes without it.
        None => out.push_str(&format!(
            "\n# To import it, ask for its id once it is there:\n# {}\n# import {{\n#   to = {to}\n#   id = {}\n# }}\n",
            remark(&format!(
                "aws eks list-pod-identity-associations --region {} --cluster-name {} --namespace {} \
                 --service-account {} --query 'associations[0].associationId' --output text",
                quoted(&place.region),
                quoted(&place.cluster),
                quoted(at.0),
                quoted(at.1)
            )),
            text(&format!("{},THE_ID", place.cluster))
        )),
    }
    out.push_str(&format!(
        "\nresource \"aws_eks_pod_identity_association\" \"{name}\" {{\n  cluster_name    = {}\n  namespace       = {}\n  service_account = {}\n  role_arn        = {}\n",
        text(&place.cluster),
        text(at.0),
        text(at.1),
        text(&state.role_arn)
    ));
    if let Some(target) = &state.target_role_arn {
        out.push_str(&format!("  target_role_arn = {}\n", text(target)));
    }
    if state.disable_session_tags {
        out.push_str("  disable_session_tags = true\n");
    }
    if let Some(policy) = &state.policy {
        out.push_str(&format!("  policy          = {}\n", text(policy)));
    }
    tags(out, &state.tags);
    out.push_str("}\n");
}

/// Where the quoted text ends with which a line begins.
fn end_of_quoted(line: &str) -> Option<usize> {
    let (mut is_open, mut is_escaped) = (false, false);
    for (at, c) in line.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' if is_open => return Some(at + 1),
            '"' => is_open = true,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::draft::Change;
    use crate::model::mapping::AccessScope;

    #[test]
    fn equals_signs_stand_below_each_other_as_terraform_fmt_has_them() {
        let text = "r {\n  a = 1\n  long = 2\n  tags = {\n    \"x = y\" = \"1\"\n    \"z\" = \"a = b\"\n  }\n}\n";
        let laid =
            "r {\n  a    = 1\n  long = 2\n  tags = {\n    \"x = y\" = \"1\"\n    \"z\"     = \"a = b\"\n  }\n}\n";
        assert_eq!(aligned(text), laid);
        assert_eq!(aligned(laid), laid);
    }

    #[test]
    fn no_value_becomes_an_expression() {
        assert_eq!(text("a${b}%{c}\"d\\e"), "\"a$${b}%%{c}\\\"d\\\\e\"");
        assert_eq!(text("a\u{1b}b\u{202e}c\u{e0041}"), "\"a\\u001bb\\u202ec\\U000e0041\"");
    }

    #[test]
    fn what_exists_is_imported_by_the_ids_that_the_provider_reads() {
        let scope = AccessScope { kind: ScopeKind::Namespace, namespaces: vec!["a".into()] };
        let policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
        let entry = EntryState {
            kind: "STANDARD".into(),
            policies: [(policy.to_owned(), scope)].into(),
            ..EntryState::default()
        };
        let arn = "arn:aws:iam::111122223333:role/x";
        let role = AssociationState { role_arn: arn.into(), ..AssociationState::default() };
        let change = |after| Change { before: None, after: Some(after), again: false };
        let draft = Draft::of([
            (Subject::Entry(arn.into()), change(State::Entry(entry))),
            (Subject::Association("blue".into(), "app".into()), change(State::Association(role))),
        ]);
        let place = Place { cluster: "c".into(), region: "r".into(), account: None };
        let known = terraform(&place, &draft, "the plan", |_| Some("a-1234567890abcdef0"));
        for id in [format!("c:{arn}"), format!("c#{arn}#{policy}"), "c,a-1234567890abcdef0".to_owned()] {
            assert!(known.contains(&format!("  id = \"{id}\"\n")), "{id}: {known}");
        }
        let unknown = terraform(&place, &draft, "the plan", |_| None);
        assert!(unknown.contains("# aws eks list-pod-identity-associations"), "{unknown}");
        assert_eq!(unknown.matches("\nimport {").count(), 2, "an import without an id would be refused: {unknown}");
    }
}
