//! Large documents in small stacks, many threads, flat memory, cold starts. What needs a process of its own runs in one:
//! this program again, with one of the ignored tests.

use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration as Wait, Instant};

use super::corpus::{ATTACKS, Case, cases};
use super::forge::{Sign, USER};
use super::*;

const THREADS: usize = 4;
/// samael's default way leaked 3.4 KB of every response; what this leaves is a tenth of it.
const LEAK: usize = 340;

fn with_values(count: usize) -> String {
    let values = format!("<saml:AttributeValue>{USER}</saml:AttributeValue>").repeat(count);
    WORLD.said("<saml:AttributeValue>staff</saml:AttributeValue>", &values)
}

fn in_a_small_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn_scoped(scope, work);
        thread.unwrap().join().unwrap()
    })
}

#[test]
fn the_largest_allowed_response_is_read_in_a_small_stack() {
    let xml = with_values(3_600);
    assert!(xml.len() > 200 << 10 && xml.len() < 256 << 10, "{}", xml.len());
    let verified = in_a_small_stack(|| Receive::default().xml(&xml).unwrap());
    assert_eq!(verified.claims()["groups"].as_array().unwrap().len(), 3_601);
}

#[test]
fn larger_ones_are_refused_and_would_not_overflow_the_engine() {
    let xml = with_values(20_000);
    assert_eq!(Receive::default().reason(&xml), "too_large");
    let bytes = in_a_small_stack(|| XmlSec::new().verified_bytes(&xml, &[&WORLD.idp.certificate]).unwrap());
    assert!(bytes.len() > 800 << 10);
}

/// Runs an ignored test of this file in a fresh process.
fn alone(test: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    // one arena: glibc's many keep what a thread gave back, which looks like a leak
    command.env("MALLOC_ARENA_MAX", "1");
    let output = command.args(["--exact", &name, "--ignored", "--nocapture"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{}: {said}", output.status);
    said
}

#[test]
fn good_and_hostile_messages_pass_through_threads_and_memory_stays_flat() {
    eprintln!("{}", alone("a_mix_of_messages").lines().filter(|line| line.contains("responses")).collect::<String>());
}

#[test]
fn the_first_responses_may_come_on_all_threads_at_once() {
    for _ in 0..5 {
        alone("a_cold_start");
    }
}

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

struct Mix {
    good: Vec<String>,
    hostile: Vec<Case>,
    receive: Receive,
}

impl Mix {
    fn new() -> Self {
        let good = vec![WORLD.signed_both(), WORLD.signed_response(), WORLD.signed_assertion()];
        Self { good, hostile: cases(&WORLD, &ATTACKS), receive: Receive::default() }
    }

    fn check(&self, number: usize) {
        if number.is_multiple_of(2) {
            let verified = self.receive.xml(&self.good[number / 2 % self.good.len()]).unwrap();
            assert_eq!(verified.name_id.value, USER);
        } else {
            let case = &self.hostile[number / 2 % self.hostile.len()];
            assert_eq!(self.receive.reason(&case.xml), case.expected, "{}", case.name);
        }
    }

    /// Checks `numbers` on all threads.
    fn run(&self, numbers: std::ops::Range<usize>) {
        let next = AtomicUsize::new(numbers.start);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while let number = next.fetch_add(1, Ordering::Relaxed)
                        && number < numbers.end
                    {
                        self.check(number);
                    }
                });
            }
        });
    }
}

/// `AVOUCH_SAML_LOAD_SECONDS`: how long, 3 otherwise.
#[test]
#[ignore = "runs in a process of its own"]
fn a_mix_of_messages() {
    let seconds = std::env::var("AVOUCH_SAML_LOAD_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let mix = Mix::new();
    let round = 2 * mix.hostile.len();
    // until the allocator has what it will ever need
    mix.run(0..2 * round);
    let (before, began, mut done) = (resident(), Instant::now(), 0);
    while done == 0 || began.elapsed() < Wait::from_secs(seconds) {
        mix.run(done..done + round);
        done += round;
    }
    let grown = resident().saturating_sub(before);
    eprintln!("{done} responses in {:?}, {} KiB grown from {} KiB", began.elapsed(), grown >> 10, before >> 10);
    assert!(grown < (2 << 20) + done * LEAK, "{done} responses left {grown} bytes");
}

#[test]
#[ignore = "runs in a process of its own"]
fn a_cold_start() {
    let attacker = WORLD.response(&Sign::by(&WORLD.attacker).apply(&WORLD.assertion(), "_assertion"));
    let (good, barrier) = (WORLD.signed_both(), Barrier::new(2 * THREADS));
    let receive = Receive::default();
    std::thread::scope(|scope| {
        for number in 0..2 * THREADS {
            let (good, attacker, barrier, receive) = (&good, &attacker, &barrier, &receive);
            scope.spawn(move || {
                barrier.wait();
                if number.is_multiple_of(2) {
                    assert_eq!(receive.xml(good).unwrap().name_id.value, USER);
                } else {
                    assert_eq!(receive.reason(attacker), "unknown_certificate");
                }
            });
        }
    });
}
