//! A server of raw bytes on loopback: it reads a request as HTTP has it, and answers with whatever it is told, to the end
//! or for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What follows after the first bytes of an answer.
pub(crate) enum Tail {
    /// The next request on this connection.
    Keep,
    /// The end of the connection.
    Close,
    /// A reset.
    Reset,
    /// Nothing, and the connection stays open.
    Silent,
    /// These bytes, one after the other, this far apart.
    Drip(Vec<u8>, Duration),
    /// These bytes, over and over again, as fast as they are taken.
    Endless(Vec<u8>),
}

/// An answer as bytes.
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) tail: Tail,
}

/// The running server.
pub(crate) struct RawServer {
    /// `127.0.0.1:1234`
    pub(crate) host: String,
    pub(crate) requests: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl RawServer {
    /// Answers each request, `GET /clusters/c?nextToken=a` or `POST / Action=GetRole&RoleName=x`, and its host.
    pub(crate) async fn start(answer: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> RawServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(AtomicUsize::new(0));
        let (count, own, answer) = (Arc::clone(&requests), host.clone(), Arc::new(answer));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (count, own, answer) = (Arc::clone(&count), own.clone(), Arc::clone(&answer));
                connections.spawn(async move {
                    // Whoever hangs up has read enough.
                    let _ = serve(stream, |request| {
                        count.fetch_add(1, Ordering::Relaxed);
                        answer(request, &own)
                    })
                    .await;
                });
            }
        });
        RawServer { host, requests, _tasks: tasks }
    }
}

async fn serve(mut stream: TcpStream, answer: impl Fn(&str) -> Reply) -> std::io::Result<()> {
    let mut read = Vec::new();
    loop {
        let Some(request) = read_request(&mut stream, &mut read).await? else { return Ok(()) };
        let Reply { bytes, tail } = answer(&request);
        stream.write_all(&bytes).await?;
        match tail {
            Tail::Keep => {}
            Tail::Close => return stream.shutdown().await,
            Tail::Reset => return stream.set_zero_linger(),
            Tail::Silent => return until_hung_up(&mut stream).await,
            Tail::Drip(bytes, apart) => {
                let mut ticks = tokio::time::interval(apart);
                for byte in bytes {
                    ticks.tick().await;
                    stream.write_all(&[byte]).await?;
                }
                return until_hung_up(&mut stream).await;
            }
            Tail::Endless(bytes) => loop {
                stream.write_all(&bytes).await?;
            },
        }
    }
}

async fn until_hung_up(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut scratch = [0; 64];
    while stream.read(&mut scratch).await? > 0 {}
    Ok(())
}

/// The next request; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream, read: &mut Vec<u8>) -> std::io::Result<Option<String>> {
    loop {
        if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            let whole = end + 4 + length.unwrap_or_default();
            if read.len() >= whole {
                let body = String::from_utf8_lossy(&read[end + 4..whole]).into_owned();
                let mut words = head.split(' ');
                let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let request = format!("{method} {path} {body}").trim_end().to_owned();
                read.drain(..whole);
                return Ok(Some(request));
            }
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}
