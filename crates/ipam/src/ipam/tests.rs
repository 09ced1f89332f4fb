//! Docker's rules for pools and addresses, and the laws that hold whatever is asked for.

use super::*;
use pontoon_types::{AddressPool, ErrorKind, Kind, chain};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn ipam() -> Ipam {
    Ipam::new(AddressPools::defaults("abc"))
}

fn small() -> Ipam {
    let pools = [AddressPool { base: net("10.0.0.0/22"), size: 24 }];
    Ipam::new(AddressPools::configured(&pools, "abc").unwrap())
}

fn automatic(ipam: &mut Ipam, family: Family) -> Result<PoolId, Error> {
    ipam.request_pool(&PoolRequest::any(family, "auto")).map(|lease| lease.id)
}

fn fixed(ipam: &mut Ipam, subnet: &str, range: &str, owner: &str) -> Result<PoolId, Error> {
    let subnet = net(subnet);
    let request = PoolRequest {
        subnet: Some(subnet),
        range: range.parse().ok(),
        ..PoolRequest::any(Family::of_net(&subnet), owner)
    };
    ipam.request_pool(&request).map(|lease| lease.id)
}

fn next(ipam: &mut Ipam, pool: &PoolId) -> Result<String, Error> {
    ipam.allocate(pool, None).map(|lease| lease.address.to_string())
}

fn take(ipam: &mut Ipam, pool: &PoolId, address: &str) -> Result<String, Error> {
    ipam.allocate(pool, Some(ip(address))).map(|lease| lease.address.to_string())
}

#[test]
fn default_subnets_are_given_out_in_address_order_until_none_is_left() {
    let mut ipam = ipam();
    let mut given: Vec<String> = Vec::new();
    let error = loop {
        match automatic(&mut ipam, Family::V4) {
            Ok(id) => given.push(id.subnet.to_string()),
            Err(error) => break error,
        }
    };
    let expected =
        (17..32).map(|n| format!("172.{n}.0.0/16")).chain((0..16).map(|n| format!("192.168.{}.0/20", n * 16)));
    assert_eq!(given, expected.collect::<Vec<_>>());
    assert_eq!(error.to_string(), "all predefined address pools have been fully subnetted");
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn automatic_ipv6_subnets_come_from_the_hosts_own_pool() {
    let mut ipam = ipam();
    assert_eq!(automatic(&mut ipam, Family::V6).unwrap().to_string(), "LocalDefault/fdbf:8f01:cfea::/64");
    assert_eq!(automatic(&mut ipam, Family::V6).unwrap().to_string(), "LocalDefault/fdbf:8f01:cfea:1::/64");
}

#[test]
fn a_freed_subnet_is_used_again_at_once() {
    let mut ipam = ipam();
    let first = automatic(&mut ipam, Family::V4).unwrap();
    let second = automatic(&mut ipam, Family::V4).unwrap();
    ipam.release_pool(&first).unwrap();
    assert_eq!(automatic(&mut ipam, Family::V4), Ok(first));
    assert_ne!(first, second);
    ipam.release_pool(&first).unwrap();
    assert_eq!(ipam.release_pool(&first), Err(Error::UnknownPool(first)));
}

#[test]
fn automatic_subnets_keep_away_from_what_is_in_use_here_and_at_the_host() {
    let mut ipam = ipam();
    fixed(&mut ipam, "172.18.128.0/24", "", "mine").unwrap();
    fixed(&mut ipam, "172.20.0.0/15", "", "wide").unwrap();
    let reserved = [
        Reserved { prefix: net("172.17.0.53/32"), what: "name server".into() },
        Reserved { prefix: net("172.19.0.0/24"), what: "route on eth0".into() },
        Reserved { prefix: net("fdbf:8f01:cfea::53/128"), what: "name server".into() },
    ];
    let any = |family| PoolRequest { reserved: &reserved, ..PoolRequest::any(family, "auto") };
    assert_eq!(ipam.request_pool(&any(Family::V4)).unwrap().id.subnet, net("172.22.0.0/16"));
    assert_eq!(ipam.request_pool(&any(Family::V6)).unwrap().id.subnet, net("fdbf:8f01:cfea:1::/64"));
    let asked = PoolRequest { subnet: Some(net("172.19.0.0/24")), ..any(Family::V4) };
    assert!(ipam.request_pool(&asked).is_ok(), "subnets that the user gives are not checked against the host");
}

#[test]
fn exhaustion_tells_what_the_host_holds_back() {
    let mut ipam = small();
    let reserved = [
        Reserved { prefix: net("10.0.0.0/23"), what: "route on eth0".into() },
        Reserved { prefix: net("192.0.2.53/32"), what: "name server".into() },
    ];
    let any = PoolRequest { reserved: &reserved, ..PoolRequest::any(Family::V4, "auto") };
    assert_eq!(ipam.request_pool(&any).unwrap().id.subnet, net("10.0.2.0/24"));
    assert_eq!(ipam.request_pool(&any).unwrap().id.subnet, net("10.0.3.0/24"));
    let hint = ipam.request_pool(&any).unwrap_err().hint().unwrap();
    assert!(hint.ends_with("; the host itself uses 10.0.0.0/23 (route on eth0)"), "{hint}");
}

#[test]
fn a_size_alone_is_cut_from_the_default_pools() {
    let mut ipam = ipam();
    let mut ask = |subnet: &str| {
        let family = Family::of_net(&net(subnet));
        let request = PoolRequest { subnet: Some(net(subnet)), ..PoolRequest::any(family, "x") };
        ipam.request_pool(&request).map(|lease| (lease.automatic, lease.id.subnet.to_string()))
    };
    assert_eq!(ask("0.0.0.0/24").unwrap(), (true, "172.17.0.0/24".into()));
    assert_eq!(ask("0.0.0.0/24").unwrap(), (true, "172.17.1.0/24".into()));
    assert_eq!(ask("0.0.0.0/15").unwrap(), (true, "172.20.0.0/15".into()));
    assert_eq!(ask("0.0.0.0/0").unwrap(), (true, "172.18.0.0/16".into()));
    assert_eq!(ask("::/56").unwrap(), (true, "fdbf:8f01:cfea::/56".into()));
    assert_eq!(ask("::/0").unwrap(), (true, "fdbf:8f01:cfea:100::/64".into()));
    for too_large in ["0.0.0.0/8", "::/47"] {
        assert_eq!(ask(too_large).unwrap_err().to_string(), "invalid address pool");
    }
}

#[test]
fn an_overlap_names_the_other_network() {
    let mut ipam = ipam();
    fixed(&mut ipam, "10.1.2.0/24", "", "x").unwrap();
    let error = fixed(&mut ipam, "10.1.0.0/16", "", "y").unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid pool request: Pool overlaps with other one on this address space \
         (10.1.0.0/16 overlaps 10.1.2.0/24 of network \"x\")"
    );
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    fixed(&mut ipam, "fd00::/64", "", "x").unwrap();
    assert!(fixed(&mut ipam, "fd00::/64", "", "y").is_err());
}

#[test]
fn one_subnet_can_be_shared_by_different_ranges() {
    let mut ipam = ipam();
    let one = fixed(&mut ipam, "10.1.0.0/16", "10.1.2.0/24", "one").unwrap();
    let two = fixed(&mut ipam, "10.1.0.0/16", "10.1.3.0/24", "two").unwrap();
    assert_eq!(one.to_string(), "LocalDefault/10.1.0.0/16/10.1.2.0/24");
    assert!(fixed(&mut ipam, "10.1.0.0/16", "10.1.3.0/24", "three").is_err());
    assert!(fixed(&mut ipam, "10.1.0.0/16", "", "four").is_err());
    // Docker's own inconsistency: a range switches the check against other subnets off.
    fixed(&mut ipam, "10.1.0.0/17", "10.1.2.0/24", "five").unwrap();

    assert_eq!(next(&mut ipam, &one).unwrap(), "10.1.2.0/16");
    assert!(take(&mut ipam, &two, "10.1.2.0").is_err(), "the addresses are shared");
    assert_eq!(ipam.status(&two).unwrap(), Status { in_use: 3, dynamic_available: 256 });
    ipam.release_pool(&one).unwrap();
    assert_eq!(ipam.status(&one), Err(Error::UnknownPool(one)));
    assert_eq!(next(&mut ipam, &two).unwrap(), "10.1.3.0/16");
    ipam.release_pool(&two).unwrap();
    fixed(&mut ipam, "10.1.128.0/17", "", "six").unwrap();
}

#[test]
fn ranges_are_checked() {
    let mut ipam = ipam();
    let request = |subnet: &str, range: &str| PoolRequest {
        subnet: subnet.parse().ok(),
        range: Some(net(range)),
        ..PoolRequest::any(Family::V4, "x")
    };
    let mut ask = |subnet, range| {
        ipam.request_pool(&request(subnet, range)).map(|lease| lease.id.to_string()).map_err(|e| e.to_string())
    };
    assert_eq!(ask("10.0.0.0/8", "fd00::/64").unwrap_err(), "pool and subpool are of incompatible address families");
    assert_eq!(
        ask("", "10.0.0.0/24").unwrap_err(),
        "invalid ip-range 10.0.0.0/24: parent subnet invalid Prefix doesn't contain ip-range"
    );
    assert_eq!(
        ask("10.0.0.0/8", "11.0.0.0/24").unwrap_err(),
        "invalid ip-range 11.0.0.0/24: parent subnet 10.0.0.0/8 doesn't contain ip-range"
    );
    assert_eq!(
        ask("0.0.0.0/24", "10.0.0.0/25").unwrap_err(),
        "invalid ip-range 10.0.0.0/25: parent subnet 0.0.0.0/24 doesn't contain ip-range"
    );
    assert_eq!(ask("10.2.0.0/16", "10.0.0.0/8").unwrap(), "LocalDefault/10.2.0.0/16/10.2.0.0/16");
    let wrong = PoolRequest { subnet: Some(net("fd00::/64")), ..PoolRequest::any(Family::V4, "x") };
    assert_eq!(ipam.request_pool(&wrong), Err(Error::Families));
}

#[test]
fn the_lowest_address_of_the_range_becomes_the_gateway() {
    let mut ipam = ipam();
    let pool = fixed(&mut ipam, "172.28.0.0/16", "172.28.5.0/24", "x").unwrap();
    assert_eq!(ipam.allocate_gateway(&pool, None), Ok(ip("172.28.5.0")));
    let plain = fixed(&mut ipam, "10.0.0.0/24", "", "y").unwrap();
    assert_eq!(ipam.allocate_gateway(&plain, None), Ok(ip("10.0.0.1")));
    let v6 = fixed(&mut ipam, "fd00::/64", "", "y").unwrap();
    assert_eq!(ipam.allocate_gateway(&v6, None), Ok(ip("fd00::1")));
    assert_eq!(next(&mut ipam, &v6).unwrap(), "fd00::2/64");
}

#[test]
fn gateways_and_auxiliary_addresses_fail_with_dockers_words() {
    let mut ipam = ipam();
    let pool = fixed(&mut ipam, "10.0.0.0/30", "", "x").unwrap();
    ipam.allocate_auxiliary(&pool, "router", ip("10.0.0.1")).unwrap();
    let error = ipam.allocate_gateway(&pool, Some(ip("10.0.0.1"))).unwrap_err();
    assert_eq!(chain(&error), "failed to allocate gateway (10.0.0.1): Address already in use");
    assert_eq!(error.kind(), ErrorKind::System);
    assert_eq!(error.hint().unwrap(), "10.0.0.1 is the auxiliary address \"router\"");

    let error = ipam.allocate_auxiliary(&pool, "dev", ip("10.0.0.1")).unwrap_err();
    assert_eq!(chain(&error), "failed to allocate secondary ip address (dev:10.0.0.1): Address already in use");
    assert_eq!(error.kind(), ErrorKind::System);
    let error = ipam.allocate_auxiliary(&pool, "dev", ip("10.0.1.1")).unwrap_err();
    assert_eq!(error.to_string(), "auxiliary address: (dev:10.0.1.1) must belong to the master pool: 10.0.0.0/30");
    assert_eq!(error.kind(), ErrorKind::Forbidden);

    assert_eq!(ipam.allocate_gateway(&pool, None), Ok(ip("10.0.0.2")));
    let error = ipam.allocate_gateway(&pool, None).unwrap_err();
    assert_eq!(chain(&error), "failed to allocate gateway (): no available addresses on this pool");
    ipam.release(&pool, ip("10.0.0.2")).unwrap();
    assert_eq!(next(&mut ipam, &pool).unwrap(), "10.0.0.2/30", "a released gateway is an address like any other");
}

#[test]
fn static_addresses_may_lie_outside_of_the_range() {
    let mut ipam = ipam();
    let pool = fixed(&mut ipam, "10.0.0.0/16", "10.0.5.0/24", "x").unwrap();
    assert_eq!(take(&mut ipam, &pool, "10.0.77.7").unwrap(), "10.0.77.7/16");
    for taken in ["10.0.77.7", "10.0.0.0", "10.0.255.255"] {
        let error = take(&mut ipam, &pool, taken).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), ("Address already in use", ErrorKind::Forbidden));
    }
    let error = take(&mut ipam, &pool, "10.1.0.1").unwrap_err();
    assert_eq!(error.to_string(), "invalid address 10.1.0.1: It does not belong to any of this network's subnets");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(take(&mut ipam, &pool, "fd00::1").is_err());
}

#[test]
fn several_subnets_of_a_network_are_tried_in_order() {
    let mut ipam = ipam();
    let pools = ["10.0.0.0/30", "10.0.1.0/30"].map(|subnet| fixed(&mut ipam, subnet, "", "x").unwrap());
    let mut given = Vec::new();
    let error = loop {
        match ipam.allocate_any(&pools, None, "x (0123)") {
            Ok(lease) => given.push(lease.address.to_string()),
            Err(error) => break error,
        }
    };
    assert_eq!(given, ["10.0.0.1/30", "10.0.0.2/30", "10.0.1.1/30", "10.0.1.2/30"]);
    assert_eq!(error.to_string(), "no available IPv4 addresses on this network's address pools: x (0123)");
    assert_eq!(error.kind(), ErrorKind::System);
    ipam.release(&pools[1], ip("10.0.1.2")).unwrap();
    assert_eq!(ipam.allocate_any(&pools, Some(ip("10.0.1.2")), "x").unwrap().pool, pools[1]);
    assert_eq!(ipam.allocate_any(&pools, Some(ip("10.9.9.9")), "x"), Err(Error::OutsideSubnets(ip("10.9.9.9"))));
}

#[test]
fn status_counts_as_network_inspect_does() {
    let mut ipam = ipam();
    for (subnet, range, status) in [
        ("10.0.0.0/24", "", Status { in_use: 3, dynamic_available: 253 }),
        ("fd00::/56", "", Status { in_use: 2, dynamic_available: u64::MAX }),
        ("10.2.0.0/16", "10.2.4.0/30", Status { in_use: 3, dynamic_available: 3 }),
    ] {
        let pool = fixed(&mut ipam, subnet, range, "x").unwrap();
        ipam.allocate_gateway(&pool, None).unwrap();
        assert_eq!(ipam.status(&pool), Ok(status), "{subnet}");
    }
}

#[test]
fn everything_can_be_put_back_after_a_restart() {
    let mut before = ipam();
    let wide = fixed(&mut before, "10.1.0.0/16", "", "wide").unwrap();
    let ranged = fixed(&mut before, "10.1.2.0/24", "10.1.2.0/25", "ranged").unwrap();
    before.allocate_gateway(&wide, None).unwrap();
    let address = before.allocate(&ranged, None).unwrap().address.addr();

    let mut after = ipam();
    // In the order in which a new request would be refused.
    after.restore_pool(&ranged, "ranged").unwrap();
    after.restore_pool(&wide, "wide").unwrap();
    assert!(after.restore_pool(&wide, "again").is_err());
    assert_eq!(after.allocate_gateway(&wide, Some(ip("10.1.0.1"))), Ok(ip("10.1.0.1")));
    after.restore_address(&ranged, address).unwrap();
    for pool in [wide, ranged] {
        assert_eq!(after.status(&pool), before.status(&pool));
        assert_eq!(next(&mut after, &pool), next(&mut before, &pool));
    }
}

#[test]
fn a_full_class_b_network_is_one_run() {
    let mut ipam = ipam();
    let pool = fixed(&mut ipam, "10.1.0.0/16", "", "x").unwrap();
    for expected in 1..=65_534u32 {
        let lease = ipam.allocate(&pool, None).unwrap();
        assert_eq!(span::number(lease.address.addr()), u128::from(0x0a01_0000 + expected));
    }
    assert_eq!(next(&mut ipam, &pool), Err(Error::PoolFull));
    assert_eq!(ipam.status(&pool), Ok(Status { in_use: 65_536, dynamic_available: 0 }));
    ipam.release(&pool, ip("10.1.200.9")).unwrap();
    assert_eq!(next(&mut ipam, &pool).unwrap(), "10.1.200.9/16");
}

#[test]
fn the_whole_of_ipv6_is_a_pool_like_any_other() {
    let mut ipam = ipam();
    let id: PoolId = "LocalDefault/::/0/ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127".parse().unwrap();
    ipam.restore_pool(&id, "x").unwrap();
    assert_eq!(next(&mut ipam, &id).unwrap(), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/0");
    assert_eq!(next(&mut ipam, &id).unwrap(), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/0");
    assert_eq!(next(&mut ipam, &id), Err(Error::PoolFull));
}

#[test]
fn pools_nobody_holds_are_refused() {
    let mut ipam = ipam();
    let id: PoolId = "LocalDefault/10.0.0.0/8".parse().unwrap();
    assert_eq!(next(&mut ipam, &id), Err(Error::UnknownPool(id)));
    assert_eq!(ipam.release(&id, ip("10.0.0.1")), Err(Error::UnknownPool(id)));
    assert_eq!(ipam.status(&id), Err(Error::UnknownPool(id)));
    assert_eq!(Error::UnknownPool(id).kind(), ErrorKind::NotFound);
    let null: PoolId = "null/0.0.0.0/0".parse().unwrap();
    assert_eq!(ipam.restore_pool(&null, "x"), Err(Error::UnknownPool(null)), "pools of another space");
}

/// One thing that happens to a small subnet with a range.
#[derive(Clone, Debug)]
enum Act {
    Lowest,
    Take(u8),
    Release(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![Just(Act::Lowest), (0u8..32).prop_map(Act::Take), (0u8..32).prop_map(Act::Release)]
}

/// What must be true of addresses 10.0.0.0 to .31: which are leased.
#[derive(Default)]
struct Model {
    leased: BTreeSet<u8>,
}

impl Model {
    fn is_free(&self, address: u8) -> bool {
        !(address == 0 || address == 31 || self.leased.contains(&address))
    }

    fn lease(&mut self, address: u8) -> bool {
        self.is_free(address) && self.leased.insert(address)
    }
}

proptest! {
    #[test]
    fn no_address_is_given_twice_and_the_lowest_free_one_comes_first(acts in prop::collection::vec(act(), 0..80)) {
        let mut ipam = ipam();
        let pool = fixed(&mut ipam, "10.0.0.0/27", "10.0.0.8/29", "x").unwrap();
        let mut model = Model::default();
        let address = |n: u8| IpAddr::from([10, 0, 0, n]);
        for act in acts {
            match act {
                Act::Lowest => {
                    let given = ipam.allocate(&pool, None).map(|lease| lease.address.addr());
                    let expected = (8..16).find(|&n| model.is_free(n));
                    prop_assert_eq!(given, expected.map(address).ok_or(Error::PoolFull));
                    if let Some(n) = expected { model.lease(n); }
                }
                Act::Take(n) => {
                    prop_assert_eq!(ipam.allocate(&pool, Some(address(n))).is_ok(), model.lease(n));
                }
                Act::Release(n) => {
                    ipam.release(&pool, address(n)).unwrap();
                    model.leased.remove(&n);
                }
            }
            let free = |range: std::ops::Range<u8>| range.filter(|&n| model.is_free(n)).count() as u64;
            let expected = Status { in_use: 32 - free(0..32), dynamic_available: free(8..16) };
            prop_assert_eq!(ipam.status(&pool), Ok(expected));
        }
    }

    #[test]
    fn subnets_without_range_never_overlap(
        asked in prop::collection::vec((prop::option::of((0u32..1024, 20u8..=30)), any::<bool>()), 0..40),
    ) {
        let mut ipam = small();
        let mut held: Vec<IpNet> = Vec::new();
        for (wanted, release) in asked {
            let subnet = wanted.map(|(host, length)| {
                IpNet::new(IpAddr::V4((0x0a00_0000 + host).into()), length).unwrap().trunc()
            });
            let request = PoolRequest { subnet, ..PoolRequest::any(Family::V4, "x") };
            if let Ok(lease) = ipam.request_pool(&request) {
                for other in &held {
                    let new = lease.id.subnet;
                    let apart = !other.contains(&new.network()) && !new.contains(&other.network());
                    prop_assert!(apart, "{} {}", other, new);
                }
                held.push(lease.id.subnet);
            }
            if release && !held.is_empty() {
                let subnet = held.swap_remove(0);
                ipam.release_pool(&PoolId::local(subnet, None)).unwrap();
                ipam.request_pool(&PoolRequest { subnet: Some(subnet), ..PoolRequest::any(Family::V4, "x") }).unwrap();
                held.push(subnet);
            }
        }
    }
}
