//! Programs and codes beside a screen: who has the terminal, and what a refresh begins afresh.

use portable_pty::CommandBuilder;
use tokio::runtime::Runtime;

use super::{Home, WhoAsked, runs, until};
use crate::pty::Pty;

fn command(home: &Home, url: &str, arguments: &[&str]) -> CommandBuilder {
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
    // A refresh while one is running is that one: wait for its end.
    pty.until("all was read again", |it| it.has("AKIAPROC") && it.has("HTTP 404") && !it.has("…"));
    // Keys that were rotated count, too.
    let rotated = home.read("printed").replace("AKIAPROC", "AKIAROTATED");
    home.write("printed", &rotated);
    pty.type_in("\u{12}");
    pty.until("somebody else is there", |it| it.has("AKIAROTATED"));
    pty.type_in("\u{3}");
    pty.end();
}

#[test]
fn a_code_is_asked_for_on_the_terminal() {
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(WhoAsked::start());
    let home = Home::new();
    home.write(".aws/credentials", "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n");
    home.write(
        ".aws/config",
        "[profile a]\nrole_arn = arn:aws:iam::111122223333:role/a\nsource_profile = base\n\
         mfa_serial = arn:aws:iam::111122223333:mfa/jane\n",
    );
    for arguments in [&["list", "clusters", "--profile", "a"][..], &["--profile", "a"]] {
        let mut pty = Pty::start(24, 200, command(&home, &service.url, arguments));
        pty.until("the code is asked for", |it| it.has("Enter MFA code for arn:aws:iam::111122223333:mfa/jane:"));
        pty.type_in("654321\r");
        pty.until("the role is assumed", |it| it.has("mfa-jane.code-654321"));
        if arguments.len() == 2 {
            pty.type_in("\u{3}");
        }
        pty.end();
    }
}
