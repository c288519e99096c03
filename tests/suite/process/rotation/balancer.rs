//! What stands in front of replicas: connections in turn, to the next one when nobody answers. As a load balancer that has not
//! noticed yet: what a dying replica was busy with is cut off.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

pub struct Balancer {
    task: AbortHandle,
}

impl Balancer {
    pub async fn listen() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    pub fn start(listener: TcpListener, replicas: Vec<SocketAddr>) -> Self {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        let task = tokio::spawn(async move {
            while let Ok((mut visitor, _)) = listener.accept().await {
                let replicas = replicas.clone();
                tokio::spawn(async move {
                    let first = TURN.fetch_add(1, Ordering::Relaxed);
                    for index in 0..replicas.len() {
                        if let Ok(mut replica) = TcpStream::connect(replicas[(first + index) % replicas.len()]).await {
                            let _ = tokio::io::copy_bidirectional(&mut visitor, &mut replica).await;
                            return;
                        }
                    }
                });
            }
        });
        Self { task: task.abort_handle() }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
