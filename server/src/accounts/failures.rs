//! Failed logins to accounts that exist, for the audit log: few rows, however many attempts.
//!
//! A row is written for the 1st, 10th, 100th ... failure of an account from one network in one hour: at once, and with
//! the number so far. Attempts on accounts that do not exist are only counted (`logins_refused_total`): what to write would be
//! the caller's to choose. So are those that the rate limits stop, before the password is looked at.

use std::net::IpAddr;

use chrono::{DurationRound as _, TimeDelta};
use serde_json::json;
use uuid::Uuid;

use super::store_failures::{self as store, Counted};
use crate::app::{App, Ctx};
use crate::audit::{self, Entry, Outcome, Target};
use crate::authz::Actor;
use crate::core::Result;
use crate::core::address::network;

/// Networks that are told apart for one account in one hour.
pub const MOST_NETWORKS: i64 = 20;
/// What stands for the networks beyond them.
const OTHERS: &str = "other networks";
/// How long the counts are kept, which only the current hour's are needed for.
pub(super) const KEEP: TimeDelta = TimeDelta::days(1);

/// The account that somebody failed to sign in to.
#[derive(Debug, Clone)]
pub struct Account {
    /// Id.
    pub id: Uuid,
    /// Email, as entered when it was made.
    pub email: String,
    /// It is disabled; then the password may even have been right.
    pub disabled: bool,
}

/// Counts a failed login and writes what is due. The caller's answer does not wait for it: the time it takes would tell
/// whether the account exists.
pub(super) fn note(app: &App, ctx: &Ctx, account: Account) {
    let (app, ctx) = (app.clone(), ctx.clone());
    tokio::spawn(async move {
        if let Err(error) = record(&app, &ctx, &account).await {
            tracing::warn!(%error, user_id = %account.id, "a failed login could not be written down");
        }
    });
}

/// Counts a failed login and writes the audit row that is due.
///
/// # Errors
/// When the database cannot be reached.
pub async fn record(app: &App, ctx: &Ctx, account: &Account) -> Result<()> {
    let ctx = Ctx { actor: Actor::System("login"), ..ctx.clone() };
    let now = app.env.now();
    let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    let from = name_of(ctx.address);
    let mut tx = app.db.begin().await?;
    let Counted { network, failures, first_at } =
        store::count(&mut tx, account.id, hour, &from, now, MOST_NETWORKS, OTHERS).await?;
    if is_power_of_ten(failures) {
        let detail = json!({"failures": failures, "since": first_at, "network": network,
                            "account_disabled": account.disabled});
        let entry = Entry {
            action: "user.login_failed",
            target: Target::new("user", account.id, &account.email),
            organization_id: None,
            agent_id: None,
            detail: detail.as_object().cloned().unwrap_or_default(),
        };
        audit::store::insert(&mut tx, now, &ctx, &entry, Outcome::Refused.as_str()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// A caller's network as people read it.
fn name_of(address: Option<IpAddr>) -> String {
    match address.map(network) {
        Some(IpAddr::V6(network)) => format!("{network}/64"),
        Some(v4) => v4.to_string(),
        None => "unknown".to_owned(),
    }
}

const fn is_power_of_ten(mut n: i32) -> bool {
    while n > 1 && n % 10 == 0 {
        n /= 10;
    }
    n == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_rarer() {
        let due: Vec<i32> = (0..=100_000).filter(|n| is_power_of_ten(*n)).collect();
        assert_eq!(due, [1, 10, 100, 1_000, 10_000, 100_000]);
    }

    #[test]
    fn networks_are_named_as_people_write_them() {
        let named = |text: &str| name_of(Some(text.parse().unwrap()));
        assert_eq!(named("203.0.113.7"), "203.0.113.7");
        assert_eq!(named("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(named("2001:db8:0:7:1::1"), "2001:db8:0:7::/64");
    }
}
