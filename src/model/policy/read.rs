//! From text or JSON to a [`Document`].
//!
//! Decides what is forgiven: percent-encoding, one thing for a list of one, numbers and booleans for their text. What
//! is not understood is noted where it stands. Only what is no policy at all is an error.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{
    Actions, Condition, Document, Effect, NamedPrincipal, Operator, PolicyKind, PrincipalForm, Principals, Resources,
    Statement,
};
use crate::model::document::DocumentError;
use crate::model::percent::decode;
use crate::model::principal::{Principal, PrincipalKind};

/// Of the members of a JSON object that stand there twice with different values: where.
type Twice = Vec<Vec<Step>>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
}

/// In how many wrappers a document may come: texts in texts, and what get-role prints.
const DEPTH: usize = 5;

impl Document {
    /// Reads a document: JSON, or that percent-encoded once or twice, or what `aws iam get-role` prints.
    pub fn parse(text: &str) -> Result<Document, DocumentError> {
        let (value, twice) = read_text(text)?;
        Document::build(&value, twice, DEPTH, PolicyKind::Trust)
    }

    /// Takes a trust policy that is JSON already; a string is read as text.
    pub fn from_value(value: &Value) -> Result<Document, DocumentError> {
        Document::build(value, Vec::new(), DEPTH, PolicyKind::Trust)
    }

    /// Takes a policy of an identity, a boundary or a session policy; a string is read as text.
    pub fn identity_policy(value: &Value) -> Result<Document, DocumentError> {
        Document::build(value, Vec::new(), DEPTH, PolicyKind::Identity)
    }

    fn build(value: &Value, twice: Twice, depth: usize, kind: PolicyKind) -> Result<Document, DocumentError> {
        let members = match value {
            Value::Object(members) => members,
            Value::String(text) if depth > 0 => {
                let (value, twice) = read_text(text)?;
                return Document::build(&value, twice, depth - 1, kind);
            }
            other => return Err(wrong(None, format!("expected a policy document, and there is {}", what(other)))),
        };
        let Some(statement) = members.get("Statement") else {
            // What get-role prints, or an entry of RoleDetailList.
            for member in ["Role", "AssumeRolePolicyDocument"] {
                if let (Some(inner), true, PolicyKind::Trust) = (members.get(member), depth > 0, kind) {
                    let twice = twice.into_iter().filter_map(|path| below(path, member)).collect();
                    return Document::build(inner, twice, depth - 1, kind);
                }
            }
            return Err(wrong(Some("Statement"), "there is none: is it a policy document?".to_owned()));
        };
        let (items, single) = match statement {
            Value::Array(items) => (items.as_slice(), false),
            Value::Object(_) => (std::slice::from_ref(statement), true),
            other => {
                return Err(wrong(
                    Some("Statement"),
                    format!("expected a list of statements, and there is {}", what(other)),
                ));
            }
        };
        let mut statements: Vec<Statement> =
            items.iter().enumerate().map(|(at, it)| read_statement(at, it, kind)).collect();
        let mut unclear = Vec::new();
        let variables = match members.get("Version") {
            None => false,
            Some(Value::String(version)) if version == "2008-10-17" => false,
            Some(Value::String(version)) if version == "2012-10-17" => true,
            Some(other) => {
                unclear.push(format!("Version {other} is none that IAM knows"));
                false
            }
        };
        let unheard = |name: &&String| !matches!(name.as_str(), "Version" | "Id" | "Statement");
        let strange: Vec<String> =
            members.keys().filter(unheard).map(|name| format!("{name} is no element of a policy")).collect();
        for path in twice {
            let (index, rest) = match path.as_slice() {
                [Step::Member(member), Step::Item(index), rest @ ..] if member == "Statement" => (Some(*index), rest),
                [Step::Member(member), rest @ ..] if member == "Statement" && single && !rest.is_empty() => {
                    (Some(0), rest)
                }
                whole => (None, whole),
            };
            let note = format!("{} stands there twice, with different values", written(&path));
            match (index.and_then(|index| statements.get_mut(index)), rest.first()) {
                (Some(statement), Some(Step::Member(element))) => twice_in(statement, element, note),
                // An Id says nothing of access, and neither does what no policy has.
                (None, Some(Step::Member(element))) if !matches!(element.as_str(), "Version" | "Statement") => {}
                _ => unclear.push(note),
            }
        }
        Ok(Document { variables, statements, unclear, strange })
    }
}

fn wrong(path: Option<&str>, message: String) -> DocumentError {
    DocumentError { line: None, column: None, path: path.map(str::to_owned), message }
}

fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn below(path: Vec<Step>, member: &str) -> Option<Vec<Step>> {
    let mut steps = path.into_iter();
    (steps.next()? == Step::Member(member.to_owned())).then(|| steps.collect())
}

fn written(path: &[Step]) -> String {
    path.iter().fold(String::new(), |out, step| match step {
        Step::Item(index) => format!("{out}[{index}]"),
        Step::Member(name) if out.is_empty() => name.clone(),
        Step::Member(name) => format!("{out}.{name}"),
    })
}

/// The JSON of a text, from which percent-encoding is taken off where that is needed.
fn read_text(text: &str) -> Result<(Value, Twice), DocumentError> {
    let mut text = std::borrow::Cow::Borrowed(text.trim_start_matches('\u{feff}'));
    for _ in 0..2 {
        if !text.trim_start().starts_with('%') {
            break;
        }
        match decode(text.trim()) {
            Some(decoded) => text = decoded.into(),
            None => {
                return Err(wrong(None, "it begins as percent-encoded text, and an escape in it is broken".to_owned()));
            }
        }
    }
    read_json(&text).map_err(|error| {
        let whole = error.to_string();
        let said = whole.split(" at line ").next().unwrap_or(&whole);
        DocumentError {
            line: (error.line() > 0).then(|| error.line()),
            column: (error.line() > 0).then(|| error.column()),
            path: None,
            message: format!("it is not JSON: {said}"),
        }
    })
}

fn read_json(text: &str) -> Result<(Value, Twice), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let (mut path, mut twice) = (Vec::new(), Vec::new());
    let value = Keep { path: &mut path, twice: &mut twice }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((value, twice))
}

/// Reads any JSON and notes the members that are given twice: serde_json alone would let the last one win in silence.
struct Keep<'a> {
    path: &'a mut Vec<Step>,
    twice: &'a mut Twice,
}

impl<'de> DeserializeSeed<'de> for Keep<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keep<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(Value::Bool(it))
    }

    fn visit_u64<E>(self, it: u64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_i64<E>(self, it: i64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_f64<E>(self, it: f64) -> Result<Value, E> {
        Ok(Number::from_f64(it).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, it: &str) -> Result<Value, E> {
        Ok(Value::String(it.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        loop {
            self.path.push(Step::Item(out.len()));
            let next = items.next_element_seed(Keep { path: self.path, twice: self.twice })?;
            self.path.pop();
            match next {
                Some(value) => out.push(value),
                None => return Ok(Value::Array(out)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.path.push(Step::Member(name.clone()));
            let value = members.next_value_seed(Keep { path: self.path, twice: self.twice })?;
            if out.get(&name).is_some_and(|before| *before != value) {
                self.twice.push(self.path.clone());
            }
            self.path.pop();
            out.insert(name, value);
        }
        Ok(Value::Object(out))
    }
}

/// Of an element that stands there twice nothing is known: the reader kept one, and IAM may go by the other.
fn twice_in(statement: &mut Statement, element: &str, note: String) {
    match element {
        "Sid" => return,
        "Effect" => statement.effect = None,
        "Principal" | "NotPrincipal" => statement.principals = Principals::Unclear(note.clone()),
        "Action" | "NotAction" => statement.actions = Actions::Unclear(note.clone()),
        "Resource" | "NotResource" => statement.resources = Resources::Unclear(note.clone()),
        "Condition" => statement.conditions.clear(),
        _ => {}
    }
    statement.unclear.push(note);
}

fn read_statement(index: usize, value: &Value, kind: PolicyKind) -> Statement {
    let nothing = |why: &str| Statement {
        index,
        sid: None,
        effect: None,
        principals: Principals::Unclear(why.to_owned()),
        actions: Actions::Unclear(why.to_owned()),
        resources: Resources::Unclear(why.to_owned()),
        conditions: Vec::new(),
        unclear: vec![why.to_owned()],
    };
    let Value::Object(members) = value else {
        return nothing(&format!("it is {} where an object is expected", what(value)));
    };
    let mut unclear = Vec::new();
    let effect = match members.get("Effect") {
        Some(Value::String(text)) if text == "Allow" => Some(Effect::Allow),
        Some(Value::String(text)) if text == "Deny" => Some(Effect::Deny),
        Some(other) => {
            unclear.push(format!("Effect {other} is neither \"Allow\" nor \"Deny\""));
            None
        }
        None => {
            unclear.push("it has no Effect".to_owned());
            None
        }
    };
    const ELEMENTS: [&str; 5] = ["Sid", "Effect", "Action", "NotAction", "Condition"];
    let (own, whose) = match kind {
        PolicyKind::Trust => (["Principal", "NotPrincipal"], "a trust policy"),
        PolicyKind::Identity => (["Resource", "NotResource"], "an identity's policy"),
    };
    let strange = |name: &&String| !ELEMENTS.contains(&name.as_str()) && !own.contains(&name.as_str());
    unclear.extend(members.keys().filter(strange).map(|name| format!("{name} has no place in {whose}")));
    let mut conditions = Vec::new();
    if let Some(value) = members.get("Condition") {
        read_conditions(value, &mut conditions, &mut unclear);
    }
    Statement {
        index,
        sid: members.get("Sid").and_then(scalar),
        effect,
        principals: read_principals(members),
        actions: read_actions(members),
        resources: match kind {
            PolicyKind::Trust => Resources::OfTrust,
            PolicyKind::Identity => read_resources(members),
        },
        conditions,
        unclear,
    }
}

/// A text, or a number or boolean in its place.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(it) => Some(it.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A list of texts, or one in its place.
fn scalars(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(scalar).collect(),
        one => scalar(one).map(|it| vec![it]),
    }
}

fn read_principals(members: &Map<String, Value>) -> Principals {
    if members.contains_key("NotPrincipal") {
        return Principals::Unclear("NotPrincipal is not usable in a trust policy".to_owned());
    }
    match members.get("Principal") {
        None => Principals::Unclear("it has no Principal".to_owned()),
        Some(Value::String(text)) if text == "*" => Principals::AnyOf(vec![NamedPrincipal {
            kind: "*".into(),
            text: "*".into(),
            form: PrincipalForm::Everyone,
        }]),
        Some(Value::Object(kinds)) => {
            let mut named = Vec::new();
            for (kind, value) in kinds {
                let Some(texts) = scalars(value) else {
                    return Principals::Unclear(format!("Principal.{kind} holds {}", what(value)));
                };
                named.extend(texts.into_iter().map(|text| NamedPrincipal {
                    form: form(kind, &text),
                    kind: kind.clone(),
                    text,
                }));
            }
            Principals::AnyOf(named)
        }
        Some(other) => Principals::Unclear(format!("Principal is {}", what(other))),
    }
}

/// What one principal means.
fn form(kind: &str, text: &str) -> PrincipalForm {
    let wildcard = text.contains(['*', '?']);
    match kind {
        "AWS" if text == "*" => PrincipalForm::Everyone,
        "AWS" if wildcard => PrincipalForm::Invalid(
            "a principal holds no wildcards, so it matches nobody; ArnLike on aws:PrincipalArn would",
        ),
        "AWS" => aws_form(text),
        "Service" if wildcard => PrincipalForm::Invalid("a service is named in full, so it matches nobody"),
        "Service" => PrincipalForm::Service,
        "Federated" if text == "*" => PrincipalForm::Unclear("it is not documented whom this names"),
        "Federated" if wildcard => {
            PrincipalForm::Invalid("an identity provider is named in full, so it matches nobody")
        }
        "Federated" => PrincipalForm::Federated,
        _ => PrincipalForm::Unclear("it is no type of principal that assumes roles"),
    }
}

fn aws_form(text: &str) -> PrincipalForm {
    if is_account(text) {
        return PrincipalForm::Account { partition: None, account: text.to_owned() };
    }
    // AROA… a role's, AIDA… a user's: what is left of a principal that was deleted.
    if text.len() >= 16 && text.starts_with('A') && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        return PrincipalForm::UniqueId;
    }
    match Principal::from_arn(text) {
        Ok((principal, Some(session))) => PrincipalForm::Session(principal, session),
        Ok((principal, None)) if principal.kind == PrincipalKind::Root => {
            PrincipalForm::Account { partition: Some(principal.partition), account: principal.account }
        }
        Ok((principal, None)) => PrincipalForm::Identity(principal),
        Err(_) if text.contains(":group/") => {
            PrincipalForm::Invalid("an IAM group is no principal, so it matches nobody")
        }
        Err(_) => PrincipalForm::Unclear("it is no form of a principal that is known"),
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn read_actions(members: &Map<String, Value>) -> Actions {
    let lowered = |texts: &[String]| texts.iter().map(|it| it.to_ascii_lowercase()).collect();
    match (members.get("Action"), members.get("NotAction")) {
        (Some(_), Some(_)) => Actions::Unclear("it has both Action and NotAction".to_owned()),
        (None, None) => Actions::Unclear("it has no Action".to_owned()),
        (Some(value), None) => match scalars(value) {
            Some(texts) => Actions::AnyOf(texts.clone(), lowered(&texts)),
            None => Actions::Unclear(format!("Action holds {}", what(value))),
        },
        (None, Some(value)) => match scalars(value) {
            Some(texts) if texts.is_empty() => Actions::Unclear("NotAction names nothing".to_owned()),
            Some(texts) => Actions::AllBut(texts.clone(), lowered(&texts)),
            None => Actions::Unclear(format!("NotAction holds {}", what(value))),
        },
    }
}

fn read_resources(members: &Map<String, Value>) -> Resources {
    let texts = |name: &str, value: &Value| match scalars(value) {
        Some(texts) if texts.is_empty() && name == "NotResource" => Err("NotResource names nothing".to_owned()),
        Some(texts) => Ok(texts),
        None => Err(format!("{name} holds {}", what(value))),
    };
    match (members.get("Resource"), members.get("NotResource")) {
        (Some(_), Some(_)) => Resources::Unclear("it has both Resource and NotResource".to_owned()),
        (None, None) => Resources::Unclear("it has no Resource".to_owned()),
        (Some(value), None) => texts("Resource", value).map_or_else(Resources::Unclear, Resources::AnyOf),
        (None, Some(value)) => texts("NotResource", value).map_or_else(Resources::Unclear, Resources::AllBut),
    }
}

fn read_conditions(value: &Value, conditions: &mut Vec<Condition>, unclear: &mut Vec<String>) {
    let Value::Object(operators) = value else {
        unclear.push(format!("Condition is {}", what(value)));
        return;
    };
    for (operator_text, keys) in operators {
        let Value::Object(keys) = keys else {
            unclear.push(format!("Condition.{operator_text} is {}", what(keys)));
            continue;
        };
        for (key, value) in keys {
            let values = scalars(value);
            let fault = match &values {
                None => Some(format!("the value is {}, or holds what is no text", what(value))),
                Some(values) if values.is_empty() => Some("no value is given".to_owned()),
                Some(_) => None,
            };
            conditions.push(Condition {
                operator: Operator::parse(operator_text),
                operator_text: operator_text.clone(),
                lower_key: key.to_lowercase(),
                key: key.clone(),
                values: values.unwrap_or_default(),
                unclear: fault,
            });
        }
    }
}
