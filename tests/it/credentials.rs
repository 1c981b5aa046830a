//! Credentials as `aws` has them: each set-up beside the `aws` on this machine, where there is one.
// Says what was compared, and what was left out.
#![allow(clippy::print_stderr)]

mod screen;
mod service;
mod setups;
mod sign_in;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::aws::{Aws, aws};
use crate::lab::run;
pub(crate) use service::WhoAsked;
use setups::{SETUPS, Setup, Want};

/// A home directory, which goes with this.
pub(crate) struct Home(pub(crate) PathBuf);

impl Home {
    pub(crate) fn new() -> Home {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("eksplorer-home-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(dir.join(".aws/sso/cache")).unwrap();
        let home = Home(dir);
        let keys =
            |id: &str, more: &str| format!(r#"{{"Version":1,"AccessKeyId":"{id}","SecretAccessKey":"s"{more}}}"#);
        home.write("token", "jwt1");
        home.write("printed", &keys("AKIAPROC", ""));
        home.write("expired", &keys("AKIAPROC", r#","SessionToken":"t","Expiration":"2020-01-01T00:00:00Z""#));
        home.write("k", "[default]\naws_access_key_id = AKIAELSE\naws_secret_access_key = s\n");
        home.write("c", "[default]\n");
        // Filed under the SHA-1 of `corp`.
        let token = r#"{"accessToken":"good","expiresAt":"2099-01-01T00:00:00Z"}"#;
        home.write(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json", token);
        home
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    /// The variables of a session in this home, with nothing else.
    pub(crate) fn variables(&self, url: &str) -> Vec<(&'static str, String)> {
        let dir = |name: &str| self.0.join(name).display().to_string();
        vec![
            ("HOME", self.0.display().to_string()),
            ("XDG_STATE_HOME", dir("state")),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("AWS_ENDPOINT_URL", url.to_owned()),
            ("AWS_ENDPOINT_URL_SSO", url.to_owned()),
            ("AWS_DEFAULT_REGION", "eu-west-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    pub(crate) fn eksplorer(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eksplorer"));
        command.args(arguments).env_clear().env("PATH", std::env::var("PATH").unwrap()).envs(self.variables(url));
        command.current_dir(&self.0).stdin(Stdio::null());
        command
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// Whom AWS saw, by the one cluster that it told; else what was said.
fn asked(out: &Output) -> Result<String, String> {
    let name = text(&out.stdout).lines().nth(1).and_then(|it| it.split_whitespace().nth(1).map(str::to_owned));
    name.filter(|_| out.status.success()).ok_or_else(|| text(&out.stderr))
}

struct Bench<'a> {
    url: &'a str,
    aws: Option<&'a Aws>,
}

impl Bench<'_> {
    async fn compare(&self, setup: &Setup) -> Result<(), String> {
        let home = Home::new();
        let dir = home.0.display().to_string();
        let filled = |text: &str| text.replace("{url}", self.url).replace("{dir}", &dir);
        for (name, text) in [("config", setup.config), ("credentials", setup.credentials)] {
            home.write(&format!(".aws/{name}"), &filled(text));
        }
        let set = |command: &mut Command| {
            for (name, value) in setup.variables {
                // An endpoint that is empty counts as one for nobody: it is not set.
                match *name == "AWS_ENDPOINT_URL" && value.is_empty() {
                    true => command.env_remove(name),
                    false => command.env(name, filled(value)),
                };
            }
        };
        let mut ours = home.eksplorer(self.url, &["list", "clusters"]);
        ours.args(setup.arguments);
        set(&mut ours);
        let ours = asked(&run(ours).await);
        match (setup.want, &ours) {
            (Want::Asks(wanted), Ok(who)) if who == wanted => {}
            (Want::Says(wanted), Err(said)) if wanted.iter().all(|it| said.contains(&filled(it))) => {}
            (wanted, ours) => return Err(format!("{}: wanted {wanted:?}, got {ours:?}", setup.name)),
        }
        let Some(aws) = self.aws.filter(|_| setup.beside_aws) else { return Ok(()) };
        let mut theirs = Command::new("aws");
        theirs.args(["eks", "list-clusters", "--output", "text", "--query", "clusters"]).args(setup.arguments);
        theirs.env_clear().env("PATH", aws.path()).envs(home.variables(self.url)).env("AWS_MAX_ATTEMPTS", "1");
        theirs.env("AWS_OFTEN_READS_FILES", "1");
        theirs.current_dir(&home.0).stdin(Stdio::null());
        set(&mut theirs);
        let out = run(theirs).await;
        let theirs = if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) };
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) if ours == theirs => Ok(()),
            (Err(_), Err(_)) => Ok(()),
            // A traceback of it is an error, too, whatever its status.
            (Err(_), Ok(theirs)) if theirs.is_empty() => Ok(()),
            _ => Err(format!("{}: we {ours:?}, aws {theirs:?}", setup.name)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_set_up_asks_as_whom_aws_would() {
    let service = WhoAsked::start().await;
    let bench = Bench { url: &service.url, aws: aws().await };
    let mut differences = Vec::new();
    for four in SETUPS.chunks(4) {
        let compared = futures::future::join_all(four.iter().map(|setup| bench.compare(setup))).await;
        differences.extend(compared.into_iter().filter_map(Result::err));
    }
    let beside = SETUPS.iter().filter(|it| it.beside_aws && bench.aws.is_some()).count();
    eprintln!("credentials: {} set-ups, {beside} of them beside aws, {} differences", SETUPS.len(), differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Waits for a condition that is named; nothing here sleeps.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        std::thread::yield_now();
    }
}

/// Whether a process is there and does something.
pub(crate) fn runs(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|it| !it.contains(") Z "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_run_once_for_all_that_wait() {
    let service = WhoAsked::start().await;
    let home = Home::new();
    home.write("tool", "#!/bin/sh\necho run >>runs\ncat printed\n");
    home.write(".aws/config", "[default]\ncredential_process = sh ./tool\n");
    let out = run(home.eksplorer(&service.url, &["list", "clusters"])).await;
    assert_eq!(asked(&out).unwrap(), "AKIAPROC");
    assert_eq!(home.read("runs"), "run\n");
    // One that fails is not asked again by every call.
    home.write("tool", "#!/bin/sh\necho run >>fails\nexit 1\n");
    assert!(asked(&run(home.eksplorer(&service.url, &["list", "entries", "-c", "c"])).await).is_err());
    assert_eq!(home.read("fails"), "run\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_hangs_goes_with_us_when_we_are_ended() {
    let service = WhoAsked::start().await;
    let home = Home::new();
    home.write(
        "tool",
        "#!/bin/sh\nsleep 1000 &\necho $! >child.new\nmv child.new child\necho $$ >own.new\nmv own.new own\nwait\n",
    );
    home.write(".aws/config", "[default]\ncredential_process = sh ./tool\n");
    for (signal, number) in [(rustix::process::Signal::TERM, 143), (rustix::process::Signal::INT, 130)] {
        let mut command = home.eksplorer(&service.url, &["list", "clusters"]);
        let mut ours = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("the program to run", || home.0.join("own").exists());
        let (own, child) = (home.read("own"), home.read("child"));
        assert!(runs(&own) && runs(&child));
        rustix::process::kill_process(rustix::process::Pid::from_child(&ours), signal).unwrap();
        assert_eq!(ours.wait().unwrap().code(), Some(number));
        until("the program to end", || !runs(&own) && !runs(&child));
        std::fs::remove_file(home.0.join("own")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_heeds_and_we_do_not_is_said() {
    let service = WhoAsked::start().await;
    let home = Home::new();
    home.write(
        ".aws/credentials",
        "[default]\naws_access_key_id = AKIADEF\naws_secret_access_key = s\nmax_attempts = 9\n",
    );
    home.write(".aws/config", "[plugins]\nendpoint = awscli_plugin_endpoint\n");
    let mut command = home.eksplorer(&service.url, &["list", "clusters"]);
    command.env("AWS_STS_REGIONAL_ENDPOINTS", "legacy").env("AWS_DEFAULTS_MODE", "cross-region");
    let out = run(command).await;
    assert_eq!(asked(&out).unwrap(), "AKIADEF");
    let said = text(&out.stderr);
    for wanted in [
        "note: max_attempts of profile \"default\"",
        "note: sts_regional_endpoints = legacy",
        "note: AWS_DEFAULTS_MODE",
        "note: [plugins]",
    ] {
        assert!(said.contains(wanted), "{said}");
    }
    let quiet = run(home.eksplorer(&service.url, &["list", "clusters", "--profile", "default"])).await;
    assert_eq!(text(&quiet.stderr).lines().count(), 2, "{}", text(&quiet.stderr));
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.flat_map(|it| if it.path().is_dir() { files(&it.path()) } else { vec![it.path()] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_written_down_whatever_is_logged() {
    let service = WhoAsked::start().await;
    let home = Home::new();
    home.write(
        ".aws/config",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\ncredential_source = Environment\n",
    );
    for profile in [&[][..], &["--profile", "a"]] {
        let mut command = home.eksplorer(&service.url, &["list", "clusters", "-vv"]);
        command.args(profile).env("EKSPLORER_LOG", "trace").env("AWS_ACCESS_KEY_ID", "AKIASENTINEL");
        command.env("AWS_SECRET_ACCESS_KEY", "SENTINEL/secret+key").env("AWS_SESSION_TOKEN", "SENTINELtoken/a+b==");
        let out = run(command).await;
        assert!(!text(&out.stdout).is_empty(), "{}", text(&out.stderr));
    }
    let mut log = String::new();
    for file in files(&home.0.join("state")) {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
        log.push_str(&std::fs::read_to_string(&file).unwrap());
    }
    assert!(log.contains("AKIASENTINEL") && log.contains("(redacted)"), "the requests were logged");
    for secret in ["SENTINEL/secret", "SENTINEL%2Fsecret", "SENTINELtoken"] {
        if let Some(at) = log.find(secret) {
            panic!("{secret}: …{}…", log.get(at.saturating_sub(200)..at + 60).unwrap_or(&log[at..]));
        }
    }
    let signatures = log.split("Signature=").skip(1).filter(|rest| !rest.starts_with("(redacted)")).count();
    assert_eq!(signatures, 0);
}
