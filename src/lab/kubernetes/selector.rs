//! Label and field selectors, as far as they compare for equality or presence.

use serde_json::Value;

/// What a selector looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Labels,
    Fields,
}

/// One of the terms that must all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    Is(String, String),
    IsNot(String, String),
    There(String),
    Absent(String),
}

/// Reads `a=b,c!=d,e,!f`; `None` if it holds anything else.
pub(super) fn read(text: &str) -> Option<Vec<Term>> {
    text.split(',').map(|it| term(it.trim())).collect()
}

fn term(text: &str) -> Option<Term> {
    let own = |it: &str| it.trim().to_owned();
    let term = if let Some((key, value)) = text.split_once("!=") {
        Term::IsNot(own(key), own(value))
    } else if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        Term::Is(own(key), own(value))
    } else if let Some(key) = text.strip_prefix('!') {
        Term::Absent(own(key))
    } else {
        Term::There(own(text))
    };
    let (Term::Is(key, _) | Term::IsNot(key, _) | Term::There(key) | Term::Absent(key)) = &term;
    (!key.is_empty() && !key.contains([' ', '(', ')'])).then_some(term)
}

impl Term {
    pub(super) fn fits(&self, object: &Value, of: Of) -> bool {
        let at = |key: &str| match of {
            Of::Labels => object.pointer("/metadata/labels")?.get(key)?.as_str(),
            Of::Fields => object.pointer(&format!("/{}", key.replace('.', "/")))?.as_str(),
        };
        match self {
            Term::Is(key, value) => at(key).unwrap_or_default() == value && (of == Of::Fields || at(key).is_some()),
            Term::IsNot(key, value) => at(key) != Some(value),
            Term::There(key) => at(key).is_some(),
            Term::Absent(key) => at(key).is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn terms() {
        let object = json!({ "metadata": { "name": "n", "labels": { "app": "web" } }, "spec": {} });
        let fits = |text: &str, of| read(text).unwrap().iter().all(|term| term.fits(&object, of));
        for (text, fit) in [("app=web", true), ("app==web,!x", true), ("app!=web", false), ("x", false), ("x=", false)]
        {
            assert_eq!(fits(text, Of::Labels), fit, "{text}");
        }
        for (text, fit) in [("metadata.name=n", true), ("metadata.name!=n", false), ("spec.nodeName=", true)] {
            assert_eq!(fits(text, Of::Fields), fit, "{text}");
        }
        assert_eq!(read("app in (web)"), None);
    }
}
