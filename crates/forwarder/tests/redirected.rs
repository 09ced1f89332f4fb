//! Real packets, redirected by real rules, between a host and a neighbour that are namespaces.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says by panicking that it failed")]

use nix::sched::{CloneFlags, setns, unshare};
use pontoon_forwarder::{Forwarder, Limits, Listening, OfKernel, Ports};
use pontoon_linux::Linux;
use pontoon_types::{PortMapping, PortRange, Protocol};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, SocketAddrV6, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket as AsyncUdp};
use tokio::sync::oneshot;

const BOUND: Duration = Duration::from_secs(10);
/// The host's addresses; its neighbour has `2001:db8::9`.
const HOST: [&str; 2] = ["2001:db8::2", "2001:db8::3"];

/// A namespace that lives as long as this.
struct Place(File);

impl Place {
    fn new() -> nix::Result<Self> {
        let enter = || unshare(CloneFlags::CLONE_NEWNET).map(|()| File::open("/proc/thread-self/ns/net").unwrap());
        std::thread::spawn(enter).join().unwrap().map(Self)
    }

    fn run<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            setns(&self.0, CloneFlags::CLONE_NEWNET).unwrap();
            act()
        };
        std::thread::scope(|scope| scope.spawn(inside).join().unwrap())
    }

    fn tell(&self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let output = self.run(|| Command::new(words[0]).args(&words[1..]).output().unwrap());
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn index(&self, link: &str) -> u32 {
        self.run(|| nix::net::if_::if_nametoindex(link).unwrap())
    }
}

/// A host at whose ports 80, 81 (TCP) and 53, 54 (UDP) an IPv4-only service is reached through the forwarder, and a
/// neighbour. The service answers with what it heard.
fn world(test: impl FnOnce(&Place, &Place)) {
    let (host, lan) = match (Place::new(), Place::new()) {
        (Ok(host), Ok(lan)) => (host, lan),
        (Err(errno), _) | (_, Err(errno)) => {
            return pontoon_test_support::skip(&format!("making namespaces is not permitted: {errno}"));
        }
    };
    connect(&host, &lan);
    let (ready, begun) = channel();
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            host.run(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let forwarder = serve().await;
                    ready.send(forwarder.ports()).unwrap();
                    // An error says that the test has failed: the end as well.
                    let _ = stopped.await;
                });
            });
        });
        redirect(&host, begun.recv_timeout(BOUND).unwrap());
        test(&host, &lan);
        drop(stop);
    });
}

fn connect(host: &Place, lan: &Place) {
    let here = || std::fs::read_link("/proc/thread-self").unwrap().file_name().unwrap().to_owned();
    let (tell_tid, tid) = channel();
    let (done, wait) = channel::<()>();
    std::thread::scope(|scope| {
        // A thread in the neighbour's namespace, so that `ip` can name it by a number.
        scope.spawn(|| {
            lan.run(move || {
                tell_tid.send(here()).unwrap();
                let _ = wait.recv();
            });
        });
        let tid = tid.recv().unwrap();
        host.tell(&format!("ip link add v0 type veth peer name v1 netns {}", tid.to_str().unwrap()));
        drop(done);
    });
    for (place, link) in [(host, "v0"), (lan, "v1")] {
        place.tell("ip link set lo up");
        place.run(|| std::fs::write(format!("/proc/sys/net/ipv6/conf/{link}/accept_dad"), "0").unwrap());
    }
    for address in HOST {
        host.tell(&format!("ip addr add {address}/64 dev v0 nodad"));
    }
    host.tell("ip addr add fe80::2/64 dev v0 nodad");
    lan.tell("ip addr add 2001:db8::9/64 dev v1 nodad");
    lan.tell("ip addr add fe80::9/64 dev v1 nodad");
    host.tell("ip link set v0 up");
    lan.tell("ip link set v1 up");
}

async fn serve() -> Forwarder {
    let kernel = Arc::new(Linux::new().unwrap());
    let listening = Listening::open(kernel.as_ref(), None).unwrap();
    let forwarder = listening.start(Arc::new(OfKernel(kernel)), Limits::default()).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let udp = AsyncUdp::bind("127.0.0.1:0").await.unwrap();
    let publish = |protocol, port, target: SocketAddr| {
        forwarder.set(&PortMapping {
            protocol,
            host_ip: "::".parse().unwrap(),
            host: PortRange::single(port),
            container_ip: target.ip(),
            container_start: target.port(),
        });
    };
    [80, 81].into_iter().for_each(|port| publish(Protocol::Tcp, port, tcp.local_addr().unwrap()));
    [53, 54].into_iter().for_each(|port| publish(Protocol::Udp, port, udp.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((mut served, _)) = tcp.accept().await {
            tokio::spawn(async move {
                let mut text = Vec::new();
                served.read_to_end(&mut text).await.unwrap();
                served.write_all(&text).await.unwrap();
            });
        }
    });
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
            udp.send_to(&buffer[..length], from).await.unwrap();
        }
    });
    forwarder
}

fn redirect(host: &Place, ports: Ports) {
    let (tcp, udp) = (ports.tcp, ports.udp);
    let rules = format!("tcp dport {{ 80, 81, 82 }} redirect to :{tcp}; udp dport {{ 53, 54, 55 }} redirect to :{udp}");
    let chain = |name: &str, hook: &str| {
        format!("chain {name} {{ type nat hook {hook} priority -100; policy accept; {rules}; }}")
    };
    let table = format!("table ip6 t {{ {}; {}; }}", chain("pre", "prerouting"), chain("out", "output"));
    let output = host.run(|| Command::new("nft").arg(&table).output().unwrap());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn echo_tcp(to: SocketAddr) -> String {
    let mut stream = TcpStream::connect_timeout(&to, BOUND).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.write_all(to.to_string().as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn udp_client() -> UdpSocket {
    let socket = UdpSocket::bind("[::]:0").unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    socket
}

/// What comes back, and from where.
fn ask(socket: &UdpSocket, to: SocketAddr, text: &[u8]) -> (Vec<u8>, SocketAddr) {
    socket.send_to(text, to).unwrap();
    let mut buffer = vec![0; 65_536];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    buffer.truncate(length);
    (buffer, from)
}

fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse::<IpAddr>().unwrap(), port)
}

fn link_local(place: &Place, port: u16) -> SocketAddr {
    SocketAddrV6::new("fe80::2".parse().unwrap(), port, 0, place.index("v1")).into()
}

#[test]
fn a_neighbour_reaches_an_ipv4_service_at_any_address_of_the_host() {
    world(|_, lan| {
        for to in [at(HOST[0], 80), at(HOST[1], 81), link_local(lan, 80)] {
            assert_eq!(lan.run(|| echo_tcp(to)), to.to_string());
        }
    });
}

#[test]
fn answers_come_from_the_address_and_port_that_was_asked() {
    world(|_, lan| {
        let scoped = link_local(lan, 53);
        lan.run(|| {
            // One client after another, and one client that asks at every place.
            let everywhere = udp_client();
            for to in [at(HOST[0], 53), at(HOST[1], 53), at(HOST[1], 54), scoped, at(HOST[0], 53)] {
                for socket in [&udp_client(), &everywhere] {
                    assert_eq!(ask(socket, to, b"who"), (b"who".to_vec(), to));
                }
            }
        });
    });
}

#[test]
fn the_host_reaches_the_service_at_its_own_loopback_and_addresses() {
    world(|host, _| {
        host.run(|| {
            for address in ["::1", HOST[0]] {
                assert_eq!(echo_tcp(at(address, 80)), at(address, 80).to_string());
                assert_eq!(ask(&udp_client(), at(address, 53), b"who"), (b"who".to_vec(), at(address, 53)));
            }
        });
    });
}

#[test]
fn the_largest_datagrams_pass_in_fragments() {
    world(|_, lan| {
        lan.run(|| {
            let large = vec![7; 65_507];
            assert_eq!(ask(&udp_client(), at(HOST[0], 53), &large), (large, at(HOST[0], 53)));
        });
    });
}

#[test]
fn a_redirected_port_that_is_not_published_is_closed() {
    world(|_, lan| {
        lan.run(|| {
            let mut stream = TcpStream::connect_timeout(&at(HOST[0], 82), BOUND).unwrap();
            stream.set_read_timeout(Some(BOUND)).unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
            let socket = udp_client();
            socket.send_to(b"unpublished", at(HOST[0], 55)).unwrap();
            // What is answered first is what was asked second.
            assert_eq!(ask(&socket, at(HOST[0], 53), b"published").0, b"published");
        });
    });
}
