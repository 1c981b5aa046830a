//! Command lines of the AWS CLI about an EKS cluster, from plain values.
//!
//! The only writer of `aws eks …` lines: scripts of a plan, the fixes of explain, remedies of findings and the commands of the
//! posture are put together here, so that one call is always written in one way. Each function writes what the API call
//! needs in full: `update-access-entry` carries the username *and* the groups, since EKS resets what is left out. Every value
//! is quoted for a POSIX shell. A new call is a function here; when it applies is its caller's.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::json;

use super::mapping::{AccessScope, ScopeKind};
use super::visible::is_deceptive;

/// A word that a POSIX shell takes as it stands; one with hidden characters takes bash, zsh or ksh.
pub fn quote_word(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    let is_hidden = |c: char| is_deceptive(c) && c != '\n' && c != '\t';
    if word.chars().any(is_hidden) {
        return Cow::Owned(quote_by_bytes(word, is_hidden));
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// `$'a\033b'`: a word with characters that a terminal would obey or hide, as bash, zsh and ksh read it.
fn quote_by_bytes(word: &str, is_hidden: impl Fn(char) -> bool) -> String {
    let mut out = "$'".to_owned();
    for c in word.chars() {
        match c {
            '\\' | '\'' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Three digits of each byte, so that a digit that follows is not read as one of them.
            c if is_hidden(c) => {
                c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("\\{byte:03o}")));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// Whether the AWS CLI would take a value for something else: an option, JSON, or the name of a file or page to read.
fn is_misread(word: &str) -> bool {
    let schemes = ["file://", "fileb://", "http://", "https://"];
    word.is_empty() || word.starts_with(['-', '[', '{']) || schemes.iter().any(|it| word.starts_with(it))
}

/// The cluster that commands are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EksCommands<'a> {
    /// Its region; left out of the command where it is empty.
    pub region: &'a str,
    /// Its name.
    pub cluster: &'a str,
}

/// The values of a new access entry.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessEntryArguments<'a> {
    /// Whose entry it is.
    pub principal_arn: &'a str,
    /// Its type; `None` lets EKS take STANDARD.
    pub kind: Option<&'a str>,
    /// `None` lets EKS give its default.
    pub username: Option<&'a str>,
    /// Kubernetes groups.
    pub groups: &'a [String],
    /// Tags, if it is to have any.
    pub tags: Option<&'a BTreeMap<String, String>>,
}

/// The values of a new Pod Identity association.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct AssociationArguments<'a> {
    pub namespace: &'a str,
    pub service_account: &'a str,
    pub role_arn: &'a str,
    pub target_role_arn: Option<&'a str>,
    pub disable_session_tags: bool,
    pub policy: Option<&'a str>,
    pub tags: &'a BTreeMap<String, String>,
}

/// A command line under construction.
struct CommandLine(Vec<String>);

impl CommandLine {
    /// Words that are quoted.
    fn words(mut self, all: &[&str]) -> Self {
        self.0.extend(all.iter().map(|it| quote_word(it).into_owned()));
        self
    }

    /// Text that a shell is to read, such as a substitution.
    fn raw(mut self, text: &str) -> Self {
        self.0.push(text.to_owned());
        self
    }

    fn option(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.words(&[name, value]),
            None => self,
        }
    }

    /// The username; as JSON, which is taken as it is, where it would be misread.
    fn username(self, username: Option<&str>) -> Self {
        match username {
            Some(name) if is_misread(name) => {
                self.words(&["--cli-input-json", &json!({ "username": name }).to_string()])
            }
            Some(name) => self.words(&["--username", name]),
            None => self,
        }
    }

    /// A list; as JSON where a value would be misread.
    fn list(self, name: &str, values: &[String]) -> Self {
        let this = self.words(&[name]);
        if values.iter().any(|it| is_misread(it)) {
            return this.words(&[&json!(values).to_string()]);
        }
        values.iter().fold(this, |this, it| this.words(&[it]))
    }

    fn tags(self, tags: &BTreeMap<String, String>) -> Self {
        if tags.is_empty() { self } else { self.words(&["--tags", &json!(tags).to_string()]) }
    }

    fn text(self) -> String {
        self.0.join(" ")
    }
}

impl EksCommands<'_> {
    fn begin(&self, operation: &str) -> CommandLine {
        let line = CommandLine(vec!["aws".to_owned(), "eks".to_owned()]).words(&[operation]);
        line.option("--region", Some(self.region).filter(|it| !it.is_empty()))
    }

    fn about_cluster(&self, operation: &str) -> CommandLine {
        self.begin(operation).words(&["--cluster-name", self.cluster])
    }

    /// `aws eks create-access-entry …`
    pub fn create_access_entry(&self, entry: &AccessEntryArguments<'_>) -> String {
        let line = self.about_cluster("create-access-entry").words(&["--principal-arn", entry.principal_arn]);
        let line = line.option("--type", entry.kind).username(entry.username);
        let line = if entry.groups.is_empty() { line } else { line.list("--kubernetes-groups", entry.groups) };
        match entry.tags {
            Some(tags) => line.tags(tags).text(),
            None => line.text(),
        }
    }

    /// `aws eks update-access-entry …`: username and groups as they are to be, since EKS resets what is left out. Without
    /// groups the option stands alone, which clears them.
    pub fn update_access_entry(&self, principal_arn: &str, username: Option<&str>, groups: &[String]) -> String {
        let line = self.about_cluster("update-access-entry").words(&["--principal-arn", principal_arn]);
        line.username(username).list("--kubernetes-groups", groups).text()
    }

    /// `aws eks delete-access-entry …`
    pub fn delete_access_entry(&self, principal_arn: &str) -> String {
        self.about_cluster("delete-access-entry").words(&["--principal-arn", principal_arn]).text()
    }

    /// `aws eks associate-access-policy …`
    pub fn associate_access_policy(&self, principal_arn: &str, policy_arn: &str, scope: &AccessScope) -> String {
        let line = self.about_cluster("associate-access-policy");
        let line = line.words(&["--principal-arn", principal_arn, "--policy-arn", policy_arn]);
        line.words(&["--access-scope", &access_scope(scope)]).text()
    }

    /// `aws eks disassociate-access-policy …`
    pub fn disassociate_access_policy(&self, principal_arn: &str, policy_arn: &str) -> String {
        let line = self.about_cluster("disassociate-access-policy");
        line.words(&["--principal-arn", principal_arn, "--policy-arn", policy_arn]).text()
    }

    /// `aws eks create-pod-identity-association …`
    pub fn create_association(&self, it: &AssociationArguments<'_>) -> String {
        let line = self.about_cluster("create-pod-identity-association");
        let line = line.words(&["--namespace", it.namespace, "--service-account", it.service_account]);
        let line = line.words(&["--role-arn", it.role_arn]).option("--target-role-arn", it.target_role_arn);
        let line = if it.disable_session_tags { line.words(&["--disable-session-tags"]) } else { line };
        line.option("--policy", it.policy).tags(it.tags).text()
    }

    /// `aws eks update-pod-identity-association …`, of the association that `id` names, with `changes` as they are given:
    /// EKS keeps what is left out, and an empty value takes away what there was.
    pub fn update_association(&self, id: AssociationId<'_>, changes: &AssociationChanges<'_>) -> String {
        let line = self.about_cluster("update-pod-identity-association").words(&["--association-id"]);
        let line = line.raw(&self.association_id(id));
        let line = line.option("--role-arn", changes.role_arn).option("--target-role-arn", changes.target_role_arn);
        let line = match changes.disable_session_tags {
            Some(true) => line.words(&["--disable-session-tags"]),
            Some(false) => line.words(&["--no-disable-session-tags"]),
            None => line,
        };
        line.option("--policy", changes.policy).text()
    }

    /// `aws eks delete-pod-identity-association …`
    pub fn delete_association(&self, id: AssociationId<'_>) -> String {
        let line = self.about_cluster("delete-pod-identity-association").words(&["--association-id"]);
        line.raw(&self.association_id(id)).text()
    }

    /// `aws eks tag-resource …`
    pub fn tag_resource(&self, resource: TaggedResource<'_>, tags: &BTreeMap<String, String>) -> String {
        let line = self.begin("tag-resource").words(&["--resource-arn"]).raw(&self.resource_arn(resource));
        line.words(&["--tags", &json!(tags).to_string()]).text()
    }

    /// `aws eks untag-resource …`
    pub fn untag_resource(&self, resource: TaggedResource<'_>, keys: &[String]) -> String {
        let line = self.begin("untag-resource").words(&["--resource-arn"]).raw(&self.resource_arn(resource));
        line.list("--tag-keys", keys).text()
    }

    /// `aws eks create-addon …`
    pub fn create_add_on(&self, name: &str) -> String {
        self.about_cluster("create-addon").words(&["--addon-name", name]).text()
    }

    /// `aws eks describe-addon …`
    pub fn describe_add_on(&self, name: &str) -> String {
        self.about_cluster("describe-addon").words(&["--addon-name", name]).text()
    }

    /// The beginning of another command about the cluster, up to its name: `aws eks wait cluster-active --region R --name C`.
    pub fn beginning(&self, operation: &str, name_flag: &str) -> String {
        let line = operation
            .split(' ')
            .fold(CommandLine(vec!["aws".to_owned(), "eks".to_owned()]), |line, word| line.words(&[word]));
        let line = line.option("--region", Some(self.region).filter(|it| !it.is_empty()));
        line.words(&[name_flag, self.cluster]).text()
    }

    /// The words by which a command names an association: its id, or a substitution that looks the id up.
    fn association_id(&self, id: AssociationId<'_>) -> String {
        match id {
            AssociationId::Known(id) => quote_word(id).into_owned(),
            AssociationId::Of(namespace, account) => self.look_up_association(namespace, account, "associationId"),
        }
    }

    fn resource_arn(&self, resource: TaggedResource<'_>) -> String {
        match resource {
            TaggedResource::Entry(arn) => {
                let look = self.about_cluster("describe-access-entry").words(&["--principal-arn", arn]);
                let look = look.words(&["--query", "accessEntry.accessEntryArn", "--output", "text"]);
                format!("\"$({})\"", look.text())
            }
            TaggedResource::Association(namespace, account) => {
                self.look_up_association(namespace, account, "associationArn")
            }
        }
    }

    fn look_up_association(&self, namespace: &str, account: &str, member: &str) -> String {
        let look = self.about_cluster("list-pod-identity-associations");
        let look = look.words(&["--namespace", namespace, "--service-account", account]);
        let look = look.words(&["--query", &format!("associations[0].{member}"), "--output", "text"]);
        format!("\"$({})\"", look.text())
    }
}

/// How a command names an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssociationId<'a> {
    /// By its id.
    Known(&'a str),
    /// By namespace and service account: the id is looked up when the command runs.
    Of(&'a str, &'a str),
}

/// What a command tags; its ARN is looked up when the command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaggedResource<'a> {
    /// The access entry of a principal.
    Entry(&'a str),
    /// The association of a namespace's service account.
    Association(&'a str, &'a str),
}

/// What of an association is to change; `None` leaves it as it is.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
pub struct AssociationChanges<'a> {
    pub role_arn: Option<&'a str>,
    pub target_role_arn: Option<&'a str>,
    pub disable_session_tags: Option<bool>,
    pub policy: Option<&'a str>,
}

/// `{"type":"cluster"}`, as `--access-scope` takes it.
pub fn access_scope(scope: &AccessScope) -> String {
    match scope.kind {
        ScopeKind::Cluster => r#"{"type":"cluster"}"#.to_owned(),
        ScopeKind::Namespace => json!({"type": "namespace", "namespaces": scope.namespaces}).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EKS: EksCommands<'_> = EksCommands { region: "eu-west-1", cluster: "c1" };
    const CI: &str = "arn:aws:iam::111122223333:role/ci";

    fn words(all: &[&str]) -> Vec<String> {
        all.iter().map(|&it| it.to_owned()).collect()
    }

    /// UpdateAccessEntry resets what a request leaves out (EKS API Reference, `UpdateAccessEntry`): both members are written.
    #[test]
    fn an_update_carries_username_and_groups() {
        let at = "aws eks update-access-entry --region eu-west-1 --cluster-name c1 --principal-arn";
        for (username, groups, expected) in [
            (Some("ci"), &["devs", "a b"][..], "--username ci --kubernetes-groups devs 'a b'"),
            (Some("ci:{{SessionName}}"), &[], "--username 'ci:{{SessionName}}' --kubernetes-groups"),
            (None, &["devs"], "--kubernetes-groups devs"),
            (
                Some("--profile"),
                &["--x"],
                "--cli-input-json '{\"username\":\"--profile\"}' --kubernetes-groups '[\"--x\"]'",
            ),
            (Some("file:///x"), &[""], "--cli-input-json '{\"username\":\"file:///x\"}' --kubernetes-groups '[\"\"]'"),
        ] {
            assert_eq!(EKS.update_access_entry(CI, username, &words(groups)), format!("{at} {CI} {expected}"));
        }
    }

    #[test]
    fn no_value_is_taken_for_an_option_or_a_file() {
        let tagged = |key: &str| EKS.untag_resource(TaggedResource::Entry(CI), &words(&[key]));
        for odd in ["--profile=x", "[a", "file:///etc/passwd", ""] {
            assert!(tagged(odd).ends_with(&format!("--tag-keys '[\"{odd}\"]'")), "{odd}");
        }
        assert!(tagged("plain").ends_with("--tag-keys plain"));
    }

    #[test]
    fn what_a_shell_reads_as_more_than_a_word_is_quoted() {
        for (word, expected) in
            [("a.b-c", "a.b-c"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("$(x)", "'$(x)'")]
        {
            assert_eq!(quote_word(word), expected);
        }
        let other = EksCommands { region: "", cluster: "a;b" };
        assert_eq!(other.create_add_on("x"), "aws eks create-addon --cluster-name 'a;b' --addon-name x");
    }
}
