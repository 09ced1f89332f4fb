//! What a container is asked to be: Docker's own shapes, used for requests, for storage and for inspect's echo.
//!
//! Owns: field names, order and absence as Docker's clients see them. Must never decide anything: what is allowed is
//! checked when a container is made.

mod config;
mod console;
mod devices;
mod endpoint;
mod error;
mod health;
mod host_config;
mod log;
mod mount;
mod networking;
mod ports;
mod restart;
mod words;

pub use config::{Config, EmptyObject};
pub use console::ConsoleSize;
pub use devices::{DeviceMapping, DeviceRequest, ThrottleDevice, Ulimit, WeightDevice};
pub use endpoint::{EndpointIpamConfig, EndpointSettings};
pub use error::SpecError;
pub use health::Healthcheck;
pub use host_config::HostConfig;
pub use log::LogConfig;
pub use mount::{
    BindOptions, ClusterOptions, DriverConfig, ImageOptions, Mount, MountKind, TmpfsOptions, VolumeOptions,
};
pub use networking::NetworkingConfig;
pub use ports::{HostBinding, PortMap, PortSet, bindings_from_map, map_from_bindings, map_from_mappings};
pub use restart::RestartPolicy;
pub use words::Words;
