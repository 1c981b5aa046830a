//! Label and field selectors, by equality, by sets and by presence.

use serde_json::Value;

/// What a request selects by: all of it must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection(Vec<(Of, Term)>);

impl Selection {
    /// Reads the selectors of a request; the error is the parameter that cannot be read, and what it says.
    pub(super) fn read(value: impl Fn(&str) -> Option<String>) -> Result<Selection, (&'static str, String)> {
        let mut all = Vec::new();
        for (parameter, of) in [("labelSelector", Of::Labels), ("fieldSelector", Of::Fields)] {
            if let Some(text) = value(parameter).filter(|it| !it.is_empty()) {
                let terms = read(&text).ok_or((parameter, text))?;
                all.extend(terms.into_iter().map(|term| (of, term)));
            }
        }
        Ok(Selection(all))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn fits(&self, object: &Value) -> bool {
        self.0.iter().all(|(of, term)| term.fits(object, *of))
    }
}

/// What a selector looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Labels,
    Fields,
}

/// One of the terms that must all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Is(String, String),
    IsNot(String, String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    There(String),
    Absent(String),
}

/// Reads `a=b,c!=d,e,!f,g in (h, i),j notin (k)`; `None` if it holds anything else.
fn read(text: &str) -> Option<Vec<Term>> {
    let mut depth = 0_usize;
    // A comma within parentheses parts values, not terms.
    let parts = text.split(|it: char| {
        match it {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        it == ',' && depth == 0
    });
    parts.map(|it| term(it.trim())).collect()
}

/// `KEY in (A, B)`, `KEY notin (A, B)`
fn of_set(text: &str) -> Option<Term> {
    let (head, values) = text.strip_suffix(')')?.split_once('(')?;
    let mut words = head.split_whitespace();
    let (key, operator) = (words.next()?.to_owned(), words.next()?);
    let values = values.split(',').map(|it| it.trim().to_owned()).collect();
    match (operator, words.next()) {
        ("in", None) => Some(Term::In(key, values)),
        ("notin", None) => Some(Term::NotIn(key, values)),
        _ => None,
    }
}

fn term(text: &str) -> Option<Term> {
    let own = |it: &str| it.trim().to_owned();
    let term = if text.contains('(') {
        of_set(text)?
    } else if let Some((key, value)) = text.split_once("!=") {
        Term::IsNot(own(key), own(value))
    } else if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        Term::Is(own(key), own(value))
    } else if let Some(key) = text.strip_prefix('!') {
        Term::Absent(own(key))
    } else {
        Term::There(own(text))
    };
    let (Term::Is(key, _)
    | Term::IsNot(key, _)
    | Term::In(key, _)
    | Term::NotIn(key, _)
    | Term::There(key)
    | Term::Absent(key)) = &term;
    (!key.is_empty() && !key.contains([' ', '(', ')'])).then_some(term)
}

impl Term {
    fn fits(&self, object: &Value, of: Of) -> bool {
        let at = |key: &str| match of {
            Of::Labels => object.pointer("/metadata/labels")?.get(key)?.as_str(),
            Of::Fields => object.pointer(&format!("/{}", key.replace('.', "/")))?.as_str(),
        };
        match self {
            Term::Is(key, value) => at(key).unwrap_or_default() == value && (of == Of::Fields || at(key).is_some()),
            Term::IsNot(key, value) => at(key) != Some(value),
            Term::In(key, values) => at(key).is_some_and(|it| values.iter().any(|value| value == it)),
            Term::NotIn(key, values) => at(key).is_none_or(|it| values.iter().all(|value| value != it)),
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
        for (text, fit) in [
            ("app in (api, web)", true),
            ("app in (api)", false),
            ("x in (api)", false),
            ("app notin (api,job),!x", true),
            ("app notin (web)", false),
            ("x notin (web)", true),
            ("app in (web),x", false),
        ] {
            assert_eq!(fits(text, Of::Labels), fit, "{text}");
        }
        for odd in ["app within (web)", "in (web)", "app in (web", "app in web", "a b in (c)"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
