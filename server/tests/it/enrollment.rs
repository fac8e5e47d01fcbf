//! How machines become agents: every row of the table in SPEC-002.

use gururmm_protocol::crypto::{Fingerprint, SignatureBytes};
use gururmm_protocol::enroll::{ENROLL_PATH, EnrollmentToken, IDENTITY_PATH, IdentityResponse};
use gururmm_sim::{SimAgent, SimError};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{TestApp, TokenRow, start_of_time};

const REFUSED: Option<(u16, Option<&str>)> = Some((403, Some("enrollment_token_invalid")));

/// One row of audit_log, as far as these tests look.
#[derive(sqlx::FromRow)]
struct Audit {
    outcome: String,
    actor_label: String,
    agent_id: Option<Uuid>,
    organization_id: Option<Uuid>,
    detail: Value,
}

async fn audit(db: &PgPool) -> Vec<Audit> {
    sqlx::query_as(
        "SELECT outcome, actor_label, agent_id, organization_id, detail FROM audit_log WHERE action = 'agent.enroll'
         ORDER BY id",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

async fn text_of(db: &PgPool, sql: &'static str, id: Uuid) -> Option<String> {
    sqlx::query_scalar(sql).bind(id).fetch_one(db).await.unwrap()
}

async fn count(db: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_server_proves_its_key_over_the_agents_nonce(db: PgPool) {
    let app = TestApp::new(db).await;
    let nonce = Fingerprint::from_bytes([7; 32]);
    let answer = app.anonymous().post(IDENTITY_PATH, json!({ "nonce": nonce })).await.expect(200);
    let identity: IdentityResponse = serde_json::from_value(answer).unwrap();
    assert!(identity.verify(&app.app.keys.server_fingerprint(), &nonce).is_ok());
    assert_eq!(identity.server_time, start_of_time());
    app.anonymous().post(IDENTITY_PATH, json!({"nonce": "short"})).await.expect_problem(422, "invalid");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_machine_becomes_an_agent_of_the_tokens_site_and_the_use_is_counted_and_audited(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let token = app.enrollment_token(organization, site).await;
    let mut events = app.app.hub.bus.feed().listen().receiver;
    let mut agent = SimAgent::from_seed(1);
    let id = agent.enroll(&app.url, &token).await.unwrap();
    let row: (Uuid, String, String, bool, Option<Uuid>) =
        sqlx::query_as("SELECT site_id, hostname, state, server_host, duplicate_of FROM agents WHERE id = $1")
            .bind(id)
            .fetch_one(&app.db)
            .await
            .unwrap();
    assert_eq!(row, (site, agent.machine.identity.hostname.clone(), "active".into(), false, None));
    assert_eq!(count(&app.db, "SELECT uses::bigint FROM enrollment_tokens").await, 1);
    let rows = audit(&app.db).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].outcome.as_str(), rows[0].actor_label.as_str()), ("success", "enrollment"));
    assert_eq!((rows[0].agent_id, rows[0].organization_id), (Some(id), Some(organization)));
    assert!(!rows[0].detail.to_string().contains(token.rsplit('.').next().unwrap()));
    assert_eq!(events.recv().await.unwrap().event.organization_id(), organization);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn bad_tokens_are_refused_with_one_text_and_the_audit_log_knows_which(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let used_up =
        app.enrollment_token_with(organization, site, TokenRow { max_uses: Some(1), ..TokenRow::default() }).await;
    SimAgent::from_seed(1).enroll(&app.url, &used_up).await.unwrap();
    let expired =
        app.enrollment_token_with(organization, site, TokenRow { expires_at: start_of_time(), ..TokenRow::default() });
    let revoked = app.enrollment_token_with(
        organization,
        site,
        TokenRow { revoked_at: Some(start_of_time()), ..TokenRow::default() },
    );
    let unknown = EnrollmentToken::new(app.app.keys.server_fingerprint(), [9; 32]).reveal();
    let mut bodies = Vec::new();
    for token in [used_up, expired.await, revoked.await, unknown] {
        let error = SimAgent::from_seed(2).enroll(&app.url, &token).await.unwrap_err();
        assert_eq!(error.http_status(), REFUSED);
        let SimError::HttpStatus { body, .. } = error else { unreachable!() };
        let problem: Value = serde_json::from_str(&body).unwrap();
        bodies.push(problem["detail"].clone());
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    let states: Vec<_> = audit(&app.db)
        .await
        .iter()
        .filter(|row| row.outcome == "refused")
        .map(|row| row.detail["token_state"].clone())
        .collect();
    assert_eq!(states, ["used_up", "expired", "revoked"], "an unknown token leaves no row");
    assert_eq!(count(&app.db, "SELECT count(*) FROM agents").await, 1);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn whoever_holds_a_dead_token_cannot_fill_the_audit_log(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let expired = || TokenRow { expires_at: start_of_time(), ..TokenRow::default() };
    let revoked = TokenRow { revoked_at: Some(start_of_time()), ..expired() };
    let tokens = [
        app.enrollment_token_with(organization, site, expired()).await,
        app.enrollment_token_with(organization, site, revoked).await,
    ];
    for seed in 0..6 {
        let token = &tokens[usize::from(seed % 3 == 0)];
        let error = SimAgent::from_seed(seed).enroll(&app.url, token).await.unwrap_err();
        assert_eq!(error.http_status(), REFUSED);
    }
    let kept: Vec<_> = audit(&app.db).await.iter().map(|row| row.detail["token_state"].clone()).collect();
    assert_eq!(kept, ["revoked", "expired"], "one row a token and state");
    sqlx::query("UPDATE enrollment_tokens SET revoked_at = $1").bind(start_of_time()).execute(&app.db).await.unwrap();
    SimAgent::from_seed(9).enroll(&app.url, &tokens[0]).await.unwrap_err();
    assert_eq!(audit(&app.db).await.len(), 3, "another state is news");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_token_of_another_server_never_leaves_the_machine(db: PgPool) {
    let app = TestApp::new(db).await;
    let foreign = EnrollmentToken::new(Fingerprint::from_bytes([5; 32]), [9; 32]).reveal();
    let error = SimAgent::from_seed(1).enroll(&app.url, &foreign).await.unwrap_err();
    assert!(matches!(error, SimError::WrongServer), "{error}");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn uses_are_counted_under_concurrency(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let token =
        app.enrollment_token_with(organization, site, TokenRow { max_uses: Some(3), ..TokenRow::default() }).await;
    let attempts = (0..8).map(|seed| {
        let (url, token) = (app.url.clone(), token.clone());
        async move { SimAgent::from_seed(seed).enroll(&url, &token).await }
    });
    let results = futures_util::future::join_all(attempts).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    assert!(results.iter().filter_map(|result| result.as_ref().err()).all(|error| error.http_status() == REFUSED));
    assert_eq!(count(&app.db, "SELECT uses::bigint FROM enrollment_tokens").await, 3);
    assert_eq!(count(&app.db, "SELECT count(*) FROM agents").await, 3);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_enrollment_and_the_deletion_of_its_site_or_organization_wait_for_each_other(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.admin().await;
    let waiting = async || {
        count(
            &app.db,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .await
    };
    for (kind, seed) in [("sites", 1), ("organizations", 2)] {
        let (organization, site) = app.organization(kind).await;
        let token = app.enrollment_token(organization, site).await;
        let mut holder = app.db.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM enrollment_tokens FOR UPDATE").execute(&mut *holder).await.unwrap();
        let (admin, path) =
            (admin.clone(), format!("/api/{kind}/{}", if kind == "sites" { site } else { organization }));
        let deletion = tokio::spawn(async move { admin.delete(&path).await });
        app.until("the deletion waits", || async { waiting().await == 1 }).await;
        let url = app.url.clone();
        let enrollment = tokio::spawn(async move { SimAgent::from_seed(seed).enroll(&url, &token).await });
        app.until("the enrollment waits too", || async { waiting().await == 2 }).await;
        holder.rollback().await.unwrap();
        assert_eq!(deletion.await.unwrap().status, 204, "{kind}");
        assert_eq!(enrollment.await.unwrap().unwrap_err().http_status(), REFUSED, "{kind}");
    }
    assert_eq!(count(&app.db, "SELECT count(*) FROM agents").await, 0);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_lost_answer_can_be_asked_for_again_even_with_a_token_for_one(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let token =
        app.enrollment_token_with(organization, site, TokenRow { max_uses: Some(1), ..TokenRow::default() }).await;
    let mut agent = SimAgent::from_seed(1);
    let id = agent.enroll(&app.url, &token).await.unwrap();
    assert_eq!(agent.enroll(&app.url, &token).await.unwrap(), id);
    assert_eq!(count(&app.db, "SELECT uses::bigint FROM enrollment_tokens").await, 1);
    assert_eq!(audit(&app.db).await.len(), 1);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn proof_of_the_earlier_key_keeps_the_record_and_moves_it_to_the_tokens_site(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let mut agent = app.agent_in(organization, site, 1).await;
    let id = agent.agent_id().unwrap();
    let old_key = agent.public_key();
    let branch = Uuid::from_u128(77);
    sqlx::query("INSERT INTO sites (id, organization_id, name, created_at) VALUES ($1, $2, 'Branch', $3)")
        .bind(branch)
        .bind(organization)
        .bind(start_of_time())
        .execute(&app.db)
        .await
        .unwrap();
    let token = app.enrollment_token(organization, branch).await;
    assert_eq!(agent.reenroll(&app.url, &token).await.unwrap(), id);
    let site_now = text_of(&app.db, "SELECT site_id::text FROM agents WHERE id = $1", id).await;
    assert_eq!(site_now, Some(branch.to_string()));
    let keys: Vec<(Vec<u8>, bool)> = sqlx::query_as(
        "SELECT public_key, revoked_at IS NOT NULL FROM agent_keys WHERE agent_id = $1 ORDER BY revoked_at NULLS LAST",
    )
    .bind(id)
    .fetch_all(&app.db)
    .await
    .unwrap();
    assert_eq!(keys, [(old_key.as_bytes().to_vec(), true), (agent.public_key().as_bytes().to_vec(), false)]);
    assert_eq!(audit(&app.db).await[1].detail["rekeyed"], true);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn without_proof_a_known_machine_becomes_a_marked_new_record_and_the_caller_sees_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let mut agent = app.agent_in(organization, site, 1).await;
    let first = agent.agent_id().unwrap();
    agent.forget();
    let second = agent.enroll(&app.url, &app.enrollment_token(organization, site).await).await.unwrap();
    assert_ne!(second, first);
    let original = text_of(&app.db, "SELECT duplicate_of::text FROM agents WHERE id = $1", second).await;
    assert_eq!(original, Some(first.to_string()));
    // The older record and its key are untouched.
    assert_eq!(count(&app.db, "SELECT count(*) FROM agent_keys WHERE revoked_at IS NULL").await, 2);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn keys_and_machines_of_other_organizations_or_of_decommissioned_agents_count_for_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let mut agent = app.agent(1).await;
    let first = agent.agent_id().unwrap();
    let (organization, site) = app.organization("Other").await;
    let second = agent.reenroll(&app.url, &app.enrollment_token(organization, site).await).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(text_of(&app.db, "SELECT duplicate_of::text FROM agents WHERE id = $1", second).await, None);
    assert_eq!(count(&app.db, "SELECT count(*) FROM agent_keys WHERE revoked_at IS NULL").await, 2);

    sqlx::query("UPDATE agents SET state = 'decommissioned' WHERE id = $1")
        .bind(second)
        .execute(&app.db)
        .await
        .unwrap();
    let third = agent.reenroll(&app.url, &app.enrollment_token(organization, site).await).await.unwrap();
    assert_ne!(third, second);
    assert_eq!(text_of(&app.db, "SELECT duplicate_of::text FROM agents WHERE id = $1", third).await, None);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_quarantined_agent_or_a_rejected_copy_cannot_take_the_record_over_by_enrolling_again(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    for (seed, change) in [
        (1, "UPDATE agents SET state = 'quarantined' WHERE id = $1"),
        (2, "UPDATE agents SET rejected_machine_ids = ARRAY[machine_id], machine_id = 'decided' WHERE id = $1"),
    ] {
        let mut agent = app.agent_in(organization, site, seed).await;
        let first = agent.agent_id().unwrap();
        sqlx::query(change).bind(first).execute(&app.db).await.unwrap();
        let second = agent.reenroll(&app.url, &app.enrollment_token(organization, site).await).await.unwrap();
        assert_ne!(second, first, "{change}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn bad_proofs_and_nameless_machines_are_told_what_is_wrong_and_cost_no_use(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let text = app.enrollment_token(organization, site).await;
    let token: EnrollmentToken = text.parse().unwrap();
    let nonce = Fingerprint::from_bytes([7; 32]);
    let mut forged = SimAgent::from_seed(1).enroll_request(&token, nonce, None);
    forged.proof = SignatureBytes::from_bytes([1; 64]);
    let problem =
        app.anonymous().post(ENROLL_PATH, serde_json::to_value(&forged).unwrap()).await.expect_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "proof");

    let mut nameless = SimAgent::from_seed(1);
    nameless.machine.identity.hostname = "\u{202e}\0".into();
    let request = nameless.enroll_request(&token, nonce, None);
    let problem =
        app.anonymous().post(ENROLL_PATH, serde_json::to_value(&request).unwrap()).await.expect_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "machine.hostname");
    assert_eq!(count(&app.db, "SELECT uses::bigint FROM enrollment_tokens").await, 0);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_key_that_belongs_elsewhere_cannot_enroll_again(db: PgPool) {
    let app = TestApp::new(db).await;
    let mut agent = app.agent(1).await;
    let (organization, site) = app.organization("Other").await;
    let token = app.enrollment_token(organization, site).await;
    let error = agent.enroll(&app.url, &token).await.unwrap_err();
    assert_eq!(error.http_status(), Some((409, Some("key_in_use"))));
    assert_eq!(count(&app.db, "SELECT sum(uses) FROM enrollment_tokens").await, 1, "only the first enrollment counts");

    let spent = TokenRow { revoked_at: Some(start_of_time()), ..TokenRow::default() };
    let token = app.enrollment_token_with(organization, site, spent).await;
    let error = agent.enroll(&app.url, &token).await.unwrap_err();
    assert_eq!(error.http_status(), REFUSED, "a token that is not valid says nothing about keys");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_servers_own_host_is_recognized(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let mut agent = SimAgent::from_seed(1);
    agent.machine.identity.boot_id =
        gururmm_server::agents::server_host::this_host().boot_id.clone().expect("the kernel has a boot id");
    let id = agent.enroll(&app.url, &app.enrollment_token(organization, site).await).await.unwrap();
    assert_eq!(text_of(&app.db, "SELECT server_host::text FROM agents WHERE id = $1", id).await, Some("true".into()));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn attempts_from_one_address_are_bounded(db: PgPool) {
    let app = TestApp::new(db).await;
    let token = EnrollmentToken::new(app.app.keys.server_fingerprint(), [9; 32]);
    let request = SimAgent::from_seed(1).enroll_request(&token, Fingerprint::from_bytes([7; 32]), None);
    let body = serde_json::to_value(&request).unwrap();
    // Somebody behind the same address uses the bound up. It refills: on a slow machine perhaps before the next request
    // is looked at, but hardly as fast as many come at once.
    let client = app.anonymous().forwarded_for("198.51.100.7");
    let answer = loop {
        while app.app.limits.enroll(Some("198.51.100.7".parse().unwrap())).is_ok() {}
        let requests = (0..16).map(|_| client.post(ENROLL_PATH, body.clone()));
        let answers = futures_util::future::join_all(requests).await;
        if let Some(bounded) = answers.into_iter().find(|answer| answer.status != 403) {
            break bounded;
        }
    };
    answer.expect_problem(429, "too_many_requests");
    assert!(answer.headers.contains_key("retry-after"));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn enrollment_is_refused_with_retry_after_while_the_database_is_away(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let (organization, site) = app.organization("Acme").await;
    let token = app.enrollment_token(organization, site).await;
    db.close().await;
    let error = SimAgent::from_seed(1).enroll(&app.url, &token).await.unwrap_err();
    assert_eq!(error.http_status(), Some((503, Some("unavailable"))));
}
