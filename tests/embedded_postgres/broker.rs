//! A broker in a process of its own, to be killed or to run as another user.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use avouch::embedded_postgres;
use tempfile::TempDir;

use crate::observe::{ask, is_alive, is_root, postmaster};

/// Not a test: what `Broker` runs. Starts Postgres, says so, and waits to be killed or for its input to end.
#[test]
#[ignore = "run by other tests in a process of its own"]
fn broker() {
    let Some(data) = std::env::var_os("TEST_DATA_DIR") else {
        return;
    };
    match embedded_postgres::start(Path::new(&data)) {
        Ok(postgres) => {
            println!("\nREADY {}", postmaster(Path::new(&data)));
            assert_eq!(ask(&postgres, "SELECT 'open'"), "open");
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            postgres.stop().unwrap();
        }
        Err(error) => println!("\nFAILED {error}"),
    }
}

pub struct Broker {
    pub child: Child,
    pub postmaster: i32,
    _program: Option<TempDir>,
}

impl Broker {
    pub fn start(data: &Path, uid: Option<u32>) -> Broker {
        let (child, said, program) = Self::launch(data, uid, &[]);
        let pid = said.strip_prefix("READY ").unwrap_or_else(|| panic!("{said}"));
        Broker { child, postmaster: pid.parse().unwrap(), _program: program }
    }

    /// Runs a broker that is expected not to start, and returns what it said.
    pub fn fail(data: &Path, uid: Option<u32>, env: &[(&str, &Path)]) -> String {
        let (mut child, said, _program) = Self::launch(data, uid, env);
        child.wait().unwrap();
        said.strip_prefix("FAILED ").unwrap_or_else(|| panic!("{said}")).to_owned()
    }

    pub fn stop(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
        assert!(!is_alive(self.postmaster));
    }

    /// `uid` counts only when the tests run as root.
    fn launch(data: &Path, uid: Option<u32>, env: &[(&str, &Path)]) -> (Child, String, Option<TempDir>) {
        let mut program = std::env::current_exe().unwrap();
        let mut copy = None;
        let uid = uid.filter(|_| is_root());
        if uid.is_some() {
            // Another user may not reach the build directory.
            let dir = TempDir::new().unwrap();
            fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
            fs::copy(&program, dir.path().join("broker")).unwrap();
            program = dir.path().join("broker");
            copy = Some(dir);
        }
        let mut command = Command::new(program);
        command
            .args(["--ignored", "--exact", "broker::broker", "--nocapture"])
            .env("TEST_DATA_DIR", data)
            .current_dir("/");
        command.envs(env.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(uid) = uid {
            command.uid(uid).gid(uid);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let said = lines.find(|line| line.starts_with("READY ") || line.starts_with("FAILED ")).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        (child, said, copy)
    }
}
