//! Containers: what they are, their life cycle, their volumes, restart policies, health and events.
//!
//! Owns: every rule of the containers API that is not about HTTP. A container is a definition; a running one is a
//! sandbox of the core with a process in it. Knows nothing of HTTP, netlink or the format of OCI bundles.

mod archive;
mod container;
mod containers;
mod create;
mod definition;
mod error;
mod exec;
mod health;
mod images;
mod keeper;
mod life;
mod mounts;
mod names;
pub mod network;
mod plan;
mod restart;
mod settings;
mod signal;
pub mod spec;
mod state;
mod store;
mod supervise;
mod view;
mod volumes;

pub use archive::{PathStat, UnpackWish};
pub use containers::{Containers, Parts};
pub use create::{CreatedContainer, NewContainer};
pub use definition::Definition;
pub use error::{Error, Result};
pub use exec::{ExecView, NewExec};
pub use health::{CheckResult, Health, HealthStatus};
pub use images::{FoundImage, Images, RootfsSize};
pub use life::{Attached, Begun, RemoveWish, StopWish, Update, WaitCondition, Waited};
pub use mounts::MountPoint;
pub use settings::Settings;
pub use state::{State, Status};
pub use store::{Change, ContainerRecord, Definitions, States, StoredStates};
pub use view::{ContainerView, Counts};
pub use volumes::{PruneVolumes, Volume, VolumeRequest, VolumeView};
