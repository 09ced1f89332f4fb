//! A session: what a client sends goes to a process, what the process writes goes to the client, until one has enough.
//!
//! Owns: when it ends. A client that only closes its sending side goes on reading. Nothing is gathered: while the client
//! does not read, no output is taken from its source.

use super::detach::{Keys, Search};
use super::frame::{Piece, framed};
use crate::serve::Peer;
use crate::takeover::{Input, Output, Taken};
use futures_util::{Stream, StreamExt};
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The process's standard input.
pub(crate) type Stdin = Box<dyn AsyncWrite + Send + Unpin>;

/// What a session is to do.
pub(crate) struct Session {
    /// Whether output goes in frames.
    pub(crate) framed: bool,
    /// Where the client's input goes; `None` when it did not ask for that.
    pub(crate) stdin: Option<Stdin>,
    /// What the end of the client's input means.
    pub(crate) at_end: AtEnd,
    /// Keys to look for; only terminals have them.
    pub(crate) keys: Option<Keys>,
}

/// What the end of a client's input means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtEnd {
    /// The end of the process's input; its output goes on.
    CloseStdin,
    /// The end of the session. The process's input stays open for others.
    Leave,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All output was told.
    Output,
    /// The client typed the keys that detach.
    Detached,
    /// The client closed its sending side, which is the end of such a session.
    Left,
    /// The client is gone.
    Gone,
}

/// Longest piece of input at once.
const INPUT: usize = 8 << 10;
/// How long a client may still send after the end, before its connection is closed under it.
const LINGER: Duration = Duration::from_secs(5);

/// Runs a session to its end, and ends the connection in order.
pub(crate) async fn carry(taken: Taken, output: impl Stream<Item = Piece> + Send, session: Session) -> Ended {
    let Taken { mut input, output: mut client, peer } = taken;
    let Session { framed, stdin, at_end, keys } = session;
    let ended = {
        let taking = take(&mut input, &peer, stdin, at_end, keys);
        let telling = tell(output, &mut client, framed);
        let (taking, telling) = (pin!(taking), pin!(telling));
        tokio::select! {
            ended = taking => ended,
            ended = telling => ended,
        }
    };
    if ended != Ended::Gone {
        part(input, client).await;
    }
    ended
}

/// Writes output to the client until there is no more.
async fn tell(output: impl Stream<Item = Piece>, client: &mut Output, with_frames: bool) -> Ended {
    let mut output = pin!(output);
    while let Some(piece) = output.next().await {
        let bytes = if with_frames { framed(piece) } else { piece.1 };
        let told = async {
            client.write_all(&bytes).await?;
            client.flush().await
        };
        if told.await.is_err() {
            return Ended::Gone;
        }
    }
    Ended::Output
}

/// Takes input from the client. Comes back when the session is over because of it.
async fn take(input: &mut Input, peer: &Peer, stdin: Option<Stdin>, at_end: AtEnd, keys: Option<Keys>) -> Ended {
    let fed = match stdin {
        Some(stdin) => feed(input, stdin, at_end, keys).await,
        // Not asked for: what comes is not kept.
        None => match tokio::io::copy(input, &mut tokio::io::sink()).await {
            Ok(_) => None,
            Err(_) => Some(Ended::Gone),
        },
    };
    match fed {
        Some(ended) => ended,
        None => {
            peer.hung_up().await;
            Ended::Gone
        }
    }
}

/// Feeds the process. `None` when the client sends no more but still listens.
async fn feed(input: &mut Input, mut stdin: Stdin, at_end: AtEnd, keys: Option<Keys>) -> Option<Ended> {
    let mut search = keys.map(Search::new);
    let mut buffer = vec![0; INPUT];
    loop {
        let count = match input.read(&mut buffer).await {
            Ok(0) => break,
            Ok(count) => count,
            // Half of the sessions end so: the other side just goes.
            Err(_) => return Some(Ended::Gone),
        };
        let (typed, detached) = match &mut search {
            Some(search) => search.feed(&buffer[..count]),
            None => (buffer[..count].to_vec(), false),
        };
        let written = fed(&mut stdin, &typed).await;
        if detached {
            return Some(Ended::Detached);
        }
        if written.is_err() {
            // The process closed its input or is gone; its output says which. What the client still sends is not kept.
            let _ = tokio::io::copy(input, &mut tokio::io::sink()).await;
            return None;
        }
    }
    match at_end {
        AtEnd::Leave => Some(Ended::Left),
        AtEnd::CloseStdin => {
            let _ = stdin.shutdown().await;
            None
        }
    }
}

async fn fed(stdin: &mut Stdin, typed: &[u8]) -> io::Result<()> {
    stdin.write_all(typed).await?;
    stdin.flush().await
}

/// Ends the connection so that everything written arrives: closing a socket with unread input resets it.
pub(crate) async fn part(mut input: Input, mut client: Output) {
    if client.shutdown().await.is_ok() {
        let rest = async { tokio::io::copy(&mut input, &mut tokio::io::sink()).await };
        let _ = tokio::time::timeout(LINGER, rest).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Source;
    use super::*;
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::net::UnixStream;
    use tokio::sync::mpsc;
    use tokio::task::JoinHandle;

    /// A session under test: the client's end, the process's ends, and its end.
    struct Run {
        client: UnixStream,
        stdin: tokio::io::DuplexStream,
        output: mpsc::Sender<Piece>,
        ended: JoinHandle<Ended>,
    }

    fn begin(change: impl FnOnce(&mut Session)) -> Run {
        let (near, client) = UnixStream::pair().unwrap();
        let (stream, peer) = Peer::unix(near);
        let (input, output) = tokio::io::split(stream);
        let taken = Taken { input: Box::new(input), output: Box::new(output), peer };
        let (process, stdin) = tokio::io::duplex(1 << 16);
        let (sender, receiver) = mpsc::channel::<Piece>(4);
        let pieces = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        let mut session =
            Session { framed: true, stdin: Some(Box::new(process)), at_end: AtEnd::CloseStdin, keys: None };
        change(&mut session);
        let ended = tokio::spawn(carry(taken, pieces, session));
        Run { client, stdin, output: sender, ended }
    }

    fn piece(source: Source, text: &str) -> Piece {
        (source, Bytes::from(text.to_owned()))
    }

    async fn all(mut client: UnixStream) -> Vec<u8> {
        let mut read = Vec::new();
        client.read_to_end(&mut read).await.unwrap();
        read
    }

    #[tokio::test]
    async fn a_half_closed_client_still_gets_all_output() {
        let mut run = begin(|_| {});
        run.client.write_all(b"in").await.unwrap();
        run.client.shutdown().await.unwrap();
        let mut read = String::new();
        run.stdin.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, "in", "the end of input reaches the process");
        run.output.send(piece(Source::Stdout, "out")).await.unwrap();
        run.output.send(piece(Source::Stderr, "err")).await.unwrap();
        drop(run.output);
        assert_eq!(all(run.client).await, b"\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x03err");
        assert_eq!(run.ended.await.unwrap(), Ended::Output);
    }

    #[tokio::test]
    async fn without_stdin_closing_the_sending_side_means_nothing() {
        let mut run = begin(|session| session.stdin = None);
        run.client.write_all(b"not wanted").await.unwrap();
        run.client.shutdown().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        run.output.send(piece(Source::Stdout, "x")).await.unwrap();
        drop(run.output);
        assert_eq!(all(run.client).await.len(), 9);
    }

    #[tokio::test]
    async fn the_detach_keys_end_the_session_and_leave_the_process_alone() {
        let mut run = begin(|session| {
            (session.framed, session.keys, session.at_end) = (false, Some(Keys::default()), AtEnd::Leave);
        });
        run.output.send(piece(Source::Stdout, "prompt")).await.unwrap();
        let mut prompt = [0; 6];
        run.client.read_exact(&mut prompt).await.unwrap();
        run.client.write_all(b"ls\x10\x11").await.unwrap();
        assert_eq!(all(run.client).await, b"");
        assert_eq!(run.ended.await.unwrap(), Ended::Detached);
        let mut typed = String::new();
        run.stdin.read_to_string(&mut typed).await.unwrap();
        assert_eq!(typed, "ls");
    }

    #[tokio::test]
    async fn a_session_that_shares_its_input_ends_with_the_clients() {
        let mut run = begin(|session| session.at_end = AtEnd::Leave);
        run.client.shutdown().await.unwrap();
        assert_eq!(all(run.client).await, b"");
        assert_eq!(run.ended.await.unwrap(), Ended::Left);
    }

    #[tokio::test]
    async fn a_client_that_is_gone_ends_the_session() {
        for with_stdin in [true, false] {
            let run = begin(|session| {
                session.stdin = session.stdin.take().filter(|_| with_stdin);
            });
            drop(run.client);
            let ended = tokio::time::timeout(Duration::from_secs(30), run.ended).await.expect("it ends");
            assert_eq!(ended.unwrap(), Ended::Gone);
        }
    }

    #[tokio::test]
    async fn what_a_client_does_not_read_is_not_taken_from_the_process() {
        let run = begin(|session| session.framed = false);
        let big = || piece(Source::Stdout, &"x".repeat(64 << 10));
        let mut taken = 0;
        while tokio::time::timeout(Duration::from_millis(300), run.output.send(big())).await.is_ok() {
            taken += 1;
            assert!(taken < 1000, "output is gathered without bound");
        }
        drop(run.output);
        assert_eq!(all(run.client).await.len(), taken * (64 << 10), "and nothing is lost");
    }

    #[tokio::test]
    async fn a_process_that_does_not_read_holds_only_its_own_client_back() {
        let mut run = begin(|session| session.framed = false);
        let flood = vec![b'x'; 4 << 20];
        let (mut read, mut write) = run.client.split();
        let writing = write.write_all(&flood);
        assert!(tokio::time::timeout(Duration::from_millis(300), writing).await.is_err(), "input is gathered");
        run.output.send(piece(Source::Stdout, "still here")).await.unwrap();
        let mut told = [0; 10];
        read.read_exact(&mut told).await.unwrap();
        assert_eq!(&told, b"still here");
    }
}
