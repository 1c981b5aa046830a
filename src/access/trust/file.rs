//! A request as a file holds it (`eksplorer trust --request FILE`).
//!
//! ```json
//! {"principal": {"Federated": "arn:aws:iam::…:oidc-provider/HOST"}, "action": "sts:AssumeRoleWithWebIdentity",
//!  "context": {"HOST:sub": "system:serviceaccount:a:b", "HOST:aud": ["sts.amazonaws.com"], "aws:SourceIp": null}}
//! ```
//!
//! Decides the shape alone. A key that is listed is present, or with `null` or `[]` absent; what an unlisted one is, the
//! kind of request decides.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::access::iam::request::{Caller, POD_IDENTITY_SERVICE, Request};
use crate::model::document::{DocumentError, from_json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    principal: Caller,
    #[serde(alias = "actions")]
    action: Texts,
    #[serde(default)]
    context: Context,
    /// Do the caller's own policies allow it?
    #[serde(default)]
    own_policies_allow: Option<bool>,
    /// The account of the role.
    #[serde(default)]
    role_account: Option<String>,
}

/// One text or several.
struct Texts(Vec<String>);

/// Keys in the order written.
#[derive(Default)]
struct Context(Vec<(String, Option<Vec<String>>)>);

fn text<E: serde::de::Error>(value: Value) -> Result<String, E> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(it) => Ok(it.to_string()),
        other => Err(E::custom(format!("expected a text, and there is {other}"))),
    }
}

fn texts<E: serde::de::Error>(value: Value) -> Result<Vec<String>, E> {
    match value {
        Value::Array(items) => items.into_iter().map(text).collect(),
        Value::Null => Ok(Vec::new()),
        one => Ok(vec![text(one)?]),
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all: Vec<String> = texts(Value::deserialize(deserializer)?)?;
        if all.is_empty() {
            return Err(D::Error::custom("name the action that is asked for, such as sts:AssumeRole"));
        }
        Ok(Texts(all))
    }
}

/// A value of the context; none is absent.
struct Values(Vec<String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        texts(Value::deserialize(deserializer)?).map(Values)
    }
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Context;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of keys with their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Context, A::Error> {
                let mut out: Vec<(String, Option<Vec<String>>)> = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    let Values(values) = map.next_value()?;
                    if out.iter().any(|(it, _)| it.eq_ignore_ascii_case(&key)) {
                        return Err(A::Error::custom(format!("{key:?} is given twice; keys have no case")));
                    }
                    out.push((key, Some(values).filter(|it| !it.is_empty())));
                }
                Ok(Context(out))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

impl<'de> Deserialize<'de> for Caller {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        enum Named {
            #[serde(rename = "AWS")]
            Aws(String),
            Service(String),
            Federated(String),
        }
        match Named::deserialize(deserializer)? {
            Named::Aws(arn) => Caller::iam(&arn).map_err(D::Error::custom),
            Named::Service(name) => Ok(Caller::Service(name)),
            Named::Federated(provider) => Ok(Caller::Federated(provider)),
        }
    }
}

impl Request {
    /// Reads a request; an error names line and field.
    pub fn parse(text: &str) -> Result<Request, DocumentError> {
        let file: File = from_json(text)?;
        let mut request = Request::new(file.principal, file.action.0);
        request.own_policies = file.own_policies_allow;
        request.role_account = file.role_account;
        let mut tags = Vec::new();
        let mut names_tags = false;
        for (key, values) in file.context.0 {
            names_tags |= key.eq_ignore_ascii_case("aws:TagKeys");
            if let (Some((_, tag)), true) = (key.split_once('/'), values.is_some())
                && key.to_lowercase().starts_with("aws:requesttag/")
            {
                tags.push(tag.to_owned());
            }
            request.set(&key, values);
        }
        // Tags that are sent have keys, whether the file says so or not.
        let pod = matches!(&request.caller, Caller::Service(name) if name == POD_IDENTITY_SERVICE);
        if pod && !names_tags && !tags.is_empty() {
            request.set("aws:TagKeys", Some(tags));
        }
        Ok(request)
    }
}
