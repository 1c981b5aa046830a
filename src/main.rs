//! eksplorer

use eksplorer::model::{document::read, facts::snapshot_of, snapshot::Source};
use eksplorer::run::{effects::Feed, screen};

#[tokio::main]
async fn main() -> anyhow::Result<std::process::ExitCode> {
    let mut args = std::env::args().skip(1);
    let mut path = String::new();
    let mut cluster = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--from" => path = args.next().unwrap_or_default(),
            "-c" => cluster = args.next(),
            _ => {}
        }
    }
    let document = read(&std::fs::read_to_string(&path)?)?;
    let snapshot = snapshot_of(&document, Source::File { path });
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
    screen::screen(snapshot, Feed::Fixed, screen::ScreenOptions::standard(cluster, no_color)?).await
}
