//! `--subnet`, `--ip-range`, `--gateway` and `--aux-address`: which belongs to which, with Docker's complaints.

use crate::args::network::Create;
use crate::error::Error;
use ipnet::IpNet;
use pontoon_api_types::IpamConfig;
use std::net::IpAddr;

/// One entry of `IPAM.Config` for each subnet, with what lies inside it.
pub fn gather(command: &Create) -> Result<Vec<IpamConfig>, Error> {
    let subnets = &command.subnet;
    if subnets.len() < command.ip_range.len() || subnets.len() < command.gateway.len() {
        return Err(wrong("every ip-range or gateway must have a corresponding subnet"));
    }
    for (i, subnet) in subnets.iter().enumerate() {
        if subnets[..i].iter().any(|other| other.contains(&subnet.network()) || subnet.contains(&other.network())) {
            return Err(wrong("multiple overlapping subnet configuration is not supported"));
        }
    }
    let mut pools: Vec<IpamConfig> =
        subnets.iter().map(|subnet| IpamConfig { subnet: Some(*subnet).into(), ..IpamConfig::default() }).collect();
    for range in &command.ip_range {
        let (subnet, pool) = matching(subnets, &mut pools, range.addr(), || format!("range {range}"))?;
        if let Some(other) = pool.ip_range.0 {
            let text = format!("cannot configure multiple ranges ({range}, {other}) on the same subnet ({subnet})");
            return Err(wrong(text));
        }
        pool.ip_range = Some(*range).into();
    }
    for gateway in &command.gateway {
        let (subnet, pool) = matching(subnets, &mut pools, *gateway, || format!("gateway {gateway}"))?;
        if !pool.gateway.is_unset() {
            let other = &pool.gateway;
            let text =
                format!("cannot configure multiple gateways ({gateway}, {other}) for the same subnet ({subnet})");
            return Err(wrong(text));
        }
        pool.gateway = (*gateway).into();
    }
    for (name, address) in &command.aux_address {
        let (_, pool) = matching(subnets, &mut pools, *address, || format!("aux-address {address}"))?;
        pool.auxiliary_addresses.insert(name.clone(), (*address).into());
    }
    Ok(pools)
}

fn matching<'a>(
    subnets: &[IpNet],
    pools: &'a mut [IpamConfig],
    address: IpAddr,
    what: impl Fn() -> String,
) -> Result<(IpNet, &'a mut IpamConfig), Error> {
    let found = subnets.iter().zip(pools).find(|(subnet, _)| subnet.contains(&address));
    let (subnet, pool) = found.ok_or_else(|| wrong(format!("no matching subnet for {}", what())))?;
    Ok((*subnet, pool))
}

fn wrong(text: impl Into<String>) -> Error {
    Error::usage(text, "see 'pontoon network create --help'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Command, network::Network};

    fn gathered(line: &[&str]) -> Result<serde_json::Value, String> {
        let line = ["pontoon", "network", "create", "n"].iter().chain(line).map(Into::into);
        match crate::args::read(line).unwrap().command {
            Command::Network(Network::Create(command)) => {
                gather(&command).map(|pools| serde_json::to_value(pools).unwrap()).map_err(|error| error.to_string())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_address_finds_its_subnet() {
        let pools = gathered(&[
            "--subnet=10.0.0.0/16",
            "--subnet=fd00::/64",
            "--gateway=fd00::1",
            "--gateway=10.0.0.1",
            "--ip-range=10.0.1.0/24",
            "--aux-address=a=10.0.0.9",
            "--aux-address",
            "b=fd00::9",
        ]);
        let expected = serde_json::json!([
            {"Subnet": "10.0.0.0/16", "IPRange": "10.0.1.0/24", "Gateway": "10.0.0.1", "AuxiliaryAddresses": {"a": "10.0.0.9"}},
            {"Subnet": "fd00::/64", "Gateway": "fd00::1", "AuxiliaryAddresses": {"b": "fd00::9"}},
        ]);
        assert_eq!(pools, Ok(expected));
    }

    #[test]
    fn what_does_not_fit_is_told_in_dockers_words() {
        for (line, text) in [
            (&["--gateway=10.0.0.1"][..], "every ip-range or gateway must have a corresponding subnet"),
            (
                &["--subnet=10.0.0.0/8", "--subnet=10.1.0.0/16"],
                "multiple overlapping subnet configuration is not supported",
            ),
            (&["--subnet=10.0.0.0/8", "--ip-range=11.0.0.0/24"], "no matching subnet for range 11.0.0.0/24"),
            (&["--subnet=10.0.0.0/8", "--gateway=11.0.0.1"], "no matching subnet for gateway 11.0.0.1"),
            (&["--subnet=10.0.0.0/8", "--aux-address=a=11.0.0.1"], "no matching subnet for aux-address 11.0.0.1"),
            (
                &["--subnet=10.0.0.0/8", "--subnet=11.0.0.0/8", "--gateway=10.0.0.1", "--gateway=10.0.0.2"],
                "cannot configure multiple gateways (10.0.0.2, 10.0.0.1) for the same subnet (10.0.0.0/8)",
            ),
            (
                &["--subnet=10.0.0.0/8", "--subnet=11.0.0.0/8", "--ip-range=10.0.0.0/24", "--ip-range=10.0.1.0/24"],
                "cannot configure multiple ranges (10.0.1.0/24, 10.0.0.0/24) on the same subnet (10.0.0.0/8)",
            ),
        ] {
            assert_eq!(gathered(line), Err(text.to_owned()));
        }
    }
}
