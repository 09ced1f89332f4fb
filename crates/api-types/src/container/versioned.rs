//! What a request to make a container meant when its API version was new.
//!
//! Owns: fields that older clients cannot mean, older homes of settings, and the warnings about them. Must never look at
//! networks: their names are compared as text.

use super::CreateContainerRequest;
use crate::{ApiVersion, ShapeError};
use pontoon_containers::spec::{EndpointSettings, HostBinding, Mount};

/// The driver option that holds kernel parameters of one interface.
const SYSCTLS: &str = "com.docker.network.endpoint.sysctls";

impl CreateContainerRequest {
    /// Makes of the request what a client of `version` meant by it. Gives warnings for the user.
    pub fn modernise(&mut self, version: ApiVersion) -> Result<Vec<String>, ShapeError> {
        self.drop_newer(version);
        self.refuse_newer(version)?;
        let mut warnings = Vec::new();
        warnings.extend(self.place_mac(version)?);
        warnings.extend(self.place_sysctls(version)?);
        warnings.extend(self.fill_bindings(version));
        if self.host_config.pids_limit.is_some_and(|limit| limit <= 0) {
            self.host_config.pids_limit = None;
        }
        Ok(warnings)
    }

    /// Fields that did not exist yet, or no longer do.
    fn drop_newer(&mut self, version: ApiVersion) {
        let host = &mut self.host_config;
        if version < ApiVersion::v1(40) {
            host.kernel_memory_tcp = 0;
            if host.ipc_mode.is_empty() {
                host.ipc_mode = "shareable".into();
            }
        }
        if version < ApiVersion::v1(42) {
            host.console_size = Default::default();
        } else {
            host.kernel_memory = 0;
        }
        if version < ApiVersion::v1(43) {
            host.annotations = None;
        }
        for mount in host.mounts.iter_mut().flatten() {
            older_mount(mount, version);
        }
        if version < ApiVersion::v1(44)
            && let Some(health) = &mut self.config.healthcheck
        {
            health.start_interval = 0;
        }
        if version < ApiVersion::v1(48) {
            for (_, endpoint) in &mut self.networking_config.endpoints_config.0 {
                endpoint.iter_mut().for_each(|endpoint| endpoint.gw_priority = 0);
            }
        }
    }

    /// Things that an older client cannot ask for without being told.
    fn refuse_newer(&self, version: ApiVersion) -> Result<(), ShapeError> {
        let mounts = || self.host_config.mounts.iter().flatten();
        if version < ApiVersion::v1(44) {
            if mounts().any(|m| m.bind_options.as_ref().is_some_and(|o| o.read_only_force_recursive)) {
                return Err(ShapeError::Newer("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer"));
            }
            let endpoints = &self.networking_config.endpoints_config.0;
            if endpoints.len() > 1 {
                let keys: Vec<&str> = endpoints.iter().map(|(key, _)| key.as_str()).collect();
                return Err(ShapeError::SeveralEndpoints(keys.join(", ")));
            }
        }
        if version < ApiVersion::v1(45)
            && mounts().any(|m| m.volume_options.as_ref().is_some_and(|o| !o.subpath.is_empty()))
        {
            return Err(ShapeError::Newer("VolumeOptions.Subpath needs API v1.45 or newer"));
        }
        if version < ApiVersion::v1(48) && mounts().any(|m| m.kind == "image") {
            return Err(ShapeError::Newer("Mount type \"Image\" needs API v1.48 or newer"));
        }
        Ok(())
    }

    /// The container-wide Ethernet address goes to the main endpoint (containers-networking.md section 2.1).
    fn place_mac(&mut self, version: ApiVersion) -> Result<Option<String>, ShapeError> {
        let wide = std::mem::take(&mut self.config.mac_address);
        if version >= ApiVersion::v1(52) {
            return Ok(None);
        }
        if version < ApiVersion::v1(44) {
            for (_, endpoint) in &mut self.networking_config.endpoints_config.0 {
                endpoint.iter_mut().for_each(|endpoint| endpoint.mac_address = Default::default());
            }
        }
        if wide.is_empty() {
            return Ok(None);
        }
        let mac = wide.parse().map_err(|_| ShapeError::MacAddress(wide.clone()))?;
        let old = version < ApiVersion::v1(44);
        if matches!(self.host_config.network_mode.as_str(), "host" | "none") || self.joins_a_container() {
            return if old { Err(ShapeError::MacInMode) } else { Ok(None) };
        }
        let endpoint = self.main_endpoint(version).ok_or(ShapeError::MacWithoutEndpoint)?;
        match endpoint.mac_address.0 {
            Some(own) if own != mac => return Err(ShapeError::MacMismatch),
            _ => endpoint.mac_address = Some(mac).into(),
        }
        let warning =
            "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.";
        Ok((!old).then(|| warning.to_owned()))
    }

    /// Kernel parameters of one interface go to its endpoint (section 2.2).
    fn place_sysctls(&mut self, version: ApiVersion) -> Result<Option<String>, ShapeError> {
        if self.host_config.network_mode == "host" || self.joins_a_container() {
            return Ok(None);
        }
        let sysctls = self.host_config.sysctls.iter().flatten();
        let of_interfaces: Vec<(String, String)> =
            sysctls.filter(|(key, _)| interface_of(key).is_some()).map(|(k, v)| (k.clone(), v.clone())).collect();
        if of_interfaces.is_empty() {
            return Ok(None);
        }
        if version >= ApiVersion::v1(48) {
            return Err(ShapeError::InterfaceSysctl(of_interfaces[0].0.clone()));
        }
        let mut moved = Vec::new();
        for (key, value) in &of_interfaces {
            match interface_of(key) {
                Some((before, "eth0", after)) => moved.push(format!("{before}.IFNAME.{after}={value}")),
                _ => return Err(ShapeError::SysctlWithoutEndpoint(key.clone())),
            }
        }
        let endpoint =
            self.main_endpoint(version).ok_or_else(|| ShapeError::SysctlWithoutEndpoint(of_interfaces[0].0.clone()))?;
        let options = endpoint.driver_opts.get_or_insert_default();
        // The endpoint's own come last, so that they win.
        moved.extend(options.get(SYSCTLS).filter(|own| !own.is_empty()).cloned());
        let joined = moved.join(",");
        options.insert(SYSCTLS.to_owned(), joined.clone());
        let keys: Vec<&str> = of_interfaces.iter().map(|(key, _)| key.as_str()).collect();
        if let Some(sysctls) = &mut self.host_config.sysctls {
            sysctls.retain(|key, _| !keys.contains(&key.as_str()));
        }
        Ok(Some(format!(
            "Migrated sysctl {} to DriverOpts{{\"{SYSCTLS}\":{}}}.",
            pontoon_types::quote(&keys.join(",")),
            pontoon_types::quote(&joined)
        )))
    }

    /// A port without bindings gets one that chooses nothing.
    fn fill_bindings(&mut self, version: ApiVersion) -> Option<String> {
        let bindings = self.host_config.port_bindings.as_mut()?;
        let mut filled = Vec::new();
        for (port, hosts) in &mut bindings.0 {
            if hosts.as_ref().is_none_or(Vec::is_empty) {
                *hosts = Some(vec![HostBinding::default()]);
                filled.push(port.clone());
            }
        }
        let told = !filled.is_empty() && version >= ApiVersion::v1(52);
        filled.sort();
        told.then(|| {
            let ports = filled.join(", ");
            format!(
                "Following container port(s) have an empty list of port-bindings: {ports}. Such bindings will be discarded in a future version."
            )
        })
    }

    fn joins_a_container(&self) -> bool {
        self.host_config.network_mode.starts_with("container:")
    }

    /// The endpoint in the network of the network mode; made when there is none at all. Below 1.44 it is the only one,
    /// whatever its key.
    fn main_endpoint(&mut self, version: ApiVersion) -> Option<&mut EndpointSettings> {
        let mode = match self.host_config.network_mode.as_str() {
            "" => "default",
            mode => mode,
        };
        let endpoints = &mut self.networking_config.endpoints_config.0;
        if endpoints.is_empty() {
            endpoints.push((mode.to_owned(), None));
        }
        let is_default = |name: &str| matches!(name, "default" | "bridge");
        let any = version < ApiVersion::v1(44);
        let main = endpoints.iter_mut().find(|(key, _)| any || key == mode || is_default(key) && is_default(mode));
        main.map(|(_, endpoint)| endpoint.get_or_insert_default())
    }
}

fn older_mount(mount: &mut Mount, version: ApiVersion) {
    if version < ApiVersion::v1(42) {
        if mount.kind != "volume" {
            mount.volume_options = None;
        }
        if mount.kind != "tmpfs" {
            mount.tmpfs_options = None;
        }
        mount.bind_options.iter_mut().for_each(|options| options.create_mountpoint = false);
    }
    if version < ApiVersion::v1(40) {
        mount.bind_options.iter_mut().for_each(|options| options.non_recursive = false);
    }
    // Until then read-only binds were never recursive.
    if version < ApiVersion::v1(44) && mount.kind == "bind" && mount.read_only {
        mount.bind_options.get_or_insert_default().read_only_non_recursive = true;
    }
}

/// `net.ipv4.conf.eth0.forwarding` as what stands before the interface, the interface, and what stands behind.
fn interface_of(sysctl: &str) -> Option<(&str, &str, &str)> {
    let parts: Vec<&str> = sysctl.splitn(5, '.').collect();
    let [net, _, _, interface, after] = parts[..] else { return None };
    let number = interface.strip_prefix("eth")?;
    if net != "net" || number.is_empty() || !number.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let before = &sysctl[..sysctl.len() - after.len() - interface.len() - 2];
    Some((before, interface, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> CreateContainerRequest {
        CreateContainerRequest::decode(body.as_bytes()).unwrap()
    }

    fn modern(body: &str, minor: u16) -> Result<(CreateContainerRequest, Vec<String>), String> {
        let mut request = read(body);
        let warnings = request.modernise(ApiVersion::v1(minor)).map_err(|error| error.to_string())?;
        Ok((request, warnings))
    }

    fn mac(request: &CreateContainerRequest, place: usize) -> Option<String> {
        let (_, endpoint) = &request.networking_config.endpoints_config.0[place];
        endpoint.as_ref()?.mac_address.0.map(|mac| mac.to_string())
    }

    #[test]
    fn older_clients_have_one_endpoint() {
        let two = r#"{"NetworkingConfig":{"EndpointsConfig":{"b":{},"a":{}}}}"#;
        assert_eq!(modern(two, 43).unwrap_err(), "Container cannot be created with multiple network endpoints: b, a");
        assert!(modern(two, 44).is_ok());
    }

    #[test]
    fn a_container_wide_address_goes_to_the_main_endpoint() {
        let wide = r#"{"MacAddress":"02:00:00:00:00:01","HostConfig":{"NetworkMode":"n"},"NetworkingConfig":{"EndpointsConfig":ENDS}}"#;
        let with = |ends: &str| wide.replace("ENDS", ends);
        let (request, warnings) = modern(&with(r#"{"m":{},"n":{}}"#), 50).unwrap();
        assert_eq!((mac(&request, 1).as_deref(), warnings.len()), (Some("02:00:00:00:00:01"), 1));
        let (request, warnings) = modern(&with("{}"), 43).unwrap();
        assert_eq!((mac(&request, 0).as_deref(), warnings.len()), (Some("02:00:00:00:00:01"), 0));
        let (request, _) = modern(&with(r#"{"m":{}}"#), 43).unwrap();
        assert!(mac(&request, 0).is_some(), "the only endpoint, whatever its key");
        let (request, warnings) = modern(&with(r#"{"n":{}}"#), 52).unwrap();
        assert_eq!((mac(&request, 0), warnings.len()), (None, 0));
        assert_eq!(
            modern(&with(r#"{"m":{}}"#), 50).unwrap_err(),
            "unable to migrate container-wide MAC address to a specific network: HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks"
        );
        assert_eq!(
            modern(&with(r#"{"n":{"MacAddress":"02:00:00:00:00:02"}}"#), 50).unwrap_err(),
            "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty"
        );
        let host = wide.replace("\"n\"", "\"host\"").replace("ENDS", "{}");
        assert_eq!(modern(&host, 43).unwrap_err(), "conflicting options: mac-address and the network mode");
    }

    #[test]
    fn parameters_of_an_interface_go_to_its_endpoint() {
        let body = r#"{"HostConfig":{"Sysctls":{"net.ipv4.conf.eth0.forwarding":"1","net.core.somaxconn":"9"}}}"#;
        let (request, warnings) = modern(body, 47).unwrap();
        let (key, endpoint) = &request.networking_config.endpoints_config.0[0];
        let options = endpoint.as_ref().unwrap().driver_opts.as_ref().unwrap();
        assert_eq!((key.as_str(), options[SYSCTLS].as_str()), ("default", "net.ipv4.conf.IFNAME.forwarding=1"));
        assert_eq!(request.host_config.sysctls.unwrap().len(), 1);
        assert_eq!(
            warnings,
            [
                r#"Migrated sysctl "net.ipv4.conf.eth0.forwarding" to DriverOpts{"com.docker.network.endpoint.sysctls":"net.ipv4.conf.IFNAME.forwarding=1"}."#
            ]
        );
        assert_eq!(
            modern(body, 48).unwrap_err(),
            "interface specific sysctl setting \"net.ipv4.conf.eth0.forwarding\" must be supplied using driver option 'com.docker.network.endpoint.sysctls'"
        );
        let other = body.replace("eth0", "eth1");
        assert_eq!(
            modern(&other, 47).unwrap_err(),
            "unable to determine network endpoint for sysctl net.ipv4.conf.eth1.forwarding, use driver option 'com.docker.network.endpoint.sysctls' to set per-interface sysctls"
        );
        let host = body.replace("\"Sysctls\"", "\"NetworkMode\":\"host\",\"Sysctls\"");
        assert!(modern(&host, 56).is_ok(), "a shared namespace's parameters are checked elsewhere");
    }

    #[test]
    fn a_port_without_bindings_gets_one() {
        let body = r#"{"HostConfig":{"PortBindings":{"80/tcp":[],"81/tcp":null,"82/tcp":[{"HostPort":"1"}]}}}"#;
        let (request, warnings) = modern(body, 52).unwrap();
        let bindings = request.host_config.port_bindings.unwrap();
        assert!(bindings.iter().all(|(_, hosts)| hosts.as_ref().unwrap().len() == 1));
        assert_eq!(
            warnings,
            [
                "Following container port(s) have an empty list of port-bindings: 80/tcp, 81/tcp. Such bindings will be discarded in a future version."
            ]
        );
        assert!(modern(body, 51).unwrap().1.is_empty());
    }

    #[test]
    fn newer_fields_mean_nothing_to_older_clients() {
        let body = r#"{"Healthcheck":{"StartInterval":5},"HostConfig":{"Annotations":{"a":"b"},"ConsoleSize":[24,80],"KernelMemory":7,
            "PidsLimit":-1,"Mounts":[{"Type":"bind","ReadOnly":true,"BindOptions":{"CreateMountpoint":true}}]},
            "NetworkingConfig":{"EndpointsConfig":{"n":{"GwPriority":4}}}}"#;
        let (old, _) = modern(body, 41).unwrap();
        assert_eq!((old.config.healthcheck.unwrap().start_interval, old.host_config.annotations), (0, None));
        assert_eq!((old.host_config.console_size.height, old.host_config.kernel_memory), (0, 7));
        let options = old.host_config.mounts.unwrap()[0].bind_options.clone().unwrap();
        assert_eq!((options.create_mountpoint, options.read_only_non_recursive), (false, true));
        assert_eq!(old.networking_config.endpoints_config.0[0].1.as_ref().unwrap().gw_priority, 0);
        let (new, _) = modern(body, 56).unwrap();
        assert_eq!((new.host_config.console_size.height, new.host_config.kernel_memory), (24, 0));
        assert_eq!((new.host_config.pids_limit, new.config.healthcheck.unwrap().start_interval), (None, 5));
        assert_eq!(new.networking_config.endpoints_config.0[0].1.as_ref().unwrap().gw_priority, 4);
    }
}
