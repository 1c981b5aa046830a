//! How a session comes by its credentials, and what it waits for: values for whoever shows them.
//!
//! The session writes them, the screen reads them. A [`SessionStatus`] is the state at one moment, never a history: whoever
//! looks late sees the last one.

use super::time::Time;

/// A session at one moment: where it asks, and what stands between it and its credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionStatus {
    /// The endpoint of EKS; `None` is AWS's own.
    pub endpoint: Option<String>,
    /// The regions looked into.
    pub regions: Vec<String>,
    /// What of the AWS configuration has no effect here: sentences without a period.
    pub notes: Vec<String>,
    /// How a person can sign in.
    pub way: SignInWay,
    /// The program that credentials are waited for from; absent where none runs.
    pub program: Option<RunningProgram>,
    /// The code that is waited for; absent where none is.
    pub code: Option<CodeRequest>,
    /// The sign-in that is under way, or the last one; absent before the first.
    pub sign_in: Option<SsoSignIn>,
}

/// How a person can give a session new credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SignInWay {
    /// Not by signing in: they are keys, a program's, or an instance's.
    #[default]
    Nothing,
    /// By IAM Identity Center, from here.
    Sso {
        /// The profile that says so.
        profile: String,
    },
    /// By a command that is run elsewhere.
    Command(String),
    /// By the code of an MFA device, which is asked for whenever it is needed.
    Code,
}

/// A program that gives credentials and runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningProgram {
    /// `credential_process of profile "prod"`
    pub name: String,
    /// Since when.
    pub since: Time,
}

/// A code that a person is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRequest {
    /// Tells one request from the next.
    pub number: u64,
    /// `arn:aws:iam::111122223333:mfa/jane`
    pub serial: String,
    /// The profile that needs it.
    pub profile: String,
}

/// One sign-in by IAM Identity Center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoSignIn {
    /// The profile that is signed in.
    pub profile: String,
    /// The start URL of its IAM Identity Center.
    pub start_url: String,
    /// How far it is.
    pub phase: SignInPhase,
}

/// How far a sign-in is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInPhase {
    /// A device code is asked for.
    Starting,
    /// A person is to confirm the code.
    Waiting(DeviceCode),
    /// It succeeded, and the token is good until then.
    Done {
        /// When the token ends.
        until: Time,
    },
    /// It ended without a token, and why: sentences.
    Failed(String),
    /// The person left it.
    Canceled,
}

/// What a person confirms in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCode {
    /// `ABCD-EFGH`
    pub code: String,
    /// Where the code is typed in.
    pub address: String,
    /// The same address with the code in it, where the service gives one.
    pub whole_address: Option<String>,
    /// Until when the code is good.
    pub until: Time,
}

impl DeviceCode {
    /// The address to open: the one with the code in it, if there is one.
    pub fn best_address(&self) -> &str {
        self.whole_address.as_deref().unwrap_or(&self.address)
    }
}

impl SsoSignIn {
    /// Whether a person is still waited for.
    pub fn is_under_way(&self) -> bool {
        matches!(self.phase, SignInPhase::Starting | SignInPhase::Waiting(_))
    }
}
