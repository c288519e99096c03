//! Apache Kafka: the broker checks tokens by our JWKS (BrokerJwtValidator), applications fetch them by client_credentials.

use super::oauthbearer::{self, Machine, Written};
use super::{Block, Question, SnippetError, Subject, System};

const QUESTIONS: &[Question] = &[
    Question { key: "cluster", label: "The cluster's name, which becomes the audience", usual: Some("kafka") },
    oauthbearer::applications("kafka-app"),
];

pub(super) const SYSTEM: System = System {
    name: "kafka",
    title: "Apache Kafka",
    questions: QUESTIONS,
    people: None,
    preset: |answers| oauthbearer::preset(answers, "Kafka", answers.get("cluster")),
    snippets,
};

const JAVA: Written = Written {
    version: "Apache Kafka 3.5 to 4",
    page: "https://kafka.apache.org/documentation/#security_sasl_oauthbearer",
};
const LIBRDKAFKA: Written = Written {
    version: "librdkafka 1.9.2 and later",
    page: "https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md",
};

fn snippets(subject: &Subject<'_>) -> Result<Vec<Block>, SnippetError> {
    let machine = Machine::of(subject, "kafka")?;
    let mut blocks = oauthbearer::broker(subject, machine.audience, JAVA)?;
    blocks.extend(machine.java(JAVA, &[])?);
    blocks.push(machine.librdkafka(LIBRDKAFKA, &[])?);
    Ok(blocks)
}
