//! The prompt of who-can: a request in the words of kubectl, and what it is taken for while it is typed.
//!
//! Decides how the words are split; what a resource's name stands for is `access::resources`'s.

use tui_input::Input;

use crate::access::permissions::Permissions;
use crate::access::resources::{Meant, meant};
use crate::model::request::{Request, Target};

/// The prompt.
#[derive(Clone, Debug)]
pub struct AskWho {
    /// What is typed.
    pub input: Input,
    /// What it is taken for, or what is missing or wrong.
    pub meant: Result<Meant, String>,
}

impl AskWho {
    /// With a text in it.
    pub fn new(text: &str, permissions: &Permissions) -> Self {
        let input = Input::new(text.to_owned()).with_cursor(text.chars().count());
        let mut ask = AskWho { input, meant: Err(String::new()) };
        ask.read(permissions);
        ask
    }

    /// Reads what was typed.
    pub fn read(&mut self, permissions: &Permissions) {
        self.meant = split(self.input.value()).map(|it| {
            let mut meant = meant(permissions, &it.verb, &it.resource, &it.namespace, &it.name);
            let namespace = meant.request.namespace();
            let known = namespace.is_empty() || permissions.namespaces().any(|known| known == namespace);
            if !known && permissions.namespaces_gap().is_none() {
                meant.notes.push(format!("no namespace {namespace:?} is known here"));
            }
            meant
        });
    }
}

/// A request in the words that the prompt reads.
pub fn in_words(request: &Request) -> String {
    let mut words = format!("{} {}", request.verb, request.qualified());
    if let Target::Resource { namespace, name, .. } = &request.target {
        if !name.is_empty() {
            words.push_str(&format!(" --name {name}"));
        }
        if !namespace.is_empty() && namespace != name {
            words.push_str(&format!(" -n {namespace}"));
        }
    }
    words
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    verb: String,
    resource: String,
    namespace: String,
    name: String,
}

/// `delete pods -n payments`, `get secrets db in payments`, `get /metrics`; the error says what is missing or too much.
fn split(text: &str) -> Result<Words, String> {
    let mut words = Words::default();
    let mut plain: Vec<&str> = Vec::new();
    let mut rest = text.trim().trim_end_matches('?').split_whitespace().peekable();
    // As one says it, and as it is asked of kubectl.
    for lead in [&["who", "can"][..], &["who-can"], &["kubectl", "auth", "can-i"]] {
        let mut after = rest.clone();
        if lead.iter().all(|word| after.next() == Some(word)) {
            rest = after;
        }
    }
    while let Some(word) = rest.next() {
        let (flag, own) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
            _ => (word, None),
        };
        let mut value = |what: &str| {
            own.or_else(|| rest.next()).map(str::to_owned).ok_or_else(|| format!("after {flag} comes {what}"))
        };
        match flag {
            "-n" | "--namespace" => words.namespace = value("a namespace")?,
            "in" if plain.len() >= 2 => words.namespace = value("a namespace")?,
            "--name" => words.name = value("the name of one object")?,
            "-A" | "--all-namespaces" => words.namespace.clear(),
            flag if flag.starts_with("--") => return Err(format!("{flag} is not known here: -n, --name and -A are")),
            flag if flag.starts_with("-n") => words.namespace = flag.trim_start_matches("-n").to_owned(),
            flag if flag.starts_with('-') => return Err(format!("{flag} is not known here: -n, --name and -A are")),
            word => plain.push(word),
        }
    }
    match plain.as_slice() {
        [] => Err(String::new()),
        [verb] => Err(format!("{verb} what? A resource as kubectl takes it, or a path that begins with /")),
        [verb, resource, name @ ..] => {
            words.verb = (*verb).to_owned();
            words.resource = (*resource).to_owned();
            match name {
                [] => Ok(words),
                [name] if words.name.is_empty() => Ok(Words { name: (*name).to_owned(), ..words }),
                [.., more] => Err(format!("{more:?} is a word too many: VERB RESOURCE [NAME] [-n NAMESPACE]")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_written_as_for_kubectl_or_as_one_says_them() {
        for (text, wanted) in [
            ("delete pods -n payments", "delete|pods|payments|"),
            ("delete pods in payments?", "delete|pods|payments|"),
            ("who can get secrets db -npay", "get|secrets|pay|db"),
            ("kubectl auth can-i get secrets --name=db --namespace pay", "get|secrets|pay|db"),
            ("get /metrics", "get|/metrics||"),
            ("list nodes -A", "list|nodes||"),
        ] {
            let it = split(text).expect(text);
            assert_eq!(format!("{}|{}|{}|{}", it.verb, it.resource, it.namespace, it.name), wanted, "{text}");
        }
        for (text, said) in [
            ("", ""),
            ("delete", "delete what?"),
            ("delete pods -n", "after -n comes a namespace"),
            ("get pods a b", "\"b\" is a word too many"),
            ("get pods --all", "--all is not known here"),
        ] {
            let error = split(text).expect_err(text);
            assert!(error.starts_with(said), "{error}");
        }
    }

    #[test]
    fn a_request_reads_as_it_is_written() {
        let none = Permissions::default();
        for text in ["delete pods -n payments", "get secrets --name db -n payments", "get /metrics", "list nodes"] {
            let ask = AskWho::new(text, &none);
            let request = ask.meant.expect(text).request;
            assert_eq!(in_words(&request), text);
        }
        let ask = AskWho::new("get pods -n nowhere", &none);
        assert!(ask.meant.is_ok_and(|it| it.notes.iter().any(|note| note.contains("nowhere"))));
    }
}
