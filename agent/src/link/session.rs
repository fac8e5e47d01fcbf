//! A running session: what arrives is handed on, what is to be said is sent, silence ends it.

use futures_util::{SinkExt as _, StreamExt as _};
use gururmm_protocol::limits::SESSION_TIMEOUT;
use gururmm_protocol::message::{FromAgent, ToAgent};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::socket::{LinkError, Socket, broken, cleaned};

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// Runs a session until it ends. Returns `Ok` when `stop` ended it.
///
/// # Errors
/// [`LinkError`] with the reason when it ended otherwise.
pub async fn run(
    socket: Socket,
    incoming: &mpsc::Sender<ToAgent>,
    mut outgoing: mpsc::Receiver<FromAgent>,
    stop: &CancellationToken,
) -> Result<(), LinkError> {
    let (mut sink, mut stream) = socket.split();
    let read = async {
        loop {
            let message = match timeout(SESSION_TIMEOUT, stream.next()).await {
                Err(_) => {
                    return LinkError::failed(format!(
                        "nothing came from the server for {} s",
                        SESSION_TIMEOUT.as_secs()
                    ));
                }
                Ok(None | Some(Ok(Message::Close(_)))) => return LinkError::failed("the server closed the connection"),
                Ok(Some(Err(error))) => return broken(&error),
                Ok(Some(Ok(message))) => message,
            };
            // Pings are answered by the library; binary frames have no meaning in this protocol.
            let Message::Text(text) = message else { continue };
            match ToAgent::decode(&text) {
                Ok(ToAgent::Rejected(rejected)) => return LinkError::Rejected(cleaned(rejected)),
                Ok(message) => {
                    if incoming.send(message).await.is_err() {
                        return LinkError::failed("the agent stops");
                    }
                }
                Err(error) => tracing::warn!(%error, "a message of the server cannot be read and is ignored"),
            }
        }
    };
    let write = async {
        while let Some(message) = outgoing.recv().await {
            let text = match message.encode() {
                Ok(text) => text,
                Err(error) => {
                    tracing::error!(%error, "a message cannot be written");
                    continue;
                }
            };
            match timeout(SESSION_TIMEOUT, sink.send(Message::text(text))).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return broken(&error),
                Err(_) => return LinkError::failed("the server took nothing for too long"),
            }
        }
        LinkError::failed("the agent stops")
    };
    let ended = tokio::select! {
        error = read => Err(error),
        error = write => Err(error),
        () = stop.cancelled() => Ok(()),
    };
    // The close frame is a courtesy: the server learns at once instead of by silence.
    let _ = timeout(GOODBYE, sink.close()).await;
    ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::{MaybeTlsStream, accept_async, client_async};

    /// The machine behind the socket is gone without a word: no close, no reset.
    #[tokio::test]
    async fn silence_ends_a_session() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accept = async { accept_async(listener.accept().await.unwrap().0).await.unwrap() };
        let connect = async {
            let stream = MaybeTlsStream::Plain(TcpStream::connect(address).await.unwrap());
            client_async(format!("ws://{address}/"), stream).await.unwrap().0
        };
        let (server, client) = tokio::join!(accept, connect);
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let (incoming, _kept) = mpsc::channel(1);
        let (_kept_too, outgoing) = mpsc::channel(1);
        let error = run(client, &incoming, outgoing, &CancellationToken::new()).await.unwrap_err();
        assert_eq!(error, LinkError::failed("nothing came from the server for 75 s"));
        assert!(began.elapsed() >= SESSION_TIMEOUT && began.elapsed() < SESSION_TIMEOUT * 2);
        drop(server);
    }
}
