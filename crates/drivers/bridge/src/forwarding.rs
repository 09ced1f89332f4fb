//! Whether the host forwards packets at all. Only looked at: the switch is the operator's (bridge.md section 3).

use pontoon_cnm::{Error, NetworkRecord, Result};
use pontoon_kernel::{Kernel, Netns};
use pontoon_types::{ErrorKind, Family};

/// The sysctl that decides for a family.
pub fn sysctl(family: Family) -> &'static str {
    match family {
        Family::V4 => "net/ipv4/ip_forward",
        Family::V6 => "net/ipv6/conf/all/forwarding",
    }
}

/// An error, with its remedy, when a network needs forwarding that is off.
pub fn check(kernel: &dyn Kernel, network: &NetworkRecord) -> Result<()> {
    if network.internal {
        return Ok(());
    }
    for family in Family::BOTH.into_iter().filter(|family| network.has(*family)) {
        let key = sysctl(family);
        let value =
            kernel.sysctl(&Netns::Host, key).map_err(Error::kernel("look whether the host forwards packets"))?;
        if value.as_deref() == Some("0") {
            let key = key.replace('/', ".");
            let text = format!(
                "{family} forwarding is disabled: check your host's firewalling and set sysctl {key}=1, or disable \
                 this check using daemon option --ip-forward=false"
            );
            return Err(Error::driver(ErrorKind::System, text));
        }
    }
    Ok(())
}

/// Whether packets within one bridge pass the rules too, because `br_netfilter` is on. The kernel then sends what a
/// sandbox sends to its own published port back by the port it came from, which a bridge only does where told to.
pub fn bridged_packets_are_translated(kernel: &dyn Kernel) -> Result<bool> {
    let on = |key: &str| {
        let value =
            kernel.sysctl(&Netns::Host, key).map_err(Error::kernel("look whether bridged packets are filtered"))?;
        Ok::<_, Error>(value.as_deref() == Some("1"))
    };
    Ok(on("net/bridge/bridge-nf-call-iptables")? || on("net/bridge/bridge-nf-call-ip6tables")?)
}
