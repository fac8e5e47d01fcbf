//! One connection from the upgrade to the last goodbye.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use gururmm_protocol::limits;
use gururmm_protocol::message::ToAgent;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::admission::Permit;
use super::bus::AgentSignal;
use super::handshake::{self, Admitted, Refusal};
use super::registry::{Handle, Place};
use super::session::{Ending, Outbox, Session};
use super::{presence, reject};
use crate::agents::standing;
use crate::app::App;

/// Messages that wait for one agent; whoever makes more waits with them.
const MAX_OUTGOING: usize = 32;
/// How long the last frames may take.
const GOODBYE: Duration = Duration::from_secs(5);
/// How long the other side's close frame is waited for: closing over unread bytes would reset the connection, and the
/// agent would not learn why it was closed.
const LINGER: Duration = Duration::from_secs(2);

/// Serves an upgraded connection.
pub async fn serve(app: App, mut socket: WebSocket, address: Option<IpAddr>, _place: Place, permit: Permit) {
    let handshake = Box::pin(handshake::run(&app, &mut socket, address, permit.patience));
    let judged = tokio::time::timeout(limits::HANDSHAKE_TIMEOUT, handshake).await;
    drop(permit);
    let rejected = match judged {
        Ok(Ok(admitted)) => return Box::pin(establish(app, socket, Box::new(admitted))).await,
        Ok(Err(Refusal::Gone)) => return,
        Ok(Err(Refusal::Rejected(rejected))) => rejected,
        Err(_) => reject::violation("handshake_timeout", "the handshake took longer than 10 s"),
    };
    metrics::counter!("agent_connections_refused_total", "code" => format!("{:?}", rejected.code)).increment(1);
    let goodbye = async {
        for frame in reject::farewell(rejected) {
            socket.send(frame).await?;
        }
        linger(&mut socket).await;
        Ok::<_, axum::Error>(())
    };
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
}

/// Makes the admitted connection the agent's session, runs it, and cleans up behind it.
async fn establish(app: App, socket: WebSocket, admitted: Box<Admitted>) {
    let Admitted { record, machine, restricted, handle, welcome } = *admitted;
    let handle = Arc::new(handle);
    let (before, inbox) = app.hub.sessions.registry.insert(&handle, app.env.now(), || {
        // Heard before anything is read again, so that no signal falls between.
        let inbox = app.hub.bus.subscribe_agent(handle.agent_id);
        inbox.put(AgentSignal::Standing);
        inbox.put(AgentSignal::Work);
        presence::connected(&app, &handle);
        inbox
    });
    if let Some(older) = before.displaced {
        // Boxed, because it is large and rare: every session would hold room for it.
        Box::pin(displace(&app, &record, &older, &handle, before.too_often)).await;
    }
    tracing::info!(agent_id = %handle.agent_id, session_id = %handle.session_id, name = record.name, "agent connected");
    let (out, queue) = mpsc::channel(MAX_OUTGOING);
    let out = Outbox::new(out);
    let session = Session::new(app.clone(), Arc::clone(&handle), machine, restricted, Arc::clone(&inbox));
    let talk = Box::pin(talk(session, out, queue, socket, ToAgent::Welcome(welcome)));
    if AssertUnwindSafe(talk).catch_unwind().await.is_err() {
        tracing::error!(agent_id = %handle.agent_id, "an agent's session panicked; the agent will connect again");
    }
    app.hub.sessions.registry.remove(&handle, || {
        app.hub.bus.unsubscribe_agent(handle.agent_id, &inbox);
        if !app.shutdown.is_cancelled() {
            presence::gone(&app, &handle);
        }
    });
    tracing::info!(agent_id = %handle.agent_id, session_id = %handle.session_id, "agent disconnected");
}

/// A newer connection takes over. When that happens too often, two machines share the key.
async fn displace(app: &App, record: &standing::Record, older: &Handle, newer: &Handle, too_often: bool) {
    metrics::counter!("agent_displacements_total").increment(1);
    if !too_often {
        return older.leave(reject::displaced());
    }
    let reason = "two connections with this agent's key keep displacing each other";
    let seen = [older.machine.clone(), newer.machine.clone()];
    match standing::quarantine(app, record, reason, &seen).await {
        Ok(()) => {
            older.leave(reject::quarantined());
            newer.leave(reject::quarantined());
        }
        Err(error) => {
            tracing::warn!(%error, agent_id = %record.agent_id, "a quarantine could not be written");
            older.leave(reject::displaced());
            newer.leave(reject::busy());
        }
    }
}

/// Runs the session and its writer until either ends, then says goodbye.
async fn talk(mut session: Session, out: Outbox, queue: mpsc::Receiver<Message>, socket: WebSocket, welcome: ToAgent) {
    let (sink, mut stream) = socket.split();
    let mut writer = std::pin::pin!(write(sink, queue));
    let ending = tokio::select! {
        ending = session.run(&mut stream, &out, &welcome) => ending,
        () = &mut writer => Ending::Gone,
    };
    let last = match ending {
        Ending::Gone => return,
        Ending::Rejected(rejected) => reject::farewell(rejected).to_vec(),
        Ending::Done => vec![Message::Close(Some(CloseFrame { code: close_code::NORMAL, reason: "".into() }))],
    };
    let goodbye = async {
        for frame in last {
            out.send(frame).await;
        }
        drop(out);
    };
    let _ = tokio::time::timeout(GOODBYE, futures_util::future::join(goodbye, writer)).await;
    linger_on(&mut stream).await;
}

/// Sends what is queued and a ping from time to time; ends when the queue is closed and empty, or the socket is dead.
async fn write(mut sink: SplitSink<WebSocket, Message>, mut queue: mpsc::Receiver<Message>) {
    let mut pings = tokio::time::interval_at(Instant::now() + limits::PING_INTERVAL, limits::PING_INTERVAL);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            message = queue.recv() => match message {
                Some(message) => message,
                None => return,
            },
            _ = pings.tick() => Message::Ping(Vec::new().into()),
        };
        match tokio::time::timeout(limits::SESSION_TIMEOUT, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// Reads and forgets until the other side has closed too.
async fn linger(socket: &mut WebSocket) {
    let _ = tokio::time::timeout(LINGER, async { while let Some(Ok(_)) = socket.recv().await {} }).await;
}

/// See [`linger`].
async fn linger_on(stream: &mut SplitStream<WebSocket>) {
    let _ = tokio::time::timeout(LINGER, async { while let Some(Ok(_)) = stream.next().await {} }).await;
}
