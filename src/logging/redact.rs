//! Leaves secrets out of a text: what signs, what stands for a signature, and what is as good as a password.
//!
//! Decides by the names before them, as AWS, Kubernetes and HTTP write these, in headers, queries, JSON, XML and Rust's own
//! notation alike. A secret of a new kind is a name more in [`NAMES`], or a beginning more in [`BEGINNINGS`].

/// What a secret is replaced by.
const LEFT_OUT: &str = "(redacted)";

/// Names in lower case without `-` and `_`; the value after one is a secret.
const NAMES: [&str; 16] = [
    "xamzsecuritytoken",
    "xamzsignature",
    "secretaccesskey",
    "secretkey",
    "sessiontoken",
    "securitytoken",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "webidentitytoken",
    "tokencode",
    "clientsecret",
    "devicecode",
    "clientkeydata",
    "authorization",
    "signature",
];

/// How secrets begin that need no name.
const BEGINNINGS: [&str; 3] = ["k8s-aws-v1.", "Bearer ", "AWS4-HMAC-SHA256 Credential="];

/// Words that may stand between a name and its value.
const BETWEEN: [&str; 6] = ["Some", "H0", "H1", "Value", "inner", "Bearer"];
/// Values that are none.
const NO_VALUES: [&str; 8] = ["None", "null", "true", "false", "HeaderValue", "Sensitive", "redacted", "XXXXX"];
/// A name and its value are no further apart.
const NEAR: usize = 24;
const SHORTEST: usize = 6;

/// The text without its secrets.
pub fn redact(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
        if word == 0 {
            let end = rest.chars().next().map_or(rest.len(), char::len_utf8);
            said.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        if let Some(beginning) = BEGINNINGS.iter().find(|it| rest.starts_with(**it)) {
            said.push_str(beginning);
            said.push_str(LEFT_OUT);
            rest = &rest[beginning.len()..];
            // Of an Authorization header everything to its end: the signature is its last part.
            let end = match beginning.starts_with("AWS4") {
                true => rest.find(['"', '\n', '\'', '}']).unwrap_or(rest.len()),
                false => rest.find(|c: char| !is_of_value(c)).unwrap_or(rest.len()),
            };
            rest = &rest[end..];
            continue;
        }
        // What follows a closing tag is another element, and the name of a grant stands for no value.
        let closes = said.ends_with("</") || said.ends_with("grant-type:");
        said.push_str(&rest[..word]);
        let name: String = rest[..word].chars().filter(char::is_ascii_alphanumeric).collect();
        rest = &rest[word..];
        if !closes
            && is_secret_name(&name.to_ascii_lowercase())
            && let Some((from, to)) = value_in(rest)
        {
            said.push_str(&rest[..from]);
            said.push_str(LEFT_OUT);
            rest = &rest[to..];
        }
    }
    said
}

fn is_secret_name(name: &str) -> bool {
    NAMES.iter().any(|it| name.ends_with(it))
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn is_of_value(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_+/=.%~".contains(c)
}

/// Where the value lies that follows a name, if one does: after signs, and words that stand between.
fn value_in(rest: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    // Only what is set apart by a sign is a value; the next word of a sentence is none.
    rest.get(..1).filter(|it| "=:\"'>\\(,%".contains(*it))?;
    // `=` in a query that is encoded itself.
    if let Some(encoded) = ["%3D", "%3d"].into_iter().find(|it| rest.starts_with(*it)) {
        at = encoded.len();
    }
    while at < rest.len().min(NEAR) {
        let here = &rest[at..];
        let sign = here.find(|c: char| c.is_ascii_alphanumeric() || c == '/' || c == '+')?;
        if here[..sign].contains('\n') && !here[..sign].trim_start_matches(['"', ':', ' ']).is_empty() {
            return None;
        }
        let from = at + sign;
        let length = rest[from..].find(|c: char| !is_of_value(c)).unwrap_or(rest.len() - from);
        let value = &rest[from..from + length];
        if BETWEEN.contains(&value) {
            at = from + length;
            continue;
        }
        let is_one = value.len() >= SHORTEST && !NO_VALUES.iter().any(|it| value.starts_with(it));
        return is_one.then_some((from, from + length));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_in_every_notation() {
        for text in [
            "GET /?X-Amz-Security-Token=SECRET%2Fsecret%3D%3D&X-Amz-Expires=60",
            "X-Amz-Signature=SECRETabcdef0123456789",
            r#""x-amz-security-token": H1("SECRETabc/def+==")"#,
            r#"headers: {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261130/x, SignedHeaders=host, Signature=SECRET"}"#,
            "authorization: Bearer SECRETabcdef",
            "Authorization: \"Bearer SECRETabcdef\"",
            "token k8s-aws-v1.SECRETaHR0cHM6Ly9z_-",
            "<SecretAccessKey>SECRETabcdef</SecretAccessKey><SessionToken>SECRETabcdef</SessionToken>",
            r#"{\"secretAccessKey\": \"SECRETabcdef\", \"sessionToken\":\"SECRETabcdef\"}"#,
            r#"Credentials { secret_access_key: "SECRETabc", session_token: Some("SECRETabc") }"#,
            "Action=AssumeRole&TokenCode=SECRET12&SerialNumber=arn",
            "WebIdentityToken=SECRETeyJhbGciOi.J9&Version=2011-06-15",
            "x-amz-security-token:SECRETabcdef\nx-amz-user-agent:aws",
            "X-Amz-Security-Token%3DSECRETabc%2Fdef",
            r#"{"accessToken": "SECRETaoa", "refreshToken" : "SECRETaoa", "clientSecret":"SECRETabc"}"#,
            r#"{"grantType":"urn:ietf:params:oauth:grant-type:device_code","deviceCode":"SECRETabc"}"#,
            "signature: \"SECRETabcdef0123\"",
        ] {
            let said = redact(text);
            assert!(!said.contains("SECRET") && said.contains(LEFT_OUT), "{text}\n{said}");
            assert_eq!(redact(&said).matches("SECRET").count(), 0);
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "call service=\"eks\" operation=\"ListClusters\" on=\"region eu-west-1\" millis=12 failure=None",
            "session_token: None, secret_access_key: \"** redacted **\"",
            "the signature is not good: check the clock",
            "SignatureDoesNotMatch: The request signature we calculated does not match",
            "role arn:aws:iam::111122223333:role/a, signature expired",
            "ä authorization",
            "",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
