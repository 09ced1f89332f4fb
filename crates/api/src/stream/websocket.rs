//! WebSocket in place of the bare connection: the same bytes, each piece a binary message.
//!
//! Owns: the handshake and carrying between messages and bytes. The protocol itself is tungstenite's.

use crate::Failure;
use crate::takeover::Taken;
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// Bytes on their way between messages and a session.
const ROOM: usize = 16 << 10;
/// The longest message a client may send.
const LONGEST: usize = 1 << 20;

/// The headers that accept a client's handshake.
pub(crate) fn accept(headers: &HeaderMap) -> Result<HeaderMap, Failure> {
    let has = |name, token: &str| {
        let value = headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
        value.split(',').any(|one| one.trim().eq_ignore_ascii_case(token))
    };
    if !has(CONNECTION, "upgrade") || !has(UPGRADE, "websocket") {
        return Err(Failure::invalid("not websocket protocol"));
    }
    if !has(SEC_WEBSOCKET_VERSION, "13") {
        return Err(Failure::invalid("missing or bad WebSocket Version"));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).ok_or_else(|| Failure::invalid("mismatch challenge/response"))?;
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|_| Failure::invalid("mismatch challenge/response"))?;
    Ok(HeaderMap::from_iter([
        (UPGRADE, HeaderValue::from_static("websocket")),
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ]))
}

/// Runs `session` over the messages of a connection instead of its bytes.
pub(crate) async fn over<T, F: Future<Output = T>>(taken: Taken, session: impl FnOnce(Taken) -> F) -> T {
    let Taken { input, output, peer } = taken;
    let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    let socket = WebSocketStream::from_raw_socket(tokio::io::join(input, output), Role::Server, Some(config)).await;
    let (near, far) = tokio::io::duplex(ROOM);
    let (input, output) = tokio::io::split(near);
    let session = session(Taken { input: Box::new(input), output: Box::new(output), peer });
    let ((), done) = tokio::join!(messages(socket, far), session);
    done
}

type Socket = WebSocketStream<tokio::io::Join<crate::takeover::Input, crate::takeover::Output>>;

/// Carries until the session or the client has enough.
async fn messages(socket: Socket, session: tokio::io::DuplexStream) {
    let (mut to_client, mut from_client) = socket.split();
    let (mut from_session, mut to_session) = tokio::io::split(session);
    let inward = async {
        while let Some(Ok(message)) = from_client.next().await {
            let bytes = match message {
                Message::Binary(bytes) => bytes,
                Message::Text(text) => Bytes::from(text),
                Message::Close(_) => break,
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            if to_session.write_all(&bytes).await.is_err() {
                break;
            }
        }
        // A WebSocket has no half that could be closed: this is the end of the client.
        let _ = to_session.shutdown().await;
    };
    let outward = async {
        let mut buffer = vec![0; ROOM];
        while let Ok(count @ 1..) = from_session.read(&mut buffer).await {
            if to_client.send(Message::Binary(Bytes::copy_from_slice(&buffer[..count]))).await.is_err() {
                return;
            }
        }
        let _ = to_client.close().await;
    };
    tokio::select! {
        () = inward => {}
        () = outward => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::Peer;
    use tokio::net::UnixStream;

    #[test]
    fn only_a_whole_handshake_is_accepted() {
        let pairs = [
            (CONNECTION, "keep-alive, Upgrade"),
            (UPGRADE, "websocket"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let headers = |without: usize| {
            let given = pairs.iter().enumerate().filter(|(place, _)| *place != without);
            HeaderMap::from_iter(given.map(|(_, (name, value))| (name.clone(), HeaderValue::from_static(value))))
        };
        // The example of RFC 6455.
        assert_eq!(accept(&headers(9)).unwrap()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for missing in 0..4 {
            assert_eq!(accept(&headers(missing)).unwrap_err().status.as_u16(), 400, "{missing}");
        }
    }

    #[tokio::test]
    async fn messages_become_bytes_and_bytes_messages() {
        let (near, far) = UnixStream::pair().unwrap();
        let (stream, peer) = Peer::unix(near);
        let (input, output) = tokio::io::split(stream);
        let taken = Taken { input: Box::new(input), output: Box::new(output), peer };
        let echo = tokio::spawn(over(taken, |mut taken: Taken| async move {
            let mut all = Vec::new();
            let mut buffer = [0; 64];
            while let Ok(count @ 1..) = taken.input.read(&mut buffer).await {
                all.extend_from_slice(&buffer[..count]);
                taken.output.write_all(&buffer[..count]).await.unwrap();
            }
            all
        }));
        let mut client = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        client.send(Message::Binary(Bytes::from_static(b"ab"))).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Message::Binary(Bytes::from_static(b"ab")));
        client.send(Message::Text("c".into())).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Message::Binary(Bytes::from_static(b"c")));
        client.close(None).await.unwrap();
        assert_eq!(echo.await.unwrap(), b"abc");
    }
}
