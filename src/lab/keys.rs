//! The credentials that the lab hands out.
//!
//! Decides how an access key is made of whom it belongs to, so that it needs no store and outlives a restart: a
//! long-term key follows from the unique id of a user; a session token carries its session, sealed, and the
//! session's key follows from the token. They open nothing but a lab. Knows nothing of who exists: that is `world`'s.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::role::Caller;

/// What everything is derived from. No secret: whoever can read this program may sign for its labs.
const SEED: &[u8] = b"eksplorer lab: opens nothing else";

/// Credentials as every AWS client takes them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `AKIA…` of a user, `ASIA…` of a session.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// A session's token; users have none.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// What a session token says, once it is known to be sealed by this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) arn: String,
    pub(super) user_id: String,
    /// Epoch seconds; the lab's own caller never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<i64>,
}

impl Session {
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now.as_second())
    }
}

/// The credentials of a user or of the root user: they have no end.
pub(super) fn long_term(caller: &Caller) -> Credentials {
    credentials("AKIA", &format!("{} {}", caller.account, caller.user_id), None)
}

/// The credentials of a session.
pub(super) fn temporary(session: &Session) -> Credentials {
    // A struct of three texts and numbers always becomes JSON.
    let content = URL_SAFE_NO_PAD.encode(serde_json::to_vec(session).unwrap_or_default());
    let seal = URL_SAFE_NO_PAD.encode(derive("seal", &content));
    let token = format!("{content}.{seal}");
    credentials("ASIA", &token.clone(), Some(token))
}

/// Opens a session token: the session and its credentials, or `None` when no lab made it.
pub(super) fn open(token: &str) -> Option<(Session, Credentials)> {
    let (content, _) = token.split_once('.')?;
    let session: Session = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(content).ok()?).ok()?;
    let credentials = temporary(&session);
    (credentials.session_token.as_deref() == Some(token)).then_some((session, credentials))
}

fn credentials(prefix: &str, of: &str, session_token: Option<String>) -> Credentials {
    let secret: String = STANDARD.encode(derive("secret", of)).chars().take(40).collect();
    Credentials {
        access_key_id: format!("{prefix}{}", letters(&derive("id", of))),
        secret_access_key: secret,
        session_token,
    }
}

/// A unique id as IAM makes them (`AROA…`), for a principal whose own the world does not tell.
pub(super) fn unique_id(prefix: &str, arn: &str) -> String {
    format!("{prefix}{}", letters(&derive("unique id", arn)))
}

/// Sixteen letters and digits, as in the ids that IAM makes.
fn letters(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    bytes.iter().take(16).filter_map(|byte| ALPHABET.get(usize::from(byte % 32))).map(|b| char::from(*b)).collect()
}

fn derive(what: &str, of: &str) -> Vec<u8> {
    mac(SEED, format!("{what}\0{of}").as_bytes())
}

/// HMAC-SHA256.
pub(super) fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref().to_vec()
}

/// SHA-256, in hexadecimal.
pub(super) fn sha256(data: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, data).as_ref())
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name-based UUID: the same for the same name.
pub(super) fn uuid(name: &str) -> String {
    let digits = hex(&derive("uuid", name));
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// The id of a Pod Identity association (`a-…`): the same for the same name.
pub(super) fn association_id(name: &str) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let bytes = derive("association", name);
    let letters = bytes.iter().take(17).filter_map(|byte| ALPHABET.get(usize::from(byte % 36)));
    std::iter::once("a-").flat_map(str::chars).chain(letters.map(|byte| char::from(*byte))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(expires: Option<i64>) -> Session {
        Session {
            arn: "arn:aws:sts::111122223333:assumed-role/oncall/ana".into(),
            user_id: "AROAX:ana".into(),
            expires,
        }
    }

    #[test]
    fn the_same_principal_gets_the_same_keys_and_another_gets_others() {
        let (one, two) = (temporary(&session(None)), temporary(&session(Some(7))));
        assert_eq!(one, temporary(&session(None)));
        assert_ne!(one.access_key_id, two.access_key_id);
        assert_ne!(one.secret_access_key, two.secret_access_key);
        assert_eq!((one.access_key_id.len(), one.secret_access_key.len()), (20, 40));
        assert!(one.access_key_id.starts_with("ASIA"));
        assert!(!format!("{one:?}").contains(&one.secret_access_key), "secrets stay out of logs");
    }

    #[test]
    fn a_token_opens_only_whole() {
        let mine = temporary(&session(Some(7)));
        let token = mine.session_token.clone().unwrap();
        assert_eq!(open(&token), Some((session(Some(7)), mine)));
        let forged = token.replacen(&token[..1], if token.starts_with('e') { "f" } else { "e" }, 1);
        assert_eq!(open(&forged), None);
        assert_eq!(open(token.split('.').next().unwrap()), None);
        assert_eq!(open(&format!("{token}x")), None);
        assert!(session(Some(7)).has_expired(Timestamp::from_second(7).unwrap()));
        assert!(!session(Some(7)).has_expired(Timestamp::from_second(6).unwrap()));
    }
}
