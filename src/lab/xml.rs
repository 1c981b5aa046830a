//! JSON values as the XML of the query protocol: members by their names, lists of `<member>`, and policy documents
//! percent-encoded.

use serde_json::Value;

use super::encoding::encode;

/// The members that hold a policy document.
const DOCUMENTS: [&str; 3] = ["AssumeRolePolicyDocument", "PolicyDocument", "Document"];

/// Appends `<name>…</name>`.
pub(super) fn element(name: &str, value: &Value, out: &mut String) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    if DOCUMENTS.contains(&name) {
        out.push_str(&document(value));
    } else {
        content(value, out);
    }
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn content(value: &Value, out: &mut String) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, value) in members {
                element(name, value, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                element("member", item, out);
            }
        }
        Value::String(text) => text.chars().for_each(|c| escape(c, out)),
        other => out.push_str(&other.to_string()),
    }
}

/// What XML 1.0 cannot hold at all becomes the replacement character.
fn escape(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
        c => out.push(c),
    }
}

/// A document that stands in the world as IAM sends it goes out as it is.
fn document(value: &Value) -> String {
    match value {
        Value::String(text) if text.starts_with('%') => text.clone(),
        Value::String(text) => encode(text),
        other => encode(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_texts_and_documents() {
        let mut out = String::new();
        let role = json!({"Tags": [{"Key": "a<b", "Value": "\u{1b}[0m"}], "Empty": [], "N": 3600, "AssumeRolePolicyDocument": {"V": "*"}});
        element("Role", &role, &mut out);
        assert_eq!(
            out,
            "<Role><Tags><member><Key>a&lt;b</Key><Value>\u{fffd}[0m</Value></member></Tags><Empty></Empty><N>3600</N>\
             <AssumeRolePolicyDocument>%7B%22V%22%3A%22%2A%22%7D</AssumeRolePolicyDocument></Role>"
        );
    }
}
