//! What the host's resolv.conf may contain, and what users may write into a sandbox's hosts file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pontoon_etcfiles::{Hosts, Overrides, Record, Resolution, ResolvConf, source_path};

fuzz_target!(|content: &[u8]| {
    let _ = source_path(None, content);
    if let Ok(conf) = ResolvConf::parse(content, "/etc/resolv.conf") {
        let conf = conf.with_overrides(&Overrides::default());
        let resolver = std::net::IpAddr::from([127, 0, 0, 11]);
        if let Ok(conf) = conf {
            let text = conf.resolved_by(Resolution::Internal { resolver }).to_string();
            assert!(ResolvConf::parse(text.as_bytes(), "x").is_ok());
        }
    }
    let record = [Record { address: resolver(), names: "own".into() }];
    let _ = Hosts::remove(&Hosts::append(content, &record), &record);
});

fn resolver() -> std::net::IpAddr {
    std::net::IpAddr::from([10, 0, 0, 2])
}
