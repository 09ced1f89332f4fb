//! `/etc/hosts`.
//!
//! Owns: the lines of a sandbox's file, and adding and removing those of one endpoint without touching what a user
//! wrote. Must never look names up.

use crate::Error;
use crate::error::word;
use pontoon_types::{ExtraHost, HostsLink};
use std::net::IpAddr;

const LOCALHOST_V4: &str = "127.0.0.1\tlocalhost\n";
const LOCALHOST_V6: &str = "\
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
";

/// One line: an address and the names it has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// The address.
    pub address: IpAddr,
    /// The names, separated by spaces.
    pub names: String,
}

impl Record {
    fn line(&self) -> String {
        format!("{}\t{}\n", self.address, self.names)
    }

    /// Whether the line is this record: the same address, however written, and exactly the same names.
    fn is(&self, line: &[u8]) -> bool {
        let Some(tab) = line.iter().position(|&byte| byte == b'\t') else { return false };
        let address = std::str::from_utf8(&line[..tab]).ok().and_then(|text| text.parse::<IpAddr>().ok());
        address == Some(self.address) && &line[tab + 1..] == self.names.as_bytes()
    }
}

/// What a sandbox's file is made of.
#[derive(Clone, Copy, Debug)]
pub struct Hosts<'a> {
    /// The sandbox has IPv6; without it no line has an IPv6 address.
    pub ipv6: bool,
    /// Lines the user asked for, in that order.
    pub extra: &'a [Record],
    /// The sandbox's own lines: for each endpoint IPv4, then IPv6.
    pub own: &'a [Record],
}

impl Hosts<'_> {
    /// The file as it is at every start.
    pub fn text(&self) -> String {
        let mut text = String::from(LOCALHOST_V4);
        if self.ipv6 {
            text.push_str(LOCALHOST_V6);
        }
        let records = self.extra.iter().chain(self.own);
        records.filter(|record| self.ipv6 || record.address.is_ipv4()).for_each(|record| text.push_str(&record.line()));
        text
    }

    /// The file of a sandbox in the host's own namespace: the host's file as it stands, or, with extra lines, those
    /// after the localhost ones.
    pub fn text_in_host(&self, host_file: &[u8]) -> Vec<u8> {
        if self.extra.is_empty() { host_file.to_vec() } else { Self { own: &[], ..*self }.text().into_bytes() }
    }

    /// `content` with the lines of a new endpoint at its end. A last line that the user left without a newline gets
    /// one.
    pub fn append(content: &[u8], records: &[Record]) -> Vec<u8> {
        let mut text = content.to_vec();
        if !records.is_empty() && !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        records.iter().for_each(|record| text.extend_from_slice(record.line().as_bytes()));
        text
    }

    /// `content` without the lines of an endpoint that left. Comments and lines that differ in any way stay; blank ones
    /// go, as in Docker.
    pub fn remove(content: &[u8], records: &[Record]) -> Vec<u8> {
        let mut text = Vec::with_capacity(content.len());
        for line in content.split(|&byte| byte == b'\n') {
            if !line.is_empty() && !records.iter().any(|record| record.is(line)) {
                text.extend_from_slice(line);
                text.push(b'\n');
            }
        }
        text
    }
}

/// `content` with the lines of `link`, which are those that call something by its alias first: each of its addresses
/// takes the place of the one of its family, and goes to the end where there was none. A family without an address loses
/// its line.
pub fn relink(content: &[u8], link: &HostsLink) -> Result<Vec<u8>, Error> {
    let mut left = link_records(std::slice::from_ref(link))?;
    let mut text = Vec::with_capacity(content.len());
    for line in content.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let Some(address) = linked(line, &link.alias) else {
            text.extend_from_slice(line);
            text.push(b'\n');
            continue;
        };
        if let Some(at) = left.iter().position(|record| record.address.is_ipv4() == address.is_ipv4()) {
            text.extend_from_slice(left.remove(at).line().as_bytes());
        }
    }
    Ok(Hosts::append(&text, &left))
}

/// The address of a line whose first name is `alias`.
fn linked(line: &[u8], alias: &str) -> Option<IpAddr> {
    let (address, names) = std::str::from_utf8(line).ok()?.split_once('\t')?;
    if names.split(' ').next() != Some(alias) {
        return None;
    }
    address.parse().ok()
}

/// The lines for links. Fails for a name that is not one word.
pub fn link_records(links: &[HostsLink]) -> Result<Vec<Record>, Error> {
    let mut records = Vec::new();
    for link in links {
        let mut names = vec![word("link", &link.alias)?];
        for name in &link.names {
            names.push(word("link", name)?);
        }
        let names = names.join(" ");
        records.extend(link.addresses.iter().map(|&address| Record { address, names: names.clone() }));
    }
    Ok(records)
}

/// The names of a sandbox on its own lines: `hostname[.domainname]`, and the first label after it if that has a dot.
/// Fails for names that are not one word.
pub fn own_names(hostname: &str, domainname: &str) -> Result<String, Error> {
    let mut name = word("hostname", hostname)?.to_owned();
    if !domainname.is_empty() {
        name = format!("{name}.{}", word("domain name", domainname)?);
    }
    match name.split_once('.') {
        Some((first, _)) if !first.is_empty() => Ok(format!("{name} {first}")),
        _ => Ok(name),
    }
}

/// Reads `name:ip` or `name:host-gateway`, split at the first colon; IPv6 may stand in brackets.
pub fn parse_extra_host(text: &str) -> Result<ExtraHost, Error> {
    let (name, address) = text.split_once(':').ok_or_else(|| Error::ExtraHost(text.to_owned()))?;
    let name = word("extra host", name).map_err(|_| Error::ExtraHost(text.to_owned()))?.to_owned();
    if address == "host-gateway" {
        return Ok(ExtraHost { name, address: None });
    }
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    let address = bare.parse().map_err(|_| Error::ExtraHostAddress(address.to_owned()))?;
    Ok(ExtraHost { name, address: Some(address) })
}

/// The lines for extra hosts; `host-gateway` gets one for each of `gateways`. Fails if there is none, or for a name that
/// is not one word.
pub fn extra_records(hosts: &[ExtraHost], gateways: &[IpAddr]) -> Result<Vec<Record>, Error> {
    let mut records = Vec::new();
    for host in hosts {
        let names = word("extra host", &host.name)?;
        let addresses = host.address.as_ref().map_or(gateways, std::slice::from_ref);
        if addresses.is_empty() {
            return Err(Error::HostGateway);
        }
        records.extend(addresses.iter().map(|&address| Record { address, names: names.to_owned() }));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(address: &str, names: &str) -> Record {
        Record { address: address.parse().unwrap(), names: names.to_owned() }
    }

    #[test]
    fn a_file_has_localhost_then_extra_hosts_then_its_own_lines() {
        let extra = [record("192.0.2.1", "db"), record("2001:db8::1", "db")];
        let own = [record("172.18.0.2", "c1.invalid c1"), record("fd00::2", "c1.invalid c1")];
        let hosts = Hosts { ipv6: true, extra: &extra, own: &own };
        assert_eq!(
            hosts.text(),
            "127.0.0.1\tlocalhost\n\
             ::1\tlocalhost ip6-localhost ip6-loopback\n\
             fe00::\tip6-localnet\n\
             ff00::\tip6-mcastprefix\n\
             ff02::1\tip6-allnodes\n\
             ff02::2\tip6-allrouters\n\
             192.0.2.1\tdb\n\
             2001:db8::1\tdb\n\
             172.18.0.2\tc1.invalid c1\n\
             fd00::2\tc1.invalid c1\n"
        );
        assert_eq!(
            Hosts { ipv6: false, ..hosts }.text(),
            "127.0.0.1\tlocalhost\n192.0.2.1\tdb\n172.18.0.2\tc1.invalid c1\n"
        );
    }

    #[test]
    fn in_the_hosts_namespace_its_own_file_is_used() {
        let extra = [record("192.0.2.1", "db")];
        let own = [record("172.18.0.2", "c1")];
        let hosts = Hosts { ipv6: false, extra: &[], own: &own };
        assert_eq!(hosts.text_in_host(b"10.0.0.1 \xff me"), b"10.0.0.1 \xff me");
        let hosts = Hosts { extra: &extra, ..hosts };
        assert_eq!(hosts.text_in_host(b"10.0.0.1 me\n"), b"127.0.0.1\tlocalhost\n192.0.2.1\tdb\n");
    }

    #[test]
    fn own_names_are_the_full_name_and_its_first_label() {
        for (hostname, domain, expected) in [
            ("c1", "", "c1"),
            ("c1", "invalid", "c1.invalid c1"),
            ("c1.invalid", "", "c1.invalid c1"),
            ("c1.a", "b", "c1.a.b c1"),
        ] {
            assert_eq!(own_names(hostname, domain).unwrap(), expected);
        }
        for (hostname, domain) in [("", ""), ("c 1", ""), ("c1\n6.6.6.6\tbank", ""), ("c1", "a\tb")] {
            assert!(own_names(hostname, domain).is_err());
        }
    }

    fn link(addresses: &[&str]) -> HostsLink {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        HostsLink { alias: "store".into(), names: vec!["dbhost".into(), "db".into()], addresses }
    }

    #[test]
    fn a_linked_sandbox_has_a_line_for_each_address_under_all_its_names() {
        let records = link_records(&[link(&["172.17.0.2", "fd00::2"])]).unwrap();
        assert_eq!(records, [record("172.17.0.2", "store dbhost db"), record("fd00::2", "store dbhost db")]);
        assert!(link_records(&[HostsLink { alias: "two words".into(), ..link(&["10.0.0.1"]) }]).is_err());
    }

    #[test]
    fn a_linked_sandbox_that_moves_has_its_line_changed_in_place() {
        let content =
            b"127.0.0.1\tlocalhost\n172.17.0.2\tstore dbhost db\nfd00::2\tstore dbhost db\n10.0.0.1\tother store\n";
        let moved = relink(content, &link(&["172.17.0.9", "fd00::9"])).unwrap();
        assert_eq!(
            String::from_utf8(moved).unwrap(),
            "127.0.0.1\tlocalhost\n172.17.0.9\tstore dbhost db\nfd00::9\tstore dbhost db\n10.0.0.1\tother store\n"
        );
        let gone = relink(content, &link(&[])).unwrap();
        assert_eq!(String::from_utf8(gone).unwrap(), "127.0.0.1\tlocalhost\n10.0.0.1\tother store\n");
        let back = relink(b"127.0.0.1\tlocalhost\n", &link(&["172.17.0.3"])).unwrap();
        assert_eq!(String::from_utf8(back).unwrap(), "127.0.0.1\tlocalhost\n172.17.0.3\tstore dbhost db\n");
    }

    #[test]
    fn leaving_takes_exactly_the_own_lines_away() {
        let own = [record("172.18.0.2", "c1"), record("fd00::2", "c1")];
        let content = b"127.0.0.1\tlocalhost\n# 172.18.0.2\tc1\n\n172.18.0.2\tc1\nfd00:0::2\tc1\n172.18.0.2 c1\n\
                        172.18.0.2\tc1 mine\n172.18.0.3\tc1\n\xff\xfe\tc1\nlast";
        assert_eq!(
            Hosts::remove(content, &own),
            b"127.0.0.1\tlocalhost\n# 172.18.0.2\tc1\n172.18.0.2 c1\n172.18.0.2\tc1 mine\n172.18.0.3\tc1\n\
              \xff\xfe\tc1\nlast\n"
        );
    }

    #[test]
    fn a_missing_last_newline_does_not_glue_lines_together() {
        let own = [record("172.18.0.2", "c1")];
        assert_eq!(Hosts::append(b"10.0.0.1 me", &own), b"10.0.0.1 me\n172.18.0.2\tc1\n");
        assert_eq!(Hosts::append(b"", &own), b"172.18.0.2\tc1\n");
        assert_eq!(Hosts::append(b"10.0.0.1 me", &[]), b"10.0.0.1 me");
    }

    #[test]
    fn extra_hosts_are_split_at_the_first_colon() {
        for (text, name, address) in [
            ("db:192.0.2.1", "db", Some("192.0.2.1")),
            ("db:2001:db8::1", "db", Some("2001:db8::1")),
            ("db:[::1]", "db", Some("::1")),
            ("host.internal:host-gateway", "host.internal", None),
        ] {
            let expected =
                ExtraHost { name: name.to_owned(), address: address.map(|address| address.parse().unwrap()) };
            assert_eq!(parse_extra_host(text), Ok(expected));
        }
        assert_eq!(parse_extra_host("db").unwrap_err().to_string(), "bad format for add-host: \"db\"");
        assert_eq!(parse_extra_host("db:x").unwrap_err().to_string(), "invalid IP address in add-host: \"x\"");
        for bad in ["", ":1.2.3.4", "a b:1.2.3.4", "a\nb:1.2.3.4", "db:"] {
            assert!(parse_extra_host(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn host_gateway_stands_for_all_its_addresses() {
        let hosts = [
            ExtraHost { name: "gw".into(), address: None },
            ExtraHost { name: "db".into(), address: "192.0.2.1".parse().ok() },
        ];
        let gateways = ["172.17.0.1".parse().unwrap(), "fd00::1".parse().unwrap()];
        let expected = [record("172.17.0.1", "gw"), record("fd00::1", "gw"), record("192.0.2.1", "db")];
        assert_eq!(extra_records(&hosts, &gateways).unwrap(), expected);
        let error = extra_records(&hosts, &[]).unwrap_err();
        assert_eq!(error.to_string(), "unable to derive the IP value for host-gateway");
        assert_eq!(extra_records(&hosts[1..], &[]).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn joining_and_leaving_gives_the_file_back(
            lines in prop::collection::vec("[0-9a-f.: #\t]{1,12}", 0..8),
            addresses in prop::collection::btree_set(any::<IpAddr>(), 1..4),
        ) {
            let before: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let own: Vec<Record> =
                addresses.into_iter().map(|address| Record { address, names: "own-name".into() }).collect();
            let joined = Hosts::append(before.as_bytes(), &own);
            prop_assert_eq!(Hosts::remove(&joined, &own), before.into_bytes());
        }
    }
}
