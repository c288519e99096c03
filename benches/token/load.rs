//! Load over keep-alive connections, one thread each, and what came of it. Both sides of a comparison pay the same for it,
//! and they are measured in turn, so that a machine that is busy now and then is busy for both.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub const CONNECTIONS: usize = 8;
const ROUND: Duration = Duration::from_millis(1500);
/// The first is thrown away.
const ROUNDS: usize = 6;

/// What one connection does again and again. It may remember: a refresh needs the token of the one before.
pub type Turn = Box<dyn FnMut(&mut Wire) + Send>;

/// A server under load.
pub struct Side {
    pub address: SocketAddr,
    pub turns: Vec<Turn>,
}

impl Side {
    /// The same request from every connection.
    pub fn repeating(address: SocketAddr, request: &str) -> Self {
        let turn = || -> Turn {
            let request = request.to_owned();
            Box::new(move |wire| {
                wire.exchange(&request, 200);
            })
        };
        Self { address, turns: (0..CONNECTIONS).map(|_| turn()).collect() }
    }

    fn round(&mut self) -> Round {
        let (began, address) = (Instant::now(), self.address);
        let spent: Vec<u32> = std::thread::scope(|scope| {
            let workers = self.turns.iter_mut().map(|turn| scope.spawn(move || work(address, turn, began)));
            let workers: Vec<_> = workers.collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        Round { per_second: spent.len() as f64 / began.elapsed().as_secs_f64(), spent }
    }
}

/// One connection's turns, in microseconds each.
fn work(address: SocketAddr, turn: &mut Turn, began: Instant) -> Vec<u32> {
    let mut wire = Wire::open(address);
    let mut spent = Vec::with_capacity(1 << 14);
    while began.elapsed() < ROUND {
        let at = Instant::now();
        turn(&mut wire);
        spent.push(at.elapsed().as_micros() as u32);
    }
    spent
}

struct Round {
    per_second: f64,
    spent: Vec<u32>,
}

/// Medians over the rounds.
pub struct Compared {
    pub ours: f64,
    pub ceiling: f64,
    /// Of the pairs of rounds.
    pub ratio: f64,
    /// Of our side, in milliseconds.
    pub p99: f64,
}

pub fn compare(ours: &mut Side, ceiling: &mut Side) -> Compared {
    let mut pairs: Vec<(Round, Round)> = (0..ROUNDS).map(|_| (ours.round(), ceiling.round())).collect();
    pairs.remove(0);
    let over = |value: fn(&(Round, Round)) -> f64| median(pairs.iter().map(value).collect());
    let rates = (over(|(a, _)| a.per_second), over(|(_, b)| b.per_second));
    let ratio = over(|(a, b)| a.per_second / b.per_second);
    let mut spent: Vec<u32> = pairs.iter().flat_map(|(a, _)| a.spent.iter().copied()).collect();
    spent.sort_unstable();
    Compared { ours: rates.0, ceiling: rates.1, ratio, p99: f64::from(spent[spent.len() * 99 / 100]) / 1000.0 }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One keep-alive connection.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: vec![0; 64 << 10] }
    }

    /// The whole answer. Any other status ends the benchmark: fast errors would look like a record.
    pub fn exchange(&mut self, request: &str, expected: u16) -> &str {
        let (status, answer) = self.ask(request);
        assert_eq!(status, expected, "{answer}");
        answer
    }

    /// Status and whole answer, which has a Content-Length.
    pub fn ask(&mut self, request: &str) -> (u16, &str) {
        self.stream.write_all(request.as_bytes()).unwrap();
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).unwrap();
            assert!(read > 0, "the server closed the connection");
            filled += read;
            let text = std::str::from_utf8(&self.buffer[..filled]).unwrap();
            let Some(head) = text.find("\r\n\r\n") else { continue };
            if filled >= head + 4 + content_length(&text[..head]) {
                break;
            }
        }
        let text = std::str::from_utf8(&self.buffer[..filled]).unwrap();
        (text[9..12].parse().unwrap(), text)
    }
}

fn content_length(head: &str) -> usize {
    const NAME: &str = "content-length: ";
    let line = head.lines().find(|line| line.get(..NAME.len()).is_some_and(|n| n.eq_ignore_ascii_case(NAME)));
    line.expect("a Content-Length")[NAME.len()..].trim().parse().unwrap()
}

/// A form post.
pub fn post(path: &str, basic: &str, form: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {basic}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

pub fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}
