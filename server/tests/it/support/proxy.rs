//! A TCP proxy before Postgres that can be cut: the database goes away for the server, and for nobody else.

use std::net::SocketAddr;

use sqlx::PgPool;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Proxy {
    address: SocketAddr,
    open: watch::Sender<bool>,
}

impl Proxy {
    /// A proxy before the Postgres of this pool.
    pub async fn before(db: &PgPool) -> Self {
        let options = db.connect_options();
        let upstream = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (upstream, mut state) = (upstream.clone(), state.clone());
                tokio::spawn(async move {
                    if *state.borrow() {
                        tokio::select! {
                            () = pipe(near, upstream) => {}
                            _ = state.wait_for(|open| !open) => {}
                        }
                    }
                });
            }
        });
        Self { address, open }
    }

    /// A pool that reaches Postgres through the proxy, set up as the server's own.
    pub fn pool(&self, db: &PgPool) -> PgPool {
        let options = (*db.connect_options()).clone().host("127.0.0.1").port(self.address.port());
        gururmm_server::db::pool(options, 5)
    }

    /// Ends every connection, and every new one at once.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.open.send_replace(true);
    }
}

async fn pipe(mut near: TcpStream, upstream: (String, u16)) {
    if let Ok(mut far) = TcpStream::connect(upstream).await {
        // However it ends, both sides are closed.
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    }
}
