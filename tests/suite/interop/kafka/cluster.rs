//! A whole Kafka: broker and controller in one process (KRaft), its one listener for applications set up by the printed lines
//! and flag, and an authorizer that lets nobody in but its super user until an ACL names somebody.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use super::super::{Stage, built};
use super::kafka;
use crate::harness::until;
use crate::integrations::paste::{environment, titled};

pub struct Cluster {
    child: Child,
    /// Where applications come in.
    pub servers: String,
    log: PathBuf,
}

impl Cluster {
    /// As an operator sets it up who pasted what is printed for one of its applications; `admin` is the super user.
    pub async fn start(stage: &Stage, printed: &str, admin: &str) -> Self {
        let printed = titled(printed);
        let listeners = [0; 3].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
        let [port, controller, inside] = listeners.each_ref().map(|listener| listener.local_addr().unwrap().port());
        drop(listeners);
        let files = stage.broker.files();
        let read = |name: &str| std::fs::read_to_string(files.join(name)).unwrap();
        let keystore = stage.file("kafka.pem", &[read("tls.key"), read("tls.pem")].concat());
        let (keystore, data) = (keystore.display(), files.join("kafka-data"));
        let own = format!(
            "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:{controller}
listeners=SASL_SSL://localhost:{port},CONTROLLER://localhost:{controller},INSIDE://localhost:{inside}
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT,INSIDE:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=INSIDE
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:{admin}
log.dirs={data}
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
",
            data = data.display(),
        );
        let settings = stage.file("kafka.properties", &format!("{own}{}", printed["Broker"]));
        let log = built("kafka").join(format!("{port}.log"));
        let output = || Stdio::from(std::fs::File::options().create(true).append(true).open(&log).unwrap());
        let mut format = stage.java("kafka", "kafka.tools.StorageTool");
        format.args(["format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c"]).arg(&settings);
        assert!(format.stdout(output()).stderr(output()).status().unwrap().success(), "see {}", log.display());
        let mut command = stage.java("kafka", "kafka.Kafka");
        let options = &environment(&printed["Broker, its flag"], &[])["KAFKA_OPTS"];
        command.arg(&settings).env("JDK_JAVA_OPTIONS", options).stdout(output()).stderr(output());
        let child = command.spawn().unwrap();
        let mut cluster = Self { child, servers: format!("localhost:{port}"), log };
        until("Kafka has started", async || {
            assert_eq!(cluster.child.try_wait().unwrap(), None, "Kafka ended; see {}", cluster.log.display());
            cluster.said("Kafka Server started").then_some(())
        })
        .await;
        cluster
    }

    pub fn said(&self, words: &str) -> bool {
        std::fs::read_to_string(&self.log).unwrap_or_default().contains(words)
    }

    /// The Java client of this application.
    pub fn java(&self, stage: &Stage, client: &str, secret: &str) -> tokio::process::Command {
        let printed = stage.snippet(client, "kafka");
        let name = format!("{client}.properties");
        let mut command = kafka(stage, "Messages", (&name, &printed["Java client"]), &printed["Java client, its flag"]);
        command.arg(&self.servers).env(super::variable(client), secret);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
