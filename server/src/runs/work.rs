//! What a person has under way: their runs and single commands, with what ended today.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Run, RunCounts, service, store_work};
use crate::app::{App, Ctx};
use crate::authz::Actor;
use crate::commands::{CommandState, CommandSummary};
use crate::core::{Error, Result};

/// Most rows of the answer.
const MOST: usize = 50;
/// How long something is shown after its end.
const SHOWN_AFTER: TimeDelta = TimeDelta::days(1);

/// What a person has under way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Work {
    /// What is open, and what ended within a day as far as there is room; newest first.
    pub items: Vec<WorkItem>,
    /// How many are open, also where they are too many to be shown.
    pub open: i64,
}

/// A run or a single command.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WorkItem {
    /// Which of them.
    pub kind: WorkKind,
    /// Id of the run or command.
    pub id: Uuid,
    /// One line that stands for the program.
    pub summary: String,
    /// Of a command: its agent.
    pub agent_id: Option<Uuid>,
    /// Of a command: the agent's name.
    pub agent_name: Option<String>,
    /// When it was ordered.
    pub created_at: DateTime<Utc>,
    /// When it ended; null while it is open.
    pub ended_at: Option<DateTime<Utc>>,
    /// Of a command: where it stands.
    pub state: Option<CommandState>,
    /// Of a run: how its agents stand.
    pub counts: Option<RunCounts>,
}

/// What a [`WorkItem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// For many agents.
    Run,
    /// For one.
    Command,
}

impl From<Run> for WorkItem {
    fn from(run: Run) -> Self {
        Self {
            kind: WorkKind::Run,
            id: run.id,
            summary: run.summary,
            agent_id: None,
            agent_name: None,
            created_at: run.created_at,
            ended_at: run.ended_at,
            state: None,
            counts: Some(run.counts),
        }
    }
}

impl From<CommandSummary> for WorkItem {
    fn from(command: CommandSummary) -> Self {
        Self {
            kind: WorkKind::Command,
            id: command.id,
            summary: command.summary,
            agent_id: Some(command.agent_id),
            agent_name: Some(command.agent_name),
            created_at: command.created_at,
            ended_at: command.finished_at,
            state: Some(command.state),
            counts: None,
        }
    }
}

/// What the caller has under way, within their scope.
///
/// # Errors
/// 404 for who is no user.
pub async fn work(app: &App, ctx: &Ctx) -> Result<Work> {
    let Actor::User(user) = &ctx.actor else { return Err(Error::NotFound("user")) };
    let (scope, since) = (ctx.scope(), app.env.now() - SHOWN_AFTER);
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let mut connection = app.db.acquire().await?;
    let open = store_work::count_open(&mut connection, &scope, user.id).await?;
    let runs = store_work::runs(&mut connection, &scope, user.id, since, most).await?;
    let runs = service::shown_all(&mut connection, ctx, &runs).await?;
    let commands = store_work::commands(&mut connection, &scope, user.id, since, most).await?;
    let is_recent = |item: &WorkItem| item.ended_at.is_none_or(|at| at > since);
    let mut items: Vec<WorkItem> =
        runs.into_iter().map(WorkItem::from).chain(commands.into_iter().map(Into::into)).filter(is_recent).collect();
    let newest_first = |item: &WorkItem| std::cmp::Reverse((item.created_at, item.id));
    // What is open goes first where there is no room for all.
    items.sort_by_key(|item| (item.ended_at.is_some(), newest_first(item)));
    items.truncate(MOST);
    items.sort_by_key(newest_first);
    Ok(Work { items, open })
}
