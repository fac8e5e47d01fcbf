//! A server that knows the protocol and nothing else: it enrolls every token of its own key, welcomes every enrolled
//! key, acknowledges every report, keeps what agents say, and says what the test tells it to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::SigningKey;
use gururmm_protocol::command::{Interpreter, Program, RunCommand};
use gururmm_protocol::crypto::{Fingerprint, PublicKey};
use gururmm_protocol::enroll::{
    ENROLL_PATH, EnrollRequest, EnrollResponse, EnrollmentToken, IDENTITY_PATH, IdentityRequest, IdentityResponse,
};
use gururmm_protocol::envelope::{Action, SignedEnvelope, Terms};
use gururmm_protocol::handshake::{AGENT_SOCKET_PATH, Challenge, Hello, RejectCode, Rejected, Welcome, WelcomeContent};
use gururmm_protocol::message::{FromAgent, Report, ToAgent};
use tokio::sync::mpsc;
use uuid::Uuid;

#[derive(Clone)]
pub struct ScriptedServer {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    key: SigningKey,
    state: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    agents: HashMap<[u8; 32], Uuid>,
    sockets: HashMap<Uuid, mpsc::UnboundedSender<Out>>,
    connects: HashMap<Uuid, usize>,
    inventory: HashMap<Uuid, BTreeMap<String, String>>,
    said: Vec<(Uuid, FromAgent)>,
    hellos: Vec<Hello>,
    welcome_key: Option<SigningKey>,
    ignore_reports: bool,
    next_id: u128,
}

/// What the test makes a connection do.
enum Out {
    Say(Box<ToAgent>),
    Hang,
}

pub fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

impl ScriptedServer {
    pub async fn start() -> Self {
        let inner = Inner { key: SigningKey::from_bytes(&[1; 32]), state: Mutex::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { url: format!("http://{}", listener.local_addr().unwrap()), inner: Arc::new(inner) };
        let app = Router::new()
            .route(IDENTITY_PATH, post(identity))
            .route(ENROLL_PATH, post(enroll))
            .route(AGENT_SOCKET_PATH, any(socket))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        server
    }

    pub fn token(&self) -> String {
        EnrollmentToken::new(PublicKey::of(&self.inner.key).fingerprint(), [5; 32]).reveal()
    }

    pub fn token_of_another_server(&self) -> String {
        EnrollmentToken::new(Fingerprint::from_bytes([9; 32]), [5; 32]).reveal()
    }

    /// From now on, welcomes are signed by a key that nobody has pinned.
    pub fn sign_welcomes_with_another_key(&self) {
        self.lock().welcome_key = Some(SigningKey::from_bytes(&[66; 32]));
    }

    /// From now on reports are kept but never acknowledged (or acknowledged again).
    pub fn ignore_reports(&self, ignore: bool) {
        self.lock().ignore_reports = ignore;
    }

    pub fn say(&self, agent: Uuid, message: ToAgent) {
        let sent = self.lock().sockets.get(&agent).is_some_and(|to| to.send(Out::Say(Box::new(message))).is_ok());
        assert!(sent, "agent {agent} is not connected");
    }

    pub fn hang_up(&self, agent: Uuid) {
        let _ = self.lock().sockets[&agent].send(Out::Hang);
    }

    pub fn send_action(&self, agent: Uuid, action: Action) -> Uuid {
        let envelope = self.seal(agent, action);
        let id = envelope.claimed_header().unwrap().id;
        self.say(agent, ToAgent::Envelope(envelope));
        id
    }

    pub fn seal(&self, agent_id: Uuid, action: Action) -> SignedEnvelope {
        let id = self.fresh_id();
        let terms = Terms {
            id,
            agent_id,
            epoch: 1,
            issued_at: now(),
            expires_at: now() + TimeDelta::hours(1),
            salt: Uuid::from_u128(1),
        };
        SignedEnvelope::seal(&self.inner.key, terms, action).unwrap()
    }

    pub fn hellos(&self) -> Vec<Hello> {
        self.lock().hellos.clone()
    }

    pub fn connects(&self, agent: Uuid) -> usize {
        self.lock().connects.get(&agent).copied().unwrap_or_default()
    }

    pub fn agents(&self) -> Vec<Uuid> {
        self.lock().agents.values().copied().collect()
    }

    pub fn connected(&self) -> usize {
        self.lock().sockets.len()
    }

    /// Everything this agent said after its hello.
    pub fn said(&self, agent: Uuid) -> Vec<FromAgent> {
        self.lock().said.iter().filter(|(who, _)| *who == agent).map(|(_, what)| what.clone()).collect()
    }

    /// Waits up to a minute until `check` is true.
    pub async fn until(&self, what: &str, check: impl Fn(&Self) -> bool) {
        for _ in 0..6_000 {
            if check(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not within a minute: {what}");
    }

    fn fresh_id(&self) -> Uuid {
        let mut shared = self.lock();
        shared.next_id += 1;
        Uuid::from_u128(shared.next_id)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.inner.state.lock().unwrap()
    }

    async fn serve(self, mut socket: WebSocket) -> Option<()> {
        let nonce = Fingerprint::from_bytes([fastrand::u8(..); 32]);
        let challenge = Challenge { nonce, protocol_version: 1, server_time: now() };
        send(&mut socket, &ToAgent::Challenge(challenge)).await?;
        let FromAgent::Hello(hello) = receive(&mut socket).await? else {
            reject(&mut socket, RejectCode::ProtocolViolation).await;
            return None;
        };
        self.lock().hellos.push(hello.clone());
        if hello.protocol_version != 1 {
            return reject(&mut socket, RejectCode::ProtocolUnsupported).await;
        }
        if hello.verify(&PublicKey::of(&self.inner.key).fingerprint(), &nonce).is_err() {
            return reject(&mut socket, RejectCode::BadProof).await;
        }
        let Some(agent_id) = self.lock().agents.get(hello.public_key.as_bytes()).copied() else {
            return reject(&mut socket, RejectCode::UnknownKey).await;
        };
        let content = WelcomeContent {
            agent_id,
            session_id: self.fresh_id(),
            epoch: 1,
            server_time: now(),
            inventory: self.lock().inventory.get(&agent_id).cloned().unwrap_or_default(),
        };
        let key = self.lock().welcome_key.clone().unwrap_or_else(|| self.inner.key.clone());
        send(&mut socket, &ToAgent::Welcome(Welcome::sign(&key, &nonce, &hello.nonce, content))).await?;
        let (sender, mut outbox) = mpsc::unbounded_channel();
        {
            let mut shared = self.lock();
            shared.sockets.insert(agent_id, sender);
            *shared.connects.entry(agent_id).or_default() += 1;
        }
        let result = self.converse(agent_id, &mut socket, &mut outbox).await;
        self.lock().sockets.remove(&agent_id);
        result
    }

    async fn converse(
        &self,
        agent: Uuid,
        socket: &mut WebSocket,
        outbox: &mut mpsc::UnboundedReceiver<Out>,
    ) -> Option<()> {
        loop {
            tokio::select! {
                out = outbox.recv() => match out? {
                    Out::Say(message) => send(socket, &message).await?,
                    Out::Hang => return None,
                },
                message = receive(socket) => {
                    let message = message?;
                    if let FromAgent::Report { seq, report } = &message
                        && !self.lock().ignore_reports
                    {
                        if let Report::Inventory(inventory) = report {
                            let mut shared = self.lock();
                            let held = shared.inventory.entry(agent).or_default();
                            held.extend(inventory.sections.iter().map(|s| (s.content.name().to_owned(), s.digest.clone())));
                        }
                        send(socket, &ToAgent::Ack { seqs: vec![*seq] }).await?;
                    }
                    self.lock().said.push((agent, message));
                }
            }
        }
    }
}

/// A shell command as the dashboard would make it.
pub fn shell(script: &str) -> RunCommand {
    RunCommand {
        program: Program::Shell { interpreter: Interpreter::Sh, script: script.to_owned() },
        timeout_seconds: 60,
        output_limit_bytes: 65_536,
        working_directory: None,
        environment: BTreeMap::new(),
        secrets: BTreeMap::new(),
    }
}

async fn identity(
    State(server): State<ScriptedServer>,
    Json(request): Json<IdentityRequest>,
) -> Json<IdentityResponse> {
    Json(IdentityResponse::sign(&server.inner.key, &request.nonce, now()))
}

async fn enroll(State(server): State<ScriptedServer>, Json(request): Json<EnrollRequest>) -> Response {
    let fingerprint = PublicKey::of(&server.inner.key).fingerprint();
    if request.token != server.token() || request.verify(&fingerprint).is_err() {
        let problem = serde_json::json!({"code": "enrollment_token_invalid", "title": "no"});
        return (StatusCode::FORBIDDEN, Json(problem)).into_response();
    }
    let previous =
        request.proven_previous_key(&fingerprint).and_then(|key| server.lock().agents.remove(key.as_bytes()));
    let agent_id = previous.unwrap_or_else(|| server.fresh_id());
    server.lock().agents.insert(*request.public_key.as_bytes(), agent_id);
    let answer = EnrollResponse { agent_id, server_public_key: PublicKey::of(&server.inner.key) };
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn socket(State(server): State<ScriptedServer>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        server.serve(socket).await;
    })
}

async fn send(socket: &mut WebSocket, message: &ToAgent) -> Option<()> {
    socket.send(Message::Text(message.encode().unwrap().into())).await.ok()
}

async fn receive(socket: &mut WebSocket) -> Option<FromAgent> {
    loop {
        match socket.recv().await?.ok()? {
            Message::Text(text) => return Some(FromAgent::decode(&text).unwrap_or(FromAgent::Unknown)),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

async fn reject(socket: &mut WebSocket, code: RejectCode) -> Option<()> {
    let rejected = Rejected { code, message: "no".into(), retry_after_seconds: None };
    send(socket, &ToAgent::Rejected(rejected)).await?;
    None
}
