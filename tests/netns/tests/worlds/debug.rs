
use pontoon_test_support::*;
use std::net::SocketAddr;
#[test]
fn debug() {
    let Some(world) = World::new() else { return };
    world.network("--ipv6 front");
    let web = world.sandbox("web", "--network front -p 8080:80/tcp -p 8080:80/udp");
    serve_all(&web, &[80]);
    let t = std::time::Instant::now();
    eprintln!("{:?} {:?}", patient(world.lan(), Transport::Tcp, SocketAddr::new(world.lan().host[1], 8080)), t.elapsed());
    let bridge = format!("br-{}", &world.api().network("front", false, "").unwrap().id[..12]);
    world.host().tell(&format!("ip link delete {bridge}"));
    let t = std::time::Instant::now();
    until_true("x", std::time::Duration::from_secs(3), || world.host().has_link(&bridge));
    eprintln!("{:?}", patient(world.lan(), Transport::Tcp, SocketAddr::new(world.lan().host[1], 8080)));
    eprintln!("{:?}", t.elapsed());
    for l in ["ip -6 neigh", "ip addr", "ip -6 route", "nft list ruleset", "bridge link", "bridge mdb"] { eprintln!("== {l}\n{}", world.host().tell(l)); }
    for l in ["ip -6 neigh", "ip addr", "ip -6 route", "ping -c 1 -W 3 2001:db8:1::2"] { eprintln!("== {l}\n{:?}", String::from_utf8_lossy(&web.output("sh", &["-c", l]).stdout)); }
}
