//! The JSON shapes of the Engine API and of our own sandbox API, and which API version has which field.
//!
//! Owns: request and response bodies, Go's decoding rules, the query filters and the version number. Must never
//! know HTTP, statuses, sockets or the state behind the shapes.

mod container;
mod disk;
mod endpoint;
mod error;
mod event;
mod filters;
mod human;
mod image;
mod ipam;
pub mod json;
mod network;
mod sandbox;
mod shared;
mod system;
mod time;
mod version;
mod volume;

pub use container::*;
pub use disk::{DiskUsage, LegacyDiskUsage, UsageOf};
pub use endpoint::{ConnectRequest, DisconnectRequest};
pub use error::{ErrorResponse, ShapeError};
pub use event::{EventActor, EventMessage, LegacyFields};
pub use filters::{Filters, FiltersError};
pub use human::human_duration;
pub use image::{
    AuthResponse, DeletedImage, ErrorDetail, GraphDriver, HistoryItem, ImageInspect, ImageMetadata, ImageSummary,
    ProgressDetail, ProgressLine, PruneImagesReport, RootFs,
};
pub use ipam::{Ipam, IpamConfig, IpamStatus, SubnetStatus};
pub use json::{BodyError, decode};
pub use network::{
    ConfigReference, CreateNetworkRequest, CreateNetworkResponse, EndpointResource, Network, NetworkStatus, PeerInfo,
    PruneReport,
};
pub use sandbox::{
    CreateSandboxRequest, CreateSandboxResponse, NamespaceConfig, NetworkSettings, Sandbox, SandboxConfig,
    SandboxState, SetPortsRequest, SetPortsResponse,
};
pub use shared::{
    Address, EndpointIpamConfig, EndpointSettings, HardwareAddress, HostBinding, Ordered, PortMap, Prefix,
    bindings_from_map, map_from_bindings, map_from_mappings, quote,
};
pub use system::{
    AddressPool, Commit, Component, FirewallInfo, Platform, PluginsInfo, SwarmInfo, SystemInfo, SystemVersion,
};
pub use time::{parse_rfc3339, rfc3339};
pub use version::{ApiVersion, VersionError};
pub use volume::{CreateVolumeRequest, Volume, VolumeList, VolumeUsage, VolumesPruned};
