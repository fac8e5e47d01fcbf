//! The dashboard's files. Built or not, the server must answer sensibly: what can be checked only with a dashboard is
//! checked when the server was compiled with one in `dashboard/dist`; otherwise, that the server says so.

use std::path::{Path, PathBuf};

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use sqlx::PgPool;

use crate::support::{Client, TestApp};

fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboard/dist")
}

struct File {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A file as it is on the wire: a given `Accept-Encoding` is sent as it is, and nothing is unpacked.
async fn get(client: &Client, path: &str, headers: &[(&'static str, &str)]) -> File {
    let mut request = client.request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    File { status, headers, body: answer.bytes().await.unwrap().to_vec() }
}

/// Whether the server was compiled with a dashboard. Without one, it must say so.
async fn is_built(client: &Client) -> bool {
    let file = get(client, "/", &[]).await;
    if file.status == 200 {
        return true;
    }
    assert_eq!(file.status, 404);
    assert_eq!(file.headers["content-type"], "text/plain; charset=utf-8");
    let text = String::from_utf8(file.body).unwrap();
    assert!(text.contains("The dashboard was not built into this server. Run npm run build"), "{text}");
    false
}

/// Paths of the built assets that have a file with this ending beside them.
fn assets_with(ending: &str) -> Vec<String> {
    let names = std::fs::read_dir(dist().join("assets")).into_iter().flatten().flatten();
    names
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(ending)?.to_owned()))
        .filter(|name| !name.is_empty())
        .map(|name| format!("/assets/{name}"))
        .collect()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn every_address_of_the_dashboard_is_the_page(db: PgPool) {
    let app = TestApp::new(db).await;
    let client = app.anonymous();
    let built = is_built(&client).await;
    for path in ["/", "/index.html", "/agents", "/organizations/7/agents?sort=name", "/a/b/c/d"] {
        let file = get(&client, path, &[]).await;
        if !built {
            assert_eq!(file.status, 404, "{path}");
            continue;
        }
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.body, std::fs::read(dist().join("index.html")).unwrap(), "{path}");
        assert_eq!(file.headers["content-type"], "text/html");
        assert_eq!(file.headers["cache-control"], "no-cache");
        assert_eq!(file.headers["vary"], "accept-encoding");
        assert_eq!(file.headers["x-content-type-options"], "nosniff");
        let policy = file.headers["content-security-policy"].to_str().unwrap();
        for part in ["default-src 'none'", "script-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.split("; ").any(|found| found == part), "{part}: {policy}");
        }
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_is_no_file_and_no_page_is_a_problem(db: PgPool) {
    let app = TestApp::new(db).await;
    let client = app.anonymous();
    for path in
        ["/assets/gone", "/assets/gone-abc123.js", "/gone.png", "/agents/gone.txt", "/index.html.br", "/index.html.gz"]
    {
        client.get(path).await.expect_problem(404, "not_found");
    }
    for path in
        ["/..%2fCargo.toml", "/%2e%2e/%2e%2e/Cargo.toml", "/assets/..%2f..%2fpackage.json", "/assets//etc/passwd"]
    {
        client.get(path).await.expect_problem(404, "not_found");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer = client.send(client.request(method, "/agents")).await;
        answer.expect_problem(405, "method_not_allowed");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn assets_stay_in_caches_are_compressed_when_asked_for_and_not_sent_again(db: PgPool) {
    let app = TestApp::new(db).await;
    let client = app.anonymous();
    if !is_built(&client).await {
        client.get("/assets/index.js").await.expect_problem(404, "not_found");
        return;
    }
    for (ending, encoding) in [(".br", "br"), (".gz", "gzip")] {
        let assets = assets_with(ending);
        assert!(!assets.is_empty(), "the build makes {ending} files");
        for path in assets {
            client.get(&format!("{path}{ending}")).await.expect_problem(404, "not_found");
            let on_disk = |ending: &str| std::fs::read(format!("{}{path}{ending}", dist().display())).unwrap();
            for plain in ["", "identity", "zstd", &format!("{encoding};q=0"), &format!("x{encoding}")] {
                let file = get(&client, &path, &[("accept-encoding", plain)]).await;
                assert!(!file.headers.contains_key("content-encoding"), "{plain:?} {path}");
                assert_eq!(file.body, on_disk(""), "{path}");
            }
            let accepted = format!("zstd, {encoding} ; q=0.5");
            let packed = get(&client, &path, &[("accept-encoding", &accepted)]).await;
            assert_eq!(
                (packed.status.as_u16(), &packed.headers["content-encoding"]),
                (200, &encoding.parse().unwrap())
            );
            assert_eq!(packed.headers["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(packed.headers["vary"], "accept-encoding");
            assert_eq!(packed.body, on_disk(ending), "{path}");
            let tag = packed.headers["etag"].to_str().unwrap();
            let plain = get(&client, &path, &[("accept-encoding", "identity")]).await;
            assert_ne!(plain.headers["etag"], packed.headers["etag"], "two forms, two tags");
            for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}")] {
                let headers = [("accept-encoding", accepted.as_str()), ("if-none-match", &known)];
                let again = get(&client, &path, &headers).await;
                assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{known}");
                assert_eq!(again.headers["etag"], packed.headers["etag"]);
            }
            let other = [("accept-encoding", accepted.as_str()), ("if-none-match", "\"other\"")];
            assert_eq!(get(&client, &path, &other).await.status, 200);
        }
    }
}
