//! Failed logins in the audit log: seen at once, and few rows however many attempts.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use chrono::TimeDelta;
use gururmm_server::accounts::failures::{Account, MOST_NETWORKS, record};
use gururmm_server::accounts::service::forget_old_logins;
use gururmm_server::app::Ctx;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::place::audit_rows;
use crate::support::{Client, TestApp};

const ACTION: &str = "user.login_failed";

/// The first account, and a caller behind the proxy.
async fn with_account(db: PgPool) -> (TestApp, Client, Account) {
    let app = TestApp::with(db, |config| config.trusted_proxies = vec![Ipv4Addr::LOCALHOST.into()]).await;
    let body = json!({"email": "Ada@Example.com", "password": "a long enough password", "name": "Ada"});
    let registered = app.anonymous().post("/api/auth/register", body).await.expect(201);
    let ada = app.with_token(registered["token"].as_str().unwrap());
    let id = registered["user"]["id"].as_str().unwrap().parse().unwrap();
    (app, ada, Account { id, email: "Ada@Example.com".into(), disabled: false })
}

async fn fail(app: &TestApp, from: &str, email: &str, password: &str) {
    let nobody = app.anonymous();
    let request = nobody.request(reqwest::Method::POST, "/api/auth/login").header("x-forwarded-for", from);
    let answer = nobody.send(request.json(&json!({"email": email, "password": password}))).await;
    answer.expect_problem(401, "bad_credentials");
}

/// How many failures are counted, by network.
async fn counted(app: &TestApp) -> BTreeMap<String, i32> {
    let rows: Vec<(String, i32)> =
        sqlx::query_as("SELECT network, failures FROM login_failures").fetch_all(&app.db).await.unwrap();
    rows.into_iter().collect()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_failed_login_to_an_account_is_in_the_audit_list_and_one_to_no_account_is_not(db: PgPool) {
    let (app, ada, account) = with_account(db).await;
    fail(&app, "203.0.113.7", "eve@example.com", "wrong").await;
    fail(&app, "203.0.113.7", "ada@example.COM", "wrong").await;
    app.until("it is counted", || async { counted(&app).await.len() == 1 }).await;
    fail(&app, "203.0.113.7", "ada@example.com", "wrong").await;
    sqlx::query("UPDATE users SET disabled_at = now()").execute(&app.db).await.unwrap();
    fail(&app, "2001:db8:0:7:1::1", "ada@example.com", "a long enough password").await;
    sqlx::query("UPDATE users SET disabled_at = NULL").execute(&app.db).await.unwrap();
    let expected = BTreeMap::from([("203.0.113.7".to_owned(), 2), ("2001:db8:0:7::/64".to_owned(), 1)]);
    app.until("all are counted", || async { counted(&app).await == expected }).await;

    let list = ada.get("/api/audit?action=user.login_failed").await.expect(200);
    let rows = list["items"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "one for each network: {rows:?}");
    for (row, address, network, disabled) in
        [(&rows[0], "2001:db8:0:7:1::1", "2001:db8:0:7::/64", true), (&rows[1], "203.0.113.7", "203.0.113.7", false)]
    {
        assert_eq!((&row["outcome"], &row["address"]), (&json!("refused"), &json!(address)));
        assert_eq!(row["target"], json!({"kind": "user", "id": account.id, "label": "Ada@Example.com"}));
        assert_eq!(row["actor"], json!({"kind": "system", "id": null, "label": "login"}));
        let detail = json!({"failures": 1, "since": "2026-11-23T12:00:00Z", "network": network,
                            "account_disabled": disabled});
        assert_eq!(row["detail"], detail);
    }
    let org_admin = app.organization("Acme").await.0;
    let org_admin = app.member(org_admin, gururmm_server::authz::OrgRole::OrgAdmin).await;
    assert_eq!(org_admin.get("/api/audit").await.expect(200)["items"], json!([]), "an account is the installation's");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn rows_are_bounded_by_account_network_and_hour(db: PgPool) {
    let (app, _, account) = with_account(db).await;
    let attempt = async |network: u8| {
        let address = Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, network)));
        let ctx = Ctx { address, ..Ctx::system("test") };
        record(&app.app, &ctx, &account).await.unwrap();
    };
    let rows =
        async || -> Vec<Value> { audit_rows(&app, ACTION).await.into_iter().map(|(_, detail)| detail).collect() };
    let due = |rows: &[Value], network: &str| -> Vec<i64> {
        rows.iter().filter(|row| row["network"] == network).map(|row| row["failures"].as_i64().unwrap()).collect()
    };
    for _ in 0..105 {
        attempt(0).await;
    }
    assert_eq!(due(&rows().await, "203.0.113.0"), [1, 10, 100]);
    // A network of bots: some are told apart, the others count together. Those that were there before stay apart.
    for network in 1..=250 {
        attempt(network).await;
        attempt(1).await;
    }
    let all = rows().await;
    let networks = usize::try_from(MOST_NETWORKS).unwrap();
    assert_eq!(counted(&app).await.len(), networks + 1);
    assert_eq!(due(&all, "203.0.113.1"), [1, 10, 100]);
    assert_eq!(due(&all, "203.0.113.19"), [1]);
    assert_eq!(due(&all, "other networks"), [1, 10, 100]);
    assert_eq!(all.len(), 3 + 3 + (networks - 2) + 3);

    // Another hour, another row; what is over is forgotten.
    app.advance(TimeDelta::hours(1));
    attempt(0).await;
    assert_eq!(due(&rows().await, "203.0.113.0"), [1, 10, 100, 1]);
    app.advance(TimeDelta::days(1));
    forget_old_logins(&app.app).await.unwrap();
    assert_eq!(counted(&app).await.len(), 1);
    app.advance(TimeDelta::hours(1));
    forget_old_logins(&app.app).await.unwrap();
    assert_eq!(counted(&app).await.len(), 0);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn many_at_once_are_counted_one_by_one(db: PgPool) {
    let (app, _, account) = with_account(db).await;
    let attempts = (0..100u8).map(|n| {
        let (app, account) = (app.app.clone(), account.clone());
        let address = Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, n / 2)));
        tokio::spawn(async move {
            record(&app, &Ctx { address, ..Ctx::system("test") }, &account).await.unwrap();
        })
    });
    for attempt in futures_util::future::join_all(attempts).await {
        attempt.unwrap();
    }
    let counted = counted(&app).await;
    assert_eq!(counted.values().sum::<i32>(), 100);
    assert_eq!(i64::try_from(counted.len()).unwrap(), MOST_NETWORKS + 1);
}
