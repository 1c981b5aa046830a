//! IAM Identity Center: a device that is signed in by a code, and the roles of the account that its token opens.
//!
//! Decides what is answered to a client that signs in with a device code (RFC 8628), and that opening the address with the
//! code confirms it: a lab has no passwords. A token opens every role of the world, by its name or by that of its permission
//! set. None of these requests is signed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::aws::{Refusal, json_answer};
use super::encoding::form;
use super::http::{Answer, Request, answer};
use super::keys::{self, Session};
use super::world::World;
use crate::model::principal::{Asked, Principal};

/// The operations that are answered.
pub(super) const OPERATIONS: [&str; 4] =
    ["RegisterClient", "StartDeviceAuthorization", "CreateToken", "GetRoleCredentials"];

/// How long a code is good.
const CODE: Duration = Duration::from_secs(600);
/// How long a token is good.
const TOKEN: Duration = Duration::from_secs(8 * 3600);
/// How often a client may ask whether its code was confirmed, in seconds.
const INTERVAL: u64 = 1;
/// How long a role's credentials are good.
const ROLE: SignedDuration = SignedDuration::from_hours(1);
/// As whom one is in a role.
const SESSION: &str = "signed-in";
/// How the roles of permission sets begin.
const RESERVED: &str = "AWSReservedSSO_";

/// The codes and tokens of a lab.
#[derive(Debug, Default)]
pub(super) struct Desk(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    count: u64,
    /// By device code.
    devices: BTreeMap<String, Device>,
    /// Access tokens, and their ends.
    tokens: BTreeMap<String, Instant>,
}

#[derive(Debug)]
struct Device {
    user_code: String,
    end: Instant,
    confirmed: bool,
}

/// The operation that a request is for; the page where a code is confirmed is none.
pub(super) fn operation_name(request: &Request) -> Option<&'static str> {
    match (&request.method, request.path.as_str()) {
        (&Method::POST, "/client/register") => Some("RegisterClient"),
        (&Method::POST, "/device_authorization") => Some("StartDeviceAuthorization"),
        (&Method::POST, "/token") => Some("CreateToken"),
        (&Method::GET, "/federation/credentials") => Some("GetRoleCredentials"),
        _ => None,
    }
}

/// The page where a code is confirmed, if it is asked for.
pub(super) fn page(desk: &Desk, request: &Request) -> Option<Answer> {
    if request.method != Method::GET || request.path != "/device" {
        return None;
    }
    let pairs = form(&request.query).unwrap_or_default();
    let code = pairs.iter().find(|(name, _)| name == "user_code").map(|(_, code)| code.as_str()).unwrap_or_default();
    let (status, said) = match desk.confirm(code) {
        true => (StatusCode::OK, "The code is confirmed. Go back to your terminal."),
        false => (StatusCode::NOT_FOUND, "No device waits for this code: put it behind ?user_code= in the address."),
    };
    Some(answer(status, "text/plain; charset=utf-8", format!("{said}\n")))
}

/// The answer to an operation.
pub(super) fn perform(desk: &Desk, world: &World, operation: &str, request: &Request) -> Result<Answer, Refusal> {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let member = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let said = match operation {
        "RegisterClient" => desk.register(),
        "StartDeviceAuthorization" => desk.start(request.header("host").unwrap_or("localhost")),
        "CreateToken" => desk.create_token(&member("deviceCode"))?,
        _ => desk.role_credentials(world, request)?,
    };
    Ok(json_answer(StatusCode::OK, &said))
}

impl Desk {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A word that was not given out before.
    fn word(&self, what: &str) -> String {
        let mut held = self.held();
        held.count += 1;
        keys::unique_id("", &format!("{what} {}", held.count))
    }

    fn register(&self) -> Value {
        let now = Timestamp::now();
        json!({
            "clientId": self.word("client"),
            "clientSecret": self.word("client secret"),
            "clientIdIssuedAt": now.as_second(),
            "clientSecretExpiresAt": now.as_second() + 90 * 24 * 3600,
        })
    }

    fn start(&self, host: &str) -> Value {
        let (device_code, word) = (self.word("device"), self.word("user code"));
        let user_code = format!("{}-{}", word.get(..4).unwrap_or_default(), word.get(4..8).unwrap_or_default());
        let device = Device { user_code: user_code.clone(), end: Instant::now() + CODE, confirmed: false };
        self.held().devices.insert(device_code.clone(), device);
        json!({
            "deviceCode": device_code,
            "userCode": user_code,
            "verificationUri": format!("http://{host}/device"),
            "verificationUriComplete": format!("http://{host}/device?user_code={user_code}"),
            "expiresIn": CODE.as_secs(),
            "interval": INTERVAL,
        })
    }

    /// A person has confirmed a code; false if nobody waits for it.
    fn confirm(&self, user_code: &str) -> bool {
        let mut held = self.held();
        let now = Instant::now();
        let device = held.devices.values_mut().find(|it| it.user_code == user_code && now < it.end);
        device.map(|it| it.confirmed = true).is_some()
    }

    fn create_token(&self, device_code: &str) -> Result<Value, Refusal> {
        let refusal = |code, said: &str| Refusal::new(StatusCode::BAD_REQUEST, code, said);
        let now = Instant::now();
        match self.held().devices.get(device_code) {
            None => return Err(refusal("InvalidGrantException", "Nobody was given this device code.")),
            Some(device) if now >= device.end => {
                return Err(refusal("ExpiredTokenException", "The device code has expired."));
            }
            Some(device) if !device.confirmed => {
                return Err(refusal("AuthorizationPendingException", "The code is not confirmed yet."));
            }
            Some(_) => {}
        }
        let access_token = self.word("access token");
        let mut held = self.held();
        // A code is good once.
        held.devices.remove(device_code);
        held.tokens.insert(access_token.clone(), now + TOKEN);
        Ok(json!({ "accessToken": access_token, "tokenType": "Bearer", "expiresIn": TOKEN.as_secs() }))
    }

    fn role_credentials(&self, world: &World, request: &Request) -> Result<Value, Refusal> {
        let token = request.header("x-amz-sso_bearer_token").unwrap_or_default();
        if self.held().tokens.get(token).is_none_or(|end| Instant::now() >= *end) {
            let said = "Session token not found or invalid";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "UnauthorizedException", said));
        }
        let pairs = form(&request.query).unwrap_or_default();
        let get =
            |name: &str| pairs.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str()).unwrap_or_default();
        let wanted = get("role_name");
        let no_access = || Refusal::new(StatusCode::FORBIDDEN, "ForbiddenException", "No access");
        let is_set = |name: &str| {
            name.strip_prefix(RESERVED).and_then(|it| it.rsplit_once('_')).is_some_and(|(set, _)| set == wanted)
        };
        let role =
            world.roles().iter().find(|it| it.role_name == wanted || is_set(&it.role_name)).ok_or_else(no_access)?;
        let (principal, _) = Principal::from_arn(&role.arn).map_err(|_| no_access())?;
        if principal.account != get("account_id") {
            return Err(no_access());
        }
        let session = Asked { session: Some(SESSION.to_owned()), ..Asked::principal(principal) };
        let caller = world.find(&session.arn()).map_err(|_| no_access())?;
        let now = Timestamp::now();
        let end = now.saturating_add(ROLE).unwrap_or(now);
        let session = Session { arn: caller.arn, user_id: caller.user_id, expires: Some(end.as_second()) };
        let credentials = keys::temporary(&session);
        Ok(json!({ "roleCredentials": {
            "accessKeyId": credentials.access_key_id,
            "secretAccessKey": credentials.secret_access_key,
            "sessionToken": credentials.session_token,
            "expiration": end.as_millisecond(),
        } }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_confirmed_by_whoever_opens_its_address_and_is_good_once() {
        let desk = Desk::default();
        let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
        let code = |refused: Result<Value, Refusal>| refused.unwrap_err().code;
        let (one, other) = (desk.start("127.0.0.1:1"), desk.start("127.0.0.1:1"));
        assert_ne!(text(&one, "userCode"), text(&other, "userCode"));
        assert_eq!(code(desk.create_token(&text(&one, "deviceCode"))), "AuthorizationPendingException");
        assert!(desk.confirm(&text(&one, "userCode")) && !desk.confirm("XXXX-YYYY"));
        assert!(text(&one, "verificationUriComplete").ends_with(&text(&one, "userCode")));
        assert!(desk.create_token(&text(&one, "deviceCode")).is_ok());
        assert_eq!(code(desk.create_token(&text(&one, "deviceCode"))), "InvalidGrantException");
        assert_eq!(code(desk.create_token(&text(&other, "deviceCode"))), "AuthorizationPendingException");
    }
}
