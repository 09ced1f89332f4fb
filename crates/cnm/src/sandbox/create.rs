//! Making a sandbox: its namespace, its files, its endpoints. All or nothing.

use super::live::{Live, Sandbox};
use super::record::SandboxRecord;
use crate::controller::Controller;
use crate::{Error, Result};
use pontoon_kernel::{Netns, NetnsOwner, Op};
use pontoon_types::{EventSubject, Keeper, NamespaceSource, SandboxId, SandboxSpec};
use std::sync::Arc;
use std::time::SystemTime;

const NAME_LIMIT: usize = 128;

impl Controller {
    /// Makes a sandbox with everything its request names and tells its id. On failure nothing of it is left.
    pub fn create_sandbox(&self, spec: SandboxSpec) -> Result<SandboxId> {
        let _open = self.accepting()?;
        check(&spec)?;
        let record = self.blank_sandbox(self.kept(spec)?);
        let sandbox = Arc::new(Sandbox::new(record));
        // Whoever finds it by name meanwhile waits for its turn.
        let mut live = sandbox.turn()?;
        self.insert_sandbox(sandbox.clone())?;
        if let Err(error) = self.build(&mut live) {
            let undone = self.dismantle(&mut live);
            self.abandon(&mut live);
            return Err(error.with_undo(undone));
        }
        sandbox.show(&live.record);
        self.tell_of_sandbox("create", &sandbox);
        for network in live.record.endpoints.iter().filter_map(|endpoint| self.network_by_id(endpoint.network)) {
            self.tell("connect", &network, &sandbox);
        }
        Ok(sandbox.id)
    }

    /// Notes since when the process lives that the sandbox is to go with. One that is not known here (of another process
    /// namespace) keeps nothing: the sandbox then stays until it is removed.
    fn kept(&self, mut spec: SandboxSpec) -> Result<SandboxSpec> {
        if let Some(Keeper { pid, .. }) = spec.keeper {
            let start = self.kernel().process_start(pid).map_err(Error::kernel("look up the sandbox's process"))?;
            spec.keeper = start.map(|start| Keeper { pid, start });
        }
        Ok(spec)
    }

    /// A container's comings and goings are told by its own events.
    pub(crate) fn tell_of_sandbox(&self, action: &str, sandbox: &Sandbox) {
        let record = sandbox.shown();
        if !record.is_container() {
            let attributes = [("name", record.name.as_str())];
            self.events().publish(EventSubject::Sandbox, action, sandbox.id.to_string(), &attributes);
        }
    }

    fn blank_sandbox(&self, spec: SandboxSpec) -> SandboxRecord {
        let id = spec.id.unwrap_or_else(SandboxId::random);
        let name = if spec.name.is_empty() { id.short() } else { spec.name.clone() };
        SandboxRecord {
            id,
            name,
            spec,
            created: SystemTime::now(),
            netns_path: None,
            netns_id: None,
            owner: None,
            has_ipv6: false,
            endpoints: Vec::new(),
            mappings: Vec::new(),
            dns: None,
            resolv_digest: None,
        }
    }

    fn build(&self, live: &mut Live) -> Result<()> {
        self.make_namespace(live)?;
        let sysctls = live.record.spec.sysctls.iter();
        let sysctls: Vec<_> = sysctls.map(|(key, value)| Op::SetSysctl(key.replace('.', "/"), value.clone())).collect();
        self.kernel()
            .apply(&live.ns(), &sysctls)
            .map_err(|failed| Error::Kernel { act: "write the sandbox's sysctls".into(), cause: failed.cause })?;
        live.record.has_ipv6 = self.has_ipv6(&live.ns())?;
        self.create_files(&mut live.record)?;
        let networks = live.record.spec.networks.clone();
        for (term, endpoint) in networks {
            let network = self.find_network(crate::Purpose::Connect, &term)?;
            let joined = self.attach(live, &network, endpoint)?;
            self.write_files(live, &joined)?;
        }
        Ok(self.run_state().put_sandbox(&live.record)?)
    }

    fn make_namespace(&self, live: &mut Live) -> Result<()> {
        let owner = match &live.record.spec.namespace {
            NamespaceSource::Host => return Ok(()),
            NamespaceSource::New => None,
            NamespaceSource::Path(path) => Some(NetnsOwner::Path(path.clone())),
            NamespaceSource::Pid(pid) => {
                // With its start time, so that a later process of the same number is not taken for it.
                let start =
                    self.kernel().process_start(*pid).map_err(Error::kernel(format!("look up process {pid}")))?;
                let start = start.ok_or_else(|| Error::NoNamespace(format!("process {pid}")))?;
                Some(NetnsOwner::Process { pid: *pid, start })
            }
        };
        let path = self.netns_path(live.record.id);
        let act = || format!("make the namespace of sandbox {}", live.record.name);
        let made = match &owner {
            None => self.kernel().create_netns(&path).map_err(Error::kernel(act())),
            Some(owner) => self.adopt(owner, &path),
        };
        let Netns::At(path) = made? else { return Ok(()) };
        // From here on it is the sandbox's, to be given up whatever happens next.
        live.record.netns_path = Some(path.clone());
        live.record.owner = owner;
        live.record.netns_id = self.kernel().netns_id(&path).map_err(Error::kernel(act()))?;
        self.refuse_shared(&live.record)
    }

    fn adopt(&self, owner: &NetnsOwner, path: &std::path::Path) -> Result<Netns> {
        let name = match owner {
            NetnsOwner::Path(path) => path.display().to_string(),
            NetnsOwner::Process { pid, .. } => format!("process {pid}"),
        };
        self.kernel().adopt_netns(owner, path).map_err(|cause| match cause.kind {
            pontoon_kernel::Kind::NotFound => Error::NoNamespace(name),
            pontoon_kernel::Kind::Invalid => Error::BadSandbox(cause.to_string()),
            _ => Error::Kernel { act: format!("adopt the namespace of {name}"), cause },
        })
    }

    /// One namespace, one sandbox: two would fight over link names and routes.
    fn refuse_shared(&self, record: &SandboxRecord) -> Result<()> {
        let Some(id) = record.netns_id else { return Ok(()) };
        let Some(other) = self.claim_namespace(id, record.id, None) else { return Ok(()) };
        // The kernel numbers namespaces anew when one has gone, and that may not have been noticed yet.
        let gone = (!self.is_alive(&other.shown())).then_some(other.id);
        match gone.map_or(Some(other), |gone| self.claim_namespace(id, record.id, Some(gone))) {
            Some(other) => Err(Error::NamespaceTaken(shown(&record.spec.namespace), other.name())),
            None => Ok(()),
        }
    }

    /// Whether the namespace has `::1` on its loopback link.
    pub(crate) fn has_ipv6(&self, ns: &Netns) -> Result<bool> {
        let value = self.kernel().sysctl(ns, "net/ipv6/conf/lo/disable_ipv6");
        Ok(value.map_err(Error::kernel("look for IPv6 in the sandbox"))?.as_deref() == Some("0"))
    }
}

fn shown(source: &NamespaceSource) -> String {
    match source {
        NamespaceSource::Path(path) => path.display().to_string(),
        NamespaceSource::Pid(pid) => format!("of process {pid}"),
        NamespaceSource::New | NamespaceSource::Host => String::new(),
    }
}

fn is_plain(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b"_.-".contains(&c)
}

/// A name that a sandbox may have; empty means one of our choice.
pub(super) fn check_name(name: &str) -> Result<()> {
    let bytes = name.as_bytes();
    let starts = bytes.first().is_none_or(u8::is_ascii_alphanumeric);
    match starts && bytes.len() <= NAME_LIMIT && bytes.iter().copied().all(is_plain) {
        true => Ok(()),
        false => Err(Error::SandboxName(name.to_owned())),
    }
}

/// What can be said of a request by itself.
fn check(spec: &SandboxSpec) -> Result<()> {
    check_name(&spec.name)?;
    let in_host = spec.namespace == NamespaceSource::Host;
    if in_host && !spec.sysctls.is_empty() {
        return Err(Error::BadSandbox("sysctls cannot be set in the host's namespace".into()));
    }
    if in_host && !spec.ports.is_empty() {
        return Err(Error::BadSandbox(
            "ports cannot be published in the host's namespace: they are open already".into(),
        ));
    }
    if let Some(key) = spec.sysctls.keys().find(|key| !is_net_sysctl(key)) {
        return Err(Error::BadSandbox(format!("sysctl \"{key}\" is not one of a network namespace (net.*)")));
    }
    for (what, text) in [("hostname", &spec.hostname), ("domain name", &spec.domainname)] {
        if text.len() > 253 || !text.bytes().all(is_plain) {
            return Err(Error::BadSandbox(format!("{what} {text:?} is not a host name")));
        }
    }
    check_texts(spec)
}

fn is_net_sysctl(key: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c));
    key.strip_prefix("net.").is_some_and(|rest| rest.split('.').all(plain))
}

/// Texts that end up as words in files must be words.
fn check_texts(spec: &SandboxSpec) -> Result<()> {
    let word = |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let hosts = spec.extra_hosts.iter().map(|host| ("extra host", &host.name));
    let search = spec.dns_search.iter().map(|name| ("search domain", name));
    let options = spec.dns_options.iter().map(|option| ("DNS option", option));
    match hosts.chain(search).chain(options).find(|(_, text)| !word(text)) {
        Some((what, text)) => Err(Error::BadSandbox(format!("{what} {text:?} is not one word"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_make_no_sense_are_refused() {
        let base = SandboxSpec::default;
        let long = "a".repeat(129);
        for (spec, wanted) in [
            (SandboxSpec { name: "web-1.x_y".into(), ..base() }, true),
            (SandboxSpec { name: "-web".into(), ..base() }, false),
            (SandboxSpec { name: "a/b".into(), ..base() }, false),
            (SandboxSpec { name: long, ..base() }, false),
            (SandboxSpec { hostname: "a b".into(), ..base() }, false),
            (SandboxSpec { sysctls: [("net.ipv4.ip_forward".into(), "1".into())].into(), ..base() }, true),
            (SandboxSpec { sysctls: [("kernel.panic".into(), "1".into())].into(), ..base() }, false),
            (SandboxSpec { sysctls: [("net.../../x".into(), "1".into())].into(), ..base() }, false),
            (SandboxSpec { dns_search: vec!["a\nnameserver 1.1.1.1".into()], ..base() }, false),
        ] {
            assert_eq!(check(&spec).is_ok(), wanted, "{spec:?}");
        }
    }
}
