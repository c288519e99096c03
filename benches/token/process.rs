//! `avouch serve` as a process of its own, a second replica on the broker's database: what it costs to start and to keep.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::broker::{Broker, listen};
use super::load::{Wire, get};

pub struct Replica {
    pub address: SocketAddr,
    /// From the start of the process until it said that it is ready.
    pub start_up: Duration,
    child: Child,
}

impl Replica {
    pub fn start(broker: &Broker) -> Self {
        let database = broker.database();
        let socket = database.get_socket().unwrap().display().to_string();
        let url = format!("postgres://{}@localhost/avouch?host={socket}", database.get_username());
        let [address, ops] = [listen(), listen()].map(|listener| listener.local_addr().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_avouch"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AVOUCH_")) {
            command.env_remove(name);
        }
        command.current_dir(broker.files()).arg("serve").envs([
            ("AVOUCH_ISSUER", format!("http://localhost:{}", broker.address.port())),
            ("AVOUCH_LISTEN", address.to_string()),
            ("AVOUCH_OPS_LISTEN", ops.to_string()),
            ("AVOUCH_DATABASE_URL", url),
            ("AVOUCH_DATA_DIR", broker.data_dir().display().to_string()),
            ("AVOUCH_MASTER_KEY_FILE", broker.data_dir().join("master.key").display().to_string()),
            ("AVOUCH_RATE_LIMIT", "0".to_owned()),
        ]);
        // its log is written, as it is in earnest
        let began = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while std::net::TcpStream::connect(ops).is_err() || Wire::open(ops).ask(&get("/readyz", "")).0 != 200 {
            assert!(began.elapsed() < Duration::from_secs(30), "avouch serve does not start");
            std::thread::sleep(Duration::from_millis(1));
        }
        Self { address, start_up: began.elapsed(), child }
    }

    /// Resident memory in MiB.
    pub fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
