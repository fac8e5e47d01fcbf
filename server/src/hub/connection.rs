//! One connection from the upgrade to the last goodbye.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, Stream, StreamExt as _};
use gururmm_protocol::handshake::RejectCode;
use gururmm_protocol::limits;
use gururmm_protocol::message::ToAgent;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::admission::Permit;
use super::bus::{AgentSignal, Inbox};
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
    let rejected = match judged {
        Ok(Ok(admitted)) => {
            drop(permit);
            return Box::pin(establish(app, socket, Box::new(admitted))).await;
        }
        Ok(Err(Refusal::Gone)) => return,
        Ok(Err(Refusal::Rejected(rejected))) => rejected,
        Err(_) => reject::violation("handshake_timeout", "the handshake took longer than 10 s"),
    };
    // Who is refused keeps the permit until the socket is given back.
    metrics::counter!("agent_connections_refused_total", "code" => format!("{:?}", rejected.code)).increment(1);
    let goodbye = async {
        for frame in reject::farewell(rejected) {
            socket.send(frame).await?;
        }
        linger(&mut socket, |_| false).await;
        Ok::<_, axum::Error>(())
    };
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
}

/// Makes the admitted connection the agent's session, runs it, and cleans up behind it.
async fn establish(app: App, socket: WebSocket, admitted: Box<Admitted>) {
    let Admitted { record, machine, restricted, handle, welcome } = *admitted;
    let registered = Registered::new(app.clone(), Arc::new(handle));
    let (out, queue) = mpsc::channel(MAX_OUTGOING);
    let out = Outbox::new(out);
    let (handle, inbox) = (Arc::clone(&registered.handle), Arc::clone(&registered.inbox));
    tracing::info!(agent_id = %handle.agent_id, session_id = %handle.session_id, name = record.name, "agent connected");
    let session = Session::new(app.clone(), Arc::clone(&handle), machine, restricted, inbox);
    let left = Box::pin(talk(session, &handle, out, queue, socket, ToAgent::Welcome(welcome))).await;
    drop(registered);
    if left == Left::AliveThoughDisplaced {
        Box::pin(count_twin(&app, &record, &handle)).await;
    }
}

/// A session in the registry, hearing signals and shown as present; none of that any more when it is dropped, however the
/// session ended.
struct Registered {
    app: App,
    handle: Arc<Handle>,
    inbox: Arc<Inbox>,
}

impl Registered {
    fn new(app: App, handle: Arc<Handle>) -> Self {
        let inbox = app.hub.sessions.registry.insert(&handle, || {
            // Heard before anything is read again, so that no signal falls between.
            let inbox = app.hub.bus.subscribe_agent(handle.agent_id);
            inbox.put(AgentSignal::Standing);
            inbox.put(AgentSignal::Work);
            presence::connected(&app, &handle);
            inbox
        });
        Self { app, handle, inbox }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let Self { app, handle, inbox } = self;
        app.hub.sessions.registry.remove(handle, |current| {
            app.hub.bus.unsubscribe_agent(handle.agent_id, inbox);
            // Who was displaced has nothing to say about the agent any more.
            if current && !app.shutdown.is_cancelled() {
                presence::gone(app, handle);
            }
        });
        if std::thread::panicking() {
            tracing::error!(agent_id = %handle.agent_id, "an agent's session panicked; the agent will connect again");
        }
        tracing::info!(agent_id = %handle.agent_id, session_id = %handle.session_id, "agent disconnected");
    }
}

/// A newer connection took over while somebody was still there at the end of `older`. An agent closes its connection
/// before it opens another one, so these are two that hold the key; when it happens again and again, both are cut off.
async fn count_twin(app: &App, record: &standing::Record, older: &Handle) {
    let registry = &app.hub.sessions.registry;
    if !registry.count_displacement(record.agent_id, app.env.now()) {
        return;
    }
    let reason = "two connections with this agent's key keep displacing each other";
    let newer = registry.get(record.agent_id).map(|newer| newer.machine.clone());
    let seen: Vec<_> = [older.machine.clone()].into_iter().chain(newer).collect();
    match standing::quarantine(app, record, reason, &seen).await {
        Ok(()) => registry.forget_displacements(record.agent_id),
        Err(error) => tracing::warn!(%error, agent_id = %record.agent_id, "a quarantine could not be written"),
    }
}

/// How a connection was left.
#[derive(PartialEq, Eq)]
enum Left {
    Over,
    /// A newer connection took over, and after that this one's agent still answered.
    AliveThoughDisplaced,
}

/// Runs the session and its writer until either ends, then says goodbye.
async fn talk(
    mut session: Session,
    handle: &Handle,
    out: Outbox,
    queue: mpsc::Receiver<Message>,
    socket: WebSocket,
    welcome: ToAgent,
) -> Left {
    let (sink, mut stream) = socket.split();
    let mut writer = std::pin::pin!(write(sink, queue));
    let ending = tokio::select! {
        ending = session.run(&mut stream, &out, &welcome) => ending,
        () = &mut writer => Ending::Gone,
    };
    let mut last = Vec::new();
    let mut answer = None;
    match ending {
        Ending::Gone => return Left::Over,
        Ending::Rejected(rejected) => {
            if rejected.code == RejectCode::Displaced {
                // Frames may still be on their way from an agent that has long gone. What answers this is there now.
                let asked = Bytes::copy_from_slice(handle.session_id.as_bytes());
                last.push(Message::Ping(asked.clone()));
                answer = Some(Message::Pong(asked));
            }
            last.extend(reject::farewell(rejected));
        }
        Ending::Done => last.push(Message::Close(Some(CloseFrame { code: close_code::NORMAL, reason: "".into() }))),
    }
    let goodbye = async {
        for frame in last {
            out.send(frame).await;
        }
        drop(out);
    };
    let _ = tokio::time::timeout(GOODBYE, futures_util::future::join(goodbye, writer)).await;
    let answered = linger(&mut stream, |message| Some(message) == answer.as_ref()).await;
    if answered { Left::AliveThoughDisplaced } else { Left::Over }
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

/// Reads and forgets until the other side has closed too; whether something was among it that `is_answer` knows.
async fn linger<S, E>(stream: &mut S, is_answer: impl Fn(&Message) -> bool) -> bool
where
    S: Stream<Item = Result<Message, E>> + Unpin,
{
    let mut answered = false;
    let read = async {
        while let Some(Ok(message)) = stream.next().await {
            answered |= is_answer(&message);
        }
    };
    let _ = tokio::time::timeout(LINGER, read).await;
    answered
}
