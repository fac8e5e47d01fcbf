//! A server that does what a test tells it: real HTTP, real WebSocket, real signatures.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::SigningKey;
use gururmm_agent::core::clock::{Clock as _, SystemClock};
use gururmm_protocol::command::{
    CommandEvent, CommandResult, CommandStatus, Interpreter, OutputStream, Program, RunCommand,
};
use gururmm_protocol::crypto::{Fingerprint, PublicKey};
use gururmm_protocol::enroll::{EnrollRequest, EnrollResponse, EnrollmentToken, IdentityRequest, IdentityResponse};
pub use gururmm_protocol::envelope::Terms;
use gururmm_protocol::envelope::{Action, SignedEnvelope};
use gururmm_protocol::handshake::{Challenge, Hello, RejectCode, Rejected, Welcome, WelcomeContent};
use gururmm_protocol::message::{FromAgent, Report, ToAgent};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

/// How long a test waits for what must come; far more than it takes.
pub const PATIENCE: Duration = Duration::from_secs(90);
pub const AGENT_ID: Uuid = Uuid::from_u128(0xA6E);

pub fn now() -> DateTime<Utc> {
    SystemClock.wall()
}

/// A new id.
pub fn id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u64_pair(fastrand::u64(..), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// What the server was asked over HTTP.
#[derive(Default)]
pub struct Seen {
    pub requests: Vec<String>,
    pub enrollments: Vec<EnrollRequest>,
    /// Accept enrollments, but break the connection instead of answering.
    pub lose_answers: bool,
    /// Answer the next questions for the identity so: status and `Retry-After`.
    pub busy: VecDeque<(StatusCode, &'static str)>,
    /// Answer the next enrollments so, after they have been recorded.
    pub busy_enrollments: VecDeque<(StatusCode, &'static str)>,
}

pub struct TestServer {
    pub key: SigningKey,
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Seen>>,
    pub router: Router,
    sockets: mpsc::UnboundedReceiver<WebSocket>,
}

#[derive(Clone)]
struct Shared {
    key: SigningKey,
    seen: Arc<Mutex<Seen>>,
    sockets: mpsc::UnboundedSender<WebSocket>,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::with_key(SigningKey::from_bytes(&[9; 32])).await
    }

    pub async fn with_key(key: SigningKey) -> Self {
        let (sockets, received) = mpsc::unbounded_channel();
        let shared = Shared { key: key.clone(), seen: Arc::default(), sockets };
        let router = Router::new()
            .route("/api/agent/identity", post(identity))
            .route("/api/agent/enroll", post(enroll))
            .route("/ws/agent", get(socket))
            .route("/health", get(|| async { "ok" }))
            .layer(middleware::from_fn_with_state(shared.clone(), record))
            .with_state(shared.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router.clone()).into_future());
        Self { key, address, seen: shared.seen, router, sockets: received }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn token(&self) -> EnrollmentToken {
        EnrollmentToken::new(PublicKey::of(&self.key).fingerprint(), [5; 32])
    }

    /// The next connection, before the handshake.
    pub async fn socket(&mut self) -> WebSocket {
        timeout(PATIENCE, self.sockets.recv()).await.expect("the agent connects").unwrap()
    }

    /// Whether the agent connects within this time.
    pub async fn is_visited(&mut self, within: Duration) -> bool {
        timeout(within, self.sockets.recv()).await.is_ok()
    }

    /// The next connection, welcomed as `content` says.
    pub async fn accept_with(&mut self, content: WelcomeContent) -> Session {
        let mut socket = self.socket().await;
        let (hello, nonce) = challenge(&mut socket, content.server_time).await;
        hello.verify(&PublicKey::of(&self.key).fingerprint(), &nonce).expect("the agent proves its key");
        assert_eq!(hello.agent_version, gururmm_agent::VERSION);
        let welcome = Welcome::sign(&self.key, &nonce, &hello.nonce, content);
        send(&mut socket, &ToAgent::Welcome(welcome)).await;
        Session { socket, key: self.key.clone(), events: Vec::new(), readings: Vec::new(), acknowledge: true }
    }

    pub async fn accept(&mut self) -> Session {
        self.accept_with(welcome()).await
    }
}

pub fn welcome() -> WelcomeContent {
    WelcomeContent { agent_id: AGENT_ID, session_id: id(), epoch: 1, server_time: now(), inventory: BTreeMap::new() }
}

pub async fn challenge(socket: &mut WebSocket, server_time: DateTime<Utc>) -> (Hello, Fingerprint) {
    let nonce = Fingerprint::from_bytes([fastrand::u8(..); 32]);
    send(socket, &ToAgent::Challenge(Challenge { nonce, protocol_version: 1, server_time })).await;
    match receive(socket).await {
        FromAgent::Hello(hello) => (hello, nonce),
        other => panic!("expected a hello, got {other:?}"),
    }
}

/// Says the first words to a connection, and waits until the other side leaves without a word.
pub async fn greet_who_leaves(socket: &mut WebSocket) {
    let nonce = Fingerprint::from_bytes([7; 32]);
    send(socket, &ToAgent::Challenge(Challenge { nonce, protocol_version: 1, server_time: now() })).await;
    assert!(timeout(PATIENCE, try_receive(socket)).await.expect("it leaves").is_none(), "it says nothing");
}

pub async fn reject(socket: &mut WebSocket, code: RejectCode, retry_after_seconds: Option<u32>) {
    let message = "go away".to_owned();
    send(socket, &ToAgent::Rejected(Rejected { code, message, retry_after_seconds })).await;
}

async fn send(socket: &mut WebSocket, message: &ToAgent) {
    socket.send(Message::text(message.encode().unwrap())).await.unwrap();
}

async fn receive(socket: &mut WebSocket) -> FromAgent {
    timeout(PATIENCE, try_receive(socket)).await.expect("the agent says something").expect("the session is open")
}

/// `None` when the session is over.
async fn try_receive(socket: &mut WebSocket) -> Option<FromAgent> {
    loop {
        match socket.recv().await?.ok()? {
            Message::Text(text) => return Some(FromAgent::decode(&text).unwrap()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

/// An established session, as the server has it.
pub struct Session {
    pub socket: WebSocket,
    key: SigningKey,
    /// Command events that arrived, in order.
    pub events: Vec<(Uuid, CommandEvent)>,
    /// Readings that arrived, in order.
    pub readings: Vec<gururmm_protocol::readings::Reading>,
    /// Whether reports are acknowledged as they come.
    pub acknowledge: bool,
}

impl Session {
    pub async fn send(&mut self, message: &ToAgent) {
        send(&mut self.socket, message).await;
    }

    pub async fn send_envelope(&mut self, envelope: SignedEnvelope) {
        self.send(&ToAgent::Envelope(envelope)).await;
    }

    /// Signs as this server does.
    pub fn seal(&self, terms: Terms, action: Action) -> SignedEnvelope {
        SignedEnvelope::seal(&self.key, terms, action).unwrap()
    }

    pub async fn act(&mut self, action: Action) -> Uuid {
        let terms = terms();
        self.send_envelope(self.seal(terms, action)).await;
        terms.id
    }

    pub async fn run(&mut self, command: RunCommand) -> Uuid {
        self.act(Action::RunCommand(command)).await
    }

    /// The next message; reports are recorded, and acknowledged unless told otherwise.
    pub async fn receive(&mut self) -> FromAgent {
        let message = receive(&mut self.socket).await;
        self.take_in(&message).await;
        message
    }

    async fn take_in(&mut self, message: &FromAgent) {
        if let FromAgent::Report { seq, report } = message {
            match report {
                Report::Command { id, event } => self.events.push((*id, event.clone())),
                Report::Readings { readings } => self.readings.extend(readings.iter().cloned()),
                _ => {}
            }
            if self.acknowledge {
                let ack = ToAgent::Ack { seqs: vec![*seq] };
                // The agent may be gone already; the next receive tells.
                let _ = self.socket.send(Message::text(ack.encode().unwrap())).await;
            }
        }
    }

    /// The next message that is no report of inventory or readings.
    pub async fn receive_answer(&mut self) -> FromAgent {
        loop {
            match self.receive().await {
                FromAgent::Report { report: Report::Inventory(_) | Report::Readings { .. }, .. } => {}
                other => return other,
            }
        }
    }

    /// Waits until the command is over.
    pub async fn result(&mut self, command: Uuid) -> CommandResult {
        loop {
            if let Some(result) = self.find(command, |event| match event {
                CommandEvent::Finished(result) => Some(result.clone()),
                _ => None,
            }) {
                return result;
            }
            self.receive().await;
        }
    }

    pub async fn started(&mut self, command: Uuid) {
        while self.find(command, |event| matches!(event, CommandEvent::Started { .. }).then_some(())).is_none() {
            self.receive().await;
        }
    }

    /// Waits until the output contains a text.
    pub async fn output_with(&mut self, command: Uuid, text: &str) {
        while !self.output(command).contains(text) {
            self.receive().await;
        }
    }

    fn find<T>(&self, command: Uuid, pick: impl Fn(&CommandEvent) -> Option<T>) -> Option<T> {
        self.events.iter().filter(|(id, _)| *id == command).find_map(|(_, event)| pick(event))
    }

    /// Both streams' text so far, as it arrived.
    pub fn output(&self, command: Uuid) -> String {
        self.text(command, |_| true)
    }

    pub fn stdout(&self, command: Uuid) -> String {
        self.text(command, |stream| stream == OutputStream::Stdout)
    }

    fn text(&self, command: Uuid, wanted: impl Fn(OutputStream) -> bool) -> String {
        let mut pieces = BTreeMap::new();
        for (id, event) in &self.events {
            if let CommandEvent::Output { index, stream, text } = event
                && *id == command
                && wanted(*stream)
            {
                pieces.insert(*index, text.as_str());
            }
        }
        pieces.into_values().collect()
    }

    pub async fn query(&mut self, ids: &[Uuid]) -> Vec<CommandStatus> {
        self.send(&ToAgent::QueryCommands { ids: ids.to_vec() }).await;
        loop {
            if let FromAgent::CommandStatus { commands } = self.receive().await {
                return commands;
            }
        }
    }

    /// Takes what comes for a while; the session may end.
    pub async fn settle(&mut self, time: Duration) {
        let _ = timeout(time, async {
            while let Some(message) = try_receive(&mut self.socket).await {
                self.take_in(&message).await;
            }
        })
        .await;
    }
}

pub fn terms() -> Terms {
    Terms {
        id: id(),
        agent_id: AGENT_ID,
        epoch: 1,
        issued_at: now(),
        expires_at: now() + TimeDelta::minutes(10),
        salt: id(),
    }
}

pub fn script(script: &str) -> RunCommand {
    RunCommand {
        program: Program::Shell { interpreter: Interpreter::Sh, script: script.into() },
        timeout_seconds: 60,
        output_limit_bytes: 1_000_000,
        working_directory: None,
        environment: BTreeMap::new(),
        secrets: BTreeMap::new(),
    }
}

async fn record(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    shared.seen.lock().unwrap().requests.push(request.uri().path().to_owned());
    next.run(request).await
}

fn busy((status, retry_after): (StatusCode, &'static str)) -> Response {
    (status, [(header::RETRY_AFTER, retry_after)]).into_response()
}

async fn identity(State(shared): State<Shared>, Json(request): Json<IdentityRequest>) -> Response {
    if let Some(answer) = shared.seen.lock().unwrap().busy.pop_front() {
        return busy(answer);
    }
    Json(IdentityResponse::sign(&shared.key, &request.nonce, now())).into_response()
}

async fn enroll(State(shared): State<Shared>, Json(request): Json<EnrollRequest>) -> Response {
    let server = PublicKey::of(&shared.key);
    request.verify(&server.fingerprint()).expect("the agent proves its new key");
    let good = request.token == EnrollmentToken::new(server.fingerprint(), [5; 32]).reveal();
    let (lose_answer, busy_answer) = {
        let mut seen = shared.seen.lock().unwrap();
        seen.enrollments.push(request);
        (seen.lose_answers, seen.busy_enrollments.pop_front())
    };
    assert!(!lose_answer, "the connection breaks, as the test wants");
    if let Some(answer) = busy_answer {
        return busy(answer);
    }
    if !good {
        let problem = serde_json::json!({
            "title": "Enrollment token invalid",
            "detail": "The token is wrong,\u{1b}[31m expired or used up.",
            "code": "enrollment_token_invalid",
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        return (StatusCode::FORBIDDEN, kind, problem.to_string()).into_response();
    }
    let answer = EnrollResponse { agent_id: AGENT_ID, server_public_key: server };
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn socket(State(shared): State<Shared>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |socket| {
        let _ = shared.sockets.send(socket);
    })
}
