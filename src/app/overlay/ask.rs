//! The prompt of who-can: a request in the words of kubectl, and what it is taken for while it is typed.
//!
//! Decides how the words are split; what a resource's name stands for is `access::resources`'s.

use tui_input::Input;

use crate::access::did_you_mean::sentence;
use crate::access::kubectl::{self, Question, read_question};
use crate::access::permissions::Permissions;
use crate::model::request::{Request, Target};

/// The prompt.
#[derive(Clone, Debug)]
pub struct AskWho {
    /// What is typed.
    pub input: Input,
    /// What it is taken for, or what is missing or wrong.
    pub question: Result<Question, String>,
    /// Whether names that nobody knows are taken as they are.
    assume_exists: bool,
}

impl AskWho {
    /// With a text in it.
    pub fn new(text: &str, permissions: &Permissions, assume_exists: bool) -> Self {
        let input = Input::new(text.to_owned()).with_cursor(text.chars().count());
        let mut ask = AskWho { input, question: Err(String::new()), assume_exists };
        ask.read(permissions);
        ask
    }

    /// Reads what was typed. A name that nobody knows is asked back.
    pub fn read(&mut self, permissions: &Permissions) {
        let Words { verb, resource, rest, namespace, name } = match split(self.input.value()) {
            Ok(words) => words,
            Err(why) => {
                self.question = Err(why);
                return;
            }
        };
        let words =
            kubectl::Words { verb: &verb, resource: &resource, rest: &rest, namespace: &namespace, name: &name };
        self.question = match read_question(permissions, &words) {
            Ok(question) if question.meant.misread.is_empty() || self.assume_exists => Ok(question),
            Ok(question) => Err(sentence(&question.meant.misread)),
            Err(why) => Err(why),
        };
    }
}

/// A question in the words that the prompt reads.
pub fn in_words(question: &Question) -> String {
    match &question.command {
        Some(_) => question.title().trim_start_matches("kubectl ").to_owned(),
        None => request_in_words(&question.meant.request),
    }
}

/// A request in the words that the prompt reads.
pub fn request_in_words(request: &Request) -> String {
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
    /// What comes after them: a name; of `rollout restart`, on what.
    rest: String,
    namespace: String,
    name: String,
}

/// `delete pods -n payments`, `get secrets db in payments`, `get /metrics`; the error says what is missing or too much.
fn split(text: &str) -> Result<Words, String> {
    let mut words = Words::default();
    let mut plain: Vec<&str> = Vec::new();
    let mut rest = text.trim().trim_end_matches('?').split_whitespace().peekable();
    // As one says it, and as it is asked of kubectl.
    for lead in [&["who", "can"][..], &["who-can"], &["kubectl", "auth", "can-i"], &["kubectl"]] {
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
                [rest] if words.name.is_empty() => Ok(Words { rest: (*rest).to_owned(), ..words }),
                // `rollout restart deploy/api`, as kubectl takes it.
                [rest, name] if is_of_two_words(verb) && words.name.is_empty() => {
                    Ok(Words { rest: (*rest).to_owned(), name: (*name).to_owned(), ..words })
                }
                [rest] if is_of_two_words(verb) => Ok(Words { rest: (*rest).to_owned(), ..words }),
                [.., more] => Err(format!("{more:?} is a word too many: VERB RESOURCE [NAME] [-n NAMESPACE]")),
            }
        }
    }
}

/// Whether a command of kubectl says in a second word what to do.
fn is_of_two_words(verb: &str) -> bool {
    matches!(verb, "rollout" | "auth")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::snapshot::{ClusterFacts, Section};
    use crate::model::time::Time;

    #[test]
    fn requests_are_written_as_for_kubectl_or_as_one_says_them() {
        for (text, wanted) in [
            ("delete pods -n payments", "delete|pods|payments|"),
            ("delete pods in payments?", "delete|pods|payments|"),
            ("who can get secrets db -npay", "get|secrets|pay|db"),
            ("kubectl auth can-i get secrets --name=db --namespace pay", "get|secrets|pay|db"),
            ("get /metrics", "get|/metrics||"),
            ("list nodes -A", "list|nodes||"),
            ("kubectl exec deploy/api -n pay", "exec|deploy/api|pay|"),
            ("rollout restart deploy/api -n pay", "rollout|restart|pay|deploy/api"),
        ] {
            let it = split(text).expect(text);
            let name = format!("{}{}", it.rest, it.name);
            assert_eq!(format!("{}|{}|{}|{name}", it.verb, it.resource, it.namespace), wanted, "{text}");
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
        let unread = Permissions::of(&ClusterFacts::default());
        for text in [
            "delete pods -n payments",
            "get secrets --name db -n payments",
            "get /metrics",
            "list nodes",
            "exec deploy/api in payments",
            "rollout restart deploy/api in payments",
        ] {
            let ask = AskWho::new(text, &unread, false);
            assert_eq!(in_words(&ask.question.expect(text)), text);
        }
    }

    #[test]
    fn a_namespace_that_is_not_there_is_asked_back_unless_it_is_to_be_assumed() {
        let of = |namespaces| Permissions::of(&ClusterFacts { namespaces, ..ClusterFacts::default() });
        let payments = crate::model::rbac::Namespace {
            metadata: serde_json::from_value(serde_json::json!({"name": "payments"})).expect("metadata"),
            ..Default::default()
        };
        let read = of(Section::known(vec![payments], Time::default()));
        let ask = |permissions: &Permissions, assume: bool| {
            AskWho::new("get pods -n paymnets", permissions, assume).question.map(|it| it.meant.notes.join("; "))
        };
        let asked = "no namespace \"paymnets\" is known; did you mean payments?";
        assert_eq!(ask(&read, false), Err(asked.to_owned()));
        assert!(ask(&read, true).is_ok_and(|notes| notes.contains("paymnets")));
        assert_eq!(ask(&of(Section::default()), false), Ok(String::new()), "the namespaces were not read");
    }
}
