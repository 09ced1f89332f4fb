//! `pontoon version`.

use crate::error::Error;
use crate::output::{self, inspect};
use pontoon_api_types::{ApiVersion, SystemVersion};
use pontoon_client::blocking::Client;
use serde_json::{Value, json};

/// Shows our version and the daemon's. A daemon that cannot be asked is an error, after our own version.
pub fn run(client: &Client, format: Option<&str>) -> Result<u8, Error> {
    let template = format.map(inspect::parse).transpose()?;
    let server = client.version_info();
    let told = server.as_ref().ok();
    output::print(&match template {
        Some(template) => inspect::each(&template, &[fields(told)])?,
        None => text(told),
    })?;
    server.map(|_| 0).map_err(Error::Client)
}

fn fields(server: Option<&SystemVersion>) -> Value {
    let client = json!({
        "Version": env!("CARGO_PKG_VERSION"),
        "ApiVersion": ApiVersion::MAX.to_string(),
        "Os": std::env::consts::OS,
        "Arch": arch(),
    });
    json!({"Client": client, "Server": server})
}

/// Go's name of the architecture we were built for.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

fn text(server: Option<&SystemVersion>) -> String {
    let pair = |name: &str, value: &str| format!(" {name:<18}{value}\n");
    let mut out = String::from("Client: Pontoon\n");
    out.push_str(&pair("Version:", env!("CARGO_PKG_VERSION")));
    out.push_str(&pair("API version:", &ApiVersion::MAX.to_string()));
    out.push_str(&pair("OS/Arch:", &format!("{}/{}", std::env::consts::OS, arch())));
    let Some(server) = server else { return out };
    let name = if server.platform.name.is_empty() { "Engine" } else { &server.platform.name };
    out.push_str(&format!("\nServer: {name}\n"));
    out.push_str(&pair("Version:", &server.version));
    let api = format!("{} (minimum version {})", server.api_version, server.min_api_version);
    out.push_str(&pair("API version:", &api));
    out.push_str(&pair("Git commit:", &server.git_commit));
    out.push_str(&pair("Built:", &server.build_time));
    out.push_str(&pair("OS/Arch:", &format!("{}/{}", server.os, server.arch)));
    out.push_str(&pair("Kernel:", &server.kernel_version));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_shown() {
        let server = SystemVersion {
            version: "9.9".into(),
            api_version: "1.56".into(),
            min_api_version: "1.24".into(),
            ..SystemVersion::default()
        };
        let shown = text(Some(&server));
        assert!(shown.contains(" Version:          9.9\n"), "{shown}");
        assert!(shown.contains("1.56 (minimum version 1.24)"), "{shown}");
        assert!(!text(None).contains("Server"));
        let template = inspect::parse("{{.Server.Version}} {{.Client.ApiVersion}}").unwrap();
        assert_eq!(inspect::each(&template, &[fields(Some(&server))]).unwrap(), "9.9 1.56\n");
    }
}
