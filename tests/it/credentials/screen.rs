//! Programs and codes beside a screen: who has the terminal, and what a refresh begins afresh.

use portable_pty::CommandBuilder;
use tokio::runtime::Runtime;

use super::{Home, WhoAsked, runs, until};
use crate::pty::Pty;

pub(super) fn command(home: &Home, url: &str, arguments: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_eksplorer"));
    command.args(arguments);
    command.env_clear();
    for (name, value) in home.variables(url) {
        command.env(name, value);
    }
    command.env("PATH", std::env::var("PATH").unwrap());
    command.env("TERM", "xterm-256color");
    command.cwd(&home.0);
    command
}

#[test]
fn a_program_that_reads_the_terminal_takes_no_key_and_is_gone_after_the_end() {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(WhoAsked::start());
    let home = Home::new();
    home.write(
        "tool",
        "#!/bin/sh\necho NOISE >&2\necho $$ >own.new\nmv own.new own\n\
        (read key </dev/tty && echo $key >stolen) 2>/dev/null\nsleep 1000\n",
    );
    home.write(".aws/config", "[default]\ncredential_process = sh ./tool\n");
    let mut pty = Pty::start(24, 80, command(&home, &service.url, &[]));
    pty.until("the screen is there", |it| it.raw_has("\u{1b}[?1049h"));
    until("the program to run", || home.0.join("own").exists());
    let own = home.read("own");
    assert!(runs(&own));
    pty.type_in("?");
    pty.until("the key has come to us", |it| it.has("Help"));
    pty.type_in("\u{1b}");
    pty.until("the help is gone", |it| !it.has("Help"));
    pty.type_in("\u{3}");
    let ended = pty.end();
    until("the program to end", || !runs(&own));
    assert!(!home.0.join("stolen").exists());
    assert!(!String::from_utf8_lossy(&ended.raw).contains("NOISE"));
}

#[test]
fn a_refresh_asks_the_program_afresh() {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(WhoAsked::start());
    let home = Home::new();
    home.write("tool", "#!/bin/sh\necho sign in first >&2\nexit 1\n");
    home.write(".aws/config", "[default]\ncredential_process = sh ./tool\n");
    let mut pty = Pty::start(24, 120, command(&home, &service.url, &[]));
    pty.until("the failure is shown", |it| it.has("credentials"));
    home.write("tool", "#!/bin/sh\ncat printed\n");
    pty.type_in("\u{12}");
    pty.until("somebody is there", |it| it.has("AKIAPROC"));
    // Keys that were rotated count, too, whether or not all was read meanwhile.
    let rotated = home.read("printed").replace("AKIAPROC", "AKIAROTATED");
    home.write("printed", &rotated);
    pty.type_in("\u{12}");
    pty.until("somebody else is there", |it| it.has("AKIAROTATED"));
    pty.type_in("\u{3}");
    pty.end();
}

#[test]
fn a_refresh_begins_again_with_what_it_waits_for() {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(WhoAsked::start());
    let home = Home::new();
    home.write("tool", "#!/bin/sh\necho $$ >own.new\nmv own.new own\nsleep 1000\n");
    home.write(".aws/config", "[default]\ncredential_process = sh ./tool\n");
    let mut pty = Pty::start(24, 120, command(&home, &service.url, &[]));
    until("the program to run", || home.0.join("own").exists());
    let own = home.read("own");
    home.write("tool", "#!/bin/sh\ncat printed\n");
    pty.type_in("\u{12}");
    pty.until("it was asked again", |it| it.has("AKIAPROC"));
    until("the first one to end", || !runs(&own));
    pty.type_in("\u{3}");
    pty.end();
}

#[test]
fn a_program_that_is_waited_for_is_named_and_can_be_stopped() {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(WhoAsked::start());
    let home = Home::new();
    home.write("tool", "#!/bin/sh\necho touch the key >&2\necho $$ >own.new\nmv own.new own\nsleep 1000\n");
    home.write(".aws/config", "[profile a]\ncredential_process = sh ./tool\n");
    let mut pty = Pty::start(24, 100, command(&home, &service.url, &["--profile", "a"]));
    pty.until("it is named", |it| it.has("waiting for credential_process of profile \"a\", "));
    pty.until("and how to stop it", |it| it.has("ctrl-g stops it"));
    let own = home.read("own");
    assert!(runs(&own));
    pty.type_in("\u{7}");
    pty.until("what it said is shown", |it| it.has("was stopped before it gave an answer") && it.has("touch the key"));
    until("the program to end", || !runs(&own));
    assert!(!pty.has("waiting for credential_process"));
    home.write("tool", "#!/bin/sh\ncat printed\n");
    pty.type_in("\u{12}");
    pty.until("a refresh runs it again", |it| it.has("AKIAPROC"));
    pty.type_in("\u{3}");
    pty.end();
}

#[test]
fn an_exec_plugin_that_is_waited_for_is_named_too() {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(WhoAsked::start());
    let home = Home::new();
    home.write(".aws/credentials", "[default]\naws_access_key_id = AKIADEF\naws_secret_access_key = s\n");
    home.write("tool", "#!/bin/sh\necho $$ >own.new\nmv own.new own\nsleep 1000\n");
    let exec = "{apiVersion: client.authentication.k8s.io/v1beta1, command: sh, args: [./tool]}";
    let kubeconfig = format!(
        "clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:9'}}}}]\nusers: [{{name: jane, user: {{exec: {exec}}}}}]\n\
         contexts: [{{name: ctx, context: {{cluster: c, user: jane}}}}]\n"
    );
    home.write("kubeconfig", &kubeconfig);
    let mut command = command(&home, &service.url, &["-c", "c", "--context", "ctx"]);
    command.env("KUBECONFIG", home.0.join("kubeconfig"));
    let mut pty = Pty::start(24, 100, command);
    pty.until("it is named", |it| it.has("waiting for the exec plugin of user \"jane\", "));
    let own = home.read("own");
    assert!(runs(&own));
    pty.type_in("2");
    pty.type_in("\u{7}");
    pty.until("that it was stopped is said", |it| it.has("was stopped before it gave an answer"));
    until("the program to end", || !runs(&own));
    pty.type_in("\u{3}");
    pty.end();
}

#[test]
fn another_region_and_endpoint_count_from_the_next_refresh_on() {
    let runtime = Runtime::new().unwrap();
    let (first, second) = runtime.block_on(async { (WhoAsked::start().await, WhoAsked::start().await) });
    let home = Home::new();
    home.write(".aws/credentials", "[a]\naws_access_key_id = AKIAONE\naws_secret_access_key = s\n");
    let config = |url: &str, region: &str| {
        format!(
            "[profile a]\nregion = {region}\nservices = local\n[services local]\neks =\n  endpoint_url = {url}\nsts =\n  endpoint_url = {url}\niam =\n  endpoint_url = {url}\n"
        )
    };
    home.write(".aws/config", &config(&first.url, "eu-west-1"));
    let mut command = command(&home, &first.url, &["--profile", "a"]);
    for variable in ["AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"] {
        command.env_remove(variable);
    }
    let mut pty = Pty::start(24, 120, command);
    pty.until("the first one answers", |it| it.has("AKIAONE · eu-west-1"));
    home.write(".aws/credentials", "[a]\naws_access_key_id = AKIATWO\naws_secret_access_key = s\n");
    home.write(".aws/config", &config(&second.url, "us-east-1"));
    pty.type_in("\u{12}");
    pty.until("it is said", |it| it.has("region eu-west-1 → us-east-1; endpoint of EKS"));
    pty.until("somebody else is there", |it| it.has("AKIATWO"));
    pty.type_in("C");
    pty.until("the clusters of the other one are there", |it| it.has("Clusters") && it.has("us-east-1"));
    // A file that cannot be read any more is told with its line, and nothing of before is taken for present.
    home.write(".aws/config", "[profile a\n");
    pty.type_in("\u{1b}");
    pty.until("the list is back", |it| !it.has("Clusters"));
    pty.type_in("\u{12}");
    pty.until("the mistake is told", |it| it.has(".aws/config, line 1"));
    pty.type_in("\u{3}");
    pty.end();
}

#[test]
fn a_setting_that_has_no_effect_is_said_on_the_screen() {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(WhoAsked::start());
    let home = Home::new();
    home.write(".aws/credentials", "[default]\naws_access_key_id = AKIADEF\naws_secret_access_key = s\n");
    home.write(".aws/config", "[default]\nmax_attempts = 9\n");
    let mut pty = Pty::start(24, 100, command(&home, &service.url, &[]));
    pty.until("it is said", |it| {
        it.has("max_attempts of profile \"default\"") && it.has("each request is tried 4 times")
    });
    pty.type_in("\u{3}");
    pty.end();
}

const MFA: &str = "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = base\n\
                   mfa_serial = arn:aws:iam::111122223333:mfa/jane\n";
const BASE: &str = "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n";

#[test]
fn a_code_is_asked_for_on_the_terminal() {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(WhoAsked::start());
    let home = Home::new();
    home.write(".aws/credentials", BASE);
    home.write(".aws/config", MFA);
    let mut pty = Pty::start(24, 200, command(&home, &service.url, &["list", "clusters", "--profile", "a"]));
    pty.until("the code is asked for", |it| it.has("Enter MFA code for arn:aws:iam::111122223333:mfa/jane:"));
    pty.type_in("654321\r");
    pty.until("the role is assumed", |it| it.has("mfa-jane.code-654321"));
    pty.end();
}

#[test]
fn a_code_is_asked_for_over_the_screen_and_again_after_a_wrong_one() {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(WhoAsked::start());
    let home = Home::new();
    home.write(".aws/credentials", BASE);
    home.write(".aws/config", MFA);
    let mut pty = Pty::start(24, 120, command(&home, &service.url, &["--profile", "a"]));
    pty.until("the code is asked for", |it| it.has("MFA code · profile a") && it.has("mfa/jane shows now"));
    pty.type_in("\u{1b}");
    pty.until("it goes on without", |it| it.has("none was given") && it.has("L asks for the MFA code again"));
    pty.type_in("L");
    pty.until("it is asked for again", |it| it.has("MFA code · profile a"));
    pty.type_in("00x0");
    pty.type_in("000\r");
    pty.until("that was wrong", |it| it.has("MultiFactorAuthentication failed") && it.has("L asks for the MFA code"));
    assert!(!pty.has("MFA code · profile a") && !pty.has("is refused to you"), "{}", pty.text());
    pty.type_in("\u{12}");
    pty.until("it is asked for once more", |it| it.has("MFA code · profile a"));
    pty.type_in("654321\r");
    pty.until("the role is assumed", |it| it.has("mfa-jane.code-654321"));
    // A code is good once: as long as what it gave is good, nobody is asked.
    pty.type_in("\u{12}");
    pty.until("all was read again", |it| it.has("Everything was read again."));
    assert!(pty.has("mfa-jane.code-654321") && !pty.has("MFA code"), "{}", pty.text());
    pty.type_in("\u{3}");
    pty.end();
}
