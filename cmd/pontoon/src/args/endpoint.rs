//! `--network`: a name, or `name=…,alias=…,ip=…` with settings for the endpoint.

use pontoon_api_types::{EndpointIpamConfig, EndpointSettings};
use pontoon_types::MacAddr;
use std::net::IpAddr;

/// A network to join, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkChoice {
    /// Name or id.
    pub network: String,
    /// Settings given with it.
    pub wishes: Wishes,
}

/// What is asked of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// IPv4 address.
    pub ip: Option<IpAddr>,
    /// IPv6 address.
    pub ip6: Option<IpAddr>,
    /// Ethernet address.
    pub mac: Option<MacAddr>,
    /// Extra names.
    pub aliases: Vec<String>,
    /// Private names of others.
    pub links: Vec<String>,
    /// Extra link-local addresses.
    pub link_local: Vec<IpAddr>,
    /// Driver options.
    pub driver_opts: Vec<(String, String)>,
    /// Who gets the default route.
    pub gw_priority: i64,
}

impl NetworkChoice {
    /// Reads the flag's value.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.contains('=') {
            let plain = Self { network: text.to_owned(), wishes: Wishes::default() };
            return if text.is_empty() { Err("the name is empty".to_owned()) } else { Ok(plain) };
        }
        let mut choice = Self::default();
        for field in fields(text)? {
            let (key, value) = field.split_once('=').ok_or_else(|| format!("invalid field {field}"))?;
            choice.set(&key.trim().to_ascii_lowercase(), value.trim())?;
        }
        if choice.network.is_empty() {
            return Err("network name/ID is not specified".to_owned());
        }
        Ok(choice)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let address = |value: &str| value.parse::<IpAddr>().map_err(|_| format!("invalid {key} {value:?}"));
        let wishes = &mut self.wishes;
        match key {
            "name" => self.network = value.to_owned(),
            "alias" => wishes.aliases.push(value.to_owned()),
            "ip" => wishes.ip = Some(address(value)?),
            "ip6" => wishes.ip6 = Some(address(value)?),
            "link-local-ip" => wishes.link_local.push(address(value)?),
            "link" => wishes.links.push(value.to_owned()),
            "mac-address" => wishes.mac = Some(value.parse().map_err(|error| format!("{error}"))?),
            "driver-opt" => {
                let pair =
                    super::pairs::strict(value).map_err(|_| "invalid key value pair format in driver options")?;
                wishes.driver_opts.push(pair);
            }
            "gw-priority" => {
                wishes.gw_priority = value.parse().map_err(|_| format!("invalid gw-priority {value:?}"))?;
            }
            _ => return Err(format!("invalid field key {key}")),
        }
        Ok(())
    }
}

impl Wishes {
    /// The wishes in the API's shape.
    pub fn settings(&self) -> EndpointSettings {
        let list = |list: &[String]| Some(list.to_vec()).filter(|list| !list.is_empty());
        let ipam = EndpointIpamConfig {
            ipv4_address: self.ip.into(),
            ipv6_address: self.ip6.into(),
            link_local_ips: self.link_local.iter().map(|ip| (*ip).into()).collect(),
        };
        EndpointSettings {
            ipam_config: Some(ipam).filter(|ipam| *ipam != EndpointIpamConfig::default()),
            links: list(&self.links),
            aliases: list(&self.aliases),
            driver_opts: Some(super::pairs::map(&self.driver_opts)).filter(|options| !options.is_empty()),
            gw_priority: self.gw_priority,
            mac_address: self.mac.into(),
            ..EndpointSettings::default()
        }
    }
}

/// The fields of a line of comma-separated values; a field in double quotes may hold commas.
fn fields(text: &str) -> Result<Vec<String>, String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    if quoted { Err("a quotation mark is not closed".to_owned()) } else { Ok(fields) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_has_no_wishes() {
        let choice = NetworkChoice::parse("front").unwrap();
        assert_eq!((choice.network.as_str(), choice.wishes), ("front", Wishes::default()));
    }

    #[test]
    fn the_long_form_says_all_about_the_endpoint() {
        let text = "name=n,alias=a,alias=b,ip=10.0.0.9,ip6=fd00::9,mac-address=02:42:00:00:00:01,link-local-ip=169.254.1.1,\
                    driver-opt=k=v,\"driver-opt=x=1,2\",gw-priority=-3,link=db:d";
        let choice = NetworkChoice::parse(text).unwrap();
        let settings = choice.wishes.settings();
        assert_eq!(settings.aliases, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(settings.gw_priority, -3);
        assert_eq!(settings.driver_opts.as_ref().map(|options| options["x"].as_str()), Some("1,2"));
        let spec = settings.into_spec().unwrap();
        assert_eq!((spec.ipv4, spec.ipv6), ("10.0.0.9".parse().ok(), "fd00::9".parse().ok()));
        assert_eq!((spec.link_local_ips.len(), spec.links[0].alias.as_str()), (1, "d"));
    }

    #[test]
    fn wrong_fields_are_named() {
        for (text, reason) in [
            ("", "the name is empty"),
            ("alias=a", "network name/ID is not specified"),
            ("name=n,nope=1", "invalid field key nope"),
            ("name=n,alias", "invalid field alias"),
            ("name=n,ip=x", "invalid ip \"x\""),
            ("name=n,gw-priority=x", "invalid gw-priority \"x\""),
            ("name=n,driver-opt=k", "invalid key value pair format in driver options"),
            ("name=n,\"alias=a", "a quotation mark is not closed"),
        ] {
            assert_eq!(NetworkChoice::parse(text), Err(reason.to_owned()), "{text}");
        }
    }
}
