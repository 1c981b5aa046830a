//! Names that depend on a session that was not given: for which sessions would a text come out as a given name?
//!
//! Decides whether a template (`…:assumed-role/deployer/{{SessionName}}`) can render to a name, and what the session
//! would have to be called. Rendering itself is `identity`'s.

/// What a template needs in order to come out as a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fit {
    /// The session's name, if the template holds one.
    pub(crate) session: Option<String>,
}

/// Is there anything left to fill in?
pub(crate) fn is_open(text: &str) -> bool {
    PLACEHOLDERS.iter().any(|(placeholder, _)| text.contains(placeholder))
}

/// What stands before the first placeholder: every name the template can become begins so.
pub(super) fn prefix(template: &str) -> &str {
    let first = PLACEHOLDERS.iter().filter_map(|(placeholder, _)| template.find(placeholder)).min();
    first.and_then(|at| template.get(..at)).unwrap_or(template)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Session,
    RawSession,
    AccessKey,
    DnsName,
}

const PLACEHOLDERS: [(&str, Kind); 4] = [
    ("{{SessionNameRaw}}", Kind::RawSession),
    ("{{SessionName}}", Kind::Session),
    ("{{AccessKeyID}}", Kind::AccessKey),
    ("{{EC2PrivateDNSName}}", Kind::DnsName),
];

/// For which session, if any, the template comes out as `name`.
pub(crate) fn fit(template: &str, name: &str) -> Option<Fit> {
    let mut session = None;
    go(template, name, &mut session).then_some(Fit { session })
}

/// Matches piece by piece; a placeholder takes as little as will do.
fn go(template: &str, name: &str, session: &mut Option<String>) -> bool {
    let next =
        PLACEHOLDERS.iter().filter_map(|(text, kind)| Some((template.find(text)?, *text, *kind))).min_by_key(|it| it.0);
    let Some((at, text, kind)) = next else { return template == name };
    let (Some(before), Some(after)) = (template.get(..at), template.get(at + text.len()..)) else { return false };
    let Some(rest) = name.strip_prefix(before) else { return false };
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    for end in ends.skip(1) {
        let (Some(value), Some(left)) = (rest.get(..end), rest.get(end..)) else { continue };
        if !can_be(kind, value) {
            continue;
        }
        let before = session.clone();
        let agrees = match kind {
            // The same session wherever it is named; `{{SessionName}}` writes its `@` as `-`.
            Kind::Session => session.as_deref().is_none_or(|it| it.replace('@', "-") == value),
            Kind::RawSession => session.as_deref().is_none_or(|it| it == value || it == value.replace('@', "-")),
            _ => true,
        };
        if !agrees {
            continue;
        }
        if matches!(kind, Kind::Session) && session.is_none() || matches!(kind, Kind::RawSession) {
            *session = Some(value.to_owned());
        }
        if go(after, left, session) {
            return true;
        }
        *session = before;
    }
    false
}

fn can_be(kind: Kind, value: &str) -> bool {
    let of_session = |c: char| c.is_ascii_alphanumeric() || "_+=,.-".contains(c);
    match kind {
        Kind::Session => (2..=64).contains(&value.len()) && value.chars().all(of_session),
        Kind::RawSession => (2..=64).contains(&value.len()) && value.chars().all(|c| of_session(c) || c == '@'),
        Kind::AccessKey => value.len() >= 16 && value.bytes().all(|b| b.is_ascii_alphanumeric()),
        Kind::DnsName => value.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_fits_the_names_it_can_become() {
        let role = "arn:aws:sts::1:assumed-role/deployer/{{SessionName}}";
        for (template, name, session) in [
            (role, "arn:aws:sts::1:assumed-role/deployer/jane", Some(Some("jane"))),
            (role, "arn:aws:sts::1:assumed-role/deployer/j", None),
            (role, "arn:aws:sts::1:assumed-role/deployer/a:b", None),
            (role, "arn:aws:sts::1:assumed-role/other/jane", None),
            ("x:{{SessionNameRaw}}", "x:jane@corp", Some(Some("jane@corp"))),
            ("x:{{SessionName}}", "x:jane@corp", None),
            ("{{SessionName}}-{{SessionName}}", "ab-ab", Some(Some("ab"))),
            ("{{SessionName}}-{{SessionName}}", "ab-cd", None),
            ("{{SessionNameRaw}}:{{SessionName}}", "a@b:a-b", Some(Some("a@b"))),
            ("{{SessionName}}:{{SessionNameRaw}}", "a-b:a@b", Some(Some("a@b"))),
            ("system:node:{{EC2PrivateDNSName}}", "system:node:ip-10-0-0-1.ec2.internal", Some(None)),
            ("key:{{AccessKeyID}}", "key:ASIAABCDEFGHIJKLMNOP", Some(None)),
            ("plain", "plain", Some(None)),
            ("plain", "other", None),
        ] {
            let got = fit(template, name).map(|it| it.session);
            assert_eq!(got, session.map(|it| it.map(str::to_owned)), "{template} {name}");
        }
        assert_eq!(prefix(role), "arn:aws:sts::1:assumed-role/deployer/");
        assert!(is_open(role) && !is_open("{{Unheard}}"));
    }
}
