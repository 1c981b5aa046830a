//! Signing in by IAM Identity Center from the screen, over HTTP, and what `aws` then finds.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;

use super::screen::command;
use super::{Home, WhoAsked, files, text, until};
use crate::aws::aws;
use crate::lab::run;
use crate::pty::Pty;
use crate::stage::WORLD;
use eksplorer::lab::{Lab, Options};
use eksplorer::model::document::read;

const SESSION: &str = "[default]\nsso_session = other\nsso_account_id = 111122223333\nsso_role_name = reader\n\
                       [sso-session other]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n";
/// Filed under the SHA-1 of `other`.
const OF_SESSION: &str = ".aws/sso/cache/d0941e68da8f38151ff86a61fc59f7c5cf9fcaa2.json";
const LEGACY: &str = "[profile old]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n\
                      sso_account_id = 111122223333\nsso_role_name = reader\n\
                      [profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = old\n";

struct Stand {
    runtime: Runtime,
    service: WhoAsked,
    home: Home,
}

impl Stand {
    fn new(config: &str) -> Stand {
        let runtime = Runtime::new().unwrap();
        let service = runtime.block_on(WhoAsked::start());
        let home = Home::new();
        home.write(".aws/config", config);
        home.write("browser", "#!/bin/sh\necho \"$1\" >opened.new\nmv opened.new opened\n");
        std::fs::set_permissions(home.0.join("browser"), std::fs::Permissions::from_mode(0o755)).unwrap();
        Stand { runtime, service, home }
    }

    fn start(&self, arguments: &[&str]) -> Pty {
        let mut command = command(&self.home, &self.service.url, arguments);
        command.env("BROWSER", self.home.0.join("browser"));
        command.env("EKSPLORER_LOG", "trace");
        Pty::start(24, 120, command)
    }

    fn answer(&self, answer: &'static str) {
        self.service.desk.lock().unwrap().answers.push_back(answer);
    }
}

#[test]
fn an_expired_sign_in_is_renewed_from_the_screen_and_aws_finds_the_token() {
    let stand = Stand::new(SESSION);
    stand.home.write(OF_SESSION, r#"{"accessToken":"old","expiresAt":"2020-01-01T00:00:00Z"}"#);
    let mut pty = stand.start(&[]);
    pty.until("it is said what helps", |it| it.has("expired") && it.has("L: sign in (profile default)"));
    pty.until("the keys say so, too", |it| it.has("L sign in"));
    pty.type_in("L");
    pty.until("the code is shown", |it| it.has("ABCD-EFGH") && it.has("https://corp.example/device?user_code="));
    pty.until("and how long it is good", |it| it.has("good for 9 min"));
    pty.type_in("\r");
    until("the address to be opened", || stand.home.0.join("opened").exists());
    assert_eq!(stand.home.read("opened"), "https://corp.example/device?user_code=ABCD-EFGH\n");
    pty.until("that is said", |it| it.has("Handed to your browser"));
    pty.type_in("c");
    pty.until("the address is copied", |it| it.raw_has("\u{1b}]52;") && it.has("clipboard"));
    stand.answer("SlowDownException");
    stand.answer("good");
    pty.until("the account is read", |it| it.has("ASIASSOreader") && it.has("Signed in until"));
    assert!(!pty.has("ABCD-EFGH"), "{}", pty.text());
    pty.type_in("\u{3}");
    pty.end();

    let desk = stand.service.desk.lock().unwrap();
    let gaps: Vec<Duration> = desk.asked.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(gaps.last().is_some_and(|it| *it >= Duration::from_secs(6)), "more slowly, as was asked: {gaps:?}");
    let registered = &desk.bodies.iter().find(|(path, _)| path == "/client/register").unwrap().1;
    assert_eq!(registered["scopes"], serde_json::json!(["sso:account:access"]));
    let token: Value = serde_json::from_str(&stand.home.read(OF_SESSION)).unwrap();
    let member = |name: &str| token[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        ["startUrl", "region", "accessToken", "clientId", "refreshToken", "registrationExpiresAt"].map(member),
        ["https://corp.example/start", "eu-west-1", "good", "client", "SENTINELrefresh", "2099-01-01T00:00:00Z"]
    );
    let mode = std::fs::metadata(stand.home.0.join(OF_SESSION)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    drop(desk);
    let log: String =
        files(&stand.home.0.join("state")).iter().map(|it| std::fs::read_to_string(it).unwrap()).collect();
    assert!(log.contains("ABCD-EFGH"), "the answers were logged");
    assert!(!log.contains("SENTINEL"), "no secret of the sign-in is written down");

    let Some(aws) = stand.runtime.block_on(aws()) else { return };
    let mut theirs = std::process::Command::new("aws");
    theirs.args(["eks", "list-clusters", "--output", "text", "--query", "clusters"]);
    theirs.env_clear().env("PATH", aws.path()).envs(stand.home.variables(&stand.service.url));
    theirs.env("AWS_OFTEN_READS_FILES", "1").current_dir(&stand.home.0).stdin(Stdio::null());
    let out = stand.runtime.block_on(run(theirs));
    assert_eq!(text(&out.stdout), "ASIASSOreader+t", "{}", text(&out.stderr));
}

#[test]
fn a_sign_in_that_fails_says_why_and_can_be_begun_again() {
    let stand = Stand::new(LEGACY);
    let mut pty = stand.start(&["--profile", "a"]);
    pty.until("it is said what helps", |it| it.has("L: sign in (profile old)"));
    assert!(pty.has("nobody is signed in to https://corp.example/start"), "{}", pty.text());
    for (answer, said) in [
        ("AccessDeniedException", "it was denied (AccessDeniedException: AccessDeniedException it is)"),
        ("ExpiredTokenException", "the code has expired (ExpiredTokenException: ExpiredTokenException it is)"),
        ("html", "could not ask IAM Identity Center (HTTP 502"),
        ("InvalidGrantException", "CreateToken failed (InvalidGrantException: InvalidGrantException it is)"),
    ] {
        stand.answer(answer);
        pty.type_in("L");
        pty.until("it fails", |it| it.has(said));
    }
    pty.type_in("L");
    pty.until("the code is shown", |it| it.has("ABCD-EFGH"));
    pty.type_in("\u{1b}");
    pty.until("it is given up", |it| !it.has("ABCD-EFGH"));
    // What was given up is asked for no more.
    let asked = || stand.service.desk.lock().unwrap().asked.len();
    pty.type_in("L");
    pty.until("the code is shown again", |it| it.has("ABCD-EFGH"));
    pty.type_in("?");
    pty.until("elsewhere it is told", |it| it.has("The sign-in waits for the code ABCD-EFGH: L shows it"));
    let before = asked();
    until("it goes on", || asked() > before);
    stand.answer("good");
    pty.until("the role is assumed", |it| it.has("a.by-ASIASSOreader"));
    pty.type_in("\u{3}");
    pty.end();
    let bodies = &stand.service.desk.lock().unwrap().bodies;
    let registered = bodies.iter().filter(|(path, _)| path == "/client/register");
    assert!(registered.map(|(_, body)| body.get("scopes")).all(|it| it.is_none()), "the older form has no scopes");
}

#[test]
fn one_who_signed_in_elsewhere_need_only_refresh() {
    let stand = Stand::new(SESSION);
    let mut pty = stand.start(&[]);
    pty.until("it is said what helps", |it| it.has("L: sign in (profile default)"));
    stand.home.write(OF_SESSION, r#"{"accessToken":"good","expiresAt":"2099-01-01T00:00:00Z"}"#);
    pty.type_in("\u{12}");
    pty.until("the account is read", |it| it.has("ASIASSOreader"));
    pty.type_in("L");
    pty.until("one can sign in all the same", |it| it.has("ABCD-EFGH"));
    pty.type_in("\u{3}");
    pty.end();
}

#[test]
fn a_lab_is_signed_in_to_as_an_account_is() {
    let runtime = Runtime::new().unwrap();
    let lab = runtime.block_on(Lab::start(read(WORLD).unwrap(), Options::default())).unwrap();
    let home = Home::new();
    home.write(".aws/config", &SESSION.replace("reader", "oncall"));
    let mut pty = Pty::start(24, 120, command(&home, lab.endpoint(), &[]));
    pty.until("it is said what helps", |it| it.has("L: sign in (profile default)"));
    pty.type_in("L");
    pty.until("the address is shown", |it| it.has("/device?user_code="));
    let text = pty.text();
    let address = text.split_whitespace().find(|it| it.contains("/device?user_code=")).unwrap();
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut browser = TcpStream::connect(host).unwrap();
    write!(browser, "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    browser.read_to_string(&mut page).unwrap();
    assert!(page.contains("The code is confirmed"), "{page}");
    pty.until("one is who one wanted to be", |it| it.has(" oncall → ") && it.has("Signed in until"));
    pty.type_in("\u{3}");
    pty.end();
}
