//! A container's log as a stream: the past, and what comes while the container runs.

use super::ContainerHandle;
use crate::{Failure, LogLine, LogWish, Logs};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use futures_util::{FutureExt, StreamExt};
use http::StatusCode;
use pontoon_containers::{ContainerView, WaitCondition};
use pontoon_runtime::{LogEntry, LogQuery, LogReader, LogWatch, Stream};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tokio::net::unix::pipe;

/// How often to look where the kernel has no watch left to give.
const WITHOUT_WATCH: Duration = Duration::from_millis(200);
/// How many lines are read at once.
const AT_ONCE: usize = 256;

/// Opens the log of a container.
pub(super) fn open(handle: &ContainerHandle, term: &str, wish: LogWish) -> Result<Logs, Failure> {
    let view = handle.containers.get(term)?;
    let unreadable = || Failure::new(StatusCode::NOT_IMPLEMENTED, "configured logging driver does not support reading");
    let path = view.log.clone().ok_or_else(unreadable)?;
    // A log grows only while its container runs. The watch comes before the first look: nothing is missed.
    let follow = if wish.follow && view.state.is_running() {
        let waiting = handle.containers.wait(&view.definition.id.to_string(), WaitCondition::NotRunning)?;
        Some(Follow { ends: waiting.map(|_| ()).boxed(), news: News::of(&path) })
    } else {
        None
    };
    let query = LogQuery {
        stdout: wish.stdout,
        stderr: wish.stderr,
        since: wish.since.map(nanoseconds),
        until: wish.until.map(nanoseconds),
        tail: wish.tail.map(|lines| lines as u64),
    };
    let reading = Reading {
        reader: Some(LogReader::open(&path, query)?),
        ready: Vec::new().into_iter(),
        follow,
        until: wish.until,
        inside: [false; 2],
    };
    let lines = stream::unfold(reading, |mut reading| async { Some((reading.next().await?, reading)) });
    Ok(Logs { tty: view.definition.config.tty, details: details(&view), lines: lines.boxed() })
}

fn nanoseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// What `--details` shows: the labels and variables that the log's options name.
fn details(view: &ContainerView) -> String {
    let config = &view.definition.config;
    let options = view.definition.host_config.log_config.config.iter().flatten();
    let mut shown = Vec::new();
    for (option, names) in options {
        for name in names.split(',').map(str::trim) {
            let labels = config.labels.iter().flatten().filter(|_| option == "labels");
            shown.extend(labels.filter(|(label, _)| *label == name).map(|(label, value)| format!("{label}={value}")));
            let variables = config.env.iter().flatten().filter(|_| option == "env");
            shown.extend(variables.filter(|v| v.split_once('=').is_some_and(|(own, _)| own == name)).cloned());
        }
    }
    shown.sort();
    shown.join(",")
}

/// A log being read.
struct Reading {
    /// Away while it reads.
    reader: Option<LogReader>,
    ready: std::vec::IntoIter<LogEntry>,
    /// Absent when nothing more is waited for.
    follow: Option<Follow>,
    until: Option<SystemTime>,
    /// Whether standard output and standard error are in the middle of a line.
    inside: [bool; 2],
}

struct Follow {
    /// Over when the container does not run any more.
    ends: BoxFuture<'static, ()>,
    news: News,
}

impl Reading {
    async fn next(&mut self) -> Option<LogLine> {
        loop {
            if let Some(entry) = self.ready.next() {
                return Some(self.line(entry));
            }
            if !self.more().await && !self.wait().await {
                return None;
            }
        }
    }

    fn line(&mut self, entry: LogEntry) -> LogLine {
        let stderr = entry.stream == Stream::Stderr;
        let continues = std::mem::replace(&mut self.inside[usize::from(stderr)], !entry.is_whole());
        let since = Duration::from_nanos(u64::try_from(entry.at).unwrap_or(0));
        LogLine { time: SystemTime::UNIX_EPOCH + since, stderr, continues, bytes: Bytes::from(entry.bytes) }
    }

    /// Reads on, on a thread where blocking is allowed; tells whether there was anything.
    async fn more(&mut self) -> bool {
        let Some(mut reader) = self.reader.take() else { return false };
        let read = tokio::task::spawn_blocking(move || {
            let mut entries = Vec::new();
            while entries.len() < AT_ONCE {
                match reader.next() {
                    Ok(Some(entry)) => entries.push(entry),
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(%error, "a log cannot be read on");
                        return (None, entries);
                    }
                }
            }
            (Some(reader), entries)
        });
        let Ok((reader, entries)) = read.await else { return false };
        self.reader = reader.filter(|reader| !reader.is_over());
        self.ready = entries.into_iter();
        !self.ready.as_slice().is_empty()
    }

    /// Waits for more; false when there will be none.
    async fn wait(&mut self) -> bool {
        let Some(follow) = self.follow.as_mut().filter(|_| self.reader.is_some()) else { return false };
        let until = self.until.map(|until| until.duration_since(SystemTime::now()).unwrap_or_default());
        let late = async {
            match until {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        let over = tokio::select! {
            () = &mut follow.ends => true,
            () = late => true,
            () = follow.news.come() => false,
        };
        if over {
            // What was written last is still to be read.
            self.follow = None;
        }
        true
    }
}

/// What tells that a log may have more.
enum News {
    Watched {
        /// Another descriptor of the watch, by which it is waited for.
        ready: pipe::Receiver,
        _watch: LogWatch,
    },
    /// The kernel gives only so many watches.
    Unwatched,
}

impl News {
    fn of(path: &Path) -> Self {
        let watched = || {
            let watch = LogWatch::new(path).map_err(io::Error::other)?;
            let ready = pipe::Receiver::from_owned_fd_unchecked(watch.as_fd().try_clone_to_owned()?)?;
            Ok::<_, io::Error>(Self::Watched { ready, _watch: watch })
        };
        watched().unwrap_or_else(|error| {
            tracing::debug!(%error, "a log is looked at from time to time");
            Self::Unwatched
        })
    }

    async fn come(&self) {
        match self {
            Self::Watched { ready, .. } => {
                if ready.readable().await.is_ok() {
                    let mut events = [0; 4096];
                    while ready.try_read(&mut events).is_ok_and(|count| count > 0) {}
                }
            }
            Self::Unwatched => tokio::time::sleep(WITHOUT_WATCH).await,
        }
    }
}
