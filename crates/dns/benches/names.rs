//! Names per second of one sandbox, 100 outstanding, beside a bare UDP echo in the same run: their ratio, and the time
//! that the answering thread spends for each query. `cargo bench -p pontoon-dns`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says by panicking that it failed"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use hickory_proto::rr::RecordType;
use pontoon_dns::{Scratch, Settings, Terms, Transport, answer};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::client::query;
use support::{World, from_host, network, sees};

const OUTSTANDING: usize = 100;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 7;

/// Queries per second and processor time per query.
#[derive(Clone, Copy, Debug)]
struct Rate {
    per_second: f64,
    processor: Duration,
}

fn main() {
    let messages: Vec<Vec<u8>> = (0..10).map(|n| query(&format!("c{n}"), RecordType::A).to_vec().unwrap()).collect();
    bare_decision(&messages);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push((echo(&messages), resolver(&messages)));
    }
    let (echo, ours): (Vec<Rate>, Vec<Rate>) = rounds.into_iter().unzip();
    let ratio = median(echo.iter().zip(&ours).map(|(echo, ours)| ours.per_second / echo.per_second).collect());
    print_rates("bare UDP echo", &echo);
    print_rates("resolver", &ours);
    println!("ratio {ratio:.2}");
}

fn print_rates(what: &str, rates: &[Rate]) {
    let per_second = median(rates.iter().map(|rate| rate.per_second).collect());
    let processor = median(rates.iter().map(|rate| rate.processor.as_secs_f64() * 1e6).collect());
    println!("{what:14} {per_second:9.0} per second  {processor:5.2} µs of processor time each");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What the decision alone costs, without sockets.
fn bare_decision(messages: &[Vec<u8>]) {
    let names = names();
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    let terms = Terms { transport: Transport::Udp, ndots_set: false };
    let (start, count) = (Instant::now(), 2_000_000u32);
    for message in messages.iter().cycle().take(count as usize) {
        out.clear();
        std::hint::black_box(answer(std::hint::black_box(message), &names, terms, &mut scratch, &mut out));
    }
    println!("decision alone {:?} each", start.elapsed() / count);
}

fn names() -> Arc<pontoon_cnm::SandboxNames> {
    let endpoints: Vec<(String, String)> =
        (0..1000).map(|n| (format!("c{n}"), format!("10.1.{}.{}", n / 250, n % 250))).collect();
    let net = network("mynet", &[]);
    for (name, address) in &endpoints {
        net.names.insert(pontoon_types::EndpointId::random(), support::record(&[name], &[address]));
    }
    sees(vec![net])
}

fn resolver(messages: &[Vec<u8>]) -> Rate {
    let settings = Settings { answering_threads: std::num::NonZeroUsize::MIN, ..Settings::default() };
    let world = World::new(settings);
    let (_, ports) = world.sandbox(&names(), from_host(&[]));
    load(SocketAddr::from(([127, 0, 0, 11], ports.udp)), messages, "dns")
}

/// Receives a datagram and sends one as long as an answer, with nothing in between.
fn echo(messages: &[Vec<u8>]) -> Rate {
    let socket = UdpSocket::bind("127.0.0.11:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (address, stop) = (socket.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
    let stopped = stop.clone();
    let thread = std::thread::Builder::new().name("echo".into()).spawn(move || {
        let mut buffer = [0; 2048];
        while !stopped.load(Ordering::Relaxed) {
            if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                socket.send_to(&buffer[..length + 16], from).unwrap();
            }
        }
    });
    let rate = load(address, messages, "echo");
    stop.store(true, Ordering::Relaxed);
    thread.unwrap().join().unwrap();
    rate
}

fn load(server: SocketAddr, messages: &[Vec<u8>], thread: &str) -> Rate {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut messages = messages.iter().cycle();
    let mut send = || socket.send(messages.next().unwrap()).unwrap();
    for _ in 0..OUTSTANDING {
        send();
    }
    let (mut buffer, mut answered) = ([0; 2048], 0u32);
    let (start, before) = (Instant::now(), processor_time(thread));
    while start.elapsed() < ROUND {
        for _ in 0..64 {
            assert!(socket.recv(&mut buffer).unwrap() > 12);
            answered += 1;
            send();
        }
    }
    let (took, processor) = (start.elapsed(), processor_time(thread) - before);
    Rate { per_second: f64::from(answered) / took.as_secs_f64(), processor: processor / answered }
}

/// Time that threads of this name have run.
fn processor_time(name: &str) -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let ours = tasks.filter(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name));
    let spent = |task: std::path::PathBuf| {
        let text = std::fs::read_to_string(task.join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    Duration::from_nanos(ours.map(spent).sum())
}
